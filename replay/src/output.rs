//! Rows and JSON on standard output. Colour is stripped where it is not wanted or not understood:
//! `anstream` looks at the terminal, at NO_COLOR and at the Windows console.

use crate::rows::{self, Clock, Happening, Row};
use crate::trouble::Trouble;
use engine::time::Millis;
use serde_json::Value;
use std::io::{self, Write};

/// Where messages are printed.
pub(crate) enum Output {
    /// Rows under headings.
    People {
        /// The day whose date was printed last; times are times of day.
        day: Option<u64>,
    },
    /// One object a line, and nothing else.
    Machines,
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        if json { Output::Machines } else { Output::People { day: None } }
    }

    /// One message.
    pub(crate) fn row(&mut self, row: &Row) -> Result<(), Trouble> {
        self.date(row.at)?;
        match self {
            Output::Machines => line(&row.for_machines().to_string()),
            Output::People { .. } => line(&row.for_people()),
        }
    }

    /// One message, for people, with the number of the record that led to it.
    pub(crate) fn row_of(&mut self, seq: u64, row: &Row) -> Result<(), Trouble> {
        self.date(row.at)?;
        line(&format!("{seq:>8}  {}", row.for_people()))
    }

    /// Something that is no message.
    pub(crate) fn happening(&mut self, happening: &Happening) -> Result<(), Trouble> {
        self.date(happening.at)?;
        match self {
            Output::Machines => line(&happening.for_machines().to_string()),
            Output::People { .. } => line(&happening.for_people()),
        }
    }

    /// Above the first row of a day: its date, and what the columns are.
    fn date(&mut self, at: Millis) -> Result<(), Trouble> {
        let Output::People { day } = self else { return Ok(()) };
        let clock = Clock::of(at);
        if *day == Some(clock.day) {
            return Ok(());
        }
        *day = Some(clock.day);
        line(&rows::heading(&format!("{} (UTC)", clock.date())))?;
        line(&rows::header())
    }

    /// One check: a row for people, an object for machines.
    pub(crate) fn check(&mut self, row: &str, object: &Value) -> Result<(), Trouble> {
        match self {
            Output::Machines => line(&object.to_string()),
            Output::People { .. } => line(row),
        }
    }

    /// A line between rows, for people only.
    pub(crate) fn heading(&mut self, text: &str) -> Result<(), Trouble> {
        match self {
            Output::Machines => Ok(()),
            Output::People { .. } => {
                line("")?;
                line(&rows::heading(text))
            }
        }
    }

    /// What it came to: a sentence for people, the last object for machines.
    pub(crate) fn summary(&mut self, sentence: &str, object: &Value) -> Result<(), Trouble> {
        match self {
            Output::Machines => line(&object.to_string()),
            Output::People { .. } => {
                line("")?;
                line(sentence)
            }
        }
    }

    /// A remark, for people only.
    pub(crate) fn remark(&mut self, text: &str) -> Result<(), Trouble> {
        match self {
            Output::Machines => Ok(()),
            Output::People { .. } => line(text),
        }
    }
}

/// Why the command ends early, on standard error.
pub(crate) fn complain(trouble: &Trouble) -> io::Result<()> {
    writeln!(anstream::stderr(), "\x1b[31mtapline:\x1b[0m {trouble}")
}

/// One line on standard output, at once: whoever pipes it somewhere wants it now, and a row that
/// was printed is a row that was seen.
pub(crate) fn line(text: &str) -> Result<(), Trouble> {
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(Trouble::output)
}

/// A text without escape sequences.
pub(crate) fn without_colour(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Something that may help, on standard error.
pub(crate) fn hint(text: &str) -> io::Result<()> {
    writeln!(anstream::stderr(), "{text}")
}
