//! `tapline replay step`: forward and back through a log, record by record, or to the next change
//! of something that applications read.

mod walk;

use super::{Moment, Which, state};
use crate::command_line::ReplayStep;
use crate::expression::{Expr, Observer};
use crate::output::{self, Output};
use crate::rows::{Clock, Row, harmless};
use crate::trouble::Trouble;
use adapters::trace::Trace;
use serde_json::{Value, json};
use std::io::{self, BufRead, IsTerminal, Write};
use walk::{Change, Stepped, Walk};

const HELP: &str = "\
n [N]        the next record, or N further        b [N]   back
g SEQ|TIME   go to a record or time               e       to the end
c [WORDS]    to the next change of a field: c call #1 state; c in service; c
u EXPR       to the record after which EXPR turns true or false
l [LINE]     look at this line only, or at all    s       what can be read now
q            quit";

/// Commands longer than this make no sense.
const LONGEST: u64 = 8192;

/// Walks.
pub(super) fn show(options: &ReplayStep) -> Result<(), Trouble> {
    let trace = Trace::open(&options.log)?;
    let mut stage = Stage {
        walk: Walk::begin(&trace)?,
        focus: options.line.clone(),
        output: Output::new(options.json),
    };
    if let Some(at) = options.at {
        stage.go(at)?;
    }
    let is_terminal = io::stdin().is_terminal();
    if is_terminal {
        stage.output.remark(HELP)?;
    }
    loop {
        if is_terminal {
            prompt(&stage.walk)?;
        }
        let mut line = String::new();
        let read = io::Read::take(io::stdin().lock(), LONGEST).read_line(&mut line);
        let read =
            read.map_err(|error| Trouble::System { what: "cannot read commands".into(), error })?;
        if read == 0 {
            return Ok(());
        }
        match stage.command(line.trim()) {
            Ok(Going::On) => {}
            Ok(Going::Out) => return Ok(()),
            // Somebody who types gets another chance; a script has a mistake in it.
            Err(Trouble::Usage(what)) if is_terminal => stage.output.remark(&what)?,
            Err(trouble) => return Err(trouble),
        }
    }
}

fn prompt(walk: &Walk<'_>) -> Result<(), Trouble> {
    let place = walk.last().map_or_else(|| "beginning".to_owned(), |seq| seq.to_string());
    let mut stdout = anstream::stdout().lock();
    write!(stdout, "\x1b[1m{place}>\x1b[0m ").and_then(|()| stdout.flush()).map_err(Trouble::output)
}

enum Going {
    On,
    Out,
}

struct Stage<'t> {
    walk: Walk<'t>,
    focus: Option<Which>,
    output: Output,
}

impl Stage<'_> {
    fn command(&mut self, line: &str) -> Result<Going, Trouble> {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match name {
            "" if rest.is_empty() => self.forward(1)?,
            "n" => self.forward(count(rest)?)?,
            "b" => self.back(count(rest)?)?,
            "g" => self.go(rest.parse().map_err(Trouble::Usage)?)?,
            "e" => {
                let stepped = self.walk.run_out()?;
                self.tell(stepped)?;
            }
            "c" => self.next_change(rest)?,
            "u" => self.next_turn(rest)?,
            "l" if rest.is_empty() => self.focus = None,
            "l" => self.focus = Some(rest.parse().map_err(Trouble::Usage)?),
            "s" => state::print(self.walk.playback(), self.focus.as_ref(), &mut self.output)?,
            "h" | "help" | "?" => self.output.remark(HELP)?,
            "q" | "quit" => return Ok(Going::Out),
            other => {
                return Err(Trouble::Usage(format!(
                    "there is no command {:?} here; h lists them",
                    harmless(other)
                )));
            }
        }
        Ok(Going::On)
    }

    fn forward(&mut self, count: u64) -> Result<(), Trouble> {
        for left in (0..count).rev() {
            let Some(stepped) = self.walk.forward()? else { return self.at_the_end() };
            if left == 0 {
                self.tell(Some(stepped))?;
            }
        }
        Ok(())
    }

    fn back(&mut self, count: u64) -> Result<(), Trouble> {
        let Some(last) = self.walk.last() else {
            return self.output.remark("This is the beginning.");
        };
        let stepped = match last.checked_sub(count).filter(|seq| *seq >= self.walk.first()) {
            Some(seq) => self.walk.go_to(seq)?,
            None => self.walk.rewind()?,
        };
        self.tell(stepped)
    }

    fn go(&mut self, moment: Moment) -> Result<(), Trouble> {
        let stepped = self.walk.seek(moment)?;
        self.tell(stepped)
    }

    fn next_change(&mut self, words: &str) -> Result<(), Trouble> {
        let words = words.to_lowercase();
        while let Some(stepped) = self.walk.forward()? {
            let is_wanted = |change: &Change| {
                change.field.to_lowercase().contains(&words)
                    && self.focus.as_ref().is_none_or(|which| which.names(&change.line))
            };
            if stepped.changes.iter().any(is_wanted) {
                return self.tell(Some(stepped));
            }
        }
        self.at_the_end()
    }

    fn next_turn(&mut self, text: &str) -> Result<(), Trouble> {
        let expr = Expr::read(text).map_err(|error| Trouble::Usage(error.to_string()))?;
        let mut observer = Observer::new(&expr, self.walk.playback());
        let before = observer.now();
        while let Some(stepped) = self.walk.forward()? {
            if observer.after(self.walk.playback()) != before {
                return self.tell(Some(stepped));
            }
        }
        self.at_the_end()
    }

    fn at_the_end(&mut self) -> Result<(), Trouble> {
        self.output.remark(&self.walk.end_in_words())
    }

    /// Shows where we are, and what changed there.
    fn tell(&mut self, stepped: Option<Stepped>) -> Result<(), Trouble> {
        let Some(stepped) = stepped else {
            return self.output.remark("Before the first record.");
        };
        let Stepped { seq, at, says, rows, changes } = &stepped;
        let is_shown =
            |change: &&Change| self.focus.as_ref().is_none_or(|which| which.names(&change.line));
        let changes: Vec<&Change> = changes.iter().filter(is_shown).collect();
        let clock = Clock::of(*at);
        if let Output::Machines = self.output {
            let changes: Vec<Value> = changes.iter().map(|change| change.object()).collect();
            let object = json!({
                "record": seq,
                "time": clock.whole(),
                "record_says": says,
                "messages": rows.iter().map(Row::for_machines).collect::<Vec<Value>>(),
                "changes": changes,
            });
            return output::line(&object.to_string());
        }
        self.output.heading(&format!("record {seq}, {}", clock.whole()))?;
        self.output.remark(&harmless(says))?;
        rows.iter().try_for_each(|row| self.output.remark(&row.for_people()))?;
        changes.iter().try_for_each(|change| self.output.remark(&change.for_people()))
    }
}

fn count(text: &str) -> Result<u64, Trouble> {
    let count = if text.is_empty() { Ok(1) } else { text.parse() };
    count.map_err(|_| Trouble::Usage(format!("{text:?} is not how many records")))
}
