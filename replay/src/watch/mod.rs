//! `tapline watch`: lines, calls and the ladder of a call in the terminal, with keys to step in time.

mod draw;
mod live;
mod scene;
mod tape;

use crate::command_line::{Watch, WhichLog};
use crate::lines::log_of;
use crate::output;
use crate::replay::{Leap, Next, Reel};
use crate::trouble::Trouble;
use adapters::trace::Trace;
use live::{Live, News};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use scene::{Going, Key, Scene};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tape::Tape;

/// How long to wait for a key before looking at what has come.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Shows a log until the user has seen enough.
pub(crate) fn show(options: &Watch) -> Result<(), Trouble> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Trouble::Usage(
            "this is for a terminal; `tapline replay explain` and `tapline replay run` print"
                .into(),
        ));
    }
    let path = place(options)?;
    let (mut scene, live) = open(&path)?;
    let mut terminal = ratatui::try_init().map_err(terminal_trouble)?;
    let outcome = run(&mut terminal, &mut scene, live.as_ref());
    ratatui::try_restore().map_err(terminal_trouble)?;
    outcome
}

fn terminal_trouble(error: io::Error) -> Trouble {
    Trouble::System { what: "cannot use the terminal".into(), error }
}

fn place(options: &Watch) -> Result<PathBuf, Trouble> {
    match &options.file {
        Some(file) => Ok(file.clone()),
        None => log_of(&WhichLog { config: options.config.clone(), log: options.log.clone() }),
    }
}

/// What a log has so far, and, if a provider works on it, where further records come from.
fn open(path: &Path) -> Result<(Scene, Option<Live>), Trouble> {
    // Nothing is lost if nobody reads this.
    let _ = output::hint("Reading …");
    match Live::begin(path)? {
        Some((live, tape)) => Ok((Scene::new(tape), Some(live))),
        None => Ok((read(path)?, None)),
    }
}

/// All of a log that nobody works on.
fn read(path: &Path) -> Result<Scene, Trouble> {
    let trace = Trace::open(path)?;
    let (mut reel, core, next) = Reel::begin(&trace)?;
    let mut scene = Scene::new(Tape::new(core, next));
    for next in &mut reel {
        match next {
            Next::Record(seq, record) => scene.take(seq, &record),
            Next::Leap(leap) => {
                let Leap { core, next, missing, .. } = *leap;
                scene.leap(core, next, missing);
            }
        }
    }
    scene.grown();
    if let Some(why) = reel.damage() {
        scene.set_note(why);
    }
    Ok(scene)
}

fn run(
    terminal: &mut DefaultTerminal,
    scene: &mut Scene,
    live: Option<&Live>,
) -> Result<(), Trouble> {
    loop {
        let is_live = live.is_some();
        terminal.draw(|frame| draw::draw(scene, is_live, frame)).map_err(terminal_trouble)?;
        if event::poll(LOOK_EVERY).map_err(terminal_trouble)? {
            let key = match event::read().map_err(terminal_trouble)? {
                Event::Key(key) if key.kind != KeyEventKind::Release => key,
                _ => continue,
            };
            if is_interrupt(key) {
                return Ok(());
            }
            if let Some(key) = meaning(key)
                && scene.press(key) == Going::Out
            {
                return Ok(());
            }
        }
        for news in live.map(Live::news).into_iter().flatten() {
            match news {
                News::Record(seq, record) => scene.take(seq, &record),
                News::Leap(core, next, missing) => scene.leap(*core, next, missing),
                News::Note(note) => scene.set_note(note),
            }
        }
        scene.grown();
    }
}

fn is_interrupt(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'd'))
}

fn meaning(key: KeyEvent) -> Option<Key> {
    Some(match key.code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Tab | KeyCode::BackTab => Key::Tab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
