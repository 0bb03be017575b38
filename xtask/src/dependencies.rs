//! Licences and advisories of the packages we use, checked without network.
//!
//! What may be used is in `deny.toml`, in the form that cargo-deny reads too. Without network only
//! what is written there can be known; the file says so.

use crate::workspace;
use crate::{During, Problem};
use serde_json::Value;

/// One package of Cargo.lock.
struct Package {
    name: String,
    version: String,
    licence: String,
    source: String,
}

/// Checks every package that any target could need.
pub(crate) fn check() -> Result<(), Problem> {
    let rules = Rules::read()?;
    let packages = packages()?;
    let mut complaints = Vec::new();
    for package in &packages {
        complaints.extend(rules.judge(package));
    }
    if complaints.is_empty() {
        println!("{} packages, none against the rules", packages.len());
        Ok(())
    } else {
        Err(Problem::new(format!("against deny.toml:\n    {}", complaints.join("\n    "))))
    }
}

fn packages() -> Result<Vec<Package>, Problem> {
    let metadata = workspace::metadata()?;
    let list = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(list
        .iter()
        .map(|package| Package {
            name: text(&package["name"]),
            version: text(&package["version"]),
            licence: text(&package["license"]),
            source: text(&package["source"]),
        })
        .collect())
}

/// What `deny.toml` says, as far as we read it.
struct Rules {
    licences: Vec<String>,
    registries: Vec<String>,
    bans: Vec<Ban>,
}

/// A package, or some versions of it, that may not be used.
struct Ban {
    name: String,
    versions: Vec<Bound>,
    reason: String,
}

/// A part of a version requirement such as `<0.41`.
struct Bound {
    sign: Sign,
    version: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Below,
    AtMost,
    Exactly,
    AtLeast,
    Above,
}

impl Rules {
    fn read() -> Result<Rules, Problem> {
        let file = workspace::root().join("deny.toml");
        let text = std::fs::read_to_string(&file).during(format!("read {}", file.display()))?;
        Rules::parse(&text)
    }

    fn parse(text: &str) -> Result<Rules, Problem> {
        let table: toml::Table = text.parse().during("understand deny.toml")?;
        let strings = |section: &str, key: &str| -> Vec<String> {
            let list = table.get(section).and_then(|section| section.get(key)?.as_array());
            let texts = list.into_iter().flatten().filter_map(|text| text.as_str());
            texts.map(str::to_owned).collect()
        };
        let bans = table.get("bans").and_then(|section| section.get("deny")?.as_array());
        Ok(Rules {
            licences: strings("licenses", "allow"),
            registries: strings("sources", "allow-registry"),
            bans: bans.into_iter().flatten().map(Ban::parse).collect::<Result<_, _>>()?,
        })
    }

    /// What is wrong with a package.
    fn judge(&self, package: &Package) -> Vec<String> {
        let Package { name, version, licence, source } = package;
        let mut complaints = Vec::new();
        if !self.allows(licence) {
            complaints.push(format!("{name} {version} is licensed as {licence:?}"));
        }
        // Packages without a source are our own.
        let registry = source.strip_prefix("registry+").unwrap_or(source);
        if !source.is_empty() && !self.registries.iter().any(|allowed| allowed == registry) {
            complaints.push(format!("{name} {version} comes from {source}"));
        }
        for ban in self.bans.iter().filter(|ban| ban.hits(name, version)) {
            complaints.push(format!("{name} {version} is banned: {}", ban.reason));
        }
        complaints
    }

    /// Whether an SPDX expression can be satisfied with the allowed licences.
    fn allows(&self, expression: &str) -> bool {
        // An old way to write OR.
        let expression = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
        let words: Vec<&str> = expression.split_whitespace().collect();
        let mut rest = words.as_slice();
        !words.is_empty() && self.any_of(&mut rest) && rest.is_empty()
    }

    /// `a OR b`, where AND binds closer.
    fn any_of(&self, words: &mut &[&str]) -> bool {
        let mut holds = self.all_of(words);
        while let Some(("OR", rest)) = words.split_first().map(|(first, rest)| (*first, rest)) {
            *words = rest;
            holds |= self.all_of(words);
        }
        holds
    }

    fn all_of(&self, words: &mut &[&str]) -> bool {
        let mut holds = self.one(words);
        while let Some(("AND", rest)) = words.split_first().map(|(first, rest)| (*first, rest)) {
            *words = rest;
            holds &= self.one(words);
        }
        holds
    }

    /// A licence, with its exception, or an expression in parentheses.
    fn one(&self, words: &mut &[&str]) -> bool {
        let Some((first, rest)) = words.split_first() else { return false };
        *words = rest;
        if *first == "(" {
            let holds = self.any_of(words);
            // The closing one; without it the expression is not satisfied.
            let closed = words.first() == Some(&")");
            *words = words.get(1..).unwrap_or_default();
            return holds && closed;
        }
        let mut name = (*first).to_owned();
        if let ["WITH", exception, rest @ ..] = *words {
            name = format!("{name} WITH {exception}");
            *words = rest;
        }
        self.licences.contains(&name)
    }
}

impl Ban {
    /// `{ crate = "quick-xml@<0.41", reason = "…" }`; without a version, all versions.
    fn parse(value: &toml::Value) -> Result<Ban, Problem> {
        let text = |key| value.get(key).and_then(toml::Value::as_str);
        let (Some(spec), Some(reason)) = (text("crate"), text("reason")) else {
            return Err(Problem::new(format!("deny.toml: {value} needs `crate` and `reason`")));
        };
        let (name, versions) = spec.split_once('@').unwrap_or((spec, ""));
        let bounds = versions.split(',').filter(|bound| !bound.trim().is_empty());
        Ok(Ban {
            name: name.to_owned(),
            versions: bounds.map(Bound::parse).collect::<Result<_, _>>()?,
            reason: reason.to_owned(),
        })
    }

    fn hits(&self, name: &str, version: &str) -> bool {
        let version = numbers(version);
        self.name == name && self.versions.iter().all(|bound| bound.holds(&version))
    }
}

impl Bound {
    fn parse(text: &str) -> Result<Bound, Problem> {
        let signs = [
            ("<=", Sign::AtMost),
            (">=", Sign::AtLeast),
            ("<", Sign::Below),
            (">", Sign::Above),
            ("=", Sign::Exactly),
        ];
        let text = text.trim();
        let found =
            signs.iter().find_map(|(sign, meaning)| Some((text.strip_prefix(sign)?, meaning)));
        let (rest, sign) = found.ok_or_else(|| {
            Problem::new(format!("deny.toml: {text:?} needs one of < <= = >= > before the version"))
        })?;
        Ok(Bound { sign: *sign, version: numbers(rest) })
    }

    fn holds(&self, version: &[u64]) -> bool {
        // Missing parts are zeros: 0.41 is 0.41.0.
        let part = |version: &[u64], at: usize| version.get(at).copied().unwrap_or(0);
        let order = (0..3)
            .map(|at| part(version, at).cmp(&part(&self.version, at)))
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal);
        match self.sign {
            Sign::Below => order.is_lt(),
            Sign::AtMost => order.is_le(),
            Sign::Exactly => order.is_eq(),
            Sign::AtLeast => order.is_ge(),
            Sign::Above => order.is_gt(),
        }
    }
}

/// The numbers of a version; what follows `-` or `+` does not matter here.
fn numbers(version: &str) -> Vec<u64> {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    plain.trim().split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules::parse(
            r#"
            [licenses]
            allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"]
            [sources]
            allow-registry = ["https://example.org/index"]
            [bans]
            deny = [
                { crate = "openssl", reason = "needs a C library" },
                { crate = "quick-xml@<0.41", reason = "denial of service" },
                { crate = "time@>=0.3.6, <0.3.47", reason = "stack overflow" },
            ]
            "#,
        )
        .unwrap()
    }

    fn complaints(name: &str, version: &str, licence: &str) -> Vec<String> {
        let source = "registry+https://example.org/index".to_owned();
        let (name, version, licence) = (name.to_owned(), version.to_owned(), licence.to_owned());
        rules().judge(&Package { name, version, licence, source })
    }

    #[test]
    fn a_licence_expression_is_satisfied_by_what_is_allowed() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
        ] {
            assert!(rules().allows(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "GPL-3.0 WITH LLVM-exception", "(MIT"] {
            assert!(!rules().allows(bad), "{bad}");
        }
    }

    #[test]
    fn a_banned_version_is_told_from_its_neighbours() {
        assert_eq!(complaints("quick-xml", "0.40.9", "MIT").len(), 1);
        assert!(complaints("quick-xml", "0.41.0", "MIT").is_empty());
        assert!(complaints("time", "0.3.5", "MIT").is_empty());
        assert_eq!(complaints("time", "0.3.6", "MIT").len(), 1);
        assert!(complaints("time", "0.3.47", "MIT").is_empty());
        assert_eq!(complaints("openssl", "99.0.0", "MIT").len(), 1);
    }

    #[test]
    fn a_package_from_elsewhere_is_a_complaint() {
        let package = Package {
            name: "x".into(),
            version: "1.0.0".into(),
            licence: "MIT".into(),
            source: "git+https://example.org/x".into(),
        };
        assert_eq!(rules().judge(&package).len(), 1);
    }

    #[test]
    fn the_rules_of_the_project_can_be_read() {
        let rules = Rules::read().unwrap();
        assert!(!rules.licences.is_empty() && !rules.bans.is_empty());
    }
}
