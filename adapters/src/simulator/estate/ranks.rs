//! What the PBXs of an estate are to each other, and what each of them knows.

use super::{Estate, EstateError, Further, PBX_LIMIT, User, default_node, unique};
use std::collections::BTreeSet;

/// What a PBX is to others; `P` says to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank<P> {
    /// Nobody is above it.
    Master,
    /// It is registered at that one.
    Slave(P),
    /// It comes in the place of that one.
    Standby(P),
}

/// One PBX of an estate by itself.
pub struct One {
    /// What the simulator calls it.
    pub name: String,
    /// What it is to others, by their place among all.
    pub rank: Rank<usize>,
    /// Who is there, users of slaves included.
    pub estate: Estate,
}

impl Estate {
    pub(super) fn check_ranks(&self) -> Result<(), EstateError> {
        if self.pbxs.len() >= PBX_LIMIT {
            return Err(EstateError::TooManyPbxs(self.pbxs.len() + 1));
        }
        let names = || std::iter::once(&self.name).chain(self.pbxs.iter().map(|pbx| &pbx.name));
        unique("name of a PBX", names().cloned())?;
        let mut stood_for = BTreeSet::new();
        for (index, pbx) in self.pbxs.iter().enumerate() {
            let before = &self.pbxs[..index];
            for other in pbx.slave_of.iter().chain(&pbx.standby_of) {
                let is_it = |known: &Further| known.name == *other && known.standby_of.is_none();
                if *other != self.name && !before.iter().any(is_it) {
                    let (pbx, other) = (pbx.name.clone(), other.clone());
                    return Err(EstateError::NoSuchPbx { pbx, other });
                }
            }
            if let Some(of) = &pbx.standby_of {
                if pbx.slave_of.is_some() || !pbx.users.is_empty() {
                    return Err(EstateError::StandbyWithUsers(pbx.name.clone()));
                }
                if !stood_for.insert(of) {
                    return Err(EstateError::TwoStandbys(of.clone()));
                }
            }
        }
        Ok(())
    }

    /// Each PBX by itself: with its own users, those of its slaves and of theirs as users of other
    /// PBXs, the objects that stand for these, and the accounts.
    #[must_use]
    pub fn expanded(&self) -> Vec<One> {
        let place = |name: &String| {
            let further = self.pbxs.iter().position(|pbx| pbx.name == *name);
            further.map_or(0, |index| index + 1)
        };
        let mut all = vec![One {
            name: self.name.clone(),
            rank: Rank::Master,
            estate: Estate { users: self.users.clone(), ..self.bare() },
        }];
        for (index, pbx) in self.pbxs.iter().enumerate() {
            let rank = match (&pbx.slave_of, &pbx.standby_of) {
                (_, Some(of)) => Rank::Standby(place(of)),
                (Some(of), None) => Rank::Slave(place(of)),
                (None, None) => Rank::Master,
            };
            let serial = pbx.serial.clone();
            let serial = serial
                .unwrap_or_else(|| format!("00-90-33-01-{:02x}-{:02x}", index >> 8, index & 255));
            let estate = Estate {
                name: pbx.name.clone(),
                system: pbx.system.clone().unwrap_or_else(|| self.system.clone()),
                serial,
                users: pbx.users.iter().map(|user| own(user, &pbx.name)).collect(),
                locations: Vec::new(),
                ..self.bare()
            };
            all.push(One { name: pbx.name.clone(), rank, estate });
        }
        self.give_accounts(&mut all);
        // The last ones first: a slave comes after its parent, so it is complete by then.
        for number in (1..all.len()).rev() {
            if let Rank::Slave(parent) = all[number].rank {
                let known = known_above(&all[number].estate);
                all[parent].estate.users.extend(known);
            }
        }
        for number in 1..all.len() {
            if let Rank::Standby(of) = all[number].rank {
                let model = &all[of].estate;
                let serial = all[number].estate.serial.clone();
                let mut replica = Estate { serial, ..model.clone() };
                replica.users.iter_mut().for_each(|user| user.registered = false);
                all[number].estate = replica;
            }
        }
        all
    }

    /// The same PBX by itself and without users: of a large site, a copy of all would be too much.
    fn bare(&self) -> Estate {
        Estate {
            system: self.system.clone(),
            name: self.name.clone(),
            firmware: self.firmware.clone(),
            serial: self.serial.clone(),
            admin_password: self.admin_password.clone(),
            users: Vec::new(),
            locations: self.locations.clone(),
            pbxs: Vec::new(),
        }
    }

    /// Accounts exist at every PBX that has none of its own.
    fn give_accounts(&self, all: &mut [One]) {
        let accounts: Vec<User> =
            self.users.iter().filter(|user| user.password.is_some()).cloned().collect();
        for one in all.iter_mut().skip(1) {
            if one.estate.users.iter().all(|user| user.password.is_none()) {
                let known: BTreeSet<String> =
                    one.estate.users.iter().map(|user| user.cn.clone()).collect();
                let missing = accounts.iter().filter(|user| !known.contains(&user.cn));
                one.estate.users.splice(0..0, missing.cloned());
            }
        }
    }
}

/// A user of a further PBX: with an identity that nobody of the same short name elsewhere has.
fn own(user: &User, pbx: &str) -> User {
    let derived = || format!("object {pbx} {}", user.short_name());
    User { guid: Some(user.guid.clone().unwrap_or_else(derived)), ..user.clone() }
}

/// What the parent of a PBX knows of it: the object that stands for it, and its users as users of
/// another PBX.
fn known_above(estate: &Estate) -> Vec<User> {
    let groups: BTreeSet<String> =
        estate.users.iter().flat_map(|user| user.active_groups.iter().cloned()).collect();
    let location = User {
        cn: format!("PBX {}", estate.name),
        h323: Some(estate.name.clone()),
        kind: String::new(),
        object: "loc".into(),
        groups: groups.into_iter().collect(),
        registered: false,
        node: default_node(),
        ..User::default()
    };
    let users = estate.users.iter().filter(|user| user.password.is_none());
    let away = users.filter(|user| user.object != "trunk").cloned().map(|user| User {
        loc: if user.loc.is_empty() { estate.name.clone() } else { user.loc.clone() },
        registered: false,
        guid: Some(user.identity().to_string()),
        ..user
    });
    std::iter::once(location).chain(away).collect()
}
