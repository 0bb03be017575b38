//! What may happen under a seed. Each seed switches on some of the faults and some of what people
//! and applications do, at rates of its own: a fault that is rare beside others may be the rule
//! where it is nearly alone.

use super::dice::Dice;
use super::layout::Layout;
use super::trouble::Kind;
use engine::fact::Configuration;
use std::fmt;

/// What may happen under a seed.
#[derive(Clone, Debug)]
pub(super) struct Swarm {
    /// Which PBXs there are.
    pub(super) layout: Layout,
    /// Users of the first one at the start.
    pub(super) users: usize,
    /// How the PBX behaves where no description says how it must: names and values of switches.
    pub(super) switches: Vec<(&'static str, &'static str)>,
    /// The settings of the provider.
    pub(super) settings: Configuration,
    /// What goes wrong with single exchanges.
    pub(super) wire: WireFaults,
    /// What goes wrong at large, with the mean pause between two times.
    pub(super) troubles: Vec<(Kind, u64)>,
    /// Mean pause between two things that people do.
    pub(super) people_ms: u64,
    /// Mean pause between two things that applications do.
    pub(super) applications_ms: u64,
    /// What applications never do under this seed, and what people never do: bits of their lists.
    pub(super) not_by_applications: u64,
    pub(super) not_by_people: u64,
    /// How long it goes on.
    pub(super) chaos_ms: u64,
    /// The telephony server refuses a new call so many times in a thousand.
    pub(super) refused_calls: u16,
    /// How long callbacks may take.
    pub(super) callback_ms: u64,
    /// How long flushing the log may take.
    pub(super) flush_ms: u64,
}

/// What goes wrong with single exchanges, in so many of a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WireFaults {
    /// The connection breaks before the PBX reads the request.
    pub(super) unsent: u16,
    /// The PBX acts, and its answer is lost with the connection.
    pub(super) lost: u16,
    /// The answer comes after everybody has stopped waiting.
    pub(super) late: u16,
    /// It ends in the middle of a tag.
    pub(super) cut: u16,
    /// Each event of a Poll comes twice.
    pub(super) doubled: u16,
    /// Events of different calls come in another order.
    pub(super) reordered: u16,
    /// Status 500 instead of an answer.
    pub(super) status_500: u16,
    /// How long answers take at most, in milliseconds.
    pub(super) latency_ms: u64,
}

/// Switches of the PBX, each with what it may be. What comes first is the most usual.
const SWITCHES: &[(&str, &[&str])] = &[
    ("item_names", &["wire", "all-item"]),
    ("info_item_name", &["info", "item"]),
    ("typed_responses", &["off", "xsi:type", "xsi:type+arrayType"]),
    ("response_prefix", &["inno", "default-namespace", "unqualified"]),
    ("bool_style", &["true-false", "1-0"]),
    ("empty_arrays", &["empty-element", "absent", "nil"]),
    ("charset", &["utf-8", "latin-1"]),
    (
        "unknown_session",
        &["fault-500", "fault-200", "http-404", "http-400", "empty-poll", "empty-element", "close"],
    ),
    ("strict_requests", &["on", "off"]),
    ("stale_call_handle", &["ignore", "fault"]),
    ("unknown_v_flags", &["ignore", "return-0"]),
    ("interface", &["vx1000", "vx1000-early", "v800", "v700"]),
    ("snapshot_batch", &["20", "1", "3", "all"]),
    ("snapshot_interleave", &["off", "on"]),
    ("userinit_replay_msg", &["update", "last-msg", "empty"]),
    ("no_content", &["full", "changed"]),
    ("disc_event", &["before-del", "only-del"]),
    ("own_clear_state", &["7", "6"]),
    ("hold_msg", &["update", "x-hold"]),
    ("setup_progress", &["all-steps", "setup-connect"]),
    ("ucall_mode", &["phone-dials", "pbx-calls-first"]),
    ("ucall_event_before_response", &["off", "on"]),
    ("transfer_event_order", &["a-first", "b-first", "c-first"]),
    ("ct_state", &["stay", "fall"]),
    ("multi_leg", &["one", "per-device"]),
    ("loc_style", &["empty", "own-name"]),
    ("poll_timeout", &["60s", "5s", "20s"]),
    ("session_linger", &["10s", "1s", "60s"]),
    ("end_pending_poll", &["empty", "fault", "close"]),
    ("admin", &["normal", "administrators-only", "error", "garbled", "silent", "deaf"]),
];

impl Swarm {
    /// Nothing happens by itself.
    pub(super) fn calm(layout: Layout, users: usize, settings: Configuration) -> Swarm {
        Swarm {
            layout,
            users,
            switches: Vec::new(),
            settings,
            wire: WireFaults::default(),
            troubles: Vec::new(),
            people_ms: 0,
            applications_ms: 1,
            not_by_applications: 0,
            not_by_people: 0,
            chaos_ms: 0,
            refused_calls: 0,
            callback_ms: 1,
            flush_ms: 1,
        }
    }

    /// What may happen under this seed.
    pub(super) fn of(seed: u64) -> Swarm {
        let mut dice = Dice::of(seed, "swarm");
        let mut switches = Vec::new();
        // Half of the seeds see a PBX that is unusual in many ways, the others one in few.
        let unusual = if dice.happens(500) { 500 } else { 80 };
        for (name, values) in SWITCHES {
            let value = match dice.happens(unusual) {
                true => dice.pick(values).copied(),
                false => values.first().copied(),
            };
            switches.extend(value.map(|value| (*name, value)));
        }
        let pace = dice.choose(&[200, 400, 1200]);
        let layout = Layout::of(&mut dice);
        Swarm {
            layout,
            users: dice.choose(&[2, 3, 4, 6]),
            switches,
            settings: settings(layout, &mut dice),
            wire: wire(&mut dice),
            troubles: troubles(layout, &mut dice),
            people_ms: dice.ms(pace..=3 * pace),
            applications_ms: dice.ms(pace..=3 * pace),
            not_by_applications: some_bits(&mut dice),
            not_by_people: some_bits(&mut dice),
            chaos_ms: 60_000 + dice.ms(0..=90_000),
            refused_calls: maybe(&mut dice, 250, 300),
            callback_ms: dice.choose(&[1, 5, 50, 2_000]),
            flush_ms: dice.choose(&[1, 3, 20, 300]),
        }
    }
}

/// A rate up to a limit, or 0: on in so many of a thousand seeds.
fn maybe(dice: &mut Dice, on: u16, most: usize) -> u16 {
    // The limits are at most 1000.
    if dice.happens(on) { 1 + dice.below(most) as u16 } else { 0 }
}

/// Each bit is set in a quarter of the seeds.
fn some_bits(dice: &mut Dice) -> u64 {
    (0..64).filter(|_| dice.happens(250)).fold(0, |bits, bit| bits | 1 << bit)
}

fn wire(dice: &mut Dice) -> WireFaults {
    if dice.happens(200) {
        return WireFaults { latency_ms: 3, ..WireFaults::default() };
    }
    WireFaults {
        unsent: maybe(dice, 300, 60),
        lost: maybe(dice, 300, 60),
        late: maybe(dice, 250, 60),
        cut: maybe(dice, 300, 40),
        doubled: maybe(dice, 400, 500),
        reordered: maybe(dice, 400, 700),
        status_500: maybe(dice, 200, 30),
        latency_ms: dice.choose(&[0, 3, 40, 400]),
    }
}

fn troubles(layout: Layout, dice: &mut Dice) -> Vec<(Kind, u64)> {
    let mut troubles = Vec::new();
    let can_happen = |kind: &Kind| layout.is_site() || !kind.is_of_a_site();
    for kind in Kind::ALL.into_iter().filter(can_happen) {
        let (rate, longest_ms) = if kind.is_of_a_site() { (600, 60_000) } else { (350, 120_000) };
        if dice.happens(rate) {
            troubles.push((kind, dice.ms(10_000..=longest_ms)));
        }
    }
    troubles
}

/// Settings in which a provider is started, or which it is given later.
pub(super) fn settings(layout: Layout, dice: &mut Dice) -> Configuration {
    Configuration {
        user: "TAPI".into(),
        pbxs: layout.trees(),
        name_template: dice.choose(&["%c", "%d (%e)", "%h", "%u"]).into(),
        pure_node_extensions: dice.happens(300),
        single_active_call: dice.happens(250),
        monitor_slaves: true,
        request_deadline_ms: dice.choose(&[0, 2_000, 10_000]),
        calls_kept_ms: 0,
        modify_forwards: dice.happens(500),
        allow_plain_slaves: false,
        access: dice.choose(&[0, 1]),
    }
}

impl fmt::Display for Swarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WireFaults { unsent, lost, late, cut, doubled, reordered, status_500, latency_ms } =
            self.wire;
        write!(f, "{}, {} users for {} s", self.layout.name, self.users, self.chaos_ms / 1000)?;
        write!(
            f,
            "; people act every {} ms, applications {}",
            self.people_ms, self.applications_ms
        )?;
        write!(f, "; answers take up to {latency_ms} ms")?;
        for (name, rate) in [
            ("not sent", unsent),
            ("lost", lost),
            ("late", late),
            ("cut", cut),
            ("doubled", doubled),
            ("reordered", reordered),
            ("status 500", status_500),
        ] {
            if rate > 0 {
                write!(f, ", {rate} ‰ {name}")?;
            }
        }
        for (kind, mean_ms) in &self.troubles {
            write!(f, "; {kind} every {} s", mean_ms / 1000)?;
        }
        for (name, value) in &self.switches {
            let usual = SWITCHES.iter().any(|(known, values)| known == name && values[0] == *value);
            if !usual {
                write!(f, "; {name} {value}")?;
            }
        }
        if self.settings.single_active_call {
            write!(f, "; one active call a line")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::simulator::switches::Switches;

    #[test]
    fn a_seed_always_gives_the_same_swarm() {
        assert_eq!(Swarm::of(7).to_string(), Swarm::of(7).to_string());
        assert_ne!(Swarm::of(7).to_string(), Swarm::of(8).to_string());
    }

    #[test]
    fn every_switch_exists_and_takes_every_value() {
        let mut switches = Switches::default();
        for (name, values) in SWITCHES {
            for value in *values {
                switches.set(name, value).unwrap();
            }
        }
    }
}
