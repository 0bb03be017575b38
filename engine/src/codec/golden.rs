//! Golden bytes: one line of `golden.txt` for every variant of every enum that goes to the log.
//!
//! A line that changes means that logs already written would be read as something else. Then the
//! change is wrong, or it needs a new [`SCHEMA`] and types for the old one. New variants go to the
//! end of their enum and add a line.

use super::{Millis, Record, SCHEMA, Telling, decode, encode, encode_state, telling_crc};
use crate::diversion::{Diversion, Kind, Sources, Target, UserRecord};
use crate::effect::{Notice, What};
use crate::fact::*;
use crate::forwarding::{Callers, Case, Forward, Forwarding};
use crate::id::*;
use crate::pii::Personal;
use crate::place::Place;
use crate::tapi::{CallState, LineErr};
use crate::time::Timer;
use std::sync::Arc;

/// Checks that the samples show every variant. The match has no wildcard, so a new variant does
/// not compile before it is named here, and then fails until there is a sample of it.
macro_rules! all_variants_are_shown {
    ($samples:expr, $($pattern:pat),+ $(,)?) => {{
        let names = [$(stringify!($pattern)),+];
        let mut seen = vec![false; names.len()];
        for sample in $samples {
            let mut index = 0;
            $(
                if matches!(sample, $pattern) { seen[index] = true; }
                index += 1;
            )+
            let _ = index;
            match sample { $($pattern => {})+ }
        }
        for (name, seen) in names.iter().zip(seen) {
            assert!(seen, "no golden sample shows {name}");
        }
    }};
}

#[test]
fn every_variant_has_kept_its_bytes() {
    let written: Vec<String> = lines().collect();
    let golden: Vec<&str> = include_str!("golden.txt").lines().collect();
    if written != golden {
        let all = written.join("\n");
        panic!("golden.txt differs from what is written now, which is:\n{all}\n");
    }
}

#[test]
fn every_golden_record_is_read_back() {
    for (name, record) in records() {
        let mut bytes = Vec::new();
        encode(&record, BASE, &mut bytes).expect("encodes");
        assert_eq!(decode(&bytes, SCHEMA, BASE).expect("decodes"), record, "{name}");
    }
}

#[test]
fn the_samples_show_every_variant() {
    let events: Vec<Event> = records().into_iter().map(|(_, record)| record.event).collect();
    all_variants_are_shown!(
        &events,
        Event::Host(_),
        Event::Pbx(..),
        Event::App(..),
        Event::Reply(..),
        Event::Due(_),
        Event::Told(_),
    );
    all_variants_are_shown!(
        host_facts(),
        HostFact::Started,
        HostFact::Configured(_),
        HostFact::LineOpened { .. },
        HostFact::LineClosed { .. },
        HostFact::CallClosed(_),
        HostFact::StatusMessages { .. },
        HostFact::AppSpecific(..),
        HostFact::MediaMode(..),
        HostFact::NewCallRefused(_),
        HostFact::Stopping,
        HostFact::Gap(_),
        HostFact::LineDismissed(_),
        HostFact::IdsImported(_),
    );
    all_variants_are_shown!(
        pbx_facts(),
        PbxFact::Identified(_),
        PbxFact::Initialized { .. },
        PbxFact::Echoed(_),
        PbxFact::User(_),
        PbxFact::Call(_),
        PbxFact::Polled { .. },
        PbxFact::UserInitialized(..),
        PbxFact::Failed(..),
        PbxFact::Ended,
        PbxFact::Located(_),
        PbxFact::Probed,
    );
    all_variants_are_shown!(
        questions(),
        Question::Version,
        Question::Initialize,
        Question::Echo,
        Question::Poll,
        Question::UserInitialize(_),
        Question::End,
        Question::Locate,
        Question::Probe,
    );
    all_variants_are_shown!(
        failures(),
        Failure::Unreachable,
        Failure::Certificate,
        Failure::AccessDenied,
        Failure::Broken,
        Failure::TimedOut,
        Failure::Status(_),
        Failure::Fault(_),
        Failure::Garbled(_),
    );
    all_variants_are_shown!(
        msgs(),
        Msg::None,
        Msg::Del,
        Msg::RCt,
        Msg::RRel,
        Msg::XSetup,
        Msg::RSetup,
        Msg::RSetupAck,
        Msg::RCallProc,
        Msg::XCallProc,
        Msg::XAlert,
        Msg::RAlert,
        Msg::XConn,
        Msg::RConn,
        Msg::XDisc,
        Msg::RDisc,
        Msg::XRel,
        Msg::Update,
        Msg::RHeld,
        Msg::RRetrieved,
        Msg::Other(_),
    );
    all_variants_are_shown!(
        roles(),
        Role::This,
        Role::Peer,
        Role::Leg2,
        Role::Leg2Orig,
        Role::Leg1,
        Role::Ct,
        Role::Xfer,
        Role::ParkedTo,
        Role::Picking,
        Role::Other(_),
    );
    all_variants_are_shown!(
        commands(),
        Command::MakeCall { .. },
        Command::Answer(_),
        Command::Drop(_),
        Command::SetCallParams(_),
        Command::Hold(_),
        Command::Unhold(_),
        Command::SwapHold { .. },
        Command::SetupTransfer { .. },
        Command::CompleteTransfer { conference: None, .. },
        Command::CompleteTransfer { conference: Some(_), .. },
        Command::BlindTransfer { .. },
        Command::Redirect { .. },
        Command::Pickup { from: PickupFrom::Anywhere, .. },
        Command::Pickup { from: PickupFrom::Station(_), .. },
        Command::Pickup { from: PickupFrom::Group(_), .. },
        Command::Dial { .. },
        Command::GenerateDigits { .. },
        Command::SendUserUserInfo { .. },
        Command::Park { at: ParkPlace::Directed(_), .. },
        Command::Park { at: ParkPlace::Nondirected, .. },
        Command::Unpark { .. },
        Command::SetupConference { .. },
        Command::PrepareAddToConference { .. },
        Command::AddToConference { .. },
        Command::RemoveFromConference(_),
        Command::Forward(_),
    );
    all_variants_are_shown!(
        replies(),
        Reply::Calling(_),
        Reply::Taken,
        Reply::Failed(_),
        Reply::Refused,
        Reply::Parked(_),
        Reply::Found(None),
        Reply::Found(Some(_)),
        Reply::Record(_),
    );
    all_variants_are_shown!(
        timers(),
        Timer::Reconnect(..),
        Timer::PollPause(..),
        Timer::Settled(..),
        Timer::Deadline(..),
        Timer::Ring(..),
        Timer::Grace(..),
        Timer::NewCallAgain(..),
        Timer::Probe(..),
    );
    all_variants_are_shown!(outcomes(), Outcome::Delivered, Outcome::Withheld, Outcome::Forced,);
    let tellings: Vec<What> = tellings().into_iter().map(|telling| telling.what).collect();
    all_variants_are_shown!(
        &tellings,
        What::Notice(Notice::LineCreated),
        What::Notice(Notice::LineRemoved),
        What::Notice(Notice::NewCall(_)),
        What::Notice(Notice::CallState { .. }),
        What::Notice(Notice::CallInfo(..)),
        What::Notice(Notice::AddressState(_)),
        What::Notice(Notice::LineDevState(..)),
        What::Notice(Notice::Generated { .. }),
        What::Completed(_, Ok(())),
        What::Completed(_, Err(_)),
    );
}

const BASE: Millis = Millis(1_700_000_000_000);
const LINE: LineId = LineId(7);
const TICKET: Ticket = Ticket { request: RequestId(70_000), turn: 3 };
const CALL: CallId = CallId { line: LINE, serial: 3 };
const MADE: CallId = CallId { line: LINE, serial: CallId::FIRST_MADE };
const CONF: CallId = CallId { line: LINE, serial: CallId::FIRST_MADE + 1 };

fn lines() -> impl Iterator<Item = String> {
    let records = records().into_iter().map(|(name, record)| {
        let mut bytes = Vec::new();
        encode(&record, BASE, &mut bytes).expect("encodes");
        format!("{name} {}", hex(&bytes))
    });
    let tellings = tellings().into_iter().map(|telling| {
        let mut bytes = Vec::new();
        encode_state(&telling, &mut |piece: &[u8]| bytes.extend_from_slice(piece))
            .expect("encodes");
        assert_eq!(crc32fast::hash(&bytes), telling_crc(&telling));
        format!("Telling {}", hex(&bytes))
    });
    records.chain(tellings)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every sample as a record, 5 ms after the base, with the name of its group.
fn records() -> Vec<(&'static str, Record)> {
    let pbx = |fact| Event::Pbx(PbxId(1), Attempt(300), fact);
    let call = |info| pbx(PbxFact::Call(info));
    let mut events: Vec<(&str, Event)> = Vec::new();
    events.extend(host_facts().into_iter().map(|fact| ("HostFact", Event::Host(fact))));
    events.extend(pbx_facts().into_iter().map(|fact| ("PbxFact", pbx(fact))));
    events.extend(
        questions()
            .into_iter()
            .map(|question| ("Question", pbx(PbxFact::Failed(question, Failure::Broken)))),
    );
    events.extend(
        failures()
            .into_iter()
            .map(|failure| ("Failure", pbx(PbxFact::Failed(Question::Poll, failure)))),
    );
    events.extend(
        msgs().into_iter().map(|msg| ("Msg", call(CallInfo { msg, ..CallInfo::default() }))),
    );
    events.extend(roles().into_iter().map(|role| {
        let parties = [Party { role, ..Party::default() }].into();
        ("Role", call(CallInfo { parties, ..CallInfo::default() }))
    }));
    events.extend(
        commands()
            .into_iter()
            .map(|command| ("Command", Event::App(LINE, Opening(2), RequestId(70_000), command))),
    );
    events.extend(replies().into_iter().map(|reply| ("Reply", Event::Reply(LINE, TICKET, reply))));
    events.extend(timers().into_iter().map(|timer| ("Timer", Event::Due(timer))));
    events.extend(outcomes().into_iter().map(|outcome| {
        ("Outcome", Event::Told(vec![Told { seq: 1 << 33, crc: 0xDEAD_BEEF, outcome }]))
    }));
    let at = BASE + 5;
    events.into_iter().map(|(name, event)| (name, Record { at, event })).collect()
}

fn host_facts() -> Vec<HostFact> {
    vec![
        HostFact::Started,
        HostFact::Configured(Configuration {
            user: Personal::from("TAPI"),
            pbxs: vec![PbxSettings {
                master: Place::at("pbx.example.com:8080"),
                standby: Some(Place { https: true, ..Place::at("pbx2.example.com") }),
            }],
            name_template: "%c".into(),
            pure_node_extensions: true,
            single_active_call: false,
            monitor_slaves: true,
            request_deadline_ms: 5_000,
            calls_kept_ms: 15_000,
            modify_forwards: true,
            allow_plain_slaves: true,
            access: 3,
        }),
        HostFact::LineOpened { line: LINE, opening: Opening(2), version: 0x0003_0000 },
        HostFact::LineClosed { line: LINE, opening: Opening(2) },
        HostFact::CallClosed(MADE),
        HostFact::StatusMessages { line: LINE, line_states: 0x40, address_states: 0x20 },
        HostFact::AppSpecific(CALL, 0x1234_5678),
        HostFact::MediaMode(CALL, 4),
        HostFact::NewCallRefused(CALL),
        HostFact::Stopping,
        HostFact::Gap(1000),
        HostFact::LineDismissed(PermanentId(77)),
        HostFact::IdsImported([(Guid([0xEF; 16]), PermanentId(0x1234_5678))].into()),
    ]
}

fn pbx_facts() -> Vec<PbxFact> {
    vec![
        PbxFact::Identified(Identification {
            system: "example".into(),
            location: "master".into(),
            firmware: "13r3".into(),
            serial: "00-90-33-00-00-01".into(),
            wsdl_version: 10,
        }),
        PbxFact::Initialized { session: 17, place: Arc::new(Place::at("192.0.2.1")) },
        PbxFact::Echoed(true),
        PbxFact::User(
            UserInfo {
                active: true,
                registered: true,
                channel: 2,
                alert: 1,
                cfg: false,
                guid: Guid([0xAB; 16]),
                cn: Personal::from("Jörg Müßig"),
                dn: Personal::from("Jörg"),
                h323: Personal::from("joerg"),
                e164: Personal::from("22"),
                kind: "ep".into(),
                object: "trunk".into(),
                loc: "slave".into(),
                node: "root".into(),
                nodenum: "8".into(),
            }
            .into(),
        ),
        PbxFact::Call(CallInfo {
            user: 5,
            call: 300,
            active: true,
            state: 132,
            msg: Msg::XAlert,
            parties: Parties::from([Party {
                role: Role::Peer,
                cn: Personal::from("李小龍"),
                dn: Personal::from("Bruce"),
                e164: Personal::from("23"),
                h323: Personal::from("bruce"),
            }]),
            conf: Guid([0xCD; 16]),
            cause: Some(16),
            uui: Some(Personal::from("hello")),
        }),
        PbxFact::Polled { count: 2, elapsed_ms: 60_000 },
        PbxFact::UserInitialized(LINE, UserHandle(5)),
        PbxFact::Failed(Question::Poll, Failure::TimedOut),
        PbxFact::Ended,
        PbxFact::Located("http://192.0.2.20/PBX0/user.soap".into()),
        PbxFact::Probed,
    ]
}

fn questions() -> Vec<Question> {
    use Question::*;
    vec![Version, Initialize, Echo, Poll, UserInitialize(LINE), End, Locate, Probe]
}

fn failures() -> Vec<Failure> {
    use Failure::*;
    let (fault, garbled) = (Fault("no session".into()), Garbled("cut off".into()));
    vec![Unreachable, Certificate, AccessDenied, Broken, TimedOut, Status(503), fault, garbled]
}

fn msgs() -> Vec<Msg> {
    use Msg::*;
    vec![
        None,
        Del,
        RCt,
        RRel,
        XSetup,
        RSetup,
        RSetupAck,
        RCallProc,
        XCallProc,
        XAlert,
        RAlert,
        XConn,
        RConn,
        XDisc,
        RDisc,
        XRel,
        Update,
        RHeld,
        RRetrieved,
        Other("x-info".into()),
    ]
}

fn roles() -> Vec<Role> {
    use Role::*;
    vec![This, Peer, Leg2, Leg2Orig, Leg1, Ct, Xfer, ParkedTo, Picking, Other("new".into())]
}

fn commands() -> Vec<Command> {
    vec![
        Command::MakeCall {
            call: MADE,
            number: Personal::from("0703173009"),
            block_id: true,
            country_code: 49,
            call_param_flags: 4,
        },
        Command::Answer(CALL),
        Command::Drop(CALL),
        Command::SetCallParams(CALL),
        Command::Hold(CALL),
        Command::Unhold(CALL),
        Command::SwapHold { active: CALL, held: MADE },
        Command::SetupTransfer { call: CALL, consultation: consultation() },
        Command::CompleteTransfer { call: CALL, consultation: MADE, conference: None },
        Command::CompleteTransfer { call: CALL, consultation: MADE, conference: Some(CONF) },
        Command::BlindTransfer { call: CALL, number: Personal::from("30") },
        Command::Redirect { call: CALL, number: Personal::from("30") },
        Command::Pickup { call: MADE, from: PickupFrom::Anywhere },
        Command::Pickup { call: MADE, from: PickupFrom::Station(Personal::from("23")) },
        Command::Pickup { call: MADE, from: PickupFrom::Group(Personal::from("sales")) },
        Command::Dial { call: CALL, number: Personal::from("30") },
        Command::GenerateDigits { call: CALL, digits: Personal::from("12#"), tag: 9 },
        Command::SendUserUserInfo { call: CALL, user_info: Personal::from("hello") },
        Command::Park { call: CALL, at: ParkPlace::Directed(Personal::from("91")) },
        Command::Park { call: CALL, at: ParkPlace::Nondirected },
        Command::Unpark { call: MADE, from: Personal::from("91") },
        Command::SetupConference {
            call: Some(CALL),
            conference: CONF,
            consultation: consultation(),
        },
        Command::PrepareAddToConference { conference: CONF, consultation: consultation() },
        Command::AddToConference { conference: CONF, consultation: MADE },
        Command::RemoveFromConference(CALL),
        Command::Forward(forwarding()),
    ]
}

fn consultation() -> Consultation {
    Consultation {
        call: MADE,
        number: Personal::from("30"),
        block_id: true,
        call_param_flags: 0x80,
    }
}

/// Every case and every kind of callers.
fn forwarding() -> Forwarding {
    let to = Personal::from("30");
    let specific = Callers::Specific(Personal::from("23"));
    let forward = |(case, callers)| Forward { case, callers, to: to.clone() };
    let kinds = [
        (Case::Always, Callers::All),
        (Case::Busy, Callers::Internal),
        (Case::NoAnswer, Callers::External),
        (Case::BusyOrNoAnswer, specific),
    ];
    Forwarding { forwards: kinds.map(forward).into(), rings: 4 }
}

/// Every kind of diversion, of target and of sources.
fn record_of_user() -> UserRecord {
    let number = || Personal::from("30");
    let kinds = [Kind::Always, Kind::Busy, Kind::NoAnswer];
    let targets = [Target::Number(number()), Target::Name(number()), Target::Nowhere];
    let sources = [
        Sources::All,
        Sources::Only(vec![number()]),
        Sources::OnlyNot(vec![number()]),
        Sources::Internal,
        Sources::External,
        Sources::Other,
    ];
    let diversion = |(index, sources): (usize, &Sources)| Diversion {
        kind: kinds[index % 3],
        to: targets[index % 3].clone(),
        sources: sources.clone(),
        element: Personal::from("<cd/>"),
    };
    UserRecord {
        diversions: sources.iter().enumerate().map(diversion).collect(),
        no_answer_s: Some(15),
        print: 0x1234_5678,
    }
}

fn replies() -> Vec<Reply> {
    vec![
        Reply::Calling(CallHandle(300)),
        Reply::Taken,
        Reply::Failed(Failure::Unreachable),
        Reply::Refused,
        Reply::Parked(CallHandle(300)),
        Reply::Found(None),
        Reply::Found(Some(Personal::from("Bruce"))),
        Reply::Record(record_of_user()),
    ]
}

fn timers() -> Vec<Timer> {
    vec![
        Timer::Reconnect(PbxId(1), 300),
        Timer::PollPause(PbxId(1), 300),
        Timer::Settled(PbxId(1), 300),
        Timer::Deadline(LINE, TICKET),
        Timer::Ring(CALL, 2),
        Timer::Grace(LINE, 300),
        Timer::NewCallAgain(CALL, 2),
        Timer::Probe(PbxId(3), 2),
    ]
}

fn outcomes() -> Vec<Outcome> {
    vec![Outcome::Delivered, Outcome::Withheld, Outcome::Forced]
}

fn tellings() -> Vec<Telling> {
    let states =
        CallState::ALL.map(|state| Notice::CallState { call: CALL, state, mode: 1, media: 4 });
    let notices = [
        Notice::LineCreated,
        Notice::LineRemoved,
        Notice::NewCall(CALL),
        Notice::CallInfo(CALL, 0x8000),
        Notice::AddressState(0x20),
        Notice::LineDevState(0x800, 1, 2),
        Notice::Generated { call: CALL, term: 1, tag: 7 },
    ];
    let request = RequestId(70_000);
    let failed = LineErr::ALL.iter().map(|error| What::Completed(request, Err(*error)));
    let notices = notices.into_iter().chain(states).map(What::Notice);
    notices
        .chain([What::Completed(request, Ok(()))])
        .chain(failed)
        .map(|what| Telling { line: LINE, opening: Opening(2), what })
        .collect()
}
