//! The page: all that was counted, and all that can be found by looking.

use super::text::Text;
use super::{
    ANSWERS, CALLBACKS, Counter, LIMITS, Metrics, OUTCOMES, SOURCES, SURPRISES, requests::ENDINGS,
};
use crate::diary;
use crate::soap::Kind;
use crate::views::Views;
use engine::tapi::CallState;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// A page is made at most this often: looking at a hundred thousand lines takes some milliseconds.
const MADE_EVERY: Duration = Duration::from_millis(200);

/// Where the page comes from.
pub(crate) struct Page {
    metrics: Arc<Metrics>,
    views: Arc<Views>,
    queues: Vec<Queue>,
    started: SystemTime,
    /// The last one that was made.
    made: Mutex<Option<(Instant, Arc<str>)>>,
}

/// Something that waits for its turn.
pub(crate) struct Queue {
    /// What it is for.
    pub(crate) name: &'static str,
    /// How much may wait.
    pub(crate) most: u64,
    /// How much waits now.
    pub(crate) waiting: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl Page {
    pub(crate) fn new(metrics: Arc<Metrics>, views: Arc<Views>, queues: Vec<Queue>) -> Page {
        let (started, made) = (SystemTime::now(), Mutex::default());
        Page { metrics, views, queues, started, made }
    }

    /// The page as it is now. Takes some milliseconds where there are very many lines.
    pub(crate) fn read(&self) -> Arc<str> {
        // Held while it is made: those who ask at the same time get the same one.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, text)) = &*made
            && at.elapsed() < MADE_EVERY
        {
            return Arc::clone(text);
        }
        let text: Arc<str> = self.write().into();
        *made = Some((Instant::now(), Arc::clone(&text)));
        text
    }

    fn write(&self) -> String {
        let mut text = Text::default();
        self.program(&mut text);
        self.pbxs(&mut text);
        self.lines(&mut text);
        self.requests(&mut text);
        self.callbacks(&mut text);
        self.log(&mut text);
        self.capture(&mut text);
        self.soap(&mut text);
        self.trouble(&mut text);
        text.into_page()
    }

    fn program(&self, text: &mut Text) {
        let labels = [("version", env!("CARGO_PKG_VERSION")), ("os", std::env::consts::OS)];
        text.gauge("tapline_build_info", "1; which program this is.").of(&labels, 1);
        let since_1970 = self.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        text.gauge("tapline_start_time_seconds", "When the provider started, since 1970.")
            .is(since_1970.as_secs_f64());
    }

    fn pbxs(&self, text: &mut Text) {
        let read = self.metrics.pbxs.read();
        let pbxs: Vec<_> = read.iter().map(|(pbx, of)| (pbx.0.to_string(), of)).collect();
        let mut family = text.gauge("tapline_pbx_info", "1; where the PBX was last reached.");
        for (pbx, of) in &pbxs {
            let place = of.place.as_ref().map_or_else(String::new, ToString::to_string);
            family.of(&[("pbx", pbx), ("place", &place)], 1);
        }
        type Value = fn(&super::pbxs::OfPbx) -> f64;
        let gauges: [(&str, &str, Value); 3] = [
            ("tapline_pbx_session_up", "1 if there is a session with the PBX, else 0.", |of| {
                f64::from(u8::from(of.is_up))
            }),
            (
                "tapline_pbx_poll_age_seconds",
                "Since the PBX last answered a Poll, which it does at least once a minute.",
                |of| of.heard.elapsed().as_secs_f64(),
            ),
            ("tapline_pbx_lines", "Lines of the PBX when all were last taken in anew.", |of| {
                f64::from(of.lines)
            }),
        ];
        for (name, help, value) in gauges {
            let mut family = text.gauge(name, help);
            pbxs.iter().for_each(|(pbx, of)| family.of(&[("pbx", pbx)], value(of)));
        }
        type Count = fn(&super::pbxs::OfPbx) -> u64;
        let counters: [(&str, &str, Count); 5] = [
            ("tapline_pbx_sessions_total", "Sessions that came up.", |of| of.opened),
            ("tapline_pbx_sessions_lost_total", "Sessions that were lost.", |of| of.lost),
            ("tapline_pbx_attempts_failed_total", "Attempts that led to no session.", |of| {
                of.failed
            }),
            (
                "tapline_pbx_takeovers_total",
                "Sessions at another box than the one before: a standby, or the master again.",
                |of| of.taken_over,
            ),
            (
                "tapline_pbx_resyncs_total",
                "How often all lines and calls of the PBX were taken in anew.",
                |of| of.resyncs,
            ),
        ];
        for (name, help, count) in counters {
            let mut family = text.counter(name, help);
            pbxs.iter().for_each(|(pbx, of)| family.of(&[("pbx", pbx)], count(of)));
        }
    }

    fn lines(&self, text: &mut Text) {
        let census = Census::of(&self.views);
        text.gauge("tapline_lines", "Lines that are known.").is(census.lines);
        text.gauge("tapline_lines_in_service", "Lines in service: a device is registered.")
            .is(census.in_service);
        let open = census.calls.iter().zip(CallState::ALL);
        let open = open.filter(|(_, state)| *state != CallState::Idle).map(|(count, _)| count);
        text.gauge("tapline_calls_open", "Calls that are not over.").is(open.sum::<u64>());
        let mut family = text.gauge("tapline_calls", "Calls that applications see, by state.");
        for (count, state) in census.calls.iter().zip(CallState::ALL) {
            family.of(&[("state", &state.name().to_ascii_lowercase())], count);
        }
    }

    fn requests(&self, text: &mut Text) {
        let requests = &self.metrics.requests;
        let help = "Requests of applications that ended, by function and outcome.";
        let mut family = text.counter("tapline_requests_total", help);
        for (function, counts) in requests.read() {
            for (outcome, count) in ENDINGS.iter().zip(counts) {
                family.of(&[("function", function.name()), ("outcome", outcome)], count);
            }
        }
        text.gauge("tapline_requests_open", "Requests under way.").is(requests.open.read());
        let help = "From when a request was logged until its completion was on its way.";
        text.histogram("tapline_request_duration_seconds", help, &requests.took);
    }

    fn callbacks(&self, text: &mut Text) {
        let help = "Callbacks to be made, by message.";
        by(text, "tapline_callbacks_total", help, "kind", &CALLBACKS, &self.metrics.callbacks);
        let help = "What became of callbacks: made, not made, made early by a close.";
        let outcomes = &self.metrics.outcomes;
        by(text, "tapline_callbacks_ended_total", help, "outcome", &OUTCOMES, outcomes);
        let help = "From when an answer of a PBX was read until callbacks were made for it.";
        text.histogram("tapline_event_lag_seconds", help, &self.metrics.lag.took);
        let mut family = text.gauge("tapline_queue_depth", "What waits in a queue.");
        self.queues.iter().for_each(|queue| family.of(&[("queue", queue.name)], (queue.waiting)()));
        let help = "What may wait in a queue before what comes is held back or refused.";
        let mut family = text.gauge("tapline_queue_limit", help);
        self.queues.iter().for_each(|queue| family.of(&[("queue", queue.name)], queue.most));
    }

    fn log(&self, text: &mut Text) {
        let log = &self.metrics.log;
        let help = "Records that went into the log, by source.";
        by(text, "tapline_log_records_total", help, "source", &SOURCES, &log.records);
        text.counter("tapline_log_written_bytes_total", "Bytes of records that were written.")
            .is(log.bytes_written.read());
        let help = "From when records are put together until they are safe in the log.";
        text.histogram("tapline_log_latency_seconds", help, &log.latency);
        text.gauge("tapline_log_records", "Records that the log keeps.")
            .is(log.records_kept.read());
        text.gauge("tapline_log_bytes", "Bytes of the records and snapshots that the log keeps.")
            .is(log.bytes_kept.read());
        text.gauge("tapline_log_up", "1 if the log can be written, else 0.")
            .is(1 - log.is_down.read().min(1));
        let help = "Records that are in force but could not be written yet.";
        text.gauge("tapline_log_unwritten_records", help).is(log.unwritten.read());
    }

    fn capture(&self, text: &mut Text) {
        let capture = &self.metrics.capture;
        text.gauge("tapline_capture_on", "1 if the settings want capture files, else 0.")
            .is(capture.is_on.read());
        text.gauge("tapline_capture_up", "1 if a capture file is being written, else 0.")
            .is(capture.is_writing.read());
        text.gauge("tapline_capture_waiting_bytes", "Bytes that wait to go into a capture file.")
            .is(capture.waiting.read());
        let help = "Bytes of records that went into capture files.";
        text.counter("tapline_capture_written_bytes_total", help).is(capture.bytes_written.read());
        let help = "Bytes of records that should have gone into capture files and did not.";
        text.counter("tapline_capture_lost_bytes_total", help).is(capture.bytes_lost.read());
    }

    fn soap(&self, text: &mut Text) {
        let soap = &self.metrics.soap;
        let help = "Questions to PBXs, by operation and outcome.";
        let mut family = text.counter("tapline_soap_requests_total", help);
        for (kind, ended) in Kind::ALL.iter().zip(&soap.ended) {
            for (outcome, count) in ANSWERS.iter().zip(ended) {
                family.of(&[("operation", kind.name()), ("outcome", outcome)], count.read());
            }
        }
        let help = "How long PBXs took to answer, other than Polls.";
        text.histogram("tapline_soap_duration_seconds", help, &soap.took);
    }

    fn trouble(&self, text: &mut Text) {
        let Metrics { surprises, limits, .. } = &*self.metrics;
        let help = "What should not happen, and was handled, by kind.";
        by(text, "tapline_surprises_total", help, "kind", &SURPRISES, surprises);
        let help = "How often a limit was reached and something left out.";
        by(text, "tapline_limits_reached_total", help, "limit", &LIMITS, limits);
        let (errors, warnings) = diary::trouble();
        let help = "Lines of the diary that tell of trouble, by level.";
        let mut family = text.counter("tapline_diary_lines_total", help);
        family.of(&[("level", "error")], errors);
        family.of(&[("level", "warn")], warnings);
    }
}

/// A family of counters that differ by one label.
fn by(
    text: &mut Text,
    name: &'static str,
    help: &str,
    label: &'static str,
    values: &[&str],
    counters: &[Counter],
) {
    let mut family = text.counter(name, help);
    for (value, counter) in values.iter().zip(counters) {
        family.of(&[(label, value)], counter.read());
    }
}

/// What the lines look like now.
#[derive(Default)]
struct Census {
    lines: u64,
    in_service: u64,
    /// By state, as [`CallState::ALL`] has them.
    calls: [u64; CallState::ALL.len()],
}

impl Census {
    fn of(views: &Views) -> Census {
        let mut census = Census::default();
        views.each(|view| {
            census.lines += u64::from(!view.removed);
            census.in_service += u64::from(view.in_service && !view.removed);
            for call in &view.calls {
                if let Some(index) = CallState::ALL.iter().position(|of| *of == call.state) {
                    census.calls[index] += 1;
                }
            }
        });
        census
    }
}
