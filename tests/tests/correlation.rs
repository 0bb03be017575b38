//! One id from the request of an application through its orders to its end.
#![allow(clippy::unwrap_used, missing_docs)]

use engine::core::Core;
use engine::effect::{Effect, Effects, Report, Request, What};
use engine::fact::{Event, HostFact, Record};
use engine::id::Correlation;
use engine::strategy::histories;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What the effects of a history say of requests.
#[derive(Default)]
struct Requests {
    known: BTreeSet<Correlation>,
    open: BTreeSet<Correlation>,
}

impl Requests {
    fn take(&mut self, effect: &Effect) -> Result<(), String> {
        match effect {
            Effect::Report(Report::RequestBegun(id, ..)) => {
                self.open.insert(*id);
                if !self.known.insert(*id) {
                    return Err(format!("{id} begins twice"));
                }
            }
            Effect::Report(Report::RequestEnded(id, ..)) if !self.open.remove(id) => {
                return Err(format!("{id} ends, and is not under way"));
            }
            Effect::Ask(ask) => {
                if let Request::Order { correlation, .. } = &ask.request
                    && correlation.is_request()
                    && !self.known.contains(correlation)
                {
                    return Err(format!("an order for {correlation}, which nobody asked for"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn effects_of(core: &mut Core, record: &Record) -> Effects {
    let mut effects = Effects::new();
    core.apply(record.clone(), &mut effects);
    effects
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// It names one request in the whole log, and every order for that request.
    #[test]
    fn a_request_begins_once_and_ends_once_under_one_id(records in histories(200)) {
        let (mut core, mut requests) = (Core::default(), Requests::default());
        for record in &records {
            if record.event == Event::Host(HostFact::Started) {
                // Requests do not outlive the session of the telephony server.
                requests.open.clear();
            }
            for effect in effects_of(&mut core, record) {
                requests.take(&effect).map_err(TestCaseError::fail)?;
            }
        }
    }

    /// Every completion has the end of its request beside it.
    #[test]
    fn what_is_completed_has_ended(records in histories(120)) {
        let mut core = Core::default();
        for record in &records {
            let effects = effects_of(&mut core, record);
            let mut ended = BTreeMap::new();
            for effect in &effects {
                if let Effect::Report(Report::RequestEnded(id, request, result)) = effect {
                    ended.insert((id.line, *request), *result);
                }
            }
            for effect in &effects {
                let Effect::Tell(telling) = effect else { continue };
                if let What::Completed(request, result) = telling.what {
                    prop_assert_eq!(ended.get(&(telling.line, request)), Some(&result));
                }
            }
        }
    }
}
