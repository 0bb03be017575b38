//! What is not known of a real PBX, as switches: each value is a behaviour that a client must
//! survive (the PBX's SOAP reference, section 10.2). The first value of each is the default.

mod values;

pub use self::values::*;
use crate::soap::{
    BoolStyle, Charset, Dialect, EmptyArrays, InfoItemName, Interface, ItemNames, Kind,
    ResponsePrefix, TypedResponses,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What goes wrong with an answer, on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Status 500 without a body; the request is not acted upon.
    Status500,
    /// The connection is reset after the head of the answer.
    Reset,
    /// The connection is closed in the middle of the body.
    Truncate,
    /// The answer comes so many milliseconds late.
    Delay(u64),
    /// Every event of a `Poll` comes twice.
    Duplicate,
}

/// The switches of one PBX.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // each field is documented by its type or by `TABLE`
pub struct Switches {
    /// How answers are spelt; the interface in it is that of the session.
    pub dialect: Dialect,
    pub unknown_session: UnknownSession,
    /// Requests must have the right namespace, SOAPAction and types.
    pub strict_requests: bool,
    pub stale_call_handle: StaleHandle,
    pub unknown_v_flags: UnknownFlags,
    /// The newest interface this PBX has.
    pub interface: Interface,
    /// Records of the snapshot in one `Poll`; `None` is all of them.
    pub snapshot_batch: Option<u32>,
    /// Other events may come between the records of the snapshot.
    pub snapshot_interleave: bool,
    pub userinit_replay_msg: ReplayMsg,
    /// `UserInitialize` tells of running calls.
    pub userinit_replay: bool,
    pub no_content: NoContent,
    pub disc_event: DiscEvent,
    pub own_clear_state: OwnClearState,
    pub setup_progress: SetupProgress,
    pub ucall_mode: UserCallMode,
    /// The answer to `UserCall` comes after the first event of the call.
    pub ucall_event_before_response: bool,
    pub multi_leg: MultiLeg,
    pub loc_style: LocStyle,
    pub idle_standby: IdleStandby,
    pub poll_timeout_ms: u64,
    pub session_linger_ms: u64,
    pub boot_time_ms: u64,
    /// A nonce is good for so many requests; 0 is for ever.
    pub digest_stale_every: u32,
    pub end_pending_poll: EndPendingPoll,
    pub hold_msg: HoldMsg,
    pub transfer_event_order: TransferOrder,
    pub ct_state: CtState,
    pub admin: AdminAnswer,
    /// The firmware that `Version` names; `None` is that of the estate.
    pub firmware: Option<String>,
    faults: BTreeMap<Kind, (Fault, Option<u32>)>,
}

impl Default for Switches {
    fn default() -> Switches {
        Switches {
            dialect: Dialect::default(),
            unknown_session: UnknownSession::default(),
            strict_requests: false,
            stale_call_handle: StaleHandle::default(),
            unknown_v_flags: UnknownFlags::default(),
            interface: Interface::V1000,
            snapshot_batch: Some(20),
            snapshot_interleave: false,
            userinit_replay_msg: ReplayMsg::default(),
            userinit_replay: true,
            no_content: NoContent::default(),
            disc_event: DiscEvent::default(),
            own_clear_state: OwnClearState::default(),
            setup_progress: SetupProgress::default(),
            ucall_mode: UserCallMode::default(),
            ucall_event_before_response: false,
            multi_leg: MultiLeg::default(),
            loc_style: LocStyle::default(),
            idle_standby: IdleStandby::default(),
            poll_timeout_ms: 60_000,
            session_linger_ms: 10_000,
            boot_time_ms: 20_000,
            digest_stale_every: 0,
            end_pending_poll: EndPendingPoll::default(),
            hold_msg: HoldMsg::default(),
            transfer_event_order: TransferOrder::default(),
            ct_state: CtState::default(),
            admin: AdminAnswer::default(),
            firmware: None,
            faults: BTreeMap::new(),
        }
    }
}

/// Why a switch cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// There is no such switch.
    #[error("there is no switch {0}; the switches are: {names}", names = names())]
    Unknown(String),
    /// The switch has no such value.
    #[error("{name} cannot be {value}; it takes {takes}")]
    Value {
        /// The switch.
        name: &'static str,
        /// The value given.
        value: String,
        /// What it takes.
        takes: String,
    },
}

impl Switches {
    /// Sets a switch by name, for example `set("bool_style", "1-0")`.
    ///
    /// # Errors
    /// See [`SwitchError`]; nothing is changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SwitchError> {
        let Some(row) = TABLE.iter().find(|row| row.name == name) else {
            return Err(SwitchError::Unknown(name.to_owned()));
        };
        if (row.set)(self, value) {
            return Ok(());
        }
        Err(SwitchError::Value { name: row.name, value: value.to_owned(), takes: row.takes() })
    }

    /// The names of all switches with what they take, one a line.
    #[must_use]
    pub fn help() -> String {
        let mut text = String::new();
        for row in TABLE {
            let _ = writeln!(text, "{:28} {}", row.name, row.takes());
        }
        text
    }

    /// The fault that is due for this request, if any; counted ones run out.
    pub fn take_fault(&mut self, kind: Kind) -> Option<Fault> {
        let (fault, left) = self.faults.get_mut(&kind)?;
        let fault = *fault;
        if let Some(left) = left {
            *left -= 1;
            if *left == 0 {
                self.faults.remove(&kind);
            }
        }
        Some(fault)
    }

    fn set_fault(&mut self, value: &str) -> bool {
        if value == "off" {
            self.faults.clear();
            return true;
        }
        let Some((operation, what)) = value.split_once('=') else { return false };
        let Some(kind) = Kind::named(operation) else { return false };
        if what == "off" {
            self.faults.remove(&kind);
            return true;
        }
        let (what, times) = match what.split_once('*') {
            Some((what, times)) => match times.parse() {
                Ok(times @ 1..) => (what, Some(times)),
                _ => return false,
            },
            None => (what, None),
        };
        let Some(fault) = read_fault(what) else { return false };
        self.faults.insert(kind, (fault, times));
        true
    }
}

fn read_fault(word: &str) -> Option<Fault> {
    Some(match word {
        "500" => Fault::Status500,
        "reset" => Fault::Reset,
        "truncate" => Fault::Truncate,
        "delay" => Fault::Delay(2000),
        "duplicate" => Fault::Duplicate,
        _ => Fault::Delay(read_millis(word.strip_prefix("delay:")?)?),
    })
}

/// A time: `60s`, `500ms`, or a bare number of milliseconds; up to a day.
fn read_millis(text: &str) -> Option<u64> {
    let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1000),
        (None, None) => (text, 1),
    };
    let millis = number.parse::<u64>().ok()?.checked_mul(unit)?;
    (millis <= 86_400_000).then_some(millis)
}

fn read_interface(word: &str) -> Option<Interface> {
    Some(match word {
        "vx1000" => Interface::V1000,
        "vx1000-early" => Interface::V1000Early,
        "v800" => Interface::V800,
        "v700" => Interface::V700,
        "v501" => Interface::V501,
        _ => return None,
    })
}

fn read_batch(word: &str) -> Option<Option<u32>> {
    match word {
        "all" => Some(None),
        _ => word.parse().ok().filter(|batch| *batch > 0).map(Some),
    }
}

/// One switch: its name, what it takes, and how it is set.
struct Row {
    name: &'static str,
    words: &'static [&'static str],
    other: &'static str,
    set: fn(&mut Switches, &str) -> bool,
}

impl Row {
    fn takes(&self) -> String {
        match (self.words, self.other) {
            ([], other) => other.to_owned(),
            (words, _) => words.join(" | "),
        }
    }
}

fn names() -> String {
    TABLE.iter().map(|row| row.name).collect::<Vec<_>>().join(", ")
}

/// Puts a value that could be read where it belongs.
fn put<T>(place: &mut T, value: Option<T>) -> bool {
    match value {
        Some(value) => {
            *place = value;
            true
        }
        None => false,
    }
}

/// A row for a switch of named values; one of the dialect begins with `.dialect`.
macro_rules! choice {
    ($(.$of:ident)? $field:ident: $type:ty) => {
        Row {
            name: stringify!($field),
            words: <$type as Choice>::WORDS,
            other: "",
            set: |switches, word| {
                put(&mut switches$(.$of)?.$field, <$type as Choice>::read(word))
            },
        }
    };
}

/// A row for a switch of another kind.
macro_rules! other {
    ($name:literal, $takes:literal, $set:expr) => {
        Row { name: $name, words: &[], other: $takes, set: $set }
    };
}

const TABLE: &[Row] = &[
    choice!(.dialect item_names: ItemNames),
    choice!(.dialect info_item_name: InfoItemName),
    choice!(.dialect typed_responses: TypedResponses),
    choice!(.dialect response_prefix: ResponsePrefix),
    choice!(.dialect bool_style: BoolStyle),
    choice!(.dialect empty_arrays: EmptyArrays),
    choice!(.dialect charset: Charset),
    choice!(unknown_session: UnknownSession),
    choice!(strict_requests: bool),
    choice!(stale_call_handle: StaleHandle),
    choice!(unknown_v_flags: UnknownFlags),
    other!("interface", "vx1000 | vx1000-early | v800 | v700 | v501", |switches, word| {
        put(&mut switches.interface, read_interface(word))
    }),
    other!("snapshot_batch", "a number of records (20) | all", |switches, word| {
        put(&mut switches.snapshot_batch, read_batch(word))
    }),
    choice!(snapshot_interleave: bool),
    choice!(userinit_replay_msg: ReplayMsg),
    choice!(userinit_replay: bool),
    choice!(no_content: NoContent),
    choice!(disc_event: DiscEvent),
    choice!(own_clear_state: OwnClearState),
    choice!(hold_msg: HoldMsg),
    choice!(setup_progress: SetupProgress),
    choice!(ucall_mode: UserCallMode),
    choice!(ucall_event_before_response: bool),
    choice!(transfer_event_order: TransferOrder),
    choice!(ct_state: CtState),
    choice!(multi_leg: MultiLeg),
    choice!(loc_style: LocStyle),
    choice!(idle_standby: IdleStandby),
    other!("poll_timeout", "a time (60s)", |switches, word| {
        put(&mut switches.poll_timeout_ms, read_millis(word))
    }),
    other!("session_linger", "a time (10s)", |switches, word| {
        put(&mut switches.session_linger_ms, read_millis(word))
    }),
    other!("boot_time", "a time (20s)", |switches, word| {
        put(&mut switches.boot_time_ms, read_millis(word))
    }),
    other!("digest_stale_every", "a number of requests, 0 is never", |switches, word| {
        put(&mut switches.digest_stale_every, word.parse().ok())
    }),
    choice!(end_pending_poll: EndPendingPoll),
    choice!(admin: AdminAnswer),
    other!("firmware", "what `Version` names, for example 13r3 | off", |switches, word| {
        switches.firmware = (word != "off").then(|| word.to_owned());
        true
    }),
    other!(
        "fault_injection",
        "OPERATION=500|reset|truncate|delay[:TIME]|duplicate|off, with *N for the next N only; or off",
        Switches::set_fault
    ),
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_every_switch_can_be_set() {
        let mut switches = Switches::default();
        for row in TABLE {
            for word in row.words {
                switches.set(row.name, word).unwrap();
            }
        }
        assert_eq!(switches.ct_state, CtState::Fall);
        assert_eq!(switches.own_clear_state, OwnClearState::Sent);
    }

    #[test]
    fn the_first_word_of_every_switch_is_the_default() {
        let mut switches = Switches::default();
        for row in TABLE.iter().filter(|row| !row.words.is_empty() && row.name != "userinit_replay")
        {
            switches.set(row.name, row.words[0]).unwrap();
        }
        assert_eq!(switches, Switches::default());
    }

    #[test]
    fn times_are_read_with_and_without_a_unit() {
        let mut switches = Switches::default();
        for (word, millis) in [("250", 250), ("250ms", 250), ("2s", 2000), ("0", 0)] {
            switches.set("poll_timeout", word).unwrap();
            assert_eq!(switches.poll_timeout_ms, millis);
        }
        assert!(switches.set("poll_timeout", "soon").is_err());
        assert!(switches.set("poll_timeout", "9999999999s").is_err());
    }

    #[test]
    fn a_fault_is_taken_as_often_as_it_was_ordered() {
        let mut switches = Switches::default();
        switches.set("fault_injection", "Poll=truncate*2").unwrap();
        switches.set("fault_injection", "UserCall=delay:50ms").unwrap();
        assert_eq!(switches.take_fault(Kind::Poll), Some(Fault::Truncate));
        assert_eq!(switches.take_fault(Kind::Poll), Some(Fault::Truncate));
        assert_eq!(switches.take_fault(Kind::Poll), None);
        assert_eq!(switches.take_fault(Kind::UserCall), Some(Fault::Delay(50)));
        assert_eq!(switches.take_fault(Kind::UserCall), Some(Fault::Delay(50)));
        switches.set("fault_injection", "off").unwrap();
        assert_eq!(switches.take_fault(Kind::UserCall), None);
    }

    #[test]
    fn a_wrong_name_or_value_is_told_with_what_would_be_right() {
        let mut switches = Switches::default();
        let error = switches.set("bool_stile", "1-0").unwrap_err().to_string();
        assert!(error.contains("bool_style"), "{error}");
        let error = switches.set("bool_style", "yes").unwrap_err().to_string();
        assert_eq!(error, "bool_style cannot be yes; it takes true-false | 1-0");
        assert_eq!(switches, Switches::default());
    }
}
