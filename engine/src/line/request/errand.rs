//! Requests that are done when the PBX has taken the order, because nothing that it reports later
//! would prove them: further digits to dial, DTMF, user-user information.

use super::{Kind, Outcome, Progress, make};
use crate::effect::{Effects, Notice, Order};
use crate::fact::Reply;
use crate::id::{CallId, Ticket};
use crate::line::Line;
use crate::pii::Personal;
use crate::tapi::{CallState, LineErr, generate_term};
use crate::time::Millis;
use crate::uui;
use serde::{Deserialize, Serialize};

/// What is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::line) enum Errand {
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
        ticket: Ticket,
        call: CallId,
        (digits, across): (Personal, bool),
        out: &mut Effects,
    ) -> Outcome {
        let (monitor, leg) = self.leg_of(call)?;
        let index = self.index_of(call).ok_or(LineErr::InvalCallHandle)?;
        // After other digits they are no number of their own.
        let is_first = self.calls[index].dialled.as_ref().is_none_or(Personal::is_empty);
        let bits = self.calls[index].dial_on(digits.text());
        self.tell_info(index, bits, out);
        self.pend(at, ticket, call, Kind::Errand(Errand::Dial), out);
        let order = Order::UserInfo { call: leg, digits };
        self.order(monitor, ticket, make::addressed(monitor.user, across && is_first, order), out);
        Ok(Progress::UnderWay)
    }

    /// `TSPI_lineGenerateDigits`. It has no completion: LINE_GENERATE says how it ended.
    pub(super) fn generate_digits(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        (digits, tag): (Personal, u32),
        out: &mut Effects,
    ) -> Outcome {
        let (monitor, leg) = self.leg_of(call)?;
        // What was being sent ends with the next order.
        self.cancel_digits(call, out);
        if digits.is_empty() {
            return Ok(Progress::Done);
        }
        self.pend(at, ticket, call, Kind::Errand(Errand::Digits { tag }), out);
        self.order(monitor, ticket, Order::UserDTMF { call: leg, digits }, out);
        Ok(Progress::UnderWay)
    }

    /// Ends what is being sent, while there is a call to tell it of.
    pub(in crate::line) fn cancel_digits(&mut self, call: CallId, out: &mut Effects) {
        let is_sent = |kind: &Kind| matches!(kind, Kind::Errand(Errand::Digits { .. }));
        while let Some(position) =
            self.requests.iter().position(|other| other.call == call && is_sent(&other.kind))
        {
            self.finish(position, Err(LineErr::OperationFailed), out);
        }
    }

    /// `TSPI_lineSendUserUserInfo`.
    pub(super) fn send_user_info(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        text: &Personal,
        out: &mut Effects,
    ) -> Outcome {
        let (monitor, leg) = self.leg_of(call)?;
        let uui = uui::to_send(text.text(), self.identity.is_uui_encoded);
        self.pend(at, ticket, call, Kind::Errand(Errand::UserInfo), out);
        self.order(monitor, ticket, Order::UserUUI { call: leg, uui }, out);
        Ok(Progress::UnderWay)
    }

    /// The PBX took the order, or did not.
    pub(super) fn errand_answered(
        &mut self,
        at: Millis,
        ticket: Ticket,
        errand: Errand,
        reply: &Reply,
        out: &mut Effects,
    ) {
        let Some(position) = self.position_of(ticket) else { return };
        if *reply != Reply::Taken {
            return self.fail(at, position, LineErr::OperationFailed, out);
        }
        if errand == Errand::Dial
            && let Some(index) = self.index_of(self.requests[position].call)
            && self.calls[index].state == CallState::DialTone
        {
            // State first, completion second (O-5).
            self.enter(at, index, (CallState::Dialing, 0), out);
        }
        if let Some(position) = self.position_of(ticket) {
            self.finish(position, Ok(()), out);
        }
    }

    /// LINE_GENERATE, as long as the call is one that may be spoken of.
    pub(super) fn tell_generated(&self, call: CallId, tag: u32, is_done: bool, out: &mut Effects) {
        let spoken_of =
            self.index_of(call).is_some_and(|index| self.calls[index].may_be_spoken_of());
        if spoken_of {
            let term = if is_done { generate_term::DONE } else { generate_term::CANCEL };
            self.tell(Notice::Generated { call, term, tag }, out);
        }
    }
}
