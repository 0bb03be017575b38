//! What is said to the telephony server about a line, and in which order.

use super::Line;
use super::call::Standing;
use crate::capability;
use crate::effect::{Effect, Effects, Notice, Report, Telling, What};
use crate::fact::Completion;
use crate::id::{Correlation, Ticket};
use crate::tapi::{address_state, line_dev_state};
use crate::view::Counts;

/// What status messages are made from: compared before and after each input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Status {
    connected: bool,
    in_service: bool,
    counts: Counts,
}

impl Status {
    /// Whether one more call may be active.
    pub(super) fn has_free_appearance(&self) -> bool {
        capability::has_free_appearance(self.counts)
    }
}

impl Line {
    pub(super) fn status(&self) -> Status {
        let mut counts = Counts::default();
        for call in self.calls.iter().filter(|call| call.is_visible()) {
            counts.active += u32::from(call.state.counts_as_active());
            counts.held += u32::from(call.state.counts_as_held());
            counts.hold_pending += u32::from(call.state.counts_as_hold_pending());
        }
        Status { connected: self.link.is_some(), in_service: self.in_service(), counts }
    }

    /// Messages about the address and the line come after those about calls (O-7).
    pub(super) fn report_status(&mut self, before: Status, out: &mut Effects) {
        let after = self.status();
        if before == after {
            return;
        }
        let total = |counts: Counts| counts.active + counts.held + counts.hold_pending;
        if before.counts != after.counts {
            let in_use = match (total(before.counts), total(after.counts)) {
                (0, 0) => 0,
                (0, _) => address_state::INUSEONE,
                (_, 0) => address_state::INUSEZERO,
                _ => 0,
            };
            self.tell_address(in_use | address_state::NUMCALLS, out);
            self.tell_line(line_dev_state::NUMCALLS, 0, 0, out);
        }
        let link = match (before.connected, after.connected) {
            (false, true) => line_dev_state::CONNECTED,
            (true, false) => line_dev_state::DISCONNECTED,
            _ => 0,
        };
        let service = match (before.in_service, after.in_service) {
            (false, true) => line_dev_state::INSERVICE,
            (true, false) => line_dev_state::OUTOFSERVICE,
            _ => 0,
        };
        if link | service != 0 {
            self.tell_line(link | service, 0, 0, out);
        }
    }

    pub(super) fn tell_state(&self, index: usize, out: &mut Effects) {
        let call = &self.calls[index];
        if call.standing == Standing::Announced {
            let (state, mode, media) = (call.state, call.mode, call.card.media);
            self.tell(Notice::CallState { call: call.id, state, mode, media }, out);
        }
    }

    pub(super) fn tell_info(&self, index: usize, bits: u32, out: &mut Effects) {
        let call = &self.calls[index];
        if bits != 0 && call.standing == Standing::Announced {
            self.tell(Notice::CallInfo(call.id, bits), out);
        }
    }

    pub(super) fn tell_address(&self, bits: u32, out: &mut Effects) {
        let wanted = self.open.map_or(0, |open| open.address_states) & bits;
        if wanted != 0 {
            self.tell(Notice::AddressState(wanted), out);
        }
    }

    pub(super) fn tell_line(&self, bits: u32, second: u32, third: u32, out: &mut Effects) {
        let wanted = self.open.map_or(0, |open| open.line_states) & bits;
        if wanted != 0 {
            self.tell(Notice::LineDevState(wanted, second, third), out);
        }
    }

    pub(super) fn tell(&self, notice: Notice, out: &mut Effects) {
        if let Some(open) = self.open {
            let what = What::Notice(notice);
            out.push(Effect::Tell(Telling { line: self.id(), opening: open.opening, what }));
        }
    }

    pub(super) fn complete(&self, ticket: Ticket, result: Completion, out: &mut Effects) {
        // What returned at once has no completion.
        if let Some(open) = self.open.filter(|_| !ticket.request.is_own()) {
            let what = What::Completed(ticket.request, result);
            out.push(Effect::Tell(Telling { line: self.id(), opening: open.opening, what }));
        }
        self.report_end(ticket, result, out);
    }

    /// A request is over, whether the host is told or not.
    pub(super) fn report_end(&self, ticket: Ticket, result: Completion, out: &mut Effects) {
        let correlation = Correlation::new(self.id(), ticket);
        out.push(Effect::Report(Report::RequestEnded(correlation, ticket.request, result)));
    }
}
