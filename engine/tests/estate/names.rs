//! Names, numbers and permanent ids of lines over several PBXs.

use crate::grove::*;
use engine::core::Core;
use engine::effect::Report;
use engine::estate::{NameUse, Why};
use engine::fact::{HostFact, UserInfo};
use engine::id::{Guid, LineId, PermanentId};
use engine::snapshot;
use engine::time::Millis;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn person(cn: &str, guid: &str, e164: &str) -> UserInfo {
    UserInfo { guid: Guid::read(guid), e164: e164.into(), ..user(cn, "") }
}

fn in_node(user: UserInfo, node: &str, nodenum: &str) -> UserInfo {
    UserInfo { node: node.into(), nodenum: nodenum.into(), ..user }
}

fn node(name: &str, number: &str, parent: &str, parent_number: &str) -> UserInfo {
    let node = UserInfo { object: "node".into(), kind: "".into(), ..person(name, name, number) };
    in_node(node, parent, parent_number)
}

fn site() -> Grove {
    Grove::new(
        &[("hq", None), ("other", None)],
        vec![
            ("hq", Pbx::named("hq").leading_to("branch", "branch")),
            ("branch", Pbx::named("branch")),
            ("other", Pbx::named("other")),
        ],
    )
}

/// Name and address of each line that is there, by the GUID of its user.
fn names(core: &Core) -> BTreeMap<Guid, (String, String)> {
    let there = core.estate().entries().filter(|entry| entry.gone.is_none());
    there
        .map(|entry| {
            let view = core.view(entry.identity.line).unwrap();
            assert_eq!(*view.identity, *entry.identity, "the line knows what the estate knows");
            let texts = (view.identity.name.to_text(), view.identity.number.to_text());
            (view.identity.guid, texts)
        })
        .collect()
}

fn name(core: &Core, guid: &str) -> String {
    names(core)[&Guid::read(guid)].0.clone()
}

fn number(core: &Core, guid: &str) -> String {
    names(core)[&Guid::read(guid)].1.clone()
}

fn ids(core: &Core) -> BTreeMap<Guid, PermanentId> {
    core.estate().ids().collect()
}

fn why(core: &Core, guid: &str) -> Option<(Why, Millis)> {
    let guid = Guid::read(guid);
    let entry = core.estate().entries().find(|entry| entry.identity.guid == guid).unwrap();
    entry.gone.map(|gone| (gone.why, gone.since))
}

#[test]
fn an_address_has_the_digits_of_all_nodes_wherever_these_are_at_home() {
    let mut site = site();
    site.says("branch", in_node(person("Lab", "a1", "20"), "lab", "3"));
    assert_eq!(number(&site.core, "a1"), "320", "what is known is used");
    site.says("branch", node("lab", "3", "Berlin", "5"));
    assert_eq!(number(&site.core, "a1"), "5320");
    site.says("hq", node("Berlin", "5", "Germany", "7"));
    site.says("hq", node("Germany", "7", "root", ""));
    assert_eq!(number(&site.core, "a1"), "75320");
    site.says("other", node("Germany", "9", "root", ""));
    assert_eq!(number(&site.core, "a1"), "75320", "another tree has nodes of its own");
    site.says("hq", node("Germany", "8", "root", ""));
    assert_eq!(number(&site.core, "a1"), "85320");
    site.says("hq", gone(node("Berlin", "5", "Germany", "8")));
    assert_eq!(number(&site.core, "a1"), "5320", "as far as it is known");
    site.settings.pure_node_extensions = true;
    site.configure();
    assert_eq!(number(&site.core, "a1"), "20");
}

#[test]
fn nodes_out_of_view_and_loops_of_nodes_are_reported_and_lines_stay() {
    let mut site = site();
    site.says("hq", in_node(person("Anna", "a1", "20"), "Berlin", "5"));
    site.says("hq", node("a", "1", "b", "2"));
    site.says("hq", node("b", "2", "a", "1"));
    site.says("hq", in_node(person("Ben", "b1", "21"), "a", "1"));
    assert!(site.reports.iter().any(|report| matches!(report, Report::NodeLoop(..))));
    assert_eq!((number(&site.core, "a1"), number(&site.core, "b1")), ("520".into(), "121".into()));
    site.cut("hq");
    site.restore("hq");
    site.pass(60_000);
    let unseen = |report: &Report| matches!(report, Report::NodesUnseen(_, 1));
    assert!(site.reports.iter().any(unseen), "{:?}", site.reports);
    assert_eq!(site.in_service().len(), 2);
}

#[test]
fn of_two_lines_with_one_name_the_same_gets_it_whichever_comes_first() {
    let first = [person("Anna", "a1", "20"), person("Anna", "b1", "21")];
    let [a, b] = first.clone();
    for order in [first, [b, a]] {
        let mut site = site();
        site.settings.name_template = "%c".into();
        site.configure();
        order.into_iter().zip(["hq", "other"]).for_each(|(who, host)| site.says(host, who));
        assert_eq!(name(&site.core, "a1"), "Anna");
        assert_eq!(name(&site.core, "b1"), "Anna (21)");
        assert!(site.reports.iter().any(|report| matches!(report, Report::NameShared(..))));
    }
}

#[test]
fn a_name_that_becomes_free_goes_to_whom_it_belongs() {
    let mut site = site();
    site.says("hq", person("Anna", "a1", "20"));
    site.says("other", person("Anna", "b1", "20"));
    site.says("other", person("Anna (20)", "c1", "22"));
    assert_eq!(name(&site.core, "a1"), "Anna");
    let long = format!("Anna [{}]", Guid::read("b1"));
    assert_eq!(name(&site.core, "b1"), long, "its second choice is somebody's first");
    site.says("hq", gone(person("Anna", "a1", "20")));
    assert_eq!(name(&site.core, "b1"), "Anna");
    site.says("other", person("Anna Berg", "b1", "20"));
    assert_eq!(
        (name(&site.core, "b1"), name(&site.core, "c1")),
        ("Anna Berg".into(), "Anna (20)".into())
    );
}

#[test]
fn the_names_of_pbxs_in_names_follow_the_user_and_the_standby() {
    let mut site = Grove::new(
        &[("hq:8080", Some("spare"))],
        vec![
            ("hq:8080", Pbx::named("hq").leading_to("kiosk", "kiosk:81")),
            ("kiosk:81", Pbx::named("kiosk")),
            ("spare", Pbx::named("hq-standby")),
        ],
    );
    site.settings.name_template = "%h|%n%p|%X|%x".into();
    site.configure();
    let anna = UserInfo { h323: "anna".into(), ..person("Anna", "a1", "20") };
    site.pbxs.get_mut("spare").unwrap().users.push(anna.clone());
    site.says("hq:8080", anna);
    assert_eq!(name(&site.core, "a1"), "anna|hq:8080|hq|hq");
    site.cut("hq:8080");
    site.pass(10_000);
    assert_eq!(name(&site.core, "a1"), "anna|hq:8080|hq-standby|hq", "%X alone changes");
    let ben = UserInfo { h323: "ben".into(), ..person("Ben", "b1", "21") };
    site.restore("hq:8080");
    site.pass(120_000);
    site.says("kiosk:81", ben);
    assert_eq!(name(&site.core, "b1"), "ben|hq:8080|kiosk|kiosk", "the master is that of the tree");
}

#[test]
fn a_long_name_given_to_somebody_new_makes_a_line_of_its_own_and_a_report() {
    let mut site = site();
    site.says("hq", person("Anna", "a1", "20"));
    site.says("hq", person("Anna", "a2", "21"));
    assert!(site.reports.iter().any(|report| matches!(report, Report::NameReused(..))));
    let before = ids(&site.core);
    assert_eq!(before.len(), 2);
    site.says("hq", gone(person("Anna", "a1", "20")));
    assert_eq!(name(&site.core, "a2"), "Anna");
    assert_eq!(ids(&site.core), before);
    assert_eq!(why(&site.core, "a1"), Some((Why::Deleted, Millis(site.now))));
}

#[test]
fn two_pbxs_that_claim_one_guid_are_reported_and_share_one_line() {
    let mut site = site();
    site.says("hq", person("Anna", "a1", "20"));
    site.says("other", person("Somebody", "a1", "30"));
    let rivals = site.reports.iter().filter(|report| matches!(report, Report::TwoHomes(..)));
    assert_eq!(rivals.count(), 1);
    assert_eq!(ids(&site.core).len(), 1);
    assert_eq!(name(&site.core, "a1"), "Anna", "the one first stays");
    assert_eq!(site.in_service().len(), 1);
}

#[test]
fn lines_that_are_gone_say_why_and_since_when_and_come_back_with_their_id() {
    let mut site = site();
    for (host, guid) in [("hq", "a1"), ("branch", "b1"), ("other", "c1"), ("hq", "d1")] {
        site.says(host, person(guid, guid, "20"));
    }
    let before = ids(&site.core);
    let seen = |site: &Grove, guid| why(&site.core, guid).map(|(why, _)| why);
    site.says("hq", gone(person("a1", "a1", "20")));
    assert_eq!(seen(&site, "a1"), Some(Why::Deleted));
    site.cut("hq");
    site.pbxs.get_mut("hq").unwrap().users.retain(|user| user.cn.text() != "d1");
    site.restore("hq");
    site.pass(60_000);
    assert_eq!(seen(&site, "d1"), Some(Why::Unlisted));
    site.says("hq", gone(location("branch", true)));
    assert_eq!(seen(&site, "b1"), Some(Why::PbxLeft));
    site.settings.pbxs.truncate(1);
    site.configure();
    assert_eq!(seen(&site, "c1"), Some(Why::PbxLeft));
    for guid in ["a1", "b1", "c1", "d1"] {
        site.says("hq", person(guid, guid, "20"));
        assert_eq!(why(&site.core, guid), None);
    }
    assert_eq!(ids(&site.core), before);
}

#[test]
fn a_line_removed_by_command_is_told_of_and_its_id_is_never_given_away() {
    let mut site = site();
    site.says("branch", person("Anna", "a1", "20"));
    let id = ids(&site.core)[&Guid::read("a1")];
    site.told.clear();
    site.host(HostFact::LineDismissed(id));
    assert!(site.reports.iter().any(|report| matches!(report, Report::StillThere(_))));
    assert_eq!((why(&site.core, "a1"), site.told.len()), (None, 0), "it would be back at once");
    site.cut("branch");
    site.told.clear();
    site.host(HostFact::LineDismissed(id));
    assert_eq!(site.told_of("Anna"), ["removed"]);
    assert_eq!(why(&site.core, "a1").map(|(why, _)| why), Some(Why::Dismissed));
    site.host(HostFact::LineDismissed(id));
    site.host(HostFact::LineDismissed(PermanentId(4711)));
    assert_eq!(site.told.len(), 0, "once");
    site.says("hq", person("Ben", "b1", "21"));
    assert_ne!(ids(&site.core)[&Guid::read("b1")], id);
    site.restore("branch");
    site.pass(120_000);
    assert_eq!((why(&site.core, "a1"), ids(&site.core)[&Guid::read("a1")]), (None, id));
    assert_eq!(site.told_of("Anna").first().map(String::as_str), Some("created"));
}

#[test]
fn imported_ids_wait_for_their_users_and_nothing_is_overwritten() {
    let mut site = site();
    site.says("hq", person("Anna", "a1", "20"));
    let (anna, ben, cleo) = (Guid::read("a1"), Guid::read("b1"), Guid::read("c1"));
    assert_eq!(ids(&site.core), [(anna, PermanentId(1))].into());
    site.told.clear();
    let wish = [
        (ben, PermanentId(0)),
        (anna, PermanentId(9)),
        (cleo, PermanentId(1)),
        (cleo, PermanentId(2)),
        (cleo, PermanentId(3)),
    ];
    let plan = site.core.estate().plan_import(&wish);
    assert_eq!(plan.new, [(ben, PermanentId(0)), (cleo, PermanentId(2))]);
    assert_eq!(plan.other_id.len(), 2);
    assert_eq!(plan.taken, [(cleo, PermanentId(1), anna)]);
    site.host(HostFact::IdsImported(wish.into()));
    assert!(site.reports.contains(&Report::IdsNotImported(3)));
    assert_eq!(site.told, [], "nobody is there yet");
    let expected = [(anna, PermanentId(1)), (ben, PermanentId(0)), (cleo, PermanentId(2))];
    assert_eq!(ids(&site.core), expected.into());
    site.configure();
    assert_eq!(site.core.lines().count(), 1, "an id makes no line");
    site.says("other", person("Ben", "b1", "21"));
    site.says("hq", user("Foreign", "nowhere"));
    site.says("hq", UserInfo { guid: cleo, ..user("Cleo", "nowhere") });
    assert_eq!(site.line("Ben").identity.permanent, PermanentId(0));
    assert_eq!(site.line("Cleo").identity.permanent, PermanentId(2), "known to another PBX");
    let foreign = site.line("Foreign").identity;
    assert_eq!(foreign.permanent, PermanentId(4), "the next number that is free");
    assert_eq!(foreign.line, LineId(4));
    let created = site.told.iter().filter(|(_, words)| words == "created");
    assert_eq!(created.count(), 3);
}

#[test]
fn a_preview_says_what_a_template_would_do_and_does_nothing() {
    let mut site = site();
    site.says("hq", person("Anna", "a1", "20"));
    site.says("hq", person("Ben", "b1", "21"));
    let before = site.core.clone();
    let preview = site.core.estate().preview("one for all");
    let names: Vec<_> = preview.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["one for all", "one for all (21)"]);
    assert_eq!(preview[1].name_use, NameUse::Shared(PermanentId(1)));
    let preview = site.core.estate().preview("%N %c");
    let names: Vec<_> = preview.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["20 Anna", "21 Ben"]);
    assert!(site.core == before);
}

#[test]
fn long_names_that_differ_only_at_their_end_are_told_apart() {
    let mut site = site();
    let long = "x".repeat(4096);
    site.says("hq", person(&format!("{long}1"), "a1", "20"));
    site.says("hq", person(&format!("{long}2"), "b1", "21"));
    site.says("hq", UserInfo { cn: " ".into(), ..person("", "c1", "22") });
    let names: BTreeSet<_> = names(&site.core).into_values().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 3);
    assert!(names.iter().all(|name| (1..=255).contains(&name.len())), "{names:?}");
    assert!(names.contains("22"), "what else there is");
}

/// What may happen to names; the numbers pick a user, a name and an address.
#[derive(Clone, Copy, Debug)]
enum Step {
    Says(u8, u8, u8),
    Gone(u8),
    Cut,
    Restore,
    Import(u8, u8),
    Dismiss(u8),
    Template(u8),
    Restart,
}

const NAMES: [&str; 5] = ["Anna", "Anna (1)", "Ben", "Ben (2)", "Anna (1) (2)"];
const TEMPLATES: [&str; 4] = ["%c", "%c (%N)", "all", "%N"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let user = 0u8..8;
    let step = prop_oneof![
        8 => (user.clone(), 0..5u8, 0..3u8).prop_map(|(u, n, e)| Step::Says(u, n, e)),
        2 => user.clone().prop_map(Step::Gone),
        1 => Just(Step::Cut),
        1 => Just(Step::Restore),
        2 => (user, 0..12u8).prop_map(|(u, id)| Step::Import(u, id)),
        2 => (0..12u8).prop_map(Step::Dismiss),
        1 => (0..4u8).prop_map(Step::Template),
        1 => Just(Step::Restart),
    ];
    vec(step, 0..40)
}

fn guid_of(user: u8) -> Guid {
    Guid::read(&format!("user {user}"))
}

fn who(user: u8, name: u8, e164: u8) -> UserInfo {
    let e164 = ["", "1", "2"][usize::from(e164)];
    UserInfo { guid: guid_of(user), ..person(NAMES[usize::from(name)], "", e164) }
}

fn play(site: &mut Grove, step: Step) {
    match step {
        Step::Says(user, name, e164) => {
            let host = if user % 2 == 0 { "hq" } else { "other" };
            site.says(host, who(user, name, e164));
        }
        Step::Gone(user) => {
            let host = if user % 2 == 0 { "hq" } else { "other" };
            site.says(host, gone(who(user, 0, 0)));
        }
        Step::Cut => site.cut("other"),
        Step::Restore => {
            site.restore("other");
            site.pass(60_000);
        }
        Step::Import(user, id) => {
            let ids = [(guid_of(user), PermanentId(u32::from(id)))];
            site.host(HostFact::IdsImported(ids.into()));
        }
        Step::Dismiss(id) => site.host(HostFact::LineDismissed(PermanentId(u32::from(id)))),
        Step::Template(template) => {
            site.settings.name_template = TEMPLATES[usize::from(template)].into();
            site.configure();
        }
        Step::Restart => {
            site.host(HostFact::Started);
            site.configure();
        }
    }
}

/// A snapshot of the state, read back.
fn through_a_snapshot(core: &Core) -> Core {
    let mut chunks = Vec::new();
    let place = snapshot::Place { next: 7, last_at: Millis(7) };
    let written: Result<(), snapshot::WriteError<std::convert::Infallible>> =
        snapshot::write(core, place, |_, chunk| {
            chunks.push(chunk.to_vec());
            Ok(())
        });
    written.unwrap();
    snapshot::read(|number| chunks.get(number as usize)).unwrap().0
}

#[test]
fn what_lines_have_in_common_is_one_again_after_a_snapshot() {
    let mut site = site();
    play(&mut site, Step::Says(0, 0, 0));
    play(&mut site, Step::Says(2, 1, 1));
    let core = through_a_snapshot(&site.core);
    assert!(core == site.core);
    let known: Vec<_> = core.estate().lines().collect();
    assert_eq!(known.len(), 2);
    for identity in &known {
        let view = core.view(identity.line).unwrap();
        assert!(Arc::ptr_eq(&view.identity, identity), "its identity is that of the estate");
        assert!(Arc::ptr_eq(&view.identity.trunks, &known[0].trunks), "its PBX has one list");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// I-10, and names: whatever happens, an id that was given stays with its GUID, no two lines
    /// that are there have one name, and a snapshot keeps all of it.
    #[test]
    fn ids_are_for_ever_and_names_are_told_apart(steps in steps()) {
        let mut site = site();
        let mut known = BTreeMap::new();
        for step in steps {
            play(&mut site, step);
            let ids: BTreeMap<_, _> = ids(&site.core);
            for (guid, id) in &known {
                prop_assert_eq!(ids.get(guid), Some(id), "after {:?}", step);
            }
            let taken: BTreeSet<_> = ids.values().collect();
            prop_assert_eq!(taken.len(), ids.len(), "one id for one GUID");
            known = ids;
            let names = names(&site.core);
            let distinct: BTreeSet<_> = names.values().map(|(name, _)| name).collect();
            prop_assert_eq!(distinct.len(), names.len(), "{:?}", names);
        }
        prop_assert!(through_a_snapshot(&site.core) == site.core);
    }

    /// Who bears which name follows from who is there, whatever came first.
    #[test]
    fn names_do_not_depend_on_the_order_of_arrival(
        users in btree_map(0u8..8, (0u8..5, 0u8..3), 0..8),
        order in vec(any::<prop::sample::Index>(), 8),
    ) {
        let fold = |users: &[(u8, (u8, u8))]| {
            let mut site = site();
            for (user, (name, e164)) in users {
                play(&mut site, Step::Says(*user, *name, *e164));
            }
            names(&site.core)
        };
        let users: Vec<_> = users.into_iter().collect();
        let mut turned = users.clone();
        for (index, other) in order.iter().enumerate().take(users.len()) {
            turned.swap(index, other.index(users.len()));
        }
        prop_assert_eq!(fold(&users), fold(&turned));
    }
}
