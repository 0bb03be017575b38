//! Everything that takes part in a simulation, and the time that passes for it.

use super::Listener;
use super::agenda::{Agenda, Life, Step, What};
use super::coverage::{Disturbance, Disturbances, Successes};
use super::dice::Dice;
use super::finding::Finding;
use super::host::Host;
use super::provider::Provider;
use super::swarm::Swarm;
use super::wire::Wire;
use crate::simulator::site::Site;
use engine::fact::{Event, Record};
use engine::time::Millis;

/// When it begins: in the middle of some day.
const BEGINNING: Millis = Millis(1_700_000_000_000);
/// How long it is quiet before things are looked at: longer than every pause, deadline and patience
/// one after the other.
const QUIET_MS: u64 = 300_000;
/// How long it takes until nothing is left of calls that everybody has hung up.
const REST_MS: u64 = 90_000;
/// The longest that is waited for what has just begun. Nothing that is on its way takes so long when it
/// is quiet, and nobody is called so shortly before being called somewhere else.
const SETTLING_MS: u64 = 1_000;

/// What happened, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records written.
    pub records: u64,
    /// Frames written.
    pub frames: u64,
    /// Callbacks made.
    pub callbacks: u64,
    /// Requests of applications.
    pub requests: u64,
    /// Completions delivered.
    pub completions: u64,
    /// What people did.
    pub deeds: u64,
    /// Calls from one PBX to another.
    pub calls_across: u64,
    /// Requests to PBXs.
    pub exchanges: u64,
    /// Reports of the engine.
    pub reports: u64,
    /// Troubles at large.
    pub troubles: u64,
    /// Times the process was killed.
    pub crashes: u64,
    /// Times the log was read from its beginning.
    pub recoveries: u64,
    /// Calls that were known again after their session had been lost.
    pub survivals: u64,
    /// Sessions with other credentials that took the place of the former ones.
    pub renewals: u64,
    /// Sessions with a master that took the place of those with its standby.
    pub returns: u64,
    /// Requests that succeeded, by kind.
    pub successes: Successes,
    /// What went wrong, by kind.
    pub disturbances: Disturbances,
}

/// Chance, for each subject apart.
pub(super) struct AllDice {
    pub(super) people: Dice,
    pub(super) host: Dice,
    /// What takes several steps of applications.
    pub(super) conferences: Dice,
    pub(super) wire: Dice,
    pub(super) provider: Dice,
    pub(super) trouble: Dice,
}

/// Everything that takes part.
pub(super) struct World<'a> {
    pub(super) now: Millis,
    pub(super) agenda: Agenda,
    pub(super) swarm: Swarm,
    pub(super) dice: AllDice,
    pub(super) site: Site,
    pub(super) wire: Wire,
    pub(super) provider: Provider,
    pub(super) host: Host,
    pub(super) tally: Tally,
    /// The chaos is over.
    pub(super) is_quiet: bool,
    /// A scenario is played: nothing happens by chance.
    pub(super) is_scripted: bool,
    listener: Option<Listener<'a>>,
}

impl<'a> World<'a> {
    /// The world under a seed.
    pub(super) fn new(seed: u64, listener: Option<Listener<'a>>) -> World<'a> {
        World::of(Swarm::of(seed), seed, listener)
    }

    /// A world in which this may happen.
    pub(super) fn of(swarm: Swarm, seed: u64, listener: Option<Listener<'a>>) -> World<'a> {
        let layout = swarm.layout;
        let mut site = Site::new(&layout.estate(swarm.users), seed);
        for at in 0..site.count() {
            site.set_url(at, &layout.place(at).to_string());
            for (name, value) in &swarm.switches {
                // A test holds the swarm's list against the switches there are.
                let _ = site.pbx_mut(at).switches.set(name, value);
            }
        }
        let dice = AllDice {
            people: Dice::of(seed, "people"),
            host: Dice::of(seed, "host"),
            conferences: Dice::of(seed, "conferences"),
            wire: Dice::of(seed, "wire"),
            provider: Dice::of(seed, "provider"),
            trouble: Dice::of(seed, "trouble"),
        };
        World {
            now: BEGINNING,
            agenda: Agenda::default(),
            provider: Provider::new(swarm.settings.clone()),
            swarm,
            dice,
            site,
            wire: Wire::default(),
            host: Host::default(),
            tally: Tally::default(),
            is_quiet: false,
            is_scripted: false,
            listener,
        }
    }

    /// Chaos, quiet, a look at everything; then everybody hangs up, and the log is read again.
    pub(super) fn run(&mut self) -> Result<(), Finding> {
        self.agenda.put(self.now, What::Start);
        self.expect_people();
        self.expect_troubles();
        self.pass(self.swarm.chaos_ms)?;
        self.be_quiet()?;
        self.settle()?;
        self.expect_convergence()?;
        self.expect_completions()?;
        self.everybody_hangs_up();
        self.pass(REST_MS)?;
        self.settle()?;
        self.expect_convergence()?;
        self.expect_rest()?;
        self.provider.log.prove(&self.provider.core)
    }

    fn be_quiet(&mut self) -> Result<(), Finding> {
        self.is_quiet = true;
        self.say(|| "QUIET".to_owned());
        self.wire.unreachable_until = self.now;
        self.wire.refused_until = self.now;
        self.host.hangs_until = self.now;
        self.everybody_behaves();
        self.boxes_come_to_rest();
        let asleep_ms = self.provider.asleep_until.since(self.now);
        self.pass(asleep_ms + QUIET_MS)
    }

    /// Lets happen what has begun at this moment, until nothing is queued or on its way: where phones
    /// without an answer are diverted in a ring, new legs come and go for ever, and what a PBX has just
    /// done is not yet known to anybody. Who is never done is looked at all the same.
    fn settle(&mut self) -> Result<(), Finding> {
        let until = self.now + SETTLING_MS;
        while !self.is_settled() {
            let Some((at, what)) = self.agenda.next(until) else { break };
            self.take(at, what)?;
        }
        Ok(())
    }

    fn is_settled(&self) -> bool {
        let is_caught_up = self.provider.is_caught_up() && !self.host.has_callbacks();
        is_caught_up && self.wire.only_waits() && !self.agenda.is_due(self.now)
    }

    fn expect_convergence(&mut self) -> Result<(), Finding> {
        let differences = self.differences();
        if differences.is_empty() {
            return Ok(());
        }
        for fact in self.both_sides() {
            self.say(|| fact);
        }
        Err(Finding::NotConverged(differences))
    }

    fn expect_rest(&self) -> Result<(), Finding> {
        self.provider.watch().at_rest()?;
        self.expect_completions()
    }

    /// Every deadline has passed: nothing waits for its completion, whatever the calls do.
    fn expect_completions(&self) -> Result<(), Finding> {
        self.provider.watch().all_completed()?;
        match self.host.waiting().next() {
            Some(request) => Err(Finding::NeverCompleted(request)),
            None => Ok(()),
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, ms: u64) -> Result<(), Finding> {
        let until = self.now + ms;
        while let Some((at, what)) = self.agenda.next(until) {
            self.take(at, what)?;
        }
        self.now = until;
        Ok(())
    }

    fn take(&mut self, at: Millis, what: What) -> Result<(), Finding> {
        self.now = at;
        self.happen(what)?;
        self.tally.records = self.provider.log.next();
        self.tally.calls_across = self.site.calls_across();
        Ok(())
    }

    fn happen(&mut self, what: What) -> Result<(), Finding> {
        match what {
            What::Machine(life, step) => return self.step(life, step),
            What::Reaches(exchange) => self.reach(exchange),
            What::HungUp(at, connection) => {
                if at < self.site.count() {
                    self.site.pbx_mut(at).connection_closed(connection, self.now);
                    self.expect_of_box(at);
                }
            }
            What::PbxDue(at) => {
                self.site.pbx_mut(at).advance(self.now);
                self.attend_polls();
            }
            What::People => self.people(),
            What::Trouble(trouble) => return self.trouble(trouble),
            What::Start => return self.start(),
        }
        Ok(())
    }

    /// Puts down what is to happen on the machine of the provider, in this run of its process.
    pub(super) fn machine(&mut self, after_ms: u64, step: Step) {
        let life = self.provider.life;
        self.agenda.put(self.now + after_ms, What::Machine(life, step));
    }

    fn step(&mut self, life: Life, step: Step) -> Result<(), Finding> {
        let provider = &self.provider;
        if life != provider.life || !provider.is_running {
            return Ok(());
        }
        if self.now < provider.asleep_until {
            self.agenda.put(provider.asleep_until, What::Machine(life, step));
            return Ok(());
        }
        match step {
            Step::Arrives(events) => self.arrive(events),
            Step::Due(timer) => self.arrive(vec![Event::Due(timer)]),
            Step::Safe => self.safe(),
            Step::CatchUp => self.catch_up(),
            Step::Stopped => self.stopped(),
            Step::Answered(exchange, answered) => self.answered(exchange, answered),
            Step::GivesUp(exchange) => self.give_up(exchange),
            Step::Callbacks => self.make_callbacks(),
            Step::Application => self.application(),
            Step::Reacts(reaction) => self.reacts(reaction),
        }
    }

    /// The records written so far.
    pub(super) fn records(&self) -> &[Record] {
        self.provider.log.records()
    }

    /// Something went wrong.
    pub(super) fn disturbed(&mut self, kind: Disturbance) {
        self.tally.disturbances.count(kind);
    }

    /// Tells what happens, if somebody listens.
    pub(super) fn say(&mut self, what: impl FnOnce() -> String) {
        if let Some(listener) = &mut self.listener {
            listener(self.now.since(BEGINNING), &what());
        }
    }
}
