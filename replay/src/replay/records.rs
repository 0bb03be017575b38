//! Records in words: of which kind one is, and what it says.

use engine::core::Core;
use engine::fact::{CallInfo, Event, HostFact, Msg, PbxFact, Record, Reply};
use engine::id::{Correlation, LineId, PbxId, Ticket};
use engine::line::Line;
use engine::time::Timer;

/// Of which kind a record is, for counting.
pub(crate) fn kind(record: &Record) -> &'static str {
    match &record.event {
        Event::Host(fact) => match fact {
            HostFact::Started => "host: started",
            HostFact::Configured(_) => "host: settings",
            HostFact::LineOpened { .. } => "host: line opened",
            HostFact::LineClosed { .. } => "host: line closed",
            HostFact::CallClosed(_) => "host: call closed",
            HostFact::StatusMessages { .. } => "host: status messages",
            HostFact::AppSpecific(..) => "host: app specific",
            HostFact::MediaMode(..) => "host: media mode",
            HostFact::NewCallRefused(_) => "host: new call refused",
            HostFact::Stopping => "host: stopping",
            HostFact::Gap(_) => "host: gap",
            HostFact::LineDismissed(_) => "host: line removed",
            HostFact::IdsImported(_) => "host: ids imported",
        },
        Event::Pbx(_, _, fact) => match fact {
            PbxFact::Identified(_) => "PBX: identified",
            PbxFact::Initialized { .. } => "PBX: session",
            PbxFact::Echoed(_) => "PBX: echoed",
            PbxFact::User(_) => "PBX: user",
            PbxFact::Call(_) => "PBX: call",
            PbxFact::Polled { .. } => "PBX: polled",
            PbxFact::UserInitialized(..) => "PBX: line monitored",
            PbxFact::Failed(..) => "PBX: failed",
            PbxFact::Ended => "PBX: ended",
            PbxFact::Located(_) => "PBX: located",
            PbxFact::Probed => "PBX: probed",
        },
        Event::App(..) => "application: request",
        Event::Reply(..) => "PBX: answer to a request",
        Event::Due(_) => "timer",
        Event::Told(_) => "host: told",
    }
}

/// What a record says, in a sentence. `core` is the state after it.
pub(super) fn in_words(record: &Record, core: &Core) -> String {
    match &record.event {
        Event::Host(fact) => host(fact, core),
        Event::Pbx(pbx, attempt, fact) => {
            format!("{} (attempt {}): {}", pbx_name(*pbx, core), attempt.0, pbx_fact(fact, core))
        }
        Event::App(line, _, request, command) => {
            let id = core.line_of(*line).and_then(Line::last_request);
            let id = id.map_or_else(String::new, |id| format!(", {id}"));
            format!(
                "an application asks {} on line {} (request {}{id})",
                command.function(),
                line_name(*line, core),
                request.0
            )
        }
        Event::Reply(line, ticket, reply) => format!(
            "the PBX answers {} of line {}: {}",
            asked(*line, *ticket),
            line_name(*line, core),
            answer(reply)
        ),
        Event::Due(timer) => format!("a timer comes due: {}", timer_words(timer, core)),
        Event::Told(told) => format!("{} callbacks were made", told.len()),
    }
}

fn host(fact: &HostFact, core: &Core) -> String {
    match fact {
        HostFact::Started => "the telephony server starts".into(),
        HostFact::Configured(settings) => {
            format!("settings come into force ({} PBXs)", settings.pbxs.len())
        }
        HostFact::LineOpened { line, .. } => format!("line {} is opened", line_name(*line, core)),
        HostFact::LineClosed { line, .. } => format!("line {} is closed", line_name(*line, core)),
        HostFact::CallClosed(call) => {
            format!("a call of line {} is closed by the host", line_name(call.line, core))
        }
        HostFact::StatusMessages { line, .. } => {
            format!("line {}: other status messages are wanted", line_name(*line, core))
        }
        HostFact::NewCallRefused(call) => {
            format!("the host does not take a call of line {}", line_name(call.line, core))
        }
        HostFact::Stopping => "the telephony server stops".into(),
        HostFact::Gap(missing) => format!("{missing} records before this one are missing"),
        HostFact::LineDismissed(id) => format!("line @{} is removed by command", id.0),
        other => format!("{other:?}"),
    }
}

fn pbx_fact(fact: &PbxFact, core: &Core) -> String {
    match fact {
        PbxFact::Identified(who) => {
            format!("it is {} of {}, firmware {}", who.location, who.system, who.firmware)
        }
        PbxFact::Initialized { session: 0, place, .. } => format!("no session at {place}"),
        PbxFact::Initialized { session, place, .. } => format!("session {session} at {place}"),
        PbxFact::Echoed(is_there) => {
            format!("the session is {}", if *is_there { "still there" } else { "gone" })
        }
        PbxFact::User(user) => format!(
            "user {} {}: {}{}",
            user.e164.text(),
            user.cn.text(),
            if user.active { "there" } else { "gone" },
            if user.registered { ", registered" } else { ", not registered" }
        ),
        PbxFact::Call(call) => call_event(call),
        PbxFact::Polled { count, elapsed_ms } => {
            format!("a Poll brought {count} events after {elapsed_ms} ms")
        }
        PbxFact::UserInitialized(line, handle) => {
            format!("line {} is monitored as {}", line_name(*line, core), handle.0)
        }
        PbxFact::Failed(question, failure) => {
            format!("{question:?} failed: {}", failure.advice())
        }
        other => format!("{other:?}"),
    }
}

fn call_event(call: &CallInfo) -> String {
    let msg = match &call.msg {
        Msg::None => String::new(),
        said => format!(" {}", msg(said)),
    };
    let cause = call.cause.map_or_else(String::new, |cause| format!(", cause {cause}"));
    let gone = if call.active { "" } else { ", the last event of this leg" };
    let party = |party: &engine::fact::Party| {
        let number = format!("{} {}", party.e164.text(), party.cn.text());
        format!("{:?} {}", party.role, number.trim())
    };
    let parties: Vec<String> = call.parties.iter().map(party).collect();
    format!(
        "call event{msg} of leg {} of user {}, state {:#x}{cause}{gone}; {}; conf {}",
        call.call,
        call.user,
        call.state,
        parties.join(", "),
        call.conf
    )
}

/// A signalling message as the PBX writes it: `r-setup`.
pub(crate) fn msg(msg: &Msg) -> String {
    match msg {
        Msg::Other(text) => text.to_string(),
        msg => kebab(&format!("{msg:?}")),
    }
}

/// `RSetup` becomes `r-setup`.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.extend(c.to_lowercase());
    }
    text
}

/// What the PBX answered, in words.
pub(crate) fn answer(reply: &Reply) -> String {
    match reply {
        Reply::Calling(handle) if handle.0 == 0 => "refused".into(),
        Reply::Calling(handle) => format!("leg {}", handle.0),
        Reply::Taken => "taken".into(),
        Reply::Failed(failure) => failure.advice(),
        Reply::Refused => "no".into(),
        Reply::Parked(handle) => format!("parked as {}", handle.0),
        Reply::Found(found) => {
            if found.is_some() { "the number is somebody's" } else { "nobody has the number" }
                .into()
        }
        Reply::Record(_) => "the user's record".into(),
    }
}

fn timer_words(timer: &Timer, core: &Core) -> String {
    match timer {
        Timer::Deadline(line, ticket) => {
            format!("deadline of {} of line {}", asked(*line, *ticket), line_name(*line, core))
        }
        Timer::Ring(call, ring) => format!("ring {ring} of line {}", line_name(call.line, core)),
        Timer::Grace(line, _) => {
            format!("grace time of the calls of line {}", line_name(*line, core))
        }
        Timer::NewCallAgain(call, _) => {
            format!("a call of line {} is announced again", line_name(call.line, core))
        }
        Timer::Reconnect(pbx, _) => format!("{} is tried again", pbx_name(*pbx, core)),
        Timer::PollPause(pbx, _) => format!("{} is polled again", pbx_name(*pbx, core)),
        Timer::Settled(pbx, _) => {
            format!("the running calls of {} have been told", pbx_name(*pbx, core))
        }
        Timer::Probe(pbx, _) => format!("the master of {} is looked at", pbx_name(*pbx, core)),
    }
}

/// What a line has under way, by the id under which it is known everywhere.
fn asked(line: LineId, ticket: Ticket) -> String {
    let id = Correlation::new(line, ticket);
    match id.is_request() {
        true => format!("request {} ({id})", ticket.request.0),
        false => format!("a question of its own ({id})"),
    }
}

/// A PBX by its name, or by where it is looked for.
pub(crate) fn pbx_name(pbx: PbxId, core: &Core) -> String {
    match core.estate().pbx_name(pbx) {
        Some(name) => format!("PBX {name}"),
        None => format!("PBX {}", pbx.0),
    }
}

/// A line by its number and name, as it is called now.
pub(super) fn line_name(line: LineId, core: &Core) -> String {
    let Some(view) = core.view(line) else { return format!("L{}", line.0) };
    let identity = &view.identity;
    let text = format!("{} {}", identity.number.to_text(), identity.name.to_text());
    text.trim().to_owned()
}
