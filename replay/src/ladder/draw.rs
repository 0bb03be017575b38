//! A ladder drawn in a terminal: a life line for each PBX, line and application, an arrow for each
//! step, and words at its right.

use super::{Column, Ladder};
use crate::rows::{Clock, fitted, harmless};
use engine::tapi::CallState;

/// Width of one column.
const COLUMN: usize = 13;
/// Width of number and time.
const TIME: usize = 21;

/// A drawn ladder.
pub(crate) struct Drawing {
    /// The names above the columns.
    pub(crate) header: String,
    /// One for each step, in their order.
    pub(crate) rungs: Vec<Rung>,
}

/// One step.
pub(crate) struct Rung {
    /// The record that it is, or that led to it.
    pub(crate) seq: u64,
    /// The whole row: number, time, life lines with the arrow, words.
    pub(crate) text: String,
}

impl Drawing {
    /// Draws a ladder. The names in it can do nothing to a terminal.
    pub(crate) fn of(ladder: &Ladder) -> Drawing {
        let columns = ladder.columns();
        let mut header = " ".repeat(TIME);
        for column in &columns {
            header.push_str(&fitted(&harmless(&name(ladder, *column)), COLUMN - 1));
            header.push(' ');
        }
        let rungs = ladder.steps.iter().enumerate().map(|(index, step)| {
            let clock = Clock::of(step.at).time();
            let lines = life_lines(ladder, &columns, index);
            let id = step.correlation.map_or_else(String::new, |id| format!(" {id}"));
            let words = harmless(&step.label());
            let text = format!("{:>7} {clock} {lines} {words}{id}", step.seq);
            Rung { seq: step.seq, text }
        });
        Drawing { header: header.trim_end().to_owned(), rungs: rungs.collect() }
    }
}

fn name(ladder: &Ladder, column: Column) -> String {
    match column {
        Column::Pbx(pbx) => ladder.pbx_name(pbx),
        Column::Line(leg) => ladder.legs.get(leg).map_or_else(|| "line".into(), |leg| leg.name()),
        Column::Application => "application".into(),
    }
}

/// The life lines at a step, with its arrow between two of them.
fn life_lines(ladder: &Ladder, columns: &[Column], index: usize) -> String {
    let step = &ladder.steps[index];
    let mut cells: Vec<char> = Vec::with_capacity(columns.len() * COLUMN);
    for column in columns {
        cells.push(life_line(ladder, *column, step.seq));
        cells.extend(std::iter::repeat_n(' ', COLUMN - 1));
    }
    let place = |wanted: Column| {
        let at = columns.iter().position(|column| *column == wanted);
        at.unwrap_or(columns.len() - 1) * COLUMN
    };
    let (from, to) = (place(step.from), place(step.to));
    match from.cmp(&to) {
        std::cmp::Ordering::Less => {
            cells[from + 1..to].fill('─');
            cells[to - 1] = '▶';
        }
        std::cmp::Ordering::Greater => {
            cells[to + 1..from].fill('─');
            cells[to + 1] = '◀';
        }
        std::cmp::Ordering::Equal => cells[from] = '●',
    }
    let last = (columns.len() - 1) * COLUMN;
    cells.into_iter().take(last + 1).collect()
}

/// How a life line looks: that of a line shows how its call stands.
fn life_line(ladder: &Ladder, column: Column, seq: u64) -> char {
    let Column::Line(leg) = column else { return '│' };
    let band = ladder.legs.get(leg).and_then(|leg| leg.state_at(seq));
    match band.map(|band| band.state) {
        None | Some(CallState::Idle) => '·',
        Some(CallState::Connected | CallState::Conferenced) => '┃',
        Some(CallState::OnHold | CallState::OnHoldPendTransfer | CallState::OnHoldPendConf) => '╏',
        Some(CallState::Disconnected | CallState::Busy | CallState::SpecialInfo) => '╎',
        Some(_) => '┆',
    }
}
