//! What goes wrong at large: boxes, networks, machines.

use super::agenda::What;
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
}

impl Kind {
    pub(super) const ALL: [Kind; 11] = [
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
    ];

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
                self.wire.unreachable_until = at + self.dice.trouble.pause_ms(8_000);
            }
            (Kind::Refuses, _) => {
                self.wire.refused_until = at + self.dice.trouble.pause_ms(20_000);
            }
            (Kind::Crash, _) => self.crash(),
            (Kind::Restart, _) => return self.stop(),
            (Kind::Sleep, _) => {
                let asleep_ms = self.dice.trouble.choose(&[1_000, 20_000, 100_000, 3_600_000]);
                self.sleep(asleep_ms);
            }
            (Kind::Settings, _) => return self.change_settings(),
            (Kind::Hangs, _) => {
                self.host.hangs_until = at + self.dice.trouble.pause_ms(10_000);
            }
        }
        Ok(())
    }

    fn forget_sessions(&mut self) {
        self.boxes.iter_mut().for_each(crate::simulator::PbxModel::forget_sessions);
        self.attend_polls();
    }

    fn storm(&mut self, left: usize) {
        self.forget_sessions();
        if left > 1 {
            let at = self.now + self.dice.trouble.ms(100..=4_000);
            self.agenda.put(at, What::Trouble(Trouble::Storm(left - 1)));
        }
    }

    fn reboot(&mut self, lose_calls: bool) {
        let down_ms = self.dice.trouble.ms(0..=20_000);
        for number in 0..self.boxes.len() {
            self.boxes[number].reboot(self.now, down_ms, lose_calls);
            self.break_connections(number);
        }
    }
}
