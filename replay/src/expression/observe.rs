//! Whether an expression holds, record by record.
//!
//! Of each claim is kept, line by line, how many there are of which it is so, and until when that
//! stays so if nothing happens. A record costs the lines that it touches, and those whose time has
//! come.

use super::{About, CallIs, CallWhat, Claim, Expr, LineIs, PartyOf, Shape, Status, Verdict};
use crate::playback::Playback;
use engine::id::{CallId, LineId};
use engine::tapi::CallState;
use engine::time::Millis;
use engine::view::{CallView, Identity, LineView, PartyId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Watches whether an expression holds.
#[derive(Clone)]
pub(crate) struct Observer {
    expr: Expr,
    counts: Vec<Counted>,
    /// When the calls that are there began.
    born: BTreeMap<CallId, Millis>,
}

/// A claim, counted.
#[derive(Clone, Default)]
struct Counted {
    of_line: BTreeMap<LineId, OfLine>,
    total: u64,
    /// Lines in which there is what the claim is about.
    known: u64,
    /// Which lines are to be looked at again, and when.
    again: BTreeSet<(Millis, LineId)>,
}

/// What a claim comes to in one line.
#[derive(Clone)]
struct OfLine {
    /// Who the line was when it was last asked whether it is meant.
    identity: Arc<Identity>,
    is_meant: bool,
    seen: Seen,
}

/// How many there are, whether there is anything to be counted, until when.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    count: u64,
    is_known: bool,
    until: Option<Millis>,
}

impl Observer {
    /// Begins to watch with the state there is.
    pub(crate) fn new(expr: &Expr, playback: &Playback) -> Observer {
        let counts = vec![Counted::default(); expr.claims.len()];
        let mut observer = Observer { expr: expr.clone(), counts, born: BTreeMap::new() };
        for line in playback.core().lines() {
            observer.look(&line.view(), playback);
        }
        observer
    }

    /// Whether the expression holds, as far as was looked.
    pub(crate) fn now(&self) -> Option<bool> {
        self.holds(&self.expr.shape)
    }

    /// Looks at what the last record has changed, and whether the expression holds now; `None` if
    /// that depends on something that is not there.
    pub(crate) fn after(&mut self, playback: &Playback) -> Option<bool> {
        for line in playback.touched() {
            if let Some(view) = playback.core().view(*line) {
                self.look(&view, playback);
            }
        }
        for at in 0..self.counts.len() {
            while let Some(line) = self.counts[at].whose_time_has_come(playback.at()) {
                if let Some(view) = playback.core().view(line) {
                    self.look(&view, playback);
                }
            }
        }
        self.holds(&self.expr.shape)
    }

    /// What each claim comes to now, in words.
    pub(crate) fn readings(&self) -> Vec<String> {
        let reading = |(claim, counted): (&Claim, &Counted)| {
            let is = match (claim.holds(counted), claim.verdict) {
                (None, _) => "that line or call is not there".to_owned(),
                (Some(is), Verdict::ThatOne) => if is { "so" } else { "not so" }.to_owned(),
                (Some(_), Verdict::Count(..)) => {
                    let of = if claim.is_of_none() { "against it" } else { "counted" };
                    format!("{} {of}", counted.total)
                }
            };
            format!("{}: {is}", claim.text)
        };
        self.expr.claims.iter().zip(&self.counts).map(reading).collect()
    }

    /// The lines by which a claim that counts is other than it should be.
    pub(crate) fn lines_counted(&self) -> impl Iterator<Item = LineId> {
        let counted = |counted: &Counted| {
            let some = counted.of_line.iter().filter(|(_, of)| of.seen.count > 0);
            some.map(|(line, _)| *line).collect::<Vec<_>>()
        };
        self.counts.iter().flat_map(counted).collect::<BTreeSet<_>>().into_iter()
    }

    fn look(&mut self, view: &LineView, playback: &Playback) {
        let line = view.identity.line;
        let first = CallId { line, serial: 0 };
        let known: Vec<CallId> = self
            .born
            .range(first..=CallId { line, serial: u32::MAX })
            .map(|(call, _)| *call)
            .collect();
        for gone in known.iter().filter(|call| view.call(**call).is_none()) {
            self.born.remove(gone);
        }
        for call in &view.calls {
            self.born.entry(call.id).or_insert(call.since);
        }
        let time = Time { playback, born: &self.born };
        for (claim, counted) in self.expr.claims.iter().zip(&mut self.counts) {
            counted.look(claim, view, &time);
        }
    }

    fn holds(&self, shape: &Shape) -> Option<bool> {
        match shape {
            Shape::Claim(at) => self.expr.claims[*at].holds(&self.counts[*at]),
            Shape::Not(inner) => self.holds(inner).map(|holds| !holds),
            Shape::All(parts) => self.together(parts, true),
            Shape::Any(parts) => self.together(parts, false),
        }
    }

    /// All of them, or any of them: what is not known decides nothing.
    fn together(&self, parts: &[Shape], all: bool) -> Option<bool> {
        let mut verdict = Some(all);
        for part in parts {
            match self.holds(part) {
                Some(holds) if holds != all => return Some(!all),
                Some(_) => {}
                None => verdict = None,
            }
        }
        verdict
    }
}

/// What time it is, and what else a claim may depend on.
struct Time<'a> {
    playback: &'a Playback,
    born: &'a BTreeMap<CallId, Millis>,
}

impl Counted {
    fn whose_time_has_come(&mut self, now: Millis) -> Option<LineId> {
        let (at, line) = *self.again.first()?;
        if at > now {
            return None;
        }
        self.again.pop_first();
        Some(line)
    }

    fn look(&mut self, claim: &Claim, view: &LineView, time: &Time<'_>) {
        let line = view.identity.line;
        let before = self.of_line.get(&line);
        let is_meant = match (&claim.of, before) {
            (None, _) => true,
            (Some(_), Some(of)) if Arc::ptr_eq(&of.identity, &view.identity) => of.is_meant,
            (Some(which), _) => which.is(&view.identity),
        };
        let was = before.map_or_else(Seen::default, |of| of.seen);
        let seen = if is_meant { claim.look(view, time) } else { Seen::default() };
        self.total = self.total - was.count + seen.count;
        self.known = self.known - u64::from(was.is_known) + u64::from(seen.is_known);
        if let Some(until) = was.until {
            self.again.remove(&(until, line));
        }
        if let Some(until) = seen.until {
            self.again.insert((until, line));
        }
        self.of_line.insert(line, OfLine { identity: Arc::clone(&view.identity), is_meant, seen });
    }
}

impl Claim {
    fn holds(&self, counted: &Counted) -> Option<bool> {
        match self.verdict {
            Verdict::ThatOne => (counted.known > 0).then_some(counted.total > 0),
            Verdict::Count(compared, number) => Some(compared.holds(counted.total, number)),
        }
    }

    /// `every` and `no` are claims that nothing is otherwise.
    fn is_of_none(&self) -> bool {
        self.text.starts_with("every") || self.text.starts_with("no ")
    }

    fn look(&self, view: &LineView, time: &Time<'_>) -> Seen {
        match &self.about {
            About::Line(is) => is.look(view),
            About::Call(number, is) => {
                let calls = view.calls.iter().filter(|call| {
                    number.is_none_or(|n| time.playback.number_of(call.id) == Some(n))
                });
                calls.fold(Seen::default(), |seen, call| seen.and(is.look(call, number, time)))
            }
        }
    }
}

impl Seen {
    fn and(self, other: Seen) -> Seen {
        Seen {
            count: self.count + other.count,
            is_known: self.is_known || other.is_known,
            until: self.until.into_iter().chain(other.until).min(),
        }
    }
}

impl LineIs {
    fn look(self, view: &LineView) -> Seen {
        let is = match self.status {
            Status::There => !view.removed,
            Status::InService => view.in_service,
            Status::Connected => view.connected,
            Status::Ringing => view.ringing,
            Status::Busy => view.calls.iter().any(|call| call.state != CallState::Idle),
            Status::Removed => view.removed,
        };
        // A line that is no more is nothing but removed.
        let is_known = !view.removed || self.status == Status::Removed;
        Seen { count: u64::from(is_known && is != self.not), is_known, until: None }
    }
}

impl CallIs {
    /// `number` is there if it is about one certain call.
    fn look(&self, call: &CallView, number: &Option<u32>, time: &Time<'_>) -> Seen {
        let now = time.playback.at();
        let is_idle = call.state == CallState::Idle;
        let asks_for_idle = matches!(self.what, CallWhat::In(CallState::Idle, _));
        if is_idle && !asks_for_idle && number.is_none() {
            return Seen::default();
        }
        let (is, until) = match &self.what {
            CallWhat::Live => (!is_idle, None),
            CallWhat::In(state, 0) => (call.state == *state, None),
            CallWhat::In(state, ms) => match call.state == *state {
                true => passed(call.since, *ms, now),
                false => (false, None),
            },
            CallWhat::Longer(_) if is_idle => (false, None),
            CallWhat::Longer(ms) => {
                let born = time.born.get(&call.id).copied().unwrap_or(call.since);
                passed(born, ms.saturating_add(1), now)
            }
            CallWhat::Party(of, text) => (of.party(call).is_called(text), None),
        };
        Seen { count: u64::from(is != self.not), is_known: true, until }
    }
}

/// Whether so many milliseconds have passed since then; if not, when they will have.
fn passed(since: Millis, ms: u64, now: Millis) -> (bool, Option<Millis>) {
    let due = since + ms;
    if now >= due { (true, None) } else { (false, Some(due)) }
}

impl PartyOf {
    fn party(self, call: &CallView) -> &PartyId {
        match self {
            PartyOf::Caller => &call.info.caller,
            PartyOf::Called => &call.info.called,
            PartyOf::Connected => &call.info.connected,
            PartyOf::Redirecting => &call.info.redirecting,
            PartyOf::Redirection => &call.info.redirection,
        }
    }
}

/// Whether a party has this number or name.
trait Called {
    fn is_called(&self, text: &str) -> bool;
}

impl Called for PartyId {
    fn is_called(&self, text: &str) -> bool {
        self.number.to_text() == text || self.name.to_text() == text
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use engine::core::Core;
    use engine::fact::Record;

    /// Claims of every kind, about what the scenarios below bring.
    const CLAIMS: &[&str] = &[
        "line 20 in-service",
        "line \"Anna Berg\" is not ringing",
        "every line in-service",
        "some line is ringing",
        "no line is not connected",
        "call #1 of 20 is CONNECTED",
        "call #1 of 21 is not IDLE for 1s",
        "no call longer than 2s",
        "every call is CONNECTED for 500ms",
        "calls == 0",
        "calls of 20 in ONHOLD < 1",
        "lines busy >= 2",
        "lines in-service > 1",
        "some call of 20 is IDLE",
        "no call called is 21",
        "line @2 connected and not (calls of @2 > 0 or no line busy)",
    ];

    fn scenario(name: &str) -> Vec<Record> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/histories");
        let text = std::fs::read_to_string(folder.join(format!("{name}.scene"))).unwrap();
        adapters::simulation::play(&text).unwrap()
    }

    /// The law of this file: looking at what a record touched comes to the same as looking at
    /// everything.
    #[test]
    fn who_looks_only_where_something_happened_sees_the_same() {
        let exprs: Vec<Expr> = CLAIMS.iter().map(|text| Expr::read(text).unwrap()).collect();
        let mut seen = vec![BTreeSet::new(); exprs.len()];
        for name in [
            "call-hold-unhold",
            "transfer-with-consultation",
            "users-come-and-go",
            "provider-killed-in-a-call",
            "network-down-for-long",
        ] {
            let mut playback = Playback::from(Core::default());
            let mut observers: Vec<Observer> =
                exprs.iter().map(|expr| Observer::new(expr, &playback)).collect();
            for record in scenario(name) {
                playback.take(record);
                for ((expr, observer), seen) in exprs.iter().zip(&mut observers).zip(&mut seen) {
                    let holds = observer.after(&playback);
                    let mut anew = Observer::new(expr, &playback);
                    // When a call began is known only to who was there.
                    anew.born.clone_from(&observer.born);
                    for line in playback.core().lines() {
                        anew.look(&line.view(), &playback);
                    }
                    assert_eq!(holds, anew.holds(&expr.shape), "{expr:?} in {name}");
                    seen.extend(holds);
                }
            }
        }
        for (claim, seen) in CLAIMS.iter().zip(seen) {
            assert_eq!(seen.len(), 2, "{claim} was never otherwise: {seen:?}");
        }
    }

    #[test]
    fn a_claim_about_what_is_not_there_neither_holds_nor_fails() {
        let mut playback = Playback::from(Core::default());
        let read = |text: &str| Expr::read(text).unwrap();
        let absent = read("line 77 in-service");
        let other = read("line 77 in-service or lines >= 0");
        let mut observers = [Observer::new(&absent, &playback), Observer::new(&other, &playback)];
        for record in scenario("call-answered") {
            playback.take(record);
            let holds = observers.each_mut().map(|observer| observer.after(&playback));
            assert_eq!(holds, [None, Some(true)]);
        }
    }
}
