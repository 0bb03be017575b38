//! What is expected of a log, and the record after which it is not so.

use super::records;
use crate::expression::{Expr, Observer};
use crate::playback::Playback;
use crate::trouble::Trouble;
use engine::core::Core;
use engine::fact::Record;
use engine::invariant::{Breach, Watch};

/// What is expected at every record.
#[derive(Clone, Debug)]
pub(super) enum Expectation {
    /// An invariant holds.
    Invariant(u8),
    /// All of them do.
    Invariants,
    /// A claim about what applications read, once it has held, goes on to hold.
    Holds(Expr),
}

/// The invariants that can be seen record by record.
const SEEN: &[u8] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 19, 20, 23, 24];

impl Expectation {
    /// Reads `I-07`, `invariants`, or an EXPR.
    pub(super) fn read(text: &str) -> Result<Expectation, Trouble> {
        if text == "invariants" {
            return Ok(Expectation::Invariants);
        }
        if let Some(number) = text.strip_prefix("I-") {
            let number = number.parse().ok().filter(|number| SEEN.contains(number));
            return number.map(Expectation::Invariant).ok_or_else(|| {
                let all: Vec<String> = SEEN.iter().map(|number| format!("I-{number:02}")).collect();
                Trouble::Usage(format!(
                    "{text} is no invariant that can be watched record by record; those are {}",
                    all.join(" ")
                ))
            });
        }
        Expr::read(text).map(Expectation::Holds).map_err(|error| {
            Trouble::Usage(format!(
                "this expression makes no sense:\n{error}\nSee `tapline help replay bisect`."
            ))
        })
    }
}

/// An expectation on its way through a log.
pub(super) struct Trial {
    playback: Playback,
    expected: Watched,
    /// It held at some record, which must be so before it can fail.
    held: bool,
    fails: bool,
}

enum Watched {
    Invariants(Box<Watch>, Option<u8>),
    Expr(Box<Observer>),
}

/// What the last record did to the expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    None,
    /// It holds for the first time.
    Holds,
    /// It held, and does not any more. Why, in sentences.
    Fails(Vec<String>),
}

impl Trial {
    /// Begins with the state before a record.
    pub(super) fn new(expectation: &Expectation, core: Core, next: u64) -> Trial {
        let watch = if next == 0 { Watch::default() } else { Watch::going_on(&core) };
        let playback = Playback::from(core);
        let (expected, held) = match expectation {
            Expectation::Invariant(number) => {
                (Watched::Invariants(Box::new(watch), Some(*number)), true)
            }
            Expectation::Invariants => (Watched::Invariants(Box::new(watch), None), true),
            Expectation::Holds(expr) => {
                (Watched::Expr(Box::new(Observer::new(expr, &playback))), false)
            }
        };
        Trial { playback, expected, held, fails: false }
    }

    /// Takes one record.
    pub(super) fn take(&mut self, record: Record) -> Turn {
        let why = match &mut self.expected {
            Watched::Expr(observer) => {
                self.playback.take(record);
                match observer.after(&self.playback) {
                    Some(true) if !self.held => {
                        self.held = true;
                        return Turn::Holds;
                    }
                    Some(true) => self.fails = false,
                    Some(false) if self.held && !self.fails => {
                        self.fails = true;
                        return Turn::Fails(observer.readings());
                    }
                    _ => {}
                }
                return Turn::None;
            }
            Watched::Invariants(watch, number) => {
                let before = watch.before(&record).err();
                self.playback.take(record.clone());
                let playback = &self.playback;
                let (effects, touched) = (playback.effects(), playback.touched());
                let after = watch.after_touching(&record, effects, playback.core(), touched).err();
                let is_meant = |breach: &Breach| number.is_none_or(|n| breach.number == n);
                before.into_iter().chain(after).find(is_meant)
            }
        };
        why.map_or(Turn::None, |breach| Turn::Fails(vec![breach.to_string()]))
    }

    /// Whatever was before does not count: it must hold again before it can fail.
    pub(super) fn forget(&mut self) {
        self.held = matches!(self.expected, Watched::Invariants(..));
        self.fails = false;
    }

    /// Whether it has held.
    pub(super) fn has_held(&self) -> bool {
        self.held
    }

    pub(super) fn playback(&self) -> &Playback {
        &self.playback
    }

    /// The lines that a claim counts, or else those that the last record was about.
    pub(super) fn lines_concerned(&self) -> Vec<engine::id::LineId> {
        let mut lines: Vec<_> = match &self.expected {
            Watched::Expr(observer) => observer.lines_counted().collect(),
            Watched::Invariants(..) => Vec::new(),
        };
        if lines.is_empty() {
            lines = self.playback.touched().to_vec();
        }
        lines.truncate(MOST_LINES);
        lines
    }

    /// A record in words, as things are after it.
    pub(super) fn in_words(&self, record: &Record) -> String {
        records::in_words(record, self.playback.core())
    }
}

/// Lines shown as evidence; more would hide it.
const MOST_LINES: usize = 8;
