//! A master with a standby: who is asked when, and what applications see of it.

use crate::grove::*;
use engine::effect::{Interface, Report};
use engine::fact::*;
use engine::id::*;
use engine::pbx::PROBE_MS;
use proptest::prelude::*;

/// Anna and Ben at a master; its standby has the same users, with nobody registered.
fn site() -> Grove {
    let mut standby = Pbx::named("hq").with(&[("Anna", ""), ("Ben", "")]);
    standby.who.serial = "the standby".into();
    standby.users.iter_mut().for_each(|user| user.registered = false);
    let master = Pbx::named("hq").with(&[("Anna", ""), ("Ben", "")]);
    Grove::new(&[("hq", Some("hq2"))], vec![("hq", master), ("hq2", standby)])
}

/// The phones register there, or go away.
fn register(site: &mut Grove, host: &str, registered: bool) {
    for mut user in site.pbxs[host].users.clone() {
        user.registered = registered;
        match site.sessions_at(host) {
            0 => {
                let users = &mut site.pbxs.get_mut(host).unwrap().users;
                users.iter_mut().for_each(|user| user.registered = registered);
            }
            _ => site.says(host, user),
        }
    }
}

/// The master fails, and the phones turn to the standby.
fn fail(site: &mut Grove) {
    site.cut("hq");
    register(site, "hq2", true);
}

fn hosts(site: &Grove) -> Vec<&str> {
    site.asked.iter().map(|(host, _)| host.as_str()).collect()
}

fn both(host: &str) -> Vec<(String, String)> {
    at(&[("Anna", host), ("Ben", host)])
}

/// What was told about a line's being in service.
fn pairs(site: &mut Grove, cn: &str) -> Vec<String> {
    let mut told = site.told_of(cn);
    told.retain(|words| words.contains("in") || words.contains("out"));
    told
}

#[test]
fn while_the_master_answers_nobody_asks_the_standby() {
    let mut site = site();
    site.pass(600_000);
    assert_eq!(site.in_service(), both("hq"));
    assert!(hosts(&site).iter().all(|host| *host == "hq"));
}

#[test]
fn who_users_are_says_the_box_that_serves_and_not_the_idle_one_that_is_looked_at() {
    let mut site = site();
    fail(&mut site);
    let anna = user("Anna", "");
    let renamed = UserInfo { cn: "Anne".into(), ..anna };
    site.says("hq2", renamed);
    site.restore("hq");
    register(&mut site, "hq", false);
    site.pass(2 * PROBE_MS);
    assert!(site.asked.iter().any(|(host, what)| host == "hq" && what == "Probe"));
    assert!(site.line("Anne").in_service);
    register(&mut site, "hq", true);
    site.pass(2 * PROBE_MS);
    assert!(site.line("Anna").in_service, "the master is in use again, and knows her by this name");
}

#[test]
fn a_user_renamed_while_the_standby_is_left_is_asked_for_under_the_new_name() {
    let mut site = site();
    fail(&mut site);
    site.restore("hq");
    register(&mut site, "hq", true);
    register(&mut site, "hq2", false);
    site.pass_until("End");
    // The session with the standby has not ended yet.
    assert_eq!(site.sessions_at("hq2"), 1);
    let ben = user("Ben", "");
    site.says("hq", UserInfo { cn: "Benedict".into(), ..ben });
    assert_eq!(site.monitored["Benedict"], "hq");
}

#[test]
fn the_standby_is_asked_at_once_when_the_session_is_lost() {
    let mut site = site();
    site.pass(100_000);
    site.asked.clear();
    site.cut("hq");
    assert_eq!(hosts(&site)[..3], ["hq", "hq2", "hq2"], "left, and asked without a pause");
    assert_eq!(site.sessions_at("hq2"), 1);
}

#[test]
fn the_standby_is_asked_at_once_when_the_master_refuses_the_first_connection() {
    let mut site = Grove::new(&[("hq", Some("hq2"))], vec![("hq2", site().pbxs["hq2"].clone())]);
    assert_eq!(site.sessions_at("hq2"), 1);
    register(&mut site, "hq2", true);
    assert_eq!(site.in_service(), both("hq2"));
}

#[test]
fn when_neither_answers_both_are_tried_between_pauses_that_grow() {
    let mut site = Grove::new(&[("hq", Some("hq2"))], Vec::new());
    site.pass(600_000);
    let rounds: Vec<&[(String, String)]> =
        site.asked.chunks(4).filter(|round| round.len() == 4).collect();
    for round in &rounds {
        let there: Vec<(&str, &str)> =
            round.iter().map(|(host, what)| (host.as_str(), what.as_str())).collect();
        assert_eq!(there[0].1, "Version");
        assert_eq!(there[1].1, "Leave");
        assert_ne!(there[0].0, there[2].0, "each once in a round");
    }
    assert!((20..30).contains(&rounds.len()), "{}", rounds.len());
}

#[test]
fn taking_over_is_one_pair_out_of_and_into_service() {
    let mut site = site();
    site.open("Anna");
    site.pass(100_000);
    fail(&mut site);
    assert_eq!(site.in_service(), both("hq2"));
    assert_eq!(pairs(&mut site, "Anna"), ["disconnected out", "in"]);
}

#[test]
fn the_master_is_looked_at_from_time_to_time_and_taken_back_when_its_users_are_there() {
    let mut site = site();
    site.open("Anna");
    site.pass(100_000);
    fail(&mut site);
    site.told.clear();
    site.asked.clear();
    site.pass(10 * PROBE_MS);
    let probes = site.asked.iter().filter(|(_, what)| what == "Probe").count();
    assert!((9..=11).contains(&probes), "{probes}");
    assert!(site.told_of("Anna").is_empty(), "nobody notices");
    // It is back, but the phones are not: they stay where they are.
    register(&mut site, "hq", false);
    site.restore("hq");
    site.pass(3 * PROBE_MS);
    assert_eq!(site.in_service(), both("hq2"));
    assert_eq!((site.sessions_at("hq"), site.sessions_at("hq2")), (0, 1));
    register(&mut site, "hq", true);
    register(&mut site, "hq2", false);
    site.told.clear();
    site.pass(PROBE_MS);
    assert_eq!(site.in_service(), both("hq"));
    assert_eq!((site.sessions_at("hq"), site.sessions_at("hq2")), (1, 0));
    assert!(site.reports.contains(&Report::BackAtMaster(PbxId(0))));
}

#[test]
fn a_master_that_refuses_newer_flags_is_taken_back_with_older_ones() {
    let mut site = site();
    for host in ["hq", "hq2"] {
        site.pbxs.get_mut(host).unwrap().newest = Some(Interface::V7);
    }
    site.restore("hq");
    site.pass(100_000);
    fail(&mut site);
    site.pass(PROBE_MS);
    assert_eq!(site.in_service(), both("hq2"));
    register(&mut site, "hq2", false);
    site.restore("hq");
    site.pass(2 * PROBE_MS);
    assert_eq!(site.in_service(), both("hq"));
}

#[test]
fn going_back_is_one_pair_too_and_no_line_is_doubled_or_gets_another_id() {
    let mut site = site();
    site.open("Anna");
    site.pass(100_000);
    fail(&mut site);
    site.told.clear();
    register(&mut site, "hq", true);
    site.restore("hq");
    site.pass(2 * PROBE_MS);
    assert_eq!(pairs(&mut site, "Anna"), ["disconnected out", "in"]);
    let ids: Vec<u32> = site.core.lines().map(|line| line.id().0).collect();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn a_master_that_only_blinked_is_taken_back_soon_because_the_standby_serves_nobody() {
    let mut site = site();
    site.pass(100_000);
    site.cut("hq");
    site.restore("hq");
    site.pass(2_000);
    assert_eq!(site.in_service(), both("hq"));
}

#[test]
fn phones_that_leave_the_standby_are_looked_for_at_the_master_soon() {
    let mut site = site();
    site.pass(100_000);
    fail(&mut site);
    site.pass(10 * PROBE_MS);
    register(&mut site, "hq", true);
    site.restore("hq");
    register(&mut site, "hq2", false);
    site.asked.clear();
    site.pass(1_000);
    assert_eq!(site.in_service(), both("hq"));
    assert_eq!(site.asked.iter().filter(|(_, what)| what == "Probe").count(), 1);
}

#[test]
fn phones_that_leave_while_the_master_is_looked_at_in_vain_are_not_overlooked() {
    let mut site = site();
    site.pass(100_000);
    fail(&mut site);
    site.pass(PROBE_MS + 2_000);
    // The trial is under way when the master comes back; its answer is of before.
    let trial = Link { pbx: PbxId(0), attempt: Attempt(site.latest_attempt + 1) };
    site.hold = true;
    while site.asked.last().is_none_or(|(_, what)| what != "Probe") {
        site.pass(1_000);
    }
    register(&mut site, "hq", true);
    site.restore("hq");
    register(&mut site, "hq2", false);
    site.hold = false;
    site.fact(trial, PbxFact::Failed(Question::Probe, Failure::Unreachable));
    site.pass(2_000);
    assert_eq!(site.in_service(), both("hq"));
}

#[test]
fn an_idle_standby_may_refuse_the_session() {
    let mut site = site();
    site.pbxs.get_mut("hq2").unwrap().refuses = true;
    site.pass(100_000);
    site.cut("hq");
    site.restore("hq");
    site.pass(3_000);
    assert_eq!(site.in_service(), both("hq"));
}

#[test]
fn calls_live_on_at_the_standby_and_back_at_the_master() {
    let mut site = site();
    site.open("Anna");
    site.pass(100_000);
    let talking = |site: &Grove, call| CallInfo {
        // Anna is asked for first each time.
        user: site.last_handle() - 1,
        call,
        active: true,
        state: 5,
        conf: Guid::read("conf 1"),
        ..CallInfo::default()
    };
    let call = talking(&site, 7);
    site.calls("hq", call);
    assert_eq!(site.line("Anna").calls.len(), 1);
    site.told.clear();
    fail(&mut site);
    let call = talking(&site, 31);
    site.calls("hq2", call);
    site.pass(20_000);
    register(&mut site, "hq", true);
    site.restore("hq");
    while site.sessions_at("hq") == 0 {
        site.pass(1_000);
    }
    let call = talking(&site, 7);
    site.calls("hq", call);
    site.pass(20_000);
    let told = site.told_of("Anna");
    let twice = ["disconnected out", "connected", "in", "disconnected out", "connected", "in"];
    assert_eq!(told, twice, "nothing about the call");
    assert_eq!(site.line("Anna").calls.len(), 1);
}

#[test]
fn a_standby_with_an_older_picture_removes_nobody() {
    let mut site = site();
    site.says("hq", user("Cleo", ""));
    site.pass(100_000);
    fail(&mut site);
    site.pass(10_000);
    assert!(!site.line("Cleo").removed && !site.line("Cleo").in_service);
    register(&mut site, "hq", true);
    site.restore("hq");
    site.pass(2 * PROBE_MS);
    assert!(site.line("Cleo").in_service);
}

#[test]
fn a_user_deleted_while_the_standby_served_loses_the_line_when_the_master_is_back() {
    let mut site = site();
    site.pass(100_000);
    fail(&mut site);
    site.pbxs.get_mut("hq").unwrap().users.retain(|user| user.cn.text() != "Ben");
    register(&mut site, "hq", true);
    site.restore("hq");
    site.pass(2 * PROBE_MS);
    assert!(site.line("Ben").removed);
    assert!(site.line("Anna").in_service);
}

#[test]
fn a_standby_is_followed_also_where_slaves_are_not() {
    let mut site = site();
    site.settings.monitor_slaves = false;
    site.configure();
    site.pass(100_000);
    fail(&mut site);
    assert_eq!(site.in_service(), both("hq2"));
}

#[test]
fn a_slave_asks_the_standby_of_its_parent_for_its_way_when_the_master_is_gone() {
    let mut site = site();
    for host in ["hq", "hq2"] {
        let pbx = site.pbxs.remove(host).unwrap();
        site.pbxs.insert(host.into(), pbx.leading_to("branch", "branch"));
    }
    site.pbxs.insert("branch".into(), Pbx::named("branch").with(&[("Cleo", "")]));
    site.says("hq", location("branch", true));
    site.pass(100_000);
    fail(&mut site);
    site.cut("branch");
    site.restore("branch");
    site.pass(5_000);
    assert!(site.line("Cleo").in_service);
}

#[test]
fn a_standby_that_joins_the_settings_is_used_and_one_that_leaves_them_is_left() {
    let mut site = site();
    site.settings.pbxs[0].standby = None;
    site.configure();
    site.pass(100_000);
    assert_eq!(site.sessions_at("hq"), 1, "nothing was lost by it");
    site.cut("hq");
    site.pass(5_000);
    assert_eq!(site.sessions_at("hq2"), 0);
    site.settings.pbxs[0].standby = Some(engine::place::Place::at("hq2"));
    site.configure();
    site.pass(30_000);
    register(&mut site, "hq2", true);
    assert_eq!(site.in_service(), both("hq2"));
    site.settings.pbxs[0].standby = None;
    site.restore("hq");
    site.configure();
    assert_eq!((site.sessions_at("hq"), site.sessions_at("hq2")), (1, 0));
}

#[test]
fn the_trouble_of_one_tree_is_not_that_of_another() {
    let mut site = site();
    site.pbxs.insert("other".into(), Pbx::named("other").with(&[("Dora", "")]));
    let master = engine::place::Place::at("other");
    site.settings.pbxs.push(PbxSettings { master, standby: None });
    site.configure();
    site.open("Dora");
    site.cut("hq");
    site.cut("hq2");
    site.pass(100_000);
    assert!(site.told_of("Dora").is_empty());
    assert!(site.line("Dora").in_service);
}

/// Something that happens to master and standby.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A phone is there or not: at the standby, or at the master; Ben's or Anna's.
    Register(bool, bool, bool),
    Cut(bool),
    Restore(bool),
    Refuse(bool, bool),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let flag = any::<bool>;
    let step = prop_oneof![
        4 => any::<[bool; 3]>().prop_map(|[at, who, on]| Step::Register(at, who, on)),
        2 => flag().prop_map(Step::Cut),
        2 => flag().prop_map(Step::Restore),
        1 => any::<[bool; 2]>().prop_map(|[at, on]| Step::Refuse(at, on)),
        3 => (0..40_000u64).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 0..40)
}

fn play(site: &mut Grove, step: Step) {
    let host = |standby: bool| if standby { "hq2" } else { "hq" };
    match step {
        Step::Register(standby, ben, registered) => {
            let cn = if ben { "Ben" } else { "Anna" };
            site.says(host(standby), UserInfo { registered, ..user(cn, "") });
        }
        Step::Cut(standby) => site.cut(host(standby)),
        Step::Restore(standby) => site.restore(host(standby)),
        Step::Refuse(standby, on) => site.pbxs.get_mut(host(standby)).unwrap().refuses = on,
        Step::Wait(ms) => site.pass(ms),
    }
}

proptest! {
    #[test]
    fn when_all_is_quiet_one_of_the_two_serves_and_it_is_the_master_if_anybody_is_there(
        steps in steps(),
    ) {
        let mut site = site();
        steps.into_iter().for_each(|step| play(&mut site, step));
        for host in ["hq", "hq2"] {
            site.restore(host);
            site.pbxs.get_mut(host).unwrap().refuses = false;
        }
        site.pass(200_000);
        let registered = |site: &Grove, host: &str| {
            site.pbxs[host].users.iter().filter(|user| user.registered).count()
        };
        let sessions = (site.sessions_at("hq"), site.sessions_at("hq2"));
        prop_assert!(sessions == (1, 0) || sessions == (0, 1), "{:?}", sessions);
        prop_assert!(registered(&site, "hq") == 0 || sessions == (1, 0));
        let serving = if sessions.0 == 1 { "hq" } else { "hq2" };
        for cn in ["Anna", "Ben"] {
            let users = &site.pbxs[serving].users;
            let registered = users.iter().any(|user| user.cn.text() == cn && user.registered);
            prop_assert_eq!(site.line(cn).in_service, registered);
            prop_assert!(!site.line(cn).removed);
        }
        let ids: Vec<u32> = site.core.lines().map(|line| line.id().0).collect();
        prop_assert_eq!(ids, [1, 2]);
    }
}
