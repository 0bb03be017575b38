//! Call forwarding: what an application asks for, brought about in the user's record at the PBX,
//! and what the record says, shown to applications.
//!
//! ```text
//! TSPI_lineForward → read the record → change it step by step → read it again → completion
//!                        ↑                     │ a step fails            │ not as it should be
//!                        └───── what was before is the goal now ←────────┴→ once more
//! ```
//! Where a number is the address of a line in another numbering node, the PBX is asked first what
//! the user dials for it: the record holds numbers as they are dialled.
//!
//! The record has other authors: the phone, the administrator, another program. So nothing is
//! believed that was not read, a request is done when the record says so (I-06: once), and one
//! that cannot be done leaves what was there before. What comes from a template is left alone.
//!
//! One thing is done at a time for each line, and one question is open at a time.

mod plan;

use self::plan::{Goal, Step};
use super::request::{Outcome, Progress};
use super::{Line, Monitor};
use crate::capability;
use crate::diversion::{Diversion, Kind, UserRecord};
use crate::effect::{Effect, Effects, Order, Report};
use crate::fact::{Completion, Failure, Reply};
use crate::forwarding::Forwarding;
use crate::id::{Link, Ticket};
use crate::pii::Personal;
use crate::pool::Pool;
use crate::tapi::{LineErr, address_state, line_dev_state};
use crate::time::{Millis, Timer};
use crate::view::{ForwardView, ForwardsView, Wide};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// How long a request may take. It consists of several questions, each of which has the patience
/// of the connection.
const FORWARD_DEADLINE_MS: u64 = 20_000;
/// How often the record is read and changed before a request is given up: others may write, too.
const MAX_ROUNDS: u8 = 3;
/// How often reading is tried again when something has to be undone.
const MAX_UNREAD: u8 = 3;
/// Seconds that count as one ring.
const RING_S: u32 = (super::RING_MS / 1000) as u32;

/// What a line knows of its forwarding, and what it is doing about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Forwards {
    /// All that applies to the user, as last read; `None` if that is nothing.
    read: Option<Box<UserRecord>>,
    /// The same as applications see it; `None` if that is nothing.
    shown: Option<Arc<ForwardsView>>,
    /// The record was changed since it was read last.
    stale: bool,
    /// Questions asked so far; the last of them is open while there is a job.
    asked: u32,
    job: Option<Job>,
    waiting: Vec<Setting>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Job {
    /// Reads what applies.
    Read,
    /// Does what an application asked for.
    Set(Box<Setting>),
}

/// What an application asked for, on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Setting {
    /// The request.
    ticket: Ticket,
    /// It is completed; what was begun is still brought to an end.
    completed: bool,
    goal: Goal,
    /// Numbers of the goal that count from the root of the numbering still.
    across: Vec<Personal>,
    /// The user's own record before anything was changed.
    before: Option<UserRecord>,
    /// Steps that are left; the first of them is under way. With none the record is being read.
    steps: VecDeque<Step>,
    rounds: u8,
    /// How often the record could not be read after something was changed.
    unread: u8,
    /// How the request will end.
    verdict: Completion,
}

impl Line {
    /// `TSPI_lineForward`.
    pub(super) fn forward(
        &mut self,
        at: Millis,
        ticket: Ticket,
        forwarding: &Forwarding,
        across: Vec<Personal>,
        out: &mut Effects,
    ) -> Outcome {
        let Forwarding { forwards, rings } = forwarding;
        self.monitor.ok_or(LineErr::OperationFailed)?;
        let trunks = &self.identity.trunks;
        let of = |forward| Diversion::of(forward, trunks).ok_or(LineErr::InvalParam);
        let diversions: Vec<Vec<Diversion>> = forwards.iter().map(of).collect::<Result<_, _>>()?;
        let diversions = diversions.concat();
        let no_answer = diversions.iter().any(|diversion| diversion.kind == Kind::NoAnswer);
        let rings = (*rings).min(capability::MAX_FORWARD_RINGS);
        let deadline = at + FORWARD_DEADLINE_MS;
        let setting = Setting {
            ticket,
            completed: false,
            goal: Goal::Asked {
                diversions,
                modify: self.identity.modify_forwards,
                no_answer_s: (no_answer && rings > 0).then_some(rings * RING_S),
            },
            across,
            before: None,
            steps: VecDeque::new(),
            rounds: 0,
            unread: 0,
            verdict: Ok(()),
        };
        out.push(Effect::Wake(deadline, Timer::Deadline(self.id(), ticket)));
        self.forwards.waiting.push(setting);
        // Who waits goes before what is only read to be shown: on a large estate that may take long.
        if matches!(self.forwards.job, Some(Job::Read)) {
            self.forwards.job = None;
            self.forwards.stale = true;
        }
        self.go_on_forwarding(out);
        Ok(Progress::UnderWay)
    }

    /// The record may have changed. Read now if somebody may want to know, else when the line is
    /// opened.
    pub(super) fn forwards_changed(&mut self, out: &mut Effects) {
        self.forwards.stale = true;
        self.go_on_forwarding(out);
    }

    /// What applications may read.
    pub(super) fn forwards_view(&self) -> Arc<ForwardsView> {
        self.forwards.shown.clone().unwrap_or_else(ForwardsView::none)
    }

    /// Requests that are not completed.
    pub(super) fn forward_requests(&self) -> usize {
        self.forwards.settings().filter(|setting| !setting.completed).count()
    }

    /// The host closes the line, or the provider stops: what has not begun is dropped; what has
    /// goes on to a record that makes sense, but nobody waits for it any more.
    pub(super) fn fail_forwards(&mut self, out: &mut Effects) {
        let mut failed = Vec::new();
        for setting in self.forwards.settings_mut() {
            failed.extend((!setting.completed).then_some(setting.ticket));
            setting.completed = true;
        }
        self.forwards.waiting.clear();
        for ticket in failed {
            self.complete(ticket, Err(LineErr::OperationFailed), out);
        }
    }

    /// The session is gone, and with it every answer that is still on its way.
    pub(super) fn lose_forwards(&mut self, out: &mut Effects) {
        self.fail_forwards(out);
        self.forwards.started();
    }

    /// A request has waited long enough. What was begun is undone.
    pub(super) fn forward_deadline(&mut self, ticket: Ticket, out: &mut Effects) {
        let is_due = |setting: &&mut Setting| setting.ticket == ticket && !setting.completed;
        let Some(setting) = self.forwards.settings_mut().find(is_due) else { return };
        setting.completed = true;
        setting.fail();
        self.forwards.waiting.retain(|setting| setting.verdict.is_ok());
        self.complete(ticket, Err(LineErr::OperationFailed), out);
    }

    /// The PBX answered a question of ours.
    pub(super) fn forward_reply(&mut self, ticket: Ticket, reply: Reply, out: &mut Effects) {
        if ticket != self.forwards.open_question() {
            return;
        }
        match (self.forwards.job.take(), reply) {
            (Some(Job::Read), Reply::Record(record)) => self.record_read(record, out),
            (Some(Job::Read), reply) => self.record_unread(reply, out),
            (Some(Job::Set(setting)), reply) => self.setting_answered(setting, reply, out),
            (None, _) => {}
        }
        self.go_on_forwarding(out);
    }

    fn record_read(&mut self, record: UserRecord, out: &mut Effects) {
        self.forwards.keep(record);
        if self.show_forwards(false, out) {
            self.tell_address(address_state::FORWARD, out);
        }
    }

    fn record_unread(&mut self, reply: Reply, out: &mut Effects) {
        let Reply::Failed(failure) = reply else { return };
        let refused = is_refusal(&failure);
        if let Some(Monitor { link: Link { pbx, .. }, .. }) = self.monitor {
            out.push(Effect::Report(Report::ForwardingUnknown(pbx, failure)));
        }
        if refused && self.show_forwards(true, out) {
            self.tell_address(address_state::FORWARD, out);
        }
    }

    /// Makes what applications see anew. Returns whether the forwarding changed.
    fn show_forwards(&mut self, refused: bool, out: &mut Effects) -> bool {
        let trunks = &self.identity.trunks;
        let entries = if refused { &[][..] } else { self.forwards.applied() };
        let no_answer_s = self.forwards.read.as_ref().and_then(|read| read.no_answer_s);
        let view = ForwardsView {
            refused,
            rings: ring_count(entries, no_answer_s),
            entries: entries
                .iter()
                .flat_map(|diversion| diversion.forwards(trunks))
                .map(|shown| ForwardView {
                    mode: shown.mode,
                    caller: Wide::from_text(shown.forward.callers.number()),
                    destination: Wide::from_text(shown.forward.to.text()),
                })
                .collect(),
        };
        let before = self.forwards_view();
        self.forwards.shown = (view != *ForwardsView::none()).then(|| Arc::new(view));
        if before.refused != refused {
            self.tell_address(address_state::CAPSCHANGE, out);
            self.tell_line(line_dev_state::CAPSCHANGE, 0, 0, out);
        }
        let now = self.forwards_view();
        before.entries != now.entries || before.rings != now.rings
    }

    /// The trunks are others: what is "external" may now be something else.
    pub(super) fn forwards_renamed(&mut self, out: &mut Effects) {
        let refused = self.forwards_view().refused;
        self.tell_address(address_state::CAPSCHANGE, out);
        if self.show_forwards(refused, out) {
            self.tell_address(address_state::FORWARD, out);
        }
    }

    fn setting_answered(&mut self, mut setting: Box<Setting>, reply: Reply, out: &mut Effects) {
        if let Some(number) = setting.across.pop() {
            // A PBX that does not say gets the number as it is.
            if let Reply::Found(Some(local)) = reply {
                setting.goal.localise(&number, &local);
            }
            self.forwards.job = Some(Job::Set(setting));
            return self.ask_about_forwards(out);
        }
        match reply {
            Reply::Record(record) if setting.steps.is_empty() => {
                return self.plan_forwards(setting, record, out);
            }
            Reply::Taken if !setting.steps.is_empty() => {
                setting.steps.pop_front();
            }
            // Somebody else wrote meanwhile: look again.
            Reply::Refused => setting.steps.clear(),
            Reply::Failed(failure) if setting.steps.is_empty() => {
                // Without reading it is not known what there is to undo, if anything was done.
                if setting.before.is_none() || setting.unread == MAX_UNREAD {
                    return self.end_setting(&setting, Err(why(&failure)), out);
                }
                setting.unread += 1;
                setting.fail();
            }
            _ => setting.fail(),
        }
        self.forwards.job = Some(Job::Set(setting));
        self.ask_about_forwards(out);
    }

    /// The user's own record was read: it is as it should be, or there is something to do.
    fn plan_forwards(&mut self, mut setting: Box<Setting>, record: UserRecord, out: &mut Effects) {
        if setting.verdict.is_err() && setting.before.is_none() {
            // It was given up before anything was done.
            return self.end_setting(&setting, Err(LineErr::OperationFailed), out);
        }
        let steps = setting.goal.steps(&record);
        if setting.before.is_none() {
            setting.before = Some(record.clone());
        }
        if steps.is_empty() {
            self.own_record_is(&setting, record);
            let verdict = setting.verdict;
            return self.end_setting(&setting, verdict, out);
        }
        if setting.rounds == MAX_ROUNDS {
            if setting.verdict.is_err() {
                self.own_record_is(&setting, record);
                return self.end_setting(&setting, Err(LineErr::OperationFailed), out);
            }
            setting.fail();
            return self.plan_forwards(setting, record, out);
        }
        setting.rounds += 1;
        setting.steps = steps.into();
        self.forwards.job = Some(Job::Set(setting));
        self.ask_about_forwards(out);
    }

    /// What applies now is what the record says and what came from elsewhere before.
    fn own_record_is(&mut self, setting: &Setting, mut record: UserRecord) {
        let known = self.forwards.read.take().unwrap_or_default();
        let mut inherited = known.diversions;
        for own in setting.before.iter().flat_map(|before| &before.diversions) {
            if let Some(found) = inherited.iter().position(|known| known.element == own.element) {
                inherited.remove(found);
            }
        }
        record.diversions.append(&mut inherited);
        record.no_answer_s = record.no_answer_s.or(known.no_answer_s);
        self.forwards.keep(record);
    }

    fn end_setting(&mut self, setting: &Setting, verdict: Completion, out: &mut Effects) {
        let refused = verdict == Err(LineErr::OperationUnavail);
        let changed = self.show_forwards(refused, out);
        if !setting.completed {
            self.complete(setting.ticket, verdict, out);
        }
        if changed || verdict.is_ok() {
            self.tell_address(address_state::FORWARD, out);
        }
        let foreign = self.foreign_forwards(setting);
        if verdict.is_ok() && foreign > 0 {
            out.push(Effect::Report(Report::ForwardsOfTemplate(self.id(), foreign)));
        }
    }

    /// How many diversions apply beside those asked for, when only those were to be left.
    fn foreign_forwards(&self, setting: &Setting) -> u32 {
        let Goal::Asked { diversions, modify: false, .. } = &setting.goal else { return 0 };
        let asked = |known: &&Diversion| !diversions.iter().any(|asked| asked.is_like(known));
        let foreign = self.forwards.applied().iter().filter(|known| known.diverts()).filter(asked);
        u32::try_from(foreign.count()).unwrap_or(u32::MAX)
    }

    /// Begins the next thing to do, if nothing is being done.
    fn go_on_forwarding(&mut self, out: &mut Effects) {
        if self.forwards.job.is_some() || self.monitor.is_none() || self.link.is_none() {
            return;
        }
        let job = if !self.forwards.waiting.is_empty() {
            // There are few: each of them is a request that a line has room for.
            Job::Set(Box::new(self.forwards.waiting.remove(0)))
        } else if self.forwards.stale && self.open.is_some() {
            self.forwards.stale = false;
            Job::Read
        } else {
            return;
        };
        self.forwards.job = Some(job);
        self.ask_about_forwards(out);
    }

    /// Asks the next question of the present job.
    fn ask_about_forwards(&mut self, out: &mut Effects) {
        let (Some(monitor), Some(job)) = (self.monitor, &self.forwards.job) else { return };
        let cn = self.identity.cn.clone();
        let order = match job {
            Job::Read => Order::ShowUser { cn, own: false },
            Job::Set(setting) => match (setting.across.last(), setting.steps.front().cloned()) {
                (Some(number), _) => {
                    Order::LocalNumber { user: monitor.user, e164: number.clone() }
                }
                (None, None) => Order::ShowUser { cn, own: true },
                (None, Some(Step::Add(diversion))) => Order::AddDiversion { cn, diversion },
                (None, Some(Step::Remove(diversion))) => Order::RemoveDiversion { cn, diversion },
                (None, Some(Step::Time(seconds, print))) => {
                    Order::SetNoAnswerTime { cn, seconds, print }
                }
            },
        };
        let whom = match job {
            Job::Read => None,
            Job::Set(setting) => Some(setting.ticket),
        };
        self.forwards.asked = self.forwards.asked.wrapping_add(1);
        let question = self.forwards.open_question();
        self.order_for(whom.unwrap_or(question), monitor, question, order, out);
    }
}

impl Forwards {
    /// Makes one of what is shown of several lines and is equal.
    pub(super) fn share(&mut self, pool: &mut Pool<Arc<ForwardsView>>) {
        if let Some(shown) = &mut self.shown {
            pool.share(shown);
        }
    }

    /// A session of the telephony server begins. What was known is shown until it is read anew.
    pub(super) fn started(&mut self) {
        self.job = None;
        self.waiting = Vec::new();
        self.stale = true;
    }

    fn keep(&mut self, record: UserRecord) {
        // The checksum is of use only while the record is being changed.
        let record = UserRecord { print: 0, ..record };
        self.read = (record != UserRecord::default()).then(|| Box::new(record));
    }

    /// All diversions that apply to the user, as last read.
    fn applied(&self) -> &[Diversion] {
        self.read.as_ref().map_or(&[], |read| &read.diversions)
    }

    /// The name under which the answer to the question asked last comes back.
    fn open_question(&self) -> Ticket {
        Ticket::question(self.asked)
    }

    fn settings(&self) -> impl Iterator<Item = &Setting> {
        let running = self.job.as_ref().and_then(|job| match job {
            Job::Set(setting) => Some(&**setting),
            Job::Read => None,
        });
        running.into_iter().chain(&self.waiting)
    }

    fn settings_mut(&mut self) -> impl Iterator<Item = &mut Setting> {
        let running = self.job.as_mut().and_then(|job| match job {
            Job::Set(setting) => Some(&mut **setting),
            Job::Read => None,
        });
        running.into_iter().chain(&mut self.waiting)
    }
}

impl Setting {
    /// It cannot be done: what was before is the goal now.
    fn fail(&mut self) {
        self.verdict = Err(LineErr::OperationFailed);
        self.steps.clear();
        self.rounds = 0;
        if let Some(before) = &self.before {
            self.goal = Goal::Before(before.clone());
        }
    }
}

/// Whether this account may not read records; anything else may be better the next time.
fn is_refusal(failure: &Failure) -> bool {
    matches!(failure, Failure::AccessDenied | Failure::Fault(_))
}

fn why(failure: &Failure) -> LineErr {
    if is_refusal(failure) { LineErr::OperationUnavail } else { LineErr::OperationFailed }
}

/// Rings until a call that nobody answers is forwarded; 0 if none is, or nobody knows.
fn ring_count(diversions: &[Diversion], no_answer_s: Option<u32>) -> u32 {
    let no_answer = |known: &Diversion| known.diverts() && known.kind == Kind::NoAnswer;
    let seconds = no_answer_s.filter(|_| diversions.iter().any(no_answer));
    seconds.map_or(0, |seconds| seconds.div_ceil(RING_S))
}
