//! How the truth looks on the wire: records of objects and of calls.

use super::leg::{Leg, Party};
use super::object::Object;
use crate::simulator::switches::{LocStyle, Switches};
use crate::soap::types::{CallInfo, Group, Info, No, UserInfo};
use engine::pii::Personal;

/// The record of an object.
pub(super) fn user(
    object: &Object,
    (channel, alert): (u32, u32),
    here: &str,
    switches: &Switches,
) -> UserInfo {
    let local = object.loc.is_empty();
    UserInfo {
        active: true,
        cn: object.cn.as_str().into(),
        dn: object.dn.as_str().into(),
        kind: object.kind.as_str().into(),
        e164: object.e164.as_str().into(),
        h323: object.h323.as_str().into(),
        state: object.registered.into(),
        channel,
        alert,
        guid: object.guid.to_string().into(),
        groups: object
            .groups
            .iter()
            .map(|(group, active)| Group { group: group.as_str().into(), active: *active })
            .collect(),
        loc: match switches.loc_style {
            LocStyle::OwnName if local => here.into(),
            _ => object.loc.as_str().into(),
        },
        node: object.node.as_str().into(),
        object: object.object.as_str().into(),
        nodenum: object.nodenum.as_str().into(),
        presence: object.presence.clone(),
        ..UserInfo::default()
    }
}

/// The record that ends a snapshot: no name.
pub(super) fn terminator() -> UserInfo {
    UserInfo { active: true, ..UserInfo::default() }
}

/// An event of a leg, but for its handles; `number_for` says what its user dials for a party.
pub(super) fn call(
    leg: &Leg,
    object: Option<&Object>,
    number_for: impl Fn(&Party) -> String,
    msg: &str,
) -> CallInfo {
    CallInfo {
        active: true,
        state: leg.state(),
        no: parties(leg, object, number_for),
        msg: msg.into(),
        info: infos(leg),
        ..CallInfo::default()
    }
}

fn parties(leg: &Leg, object: Option<&Object>, number_for: impl Fn(&Party) -> String) -> Vec<No> {
    let this = object.map(party_of);
    let picking = leg.picking.then(Party::default);
    let roles = [
        ("this", this.as_ref()),
        ("peer", leg.peer.as_ref()),
        ("leg2", leg.leg2.as_ref()),
        ("leg2orig", leg.leg2orig.as_ref()),
        ("ct", leg.ct.as_ref()),
        ("parked-to", leg.parked_to.as_ref()),
        ("picking", picking.as_ref()),
    ];
    let no = |(kind, party)| Some(no(kind, party?, &number_for(party?)));
    roles.into_iter().filter_map(no).collect()
}

fn no(kind: &str, party: &Party, number: &str) -> No {
    No {
        kind: kind.into(),
        cn: party.cn.as_str().into(),
        dn: party.dn.as_str().into(),
        e164: number.into(),
        h323: party.h323.as_str().into(),
    }
}

fn infos(leg: &Leg) -> Vec<Info> {
    let mut infos = vec![text("conf", &leg.conf.to_string())];
    if let Some(cause) = leg.cause {
        infos.push(Info {
            kind: "cause".into(),
            vali: cause.into(),
            vals: Personal::from(cause_text(cause)),
        });
    }
    if let Some(uui) = &leg.uui {
        infos.push(text("uui", uui));
    }
    infos
}

fn text(kind: &str, vals: &str) -> Info {
    Info { kind: kind.into(), vali: 0, vals: vals.into() }
}

/// How an object is named to others.
pub(super) fn party_of(object: &Object) -> Party {
    Party {
        cn: object.cn.clone(),
        dn: object.dn.clone(),
        node: object.nodenum.clone(),
        e164: object.e164.clone(),
        h323: object.h323.clone(),
    }
}

/// The texts that go with the most usual causes; a PBX may as well send none.
fn cause_text(cause: u8) -> &'static str {
    match cause {
        1 => "Unallocated (unassigned) number",
        16 => "Normal call clearing",
        17 => "User busy",
        19 => "No answer from user",
        21 => "Call rejected",
        _ => "",
    }
}
