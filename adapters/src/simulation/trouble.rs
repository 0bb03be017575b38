//! What goes wrong at large: boxes, networks, machines.

use super::agenda::What;
use super::coverage::Disturbance;
use super::finding::Finding;
use super::world::World;
use std::fmt;

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The PBX forgets all sessions.
    Forgets,
    /// It forgets them again and again.
    Storm,
    /// It boots: its handles and session numbers start again.
    Reboots,
    /// It boots and its calls are gone.
    RebootsWithoutCalls,
    /// Nobody can be reached over the network for a while.
    NetworkDown,
    /// The account is refused for a while.
    Refuses,
    /// The process of the provider is killed.
    Crash,
    /// It is stopped, and started again.
    Restart,
    /// The machine of the provider sleeps; then its clock has jumped.
    Sleep,
    /// The settings are changed.
    Settings,
    /// The telephony server does not return from a callback for a while.
    Hangs,
    /// A PBX of a site is switched off for a while; its standby may take over.
    Off,
    /// The phones of a PBX turn to its standby, though it is there.
    TakesOver,
    /// A user moves to another PBX.
    Moves,
}

impl Kind {
    pub(super) const ALL: [Kind; 14] = [
        Kind::Forgets,
        Kind::Storm,
        Kind::Reboots,
        Kind::RebootsWithoutCalls,
        Kind::NetworkDown,
        Kind::Refuses,
        Kind::Crash,
        Kind::Restart,
        Kind::Sleep,
        Kind::Settings,
        Kind::Hangs,
        Kind::Off,
        Kind::TakesOver,
        Kind::Moves,
    ];

    /// Whether it needs several PBXs.
    pub(super) fn is_of_a_site(self) -> bool {
        matches!(self, Kind::Off | Kind::TakesOver | Kind::Moves)
    }

    /// Whether it befalls the machine of the provider, and so not while that sleeps.
    fn is_of_the_machine(self) -> bool {
        matches!(self, Kind::Crash | Kind::Restart | Kind::Sleep | Kind::Settings | Kind::Hangs)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Forgets => "sessions are forgotten",
            Kind::Storm => "sessions are forgotten several times in a row",
            Kind::Reboots => "the PBX boots",
            Kind::RebootsWithoutCalls => "the PBX boots and loses its calls",
            Kind::NetworkDown => "the network is down",
            Kind::Refuses => "the account is refused",
            Kind::Crash => "the provider is killed",
            Kind::Restart => "the provider is stopped and started",
            Kind::Sleep => "the provider's machine sleeps",
            Kind::Settings => "the settings are changed",
            Kind::Hangs => "the telephony server hangs",
            Kind::Off => "a PBX is switched off",
            Kind::TakesOver => "phones turn to a standby",
            Kind::Moves => "a user moves",
        })
    }
}

/// Something that goes wrong at a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trouble {
    /// The next trouble of a kind, with the mean pause between two.
    Of(Kind, u64),
    /// A storm goes on: so many times more.
    Storm(usize),
    /// The standby of a PBX takes over.
    TakesOver(usize),
    /// A PBX is switched on again.
    On(usize),
    /// The process dies while it writes.
    Dies,
}

impl World<'_> {
    /// Puts the first troubles down.
    pub(super) fn expect_troubles(&mut self) {
        for (kind, mean_ms) in self.swarm.troubles.clone() {
            self.expect_trouble(kind, mean_ms);
        }
    }

    fn expect_trouble(&mut self, kind: Kind, mean_ms: u64) {
        let at = self.now + self.dice.trouble.pause_ms(mean_ms);
        self.agenda.put(at, What::Trouble(Trouble::Of(kind, mean_ms)));
    }

    /// Something goes wrong, unless it is quiet.
    pub(super) fn trouble(&mut self, trouble: Trouble) -> Result<(), Finding> {
        if self.is_quiet {
            return Ok(());
        }
        let kind = match trouble {
            Trouble::Of(kind, mean_ms) => {
                self.expect_trouble(kind, mean_ms);
                if kind.is_of_the_machine() && self.now < self.provider.asleep_until {
                    return Ok(());
                }
                self.say(|| format!("TROUBLE  {kind}"));
                self.tally.troubles += 1;
                kind
            }
            Trouble::Storm(_) => Kind::Storm,
            Trouble::TakesOver(_) => Kind::TakesOver,
            Trouble::On(_) => Kind::Off,
            Trouble::Dies => Kind::Crash,
        };
        let at = self.now;
        match (kind, trouble) {
            (Kind::Forgets, _) => self.forget_sessions(),
            (Kind::Storm, Trouble::Storm(left)) => self.storm(left),
            (Kind::Storm, _) => {
                let times = 2 + self.dice.trouble.below(6);
                self.storm(times);
            }
            (Kind::Reboots, _) => self.reboot(false),
            (Kind::RebootsWithoutCalls, _) => self.reboot(true),
            (Kind::NetworkDown, _) => {
                self.disturbed(Disturbance::NetworkDown);
                self.wire.unreachable_until = at + self.dice.trouble.pause_ms(8_000);
            }
            (Kind::Refuses, _) => {
                self.disturbed(Disturbance::Refused);
                self.wire.refused_until = at + self.dice.trouble.pause_ms(20_000);
            }
            (Kind::Crash, Trouble::Of(..)) if self.dice.trouble.happens(700) => {
                // The worst moment: when something has just been written.
                self.provider.is_doomed = true;
            }
            (Kind::Crash, _) => self.crash(),
            (Kind::Restart, _) => return self.stop(),
            (Kind::Sleep, _) => {
                self.disturbed(Disturbance::Sleep);
                let asleep_ms = self.dice.trouble.choose(&[1_000, 20_000, 100_000, 3_600_000]);
                self.sleep(asleep_ms);
            }
            (Kind::Settings, _) => {
                self.disturbed(Disturbance::Settings);
                return self.change_settings();
            }
            (Kind::Off, Trouble::On(number)) => self.switch_on(number),
            (Kind::Off, _) => self.switch_off(),
            (Kind::TakesOver, Trouble::TakesOver(number)) => self.take_over(number),
            (Kind::TakesOver, _) => {
                let number = self.dice.trouble.below(self.site.count());
                self.take_over(number);
            }
            (Kind::Moves, _) => self.move_somebody(),
            (Kind::Hangs, _) => {
                self.disturbed(Disturbance::HostHung);
                self.host.hangs_until = at + self.dice.trouble.pause_ms(10_000);
            }
        }
        Ok(())
    }

    fn forget_sessions(&mut self) {
        self.disturbed(Disturbance::SessionsForgotten);
        for number in self.some_boxes() {
            self.site.pbx_mut(number).forget_sessions();
        }
        self.attend_polls();
    }

    /// One box of a site, or all.
    fn some_boxes(&mut self) -> Vec<usize> {
        let count = self.site.count();
        if self.dice.trouble.happens(500) {
            return (0..count).collect();
        }
        vec![self.dice.trouble.below(count)]
    }

    fn storm(&mut self, left: usize) {
        self.forget_sessions();
        if left > 1 {
            self.disturbed(Disturbance::ResyncStorm);
            let at = self.now + self.dice.trouble.ms(100..=4_000);
            self.agenda.put(at, What::Trouble(Trouble::Storm(left - 1)));
        }
    }

    fn reboot(&mut self, lose_calls: bool) {
        let down_ms = self.dice.trouble.ms(0..=20_000);
        for number in self.some_boxes() {
            if !self.is_on(number) {
                continue;
            }
            self.site.pbx_mut(number).reboot(self.now, down_ms, lose_calls);
            self.disturbed(match lose_calls {
                false => Disturbance::Reboot,
                true => Disturbance::RebootWithoutCalls,
            });
            self.break_connections(number);
        }
    }

    // ---- sites -----------------------------------------------------------------------------

    /// Whether a PBX is switched on; it may be booting.
    pub(super) fn is_on(&self, number: usize) -> bool {
        self.site.list().get(number).is_some_and(|listed| listed.is_on)
    }

    fn switch_off(&mut self) {
        let number = self.box_to_fail();
        if self.site.stop(number, self.now).is_err() {
            return;
        }
        self.say(|| format!("SITE     PBX {number} is switched off"));
        self.disturbed(match self.swarm.layout.is_slave(number) {
            true => Disturbance::SlaveOff,
            false => Disturbance::MasterOff,
        });
        self.break_connections(number);
        let off_ms = self.dice.trouble.ms(1_000..=60_000);
        self.agenda.put(self.now + off_ms, What::Trouble(Trouble::On(number)));
        if self.swarm.layout.standby_of(number).is_some() && self.dice.trouble.happens(700) {
            let at = self.now + self.dice.trouble.ms(50..=5_000);
            self.agenda.put(at, What::Trouble(Trouble::TakesOver(number)));
        }
    }

    /// One with a standby rather than another.
    fn box_to_fail(&mut self) -> usize {
        let layout = self.swarm.layout;
        let with_standby: Vec<usize> =
            (0..self.site.count()).filter(|number| layout.standby_of(*number).is_some()).collect();
        let found = self.dice.trouble.pick(&with_standby).copied();
        match found.filter(|_| self.dice.trouble.happens(500)) {
            Some(number) => number,
            None => self.dice.trouble.below(self.site.count()),
        }
    }

    fn switch_on(&mut self, number: usize) {
        let standby = self.swarm.layout.standby_of(number);
        let serves = |standby: usize| self.site.list()[standby].serves;
        let goes_back = standby.is_some_and(serves);
        if self.site.start(number, self.now).is_ok() {
            if goes_back {
                self.disturbed(Disturbance::FailBack);
            }
            self.say(|| format!("SITE     PBX {number} is switched on"));
            self.legs_are_others();
        }
    }

    fn take_over(&mut self, number: usize) {
        let standby = self.swarm.layout.standby_of(number);
        if standby.is_some_and(|standby| !self.is_on(standby)) {
            return;
        }
        if self.site.take_over(number).is_ok() {
            self.disturbed(Disturbance::TakeOver);
            self.say(|| format!("SITE     the standby of PBX {number} takes over"));
            self.legs_are_others();
        }
    }

    fn move_somebody(&mut self) {
        let numbers = self.numbers();
        let to = self.dice.trouble.below(self.site.count());
        let Some(ext) = self.dice.trouble.pick(&numbers).cloned() else { return };
        let moved = self.site.move_user(&ext, to);
        if moved.is_ok() {
            self.disturbed(Disturbance::Moved);
        }
        self.say(|| format!("SITE     {ext} moves to PBX {to}: {moved:?}"));
        self.attend_polls();
    }

    /// Calls went to another box: which legs applications need not see cannot be told any more.
    fn legs_are_others(&mut self) {
        self.host.forget_which_legs();
        for number in 0..self.site.count() {
            self.expect_of_box(number);
        }
        self.attend_polls();
    }

    /// At the end of the chaos: what is off may stay so where the rest can be reached, and is
    /// switched on otherwise; a standby may stay in its place.
    pub(super) fn boxes_come_to_rest(&mut self) {
        for standby in 0..self.site.count() {
            if self.swarm.layout.is_standby(standby) && !self.is_on(standby) {
                self.switch_on(standby);
            }
        }
        for number in 0..self.site.count() {
            let stands_in = |standby: usize| self.site.list()[standby].serves;
            let replaced = self.swarm.layout.standby_of(number).is_some_and(stands_in);
            let is_leaf = !self.swarm.layout.has_slaves(number)
                && self.swarm.layout.standby_of(number).is_none()
                && !self.swarm.layout.is_standby(number);
            let may_stay = (is_leaf || replaced) && self.dice.trouble.happens(500);
            if self.is_on(number) && replaced {
                // Phones come back to a PBX only when it is switched on.
                let stopped = self.site.stop(number, self.now);
                debug_assert!(stopped.is_ok());
                self.break_connections(number);
            }
            if !self.is_on(number) && !may_stay {
                self.switch_on(number);
                self.somebody_is_there(number);
            }
        }
    }

    /// A phone at least is registered at a PBX that has a standby: it is the only sign by which
    /// anybody could tell which of the two serves.
    fn somebody_is_there(&mut self, number: usize) {
        let users = self.site.pbx(number).users();
        let mut at_home = users.iter().filter(|user| user.loc.is_empty() && user.ext != "0");
        if self.swarm.layout.standby_of(number).is_some() && !at_home.any(|user| user.registered) {
            for user in users.iter().filter(|user| user.loc.is_empty() && user.ext != "0") {
                self.say_to_box(number, &format!("register {} on", user.ext));
            }
        }
    }
}
