//! From the wire's terms to the engine's.

use super::types;
use engine::fact::{CallInfo, Msg, Party, Role, UserInfo};
use engine::id::Guid;

impl From<types::UserInfo> for UserInfo {
    fn from(user: types::UserInfo) -> UserInfo {
        UserInfo {
            active: user.active,
            registered: registered(user.state),
            channel: count(user.channel),
            alert: count(user.alert),
            cfg: user.cfg,
            guid: Guid::read(&user.guid),
            cn: user.cn,
            dn: user.dn,
            h323: user.h323,
            e164: user.e164,
            kind: user.kind,
            object: user.object,
            loc: user.loc,
            node: user.node,
            nodenum: user.nodenum,
        }
    }
}

impl From<types::CallInfo> for CallInfo {
    fn from(call: types::CallInfo) -> CallInfo {
        let mut fact = CallInfo {
            user: call.user.0,
            call: call.call.0,
            active: call.active,
            state: call.state,
            msg: msg(&call.msg),
            parties: call.no.into_iter().map(Party::from).collect(),
            ..CallInfo::default()
        };
        for info in call.info {
            add_info(&mut fact, &info.kind, info.vali, info.vals.text());
        }
        fact
    }
}

impl From<types::No> for Party {
    fn from(no: types::No) -> Party {
        Party { role: role(&no.kind), cn: no.cn, dn: no.dn, e164: no.e164, h323: no.h323 }
    }
}

/// Bit 0 of the state of an object; the others are reserved.
#[inline]
pub(super) fn registered(state: u32) -> bool {
    state & 1 != 0
}

/// A counter, as far as anybody can have so many calls.
#[inline]
pub(super) fn count(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Adds a piece of information that the engine knows what to do with.
#[inline]
pub(super) fn add_info(call: &mut CallInfo, kind: &str, number: i32, text: &str) {
    match kind {
        "conf" => call.conf = Guid::read(text),
        // Bit 8 is the extension bit of the information element; the cause has the other seven.
        "cause" => call.cause = Some((number & 0x7F) as u8),
        "uui" => call.uui = Some(text.into()),
        _ => {}
    }
}

/// A signalling message by its word, trimmed.
#[inline]
pub(super) fn msg(word: &str) -> Msg {
    match word {
        "" => Msg::None,
        "del" => Msg::Del,
        "r-ct" => Msg::RCt,
        "r-rel" => Msg::RRel,
        "x-setup" => Msg::XSetup,
        "r-setup" => Msg::RSetup,
        "r-setup-ack" => Msg::RSetupAck,
        "r-call-proc" => Msg::RCallProc,
        "x-call-proc" => Msg::XCallProc,
        "x-alert" => Msg::XAlert,
        "r-alert" => Msg::RAlert,
        "x-conn" => Msg::XConn,
        "r-conn" => Msg::RConn,
        "x-disc" => Msg::XDisc,
        "r-disc" => Msg::RDisc,
        "x-rel" => Msg::XRel,
        "update" => Msg::Update,
        "r-held" => Msg::RHeld,
        "r-retrieved" => Msg::RRetrieved,
        other => Msg::Other(other.into()),
    }
}

/// The role of a party by its word, trimmed.
#[inline]
pub(super) fn role(word: &str) -> Role {
    match word {
        "this" => Role::This,
        "peer" => Role::Peer,
        "leg2" => Role::Leg2,
        "leg2orig" => Role::Leg2Orig,
        "leg1" => Role::Leg1,
        "ct" => Role::Ct,
        "xfer" => Role::Xfer,
        "parked-to" => Role::ParkedTo,
        "picking" => Role::Picking,
        other => Role::Other(other.into()),
    }
}
