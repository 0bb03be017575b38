//! People at their phones, callers from outside, and the administrator. They speak the control
//! language of the simulator, so that what a trace shows can be typed at its prompt.

use super::agenda::What;
use super::world::World;
use crate::simulator::control;
use crate::simulator::model::{ListedCall, ListedLeg, Phase};

/// Something that people may do. Which of them nobody does is a matter of the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Call,
    CallOutside,
    Ring,
    Answer,
    Reject,
    HangUp,
    Hold,
    Retrieve,
    Confer,
    Transfer,
    SendAway,
    PickUp,
    Park,
    Unpark,
    DialOn,
    UserInfo,
    FarAlert,
    FarAnswer,
    FarBusy,
    FarHangUp,
    GiveUp,
    Identify,
    Busy,
    Refuse,
    Silent,
    Register,
    NoAlert,
    AddUser,
    RemoveUser,
    Rename,
    Divert,
    Inherit,
    Reverse,
}

impl Deed {
    fn is_administration(self) -> bool {
        matches!(
            self,
            Deed::AddUser | Deed::RemoveUser | Deed::Rename | Deed::Divert | Deed::Inherit
        )
    }
}

/// What can be done without a call.
const ANY_TIME: [Deed; 22] = [
    Deed::Call,
    Deed::Call,
    Deed::Call,
    Deed::Call,
    Deed::Call,
    Deed::Call,
    Deed::CallOutside,
    Deed::CallOutside,
    Deed::Ring,
    Deed::Ring,
    Deed::Ring,
    Deed::Busy,
    Deed::Refuse,
    Deed::Silent,
    Deed::Register,
    Deed::NoAlert,
    Deed::AddUser,
    Deed::RemoveUser,
    Deed::Rename,
    Deed::Divert,
    Deed::Inherit,
    Deed::Reverse,
];

/// Extensions of users that come and go; at each PBX of a site others, for users move.
const COMING: [&str; 3] = ["40", "41", "42"];

impl World<'_> {
    /// Lets people act from now on.
    pub(super) fn expect_people(&mut self) {
        let at = self.now + self.dice.people.pause_ms(self.swarm.people_ms);
        self.agenda.put(at, What::People);
    }

    /// Somebody does something.
    pub(super) fn people(&mut self) {
        if self.is_quiet {
            return;
        }
        self.expect_people();
        let Some(at) = self.some_box() else { return };
        let legs = self.legs(at);
        let leg = if self.dice.people.happens(650) { self.dice.people.pick(&legs) } else { None };
        let (deed, ext) = match leg.cloned() {
            Some(leg) => (self.deed_with(&leg), leg.ext),
            None => (self.dice.people.choose(&ANY_TIME), self.somebody_at(at)),
        };
        // A standby has what its PBX has: nobody administrates it.
        let is_elsewhere = deed.is_administration() && self.swarm.layout.is_standby(at);
        if is_elsewhere || self.swarm.not_by_people >> (deed as u32) & 1 == 1 {
            return;
        }
        let command = self.command_for(deed, at, &ext);
        // Of one number there is one in a whole tree: an administrator sees to that.
        let number = command.split(' ').nth(1).unwrap_or_default();
        if deed == Deed::AddUser && self.numbers().iter().any(|known| known == number) {
            return;
        }
        self.say_to_box(at, &command);
    }

    /// Types a command at the prompt of a simulated PBX. What it refuses is not done.
    pub(super) fn say_to_box(&mut self, at: usize, command: &str) {
        let done = control::execute(command, &mut self.site.pbx_mut(at), self.now);
        self.say(|| match &done {
            Ok(_) => format!("PEOPLE   {command}"),
            Err(error) => format!("PEOPLE   {command}: {error}"),
        });
        if done.is_ok() {
            self.tally.deeds += 1;
        }
        self.attend_polls();
        self.expect_of_boxes(at);
    }

    /// Numbers that somebody has.
    pub(super) fn numbers(&self) -> Vec<String> {
        let users = (0..self.site.count()).flat_map(|at| self.site.pbx(at).users());
        users.map(|user| user.ext).filter(|ext| ext != "0").collect()
    }

    /// Hangs up all phones, and takes the parked calls away with the rest.
    pub(super) fn everybody_hangs_up(&mut self) {
        for at in 0..self.site.count() {
            for _ in 0..200 {
                let legs = self.legs(at);
                let Some(leg) = legs.iter().find(|leg| leg.phase != Phase::Parked) else { break };
                let command = format!("hangup {}", leg.ext);
                self.say_to_box(at, &command);
            }
        }
    }

    /// Lets all phones be as they usually are: what was switched on for the sake of trouble would
    /// keep calls from ever coming to rest.
    pub(super) fn everybody_behaves(&mut self) {
        for at in 0..self.site.count() {
            for ext in self.site.pbx(at).users().into_iter().map(|user| user.ext) {
                self.say_to_box(at, &format!("silent {ext} off"));
            }
        }
    }

    fn legs(&self, at: usize) -> Vec<ListedLeg> {
        self.site.pbx(at).calls().into_iter().flat_map(|ListedCall { legs, .. }| legs).collect()
    }

    /// A PBX that phones are registered at.
    fn some_box(&mut self) -> Option<usize> {
        let serves = |at: &usize| self.site.pbx(*at).users().iter().any(|user| user.registered);
        let serving: Vec<usize> = (0..self.site.count()).filter(serves).collect();
        self.dice.people.pick(&serving).copied()
    }

    fn somebody_at(&mut self, at: usize) -> String {
        let users = self.site.pbx(at).users();
        let at_home = users.into_iter().filter(|user| user.loc.is_empty() && user.ext != "0");
        let numbers: Vec<String> = at_home.map(|user| user.ext).collect();
        self.dice.people.pick(&numbers).cloned().unwrap_or_default()
    }

    /// Somebody to do it with, by the number that this takes: now and then at another PBX.
    fn somebody_for(&mut self, at: usize, ext: &str, deed: Deed) -> String {
        let may_be_elsewhere =
            matches!(deed, Deed::Call | Deed::SendAway | Deed::Divert | Deed::Inherit);
        if may_be_elsewhere && self.dice.people.happens(300) {
            let numbers = self.numbers();
            let number = self.dice.people.pick(&numbers).cloned().unwrap_or_default();
            return self.site.pbx(at).dials(ext, &number);
        }
        let other = self.somebody_at(at);
        if may_be_elsewhere { self.site.pbx(at).dials(ext, &other) } else { other }
    }

    fn deed_with(&mut self, leg: &ListedLeg) -> Deed {
        let (called, held) = (leg.state & 0x80 != 0, leg.state & 0x100 != 0);
        let outside = leg.ext == "0";
        let deeds: &[Deed] = match leg.phase {
            Phase::SetupAck => &[Deed::DialOn, Deed::HangUp],
            Phase::Parked => &[Deed::Unpark],
            _ if outside => &[Deed::FarHangUp],
            Phase::Connected if held => {
                &[Deed::Retrieve, Deed::Transfer, Deed::Confer, Deed::HangUp]
            }
            Phase::Connected => &[
                Deed::Hold,
                Deed::Transfer,
                Deed::Confer,
                Deed::SendAway,
                Deed::Park,
                Deed::UserInfo,
                Deed::Identify,
                Deed::HangUp,
                Deed::FarHangUp,
            ],
            _ if called => &[
                Deed::Answer,
                Deed::Answer,
                Deed::Answer,
                Deed::Reject,
                Deed::SendAway,
                Deed::PickUp,
                Deed::GiveUp,
            ],
            _ => &[
                Deed::FarAlert,
                Deed::FarAnswer,
                Deed::FarAnswer,
                Deed::FarBusy,
                Deed::FarHangUp,
                Deed::GiveUp,
                Deed::HangUp,
            ],
        };
        self.dice.people.pick(deeds).copied().unwrap_or(Deed::HangUp)
    }

    fn command_for(&mut self, deed: Deed, at: usize, ext: &str) -> String {
        let other = self.somebody_for(at, ext, deed);
        let dice = &mut self.dice.people;
        let outside = dice.choose(&["055512", "07", "0", "99", "2"]);
        let on = dice.choose(&["on", "off", "off"]);
        let coming = match (at, dice.choose(&COMING)) {
            (0, coming) => coming.to_owned(),
            (at, coming) => format!("7{at}{coming}"),
        };
        let case = dice.choose(&["cfu", "cfb", "cfnr"]);
        let number = dice.below(1000);
        match deed {
            Deed::Call => format!("call {ext} {other}"),
            Deed::CallOutside => format!("call {ext} {outside}"),
            Deed::Ring if number < 200 => format!("ring {ext} -"),
            Deed::Ring => format!("ring {ext} 30{number} Caller {number}"),
            Deed::Answer => format!("answer {ext}"),
            Deed::Reject => format!("reject {ext}"),
            Deed::HangUp => format!("hangup {ext}"),
            Deed::Hold => format!("hold {ext}"),
            Deed::Retrieve => format!("retrieve {ext}"),
            Deed::Confer => format!("conference {ext} {on}"),
            Deed::Transfer => format!("transfer {ext}"),
            Deed::SendAway => format!("redirect {ext} {other}"),
            Deed::PickUp => format!("pickup {other} {ext}"),
            Deed::Park if number < 500 => format!("park {ext}"),
            Deed::Park => format!("park {ext} {other}"),
            Deed::Unpark => format!("unpark {other} {ext}"),
            Deed::DialOn => format!("dial {ext} {number}"),
            Deed::UserInfo => format!("uui {ext} text {number}"),
            Deed::FarAlert => format!("far alert {ext}"),
            Deed::FarAnswer => format!("far answer {ext}"),
            Deed::FarBusy => format!("far busy {ext}"),
            Deed::FarHangUp => format!("far hangup {ext}"),
            Deed::GiveUp => format!("give-up {ext}"),
            Deed::Identify => format!("identify {ext} Name {number}"),
            Deed::Busy => format!("busy {ext} {on}"),
            Deed::Refuse => format!("refuse {ext} {on}"),
            Deed::Silent => format!("silent {ext} {on}"),
            Deed::Register => {
                let on = dice.choose(&["on", "on", "off"]);
                format!("register {ext} {on}")
            }
            Deed::NoAlert => {
                let how = dice.choose(&["auto-alert", "auto-alert", "no-alert"]);
                format!("phone {ext} {how}")
            }
            Deed::AddUser => format!("add-user {coming} Guest {coming} & {number}"),
            Deed::RemoveUser => format!("remove-user {coming}"),
            Deed::Rename => format!("rename {ext} Person {number}"),
            Deed::Divert | Deed::Inherit => {
                let to = if number < 500 { "off" } else { &other };
                let how = if deed == Deed::Divert { "forward" } else { "inherit" };
                format!("{how} {ext} {case} {to}")
            }
            Deed::Reverse => {
                let order = dice.choose(&["normal", "reverse"]);
                format!("order {order}")
            }
        }
    }
}
