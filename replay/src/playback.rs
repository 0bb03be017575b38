//! A log on its way through the engine: after each record, what it led to, and what applications
//! would read then.

use crate::rows::{CallCount, LineTag, Parties, Row, Said};
use engine::core::Core;
use engine::effect::{Effect, Effects, Report, Telling, What};
use engine::fact::{Event, HostFact, Record};
use engine::id::{CallId, Correlation, Guid, LineId, RequestId};
use engine::time::Millis;
use engine::view::LineView;
use std::collections::BTreeMap;

/// A log on its way through the engine. A copy shares the lines.
#[derive(Clone)]
pub(crate) struct Playback {
    core: Core,
    at: Millis,
    effects: Effects,
    touched: Vec<LineId>,
    /// What was asked by requests under way.
    asked: BTreeMap<RequestId, Asked>,
    count: CallCount<LineId, CallId>,
    /// One for each callback of the last record.
    mentions: Vec<Mention>,
}

#[derive(Clone, Copy)]
struct Asked {
    function: &'static str,
    call: Option<CallId>,
}

/// What a callback is about, in the words of a row.
#[derive(Clone, Copy, Default)]
struct Mention {
    function: Option<&'static str>,
    call: Option<CallId>,
    number: Option<u32>,
    /// The request that it completes, or that ended by the same record and was about its call.
    correlation: Option<Correlation>,
}

impl Playback {
    /// Takes one record.
    pub(crate) fn take(&mut self, record: Record) {
        self.note(&record);
        self.at = record.at;
        self.effects.clear();
        self.core.apply_noting(record, &mut self.effects, &mut self.touched);
        self.mention();
    }

    /// Takes one record whose callbacks nobody wants to see as rows, neither now nor later.
    pub(crate) fn pass(&mut self, record: Record) {
        self.at = record.at;
        self.effects.clear();
        self.touched.clear();
        self.mentions.clear();
        self.core.apply(record, &mut self.effects);
    }

    /// The state that the records so far led to.
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Goes on with this state, which must be the same.
    pub(crate) fn set_core(&mut self, core: Core) {
        self.core = core;
    }

    /// The last record, which is not here, had this time.
    pub(crate) fn set_time(&mut self, at: Millis) {
        self.at = at;
    }

    /// Time of the last record.
    pub(crate) fn at(&self) -> Millis {
        self.at
    }

    /// What the last record led to.
    pub(crate) fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// The lines that the last record was about; no other one reads otherwise than before it.
    pub(crate) fn touched(&self) -> &[LineId] {
        &self.touched
    }

    /// The count of a call on its line, if any callback has spoken of it.
    pub(crate) fn number_of(&self, call: CallId) -> Option<u32> {
        self.count.known(&call)
    }

    /// The PBX's key for a call, as long as the line has the call and knows it.
    pub(crate) fn conf_of(&self, call: CallId) -> Option<Guid> {
        let mut ties = self.core.line_of(call.line)?.ties();
        ties.find(|tie| tie.id == call).map(|tie| tie.conf).filter(|conf| !conf.is_nil())
    }

    /// The callbacks that the last record led to, each with the call that it is about.
    pub(crate) fn told(&self) -> impl Iterator<Item = (&Telling, Option<CallId>)> {
        tellings(&self.effects).zip(self.mentions.iter().map(|mention| mention.call))
    }

    /// The callbacks that the last record led to, as rows.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row> {
        tellings(&self.effects)
            .zip(&self.mentions)
            .map(|(telling, mention)| self.row(telling, mention))
    }

    fn note(&mut self, record: &Record) {
        match &record.event {
            Event::Host(HostFact::Started) => {
                // Handles and request numbers begin anew.
                self.asked.clear();
                self.count = CallCount::new();
            }
            Event::App(_, _, request, command) => {
                let asked = Asked { function: command.function().name(), call: command.call() };
                self.asked.insert(*request, asked);
            }
            _ => {}
        }
    }

    fn mention(&mut self) {
        self.mentions.clear();
        for telling in tellings(&self.effects) {
            let mut mention = Mention::default();
            match &telling.what {
                What::Completed(request, _) => {
                    if let Some(asked) = self.asked.get(request) {
                        mention.function = Some(asked.function);
                        mention.call = asked.call;
                    }
                    mention.correlation = ended(&self.effects)
                        .find(|(id, ended)| id.line == telling.line && ended == request)
                        .map(|(id, _)| id);
                }
                What::Notice(notice) => {
                    mention.call = notice.call();
                    let is_about = |request| {
                        let asked: Option<&Asked> = self.asked.get(&request);
                        mention.call.is_some() && asked.is_some_and(|a| a.call == mention.call)
                    };
                    mention.correlation = ended(&self.effects)
                        .find(|(_, request)| is_about(*request))
                        .map(|(id, _)| id);
                }
            }
            mention.number = mention.call.map(|call| self.count.of(telling.line, call));
            self.mentions.push(mention);
        }
        for (_, request) in ended(&self.effects) {
            self.asked.remove(&request);
        }
    }

    fn row(&self, telling: &Telling, mention: &Mention) -> Row {
        let view = self.core.view(telling.line);
        let conf = mention.call.and_then(|call| self.conf_of(call));
        let card = mention.call.and_then(|call| view.as_ref()?.call(call).cloned());
        Row {
            at: self.at,
            line: view.as_ref().map(LineTag::from),
            call: mention.number,
            said: Said::derived(&telling.what, mention.function),
            correlation: mention.correlation,
            conf,
            parties: card.map(|call| Parties::from(&*call.info)),
        }
    }
}

impl From<Core> for Playback {
    /// Begins in the middle of a log, with the state there.
    fn from(core: Core) -> Playback {
        Playback {
            core,
            at: Millis(0),
            effects: Effects::new(),
            touched: Vec::new(),
            asked: BTreeMap::new(),
            count: CallCount::new(),
            mentions: Vec::new(),
        }
    }
}

impl From<&LineView> for LineTag {
    fn from(view: &LineView) -> LineTag {
        LineTag {
            id: view.identity.permanent.0,
            name: view.identity.name.to_text(),
            number: view.identity.number.to_text(),
        }
    }
}

fn tellings(effects: &[Effect]) -> impl Iterator<Item = &Telling> {
    effects.iter().filter_map(|effect| match effect {
        Effect::Tell(telling) => Some(telling),
        _ => None,
    })
}

/// The requests that ended by a record.
fn ended(effects: &[Effect]) -> impl Iterator<Item = (Correlation, RequestId)> {
    effects.iter().filter_map(|effect| match effect {
        Effect::Report(Report::RequestEnded(id, request, _)) => Some((*id, *request)),
        _ => None,
    })
}
