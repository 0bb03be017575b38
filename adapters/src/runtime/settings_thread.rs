//! The settings thread: looks at the settings file, brings into force what has changed in it, and
//! answers those who ask at the desk.
//!
//! Files are read by a thread of its own: one that hangs, on a share that is away, must hold up
//! neither Polls nor timers.

use super::message::Intake;
use super::showing;
use crate::desk::{Asked, DONE, Desk, LOOK_EVERY, Question, Reloaded, Verdict};
use crate::diary;
use crate::exchange::Manner;
use crate::metrics::Page;
use crate::settings::{Changes, Settings};
use engine::core::Core;
use engine::estate::{PbxChange, Plan};
use engine::fact::{Event, HostFact};
use engine::id::PermanentId;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{mpsc, oneshot, watch};

/// How often the settings file is looked at.
const READ_EVERY: Duration = Duration::from_secs(2);

/// What is said to who asks for a change at the end.
const STOPPING: &str = "the provider is about to stop; nothing changes";

/// The running thread.
pub(crate) struct SettingsThread {
    /// Open as long as settings may come into force; nothing is ever sent.
    open: Arc<Mutex<Option<Sender<Infallible>>>>,
    thread: std::thread::JoinHandle<()>,
}

impl SettingsThread {
    pub(crate) fn start(
        path: PathBuf,
        in_force: InForce,
        intake: mpsc::Sender<Intake>,
        page: Arc<Page>,
    ) -> std::io::Result<SettingsThread> {
        let (alive, end) = channel::<Infallible>();
        let open = Arc::new(Mutex::new(Some(alive)));
        let desk = Desk::beside(&in_force.settings.log);
        let watched = Watched { path, seen: None, dealt_with: None };
        let clerk = Clerk { watched, in_force, intake, page, open: Arc::clone(&open) };
        let thread =
            std::thread::Builder::new().name("tapline-settings".into()).spawn(move || {
                let (mut clerk, mut looked) = (clerk, Instant::now());
                while end.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                    desk.questions().iter().for_each(|asked| clerk.answer(asked));
                    if looked.elapsed() >= READ_EVERY {
                        looked = Instant::now();
                        clerk.look();
                    }
                }
            })?;
        Ok(SettingsThread { open, thread })
    }

    /// From now on no settings come into force.
    pub(crate) fn close(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn into_handle(self) -> std::thread::JoinHandle<()> {
        self.close();
        self.thread
    }
}

/// What is in force.
pub(crate) struct InForce {
    settings: Settings,
    /// See `Configuration::access`.
    access: u32,
    manner: watch::Sender<Arc<Manner>>,
    /// Where the metrics page is shown.
    listen: watch::Sender<Option<SocketAddr>>,
}

impl InForce {
    pub(crate) fn new(
        settings: Settings,
        manner: watch::Sender<Arc<Manner>>,
        listen: watch::Sender<Option<SocketAddr>>,
    ) -> InForce {
        InForce { settings, access: 0, manner, listen }
    }
}

/// Who does it.
struct Clerk {
    watched: Watched,
    in_force: InForce,
    intake: mpsc::Sender<Intake>,
    page: Arc<Page>,
    open: Arc<Mutex<Option<Sender<Infallible>>>>,
}

/// The settings file.
struct Watched {
    path: PathBuf,
    /// What the last look found.
    seen: Option<Sight>,
    /// What was brought into force, or reported, last.
    dealt_with: Option<Sight>,
}

/// What a look at the settings file found.
#[derive(Clone)]
struct Sight {
    modified: Option<SystemTime>,
    /// The settings, or why there are none.
    read: Result<Box<Settings>, String>,
}

/// What came of settings.
enum Outcome {
    /// They are those in force.
    Same,
    /// They are in force now; what is other.
    Applied(Changes, Plan),
    /// They are not; why.
    Refused(String),
    /// Nothing comes into force any more.
    Stopping,
}

impl Clerk {
    fn look(&mut self) {
        let Some(sight) = self.watched.news() else { return };
        self.deal_with(sight);
    }

    fn answer(&mut self, asked: &Asked) {
        match &asked.question {
            Question::State => {
                if let Some(core) = self.state() {
                    asked.show(&core);
                }
            }
            Question::Part(span) => {
                let look = |look| self.intake.blocking_send(Intake::Look(look)).is_ok();
                asked.part(|file| showing::show(*span, &look, file));
            }
            Question::Reload => {
                let sight = Sight::of(&self.watched.path);
                let outcome = self.deal_with(sight);
                let (verdict, words) = (outcome.verdict(), outcome.words());
                asked.say(&Reloaded { verdict, file: self.watched.path.clone(), words }.text());
            }
            Question::Metrics => asked.say(&self.page.read()),
            Question::Dismiss(line) => asked.say(&self.dismiss(*line)),
            Question::Import(ids) => {
                let facts =
                    ids.chunks(HostFact::MAX_IDS).map(|ids| HostFact::IdsImported(ids.into()));
                let all = facts.into_iter().all(|fact| self.note(Event::Host(fact)));
                asked.say(if all { DONE } else { STOPPING });
            }
        }
    }

    /// Removes a line, and says what came of it.
    fn dismiss(&self, id: PermanentId) -> String {
        if !self.note(Event::Host(HostFact::LineDismissed(id))) {
            return STOPPING.into();
        }
        let Some(state) = self.state() else { return STOPPING.into() };
        let entry = state.estate().entries().find(|entry| entry.identity.permanent == id);
        match entry {
            None => format!("there is no line with the id {}", id.0),
            Some(entry) if entry.gone.is_none() => format!(
                "line {} stays: a PBX reports its user, and it would be back at once; take him out \
                 of the groups of the user in the settings first",
                id.0
            ),
            Some(_) => DONE.into(),
        }
    }

    fn deal_with(&mut self, sight: Sight) -> Outcome {
        let was_faulty = self.watched.dealt_with.as_ref().is_some_and(|sight| sight.read.is_err());
        let outcome = match &sight.read {
            Err(why) => Outcome::Refused(why.clone()),
            Ok(settings) => self.bring_into_force(settings),
        };
        self.watched.dealt_with = Some(sight);
        match &outcome {
            Outcome::Same if was_faulty => {
                tracing::info!("the settings can be read again, and are those in force");
            }
            Outcome::Same | Outcome::Stopping => {}
            Outcome::Applied(..) => tracing::info!("{}", outcome.words()),
            Outcome::Refused(_) => tracing::error!("{}", outcome.words()),
        }
        outcome
    }

    fn bring_into_force(&mut self, settings: &Settings) -> Outcome {
        let changes = Changes::between(&self.in_force.settings, settings);
        if changes.is_empty() {
            return Outcome::Same;
        }
        let mut manner = match Manner::of(settings) {
            Ok(manner) => manner,
            Err(error) => return Outcome::Refused(error.to_string()),
        };
        {
            let in_force = self.in_force.manner.borrow();
            manner.patience = in_force.patience;
            manner.witness.clone_from(&in_force.witness);
            manner.metrics = Arc::clone(&in_force.metrics);
        }
        let access = self.in_force.access.wrapping_add(u32::from(changes.access));
        let configuration = engine::fact::Configuration { access, ..settings.configuration() };
        let Some(state) = self.state() else { return Outcome::Stopping };
        let plan = state.estate().plan(&configuration);
        drop(state);
        // First the manner: an attempt that begins because of the event is to be made in it.
        self.in_force.manner.send_replace(Arc::new(manner));
        if !self.note(Event::Host(HostFact::Configured(configuration))) {
            return Outcome::Stopping;
        }
        diary::say_up_to(settings.level);
        self.in_force.listen.send_if_modified(|listen| {
            let is_other = *listen != settings.metrics;
            *listen = settings.metrics;
            is_other
        });
        self.in_force.access = access;
        self.in_force.settings = settings.clone();
        Outcome::Applied(changes, plan)
    }

    /// Puts an event in line for the log, unless the end has begun.
    fn note(&self, event: Event) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.is_some() && self.intake.blocking_send(Intake::Event(event)).is_ok()
    }

    /// How everything is, with all that is in line before.
    fn state(&self) -> Option<Core> {
        let (to, shown) = oneshot::channel();
        self.intake.blocking_send(Intake::Show(to)).ok()?;
        shown.blocking_recv().ok()
    }
}

impl Watched {
    /// What the file holds, if that is news: other than what was dealt with, and the same as at the
    /// last look. An editor may be in the middle of writing it.
    fn news(&mut self) -> Option<Sight> {
        let now = Sight::of(&self.path);
        let is = |known: &Option<Sight>| known.as_ref().is_some_and(|known| known.is_same(&now));
        let (is_settled, is_known) = (is(&self.seen), is(&self.dealt_with));
        let news = (is_settled && !is_known).then(|| now.clone());
        self.seen = Some(now);
        news
    }
}

impl Sight {
    fn of(path: &Path) -> Sight {
        // Before the content: what is written in between is news at the next look.
        let modified = path.metadata().and_then(|data| data.modified()).ok();
        let read = Settings::read(path).map(Box::new).map_err(|error| error.to_string());
        Sight { modified, read }
    }

    fn is_same(&self, other: &Sight) -> bool {
        self.modified == other.modified
            && match (&self.read, &other.read) {
                (Ok(one), Ok(other)) => Changes::between(one, other).is_empty(),
                (Err(one), Err(other)) => one == other,
                _ => false,
            }
    }
}

impl Outcome {
    fn verdict(&self) -> Verdict {
        match self {
            Outcome::Same => Verdict::Same,
            Outcome::Applied(..) => Verdict::Applied,
            Outcome::Refused(_) | Outcome::Stopping => Verdict::Refused,
        }
    }

    /// For the diary, and for whoever asked. Names and numbers of people are not in it.
    fn words(&self) -> String {
        match self {
            Outcome::Same => "the settings are those in force; nothing changes".into(),
            Outcome::Stopping => STOPPING.into(),
            Outcome::Refused(why) => format!("{why}. The settings in force stay as they are"),
            Outcome::Applied(changes, plan) => applied(changes, plan),
        }
    }
}

fn applied(changes: &Changes, plan: &Plan) -> String {
    let mut words = format!("changed settings are in force: {}", changes.keys.join(", "));
    if changes.keys.is_empty() {
        words = "the settings have changed".into();
    }
    let mut count = |what: &str, count: usize| {
        if count > 0 {
            words.push_str(&format!("; {what}: {count}"));
        }
    };
    count("lines renamed", plan.renamed.len());
    count("lines removed", plan.removed.len());
    count("lines expected back", plan.added.len());
    for (what, change) in [
        ("PBXs added", PbxChange::Added),
        ("PBXs that left", PbxChange::Left),
        ("PBXs reached otherwise", PbxChange::Moved),
        ("PBXs asked with other credentials", PbxChange::Renewed),
    ] {
        count(what, plan.pbxs.iter().filter(|pbx| pbx.change == change).count());
    }
    if !changes.at_next_start.is_empty() {
        let keys = changes.at_next_start.join(", ");
        words.push_str(&format!("; not before the telephony service starts again: {keys}"));
    }
    words
}
