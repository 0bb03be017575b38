//! Settings that change while all is running: what was applied can be read in the plan before, calls
//! go on, lines keep their ids, and the settings of before bring back what was before.

use crate::grove::{Grove, Pbx, at, gone, user};
use engine::core::Core;
use engine::effect::{Effects, Report};
use engine::estate::{PbxChange, Plan};
use engine::fact::*;
use engine::id::{Guid, LineId, PbxId};
use engine::place::Place;
use engine::tapi::CallState;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Two trees, one of them with a slave and a standby.
fn site() -> Grove {
    let users = [("Anna", ""), ("Ben", "")];
    let branch = Pbx::named("branch").with(&[("Cleo", "")]);
    let mut site = Grove::new(
        &[("hq", Some("hq2")), ("other", None)],
        vec![
            ("hq", Pbx::named("hq").with(&users).leading_to("branch", "branch")),
            ("hq2", Pbx::named("hq-standby").with(&users)),
            ("branch", branch),
            ("other", Pbx::named("other").with(&[("Dora", "")])),
            ("new", Pbx::named("new").with(&[("Emil", "")])),
        ],
    );
    for standby in &mut site.pbxs.get_mut("hq2").unwrap().users {
        standby.registered = false;
    }
    site.pass(5_000);
    assert_eq!(site.in_service(), at(&HOMES));
    site
}

const HOMES: [(&str, &str); 4] =
    [("Anna", "hq"), ("Ben", "hq"), ("Cleo", "branch"), ("Dora", "other")];

/// What the settings as they are now would change.
fn plan(site: &Grove) -> Plan {
    site.core.estate().plan(&site.settings)
}

fn names(site: &Grove) -> BTreeMap<String, String> {
    let lines = site.lines().into_iter();
    lines.map(|(cn, view)| (cn, view.identity.name.to_text())).collect()
}

fn ids(core: &Core) -> BTreeMap<Guid, LineId> {
    core.lines().map(|line| (line.view().identity.guid, line.id())).collect()
}

/// A call that has been answered, at a user who is monitored under this handle.
fn connected(user: u32) -> CallInfo {
    CallInfo { user, call: 7, active: true, state: 0x5, conf: Guid([9; 16]), ..CallInfo::default() }
}

/// Opens Dora's line, which was monitored last, and gives her a call.
fn dora_speaks(site: &mut Grove) -> LineId {
    site.open("Dora");
    let handle = site.monitored_as["Dora"];
    site.calls("other", connected(handle));
    let view = site.line("Dora");
    assert_eq!(view.calls.len(), 1);
    assert_eq!(view.calls[0].state, CallState::Connected);
    site.told_of("Dora");
    view.identity.line
}

#[test]
fn another_template_renames_lines_and_leaves_their_calls_alone() {
    let mut site = site();
    dora_speaks(&mut site);
    site.settings.name_template = "%c (%e)".into();
    let planned = plan(&site);
    assert_eq!(planned.renamed.len(), 4);
    assert_eq!(planned.renamed[0].to.name.to_text(), "Anna (20)");
    assert!(planned.pbxs.is_empty() && planned.removed.is_empty() && planned.added.is_empty());
    site.asked.clear();
    site.configure();
    assert!(site.asked.is_empty(), "no PBX is bothered: {:?}", site.asked);
    assert_eq!(names(&site)["Dora"], "Dora (20)");
    assert_eq!(site.told_of("Dora"), ["capabilities"]);
    assert_eq!(site.line("Dora").calls[0].state, CallState::Connected);
    assert!(plan(&site).is_empty(), "what has been done is not planned any more");
}

#[test]
fn a_pbx_that_is_added_begins_and_one_that_leaves_takes_its_lines_along() {
    let mut site = site();
    dora_speaks(&mut site);
    site.settings.pbxs.remove(1);
    site.settings.pbxs.insert(0, PbxSettings { master: Place::at("new"), standby: None });
    let planned = plan(&site);
    let changes: Vec<_> = planned.pbxs.iter().map(|pbx| (pbx.pbx.0, pbx.change)).collect();
    assert_eq!(changes, [(1, PbxChange::Left), (3, PbxChange::Added)]);
    let removed: Vec<_> = planned.removed.iter().map(|line| line.name.to_text()).collect();
    assert_eq!(removed, ["Dora"]);
    site.configure();
    assert!(site.told_of("Dora").contains(&"removed".to_owned()));
    assert!(site.line("Dora").removed);
    assert_eq!(site.sessions_at("other"), 0);
    assert!(site.line("Emil").in_service && site.line("Anna").in_service);
    // And back.
    let before = ids(&site.core);
    site.settings.pbxs.remove(0);
    site.settings.pbxs.push(PbxSettings { master: Place::at("other"), standby: None });
    let planned = plan(&site);
    assert_eq!(planned.added.len(), 1, "{:?}", planned.added);
    site.configure();
    assert_eq!(site.in_service(), at(&HOMES));
    assert_eq!(ids(&site.core), before);
}

#[test]
fn a_pbx_that_left_the_settings_while_nothing_ran_takes_its_lines_along_too() {
    let mut site = site();
    site.host(HostFact::Stopping);
    site.settle();
    site.host(HostFact::Started);
    site.settings.pbxs.remove(1);
    site.configure();
    site.pass(5_000);
    assert!(site.line("Dora").removed);
    assert_eq!(site.in_service(), at(&HOMES[..3]));
}

#[test]
fn without_slaves_their_lines_go_and_with_them_they_come_back() {
    let mut site = site();
    let before = ids(&site.core);
    site.settings.monitor_slaves = false;
    let planned = plan(&site);
    assert_eq!(planned.pbxs.len(), 1);
    assert_eq!((planned.pbxs[0].change, planned.removed.len()), (PbxChange::Left, 1));
    site.configure();
    assert!(site.line("Cleo").removed);
    site.settings.monitor_slaves = true;
    site.configure();
    site.pass(5_000);
    assert_eq!(site.in_service(), at(&HOMES));
    assert_eq!(ids(&site.core), before);
}

// ---- account, password, user -------------------------------------------------------------------

/// The PBXs take another password from now on, if it is asked again.
fn password(site: &mut Grove, access: u32) {
    site.pbxs.values_mut().for_each(|pbx| pbx.account = Some(access));
}

#[test]
fn another_password_is_tried_beside_the_session_and_calls_go_on() {
    let mut site = site();
    dora_speaks(&mut site);
    password(&mut site, 1);
    site.settings.access = 1;
    assert!(plan(&site).pbxs.iter().all(|pbx| pbx.change == PbxChange::Renewed));
    assert_eq!(plan(&site).pbxs.len(), 3);
    site.configure();
    for pbx in 0..3 {
        assert!(site.reports.contains(&Report::Renewed(PbxId(pbx))), "{pbx}");
    }
    let handle = site.monitored_as["Dora"];
    site.calls("other", connected(handle));
    assert_eq!(site.told_of("Dora"), ["disconnected out", "connected", "in"]);
    site.pass(100_000);
    assert_eq!(site.line("Dora").calls[0].state, CallState::Connected);
    assert_eq!(site.in_service(), at(&HOMES));
    for host in ["hq", "branch", "other"] {
        assert_eq!(site.sessions_at(host), 1, "{host}");
    }
}

#[test]
fn a_wrong_password_costs_nobody_a_call_and_the_right_one_is_taken_at_once() {
    let mut site = site();
    dora_speaks(&mut site);
    password(&mut site, 2);
    site.settings.access = 1;
    site.configure();
    site.pass(100_000);
    assert_eq!(site.told_of("Dora"), [""; 0], "nothing happened as far as anybody can see");
    let is_told =
        |report: &&Report| matches!(report, Report::NotRenewed(PbxId(1), _, Failure::AccessDenied));
    let told = site.reports.iter().filter(is_told).count();
    assert!((3..=5).contains(&told), "asked every 30 s: {told}");
    site.settings.access = 2;
    site.configure();
    assert_eq!(site.told_of("Dora"), ["disconnected out", "connected", "in"]);
    assert!(site.reports.contains(&Report::Renewed(PbxId(1))));
}

#[test]
fn a_session_that_is_lost_while_the_password_is_wrong_comes_back_with_the_right_one() {
    let mut site = site();
    password(&mut site, 2);
    site.settings.access = 1;
    site.configure();
    site.cut("other");
    site.restore("other");
    site.pass(40_000);
    assert!(!site.line("Dora").in_service);
    site.settings.access = 2;
    site.configure();
    assert_eq!(site.in_service(), at(&HOMES), "nobody waits for the end of a pause");
}

#[test]
fn calls_of_a_pbx_that_is_not_seen_are_kept_as_long_as_the_settings_say() {
    for (setting, kept_ms) in [(0, 15_000), (3_000, 3_000)] {
        let mut site = site();
        site.settings.calls_kept_ms = setting;
        site.configure();
        dora_speaks(&mut site);
        site.cut("other");
        site.pass(kept_ms - 1_000);
        assert_eq!(site.line("Dora").calls[0].state, CallState::Connected, "{setting}");
        site.pass(2_000);
        assert_eq!(site.line("Dora").calls[0].state, CallState::Idle, "{setting}");
    }
}

#[test]
fn an_unknown_user_leaves_the_lines_as_they_are() {
    let mut site = site();
    site.pbxs.get_mut("other").unwrap().refuses = true;
    site.settings.user = "TAPPI".into();
    site.configure();
    site.pass(10_000);
    assert!(site.line("Dora").in_service);
    assert!(site.reports.contains(&Report::UserRefused(PbxId(1))));
    site.pbxs.get_mut("other").unwrap().refuses = false;
    site.pass(30_000);
    assert!(site.line("Dora").in_service);
    assert!(site.reports.contains(&Report::Renewed(PbxId(1))));
    assert_eq!(site.sessions_at("other"), 1);
}

#[test]
fn a_password_that_changes_during_the_first_snapshot_removes_nobody() {
    let mut site = Grove::new(&[("hq", None)], vec![("hq", Pbx::named("hq"))]);
    let (anna, ben) = (user("Anna", ""), user("Ben", ""));
    site.pass(1_000);
    // One that has been up for a while and says more now, in two sessions side by side.
    site.says("hq", anna.clone());
    site.says("hq", ben);
    site.settings.access = 1;
    site.host(HostFact::Configured(site.settings.clone()));
    let (old, new) = (site.link_of(0, 1), site.link_of(0, 2));
    site.fact(new, PbxFact::Probed);
    let place = std::sync::Arc::new(Place::at("hq"));
    site.fact(new, PbxFact::Initialized { session: 9, place });
    site.fact(new, PbxFact::User(anna.clone().into()));
    site.fact(old, PbxFact::User(UserInfo { registered: false, ..anna }.into()));
    site.fact(new, PbxFact::User(user("Ben", "").into()));
    site.fact(new, PbxFact::User(UserInfo { active: true, ..UserInfo::default() }.into()));
    assert!(!site.line("Anna").removed && !site.line("Ben").removed);
    assert!(site.reports.contains(&Report::Renewed(PbxId(0))));
}

// ---- any changes in any order ------------------------------------------------------------------

#[derive(Clone, Debug)]
enum Step {
    Template(&'static str),
    Pure(bool),
    OneCall(bool),
    Slaves(bool),
    Trees(Vec<usize>),
    Standby(bool),
    Access(u32),
    Password(u32),
    User(&'static str),
    Cut(&'static str),
    Restore(&'static str),
    Call,
    Says(&'static str, bool),
    Restart,
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let host = || prop::sample::select(vec!["hq", "hq2", "branch", "other", "new"]);
    let step = prop_oneof![
        prop::sample::select(vec!["%c", "%e %c", "%h%d"]).prop_map(Step::Template),
        any::<bool>().prop_map(Step::Pure),
        any::<bool>().prop_map(Step::OneCall),
        any::<bool>().prop_map(Step::Slaves),
        prop::sample::subsequence(vec![0, 1, 2], 0..=3).prop_shuffle().prop_map(Step::Trees),
        any::<bool>().prop_map(Step::Standby),
        (0..3u32).prop_map(Step::Access),
        (0..3u32).prop_map(Step::Password),
        prop::sample::select(vec!["TAPI", "TAPI 2"]).prop_map(Step::User),
        host().prop_map(Step::Cut),
        host().prop_map(Step::Restore),
        Just(Step::Call),
        (prop::sample::select(vec!["Ben", "Fritz"]), any::<bool>())
            .prop_map(|(who, there)| Step::Says(who, there)),
        Just(Step::Restart),
        (0..40_000u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..25)
}

fn trees(which: &[usize], standby: bool) -> Vec<PbxSettings> {
    let tree = |number: &usize| PbxSettings {
        master: Place::at(["hq", "other", "new"][*number]),
        standby: (*number == 0 && standby).then(|| Place::at("hq2")),
    };
    which.iter().map(tree).collect()
}

/// Takes a step; returns whether it was one of the settings.
fn play(site: &mut Grove, step: Step, chosen: &mut (Vec<usize>, bool)) -> bool {
    match step {
        Step::Template(template) => site.settings.name_template = template.into(),
        Step::Pure(pure) => site.settings.pure_node_extensions = pure,
        Step::OneCall(one) => site.settings.single_active_call = one,
        Step::Slaves(follow) => site.settings.monitor_slaves = follow,
        Step::Trees(which) => chosen.0 = which,
        Step::Standby(standby) => chosen.1 = standby,
        Step::Access(access) => site.settings.access = access,
        Step::User(user) => site.settings.user = user.into(),
        Step::Password(access) => {
            password(site, access);
            return false;
        }
        Step::Cut(host) => {
            site.cut(host);
            return false;
        }
        Step::Restore(host) => {
            site.restore(host);
            return false;
        }
        Step::Call => {
            let handle = site.last_handle();
            site.calls("other", connected(handle));
            site.calls("hq", connected(handle));
            return false;
        }
        Step::Says(who, there) => {
            let who = user(who, "");
            site.says("hq", if there { who } else { gone(who) });
            return false;
        }
        Step::Restart => {
            site.host(HostFact::Started);
        }
        Step::Pass(ms) => {
            site.pass(ms);
            return false;
        }
    }
    site.settings.pbxs = trees(&chosen.0, chosen.1);
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_changes_the_plan_is_true_ids_stay_and_the_first_settings_bring_back_the_first_lines(
        steps in steps()
    ) {
        let mut site = site();
        let (first, before, called) = (site.settings.clone(), ids(&site.core), names(&site));
        let mut chosen = (vec![0, 1], true);
        for step in steps {
            if play(&mut site, step, &mut chosen) {
                let planned = plan(&site);
                let was = names(&site);
                site.host(HostFact::Configured(site.settings.clone()));
                for line in &planned.removed {
                    prop_assert!(site.line(line.cn.text()).removed);
                }
                for renaming in &planned.renamed {
                    let cn = renaming.from.cn.text();
                    prop_assert_eq!(&was[cn], &renaming.from.name.to_text());
                    prop_assert_eq!(site.line(cn).identity.name.to_text(), renaming.to.name.to_text());
                }
                let left = plan(&site);
                prop_assert!(left.is_empty(), "{:?}", left);
                site.settle();
            }
            for (guid, line) in ids(&site.core) {
                prop_assert!(before.get(&guid).is_none_or(|known| *known == line));
            }
        }
        // All as it was.
        let first_access = first.access;
        site.settings = first;
        password(&mut site, first_access);
        for host in ["hq", "hq2", "branch", "other"] {
            site.restore(host);
        }
        site.configure();
        site.says("hq", user("Ben", ""));
        site.says("hq", gone(user("Fritz", "")));
        site.pass(200_000);
        let there: BTreeMap<_, _> = names(&site)
            .into_iter()
            .filter(|(cn, _)| !site.line(cn).removed)
            .collect();
        prop_assert_eq!(there, called);
        prop_assert_eq!(site.in_service(), at(&HOMES));
        let now = ids(&site.core);
        prop_assert!(before.iter().all(|(guid, line)| now.get(guid) == Some(line)));
        // The log leads there once more.
        let mut again = Core::default();
        site.log.iter().for_each(|record| again.apply(record.clone(), &mut Effects::new()));
        prop_assert!(again == site.core);
    }
}
