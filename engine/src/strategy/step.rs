//! The steps of a history, and how they are drawn.

use super::history::History;
use crate::fact::Record;
use proptest::collection::vec;
use proptest::prelude::*;

/// Plausible histories of up to `max_steps` steps. A step is one to some twenty records.
pub fn histories(max_steps: usize) -> impl Strategy<Value = Vec<Record>> {
    vec(step(), 0..max_steps.max(1)).prop_map(|steps| History::play(&steps))
}

/// Something that happens. Numbers pick one of what there is, modulo how many there are; a step
/// that finds nothing to pick does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Time passes, in milliseconds.
    Wait(u16),
    /// The session with the PBX comes up, if it is down: snapshot of users, running calls.
    Connect,
    /// The session is lost.
    Lose(u8),
    /// A Poll comes back empty-handed.
    EmptyPoll,
    /// A phone registers or goes away.
    Register(u8, bool),
    /// The administrator deletes a user, or makes the object again.
    Exist(u8, bool),
    /// A call from outside.
    CallFromOutside(u8),
    /// A user calls another one, at the phone.
    CallInside(u8, u8),
    /// A user talks on one more call, and an application has the line open.
    Talk(u8, u8),
    /// A call goes on: proceeding, alerting, connected.
    Advance(u8),
    /// Someone hangs up; the number is the cause.
    HangUp(u8, u8),
    /// A leg that was hung up disappears.
    Delete(u8),
    /// A leg is put on hold, or retrieved.
    Hold(u8),
    /// A call is transferred: the other end becomes another one.
    Transfer(u8, u8),
    /// The latest fact of the PBX once more.
    Double,
    /// The host opens a line.
    Open(u8),
    /// The host closes a line.
    Close(u8),
    /// The host asks for fewer status messages.
    StatusMessages(u8, u8),
    /// The host forgets a call, or does not take it.
    ForgetCall(u8, bool),
    /// An application makes a call.
    MakeCall(u8, u8),
    /// An application answers a call.
    Answer(u8),
    /// An application drops a call.
    Drop(u8),
    /// An application forwards the calls of a line.
    Forward(u8, u8),
    /// The PBX answers one of the first questions about the record of a user, in some way.
    Record(u8, u8, u8),
    /// A trunk comes into view, or goes.
    Trunk(bool),
    /// An application asks for something else: which function, for which leg, with which other.
    Ask(u8, u8, u8),
    /// The same for what goes beyond the usual functions: digits, texts, parking, conferences.
    AskBeyond(u8, u8, u8),
    /// A call, and an application makes a conference of it with somebody else, who answers.
    Confer(u8, u8),
    /// The PBX answers the oldest open request: taken, refused, or failed.
    Reply(u8),
    /// A timer of some kind comes due.
    Due(u8, u8),
    /// The settings change: whether only one call of a line may be shown as connected.
    SingleActiveCall(bool),
    /// The telephony server starts anew.
    Restart,
    /// It stops.
    Stop,
}

fn step() -> impl Strategy<Value = Step> {
    let n = any::<u8>;
    prop_oneof![
        2 => any::<u16>().prop_map(Step::Wait),
        1 => Just(Step::Connect),
        1 => n().prop_map(Step::Lose),
        1 => Just(Step::EmptyPoll),
        1 => (n(), any::<bool>()).prop_map(|(user, on)| Step::Register(user, on)),
        1 => (n(), any::<bool>()).prop_map(|(user, on)| Step::Exist(user, on)),
        4 => n().prop_map(Step::CallFromOutside),
        3 => (n(), n()).prop_map(|(from, to)| Step::CallInside(from, to)),
        3 => (0..3u8, n()).prop_map(|(user, peer)| Step::Talk(user, peer)),
        9 => n().prop_map(Step::Advance),
        4 => (n(), n()).prop_map(|(leg, cause)| Step::HangUp(leg, cause)),
        3 => n().prop_map(Step::Delete),
        2 => n().prop_map(Step::Hold),
        1 => (n(), 0..8u8).prop_map(|(leg, to)| Step::Transfer(leg, to)),
        2 => Just(Step::Double),
        4 => n().prop_map(Step::Open),
        1 => n().prop_map(Step::Close),
        1 => (n(), n()).prop_map(|(user, bits)| Step::StatusMessages(user, bits)),
        1 => (n(), any::<bool>()).prop_map(|(leg, refused)| Step::ForgetCall(leg, refused)),
        3 => (n(), 0..16u8).prop_map(|(user, to)| Step::MakeCall(user, to)),
        2 => n().prop_map(Step::Answer),
        2 => n().prop_map(Step::Drop),
        2 => (n(), n()).prop_map(|(user, what)| Step::Forward(user, what)),
        4 => (n(), 0..8u8, n()).prop_map(|(user, which, how)| Step::Record(user, which, how)),
        1 => any::<bool>().prop_map(Step::Trunk),
        8 => (n(), n(), n()).prop_map(|(kind, leg, other)| Step::Ask(kind, leg, other)),
        5 => (n(), n(), n()).prop_map(|(kind, leg, other)| Step::AskBeyond(kind, leg, other)),
        2 => (n(), 0..16u8).prop_map(|(user, to)| Step::Confer(user, to)),
        7 => n().prop_map(Step::Reply),
        2 => (n(), n()).prop_map(|(kind, which)| Step::Due(kind, which)),
        1 => any::<bool>().prop_map(Step::SingleActiveCall),
        1 => Just(Step::Restart),
        1 => Just(Step::Stop),
    ]
}
