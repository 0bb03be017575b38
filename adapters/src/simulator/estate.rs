//! The estate of a simulated PBX: who is there. Written as TOML; one estate is built in.
//!
//! ```toml
//! system = "example"
//! name = "hq"
//!
//! [[user]]
//! cn = "TAPI"
//! h323 = "_TAPI_"
//! password = "secret"
//! active_groups = ["tapi"]
//!
//! [[user]]
//! cn = "Anna Berg"
//! e164 = "20"
//! groups = ["tapi"]
//! devices = [{ hw = "anna", text = "Phone" }]
//! ```

mod ranks;

pub use ranks::{One, Rank};

use engine::id::Guid;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

/// An estate file larger than this is not read: 16 MiB.
const FILE_LIMIT: u64 = 16 << 20;

/// Objects in one estate; far more than any PBX holds.
const OBJECT_LIMIT: usize = 200_000;

/// PBXs in one estate.
const PBX_LIMIT: usize = 1000;

/// The group that the session user of the built-in estate is an active member of.
const GROUP: &str = "tapi";

/// Who is there.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estate {
    /// System name (`GatekeeperID`).
    #[serde(default = "default_system")]
    pub system: String,
    /// Name of this PBX (`Location`).
    #[serde(default = "default_name")]
    pub name: String,
    /// What `Version` says of the firmware.
    #[serde(default = "default_firmware")]
    pub firmware: String,
    /// What `Version` says of the box.
    #[serde(default = "default_serial")]
    pub serial: String,
    /// Password of the account `admin`.
    #[serde(default = "default_admin_password")]
    pub admin_password: String,
    /// The objects: users, trunks, other PBXs.
    #[serde(default, rename = "user")]
    pub users: Vec<User>,
    /// Where other PBXs of the system answer that are not simulated with it.
    #[serde(default, rename = "location")]
    pub locations: Vec<Location>,
    /// Further PBXs that are simulated with it: its slaves and theirs, standbys, other masters.
    #[serde(default, rename = "pbx")]
    pub pbxs: Vec<Further>,
}

/// A PBX that is simulated together with the first one.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Further {
    /// Name of this PBX. Of a standby it is only how the simulator calls it; to others it has the
    /// name of the PBX that it stands by for.
    pub name: String,
    /// The PBX that it registers at.
    #[serde(default)]
    pub slave_of: Option<String>,
    /// The PBX in whose place it comes when that fails.
    #[serde(default)]
    pub standby_of: Option<String>,
    /// System name; that of the first one if not given.
    #[serde(default)]
    pub system: Option<String>,
    /// What `Version` says of the box; follows from its place in the file if not given.
    #[serde(default)]
    pub serial: Option<String>,
    /// The objects that are at home there. Accounts of its parent, or of the first PBX, exist there
    /// as well.
    #[serde(default, rename = "user")]
    pub users: Vec<User>,
}

/// An object of the PBX.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Long Name, unique.
    pub cn: String,
    /// Display name; the long name if not given.
    #[serde(default)]
    pub dn: Option<String>,
    /// Short Name, also the name of the account; `user` and the extension if not given.
    #[serde(default)]
    pub h323: Option<String>,
    /// Extension.
    #[serde(default)]
    pub e164: String,
    /// Identity; follows from the short name if not given.
    #[serde(default)]
    pub guid: Option<String>,
    /// Password; without one there is no account.
    #[serde(default)]
    pub password: Option<String>,
    /// Device class: `ep`, `gw`, …
    #[serde(default = "default_type", rename = "type")]
    pub kind: String,
    /// Object type: empty for a plain user, `trunk`, `loc`, …
    #[serde(default)]
    pub object: String,
    /// Groups it belongs to.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Groups it is an active member of: it sees the others in them.
    #[serde(default)]
    pub active_groups: Vec<String>,
    /// Devices configured.
    #[serde(default)]
    pub devices: Vec<Device>,
    /// Whether it is registered at the start.
    #[serde(default = "default_registered")]
    pub registered: bool,
    /// Home PBX, if it is another one.
    #[serde(default)]
    pub loc: String,
    /// Name of the numbering node.
    #[serde(default = "default_node")]
    pub node: String,
    /// Number of the numbering node.
    #[serde(default)]
    pub nodenum: String,
    /// Of a numbering node: what its users dial before numbers from the root. Without it they reach
    /// those whose digits nobody in the node has.
    #[serde(default)]
    pub escape: String,
    /// Hidden from the directory.
    #[serde(default)]
    pub hidden: bool,
}

/// A device of a user.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// What it registers with.
    pub hw: String,
    /// What the administrator wrote beside it.
    #[serde(default)]
    pub text: String,
}

/// Where another PBX answers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Short Name of its object.
    pub name: String,
    /// Its address for SOAP, as `LocationUrl` gives it.
    pub url: String,
    /// The same over TLS; `url` with `https` if not given.
    #[serde(default)]
    pub tls_url: Option<String>,
    /// Whether it is registered here now.
    #[serde(default = "default_registered")]
    pub registered: bool,
}

impl std::fmt::Debug for Estate {
    /// Names and passwords stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Estate({}, {} objects)", self.name, self.users.len())
    }
}

/// Why an estate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EstateError {
    /// The file cannot be read.
    #[error("cannot read the estate {path}: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        why: std::io::Error,
    },
    /// The file is larger than 16 MiB.
    #[error("the estate {0} is larger than 16 MiB; split it over several simulators")]
    TooLarge(String),
    /// The text is not TOML, or a key is unknown or wrong; the message names it and its line.
    #[error("the estate does not read: {0}")]
    Malformed(String),
    /// More objects than any PBX holds.
    #[error("the estate has {0} objects; at most {OBJECT_LIMIT} are possible")]
    TooMany(usize),
    /// Two objects have the same name, number or GUID.
    #[error("two objects of the estate have the {what} {value}; it must be unique")]
    Twice {
        /// `cn`, `h323`, `e164` or `guid`.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// An object without a long name.
    #[error("an object of the estate has an empty cn; every object needs a long name")]
    Nameless,
    /// A PBX refers to one that there is not before it.
    #[error(
        "the PBX {pbx} names {other}, which must come before it in the estate and be no standby"
    )]
    NoSuchPbx {
        /// Which PBX.
        pbx: String,
        /// Whom it names.
        other: String,
    },
    /// A standby with users, or one that is a slave as well.
    #[error(
        "the PBX {0} is a standby: it has the users of the PBX it stands by for, and no others"
    )]
    StandbyWithUsers(String),
    /// A PBX has two standbys.
    #[error("the PBX {0} has two standbys; one is possible")]
    TwoStandbys(String),
    /// More PBXs than a site may have.
    #[error("the estate has {0} PBXs; at most {PBX_LIMIT} are possible")]
    TooManyPbxs(usize),
}

impl Estate {
    /// The estate for demonstrations and tests: the account `_TAPI_` with the password `secret`,
    /// whose user `TAPI` sees twelve users (extensions 20 to 31) and a trunk (`0`).
    #[must_use]
    pub fn built_in() -> Estate {
        let mut estate = Estate::empty();
        estate.users.push(session_user());
        for (row, (cn, dn, h323)) in BUILT_IN.iter().enumerate() {
            let mut devices = vec![Device { hw: (*h323).into(), text: "Phone".into() }];
            if *h323 == "jurgen" {
                devices.push(Device { hw: "jurgen-dect".into(), text: "DECT".into() });
            }
            estate.users.push(User {
                cn: (*cn).into(),
                dn: Some((*dn).into()),
                h323: Some((*h323).into()),
                e164: (20 + row).to_string(),
                guid: Some(format!("111122223333444455556666777700{}", 20 + row)),
                devices,
                ..member()
            });
        }
        estate.users.push(trunk());
        estate
    }

    /// An estate of so many users with extensions of equal length, for measurements. They have
    /// the session user and the trunk of the built-in one.
    #[must_use]
    pub fn with_users(count: usize) -> Estate {
        let count = count.min(OBJECT_LIMIT - 2);
        // No extension begins with the trunk's 0, and all have the same length.
        let first = 10_usize.pow(count.max(10).ilog10() + 1);
        let mut estate = Estate::empty();
        estate.users.push(session_user());
        estate.users.extend((first..first + count).map(|number| User {
            cn: format!("User {number}"),
            h323: Some(format!("u{number}")),
            e164: number.to_string(),
            devices: vec![Device { hw: format!("u{number}"), text: "Phone".into() }],
            ..member()
        }));
        estate.users.push(trunk());
        estate
    }

    /// An estate of a master and so many slaves, each with so many users, for measurements.
    #[must_use]
    pub fn with_slaves(slaves: usize, users: usize) -> Estate {
        let users = users.min(OBJECT_LIMIT / (slaves + 1));
        let mut estate = Estate::with_users(users);
        estate.pbxs = (1..=slaves.min(PBX_LIMIT - 1))
            .map(|slave| Further {
                name: format!("slave{slave}"),
                slave_of: Some(estate.name.clone()),
                users: Estate::with_users(users)
                    .users
                    .into_iter()
                    .filter(|user| user.object.is_empty() && user.password.is_none())
                    .map(|user| User {
                        cn: format!("{} of {slave}", user.cn),
                        h323: Some(format!("{}s{slave}", user.short_name())),
                        nodenum: format!("9{slave:03}"),
                        ..user
                    })
                    .collect(),
                ..Further::default()
            })
            .collect();
        estate
    }

    /// Reads an estate file.
    ///
    /// # Errors
    /// See [`EstateError`]; a message about the text names the key and the line.
    pub fn read(path: &Path) -> Result<Estate, EstateError> {
        let unreadable = |why| EstateError::Unreadable { path: path.display().to_string(), why };
        if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_LIMIT {
            return Err(EstateError::TooLarge(path.display().to_string()));
        }
        Estate::parse(&std::fs::read_to_string(path).map_err(unreadable)?)
    }

    /// Reads an estate from the text of a file.
    ///
    /// # Errors
    /// See [`EstateError`].
    pub fn parse(text: &str) -> Result<Estate, EstateError> {
        let estate: Estate =
            toml::from_str(text).map_err(|why| EstateError::Malformed(why.to_string()))?;
        estate.check()?;
        Ok(estate)
    }

    fn check(&self) -> Result<(), EstateError> {
        self.check_ranks()?;
        self.expanded().iter().try_for_each(|one| one.estate.check_objects())
    }

    fn check_objects(&self) -> Result<(), EstateError> {
        if self.users.len() > OBJECT_LIMIT {
            return Err(EstateError::TooMany(self.users.len()));
        }
        if self.users.iter().any(|user| user.cn.trim().is_empty()) {
            return Err(EstateError::Nameless);
        }
        unique("cn", self.users.iter().map(|user| user.cn.clone()))?;
        unique("h323", self.users.iter().map(User::short_name))?;
        unique("guid", self.users.iter().map(|user| user.identity().to_string()))?;
        unique("e164", self.users.iter().map(|user| format!("{}{}", user.nodenum, user.e164)))
    }

    fn empty() -> Estate {
        Estate {
            system: default_system(),
            name: default_name(),
            firmware: default_firmware(),
            serial: default_serial(),
            admin_password: default_admin_password(),
            users: Vec::new(),
            locations: Vec::new(),
            pbxs: Vec::new(),
        }
    }
}

impl User {
    /// Short Name, given or derived.
    #[must_use]
    pub fn short_name(&self) -> String {
        match &self.h323 {
            Some(h323) => h323.clone(),
            None if self.e164.is_empty() => self.cn.clone(),
            None => format!("user{}", self.e164),
        }
    }

    /// Display name, given or the long one.
    #[must_use]
    pub fn display_name(&self) -> String {
        self.dn.clone().unwrap_or_else(|| self.cn.clone())
    }

    /// GUID, given or derived from the short name.
    #[must_use]
    pub fn identity(&self) -> Guid {
        match &self.guid {
            Some(guid) => Guid::read(guid),
            None => Guid::read(&format!("object {}", self.short_name())),
        }
    }
}

/// Long name, display name, short name of the users of the built-in estate, from extension 20 on.
/// The names are chosen to hurt: markup, quotes, letters of one, two, three and four bytes.
const BUILT_IN: [(&str, &str, &str); 12] = [
    ("Anna Berg", "Anna Berg", "anna"),
    ("Bob & <Sons>", "Bob & <Sons>", "bob"),
    ("Jürgen Müller", "Jürgen Müller", "jurgen"),
    ("王小明", "王小明", "xiaoming"),
    ("Mia Fox", "Mia 🦊 Fox", "mia"),
    ("Zoë Ångström", "Zoë Ångström", "zoe"),
    ("Pat \"Ace\" O'Neil", "Pat \"Ace\" O'Neil", "pat"),
    ("佐藤 花子", "佐藤 花子", "hanako"),
    ("Иван Петров", "Иван Петров", "ivan"),
    ("François Lefèvre", "F. Lefèvre", "francois"),
    ("Dora Eng", "Dora Eng", "dora"),
    ("Söhne & Töchter", "S&T", "soehne"),
];

fn member() -> User {
    User {
        kind: default_type(),
        groups: vec![GROUP.into()],
        registered: true,
        node: default_node(),
        ..User::default()
    }
}

fn session_user() -> User {
    User {
        cn: "TAPI".into(),
        h323: Some("_TAPI_".into()),
        guid: Some("02e8330690000000d3119e0900b27ce1".into()),
        password: Some("secret".into()),
        groups: Vec::new(),
        active_groups: vec![GROUP.into()],
        registered: false,
        ..member()
    }
}

fn trunk() -> User {
    User {
        cn: "Trunk 1".into(),
        h323: Some("trunk1".into()),
        e164: "0".into(),
        guid: Some("11112222333344445555666677770000".into()),
        kind: "gw".into(),
        object: "trunk".into(),
        ..member()
    }
}

fn unique(what: &'static str, values: impl Iterator<Item = String>) -> Result<(), EstateError> {
    let mut seen = BTreeSet::new();
    for value in values.filter(|value| !value.is_empty()) {
        if seen.contains(&value) {
            return Err(EstateError::Twice { what, value });
        }
        seen.insert(value);
    }
    Ok(())
}

fn default_system() -> String {
    "example".into()
}

fn default_name() -> String {
    "hq".into()
}

fn default_firmware() -> String {
    "V10.00 simulator".into()
}

fn default_serial() -> String {
    "00-90-33-00-00-01".into()
}

fn default_admin_password() -> String {
    "admin".into()
}

fn default_type() -> String {
    "ep".into()
}

fn default_node() -> String {
    "root".into()
}

fn default_registered() -> bool {
    true
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_estate_is_sound_and_has_what_the_demonstration_needs() {
        let estate = Estate::built_in();
        estate.check().unwrap();
        let extensions: Vec<&str> = estate.users.iter().map(|user| user.e164.as_str()).collect();
        assert_eq!(
            extensions,
            ["", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31", "0"]
        );
        assert_eq!(estate.users.iter().filter(|user| user.devices.len() == 2).count(), 1);
        assert!(estate.users.iter().any(|user| user.cn == "Bob & <Sons>"));
        assert_eq!(estate.users[0].short_name(), "_TAPI_");
    }

    #[test]
    fn generated_users_have_unique_extensions_that_do_not_begin_with_the_trunk() {
        for count in [0, 1, 9, 10, 99, 2000] {
            let estate = Estate::with_users(count);
            estate.check().unwrap();
            assert_eq!(estate.users.len(), count + 2);
            assert!(estate.users[1..=count].iter().all(|user| !user.e164.starts_with('0')));
        }
    }

    #[test]
    fn an_estate_with_slaves_is_sound() {
        let estate = Estate::with_slaves(12, 10);
        estate.check().unwrap();
        let all = estate.expanded();
        assert_eq!(all.len(), 13);
        // The account, ten users and the trunk; twelve slaves with an object and ten users each.
        assert_eq!(all[0].estate.users.len(), 12 + 12 * 11);
        assert_eq!(all[12].estate.users.len(), 11);
    }

    #[test]
    fn an_estate_reads_from_toml() {
        let estate = Estate::parse(
            "name = \"branch\"\n[[user]]\ncn = \"Eva\"\ne164 = \"40\"\ndevices = [{ hw = \"eva\" }]\n\
             [[location]]\nname = \"hq\"\nurl = \"http://192.0.2.1/PBX0/user.soap\"\n",
        )
        .unwrap();
        assert_eq!(estate.name, "branch");
        assert_eq!(estate.users[0].short_name(), "user40");
        assert!(estate.users[0].registered);
        assert_eq!(estate.locations.len(), 1);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = Estate::parse("name = \"hq\"\n[[user]]\ncn = \"Eva\"\nextention = \"40\"\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("line 4") && error.contains("extention"), "{error}");
    }

    #[test]
    fn two_objects_of_one_number_are_refused() {
        let error = Estate::parse(
            "[[user]]\ncn = \"Eva\"\ne164 = \"40\"\nh323 = \"a\"\n\
             [[user]]\ncn = \"Ada\"\ne164 = \"40\"\nh323 = \"b\"\n",
        )
        .unwrap_err();
        assert!(matches!(error, EstateError::Twice { what: "e164", .. }), "{error}");
    }

    #[test]
    fn a_password_does_not_print() {
        assert!(!format!("{:?}", Estate::built_in()).contains("secret"));
    }
}
