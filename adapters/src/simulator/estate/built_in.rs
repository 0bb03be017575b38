//! Estates that need no file: one for demonstrations, others for measurements.

use super::{Device, Estate, Further, OBJECT_LIMIT, PBX_LIMIT, User};
use super::{default_admin_password, default_firmware, default_name, default_node};
use super::{default_serial, default_system, default_type};

/// The group that the session user of the built-in estate is an active member of.
const GROUP: &str = "tapi";

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
