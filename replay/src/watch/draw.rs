//! The screen: lines at the left, calls at the right, the ladder of the selected call below, and at
//! the bottom where we are in time.

use super::scene::{Pane, Scene};
use crate::ladder::{Drawing, Ladder, who};
use crate::rows::{Clock, fitted, harmless};
use engine::tapi::CallState;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph};

/// Width of the pane with the lines.
const LINES: u16 = 42;

/// Draws everything.
pub(super) fn draw(scene: &Scene, is_live: bool, frame: &mut Frame<'_>) {
    let [above, ladder, bar] =
        Layout::vertical([Constraint::Fill(2), Constraint::Fill(3), Constraint::Length(3)])
            .areas(frame.area());
    let [lines, calls] =
        Layout::horizontal([Constraint::Length(LINES), Constraint::Min(20)]).areas(above);
    draw_lines(scene, frame, lines);
    draw_calls(scene, frame, calls);
    draw_ladder(scene, frame, ladder);
    draw_time(scene, is_live, frame, bar);
}

fn draw_lines(scene: &Scene, frame: &mut Frame<'_>, area: Rect) {
    let title = match scene.query() {
        Some(query) if scene.is_typing() => format!(" Lines /{}▏", harmless(query)),
        Some(query) => format!(" Lines /{} ", harmless(query)),
        None => " Lines ".to_owned(),
    };
    let seq = scene.seq();
    let lines = scene.lines();
    let mut rows = vec![(scene.line().is_none(), Line::from("all lines"))];
    for (id, track) in &lines {
        let name = fitted(&harmless(&track.tag.for_people()), usize::from(LINES) - 18);
        let state = track.state_at(seq).unwrap_or("not there yet");
        let row =
            Line::from(vec![Span::raw(name), Span::raw(" "), Span::styled(state, word(state))]);
        rows.push((scene.line() == Some(*id), row));
    }
    list(frame, area, &title, scene.pane() == Pane::Lines, rows);
}

fn draw_calls(scene: &Scene, frame: &mut Frame<'_>, area: Rect) {
    let (seq, calls) = (scene.seq(), scene.calls());
    let selected = scene.call().map(|ladder| (ladder.key, ladder.begun));
    let title = format!(" Calls ({}) ", calls.len());
    let rows = calls.iter().map(|ladder| {
        let is_selected = selected == Some((ladder.key, ladder.begun));
        (is_selected, call_row(ladder, seq))
    });
    list(frame, area, &title, scene.pane() == Pane::Calls, rows.collect());
}

fn call_row(ladder: &Ladder, seq: u64) -> Line<'static> {
    let state = ladder.legs.first().and_then(|leg| leg.state_at(seq)).map(|band| band.state);
    let word = match state {
        _ if ladder.begun.0 > seq => "to come",
        None => "",
        Some(state) => state.name(),
    };
    let key: String = ladder.key.to_string().chars().take(8).collect();
    let time = Clock::of(ladder.begun.1).time();
    let style = if ladder.begun.0 > seq { dim() } else { Style::new() };
    Line::from(vec![
        Span::styled(format!("{time} {} ", fitted(&key, 8)), dim()),
        Span::styled(fitted(word, 12), state.map_or(style, call_style)),
        Span::styled(format!(" {}", harmless(&who(ladder))), style),
    ])
}

fn draw_ladder(scene: &Scene, frame: &mut Frame<'_>, area: Rect) {
    let Some(ladder) = scene.call() else {
        let block = block(" Ladder ", false);
        return frame.render_widget(Paragraph::new("No call is selected.").block(block), area);
    };
    let block = block(&format!(" {} {} ", ladder.key, harmless(&who(ladder))), false);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [top, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(inner);
    let drawing = Drawing::of(ladder);
    frame.render_widget(Paragraph::new(Line::styled(drawing.header, bold())), top);
    let seq = scene.seq();
    let past = drawing.rungs.partition_point(|rung| rung.seq <= seq);
    let height = usize::from(rest.height);
    // The last step that has happened is in the middle.
    let first = past.saturating_sub(height / 2 + 1).min(drawing.rungs.len().saturating_sub(height));
    let rows: Vec<Line<'_>> = drawing
        .rungs
        .iter()
        .enumerate()
        .skip(first)
        .take(height)
        .map(|(index, rung)| {
            let style = match rung.seq.cmp(&seq) {
                std::cmp::Ordering::Equal => Style::new().add_modifier(Modifier::REVERSED),
                std::cmp::Ordering::Greater => dim(),
                std::cmp::Ordering::Less if index + 1 == past => bold(),
                std::cmp::Ordering::Less => Style::new(),
            };
            Line::styled(rung.text.clone(), style)
        })
        .collect();
    frame.render_widget(Paragraph::new(rows), rest);
}

fn draw_time(scene: &Scene, is_live: bool, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    let rows = match scene.span() {
        None => vec![Line::from("There is no record yet.")],
        Some((first, last, share)) => {
            let now = scene.now().unwrap_or(first);
            let bar = width.saturating_sub(1);
            let place = (share * bar as f64) as usize;
            let line: String = (0..=bar).map(|at| if at == place { '●' } else { '─' }).collect();
            let (begun, ended) = (Clock::of(first.at), Clock::of(last.at));
            let mode = match (is_live, scene.follows()) {
                (true, true) => "live",
                (true, false) => "stands (G follows again)",
                (false, _) => "file",
            };
            let text = format!(
                "record {} of {}  {} {}  {}  [{} to {}]  {mode}",
                now.seq,
                last.seq,
                Clock::of(now.at).date(),
                Clock::of(now.at).time(),
                now.kind,
                begun.time(),
                ended.time()
            );
            vec![Line::from(line), Line::styled(text, bold())]
        }
    };
    let last = match scene.note().filter(|note| !note.is_empty()) {
        Some(note) => Line::styled(harmless(&note), Style::new().fg(Color::Yellow)),
        None => Line::styled(KEYS, dim()),
    };
    let rows: Vec<Line<'_>> = rows.into_iter().chain([last]).collect();
    frame.render_widget(Paragraph::new(rows), area);
}

const KEYS: &str =
    "h l step  [ ] change  H L 100  g G ends  j k select  n p call  Tab pane  / search  q quit";

/// A list in a frame, scrolled so that what is selected is seen.
fn list(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    is_active: bool,
    rows: Vec<(bool, Line<'_>)>,
) {
    let block = block(title, is_active);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let height = usize::from(inner.height);
    let selected = rows.iter().position(|(is_selected, _)| *is_selected).unwrap_or(0);
    let first = selected.saturating_sub(height.saturating_sub(1));
    let seen = rows.into_iter().skip(first).take(height).map(|(is_selected, row)| {
        let mark = if is_selected { "›" } else { " " };
        let style = match is_selected {
            true if is_active => Style::new().add_modifier(Modifier::REVERSED),
            true => bold(),
            false => Style::new(),
        };
        let mut spans = vec![Span::raw(mark)];
        spans.extend(row.spans);
        Line::from(spans).style(style)
    });
    frame.render_widget(Paragraph::new(seen.collect::<Vec<Line<'_>>>()), inner);
}

fn block(title: &str, is_active: bool) -> Block<'static> {
    let kind = if is_active { BorderType::Thick } else { BorderType::Plain };
    Block::bordered().border_type(kind).title(title.to_owned())
}

fn word(state: &str) -> Style {
    match state {
        "in a call" => Style::new().fg(Color::Green),
        "no PBX" | "out of service" | "removed" => Style::new().fg(Color::Red),
        _ => dim(),
    }
}

fn call_style(state: CallState) -> Style {
    match state {
        CallState::Connected | CallState::Conferenced => Style::new().fg(Color::Green),
        CallState::Offering | CallState::Accepted | CallState::Ringback => {
            Style::new().fg(Color::Yellow)
        }
        CallState::Busy | CallState::Disconnected => Style::new().fg(Color::Red),
        CallState::Idle => dim(),
        _ => Style::new(),
    }
}

fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}
