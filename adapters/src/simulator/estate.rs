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

mod built_in;
mod error;
mod ranks;

pub use error::EstateError;
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

impl Estate {
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
