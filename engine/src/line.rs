//! One line: its identity, its link to the PBX, its calls, and the requests under way on it.
//!
//! A line's state depends on the inputs routed to it, in their order, and on nothing else
//! (invariant I-14: facts of different lines commute).

mod active;
mod blind;
mod call;
mod calls;
mod forward;
mod host;
mod request;
mod telling;
mod tie;

pub use self::blind::CallChanges;
use self::call::Call;
use self::forward::Forwards;
use self::request::Pending;
pub use self::request::Rule;
pub use self::tie::CallTie;
use crate::call::{Siblings, is_on_hold};
use crate::effect::{Effect, Effects, Notice, Report, Surprise, Telling, What};
use crate::fact::{CallInfo, Command, HostFact, Reply};
use crate::id::{CallHandle, CallId, LineId, Link, Opening, PbxId, RequestId, Ticket, UserHandle};
use crate::pbx::CallClue;
use crate::pii::Personal;
use crate::place::Place;
use crate::pool::Pool;
use crate::tapi::{CallState, address_state, disconnect_mode, line_dev_state};
use crate::time::{Millis, Timer};
use crate::view::{ForwardsView, Identity, LineView};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most calls kept on one line, idle ones that the host has not closed included (I-24).
pub const MAX_CALLS: usize = 64;
/// Most requests of applications under way on one line (I-24).
pub const MAX_REQUESTS: usize = 64;
/// Most events kept back while the PBX owes us the handle of a call we asked for (I-24).
pub const MAX_EARLY: usize = 256;
/// Time between two rings of an alerting call. The PBX does not report cadences.
pub const RING_MS: u64 = 5_000;
/// How long to wait before offering a call again that the host refused with LINE_NEWCALL.
pub const NEW_CALL_AGAIN_MS: u64 = 500;

/// What can happen to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineInput {
    /// A session of the telephony server begins.
    Started,
    /// Name, number or PBX changed.
    Identity(Arc<Identity>),
    /// Some PBX speaks of the user again, who was deleted or out of scope.
    Known,
    /// Its PBX reported the user; whether a device is registered.
    Seen {
        /// In which session.
        link: Link,
        /// A device is registered.
        registered: bool,
        /// Its configuration changed.
        changed: bool,
    },
    /// The PBX reports calls of the user from now on.
    Monitored {
        /// In which session.
        link: Link,
        /// Where that is held.
        place: Arc<Place>,
        /// The PBX's handle for the user.
        user: UserHandle,
    },
    /// That session is lost, or the user is at home elsewhere from now on.
    LinkLost(Link),
    /// After that session began, all running calls have been reported.
    Settled(Link),
    /// The user was deleted or left the scope.
    Removed,
    /// A call event of that session, with what the estate knows of its call.
    Call(Link, CallInfo, CallClue),
    /// From the telephony server.
    Host(HostFact),
    /// A request of an application, with those of its numbers that are addresses of lines in other
    /// numbering nodes.
    Command(Opening, RequestId, Command, Vec<Personal>),
    /// An application's request for a call that is parked somewhere.
    Unpark(Opening, RequestId, Unpark),
    /// The PBX's answer to what was asked for a request, or by the line itself.
    Reply(Ticket, Reply),
    /// A timer.
    Due(Timer),
}

/// `TSPI_lineUnpark`, with what the estate knows about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpark {
    /// The name of the call that it brings.
    pub call: CallId,
    /// The address it is parked at.
    pub from: Personal,
    /// The leg that is parked there.
    pub parked: Option<(PbxId, CallHandle)>,
}

/// What the estate knows about a request.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The leg that is parked where a call is to be taken from.
    parked: Option<(PbxId, CallHandle)>,
    /// The numbers that are addresses of lines in other numbering nodes.
    across: Vec<Personal>,
}

/// The state of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    identity: Arc<Identity>,
    monitor: Option<Monitor>,
    /// Where that session is held.
    place: Arc<Place>,
    /// The session in which its PBX reported the user.
    link: Option<Link>,
    registered: bool,
    removed: bool,
    open: Option<Open>,
    born: u32,
    /// Commands of applications so far.
    turns: u32,
    calls: Vec<Call>,
    requests: Vec<Pending>,
    early: Vec<(Link, CallInfo, CallClue)>,
    forwards: Forwards,
    /// What has changed since the session was lost, until that can be said.
    blind: Option<CallChanges>,
}

/// Where to ask about this line's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Monitor {
    link: Link,
    user: UserHandle,
}

/// What the host wants to hear while it has the line open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    opening: Opening,
    version: u32,
    line_states: u32,
    address_states: u32,
}

/// What lines may have in common.
#[derive(Default)]
pub(crate) struct LinePools {
    places: Pool<Arc<Place>>,
    forwards: Pool<Arc<ForwardsView>>,
}

impl Line {
    /// A line that nobody has heard of before.
    #[must_use]
    pub fn new(identity: Arc<Identity>) -> Line {
        Line {
            identity,
            monitor: None,
            place: Arc::default(),
            link: None,
            registered: false,
            removed: false,
            open: None,
            born: 0,
            turns: 0,
            calls: Vec::new(),
            requests: Vec::new(),
            early: Vec::new(),
            forwards: Forwards::default(),
            blind: None,
        }
    }

    /// Tells the telephony server that the line exists.
    pub fn announce(&self, out: &mut Effects) {
        out.push(Effect::Tell(Telling {
            line: self.identity.line,
            opening: Opening(0),
            what: What::Notice(Notice::LineCreated),
        }));
    }

    /// Its permanent id.
    #[must_use]
    pub fn id(&self) -> LineId {
        self.identity.line
    }

    /// Takes one input. Total: surprises are handled, counted and reported.
    pub fn apply(&mut self, at: Millis, input: LineInput, out: &mut Effects) {
        let (before, offered) = (self.status(), self.offered().collect::<Vec<_>>());
        match input {
            LineInput::Started => self.started(),
            LineInput::Identity(identity) => self.identified(identity, out),
            LineInput::Known => self.revive(out),
            LineInput::Seen { link, registered, changed } => {
                self.seen(at, link, registered, changed, out);
            }
            LineInput::Monitored { link, place, user } => {
                if self.link == Some(link) {
                    self.monitor = Some(Monitor { link, user });
                    self.place = place;
                    self.forwards_changed(out);
                }
            }
            LineInput::LinkLost(link) => self.link_lost(link, at, out),
            LineInput::Settled(link) => self.settled(link, at, out),
            LineInput::Removed => self.removed(at, out),
            LineInput::Call(link, info, clue) => {
                self.call_event(at, link, info, clue, out);
            }
            LineInput::Host(fact) => self.host(at, &fact, out),
            LineInput::Command(opening, id, command, across) => {
                let known = Known { across, ..Known::default() };
                self.command(at, opening, id, command, known, out);
            }
            LineInput::Unpark(opening, id, Unpark { call, from, parked }) => {
                let command = Command::Unpark { call, from };
                let known = Known { parked, ..Known::default() };
                self.command(at, opening, id, command, known, out);
            }
            LineInput::Reply(ticket, reply) => self.reply(at, ticket, reply, out),
            LineInput::Due(timer) => self.due(at, timer, out),
        }
        self.settle_conferences(at, out);
        self.settle_active(at, out);
        self.report_status(before, out);
        self.begin_ringing(at, &offered, out);
        self.release_early(at, out);
    }

    /// Whether nothing is under way on it: no call that the host knows, no request.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.calls.is_empty() && self.requests.is_empty() && self.early.is_empty()
    }

    /// What applications may read now.
    #[must_use]
    pub fn view(&self) -> LineView {
        let in_service = self.in_service();
        LineView {
            identity: Arc::clone(&self.identity),
            connected: self.link.is_some(),
            in_service,
            removed: self.removed,
            ringing: self
                .calls
                .iter()
                .any(|call| call.is_visible() && call.state == CallState::Offering),
            forwards: self.forwards_view(),
            calls: self
                .calls
                .iter()
                .enumerate()
                .filter(|(_, call)| call.is_visible())
                .map(|(index, call)| {
                    let siblings = self.siblings_of(call);
                    Arc::new(call.view(siblings, in_service, self.is_masked(index)))
                })
                .collect(),
        }
    }

    /// The leg that a call is at its PBX, as far as it is known.
    #[must_use]
    pub fn leg(&self, call: CallId) -> Option<CallHandle> {
        self.calls.iter().find(|known| known.id == call)?.leg
    }

    /// What else goes on here, as far as it decides what may be asked of a call.
    fn siblings_of(&self, call: &Call) -> Siblings {
        let others = || {
            let others = self.calls.iter().enumerate();
            others.filter(|(_, other)| other.is_visible() && other.id != call.id)
        };
        // The PBX can be asked for nothing with a conference but to wait for its members.
        let is_partner = |other: &Call| !other.is_conference || other.state != CallState::Connected;
        let partners = others().filter(|(_, other)| is_partner(other));
        let mut siblings = Siblings::of(partners.map(|(_, other)| other.state));
        siblings.transferable &=
            others().any(|(index, other)| is_on_hold(other.state) && !self.is_masked(index));
        siblings.room = self.status().has_free_appearance();
        siblings.confers = !self.identity.single_active_call
            && !others().any(|(_, other)| other.is_conference && other.is_live());
        siblings
    }

    fn in_service(&self) -> bool {
        self.link.is_some() && self.registered && self.monitor.is_some() && !self.removed
    }
}

impl Line {
    /// Handles, requests and PBX sessions do not outlive the telephony server's session.
    fn started(&mut self) {
        self.monitor = None;
        self.link = None;
        self.registered = false;
        self.open = None;
        self.calls = Vec::new();
        self.requests = Vec::new();
        self.early = Vec::new();
        self.forwards.started();
    }

    /// Makes one of what is equal: its identity and that which the estate has, and what it has in
    /// common with other lines.
    pub(crate) fn share(&mut self, identity: Option<&Arc<Identity>>, pools: &mut LinePools) {
        if let Some(same) = identity.filter(|same| **same == self.identity) {
            self.identity = Arc::clone(same);
        }
        pools.places.share(&mut self.place);
        self.forwards.share(&mut pools.forwards);
    }

    fn identified(&mut self, identity: Arc<Identity>, out: &mut Effects) {
        if *self.identity == *identity {
            return;
        }
        let before = std::mem::replace(&mut self.identity, identity);
        let now = &self.identity;
        // Both change what the capabilities of the address say.
        let renumbered =
            before.number != now.number || before.single_active_call != now.single_active_call;
        let renamed = (&before.name, &before.switch) != (&now.name, &now.switch)
            || before.is_uui_encoded != now.is_uui_encoded;
        let rerouted = before.trunks != now.trunks;
        if renumbered {
            self.tell_address(address_state::CAPSCHANGE, out);
        }
        if renumbered || renamed {
            self.tell_line(line_dev_state::CAPSCHANGE, 0, 0, out);
        }
        if rerouted {
            self.forwards_renamed(out);
        }
    }

    fn seen(&mut self, at: Millis, link: Link, registered: bool, changed: bool, out: &mut Effects) {
        self.revive(out);
        if let Some(before) = self.link.filter(|before| *before != link) {
            self.link_lost(before, at, out);
        }
        self.link = Some(link);
        self.registered = registered;
        if changed {
            self.forwards_changed(out);
        }
    }

    /// A line that was removed is there again.
    fn revive(&mut self, out: &mut Effects) {
        if self.removed {
            self.removed = false;
            self.announce(out);
        }
    }

    fn link_lost(&mut self, link: Link, at: Millis, out: &mut Effects) {
        if self.link != Some(link) {
            return;
        }
        self.link = None;
        self.monitor = None;
        self.early.clear();
        self.goes_blind();
        self.fail_requests(out);
        self.lose_forwards(out);
        let mut any = false;
        for call in &mut self.calls {
            call.leg = None;
            call.forks.clear();
            call.orphaned = call.is_live();
            any |= call.orphaned;
        }
        self.calls.retain(|call| call.is_visible() || call.is_live());
        if any {
            let until = at + u64::from(self.identity.calls_kept_ms);
            out.push(Effect::Wake(until, Timer::Grace(self.id(), link.attempt.0)));
        }
    }

    /// The PBX has reported what is left: a call that it did not report is over (I-17).
    fn settled(&mut self, link: Link, at: Millis, out: &mut Effects) {
        if self.link != Some(link) {
            return;
        }
        if self.calls.iter().any(|call| call.orphaned) {
            out.push(Effect::Report(Report::Surprise(Surprise::Zombie)));
        }
        self.end_orphans(at, disconnect_mode::UNKNOWN, out);
        self.sees_again(out);
    }

    fn end_orphans(&mut self, at: Millis, mode: u32, out: &mut Effects) {
        self.ended_unseen();
        for index in 0..self.calls.len() {
            if self.calls[index].orphaned {
                self.calls[index].orphaned = false;
                self.end_call(at, index, mode, out);
            }
        }
        self.forget_ended();
    }

    /// Calls first, then the line (I-12).
    fn removed(&mut self, at: Millis, out: &mut Effects) {
        if self.removed {
            return;
        }
        self.fail_requests(out);
        self.lose_forwards(out);
        self.early.clear();
        for index in 0..self.calls.len() {
            self.calls[index].leg = None;
            self.calls[index].orphaned = false;
            self.end_call(at, index, disconnect_mode::UNAVAIL, out);
        }
        self.forget_ended();
        self.monitor = None;
        self.link = None;
        self.registered = false;
        self.removed = true;
        self.blind = None;
        out.push(Effect::Tell(Telling {
            line: self.id(),
            opening: Opening(0),
            what: What::Notice(Notice::LineRemoved),
        }));
    }

    fn due(&mut self, at: Millis, timer: Timer, out: &mut Effects) {
        match timer {
            Timer::Deadline(_, ticket) => {
                self.deadline(at, ticket, out);
                self.look_for_left(at, ticket, out);
                self.forward_deadline(ticket, out);
            }
            Timer::Ring(call, count) => self.ring(at, call, count, out),
            Timer::Grace(..) => {
                // Where a new session reports the line, it decides by itself (`settled`).
                if self.link.is_none() {
                    self.end_orphans(at, disconnect_mode::TEMPFAILURE, out);
                }
            }
            Timer::NewCallAgain(call, refusals) => self.new_call_again(call, refusals, out),
            Timer::Reconnect(..) | Timer::PollPause(..) | Timer::Settled(..) | Timer::Probe(..) => {
            }
        }
    }
}
