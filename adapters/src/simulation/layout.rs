//! Which PBXs there are under a seed: one, or a site with slaves, standbys and further masters.

use super::dice::Dice;
use crate::simulator::estate::{Estate, Further, User};
use engine::fact::PbxSettings;
use engine::place::Place;

/// Names of PBXs and what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// What people call it.
    pub(super) name: &'static str,
    further: &'static [Role],
}

/// A numbering node: its number, and what its users dial before numbers from the root.
const NODE: (&str, &str) = ("8", "9");

/// A PBX beside the first one, which is called `hq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A slave of that one.
    Slave(&'static str, &'static str),
    /// A standby of that one.
    Standby(&'static str, &'static str),
    /// The master of a tree of its own.
    Master(&'static str),
}

const LAYOUTS: [Layout; 7] = [
    Layout { name: "one PBX", further: &[] },
    Layout { name: "a master with a standby", further: &[Role::Standby("hq2", "hq")] },
    Layout { name: "a master with a slave", further: &[Role::Slave("branch", "hq")] },
    Layout {
        name: "a master with a slave that has a standby",
        further: &[Role::Slave("branch", "hq"), Role::Standby("branch2", "branch")],
    },
    Layout {
        name: "three levels",
        further: &[Role::Slave("branch", "hq"), Role::Slave("kiosk", "branch")],
    },
    Layout { name: "two masters", further: &[Role::Master("other")] },
    Layout {
        name: "two trees with slaves and standbys",
        further: &[
            Role::Standby("hq2", "hq"),
            Role::Slave("branch", "hq"),
            Role::Standby("branch2", "branch"),
            Role::Slave("kiosk", "branch"),
            Role::Master("other"),
        ],
    },
];

impl Layout {
    /// One PBX and nothing else.
    pub(super) fn alone() -> Layout {
        LAYOUTS[0]
    }

    /// The one that people call so.
    pub(super) fn named(name: &str) -> Option<Layout> {
        LAYOUTS.into_iter().find(|layout| layout.name == name)
    }

    /// How people call them.
    pub(super) fn names() -> Vec<&'static str> {
        LAYOUTS.iter().map(|layout| layout.name).collect()
    }

    /// In four seeds of ten there is one PBX.
    pub(super) fn of(dice: &mut Dice) -> Layout {
        if dice.happens(300) { LAYOUTS[0] } else { dice.choose(&LAYOUTS) }
    }

    /// Whether there is more than one.
    pub(super) fn is_site(self) -> bool {
        !self.further.is_empty()
    }

    /// Who is there, with so many users at the first PBX.
    pub(super) fn estate(self, users: usize) -> Estate {
        let mut estate = Estate::built_in();
        let last = 20 + users;
        let is_wanted = |e164: &str| e164.len() < 2 || e164.parse().is_ok_and(|n: usize| n < last);
        estate.users.retain(|user| is_wanted(&user.e164));
        let numbers = (50..).step_by(10);
        estate.pbxs =
            self.further.iter().zip(numbers).map(|(role, first)| role.pbx(first)).collect();
        estate
    }

    /// Where a PBX is reached.
    pub(super) fn place(self, number: usize) -> Place {
        let name = number.checked_sub(1).map_or("hq", |index| self.further[index].name());
        Place::at(&format!("{name}.example"))
    }

    /// The trees of the settings.
    pub(super) fn trees(self) -> Vec<PbxSettings> {
        let standby_of = |name: &str| {
            let is_it = |role: &Role| matches!(role, Role::Standby(_, of) if *of == name);
            self.further.iter().position(is_it).map(|index| self.place(index + 1))
        };
        let others = self.further.iter().zip(1..).filter_map(|(role, number)| match role {
            Role::Master(name) => Some((*name, number)),
            _ => None,
        });
        std::iter::once(("hq", 0))
            .chain(others)
            .map(|(name, number)| PbxSettings {
                master: self.place(number),
                standby: standby_of(name),
            })
            .collect()
    }

    /// The standby of a PBX, if it has one.
    pub(super) fn standby_of(self, number: usize) -> Option<usize> {
        let name = number.checked_sub(1).map_or("hq", |index| self.further[index].name());
        let is_it = |role: &Role| matches!(role, Role::Standby(_, of) if *of == name);
        self.further.iter().position(is_it).map(|index| index + 1)
    }

    /// Whether it is a slave.
    pub(super) fn is_slave(self, number: usize) -> bool {
        let role = number.checked_sub(1).and_then(|index| self.further.get(index));
        matches!(role, Some(Role::Slave(..)))
    }

    /// Whether it is a standby.
    pub(super) fn is_standby(self, number: usize) -> bool {
        let role = number.checked_sub(1).and_then(|index| self.further.get(index));
        matches!(role, Some(Role::Standby(..)))
    }

    /// Whether other PBXs are found through it.
    pub(super) fn has_slaves(self, number: usize) -> bool {
        let name = number.checked_sub(1).map_or("hq", |index| self.further[index].name());
        self.further.iter().any(|role| matches!(role, Role::Slave(_, of) if *of == name))
    }
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Role::Slave(name, _) | Role::Standby(name, _) | Role::Master(name) => name,
        }
    }

    fn pbx(self, first: usize) -> Further {
        let users = match self {
            Role::Standby(..) => Vec::new(),
            _ if self.is_in_node() => {
                vec![self.node(), self.user(first), self.user(first + 1)]
            }
            _ => vec![self.user(first), self.user(first + 1)],
        };
        let (slave_of, standby_of) = match self {
            Role::Slave(_, of) => (Some(of.to_owned()), None),
            Role::Standby(_, of) => (None, Some(of.to_owned())),
            Role::Master(_) => (None, None),
        };
        let name = self.name().to_owned();
        let system = matches!(self, Role::Master(_)).then(|| "elsewhere".to_owned());
        Further { name, slave_of, standby_of, system, users, serial: None }
    }

    /// Whether its users have a numbering node of their own.
    fn is_in_node(self) -> bool {
        self.name() == "kiosk"
    }

    fn user(self, number: usize) -> User {
        let (node, nodenum) = if self.is_in_node() { ("lab", NODE.0) } else { ("root", "") };
        User {
            cn: format!("{} & Co {number}", self.name()),
            e164: number.to_string(),
            kind: "ep".into(),
            groups: vec!["tapi".into()],
            registered: true,
            node: node.into(),
            nodenum: nodenum.into(),
            ..User::default()
        }
    }

    fn node(self) -> User {
        User {
            cn: "lab".into(),
            h323: Some("lab".into()),
            e164: NODE.0.into(),
            escape: NODE.1.into(),
            object: "node".into(),
            groups: vec!["tapi".into()],
            node: "root".into(),
            ..User::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::site::Site;

    #[test]
    fn every_layout_is_a_site_whose_boxes_are_where_the_settings_say() {
        for layout in LAYOUTS {
            let site = Site::new(&layout.estate(3), 1);
            assert_eq!(site.count(), 1 + layout.further.len(), "{}", layout.name);
            for tree in layout.trees() {
                let places: Vec<Place> = (0..site.count()).map(|n| layout.place(n)).collect();
                assert!(places.contains(&tree.master));
                assert!(tree.standby.is_none_or(|standby| places.contains(&standby)));
            }
        }
    }
}
