//! Requests that are done when the PBX has taken the order, because nothing that it reports later
//! would prove them: further digits to dial, DTMF, user-user information.

use super::call::Call;
use super::request::{Kind, Outcome, Pending, Progress};
use super::{Line, Monitor};
use crate::effect::{Effects, Notice, Order};
use crate::fact::Reply;
use crate::id::{CallHandle, CallId, RequestId};
use crate::pii::Personal;
use crate::tapi::{CallState, LineErr, generate_term};
use crate::time::Millis;
use crate::uui;
use serde::{Deserialize, Serialize};

/// What is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Errand {
    /// Further digits to dial.
    Dial,
    /// DTMF digits, with the tag that LINE_GENERATE gives back.
    Digits {
        /// dwEndToEndID.
        tag: u32,
    },
    /// User-user information.
    UserInfo,
}

impl Line {
    /// `TSPI_lineDial`.
    pub(super) fn dial(
        &mut self,
        at: Millis,
        id: RequestId,
        call: CallId,
        number: &Personal,
        out: &mut Effects,
    ) -> Outcome {
        let index = self.index_of(call).ok_or(LineErr::InvalCallHandle)?;
        if !can_dial(self.calls[index].state) {
            return Err(LineErr::InvalCallState);
        }
        let digits = number.clone();
        let (monitor, leg) = self.run(at, id, call, Errand::Dial, out)?;
        let bits = self.calls[index].dial_on(number.text());
        self.tell_info(index, bits, out);
        self.order(monitor, id, Order::UserInfo { call: leg, digits }, out);
        Ok(Progress::UnderWay)
    }

    /// `TSPI_lineGenerateDigits`. It has no completion: LINE_GENERATE says how it ended.
    pub(super) fn generate_digits(
        &mut self,
        at: Millis,
        id: RequestId,
        call: CallId,
        (digits, tag): (Personal, u32),
        out: &mut Effects,
    ) -> Outcome {
        let index = self.index_of(call).ok_or(LineErr::InvalCallHandle)?;
        // What was being sent ends with the next order.
        self.end_errands(call, |errand| matches!(errand, Errand::Digits { .. }), out);
        if digits.is_empty() {
            return Ok(Progress::UnderWay);
        }
        let leg = match self.calls[index].state {
            CallState::Connected => self.run(at, id, call, Errand::Digits { tag }, out),
            _ => Err(LineErr::InvalCallState),
        };
        match leg {
            Ok((monitor, leg)) => {
                self.order(monitor, id, Order::UserDTMF { call: leg, digits }, out);
            }
            Err(_) => self.tell_generated(call, generate_term::CANCEL, tag, out),
        }
        Ok(Progress::UnderWay)
    }

    /// `TSPI_lineSendUserUserInfo`.
    pub(super) fn send_user_info(
        &mut self,
        at: Millis,
        id: RequestId,
        call: CallId,
        text: &Personal,
        out: &mut Effects,
    ) -> Outcome {
        if !can_send_user_info(self.visible(call)?.state) {
            return Err(LineErr::InvalCallState);
        }
        let uui = uui::to_send(text.text(), self.identity.is_uui_encoded);
        let (monitor, leg) = self.run(at, id, call, Errand::UserInfo, out)?;
        self.order(monitor, id, Order::UserUUI { call: leg, uui }, out);
        Ok(Progress::UnderWay)
    }

    /// The PBX took the order, or did not.
    pub(super) fn errand_answered(
        &mut self,
        at: Millis,
        position: usize,
        errand: Errand,
        reply: &Reply,
        out: &mut Effects,
    ) {
        let taken = matches!(reply, Reply::Taken);
        let call = self.requests[position].call;
        if let (true, Errand::Dial, Some(index)) = (taken, errand, self.index_of(call))
            && self.calls[index].state == CallState::DialTone
        {
            // State first, completion second (O-5); entering a state may settle other requests.
            let id = self.requests[position].id;
            self.enter(at, index, (CallState::Dialing, 0), out);
            if let Some(position) = self.requests.iter().position(|pending| pending.id == id) {
                self.finish(position, Ok(()), out);
            }
            return;
        }
        let result = if taken { Ok(()) } else { Err(LineErr::OperationFailed) };
        self.finish(position, result, out);
    }

    /// Ends what is under way for a call that cannot take it any more, or that wants it no longer.
    pub(super) fn end_errands(
        &mut self,
        call: CallId,
        which: impl Fn(Errand) -> bool,
        out: &mut Effects,
    ) {
        let is_it = |kind: &Kind| matches!(kind, Kind::Errand(errand) if which(*errand));
        let of_call = |pending: &Pending| pending.call == call && is_it(&pending.kind);
        while let Some(position) = self.requests.iter().position(of_call) {
            self.finish(position, Err(LineErr::InvalCallState), out);
        }
    }

    /// LINE_GENERATE, as long as the call is one that may be spoken of.
    pub(super) fn tell_generated(&self, call: CallId, term: u32, tag: u32, out: &mut Effects) {
        let spoken_of = |known: &Call| known.id == call && known.is_announced() && known.is_live();
        if self.calls.iter().any(spoken_of) {
            self.tell(Notice::Generated { call, term, tag }, out);
        }
    }

    /// Notes an errand and gives the leg that it is for.
    fn run(
        &mut self,
        at: Millis,
        id: RequestId,
        call: CallId,
        errand: Errand,
        out: &mut Effects,
    ) -> Result<(Monitor, CallHandle), LineErr> {
        let leg = self.leg_of(call)?;
        self.pend(at, id, call, Kind::Errand(errand), out);
        Ok(leg)
    }
}

/// Whether a call takes further digits to dial.
pub(crate) fn can_dial(state: CallState) -> bool {
    matches!(state, CallState::DialTone | CallState::Dialing)
}

/// Whether user-user information can be sent with a call.
pub(crate) fn can_send_user_info(state: CallState) -> bool {
    matches!(
        state,
        CallState::Offering | CallState::Accepted | CallState::Ringback | CallState::Connected
    )
}
