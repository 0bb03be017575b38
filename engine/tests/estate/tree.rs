//! Masters with slaves, and slaves of slaves: found, followed, lost, and recognised when they are
//! the same box; users who are known at several of them, and who move.

mod coming_and_going;
mod same_box;
mod users;

use crate::grove::*;
use engine::effect::{CallChanges, Changes, Limit, Report};
use engine::fact::*;
use engine::id::*;
use engine::place::Place;

/// A master with Anna, a branch with Ben that is found through it, a kiosk with Cleo that is found
/// through the branch; and another tree with Dora.
fn site() -> Grove {
    site_of(vec![
        (
            "hq",
            Pbx::named("hq")
                .with(&[("Anna", ""), ("Ben", "branch"), ("Cleo", "kiosk")])
                .leading_to("branch", "branch"),
        ),
        (
            "branch",
            Pbx::named("branch")
                .with(&[("Ben", ""), ("Cleo", "kiosk")])
                .leading_to("kiosk", "kiosk"),
        ),
        ("kiosk", Pbx::named("kiosk").with(&[("Cleo", "")])),
        ("other", Pbx::named("other").with(&[("Dora", "")])),
    ])
}

fn site_of(pbxs: Vec<(&str, Pbx)>) -> Grove {
    let other = pbxs.iter().any(|(host, _)| *host == "other");
    let masters: &[_] = if other { &[("hq", None), ("other", None)] } else { &[("hq", None)] };
    Grove::new(masters, pbxs)
}

const HOMES: [(&str, &str); 4] =
    [("Anna", "hq"), ("Ben", "branch"), ("Cleo", "kiosk"), ("Dora", "other")];

// ---- finding ------------------------------------------------------------------------------------

#[test]
fn slaves_of_slaves_are_found_and_each_line_is_monitored_at_its_home() {
    let site = site();
    assert_eq!(site.in_service(), at(&HOMES));
    let created: Vec<u32> = site.core.lines().map(|line| line.id().0).collect();
    assert_eq!(created, [1, 2, 3, 4]);
    for host in ["hq", "branch", "kiosk", "other"] {
        assert_eq!(site.sessions_at(host), 1, "{host}");
    }
    assert!(site.reports.contains(&Report::SlaveFound(PbxId(2), "branch".into())));
}

#[test]
fn the_parent_is_asked_for_the_way_before_the_slave_is_asked_who_it_is() {
    let site = site();
    let asked: Vec<(&str, &str)> = site
        .asked
        .iter()
        .filter(|(host, what)| host == "branch" || what == "LocationUrl")
        .map(|(host, what)| (host.as_str(), what.as_str()))
        .take(4)
        .collect();
    assert_eq!(
        asked,
        [
            ("hq", "LocationUrl"),
            ("branch", "Version"),
            ("branch", "Initialize"),
            ("branch", "Poll"),
        ]
    );
}

#[test]
fn slaves_are_found_where_they_were_after_a_start_while_what_is_above_them_is_off() {
    for is_hq_off in [false, true] {
        let mut site = site();
        site.cut("branch");
        let hq = site.pbxs.get_mut("hq").unwrap();
        hq.slaves.insert("branch".into(), String::new());
        if is_hq_off {
            site.cut("hq");
        }
        site.says("hq", location("branch", false));
        site.host(HostFact::Started);
        site.polls.clear();
        site.configure();
        site.pass(10_000);
        let expected: &[_] = if is_hq_off { &HOMES[2..] } else { &[HOMES[0], HOMES[2], HOMES[3]] };
        assert_eq!(site.in_service(), at(expected), "hq is off: {is_hq_off}");
        let is_it = |report: &Report| matches!(report, Report::AtLastPlace(PbxId(3), _));
        assert!(site.reports.iter().any(is_it), "{:?}", site.reports);
        // All is as it was when they are back.
        let place = Place::at("branch").to_string();
        site.pbxs.get_mut("hq").unwrap().slaves.insert("branch".into(), place);
        site.restore("hq");
        site.restore("branch");
        site.pass(100_000);
        assert_eq!(site.in_service(), at(&HOMES));
        assert_eq!(site.sessions_at("kiosk"), 1);
    }
}

#[test]
fn a_slave_that_its_parent_does_not_know_any_more_is_not_looked_for_where_it_was() {
    let mut site = site();
    site.host(HostFact::Started);
    site.polls.clear();
    site.pbxs.get_mut("branch").unwrap().users.retain(|user| user.h323.text() != "kiosk");
    site.reports.clear();
    site.configure();
    site.pass(100_000);
    let is_it = |report: &Report| matches!(report, Report::AtLastPlace(..));
    assert!(!site.reports.iter().any(is_it), "{:?}", site.reports);
    assert_eq!(site.sessions_at("kiosk"), 0);
}

#[test]
fn a_slave_that_registers_later_is_found_when_its_object_says_so() {
    let mut site = site();
    let hq = site.pbxs.get_mut("hq").unwrap();
    hq.slaves.insert("depot".into(), String::new());
    site.pbxs.insert("depot".into(), Pbx::named("depot").with(&[("Eva", "")]));
    site.says("hq", location("depot", false));
    site.pass(100_000);
    assert!(!site.lines().contains_key("Eva"));
    let place = Place::at("depot").to_string();
    site.pbxs.get_mut("hq").unwrap().slaves.insert("depot".into(), place);
    site.says("hq", location("depot", true));
    assert!(site.line("Eva").in_service);
}

#[test]
fn a_slave_that_is_not_registered_is_no_fault_and_one_that_is_and_has_no_address_is_one() {
    for registered in [false, true] {
        let mut hq = Pbx::named("hq").with(&[("Anna", "")]);
        hq.users.push(location("branch", registered));
        let site = site_of(vec![("hq", hq)]);
        let place = std::sync::Arc::new(Place::at("hq"));
        let (offline, absent) =
            (Report::SlaveOffline(PbxId(1), place.clone()), Report::SlaveAbsent(PbxId(1), place));
        assert_eq!(site.reports.contains(&offline), !registered);
        assert_eq!(site.reports.contains(&absent), registered);
    }
}

/// What the object of a slave may look like where its type is not `loc`.
fn unlike_location(object: &str, kind: &str) -> UserInfo {
    UserInfo { object: object.into(), kind: kind.into(), ..location("branch", true) }
}

#[test]
fn a_slave_whose_object_has_no_type_is_known_by_the_name_that_its_users_have_for_it() {
    for (object, kind) in [("", ""), ("", "ep"), ("gw", "gw"), ("pbx", ""), ("", "loc")] {
        for first in [false, true] {
            let mut hq = Pbx::named("hq").with(&[("Anna", ""), ("Ben", "Branch")]);
            hq.slaves.insert("branch".into(), Place::at("branch").to_string());
            let place = if first { 0 } else { hq.users.len() };
            hq.users.insert(place, unlike_location(object, kind));
            let branch = Pbx::named("branch").with(&[("Ben", "")]);
            let mut site = site_of(vec![("hq", hq), ("branch", branch)]);
            site.pass(1_000);
            let case = format!("{object:?} {kind:?}, first: {first}");
            assert_eq!(site.in_service(), at(&[("Anna", "hq"), ("Ben", "branch")]), "{case}");
            let lines: Vec<String> =
                site.lines().into_iter().filter(|(_, v)| !v.removed).map(|(cn, _)| cn).collect();
            assert_eq!(lines, ["Anna", "Ben"], "{case}: the PBX itself is no line");
            // It stays what it is in whatever is said of it later.
            site.says("hq", unlike_location(object, kind));
            site.cut("branch");
            site.pass(1_000);
            site.restore("branch");
            site.pass(60_000);
            assert_eq!(site.in_service(), at(&[("Anna", "hq"), ("Ben", "branch")]), "{case}");
        }
    }
}

#[test]
fn an_object_at_whose_name_nobody_is_at_home_stands_for_no_pbx() {
    let mut hq = Pbx::named("hq").with(&[("Anna", "hq")]);
    for (object, kind, name) in [("gw", "gw", "fax"), ("", "ep", "hq")] {
        let like = UserInfo { object: object.into(), kind: kind.into(), ..location(name, true) };
        hq.users.push(like);
    }
    let site = site_of(vec![("hq", hq)]);
    assert!(!site.reports.iter().any(|report| matches!(report, Report::SlaveFound(..))));
}

#[test]
fn many_slaves_that_are_found_at_once_do_not_all_ask_at_once() {
    let mut site = Grove::new(&[("hq", None)], Vec::new());
    let mut hq = Pbx::named("hq");
    for name in (0..20).map(|number| format!("branch{number}")) {
        hq = hq.leading_to(&name, &name);
        site.pbxs.insert(name.clone(), Pbx::named(&name));
    }
    site.pbxs.insert("hq".into(), hq);
    let locating =
        |site: &Grove| site.asked.iter().filter(|(_, what)| what == "LocationUrl").count();
    while locating(&site) == 0 {
        site.pass(10);
    }
    assert!(locating(&site) < 4, "{}", locating(&site));
    site.pass(2_000);
    assert_eq!(locating(&site), 20);
}

#[test]
fn without_monitor_slaves_they_are_left_alone_and_their_users_are_known_and_out_of_service() {
    let mut site = Grove::new(&[], Vec::new());
    site.settings.monitor_slaves = false;
    site.settings.pbxs = vec![PbxSettings { master: Place::at("hq"), standby: None }];
    let hq = Pbx::named("hq").with(&[("Anna", ""), ("Ben", "branch")]);
    site.pbxs.insert("hq".into(), hq.leading_to("branch", "branch"));
    site.pbxs.insert("branch".into(), Pbx::named("branch").with(&[("Ben", "")]));
    site.configure();
    assert_eq!(site.in_service(), at(&[("Anna", "hq")]));
    assert!(!site.line("Ben").in_service && !site.line("Ben").connected);
    assert!(site.asked.iter().all(|(host, what)| host != "branch" && what != "LocationUrl"));
    // And this can change while all is running.
    site.settings.monitor_slaves = true;
    site.configure();
    assert_eq!(site.in_service(), at(&[("Anna", "hq"), ("Ben", "branch")]));
    site.settings.monitor_slaves = false;
    site.configure();
    assert_eq!(site.in_service(), at(&[("Anna", "hq")]));
    assert_eq!(site.sessions_at("branch"), 0);
}

// ---- where a slave is ---------------------------------------------------------------------------

#[test]
fn what_a_parent_says_of_the_way_may_be_nonsense() {
    for url in ["nowhere", "ftp://branch/x", "http://user:pw@branch/PBX0/user.soap", ""] {
        let mut site = site();
        site.pbxs.get_mut("hq").unwrap().slaves.insert("branch".into(), url.into());
        site.cut("branch");
        site.pass(200_000);
        assert!(!site.line("Ben").in_service);
        assert!(site.asked.iter().all(|(host, _)| !host.contains('@')));
        site.restore("branch");
        let place = Place::at("branch").to_string();
        site.pbxs.get_mut("hq").unwrap().slaves.insert("branch".into(), place);
        site.pass(40_000);
        assert!(site.line("Ben").in_service, "{url}");
    }
}

#[test]
fn a_password_is_not_sent_in_the_clear_to_a_slave_of_a_master_that_is_asked_with_tls() {
    for allowed in [false, true] {
        let mut site = Grove::new(&[], Vec::new());
        let master = Place { https: true, ..Place::at("hq") };
        site.settings.pbxs = vec![PbxSettings { master, standby: None }];
        site.settings.allow_plain_slaves = allowed;
        site.pbxs.insert("hq".into(), Pbx::named("hq").leading_to("branch", "branch"));
        site.pbxs.insert("branch".into(), Pbx::named("branch").with(&[("Ben", "")]));
        site.configure();
        let refused = site.reports.iter().any(|report| matches!(report, Report::SlavePlain(..)));
        assert_eq!(refused, !allowed);
        assert_eq!(site.asked.iter().any(|(host, _)| host == "branch"), allowed);
    }
}

// ---- what is not to be believed -----------------------------------------------------------------

#[test]
fn a_snapshot_that_breaks_off_removes_nobody() {
    let mut site = site();
    site.pass(100_000);
    for host in ["hq", "branch", "hq"] {
        site.cut(host);
        // It is there again; after the first user of its snapshot it is gone again.
        site.pbxs.get_mut(host).unwrap().breaks_off = true;
        site.restore(host);
        site.pass(40_000);
        site.cut(host);
        let lines = site.lines();
        assert_eq!(lines.len(), 4, "{host}");
        assert!(lines.values().all(|view| !view.removed), "{host}");
        site.pbxs.get_mut(host).unwrap().breaks_off = false;
        site.restore(host);
        site.pass(60_000);
        assert_eq!(site.in_service(), at(&HOMES), "{host}");
    }
    let ids: Vec<u32> = site.core.lines().map(|line| line.id().0).collect();
    assert_eq!(ids, [1, 2, 3, 4], "nobody has another line");
}

#[test]
fn lines_that_the_older_picture_of_a_slaves_standby_lacks_are_out_of_service_until_it_is_gone() {
    let mut site = site();
    site.says("branch", user("Emil", ""));
    site.pass(100_000);
    let line = site.line("Emil").identity.line;
    // Its standby registers in its place, with a copy of before Emil.
    let standby = Pbx::named("branch2").with(&[("Ben", ""), ("Cleo", "kiosk")]);
    site.pbxs.insert("branch2".into(), standby.leading_to("kiosk", "kiosk"));
    site.cut("branch");
    let way = |site: &mut Grove, host: &str| {
        let hq = site.pbxs.get_mut("hq").unwrap();
        hq.slaves.insert("branch".into(), Place::at(host).to_string());
        site.says("hq", location("branch", true));
    };
    way(&mut site, "branch2");
    site.pass(60_000);
    let emil = site.line("Emil");
    assert!(!emil.removed && !emil.in_service, "known, and out of service");
    assert_eq!(site.monitored["Ben"], "branch2");
    assert!(site.line("Cleo").in_service, "nor is the slave lost that both know");
    let missing = Changes { missing: 1, ..Changes::default() };
    assert!(site.reports.contains(&Report::Changed(PbxId(2), missing)), "{:?}", site.reports);
    // Whoever is deleted at the standby is gone, as it knew him.
    site.says("branch2", gone(user("Ben", "")));
    site.says("hq", gone(user("Ben", "branch")));
    assert!(site.line("Ben").removed);
    site.says("branch2", user("Ben", ""));
    // The slave itself is back.
    site.restore("branch");
    way(&mut site, "branch");
    site.cut("branch2");
    site.pass(60_000);
    assert!(site.line("Emil").in_service && site.line("Ben").in_service);
    assert_eq!(site.line("Emil").identity.line, line);
    // What it leaves out itself is gone: Emil was deleted while nobody saw.
    site.cut("branch");
    site.pbxs.get_mut("branch").unwrap().users.retain(|user| user.cn.text() != "Emil");
    site.restore("branch");
    site.pass(60_000);
    assert!(site.line("Emil").removed);
}

#[test]
fn a_user_whom_the_standby_of_his_slave_does_not_know_moves_to_whoever_does() {
    for moves_first in [false, true] {
        let mut site = site();
        site.says("branch", user("Emil", ""));
        site.cut("branch");
        site.pbxs.insert("branch2".into(), Pbx::named("branch").with(&[("Ben", "")]));
        if moves_first {
            site.says("hq", user("Emil", ""));
        }
        let hq = site.pbxs.get_mut("hq").unwrap();
        hq.slaves.insert("branch".into(), Place::at("branch2").to_string());
        site.says("hq", location("branch", true));
        site.pass(60_000);
        assert_eq!(site.monitored["Ben"], "branch2");
        if !moves_first {
            assert!(!site.line("Emil").in_service);
            site.says("hq", user("Emil", ""));
        }
        assert_eq!(site.monitored["Emil"], "hq");
        assert!(site.line("Emil").in_service, "moves first: {moves_first}");
    }
}

#[test]
fn a_hint_that_comes_while_the_session_is_being_opened_is_heeded() {
    let mut site = site();
    site.cut("branch");
    site.restore("branch");
    site.pbxs.insert("branch2".into(), Pbx::named("branch").with(&[("Ben", "")]));
    site.begins_to_say("hq", location("branch", true));
    site.settle_until("Initialize");
    let hq = site.pbxs.get_mut("hq").unwrap();
    hq.slaves.insert("branch".into(), Place::at("branch2").to_string());
    site.begins_to_say("hq", location("branch", true));
    site.settle();
    assert_eq!(site.monitored["Ben"], "branch", "where it was when that was asked");
    site.pass(2_000);
    assert_eq!(site.monitored["Ben"], "branch2");
}

#[test]
fn a_slave_that_is_looked_for_where_it_was_last_is_asked_for_again_once_it_is_found_there() {
    let mut site = site();
    site.cut("hq");
    site.cut("branch");
    site.restore("branch");
    site.pass(60_000);
    assert_eq!(site.monitored["Ben"], "branch", "nobody could say where it is");
    site.pbxs.insert("branch2".into(), Pbx::named("branch").with(&[("Ben", "")]));
    site.restore("hq");
    let hq = site.pbxs.get_mut("hq").unwrap();
    hq.slaves.insert("branch".into(), Place::at("branch2").to_string());
    site.pass(60_000);
    assert_eq!(site.monitored["Ben"], "branch2");
}

#[test]
fn a_session_that_was_answered_after_it_had_been_given_up_keeps_nobody_at_home() {
    let mut site = site();
    site.says("branch", user("Emil", ""));
    site.says("hq", user("Emil", ""));
    assert_eq!(site.monitored["Emil"], "branch");
    let id = |host: &str, site: &Grove| {
        let polled = site.polls.iter().find(|(_, (at, _))| at == host);
        polled.map(|(link, _)| *link).unwrap()
    };
    let branch = id("branch", &site);
    // Twice other settings: the first session with others is given up before it is there.
    site.hold = true;
    for access in [1, 2] {
        site.settings.access = access;
        site.configure();
    }
    let given_up = Link { attempt: Attempt(branch.attempt.0 + 1), ..branch };
    let place = std::sync::Arc::new(Place::at("branch"));
    site.fact(given_up, PbxFact::Initialized { session: 99, place });
    site.cut("branch");
    site.pass(60_000);
    assert_eq!(site.monitored["Emil"], "hq");
}
