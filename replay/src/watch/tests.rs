//! What keys do, and what the screen shows of a history.

use super::draw::draw;
use super::scene::{Going, Key, Pane, Scene};
use super::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn scene(history: &str) -> Scene {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/histories");
    read(&folder.join(history).with_extension("tspt")).unwrap()
}

fn press(scene: &mut Scene, keys: &str) {
    for key in keys.chars() {
        assert_eq!(scene.press(Key::Char(key)), Going::On);
    }
}

/// The screen as text.
fn screen(scene: &Scene, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(scene, false, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| {
        let cells = (0..columns).map(|x| buffer[(x, y)].symbol());
        cells.collect::<String>().trim_end().to_owned()
    };
    (0..rows).map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn it_begins_at_the_end_with_the_latest_call() {
    let scene = scene("transfer-with-consultation");
    assert!(scene.follows());
    assert_eq!(scene.now(), scene.span().map(|(_, last, _)| last));
    let latest = scene.calls().last().map(|ladder| ladder.key);
    assert_eq!(scene.call().map(|ladder| ladder.key), latest);
}

#[test]
fn brackets_go_from_change_to_change_of_the_call() {
    let mut scene = scene("call-answered");
    let steps: Vec<u64> = scene.call().unwrap().steps.iter().map(|step| step.seq).collect();
    press(&mut scene, "g");
    assert_eq!((scene.seq(), scene.follows()), (0, false));
    let mut seen = Vec::new();
    for _ in 0..40 {
        press(&mut scene, "]");
        seen.push(scene.seq());
    }
    seen.dedup();
    let mut expected = steps;
    expected.dedup();
    assert_eq!(seen, expected);
    press(&mut scene, "[[");
    assert_eq!(scene.seq(), expected[expected.len() - 3]);
}

#[test]
fn steps_stop_at_both_ends_and_the_end_is_followed_again() {
    let mut scene = scene("call-answered");
    let last = scene.seq();
    press(&mut scene, "lL");
    assert_eq!(scene.seq(), last);
    press(&mut scene, "hh");
    assert_eq!((scene.seq(), scene.follows()), (last - 2, false));
    press(&mut scene, "H");
    assert_eq!(scene.seq(), 0);
    press(&mut scene, "h");
    assert_eq!(scene.seq(), 0);
    scene.press(Key::End);
    assert_eq!((scene.seq(), scene.follows()), (last, true));
}

#[test]
fn a_search_leaves_the_lines_that_fit_and_their_calls() {
    let mut scene = scene("transfer-with-consultation");
    let all = scene.calls().len();
    press(&mut scene, "/jürg");
    assert!(scene.is_typing());
    let names: Vec<&str> = scene.lines().iter().map(|(_, track)| track.tag.name.as_str()).collect();
    assert_eq!(names, ["Jürgen Müller"]);
    assert!(!scene.calls().is_empty());
    press(&mut scene, "q");
    assert_eq!(scene.query(), Some("jürgq"), "a letter is a letter while one types");
    assert!(scene.lines().is_empty() && scene.calls().is_empty() && scene.call().is_none());
    scene.press(Key::Backspace);
    scene.press(Key::Enter);
    assert!(!scene.is_typing());
    assert_eq!(scene.lines().len(), 1);
    scene.press(Key::Escape);
    assert_eq!(scene.calls().len(), all);
    assert_eq!(scene.press(Key::Escape), Going::Out);
}

#[test]
fn lines_and_calls_are_selected_with_the_same_keys_in_their_panes() {
    let mut scene = scene("transfer-with-consultation");
    assert_eq!(scene.pane(), Pane::Calls);
    let keys: Vec<_> = scene.calls().iter().map(|ladder| ladder.key).collect();
    press(&mut scene, "k");
    assert_eq!(scene.call().unwrap().key, keys[keys.len() - 2]);
    press(&mut scene, "n");
    assert_eq!(scene.call().unwrap().key, keys[keys.len() - 1]);
    scene.press(Key::Tab);
    press(&mut scene, "jj");
    let second = scene.lines()[1].0;
    assert_eq!(scene.line(), Some(second));
    assert!(scene.calls().iter().all(|call| call.legs.iter().any(|leg| leg.line == second)));
    press(&mut scene, "kk");
    assert_eq!(scene.line(), None);
}

#[test]
fn the_screen_shows_the_moment_and_what_is_to_come_dimly() {
    let mut scene = scene("call-answered");
    press(&mut scene, "g]]]]");
    let text = screen(&scene, 116, 30);
    for expected in [
        "┌ Lines ",
        "┏ Calls (1) ",
        "20 Anna Berg             in a call",
        "22 Jürgen Müller         in service",
        "›22:13:25.002 beeb8da1 PROCEEDING   20 Anna Berg called 21 Bob & <Sons>",
        "│     37 22:13:25.002 │────────────────────────▶┆            │ leg 7002 r-setup: set up",
        "record 38 of 57  2023-11-14 22:13:25.002  PBX: call  [22:13:20.000 to 22:13:31.000]  file",
        "h l step  [ ] change",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    press(&mut scene, "g");
    let text = screen(&scene, 110, 30);
    assert!(text.contains("20 Anna Berg             not there yet"), "{text}");
    assert!(text.contains("to come"), "{text}");
}

#[test]
fn a_small_terminal_and_one_without_records_are_drawn_too() {
    for (columns, rows) in [(1, 1), (10, 3), (30, 8), (200, 60)] {
        screen(&scene("call-answered"), columns, rows);
    }
    let empty = Scene::new(Tape::new(engine::core::Core::default(), 0));
    assert!(screen(&empty, 80, 24).contains("There is no record yet."));
    let mut empty = empty;
    press(&mut empty, "hl[]gGjknp");
}

#[test]
fn a_name_cannot_do_anything_to_the_terminal() {
    use engine::fact::{Event, PbxFact};
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/histories");
    let trace = Trace::open(&folder.join("call-answered.tspt")).unwrap();
    let mut scene = Scene::new(Tape::new(engine::core::Core::default(), 0));
    for (seq, mut record) in trace.records_from(0) {
        if let Event::Pbx(_, _, PbxFact::User(user)) = &mut record.event
            && user.e164.text() == "20"
        {
            user.cn = "Eve\u{1b}[2J\u{202e}\n".into();
        }
        scene.take(seq, &record);
    }
    scene.grown();
    let text = screen(&scene, 120, 30);
    assert!(text.contains("20 Eve"), "{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'));
}
