//! How long a PBX is left alone before it is asked again.

use engine::core::Core;
use engine::effect::{Effect, Effects, Request};
use engine::fact::*;
use engine::id::*;
use engine::pbx::GOOD_SESSION_MS;
use engine::place::Place;
use engine::time::{Millis, Timer};
use std::sync::Arc;

const PBX: PbxId = PbxId(0);

/// A provider with one PBX, its clock, and what it wants.
struct Site {
    core: Core,
    now: u64,
    effects: Effects,
}

impl Site {
    fn new() -> Site {
        let mut site = Site { core: Core::default(), now: 1_000, effects: Vec::new() };
        site.take(Event::Host(HostFact::Started));
        site.take(Event::Host(HostFact::Configured(Configuration {
            user: "TAPI".into(),
            pbxs: vec![PbxSettings { master: Place::at("pbx"), standby: None }],
            ..Configuration::default()
        })));
        site
    }

    fn take(&mut self, event: Event) {
        self.effects.clear();
        self.core.apply(Record { at: Millis(self.now), event }, &mut self.effects);
    }

    fn fact(&mut self, attempt: u32, fact: PbxFact) {
        self.take(Event::Pbx(PBX, Attempt(attempt), fact));
    }

    /// The next attempt gets a session, which is lost after so many milliseconds; the answer is
    /// the pause until the attempt after it.
    fn session_of(&mut self, attempt: u32, length_ms: u64) -> u64 {
        self.fact(attempt, PbxFact::Identified(Identification::default()));
        self.fact(attempt, PbxFact::Initialized { session: attempt, place: Arc::default() });
        self.now += length_ms;
        self.fact(attempt, PbxFact::Failed(Question::Poll, Failure::Garbled("no XML".into())));
        let wakes: Vec<_> = self
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Wake(at, timer @ Timer::Reconnect(..)) => Some((*at, *timer)),
                _ => None,
            })
            .collect();
        let [(at, timer)] = wakes[..] else { panic!("one pause, not {wakes:?}") };
        let pause_ms = at.since(Millis(self.now));
        self.now = at.0;
        self.take(Event::Due(timer));
        let is_version = |effect: &Effect| matches!(effect, Effect::Ask(ask) if matches!(ask.request, Request::Version));
        assert!(self.effects.iter().any(is_version), "the next attempt begins");
        pause_ms
    }
}

#[test]
fn pauses_grow_while_sessions_come_but_do_not_hold() {
    let mut site = Site::new();
    let pauses: Vec<u64> = (1..=7).map(|attempt| site.session_of(attempt, 500)).collect();
    assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
}

#[test]
fn after_a_good_session_the_pbx_is_asked_again_at_once() {
    let mut site = Site::new();
    for attempt in 1..=4 {
        site.session_of(attempt, 10);
    }
    assert_eq!(site.session_of(5, GOOD_SESSION_MS), 1_000);
    assert_eq!(site.session_of(6, GOOD_SESSION_MS - 1), 2_000);
}
