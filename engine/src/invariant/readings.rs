//! I-07 for what is no call state: what is read of a call's parties, of a line's service and of its
//! calls' number is told by the record that changes it, to whoever wants to hear of it. A call that
//! is offered rings.

use super::{Verdict, check};
use crate::card;
use crate::effect::{Effect, Notice, Telling, What};
use crate::fact::HostFact;
use crate::id::{CallId, LineId};
use crate::tapi::{CallState, address_state, line_dev_state as bits};
use crate::view::{CallCard, Counts, LineView};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was read last.
#[derive(Clone, Debug, Default)]
pub(super) struct Readings {
    /// Which LINEDEVSTATE and LINEADDRESSSTATE bits the host wants to hear, by lines that it has open.
    wanted: BTreeMap<LineId, (u32, u32)>,
    cards: BTreeMap<CallId, Arc<CallCard>>,
    lines: BTreeMap<LineId, Status>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Status {
    connected: bool,
    in_service: bool,
    counts: Counts,
}

/// What one record led to.
#[derive(Default)]
pub(super) struct Said {
    infos: BTreeMap<CallId, u32>,
    announced: BTreeSet<CallId>,
    rang: BTreeSet<CallId>,
    lines: BTreeMap<LineId, (u32, u32)>,
}

impl Said {
    pub(super) fn of(effects: &[Effect]) -> Said {
        let mut said = Said::default();
        for effect in effects {
            let Effect::Tell(Telling { line, what: What::Notice(notice), .. }) = effect else {
                continue;
            };
            match *notice {
                Notice::CallInfo(call, bits) => *said.infos.entry(call).or_default() |= bits,
                Notice::NewCall(call) => drop(said.announced.insert(call)),
                Notice::LineDevState(bits, ..) => said.lines.entry(*line).or_default().0 |= bits,
                Notice::AddressState(bits) => said.lines.entry(*line).or_default().1 |= bits,
                _ => {}
            }
        }
        said
    }

    /// A call that the host refused once rings already.
    pub(super) fn repeats(&mut self, call: CallId) {
        self.rang.insert(call);
    }
}

impl Readings {
    /// Sees what the host does.
    pub(super) fn host(&mut self, fact: &HostFact) {
        match fact {
            HostFact::LineOpened { line, .. } => drop(self.wanted.insert(*line, (0, 0))),
            HostFact::LineClosed { line, .. } => drop(self.wanted.remove(line)),
            HostFact::StatusMessages { line, line_states, address_states } => {
                if let Some(wanted) = self.wanted.get_mut(line) {
                    *wanted = (*line_states, *address_states);
                }
            }
            _ => {}
        }
    }

    /// Compares a line with what it was, and with what was said of it. `told` are the calls that
    /// TAPI knows, with their states.
    pub(super) fn line(
        &mut self,
        view: &LineView,
        said: &Said,
        told: &BTreeMap<CallId, Option<CallState>>,
    ) -> Verdict {
        let line = view.identity.line;
        let (connected, in_service) = (view.connected, view.in_service);
        let now = Status { connected, in_service, counts: view.counts() };
        let before = self.lines.insert(line, now).unwrap_or(now);
        let wanted = self.wanted.get(&line).copied().unwrap_or_default();
        let heard = said.lines.get(&line).copied().unwrap_or_default();
        let missing = wanted.0 & !heard.0 & (difference(before, now) | rings(view, said));
        check(7, missing == 0, || format!("{line:?} changed and {missing:#x} was not told"))?;
        let counted = if before.counts == now.counts { 0 } else { address_state::NUMCALLS };
        check(7, wanted.1 & !heard.1 & counted == 0, || {
            format!("the calls of {line:?} are others, and its address says nothing")
        })?;
        let of_line = CallId { line, serial: 0 }..=CallId { line, serial: u32::MAX };
        let known = self.cards.range(of_line).map(|(call, _)| *call);
        for call in known.filter(|call| !told.contains_key(call)).collect::<Vec<_>>() {
            self.cards.remove(&call);
        }
        for call in &view.calls {
            if !matches!(told.get(&call.id), Some(Some(state)) if *state != CallState::Idle) {
                continue;
            }
            let before = self.cards.insert(call.id, Arc::clone(&call.info));
            let before = before.filter(|_| !said.announced.contains(&call.id));
            let changed = before.map_or(0, |before| card::difference(&before, &call.info));
            let missing = changed & !said.infos.get(&call.id).copied().unwrap_or(0);
            check(7, missing == 0, || {
                format!("what is read of {:?} changed and {missing:#x} was not told", call.id)
            })?;
        }
        Ok(())
    }
}

/// The LINEDEVSTATE bits for what differs.
fn difference(before: Status, now: Status) -> u32 {
    let change = |before, now, on, off| match (before, now) {
        (false, true) => on,
        (true, false) => off,
        _ => 0,
    };
    change(before.connected, now.connected, bits::CONNECTED, bits::DISCONNECTED)
        | change(before.in_service, now.in_service, bits::INSERVICE, bits::OUTOFSERVICE)
        | if before.counts == now.counts { 0 } else { bits::NUMCALLS }
}

/// RINGING, if a call has been offered for the first time.
fn rings(view: &LineView, said: &Said) -> u32 {
    let is_new = |call| said.announced.contains(call) && !said.rang.contains(call);
    let mut offered = view.calls.iter().filter(|call| call.state == CallState::Offering);
    if offered.any(|call| is_new(&call.id)) { bits::RINGING } else { 0 }
}
