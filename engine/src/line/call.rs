//! One call of a line: what is kept of it between records.

use crate::call::{self, Circumstances, PbxState, Phase, Siblings, StateAndMode};
use crate::capability::call_features_2;
use crate::fact::{CallInfo, Msg, Parties, Party, Role};
use crate::forwarding::Case;
use crate::id::{CallHandle, CallId, Guid, Ticket};
use crate::pbx::CallClue;
use crate::pii::Personal;
use crate::tapi::{CallState, call_feature, call_info_state, origin, reason};
use crate::time::Millis;
use crate::view::{CallCard, CallView, PartyId, Wide};
use crate::{card, tapi};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How long after the first leg of a transfer the other one may end.
pub(super) const LEFT_MS: u64 = 1_000;

/// One call of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) id: CallId,
    /// How far TAPI knows of it.
    pub(super) standing: Standing,
    /// The leg at the PBX, while there is one in the present session.
    pub(super) leg: Option<CallHandle>,
    /// Further legs of the same offered call, on other devices of the user.
    pub(super) forks: Vec<CallHandle>,
    /// How often the host has refused LINE_NEWCALL for it.
    pub(super) refusals: u32,
    /// This side has asked the PBX to end it: it becomes IDLE without DISCONNECTED.
    pub(super) leaving: bool,
    /// An application took it from where it was parked.
    pub(super) is_unparked: bool,
    /// It is a conference, which the PBX knows nothing of.
    pub(super) is_conference: bool,
    /// The conference of which it is a member.
    pub(super) member_of: Option<CallId>,
    /// For which case it was sent on to this line, if it was and that is known.
    pub(super) forwarded: Option<Case>,
    /// The call that was made to find out about transferring this one.
    pub(super) consultation: Option<CallId>,
    /// Its far end changed by a transfer, and nobody has said since that the new one answered.
    pub(super) transferred: bool,
    /// It was taken for transferred by that request although its own leg had not ended yet.
    pub(super) left_by: Option<Ticket>,
    /// The PBX session went away under a live call.
    pub(super) orphaned: bool,
    pub(super) conf: Guid,
    pub(super) outgoing: bool,
    pub(super) was_connected: bool,
    pub(super) state: CallState,
    pub(super) mode: u32,
    pub(super) since: Millis,
    /// The PBX's latest state bits.
    pub(super) pbx: PbxState,
    pub(super) cause: Option<u8>,
    /// The number that an application dialled.
    pub(super) dialled: Option<Personal>,
    pub(super) parties: Parties,
    pub(super) card: Arc<CallCard>,
}

/// How far TAPI knows of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Standing {
    /// Not at all: the line is not open; or it was not when an application had made it, and the PBX
    /// has not named its leg yet.
    Unannounced,
    /// An application made it and `TSPI_lineMakeCall` has not completed.
    Pending,
    /// It has a handle and hears of changes.
    Announced,
    /// The host refused LINE_NEWCALL; it will be asked again.
    Refused,
    /// The host closed its handle while the call goes on at the PBX. It is not announced again
    /// before the line is closed and opened again.
    Closed,
}

/// What an event changed about a call.
pub(super) struct Change {
    /// LINECALLINFOSTATE bits.
    pub(super) info: u32,
    /// The state it reads as now; `None` if it says nothing new.
    pub(super) reading: Option<StateAndMode>,
    /// The leg is gone, with this LINEDISCONNECTMODE.
    pub(super) ended: Option<u32>,
}

impl Call {
    /// A call that an application asks for. It has no state that anybody may see yet. Without a
    /// number it waits for digits.
    pub(super) fn made(id: CallId, number: Personal, card: CallCard, at: Millis) -> Call {
        let (state, mode) = match number.is_empty() {
            true => (CallState::DialTone, tapi::DIALTONE_INTERNAL),
            false => (CallState::Dialing, 0),
        };
        let mut call = Call {
            id,
            standing: Standing::Pending,
            leg: None,
            forks: Vec::new(),
            refusals: 0,
            leaving: false,
            is_unparked: false,
            is_conference: false,
            member_of: None,
            forwarded: None,
            consultation: None,
            transferred: false,
            left_by: None,
            orphaned: false,
            conf: Guid::NIL,
            outgoing: true,
            was_connected: false,
            state,
            mode,
            since: at,
            pbx: PbxState::new(0),
            cause: None,
            dialled: (!number.is_empty()).then_some(number),
            parties: Parties::NONE,
            card: Arc::new(card),
        };
        call.refill();
        call
    }

    /// The same at the line of that number. Who calls is known before the PBX says so: applications
    /// read it at the first state.
    pub(super) fn at_line(mut self, own: &str) -> Call {
        self.parties = [Party { role: Role::This, e164: own.into(), ..Party::default() }].into();
        self.refill();
        self
    }

    /// A call that somebody else was offered and an application takes.
    pub(super) fn picked_up(id: CallId, card: CallCard, at: Millis) -> Call {
        let mut call = Call::made(id, Personal::default(), card, at);
        call.outgoing = false;
        (call.state, call.mode) = (CallState::Offering, tapi::OFFERING_ACTIVE);
        call.refill();
        call
    }

    /// A call that was parked and an application takes.
    pub(super) fn unparked(id: CallId, card: CallCard, at: Millis) -> Call {
        Call { is_unparked: true, ..Call::picked_up(id, card, at) }
    }

    /// A conference that waits for the second of its members.
    pub(super) fn conference(id: CallId, consultation: CallId, at: Millis) -> Call {
        // It has members, and none of them is the one who calls, or is called.
        let nobody = PartyId::new(Wide::default(), Wide::default(), tapi::party_id::UNAVAIL);
        let card = CallCard {
            origin: origin::CONFERENCE,
            reason: reason::DIRECT,
            media: tapi::MEDIA_INTERACTIVE_VOICE,
            caller: nobody.clone(),
            called: nobody.clone(),
            connected: nobody.clone(),
            redirection: nobody.clone(),
            redirecting: nobody,
            ..CallCard::default()
        };
        let mut call = Call::made(id, Personal::default(), CallCard::default(), at);
        call.card = Arc::new(card);
        call.is_conference = true;
        call.consultation = Some(consultation);
        (call.state, call.mode) = (CallState::OnHoldPendConf, 0);
        call
    }

    /// A call that the PBX reports. Its state is set by the caller.
    pub(super) fn reported(id: CallId, info: &CallInfo, at: Millis) -> Call {
        let pbx = PbxState::new(info.state);
        let outgoing = !pbx.is_incoming();
        Call {
            id,
            standing: Standing::Unannounced,
            leg: Some(info.handle()),
            forks: Vec::new(),
            refusals: 0,
            leaving: false,
            is_unparked: false,
            is_conference: false,
            member_of: None,
            forwarded: None,
            consultation: None,
            transferred: false,
            left_by: None,
            orphaned: false,
            conf: Guid::NIL,
            outgoing,
            was_connected: false,
            state: if outgoing { CallState::Dialing } else { CallState::Offering },
            mode: if outgoing { 0 } else { tapi::OFFERING_ACTIVE },
            since: at,
            pbx,
            cause: None,
            dialled: None,
            parties: Parties::NONE,
            card: Arc::new(CallCard {
                media: tapi::MEDIA_INTERACTIVE_VOICE,
                ..CallCard::default()
            }),
        }
    }

    /// Takes in an event of its leg; `clue` is what the estate knows of the call, `is_uui_encoded`
    /// how its PBX writes user-user information.
    pub(super) fn take(&mut self, info: CallInfo, clue: CallClue, is_uui_encoded: bool) -> Change {
        let gone = !info.active || info.msg == Msg::Del;
        if !gone {
            self.pbx = PbxState::new(info.state);
        }
        if info.cause.is_some() {
            self.cause = info.cause;
        }
        let how = self.circumstances();
        let reading = if gone { None } else { call::reading(self.pbx, how) };
        if let Some((CallState::Connected | CallState::OnHold, _)) = reading {
            self.was_connected = true;
        }
        let ended = gone.then(|| call::ending(self.pbx, self.circumstances()));
        let answered = self.is_answered_at_last(&info.msg);
        let bits = self.update_card(info, clue, is_uui_encoded);
        Change { info: bits | answered, reading, ended }
    }

    /// A transferred call has its new far end from the transfer on, also while that still rings.
    /// When it answers nothing of the party changes, but it is connected only now, and applications
    /// wait for that: LINECALLINFOSTATE_CONNECTEDID.
    fn is_answered_at_last(&mut self, msg: &Msg) -> u32 {
        let answered = self.transferred && *msg == Msg::RConn;
        self.transferred = *msg == Msg::RCt || self.transferred && !answered;
        if answered { call_info_state::CONNECTEDID } else { 0 }
    }

    fn update_card(&mut self, info: CallInfo, clue: CallClue, is_uui_encoded: bool) -> u32 {
        let moved = !info.conf.is_nil() && info.conf != self.conf;
        let parties_changed = card::merge(&mut self.parties, info.parties);
        let uui = info.uui.filter(|text| !text.is_empty());
        let connected_unknown = self.was_connected
            && self.card.connected.number.is_empty()
            && self.card.connected.name.is_empty();
        if !moved && !parties_changed && uui.is_none() && !connected_unknown {
            return 0;
        }
        self.forwarded = self.forwarded.or(clue.forwarded);
        let card = Arc::make_mut(&mut self.card);
        let mut bits = 0;
        if moved {
            let related = if card.call_id == 0 { card.related_call_id } else { card.call_id };
            if std::mem::replace(&mut card.related_call_id, related) != related {
                bits |= call_info_state::RELATEDCALLID;
            }
            if std::mem::replace(&mut card.call_id, clue.call_id) != clue.call_id {
                bits |= call_info_state::CALLID;
            }
            self.conf = info.conf;
        }
        if let Some(text) = uui {
            let text = crate::uui::received(text.text(), is_uui_encoded);
            if card.uui.set(text.text()) {
                bits |= call_info_state::USERUSERINFO;
            }
        }
        bits | self.refill()
    }

    /// Notes that further digits are dialled. Returns LINECALLINFOSTATE bits.
    pub(super) fn dial_on(&mut self, digits: &str) -> u32 {
        let before = Arc::clone(&self.card);
        let dialled = self.dialled.as_ref().map_or("", Personal::text);
        self.dialled = Some(format!("{dialled}{digits}").as_str().into());
        // What was dialled is another number now, whoever it is.
        Arc::make_mut(&mut self.card).called = PartyId::default();
        self.refill();
        card::difference(&before, &self.card)
    }

    /// Returns LINECALLINFOSTATE bits for what is other than before.
    fn refill(&mut self) -> u32 {
        let standpoint = card::Standpoint {
            outgoing: self.outgoing,
            connected: self.was_connected,
            dialled: self.dialled.as_ref().map(Personal::text),
            forwarded: self.forwarded,
            reason: match self.pbx.phase() {
                _ if self.is_unparked => Some(reason::UNPARK),
                Phase::Parked => Some(reason::PARKED),
                _ => None,
            },
        };
        card::fill(Arc::make_mut(&mut self.card), &self.parties, standpoint)
    }

    pub(super) fn circumstances(&self) -> Circumstances {
        Circumstances {
            outgoing: self.outgoing,
            dialled: self.dialled.is_some(),
            off_hook: self.id.is_made() && self.dialled.is_none(),
            was_connected: self.was_connected,
            cause: self.cause,
        }
    }

    /// Whether TAPI has a handle for it.
    pub(super) fn is_visible(&self) -> bool {
        matches!(self.standing, Standing::Announced | Standing::Refused)
    }

    /// Whether it was taken for transferred by mistake, since its leg lives on: applications were
    /// told that it is over, so that for them it is another call. The legs of a transfer end at the
    /// same time; what is heard of one later than this says that it was none.
    pub(super) fn goes_on_after_all(&self, at: Millis, info: &CallInfo) -> bool {
        let lives = info.active && info.msg != Msg::Del;
        let talks = PbxState::new(info.state).phase() == Phase::Connect;
        let was_left = !self.is_live() && !self.leaving && !self.pbx.is_cleared();
        was_left && lives && talks && at.since(self.since) >= LEFT_MS
    }

    /// The same where nothing has been heard of it: its leg has had the time to end.
    pub(super) fn stayed_after_all(&self, at: Millis, ticket: Ticket) -> bool {
        self.left_by == Some(ticket)
            && at.since(self.since) >= LEFT_MS
            && self.leg.is_some()
            && !self.is_live()
            && !self.leaving
            && !self.pbx.is_cleared()
    }

    /// The leg of a call that applications take for over, as another call. What they said about the
    /// old one is not said about this one.
    pub(super) fn as_another(&mut self, id: CallId, at: Millis) -> Call {
        let mut other = Call { id, standing: Standing::Unannounced, since: at, ..self.clone() };
        (other.left_by, other.consultation, other.member_of) = (None, None, None);
        Arc::make_mut(&mut other.card).app_specific = 0;
        (self.leg, self.forks) = (None, Vec::new());
        other
    }

    /// Whether TAPI hears of what is not its state.
    pub(super) fn may_be_spoken_of(&self) -> bool {
        self.standing == Standing::Announced && self.is_live()
    }

    /// Whether it can still change.
    pub(super) fn is_live(&self) -> bool {
        self.state != CallState::Idle
    }

    pub(super) fn view(&self, siblings: Siblings, in_service: bool, is_masked: bool) -> CallView {
        let possible = match (self.is_conference, is_masked) {
            // The PBX cannot be asked for anything but its members.
            (true, _) => call_feature::DROP | call_feature::UNHOLD | call_feature::ADDTOCONF,
            // What needs no PBX.
            (_, true) => call_feature::DROP | call_feature::UNHOLD | call_feature::SWAPHOLD,
            (false, false) => u32::MAX,
        };
        let features = possible & call::features(self.state, siblings, in_service);
        CallView {
            id: self.id,
            state: self.state,
            mode: self.mode,
            features,
            features_2: call_features_2(features, siblings.confers),
            is_conference: self.is_conference,
            is_masked,
            since: self.since,
            info: Arc::clone(&self.card),
        }
    }
}
