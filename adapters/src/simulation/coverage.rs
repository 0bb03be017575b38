//! What has really happened in a simulation, by kind: a fault that never comes proves nothing.

use std::fmt;
use std::ops::AddAssign;

/// A kind of disturbance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disturbance {
    /// The PBX forgot all sessions.
    SessionsForgotten,
    /// It forgot them again and again, so that all was read anew each time.
    ResyncStorm,
    /// It booted; its handles and session numbers began again.
    Reboot,
    /// It booted and its calls were gone.
    RebootWithoutCalls,
    /// Nobody could be reached.
    NetworkDown,
    /// The account was refused.
    Refused,
    /// The process was killed.
    Crash,
    /// It was killed after records were written and before their callbacks were made.
    CrashBeforeCallbacks,
    /// What was being written then was cut off or damaged.
    TornLog,
    /// The process was stopped and started.
    Restart,
    /// The machine slept.
    Sleep,
    /// The settings were changed.
    Settings,
    /// The telephony server hung in a callback.
    HostHung,
    /// A slave was switched off.
    SlaveOff,
    /// A PBX of the settings was switched off.
    MasterOff,
    /// A standby took over.
    TakeOver,
    /// The phones went back from a standby.
    FailBack,
    /// A user moved.
    Moved,
    /// A request was not sent.
    Unsent,
    /// A Poll was answered, and the answer lost.
    PollLost,
    /// The answer to a Poll came late.
    PollLate,
    /// It ended in the middle.
    PollCut,
    /// Its events came twice.
    PollDoubled,
    /// Events of different calls came in another order.
    Reordered,
    /// Another answer than that to a Poll was lost, late or cut.
    OtherSpoilt,
    /// Status 500 instead of an answer.
    Status500,
}

impl Disturbance {
    /// All kinds.
    pub const ALL: [Disturbance; 26] = [
        Disturbance::SessionsForgotten,
        Disturbance::ResyncStorm,
        Disturbance::Reboot,
        Disturbance::RebootWithoutCalls,
        Disturbance::NetworkDown,
        Disturbance::Refused,
        Disturbance::Crash,
        Disturbance::CrashBeforeCallbacks,
        Disturbance::TornLog,
        Disturbance::Restart,
        Disturbance::Sleep,
        Disturbance::Settings,
        Disturbance::HostHung,
        Disturbance::SlaveOff,
        Disturbance::MasterOff,
        Disturbance::TakeOver,
        Disturbance::FailBack,
        Disturbance::Moved,
        Disturbance::Unsent,
        Disturbance::PollLost,
        Disturbance::PollLate,
        Disturbance::PollCut,
        Disturbance::PollDoubled,
        Disturbance::Reordered,
        Disturbance::OtherSpoilt,
        Disturbance::Status500,
    ];
}

/// How often each kind of disturbance happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disturbances([u32; Disturbance::ALL.len()]);

impl Disturbances {
    /// One more.
    pub(super) fn count(&mut self, kind: Disturbance) {
        self.0[kind as usize] += 1;
    }

    /// How often that happened.
    #[must_use]
    pub fn of(&self, kind: Disturbance) -> u32 {
        self.0[kind as usize]
    }
}

/// How often each kind of request succeeded. A kind that never does is not played, or broken in a
/// way that no invariant is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Successes([u32; Successes::KINDS.len()]);

impl Successes {
    /// All kinds that the simulated applications ask for and that complete.
    pub const KINDS: [&'static str; 18] = [
        "MakeCall",
        "Answer",
        "Drop",
        "Hold",
        "Unhold",
        "SwapHold",
        "SetupTransfer",
        "CompleteTransfer",
        "BlindTransfer",
        "Redirect",
        "Pickup",
        "Park",
        "Unpark",
        "SetupConference",
        "AddToConference",
        "Dial",
        "SendUserUserInfo",
        "Forward",
    ];

    /// One more.
    pub(super) fn count(&mut self, kind: &str) {
        if let Some(at) = Successes::KINDS.iter().position(|known| *known == kind) {
            self.0[at] += 1;
        }
    }

    /// How often each succeeded.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, u32)> {
        Successes::KINDS.into_iter().zip(self.0)
    }
}

impl AddAssign for Successes {
    fn add_assign(&mut self, other: Successes) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }
}

impl AddAssign for Disturbances {
    fn add_assign(&mut self, other: Disturbances) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }
}

impl fmt::Display for Disturbances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, kind) in Disturbance::ALL.into_iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{kind:?} {}", self.of(kind))?;
        }
        Ok(())
    }
}
