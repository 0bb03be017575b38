//! Any value, for the property tests.

use super::types::{
    AnyInfo, CallInfo, Device, Group, Info, No, Presence, PresenceActivity, PresenceStatus,
    RegInfo, UserInfo,
};
use super::{
    Answer, BoolStyle, Charset, Dialect, EmptyArrays, InfoItemName, Interface, ItemNames, Kind,
    ResponsePrefix, TypedResponses,
};
use engine::fact::Identification;
use engine::id::{CallHandle, UserHandle};
use engine::pii::Personal;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Any value of a simple type.
pub(super) fn any<T: Arbitrary + 'static>() -> BoxedStrategy<T> {
    proptest::prelude::any::<T>().boxed()
}

/// A text as names of the PBX are: letters of many scripts, and all that XML must escape.
pub(super) fn name() -> BoxedStrategy<String> {
    let character = prop_oneof![
        4 => prop::char::range('a', 'z'),
        2 => select(vec!['&', '<', '>', '"', '\'', ';', '#', ' ', ']', '\r', '\n', '\t']),
        1 => select(vec!['ü', 'ß', 'É', '張', '電', '🙂', '\u{10FFFF}', '\u{85}', '\u{FEFF}']),
    ];
    vec(character, 0..12).prop_map(String::from_iter).boxed()
}

/// A text about a person.
pub(super) fn personal() -> BoxedStrategy<Personal> {
    name().prop_map(|text| text.as_str().into()).boxed()
}

/// A text about nobody.
fn text() -> BoxedStrategy<Box<str>> {
    name().prop_map(Box::from).boxed()
}

/// A word of the interface's vocabulary: without blanks round it.
pub(super) fn word() -> BoxedStrategy<Box<str>> {
    name().prop_map(|text| text.trim().into()).boxed()
}

/// An object's handle.
fn user_handle() -> BoxedStrategy<UserHandle> {
    any().prop_map(UserHandle).boxed()
}

/// A leg's handle.
fn call_handle() -> BoxedStrategy<CallHandle> {
    any().prop_map(CallHandle).boxed()
}

/// A few pieces of information, those that the engine looks at among them.
pub(super) fn infos() -> BoxedStrategy<Vec<Info>> {
    let kind = prop_oneof![select(vec!["conf", "cause", "uui"]).prop_map(Box::from), word()];
    let info = (kind, any(), personal()).prop_map(|(kind, vali, vals)| Info { kind, vali, vals });
    vec(info, 0..4).boxed()
}

/// A presence.
pub(super) fn presence() -> BoxedStrategy<Presence> {
    let status = option::of(select(PresenceStatus::LISTED));
    let activity = prop_oneof![
        Just(None),
        select(PresenceActivity::LISTED).prop_map(Some),
        word().prop_filter_map("a word of its own", |word| {
            (!word.is_empty()).then(|| Some(PresenceActivity::read(&word)))
        }),
    ];
    (status, activity, personal())
        .prop_map(|(status, activity, note)| Presence { status, activity, note })
        .boxed()
}

fn no() -> BoxedStrategy<No> {
    let role = select(vec!["this", "peer", "leg2", "leg2orig", "ct", "parked-to", "else", ""]);
    (role, personal(), personal(), personal(), personal())
        .prop_map(|(kind, cn, dn, e164, h323)| No { kind: kind.into(), cn, dn, e164, h323 })
        .boxed()
}

/// An event of a call.
pub(super) fn call_info() -> BoxedStrategy<CallInfo> {
    let msg = select(vec!["x-setup", "r-alert", "x-conn", "r-ct", "r-rel", "del", "r-new", ""]);
    let handles = (user_handle(), call_handle(), any());
    (handles, any(), any(), vec(no(), 0..4), msg, infos())
        .prop_map(|((user, call, reg), active, state, no, msg, info)| CallInfo {
            user,
            call,
            reg,
            active,
            state,
            no,
            msg: msg.into(),
            info,
        })
        .boxed()
}

/// An object of the PBX, with all that the newest interface has.
pub(super) fn user_info() -> BoxedStrategy<UserInfo> {
    let group = (text(), any()).prop_map(|(group, active)| Group { group, active });
    let names = (personal(), personal(), word(), personal(), personal());
    let counters = (any(), any(), any(), any(), any());
    let place = (text(), text(), word(), word());
    let mail = (text(), any(), vec(personal(), 0..3));
    (names, counters, place, mail, vec(group, 0..3), option::of(presence()), word(), infos())
        .prop_map(|(names, counters, place, mail, groups, presence, guid, info)| {
            let (cn, dn, kind, e164, h323) = names;
            let (active, state, channel, alert, cfg) = counters;
            let (loc, node, object, nodenum) = place;
            let (domain, h323email, email) = mail;
            UserInfo {
                active,
                cn,
                dn,
                kind,
                e164,
                h323,
                state,
                channel,
                alert,
                guid,
                groups,
                loc,
                node,
                object,
                nodenum,
                cfg,
                presence,
                domain,
                h323email,
                email,
                info,
            }
        })
        .boxed()
}

fn reg_info() -> BoxedStrategy<RegInfo> {
    (any(), user_handle(), any(), personal(), text(), infos())
        .prop_map(|(active, user, reg, hw, soap, info)| RegInfo {
            active,
            user,
            reg,
            hw,
            soap,
            info,
        })
        .boxed()
}

/// The result of a `Poll`; seldom with the lists that nobody sends.
pub(super) fn any_info() -> BoxedStrategy<AnyInfo> {
    let odd = prop_oneof![
        4 => Just((Vec::new(), Vec::new())),
        1 => (vec(reg_info(), 0..2), infos()),
    ];
    (vec(user_info(), 0..3), vec(call_info(), 0..3), odd)
        .prop_map(|(user, call, (reg, info))| AnyInfo { user, call, reg, info })
        .boxed()
}

/// An operation, more often one with much in its answer.
pub(super) fn kind() -> BoxedStrategy<Kind> {
    let rich = vec![Kind::Poll, Kind::FindUser, Kind::Calls, Kind::UserFindDestination];
    prop_oneof![select(Kind::ALL), select(rich)].boxed()
}

/// An answer to the operation.
pub(super) fn answer(kind: Kind) -> BoxedStrategy<Answer> {
    match kind {
        Kind::Version => (word(), word(), word(), word(), any())
            .prop_map(|(system, location, firmware, serial, wsdl_version)| {
                Answer::Version(Identification { system, location, firmware, serial, wsdl_version })
            })
            .boxed(),
        Kind::Initialize => {
            (any(), any()).prop_map(|(session, key)| Answer::Initialize { session, key }).boxed()
        }
        Kind::Echo => any().prop_map(|alive| Answer::Echo { alive }).boxed(),
        Kind::End => Just(Answer::End).boxed(),
        Kind::Poll => any_info().prop_map(Answer::Poll).boxed(),
        Kind::License => personal().prop_map(Answer::License).boxed(),
        Kind::Admin => personal().prop_map(Answer::Admin).boxed(),
        Kind::FindUser => vec(user_info(), 0..3).prop_map(Answer::FindUser).boxed(),
        Kind::UserFindDestination => (any(), option::of(user_info().prop_map(Box::new)))
            .prop_map(|(incomplete, user)| Answer::UserFindDestination { incomplete, user })
            .boxed(),
        Kind::LocationUrl => word().prop_map(Answer::LocationUrl).boxed(),
        Kind::Devices => {
            let device = (personal(), personal()).prop_map(|(hw, text)| Device { hw, text });
            vec(device, 0..3).prop_map(Answer::Devices).boxed()
        }
        Kind::Calls => vec(call_info(), 0..3).prop_map(Answer::Calls).boxed(),
        Kind::UserLocalNum => personal().prop_map(Answer::UserLocalNum).boxed(),
        Kind::UserLicense => any().prop_map(Answer::UserLicense).boxed(),
        Kind::SetPresence => any().prop_map(|done| Answer::SetPresence { done }).boxed(),
        Kind::UserInitialize => user_handle().prop_map(Answer::UserInitialize).boxed(),
        Kind::UserEnd => Just(Answer::UserEnd).boxed(),
        Kind::UserCall => call_handle().prop_map(Answer::UserCall).boxed(),
        Kind::UserClear => Just(Answer::UserClear).boxed(),
        Kind::UserConnect => Just(Answer::UserConnect).boxed(),
        Kind::UserRc => Just(Answer::UserRc).boxed(),
        Kind::UserInfo => Just(Answer::UserInfo).boxed(),
        Kind::UserDTMF => Just(Answer::UserDTMF).boxed(),
        Kind::UserUUI => Just(Answer::UserUUI).boxed(),
        Kind::UserPickup => call_handle().prop_map(Answer::UserPickup).boxed(),
        Kind::UserRedirect => any().prop_map(Answer::UserRedirect).boxed(),
        Kind::UserReroute => any().prop_map(Answer::UserReroute).boxed(),
        Kind::UserTransfer => Just(Answer::UserTransfer).boxed(),
        Kind::UserMediaTransfer => Just(Answer::UserMediaTransfer).boxed(),
        Kind::UserCtComplete => Just(Answer::UserCtComplete).boxed(),
        Kind::UserHold => Just(Answer::UserHold).boxed(),
        Kind::UserRetrieve => Just(Answer::UserRetrieve).boxed(),
        Kind::UserPark => call_handle().prop_map(Answer::UserPark).boxed(),
        Kind::UserMessage => call_handle().prop_map(Answer::UserMessage).boxed(),
    }
}

/// A dialect of this interface. That without escaping is not among them: it loses texts.
pub(super) fn dialect(interface: Interface) -> BoxedStrategy<Dialect> {
    (
        select(vec![ItemNames::Wire, ItemNames::Item]),
        select(vec![InfoItemName::Info, InfoItemName::Item]),
        select(vec![TypedResponses::Off, TypedResponses::Types, TypedResponses::TypesAndArrays]),
        select(vec![ResponsePrefix::Bound, ResponsePrefix::Default, ResponsePrefix::Unqualified]),
        select(vec![BoolStyle::Words, BoolStyle::Digits]),
        select(vec![EmptyArrays::Element, EmptyArrays::Absent, EmptyArrays::Nil]),
        select(vec![Charset::Utf8, Charset::Latin1]),
    )
        .prop_map(move |(items, info_item, typed, prefix, bool_style, empty_arrays, charset)| {
            Dialect {
                interface,
                item_names: items,
                info_item_name: info_item,
                typed_responses: typed,
                response_prefix: prefix,
                bool_style,
                empty_arrays,
                charset,
            }
        })
        .boxed()
}
