//! What is shown, and what a key does to it: everything about the screen but drawing.

use super::tape::{Name, Point, Tape, Track};
use crate::ladder::{Ladder, Leg};
use engine::core::Core;
use engine::fact::Record;
use engine::id::LineId;

/// A key, as far as it means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Enter,
    Escape,
    Backspace,
    Tab,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Going {
    On,
    Out,
}

/// Where up and down go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pane {
    Lines,
    Calls,
}

/// Longest text that can be searched for.
const LONGEST: usize = 64;
/// How far a page goes, in records.
const PAGE: usize = 100;

/// The screen.
pub(super) struct Scene {
    tape: Tape,
    /// Index of the moment that is shown; `None` before the first.
    cursor: Option<usize>,
    /// The last moment is shown, whatever comes.
    follows: bool,
    pane: Pane,
    /// Only calls of this line.
    line: Option<LineId>,
    call: Option<Name>,
    /// It was selected by hand, so it stays although later calls come.
    is_chosen: bool,
    query: String,
    is_typing: bool,
    /// Something that the reader should know of the log.
    note: Option<String>,
}

impl Scene {
    /// At the end of what was seen, where it follows what comes.
    pub(super) fn new(tape: Tape) -> Scene {
        let mut scene = Scene {
            tape,
            cursor: None,
            follows: true,
            pane: Pane::Calls,
            line: None,
            call: None,
            is_chosen: false,
            query: String::new(),
            is_typing: false,
            note: None,
        };
        scene.grown();
        scene
    }

    /// A record has come. [`Scene::grown`] belongs behind the last of several.
    pub(super) fn take(&mut self, seq: u64, record: &Record) {
        let count = self.tape.moments().len();
        self.tape.take(seq, record);
        if self.tape.moments().len() == count {
            // The first moment was let go.
            self.cursor = self.cursor.map(|cursor| cursor.saturating_sub(1));
        }
    }

    /// Records are missing; this is the state behind them.
    pub(super) fn leap(&mut self, core: Core, next: u64, missing: u64) {
        self.tape.leap(core, next, missing);
    }

    /// Further records have come.
    pub(super) fn grown(&mut self) {
        if self.follows {
            self.cursor = self.tape.moments().len().checked_sub(1);
        }
        let is_there = self.call.is_some_and(|call| self.tape.conversation(call).is_some());
        if !is_there || self.follows && !self.is_chosen {
            self.call = self.calls().last().map(|ladder| Name::of(ladder));
        }
    }

    pub(super) fn set_note(&mut self, note: String) {
        self.note = Some(note);
    }

    // ---- what is shown ------------------------------------------------------------------------

    /// The moment that is shown.
    pub(super) fn now(&self) -> Option<Point> {
        self.cursor.and_then(|cursor| self.tape.moments().get(cursor)).copied()
    }

    /// Number of the record that is shown; 0 before the first.
    pub(super) fn seq(&self) -> u64 {
        self.now().map_or(0, |point| point.seq)
    }

    /// The first and the last moment, and how far between them we are, from 0 to 1.
    pub(super) fn span(&self) -> Option<(Point, Point, f64)> {
        let moments = self.tape.moments();
        let (first, last) = (*moments.front()?, *moments.back()?);
        let whole = moments.len().saturating_sub(1).max(1) as f64;
        Some((first, last, self.cursor.unwrap_or(0) as f64 / whole))
    }

    pub(super) fn follows(&self) -> bool {
        self.follows
    }

    pub(super) fn pane(&self) -> Pane {
        self.pane
    }

    pub(super) fn query(&self) -> Option<&str> {
        (self.is_typing || !self.query.is_empty()).then_some(self.query.as_str())
    }

    pub(super) fn is_typing(&self) -> bool {
        self.is_typing
    }

    pub(super) fn note(&self) -> Option<String> {
        let left_out = self.tape.left_out();
        let few = (left_out > 0).then(|| format!("{left_out} older calls are not shown"));
        self.note.clone().or(few)
    }

    /// The lines that are searched for; all if nothing is.
    pub(super) fn lines(&self) -> Vec<(LineId, &Track)> {
        let wanted = self.query.to_lowercase();
        let fits = |track: &Track| {
            let text = format!("{} {} @{}", track.tag.number, track.tag.name, track.tag.id);
            text.to_lowercase().contains(&wanted)
        };
        self.tape.lines().into_iter().filter(|(_, track)| fits(track)).collect()
    }

    /// The line whose calls are shown; none for those of all.
    pub(super) fn line(&self) -> Option<LineId> {
        self.line
    }

    /// The calls of the selected line, or of all those that are searched for.
    pub(super) fn calls(&self) -> Vec<&Ladder> {
        let found: Option<Vec<LineId>> = (self.line.is_none() && !self.query.is_empty())
            .then(|| self.lines().into_iter().map(|(line, _)| line).collect());
        let is_of = |leg: &Leg| match (self.line, &found) {
            (Some(line), _) => leg.line == line,
            (None, Some(found)) => found.contains(&leg.line),
            (None, None) => true,
        };
        let mut calls = self.tape.conversations();
        calls.retain(|ladder| ladder.legs.iter().any(is_of));
        calls
    }

    /// The call whose ladder is shown.
    pub(super) fn call(&self) -> Option<&Ladder> {
        self.tape.conversation(self.call?)
    }

    // ---- what a key does ----------------------------------------------------------------------

    /// A key was pressed.
    pub(super) fn press(&mut self, key: Key) -> Going {
        if self.is_typing {
            self.type_on(key);
            return Going::On;
        }
        match key {
            Key::Char('q') => return Going::Out,
            Key::Escape if self.query.is_empty() && self.line.is_none() => return Going::Out,
            Key::Escape => {
                self.query.clear();
                self.line = None;
                self.choose_again();
            }
            Key::Char('/') => {
                self.is_typing = true;
                self.query.clear();
                self.pane = Pane::Lines;
            }
            Key::Tab => {
                self.pane = if self.pane == Pane::Lines { Pane::Calls } else { Pane::Lines };
            }
            Key::Enter => self.pane = Pane::Calls,
            Key::Up | Key::Char('k') => self.select(Way::Back),
            Key::Down | Key::Char('j') => self.select(Way::On),
            Key::Char('p') => self.select_call(Way::Back),
            Key::Char('n') => self.select_call(Way::On),
            Key::Left | Key::Char('h') => self.step_back(1),
            Key::Right | Key::Char('l') => self.step_on(1),
            Key::PageUp | Key::Char('H') => self.step_back(PAGE),
            Key::PageDown | Key::Char('L') => self.step_on(PAGE),
            Key::Char('[') => self.seek_change(Way::Back),
            Key::Char(']') => self.seek_change(Way::On),
            Key::Home | Key::Char('g') => self.go(0),
            Key::End | Key::Char('G') => {
                (self.follows, self.is_chosen) = (true, false);
                self.cursor = self.tape.moments().len().checked_sub(1);
            }
            Key::Char(_) | Key::Backspace => {}
        }
        Going::On
    }

    fn type_on(&mut self, key: Key) {
        match key {
            Key::Enter | Key::Tab => self.is_typing = false,
            Key::Escape => {
                self.is_typing = false;
                self.query.clear();
            }
            Key::Backspace => {
                self.query.pop();
            }
            Key::Char(c) if self.query.chars().count() < LONGEST && !c.is_control() => {
                self.query.push(c);
            }
            _ => {}
        }
        self.line = None;
        self.choose_again();
    }

    fn select(&mut self, way: Way) {
        match self.pane {
            Pane::Calls => self.select_call(way),
            Pane::Lines => self.select_line(way),
        }
    }

    /// Up from the first line are the calls of all lines.
    fn select_line(&mut self, way: Way) {
        let ids: Vec<LineId> = self.lines().into_iter().map(|(line, _)| line).collect();
        let place = self.line.and_then(|line| ids.iter().position(|known| *known == line));
        let next = match (place, way) {
            (None, Way::On) => Some(0),
            (None | Some(0), Way::Back) => None,
            (Some(place), Way::On) => Some((place + 1).min(ids.len().saturating_sub(1))),
            (Some(place), Way::Back) => Some(place - 1),
        };
        self.line = next.and_then(|next| ids.get(next).copied());
        self.choose_again();
    }

    /// The selected call may be none of those that are shown now.
    fn choose_again(&mut self) {
        let names: Vec<Name> = self.calls().into_iter().map(Name::of).collect();
        if self.call.is_none_or(|call| !names.contains(&call)) {
            self.call = names.last().copied();
        }
    }

    fn select_call(&mut self, way: Way) {
        self.is_chosen = true;
        let names: Vec<Name> = self.calls().into_iter().map(Name::of).collect();
        let place = self.call.and_then(|call| names.iter().position(|known| *known == call));
        let next = match (place, way) {
            (None, _) => 0,
            (Some(place), Way::On) => (place + 1).min(names.len().saturating_sub(1)),
            (Some(place), Way::Back) => place.saturating_sub(1),
        };
        self.call = names.get(next).copied();
    }

    fn step_back(&mut self, by: usize) {
        self.go(self.cursor.unwrap_or(0).saturating_sub(by));
    }

    fn step_on(&mut self, by: usize) {
        self.go(self.cursor.map_or(0, |cursor| cursor.saturating_add(by)));
    }

    /// To the last or next record that says something about the selected call.
    fn seek_change(&mut self, way: Way) {
        let (Some(ladder), now) = (self.call(), self.seq()) else { return };
        let mut steps = ladder.steps.iter().map(|step| step.seq);
        let wanted = match way {
            Way::On => steps.find(|seq| *seq > now),
            Way::Back => steps.take_while(|seq| *seq < now).last(),
        };
        if let Some(wanted) = wanted {
            let found = self.tape.moments().binary_search_by_key(&wanted, |point| point.seq);
            if let Ok(index) = found {
                self.go(index);
            }
        }
    }

    /// To a moment. Whoever goes somewhere by hand stays there.
    fn go(&mut self, index: usize) {
        let last = self.tape.moments().len().checked_sub(1);
        self.cursor = last.map(|last| index.min(last));
        self.follows = false;
    }
}

/// Back or on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Back,
    On,
}
