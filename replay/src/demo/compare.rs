//! What the telephony server heard, against what a replay derives: the last link of the proof,
//! which goes round the provider's own book-keeping.

use crate::rows::{CallCount, Said};
use engine::effect::{Effect, Telling, What};
use engine::fact::{Event, HostFact, Outcome};
use engine::id::{CallId, LineId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tapline::telephony_server::{Kind, Message, TapiCall, TelephonyServer};

/// A message in the words that both sides have: lines by their permanent ids, calls counted in the
/// order of their appearance.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Common {
    line: Option<u32>,
    call: Option<u32>,
    said: Said,
}

impl Common {
    /// Whether this was heard of that. Of a line that it never learned to know, a telephony server
    /// can only hear that it comes and goes.
    fn is(&self, derived: &Common) -> bool {
        let comes_or_goes = matches!(self.said, Said::Created | Said::Removed);
        let is_the_line = self.line == derived.line || (self.line.is_none() && comes_or_goes);
        is_the_line && self.call == derived.call && self.said == derived.said
    }
}

/// All that the telephony server heard, in order.
pub(super) struct Heard(Vec<Common>);

impl Heard {
    pub(super) fn new(messages: &[Message], server: &TelephonyServer) -> Heard {
        // A line that went again before it could be asked who it is has told nobody.
        let lines = server.lines().into_iter().filter(|line| line.caps.permanent_id != 0);
        let ids: BTreeMap<_, _> = lines.map(|line| (line.device, line.caps.permanent_id)).collect();
        let mut count: CallCount<Option<u32>, TapiCall> = CallCount::new();
        let common = messages.iter().map(|message| {
            let line = message.line.and_then(|device| ids.get(&device).copied());
            let call = match message.kind {
                // Which call a request is about is not in its completion.
                Kind::Completed { .. } => None,
                _ => message.kind.call(),
            };
            let call = call.map(|call| count.of(line, call));
            Common { line, call, said: without_function(Said::heard(&message.kind)) }
        });
        Heard(common.collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Finds the first message that differs from what was derived and, as the log says, delivered.
    pub(super) fn compare(&self, delivered: &Delivered) -> Result<(), String> {
        // A completion that a close forced was heard before its turn.
        let heard: Vec<&Common> =
            self.0.iter().filter(|common| !delivered.is_forced(common)).collect();
        for (number, pair) in (1..).zip(heard.iter().zip(&delivered.told)) {
            let (heard, derived) = pair;
            if !heard.is(derived) {
                return Err(format!(
                    "message {number} that this host received is not what the replay derives: \
                     received {heard:?}, derived {derived:?}"
                ));
            }
        }
        let (ours, theirs) = (heard.len(), delivered.told.len());
        if ours != theirs {
            return Err(format!(
                "this host received {ours} messages, but the log says that {theirs} were delivered"
            ));
        }
        Ok(())
    }
}

/// The callbacks of a replay that were delivered, in the order of delivery.
#[derive(Default)]
pub(super) struct Delivered {
    derived: VecDeque<Telling>,
    told: Vec<Common>,
    forced: BTreeSet<u32>,
    count: Option<CallCount<LineId, CallId>>,
}

impl Delivered {
    /// Takes one record and what it led to. The replay itself has found that the log tells of the
    /// callbacks in the order in which they are derived.
    pub(super) fn take(&mut self, event: &Event, effects: &[Effect]) {
        match event {
            Event::Told(told) => {
                for told in told {
                    if let Some(telling) = self.derived.pop_front() {
                        self.note(&telling, told.outcome);
                    }
                }
            }
            Event::Host(HostFact::Started) => self.derived.clear(),
            _ => {}
        }
        self.derived.extend(effects.iter().filter_map(|effect| match effect {
            Effect::Tell(telling) => Some(telling.clone()),
            _ => None,
        }));
    }

    fn note(&mut self, telling: &Telling, outcome: Outcome) {
        match (outcome, &telling.what) {
            (Outcome::Delivered, what) => {
                let count = self.count.get_or_insert_with(CallCount::new);
                let call = match what {
                    What::Notice(notice) => notice.call(),
                    What::Completed(..) => None,
                };
                let call = call.map(|call| count.of(telling.line, call));
                let said = Said::derived(what, None);
                self.told.push(Common { line: Some(telling.line.0), call, said });
            }
            (Outcome::Forced, What::Completed(request, _)) => {
                self.forced.insert(request.0);
            }
            _ => {}
        }
    }

    fn is_forced(&self, common: &Common) -> bool {
        matches!(common.said, Said::Completed { request, .. } if self.forced.contains(&request))
    }
}

fn without_function(said: Said) -> Said {
    match said {
        Said::Completed { request, result, .. } => {
            Said::Completed { request, function: None, result }
        }
        said => said,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use engine::effect::Notice;
    use engine::fact::Told;
    use engine::id::{Opening, RequestId};

    fn telling(what: What) -> Telling {
        Telling { line: LineId(7), opening: Opening(1), what }
    }

    fn call(serial: u32) -> CallId {
        CallId { line: LineId(7), serial }
    }

    fn delivered(tellings: &[Telling], outcomes: &[Outcome]) -> Delivered {
        let mut delivered = Delivered::default();
        let effects: Vec<Effect> = tellings.iter().cloned().map(Effect::Tell).collect();
        delivered.take(&Event::Host(HostFact::Stopping), &effects);
        let told = outcomes.iter().map(|outcome| Told { seq: 0, crc: 0, outcome: *outcome });
        delivered.take(&Event::Told(told.collect()), &[]);
        delivered
    }

    fn heard(said: &[(Option<u32>, Said)]) -> Heard {
        let common = |(call, said): &(Option<u32>, Said)| Common {
            line: Some(7),
            call: *call,
            said: said.clone(),
        };
        Heard(said.iter().map(common).collect())
    }

    #[test]
    fn calls_are_the_same_whatever_each_side_calls_them() {
        let delivered = delivered(
            &[
                telling(What::Notice(Notice::NewCall(call(5)))),
                telling(What::Notice(Notice::NewCall(call(CallId::FIRST_MADE)))),
                telling(What::Notice(Notice::CallInfo(call(5), 1))),
            ],
            &[Outcome::Delivered; 3],
        );
        let same =
            [(Some(1), Said::NewCall), (Some(2), Said::NewCall), (Some(1), Said::CallInfo(1))];
        heard(&same).compare(&delivered).unwrap();
        let swapped = [same[0].clone(), same[1].clone(), (Some(2), Said::CallInfo(1))];
        assert!(heard(&swapped).compare(&delivered).is_err());
    }

    #[test]
    fn a_message_too_few_or_too_many_is_found() {
        let notice = || telling(What::Notice(Notice::AddressState(4)));
        let delivered = delivered(&[notice(), notice()], &[Outcome::Delivered; 2]);
        let said = (None, Said::AddressState(4));
        assert!(heard(std::slice::from_ref(&said)).compare(&delivered).is_err());
        assert!(heard(&[said.clone(), said.clone(), said.clone()]).compare(&delivered).is_err());
        heard(&[said.clone(), said]).compare(&delivered).unwrap();
    }

    #[test]
    fn of_a_line_that_was_gone_before_it_was_known_only_coming_and_going_is_heard() {
        let delivered = delivered(
            &[
                telling(What::Notice(Notice::LineCreated)),
                telling(What::Notice(Notice::AddressState(4))),
            ],
            &[Outcome::Delivered; 2],
        );
        let of = |line: [Option<u32>; 2]| {
            let said = [Said::Created, Said::AddressState(4)];
            let common = line.into_iter().zip(said);
            Heard(common.map(|(line, said)| Common { line, call: None, said }).collect())
        };
        of([None, Some(7)]).compare(&delivered).unwrap();
        assert!(of([Some(8), Some(7)]).compare(&delivered).is_err());
        assert!(of([Some(7), None]).compare(&delivered).is_err());
    }

    #[test]
    fn what_was_withheld_is_not_expected_and_what_was_forced_may_come_early() {
        let done = || telling(What::Completed(RequestId(9), Ok(())));
        let state = || telling(What::Notice(Notice::AddressState(4)));
        let delivered = delivered(
            &[state(), done(), state()],
            &[Outcome::Delivered, Outcome::Forced, Outcome::Withheld],
        );
        let refusal = engine::tapi::LineErr::OperationFailed.into();
        let forced = Said::Completed { request: 9, function: None, result: Err(refusal) };
        heard(&[(None, forced), (None, Said::AddressState(4))]).compare(&delivered).unwrap();
    }
}
