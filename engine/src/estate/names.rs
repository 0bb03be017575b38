//! What lines are called, and what else follows from who their users are.

use super::claims::{NameHash, claim};
use super::homes::Member;
use super::index::{By, Key, key};
use super::numbering::{NodeNames, Prefix, is_root, small};
use super::tree::ToPbxs;
use super::{Estate, LineInput};
use crate::effect::Report;
use crate::fact::{Configuration, UserInfo};
use crate::id::{Guid, LineId, PbxId, PermanentId};
use crate::name::{self, Place};
use crate::pbx::PbxInput;
use crate::subscriber::{Subscriber, Texts};
use crate::uui;
use crate::view::{Identity, Wide};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Under what a line is found, and which names it claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Keys {
    cn: Key,
    address: Key,
    extension: Key,
    node: Key,
    /// The second is none as long as the line has the first.
    claims: [NameHash; 2],
}

impl Keys {
    pub(super) fn first_choice(&self) -> NameHash {
        self.claims[0]
    }

    /// The names claimed, first and second choice.
    pub(super) fn claimed(&self) -> [NameHash; 2] {
        self.claims
    }

    /// Under what the line is found.
    pub(super) fn indexed(&self) -> [Key; 4] {
        [self.cn, self.node, self.address, self.extension]
    }
}

/// What follows from who a user is, before others with the same name are looked at.
struct Naming {
    number: String,
    /// The name that the template makes, and the same with the address.
    choices: [String; 2],
}

impl Estate {
    /// Makes the identities of some members anew and tells those lines whose changed.
    pub(super) fn rename(&mut self, which: impl Fn(&Member) -> bool) -> Vec<(LineId, LineInput)> {
        let lines = self.members.iter().filter(|member| which(member));
        let lines: Vec<_> = lines.map(|member| member.identity.line).collect();
        // All of them first: what one is called depends on what the others want to be called.
        for line in &lines {
            self.enlist(*line);
        }
        let mut changed = Vec::new();
        for line in lines {
            let identity = self.name_anew(line);
            changed.extend(identity.map(|identity| (line, LineInput::Identity(identity))));
        }
        changed
    }

    /// Makes the identities of all members anew that are there, of a state whose texts were replaced.
    pub(crate) fn name_all_anew(&mut self) -> Vec<(LineId, LineInput)> {
        let mut lines = self.rename(|member| member.gone.is_none());
        self.settle_names(&mut ToPbxs::new(), &mut lines);
        lines
    }

    /// The lines of nodes whose prefix may be another one now.
    pub(super) fn renumber(&mut self, nodes: NodeNames) -> Vec<(LineId, LineInput)> {
        let mut changed = Vec::new();
        for (tree, node) in nodes {
            for line in self.lookups.index.find(node_key(tree, &node)).collect::<Vec<_>>() {
                let identity = self.name_anew(line);
                changed.extend(identity.map(|identity| (line, LineInput::Identity(identity))));
            }
        }
        changed
    }

    /// Names those anew who lost a name to others, or may have one that others left.
    pub(super) fn settle_names(&mut self, pbxs: &mut ToPbxs, lines: &mut Vec<(LineId, LineInput)>) {
        // One who loses his first choice claims the second, and may take it from somebody. That
        // is all: no second choice stands against a first one.
        while let stale @ [_, ..] = &*self.lookups.claims.take_stale() {
            for guid in stale {
                let Some(line) = self.lookups.with_guid(*guid) else { continue };
                let identity = self.name_anew(line);
                lines.extend(identity.map(|identity| (line, LineInput::Identity(identity))));
            }
        }
        for (line, bearer) in std::mem::take(&mut self.shared_names) {
            if let Some(member) = self.members.get(line.0 as usize - 1) {
                pbxs.push((member.home, PbxInput::Say(Report::NameShared(line, bearer))));
            }
        }
    }

    /// Makes the identity of a line anew; `None` if it is the same.
    pub(super) fn name_anew(&mut self, line: LineId) -> Option<Arc<Identity>> {
        if self.members[line.0 as usize - 1].gone.is_some() {
            return None;
        }
        let naming = self.enlist(line);
        let (name, rank) = self.resolve(line, &naming);
        let identity = self.identity(line, &name, &naming.number);
        let member = &self.members[line.0 as usize - 1];
        let before = member.rank;
        if rank == before && identity == *member.identity {
            return None;
        }
        if rank > 0 && rank != before {
            let bearer = self.lookups.claims.bearer(member.keys.claims[0]);
            let bearer = bearer.and_then(|(_, guid)| self.lookups.with_guid(guid));
            self.shared_names.extend(bearer.map(|bearer| (line, bearer)));
        }
        let identity = Arc::new(identity);
        let member = Arc::make_mut(&mut self.members[line.0 as usize - 1]);
        member.rank = rank;
        member.identity = Arc::clone(&identity);
        Some(identity)
    }

    /// Has a line found under what it is now.
    fn enlist(&mut self, line: LineId) -> Naming {
        let member = &self.members[line.0 as usize - 1];
        let naming = self.naming(member);
        let who = &member.subscriber;
        let [first, second] = &naming.choices;
        let keys = Keys {
            cn: key(By::LongName, who.cn()),
            address: key(By::Number, &naming.number),
            extension: key(By::Number, who.e164()),
            node: if is_root(who.node()) {
                0
            } else {
                node_key(self.tree.root(member.home), &small(who.node()))
            },
            claims: [claim(first), claim(second)],
        };
        self.put(line, keys);
        naming
    }

    /// Has a line found no more, and its name free.
    pub(super) fn delist(&mut self, line: LineId) {
        self.put(line, Keys::default());
    }

    fn put(&mut self, line: LineId, mut now: Keys) {
        let member = &self.members[line.0 as usize - 1];
        let (guid, before) = (member.subscriber.guid, member.keys);
        now.claims = self.lookups.claims.change(guid, before.claims, now.claims);
        if before == now {
            return;
        }
        self.lookups.index.change(line, before.cn, now.cn);
        self.lookups.index.change(line, before.node, now.node);
        // These two may be the same.
        self.lookups.index.change(line, before.address, 0);
        self.lookups.index.change(line, before.extension, 0);
        self.lookups.index.change(line, 0, now.address);
        self.lookups.index.change(line, 0, now.extension);
        Arc::make_mut(&mut self.members[line.0 as usize - 1]).keys = now;
    }

    fn naming(&self, member: &Member) -> Naming {
        let (who, pbx) = (&member.subscriber, member.home);
        let settings = self.configuration.as_ref();
        let master = self.tree.place(self.tree.root(pbx));
        let present = self.tree.identified(pbx).map_or("", |known| &known.location);
        let place = Place {
            master: master.map_or("", |place| &place.authority),
            https: master.is_some_and(|place| place.https),
            registered_with: if member.at_home || who.loc().is_empty() {
                present
            } else {
                who.loc()
            },
            reported_by: self.tree.name(pbx),
        };
        let pure = settings.is_some_and(|settings| settings.pure_node_extensions);
        let prefix = (!pure).then(|| self.prefix(pbx, who).into_digits());
        let template = settings.map_or("%c", |settings| &settings.name_template);
        let number = name::address(who, prefix.as_deref());
        let first = name::expand(template, who, &number, place);
        let second = if number.is_empty() {
            String::new()
        } else {
            name::distinguished(&first, &format!(" ({number})"))
        };
        Naming { number, choices: [first, second] }
    }

    /// The digits that lead to the node of a user.
    pub(super) fn prefix(&self, pbx: PbxId, who: &Subscriber) -> Prefix {
        self.nodes.prefix(self.tree.root(pbx), who.node(), who.nodenum())
    }

    /// The name that a line bears, and which of its choices that is.
    fn resolve(&self, line: LineId, naming: &Naming) -> (String, u8) {
        let member = &self.members[line.0 as usize - 1];
        let guid = member.subscriber.guid;
        let rank = self.lookups.claims.rank(guid, member.keys.claims);
        match rank.and_then(|rank| Some((rank, naming.choices.get(usize::from(rank))?))) {
            Some((rank, name)) => (name.clone(), rank),
            None => (name::distinguished(&naming.choices[0], &format!(" [{guid}]")), 2),
        }
    }

    fn identity(&self, line: LineId, name: &str, number: &str) -> Identity {
        let member = &self.members[line.0 as usize - 1];
        let (who, pbx) = (&member.subscriber, member.home);
        let known = self.tree.identified(pbx);
        let settings = self.configuration.as_ref();
        let switch = known.map_or(String::new(), |known| {
            format!("{} {} {}", known.system, known.location, known.firmware)
        });
        Identity {
            line,
            permanent: member.identity.permanent,
            guid: who.guid,
            name: Wide::from_text(name),
            number: Wide::from_text(number),
            switch: self.shared(Wide::from_text(switch.trim())),
            cn: who.cn().into(),
            trunks: self.trunks.get(&pbx).map(super::Trunks::numbers).unwrap_or_default(),
            modify_forwards: settings.is_some_and(|settings| settings.modify_forwards),
            is_uui_encoded: known.is_some_and(|known| uui::is_encoded(&known.firmware)),
            request_deadline_ms: settings
                .map_or(Configuration::REQUEST_DEADLINE_MS, Configuration::deadline_ms),
            calls_kept_ms: settings.map_or(Configuration::CALLS_KEPT_MS, Configuration::kept_ms),
            single_active_call: settings.is_some_and(|settings| settings.single_active_call),
        }
    }

    /// The same text as the latest lines have, if it is equal: all lines of a PBX say the same of
    /// it.
    fn shared(&self, switch: Wide) -> Wide {
        let latest = self.members.iter().rev().take(2).map(|member| &member.identity.switch);
        latest.into_iter().find(|known| **known == switch).cloned().unwrap_or(switch)
    }
}

/// A line that nothing is known of yet but who it belongs to.
pub(super) fn unnamed(line: LineId, permanent: PermanentId, guid: Guid) -> Identity {
    Identity {
        line,
        permanent,
        guid,
        name: Wide::default(),
        number: Wide::default(),
        switch: Wide::default(),
        cn: Default::default(),
        trunks: Arc::default(),
        modify_forwards: false,
        is_uui_encoded: false,
        request_deadline_ms: Configuration::REQUEST_DEADLINE_MS,
        calls_kept_ms: Configuration::CALLS_KEPT_MS,
        single_active_call: false,
    }
}

fn node_key(tree: PbxId, node: &str) -> Key {
    key(By::Node, &format!("{} {node}", tree.0))
}

pub(super) fn subscriber(guid: Guid, user: &UserInfo) -> Subscriber {
    let texts = Texts {
        cn: user.cn.text(),
        dn: user.dn.text(),
        h323: user.h323.text(),
        e164: user.e164.text(),
        loc: &user.loc,
        // Most users lie in the root: no text for that.
        node: if is_root(&user.node) { "" } else { &user.node },
        nodenum: &user.nodenum,
    };
    Subscriber::new(guid, texts)
}
