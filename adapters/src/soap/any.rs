//! Any value, for the property tests.

use super::types::{Info, Presence, PresenceActivity, PresenceStatus};
use engine::pii::Personal;
use proptest::prelude::*;

/// Any value of a simple type.
pub(super) fn any<T: Arbitrary + 'static>() -> BoxedStrategy<T> {
    proptest::prelude::any::<T>().boxed()
}

/// A text as names of the PBX are: letters of many scripts, and all that XML must escape.
pub(super) fn name() -> BoxedStrategy<String> {
    let character = prop_oneof![
        4 => prop::char::range('a', 'z'),
        2 => prop::sample::select(vec!['&', '<', '>', '"', '\'', ';', '#', ' ', ']', '\r', '\n']),
        1 => prop::sample::select(vec!['ü', 'ß', 'É', '張', '電', '🙂', '\u{10FFFF}', '\u{85}']),
    ];
    prop::collection::vec(character, 0..12).prop_map(String::from_iter).boxed()
}

/// A text about a person.
pub(super) fn personal() -> BoxedStrategy<Personal> {
    name().prop_map(|text| text.as_str().into()).boxed()
}

/// A word of the interface's vocabulary: without blanks round it.
pub(super) fn word() -> BoxedStrategy<Box<str>> {
    name().prop_map(|text| text.trim().into()).boxed()
}

/// A few pieces of information.
pub(super) fn infos() -> BoxedStrategy<Vec<Info>> {
    let info = (word(), any(), personal()).prop_map(|(kind, vali, vals)| Info { kind, vali, vals });
    prop::collection::vec(info, 0..4).boxed()
}

/// A presence.
pub(super) fn presence() -> BoxedStrategy<Presence> {
    let status = prop::option::of(prop::sample::select(PresenceStatus::LISTED));
    let activity = prop_oneof![
        Just(None),
        prop::sample::select(PresenceActivity::LISTED).prop_map(Some),
        word().prop_filter_map("a word of its own", |word| {
            (!word.is_empty()).then(|| Some(PresenceActivity::read(&word)))
        }),
    ];
    (status, activity, personal())
        .prop_map(|(status, activity, note)| Presence { status, activity, note })
        .boxed()
}
