//! What lines are called, and what else follows from who their users are.

use super::homes::Member;
use super::{Estate, LineInput};
use crate::fact::{Configuration, UserInfo};
use crate::id::{Guid, LineId, PbxId};
use crate::name::{self, Place, Subscriber};
use crate::uui;
use crate::view::{Identity, Wide};
use std::sync::Arc;

impl Estate {
    /// Makes the identities of some members anew and tells those lines whose changed.
    pub(super) fn rename(&mut self, which: impl Fn(&Member) -> bool) -> Vec<(LineId, LineInput)> {
        let mut changed = Vec::new();
        for index in 0..self.members.len() {
            if which(&self.members[index]) {
                let line = self.members[index].identity.line;
                let identity = self.name_anew(line);
                changed.extend(identity.map(|identity| (line, LineInput::Identity(identity))));
            }
        }
        changed
    }

    /// Makes the identity of a line anew; `None` if it is the same.
    pub(super) fn name_anew(&mut self, line: LineId) -> Option<Arc<Identity>> {
        let index = line.0 as usize - 1;
        let member = &self.members[index];
        let identity = self.identity(line, member.home, &member.subscriber);
        if identity == *member.identity {
            return None;
        }
        let identity = Arc::new(identity);
        Arc::make_mut(&mut self.members[index]).identity = Arc::clone(&identity);
        Some(identity)
    }

    pub(super) fn identity(&self, line: LineId, pbx: PbxId, who: &Subscriber) -> Identity {
        let known = self.tree.identified(pbx);
        let settings = self.configuration.as_ref();
        let place = Place {
            master: self.tree.place(pbx).map_or("", |place| &place.authority),
            reported_by: known.map_or("", |known| &known.location),
        };
        let pure = settings.is_some_and(|settings| settings.pure_node_extensions);
        let template = settings.map_or("%c", |settings| &settings.name_template);
        let number = name::address(who, pure);
        let name = name::expand(template, who, &number, place);
        let switch = known.map_or(String::new(), |known| {
            format!("{} {} {}", known.system, known.location, known.firmware)
        });
        Identity {
            line,
            guid: who.guid,
            name: Wide::from_text(&name),
            number: Wide::from_text(&number),
            switch: self.shared(Wide::from_text(switch.trim())),
            cn: who.cn.clone(),
            trunks: self.trunks.get(&pbx).map(super::Trunks::numbers).unwrap_or_default(),
            modify_forwards: settings.is_some_and(|settings| settings.modify_forwards),
            is_uui_encoded: known.is_some_and(|known| uui::is_encoded(&known.firmware)),
            request_deadline_ms: settings.map_or(Configuration::REQUEST_DEADLINE_MS, |settings| {
                match settings.request_deadline_ms {
                    0 => Configuration::REQUEST_DEADLINE_MS,
                    given => given,
                }
            }),
            single_active_call: settings.is_some_and(|settings| settings.single_active_call),
        }
    }

    /// The same text as the latest line has, if it is equal: all lines of a PBX say the same of it.
    fn shared(&self, switch: Wide) -> Wide {
        match self.members.last() {
            Some(member) if member.identity.switch == switch => member.identity.switch.clone(),
            _ => switch,
        }
    }
}

pub(super) fn subscriber(guid: Guid, user: &UserInfo) -> Subscriber {
    Subscriber {
        guid,
        cn: user.cn.clone(),
        dn: user.dn.clone(),
        h323: user.h323.clone(),
        e164: user.e164.clone(),
        loc: user.loc.clone(),
        nodenum: user.nodenum.clone(),
    }
}
