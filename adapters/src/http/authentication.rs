//! HTTP authentication: which of the schemes that a PBX offers to use, and the answer to it.
//!
//! Source: RFC 7617 (Basic), RFC 7616 and its forerunners 2617 and 2069 (Digest); the PBX's SOAP
//! reference, section 1.2. Old boxes offer Digest with MD5, with or without `qop`; some are set to
//! Basic only.

use crate::secret::Account;
use digest_auth::{Algorithm, AlgorithmType, AuthContext, Charset, Qop, WwwAuthenticateHeader};

/// No box has reason to send more than this many challenges; the rest is not looked at.
const CHALLENGES_MAX: usize = 16;

/// A nonce is used this often at most, then the box is asked for a new one by a request without
/// authentication. Far above what any box allows, so in practice the box decides.
const NONCE_USES_MAX: u32 = 0x00FF_FFFF;

/// What we know about how to authenticate: the scheme chosen among those offered, and for Digest
/// the nonce with the count of its uses.
pub(super) enum Scheme {
    /// Name and password in the clear, on every request from now on.
    Basic,
    /// An answer computed from the nonce.
    Digest(Box<WwwAuthenticateHeader>),
}

/// What to put in the request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credentials {
    /// Name and password as they are.
    Basic,
    /// The complete value of the `Authorization` field.
    Header(String),
}

impl Scheme {
    /// Chooses the strongest scheme offered that we can answer: Digest with SHA-512/256, SHA-256
    /// or MD5, then Basic. `None` if there is none of them.
    pub(super) fn strongest<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Option<Scheme> {
        fields
            .flat_map(|field| challenges(&decoded(field)))
            .take(CHALLENGES_MAX)
            .filter_map(|challenge| challenge.scheme())
            .max_by_key(Scheme::strength)
    }

    fn strength(&self) -> u8 {
        match self {
            Scheme::Basic => 0,
            Scheme::Digest(prompt) => match prompt.algorithm.algo {
                AlgorithmType::MD5 => 1,
                AlgorithmType::SHA2_256 => 2,
                AlgorithmType::SHA2_512_256 => 3,
            },
        }
    }

    /// The credentials for one more `POST` to `path`. Counts the use of the nonce; `None` if the
    /// nonce is worn out.
    pub(super) fn credentials(
        &mut self,
        account: &Account,
        path: &str,
        body: &[u8],
    ) -> Option<Credentials> {
        let prompt = match self {
            Scheme::Basic => return Some(Credentials::Basic),
            Scheme::Digest(prompt) if prompt.nc >= NONCE_USES_MAX => return None,
            Scheme::Digest(prompt) => prompt,
        };
        // digest_auth prefers auth-int whenever it is given a body, so it gets one only from a
        // box that offers nothing else.
        let only_int = prompt.qop.as_ref().is_some_and(|offers| !offers.contains(&Qop::AUTH));
        let (name, password) = (&*account.name, account.password.reveal());
        let context = AuthContext::new_post(name, password, path, only_int.then_some(body));
        prompt.respond(&context).ok().map(|answer| Credentials::Header(answer.to_string()))
    }
}

/// One challenge of a `WWW-Authenticate` field.
#[derive(Debug, Default, PartialEq, Eq)]
struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// The scheme, if it is one that we can answer.
    fn scheme(&self) -> Option<Scheme> {
        if self.scheme.eq_ignore_ascii_case("Basic") {
            return Some(Scheme::Basic);
        }
        if !self.scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let says = |name, word: &str| self.get(name).is_some_and(|v| v.eq_ignore_ascii_case(word));
        let prompt = WwwAuthenticateHeader {
            domain: None,
            realm: self.get("realm")?.to_owned(),
            nonce: self.get("nonce")?.to_owned(),
            opaque: self.get("opaque").map(str::to_owned),
            stale: says("stale", "true"),
            algorithm: algorithm(self.get("algorithm"))?,
            qop: qualities(self.get("qop"))?,
            userhash: says("userhash", "true"),
            charset: if says("charset", "UTF-8") { Charset::UTF8 } else { Charset::ASCII },
            nc: 0,
        };
        Some(Scheme::Digest(Box::new(prompt)))
    }
}

/// The algorithm named, in any letter case; MD5 if none is named.
fn algorithm(name: Option<&str>) -> Option<Algorithm> {
    let name = name.unwrap_or("MD5").to_ascii_uppercase();
    let (base, session) = match name.strip_suffix("-SESS") {
        Some(base) => (base, true),
        None => (&*name, false),
    };
    let kind = match base {
        "MD5" => AlgorithmType::MD5,
        "SHA-256" => AlgorithmType::SHA2_256,
        "SHA-512-256" => AlgorithmType::SHA2_512_256,
        _ => return None,
    };
    Some(Algorithm::new(kind, session))
}

/// The qualities of protection offered that we know: `Some(None)` if the box speaks the oldest
/// Digest, which has none; `None` if it offers only unknown ones.
#[allow(clippy::option_option)]
fn qualities(offered: Option<&str>) -> Option<Option<Vec<Qop>>> {
    let Some(offered) = offered.filter(|text| !text.trim().is_empty()) else {
        return Some(None);
    };
    let known: Vec<Qop> = offered
        .split(',')
        .filter_map(|word| match word.trim().to_ascii_lowercase().as_str() {
            "auth" => Some(Qop::AUTH),
            "auth-int" => Some(Qop::AUTH_INT),
            _ => None,
        })
        .collect();
    (!known.is_empty()).then_some(Some(known))
}

/// A field's bytes as text: UTF-8, or else Latin-1, as the rest of the PBX's output.
fn decoded(field: &[u8]) -> String {
    match std::str::from_utf8(field) {
        Ok(text) => text.to_owned(),
        Err(_) => field.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Takes a `WWW-Authenticate` field apart: `scheme name=value, name="value", scheme …`.
///
/// Total: what cannot be understood is left out. A word followed by `=` is a parameter of the
/// scheme before it, any other word begins a scheme.
fn challenges(field: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = field;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',', '=']);
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        if end == 0 {
            return found;
        }
        let (word, after) = rest.split_at(end);
        rest = after.trim_start_matches([' ', '\t']);
        match rest.strip_prefix('=') {
            None => found.push(Challenge { scheme: word.to_owned(), ..Challenge::default() }),
            Some(value) => {
                let (value, after) = parameter(value.trim_start_matches([' ', '\t']));
                if let Some(challenge) = found.last_mut() {
                    challenge.parameters.push((word.to_ascii_lowercase(), value));
                }
                rest = after;
            }
        }
    }
}

/// Reads one parameter value, quoted or not; gives it and what follows it.
fn parameter(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use digest_auth::AuthorizationHeader;
    use proptest::prelude::*;

    fn account() -> Account {
        Account { name: "Mufasa".into(), password: Secret::new("Circle of Life".to_owned()) }
    }

    fn strongest(fields: &[&str]) -> Option<Scheme> {
        Scheme::strongest(fields.iter().map(|field| field.as_bytes()))
    }

    fn name_of(scheme: Option<&Scheme>) -> String {
        match scheme {
            None => "none".to_owned(),
            Some(Scheme::Basic) => "Basic".to_owned(),
            Some(Scheme::Digest(prompt)) => prompt.algorithm.to_string(),
        }
    }

    #[test]
    fn the_strongest_scheme_offered_is_chosen() {
        let basic = "Basic realm=\"pbx\"";
        let md5 = "Digest realm=\"pbx\", nonce=\"a\", qop=\"auth\"";
        let sha = "digest realm=\"pbx\",nonce=\"b\",algorithm=sha-256,qop=auth";
        let odd = "Digest realm=\"pbx\", nonce=\"c\", algorithm=SHA3-256";
        let table: [(&[&str], &str); 9] = [
            (&[], "none"),
            (&["Negotiate", "NTLM TlRMTVNTUAAC=="], "none"),
            (&[basic], "Basic"),
            (&[basic, md5], "MD5"),
            (&[md5, basic], "MD5"),
            (&[md5, sha], "SHA-256"),
            (&["Basic realm=\"pbx\", Digest realm=\"a, b\", nonce=\"x\""], "MD5"),
            (&[odd], "none"),
            (&[odd, basic], "Basic"),
        ];
        for (fields, expected) in table {
            assert_eq!(name_of(strongest(fields).as_ref()), expected, "{fields:?}");
        }
    }

    #[test]
    fn a_challenge_keeps_commas_quotes_and_equal_signs_inside_its_values() {
        let found = challenges(r#"Digest realm="a, \"b\" = c" , nonce = "x==",stale=TRUE, Basic"#);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].get("realm"), Some("a, \"b\" = c"));
        assert_eq!(found[0].get("nonce"), Some("x=="));
        assert_eq!(found[0].get("stale"), Some("TRUE"));
        assert_eq!(found[1], Challenge { scheme: "Basic".to_owned(), parameters: vec![] });
    }

    /// What a server computes from the answer, with the package's server side.
    fn verified(header: &str, body: &[u8]) -> AuthorizationHeader {
        let answer = AuthorizationHeader::parse(header.trim_start_matches("Digest ")).unwrap();
        let mut again = answer.clone();
        let body = (answer.qop == Some(Qop::AUTH_INT)).then_some(body);
        again.digest(&AuthContext::new_post("Mufasa", "Circle of Life", "/PBX0/user.soap", body));
        assert_eq!(again.response, answer.response, "{header}");
        answer
    }

    #[test]
    fn a_digest_is_answered_in_each_dialect_and_its_uses_are_counted() {
        let table = [
            ("", None),
            (", qop=\"auth\"", Some(Qop::AUTH)),
            (", qop=\"auth,auth-int\"", Some(Qop::AUTH)),
            (", qop=\"auth-int\"", Some(Qop::AUTH_INT)),
            (", qop=auth, algorithm=SHA-256", Some(Qop::AUTH)),
            (", qop=auth, algorithm=md5-sess", Some(Qop::AUTH)),
        ];
        for (dialect, qop) in table {
            let field = format!("Digest realm=\"pbx\", nonce=\"n\", opaque=\"o\"{dialect}");
            let mut scheme = strongest(&[&field]).unwrap();
            for uses in 1..=3 {
                let credentials = scheme.credentials(&account(), "/PBX0/user.soap", b"<body/>");
                let Some(Credentials::Header(header)) = credentials else { panic!("{dialect}") };
                let answer = verified(&header, b"<body/>");
                assert_eq!((answer.qop, answer.opaque.as_deref()), (qop, Some("o")), "{dialect}");
                if qop.is_some() {
                    assert_eq!(answer.nc, uses, "{dialect}");
                }
            }
        }
    }

    #[test]
    fn a_worn_out_nonce_gives_no_credentials() {
        let mut scheme = strongest(&["Digest realm=\"pbx\", nonce=\"n\", qop=auth"]).unwrap();
        if let Scheme::Digest(prompt) = &mut scheme {
            prompt.nc = NONCE_USES_MAX;
        }
        assert_eq!(scheme.credentials(&account(), "/", b""), None);
    }

    #[test]
    fn a_challenge_in_latin_1_does_not_stop_us() {
        let field: &[u8] = b"Digest realm=\"T\xFCr\", nonce=\"n\"";
        assert_eq!(name_of(Scheme::strongest([field].into_iter()).as_ref()), "MD5");
    }

    proptest! {
        #[test]
        fn any_challenge_is_survived(field in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(mut scheme) = Scheme::strongest([&field[..]].into_iter()) {
                let _ = scheme.credentials(&account(), "/", b"");
            }
        }

        #[test]
        fn any_realm_comes_back_as_it_was_sent(realm in "[ -~]{0,40}") {
            let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
            let found = challenges(&format!("Digest realm=\"{quoted}\", nonce=\"n\""));
            prop_assert_eq!(found[0].get("realm"), Some(&*realm));
        }
    }
}
