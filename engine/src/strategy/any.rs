//! Any record at all, from every variant of every enum.

use crate::diversion::{Diversion, Kind, Sources, Target, UserRecord};
use crate::effect::{Notice, Telling, What};
use crate::fact::*;
use crate::forwarding::{Callers, Case, Forward, Forwarding};
use crate::id::*;
use crate::pii::Personal;
use crate::place::Place;
use crate::tapi::{CallState, LineErr};
use crate::time::{Millis, Timer};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Arc;

/// A record of any kind at any time.
pub fn any_record() -> impl Strategy<Value = Record> {
    (any::<u64>(), any_event()).prop_map(|(at, event)| Record { at: Millis(at), event })
}

/// An event of any kind.
pub fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => host_fact().prop_map(Event::Host),
        4 => (pbx(), attempt(), pbx_fact()).prop_map(|(p, a, f)| Event::Pbx(p, a, f)),
        2 => (line(), opening(), request(), command()).prop_map(|(l, o, r, c)| Event::App(l, o, r, c)),
        1 => (line(), ticket(), reply()).prop_map(|(l, t, reply)| Event::Reply(l, t, reply)),
        1 => timer().prop_map(Event::Due),
        1 => vec(told(), 0..5).prop_map(Event::Told),
    ]
}

/// A callback of any kind.
pub fn any_telling() -> impl Strategy<Value = Telling> {
    (line(), opening(), what()).prop_map(|(line, opening, what)| Telling { line, opening, what })
}

fn host_fact() -> impl Strategy<Value = HostFact> {
    prop_oneof![
        Just(HostFact::Started),
        Just(HostFact::Stopping),
        configuration().prop_map(HostFact::Configured),
        (line(), opening(), any::<u32>())
            .prop_map(|(line, opening, version)| HostFact::LineOpened { line, opening, version }),
        (line(), opening()).prop_map(|(line, opening)| HostFact::LineClosed { line, opening }),
        call().prop_map(HostFact::CallClosed),
        (line(), any::<u32>(), any::<u32>()).prop_map(|(line, line_states, address_states)| {
            HostFact::StatusMessages { line, line_states, address_states }
        }),
        (call(), any::<u32>()).prop_map(|(call, value)| HostFact::AppSpecific(call, value)),
        (call(), any::<u32>()).prop_map(|(call, mode)| HostFact::MediaMode(call, mode)),
        call().prop_map(HostFact::NewCallRefused),
        (0..9u64).prop_map(HostFact::Gap),
        permanent().prop_map(HostFact::LineDismissed),
        vec((guid(), permanent()), 0..5).prop_map(|ids| HostFact::IdsImported(ids.into())),
    ]
}

fn permanent() -> impl Strategy<Value = PermanentId> {
    (0..5u32).prop_map(PermanentId)
}

fn configuration() -> impl Strategy<Value = Configuration> {
    (personal(), vec(pbx_settings(), 0..3), text(), any::<[bool; 5]>(), any::<[u32; 3]>()).prop_map(
        |(
            user,
            pbxs,
            name_template,
            [pure, single, slaves, modify, plain],
            [request_deadline_ms, calls_kept_ms, access],
        )| {
            Configuration {
                user,
                pbxs,
                name_template,
                pure_node_extensions: pure,
                single_active_call: single,
                monitor_slaves: slaves,
                request_deadline_ms,
                calls_kept_ms,
                modify_forwards: modify,
                allow_plain_slaves: plain,
                access,
            }
        },
    )
}

fn pbx_settings() -> impl Strategy<Value = PbxSettings> {
    (place(), option::of(place())).prop_map(|(master, standby)| PbxSettings { master, standby })
}

fn place() -> impl Strategy<Value = Place> {
    (text(), text(), any::<bool>()).prop_map(|(authority, path, https)| Place {
        authority,
        path,
        https,
    })
}

fn pbx_fact() -> impl Strategy<Value = PbxFact> {
    prop_oneof![
        identification().prop_map(PbxFact::Identified),
        (any::<u32>(), place()).prop_map(|(session, place)| {
            let place = Arc::new(place);
            PbxFact::Initialized { session, place }
        }),
        any::<bool>().prop_map(PbxFact::Echoed),
        user_info().prop_map(|user| PbxFact::User(user.into())),
        call_info().prop_map(PbxFact::Call),
        any::<[u32; 2]>().prop_map(|[count, elapsed_ms]| PbxFact::Polled { count, elapsed_ms }),
        (line(), any::<u32>())
            .prop_map(|(line, user)| PbxFact::UserInitialized(line, UserHandle(user))),
        (question(), failure()).prop_map(|(question, failure)| PbxFact::Failed(question, failure)),
        Just(PbxFact::Ended),
        text().prop_map(PbxFact::Located),
        Just(PbxFact::Probed),
    ]
}

fn identification() -> impl Strategy<Value = Identification> {
    (text(), text(), text(), text(), any::<u32>()).prop_map(
        |(system, location, firmware, serial, wsdl_version)| Identification {
            system,
            location,
            firmware,
            serial,
            wsdl_version,
        },
    )
}

fn user_info() -> impl Strategy<Value = UserInfo> {
    let names = (personal(), personal(), personal(), personal());
    let texts = (text(), text(), text(), text(), text());
    (any::<[bool; 3]>(), any::<[u16; 2]>(), guid(), names, texts).prop_map(
        |([active, registered, cfg], [channel, alert], guid, names, texts)| {
            let (cn, dn, h323, e164) = names;
            let (kind, object, loc, node, nodenum) = texts;
            UserInfo {
                active,
                registered,
                channel,
                alert,
                cfg,
                guid,
                cn,
                dn,
                h323,
                e164,
                kind,
                object,
                loc,
                node,
                nodenum,
            }
        },
    )
}

/// An event of a leg.
pub fn call_info() -> impl Strategy<Value = CallInfo> {
    let info = (guid(), option::of(any::<u8>()), option::of(personal()));
    (any::<[u32; 3]>(), any::<bool>(), msg(), vec(party(), 0..4), info).prop_map(
        |([user, call, state], active, msg, parties, (conf, cause, uui))| CallInfo {
            user,
            call,
            active,
            state,
            msg,
            parties: parties.into(),
            conf,
            cause,
            uui,
        },
    )
}

fn party() -> impl Strategy<Value = Party> {
    (role(), personal(), personal(), personal(), personal())
        .prop_map(|(role, cn, dn, e164, h323)| Party { role, cn, dn, e164, h323 })
}

fn msg() -> impl Strategy<Value = Msg> {
    use Msg::*;
    let plain = vec![
        None, Del, RCt, RRel, XSetup, RSetup, RSetupAck, RCallProc, XCallProc, XAlert, RAlert,
        XConn, RConn, XDisc, RDisc, XRel, Update, RHeld, RRetrieved,
    ];
    prop_oneof![9 => select(plain), 1 => text().prop_map(Other)]
}

fn role() -> impl Strategy<Value = Role> {
    use Role::*;
    let plain = vec![This, Peer, Leg2, Leg2Orig, Leg1, Ct, Xfer, ParkedTo, Picking];
    prop_oneof![9 => select(plain), 1 => text().prop_map(Other)]
}

fn question() -> impl Strategy<Value = Question> {
    use Question::*;
    prop_oneof![
        5 => select(vec![Version, Initialize, Echo, Poll, End, Locate, Probe]),
        1 => line().prop_map(UserInitialize),
    ]
}

fn failure() -> impl Strategy<Value = Failure> {
    use Failure::*;
    prop_oneof![
        5 => select(vec![Unreachable, Certificate, AccessDenied, Broken, TimedOut]),
        1 => any::<u16>().prop_map(Status),
        1 => text().prop_map(Fault),
        1 => text().prop_map(Garbled),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        (call(), personal(), any::<bool>(), any::<[u32; 2]>()).prop_map(
            |(call, number, block_id, [country_code, call_param_flags])| Command::MakeCall {
                call,
                number,
                block_id,
                country_code,
                call_param_flags,
            }
        ),
        call().prop_map(Command::Answer),
        call().prop_map(Command::Drop),
        call().prop_map(Command::SetCallParams),
        call().prop_map(Command::Hold),
        call().prop_map(Command::Unhold),
        (call(), call()).prop_map(|(active, held)| Command::SwapHold { active, held }),
        (call(), consultation())
            .prop_map(|(call, consultation)| Command::SetupTransfer { call, consultation }),
        (call(), call(), option::of(call())).prop_map(|(call, consultation, conference)| {
            Command::CompleteTransfer { call, consultation, conference }
        }),
        (call(), personal()).prop_map(|(call, number)| Command::BlindTransfer { call, number }),
        (call(), personal()).prop_map(|(call, number)| Command::Redirect { call, number }),
        (call(), pickup_from()).prop_map(|(call, from)| Command::Pickup { call, from }),
        rarer_command(),
    ]
}

fn rarer_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        (call(), personal()).prop_map(|(call, number)| Command::Dial { call, number }),
        (call(), personal(), any::<u32>())
            .prop_map(|(call, digits, tag)| Command::GenerateDigits { call, digits, tag }),
        (call(), personal())
            .prop_map(|(call, user_info)| Command::SendUserUserInfo { call, user_info }),
        (call(), option::of(personal())).prop_map(|(call, at)| Command::Park {
            call,
            at: at.map_or(ParkPlace::Nondirected, ParkPlace::Directed),
        }),
        (call(), personal()).prop_map(|(call, from)| Command::Unpark { call, from }),
        (option::of(call()), call(), consultation()).prop_map(
            |(call, conference, consultation)| Command::SetupConference {
                call,
                conference,
                consultation,
            }
        ),
        (call(), consultation()).prop_map(|(conference, consultation)| {
            Command::PrepareAddToConference { conference, consultation }
        }),
        (call(), call()).prop_map(|(conference, consultation)| Command::AddToConference {
            conference,
            consultation,
        }),
        call().prop_map(Command::RemoveFromConference),
        (vec(forward(), 0..4), any::<u32>())
            .prop_map(|(forwards, rings)| Command::Forward(Forwarding { forwards, rings })),
    ]
}

fn consultation() -> impl Strategy<Value = Consultation> {
    (call(), personal(), any::<bool>(), any::<u32>()).prop_map(
        |(call, number, block_id, call_param_flags)| Consultation {
            call,
            number,
            block_id,
            call_param_flags,
        },
    )
}

fn pickup_from() -> impl Strategy<Value = PickupFrom> {
    prop_oneof![
        Just(PickupFrom::Anywhere),
        personal().prop_map(PickupFrom::Station),
        personal().prop_map(PickupFrom::Group),
    ]
}

fn forward() -> impl Strategy<Value = Forward> {
    let case = select(vec![Case::Always, Case::Busy, Case::NoAnswer, Case::BusyOrNoAnswer]);
    let callers = prop_oneof![
        select(vec![Callers::All, Callers::Internal, Callers::External]),
        personal().prop_map(Callers::Specific),
    ];
    (case, callers, personal()).prop_map(|(case, callers, to)| Forward { case, callers, to })
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        any::<u32>().prop_map(|call| Reply::Calling(CallHandle(call))),
        Just(Reply::Taken),
        failure().prop_map(Reply::Failed),
        Just(Reply::Refused),
        any::<u32>().prop_map(|call| Reply::Parked(CallHandle(call))),
        option::of(personal()).prop_map(Reply::Found),
        user_record().prop_map(Reply::Record),
    ]
}

fn user_record() -> impl Strategy<Value = UserRecord> {
    (vec(diversion(), 0..4), option::of(any::<u32>()), any::<u32>())
        .prop_map(|(diversions, no_answer_s, print)| UserRecord { diversions, no_answer_s, print })
}

fn diversion() -> impl Strategy<Value = Diversion> {
    let kind = select(vec![Kind::Always, Kind::Busy, Kind::NoAnswer]);
    let to = prop_oneof![
        personal().prop_map(Target::Number),
        personal().prop_map(Target::Name),
        Just(Target::Nowhere),
    ];
    let sources = prop_oneof![
        select(vec![Sources::All, Sources::Internal, Sources::External, Sources::Other]),
        vec(personal(), 0..3).prop_map(Sources::Only),
        vec(personal(), 0..3).prop_map(Sources::OnlyNot),
    ];
    (kind, to, sources, personal()).prop_map(|(kind, to, sources, element)| Diversion {
        kind,
        to,
        sources,
        element,
    })
}

fn timer() -> impl Strategy<Value = Timer> {
    prop_oneof![
        (pbx(), any::<u32>()).prop_map(|(pbx, n)| Timer::Reconnect(pbx, n)),
        (pbx(), any::<u32>()).prop_map(|(pbx, n)| Timer::PollPause(pbx, n)),
        (pbx(), any::<u32>()).prop_map(|(pbx, n)| Timer::Settled(pbx, n)),
        (line(), ticket()).prop_map(|(line, ticket)| Timer::Deadline(line, ticket)),
        (call(), any::<u32>()).prop_map(|(call, n)| Timer::Ring(call, n)),
        (line(), any::<u32>()).prop_map(|(line, n)| Timer::Grace(line, n)),
        (call(), any::<u32>()).prop_map(|(call, n)| Timer::NewCallAgain(call, n)),
        (pbx(), any::<u32>()).prop_map(|(pbx, n)| Timer::Probe(pbx, n)),
    ]
}

fn told() -> impl Strategy<Value = Told> {
    use Outcome::*;
    (any::<u64>(), any::<u32>(), select(vec![Delivered, Withheld, Forced]))
        .prop_map(|(seq, crc, outcome)| Told { seq, crc, outcome })
}

fn what() -> impl Strategy<Value = What> {
    let completion =
        prop_oneof![Just(Ok(())), select(LineErr::ALL.to_vec()).prop_map(Err::<(), LineErr>)];
    prop_oneof![
        notice().prop_map(What::Notice),
        (request(), completion)
            .prop_map(|(request, completion)| What::Completed(request, completion)),
    ]
}

fn notice() -> impl Strategy<Value = Notice> {
    prop_oneof![
        Just(Notice::LineCreated),
        Just(Notice::LineRemoved),
        call().prop_map(Notice::NewCall),
        (call(), select(CallState::ALL.to_vec()), any::<[u32; 2]>()).prop_map(
            |(call, state, [mode, media])| Notice::CallState { call, state, mode, media }
        ),
        (call(), any::<u32>()).prop_map(|(call, bits)| Notice::CallInfo(call, bits)),
        any::<u32>().prop_map(Notice::AddressState),
        any::<[u32; 3]>().prop_map(|[bits, one, two]| Notice::LineDevState(bits, one, two)),
        (call(), any::<[u32; 2]>()).prop_map(|(call, [term, tag])| Notice::Generated {
            call,
            term,
            tag
        }),
    ]
}

fn pbx() -> impl Strategy<Value = PbxId> {
    (0..3u16).prop_map(PbxId)
}

fn attempt() -> impl Strategy<Value = Attempt> {
    (0..9u32).prop_map(Attempt)
}

fn line() -> impl Strategy<Value = LineId> {
    (1..9u32).prop_map(LineId)
}

fn opening() -> impl Strategy<Value = Opening> {
    (0..4u32).prop_map(Opening)
}

fn request() -> impl Strategy<Value = RequestId> {
    any::<u32>().prop_map(RequestId)
}

fn ticket() -> impl Strategy<Value = Ticket> {
    (request(), any::<u32>()).prop_map(|(request, turn)| Ticket { request, turn })
}

fn call() -> impl Strategy<Value = CallId> {
    (line(), any::<bool>(), 1..9u32).prop_map(|(line, made, number)| CallId {
        line,
        serial: if made { CallId::FIRST_MADE + number } else { number },
    })
}

fn guid() -> impl Strategy<Value = Guid> {
    any::<[u8; 16]>().prop_map(Guid)
}

fn personal() -> impl Strategy<Value = Personal> {
    text().prop_map(|text| Personal::from(&*text))
}

fn text() -> impl Strategy<Value = Box<str>> {
    let known =
        ["", "", "20", "Bob & <Sons>", "Jörg Müßig", "李小龍", "Ann 📞", "+49 7031 73009-0"];
    prop_oneof![
        6 => select(known.to_vec()).prop_map(Box::from),
        1 => any::<String>().prop_map(String::into_boxed_str),
        1 => (0..600usize).prop_map(|n| "x".repeat(n).into_boxed_str()),
    ]
}
