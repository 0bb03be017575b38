//! Masters with slaves, and slaves of slaves: found, followed, lost, and recognised when they are
//! the same box; users who are known at several of them, and who move.
#![allow(clippy::unwrap_used, missing_docs)]

mod grove;
#[path = "tree/users.rs"]
mod users;

use engine::effect::{CallChanges, Changes, Limit, Report};
use engine::fact::*;
use engine::id::*;
use engine::place::Place;
use grove::*;

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

// ---- coming and going ---------------------------------------------------------------------------

#[test]
fn each_pbx_that_is_cut_takes_its_own_lines_out_of_service_and_brings_them_back() {
    let mut site = site();
    for (cn, host) in HOMES {
        let ids: Vec<_> = site.lines().values().map(|view| view.identity.line).collect();
        site.cut(host);
        let others: Vec<_> = HOMES.iter().filter(|(_, at)| *at != host).copied().collect();
        assert_eq!(site.in_service(), at(&others), "without {host}");
        assert!(!site.line(cn).connected);
        site.restore(host);
        site.pass(60_000);
        assert_eq!(site.in_service(), at(&HOMES), "{host} is back");
        let after: Vec<_> = site.lines().values().map(|view| view.identity.line).collect();
        assert_eq!(ids, after);
    }
}

#[test]
fn a_slave_that_is_elsewhere_after_a_loss_is_found_there() {
    let mut site = site();
    site.pbxs.insert("stand-in".into(), Pbx::named("branch").with(&[("Ben", "")]));
    let place = Place::at("stand-in").to_string();
    site.pbxs.get_mut("hq").unwrap().slaves.insert("branch".into(), place);
    site.cut("branch");
    assert_eq!(site.monitored["Ben"], "stand-in");
    assert!(site.line("Ben").in_service, "no pause was needed");
}

#[test]
fn a_slave_that_registers_from_elsewhere_is_turned_to_although_the_other_box_still_answers() {
    let mut site = site();
    site.pbxs.insert("stand-in".into(), Pbx::named("branch").with(&[("Ben", "")]));
    let hq = site.pbxs.get_mut("hq").unwrap();
    hq.slaves.insert("branch".into(), Place::at("stand-in").to_string());
    site.says("hq", location("branch", true));
    site.pass(1_000);
    assert_eq!(site.monitored["Ben"], "stand-in");
    assert_eq!((site.sessions_at("branch"), site.sessions_at("stand-in")), (0, 1));
    // A phone that leaves is a hint as well, and costs nothing if all is as before.
    site.asked.clear();
    site.says("stand-in", UserInfo { registered: false, ..user("Ben", "") });
    site.says("stand-in", user("Ben", ""));
    site.pass(100_000);
    let located = site.asked.iter().filter(|(_, what)| what == "LocationUrl").count();
    assert_eq!((located, site.sessions_at("stand-in")), (1, 1));
    assert!(site.line("Ben").in_service);
}

#[test]
fn a_slave_that_registers_from_elsewhere_while_another_password_is_tried_is_not_overlooked() {
    let mut site = site();
    site.pbxs.insert("stand-in".into(), Pbx::named("branch").with(&[("Ben", "")]));
    site.hold = true;
    site.settings.access = 1;
    site.configure();
    let hq = site.pbxs.get_mut("hq").unwrap();
    hq.slaves.insert("branch".into(), Place::at("stand-in").to_string());
    site.says("hq", location("branch", true));
    site.fact(site.link_of(2, 2), PbxFact::Probed);
    site.pass(0);
    assert!(site.reports.contains(&Report::Renewed(PbxId(2))));
    site.pass(1_000);
    assert_eq!(site.monitored["Ben"], "stand-in");
    assert_eq!((site.sessions_at("branch"), site.sessions_at("stand-in")), (0, 1));
}

#[test]
fn a_slave_that_comes_back_while_the_standby_of_its_parent_serves_is_turned_to() {
    for parent_is_idle in [false, true] {
        let hq = || {
            let hq = Pbx::named("hq").with(&[("Anna", ""), ("Ben", "branch")]);
            hq.leading_to("branch", "branch2")
        };
        let branch = || Pbx::named("branch").with(&[("Ben", "")]);
        let pbxs = vec![("hq", hq()), ("hq2", hq()), ("branch", branch()), ("branch2", branch())];
        let mut site = Grove::new(&[("hq", Some("hq2"))], pbxs);
        site.pass(100_000);
        assert_eq!(site.monitored["Ben"], "branch2");
        // The master fails, or has no slaves any more; its standby knows that the slave itself is
        // back. What the slave's standby says is the only hint.
        if parent_is_idle {
            site.pbxs.get_mut("hq").unwrap().slaves.clear();
        } else {
            site.cut("hq");
        }
        let way = Place::at("branch").to_string();
        site.pbxs.get_mut("hq2").unwrap().slaves.insert("branch".into(), way);
        site.says("branch2", UserInfo { registered: false, ..user("Ben", "") });
        site.pass(10_000);
        assert_eq!(site.monitored["Ben"], "branch", "idle: {parent_is_idle}");
        assert!(site.line("Ben").in_service);
    }
}

#[test]
fn a_slave_whose_object_is_deleted_is_left_with_all_below_it() {
    let mut site = site();
    site.says("hq", gone(location("branch", false)));
    assert_eq!((site.sessions_at("branch"), site.sessions_at("kiosk")), (0, 0));
    assert_eq!(site.in_service(), at(&[("Anna", "hq"), ("Dora", "other")]));
    // The master still speaks of them.
    assert!(!site.line("Ben").removed && !site.line("Cleo").removed);
    site.says("hq", location("branch", true));
    site.pass(1_000);
    assert_eq!(site.in_service(), at(&HOMES));
}

#[test]
fn a_slave_that_is_not_in_the_next_snapshot_is_left() {
    let mut site = site();
    site.cut("hq");
    site.pbxs.get_mut("hq").unwrap().users.retain(|user| &*user.object != "loc");
    site.restore("hq");
    site.pass(60_000);
    assert_eq!((site.sessions_at("branch"), site.sessions_at("kiosk")), (0, 0));
}

#[test]
fn users_that_vanished_while_nobody_looked_lose_their_lines_and_keep_their_ids() {
    let mut site = site();
    let id = site.line("Dora").identity.line;
    site.cut("other");
    site.pbxs.get_mut("other").unwrap().users.clear();
    site.restore("other");
    site.pass(60_000);
    assert!(site.line("Dora").removed);
    site.says("other", user("Dora", ""));
    assert!(site.line("Dora").in_service);
    assert_eq!(site.line("Dora").identity.line, id);
}

#[test]
fn a_pbx_that_reports_as_much_as_it_can_is_reported() {
    for (count, is_told) in [(1_999, false), (2_000, true)] {
        let mut hq = Pbx::named("hq");
        hq.users = (0..count).map(|number| user(&format!("User {number}"), "")).collect();
        let site = site_of(vec![("hq", hq)]);
        let told = Report::ScopeFull(PbxId(0), count);
        assert_eq!(site.reports.contains(&told), is_told);
    }
}

#[test]
fn what_changed_while_nobody_looked_is_reported() {
    let mut site = site();
    site.cut("other");
    let other = site.pbxs.get_mut("other").unwrap();
    other.users = vec![user("Eva", ""), user("Fred", ""), user("Gil", "")];
    site.restore("other");
    site.pass(60_000);
    let changes = Changes { added: 3, renamed: 0, gone: 1, missing: 0 };
    assert!(site.reports.contains(&Report::Changed(PbxId(1), changes)));
    site.cut("other");
    site.pbxs.get_mut("other").unwrap().users[0].e164 = "99".into();
    site.restore("other");
    site.reports.clear();
    site.pass(60_000);
    let changes = Changes { added: 0, renamed: 1, gone: 0, missing: 0 };
    assert!(site.reports.contains(&Report::Changed(PbxId(1), changes)));
    site.cut("other");
    site.restore("other");
    site.reports.clear();
    site.pass(60_000);
    assert!(!site.reports.iter().any(|report| matches!(report, Report::Changed(..))));
}

#[test]
fn a_pbx_that_leaves_the_settings_is_left_and_another_order_changes_nothing() {
    let mut site = site();
    site.settings.pbxs.reverse();
    site.asked.clear();
    site.configure();
    assert!(site.asked.is_empty(), "{:?}", site.asked);
    site.settings.pbxs.retain(|pbx| &*pbx.master.authority == "other");
    site.configure();
    assert_eq!(site.in_service(), at(&[("Dora", "other")]));
    assert!(site.line("Anna").removed && site.line("Cleo").removed);
    site.settings.pbxs.push(PbxSettings { master: Place::at("hq"), standby: None });
    site.configure();
    assert_eq!(site.in_service(), at(&HOMES));
    let ids: Vec<u32> = site.core.lines().map(|line| line.id().0).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
}

// ---- the same box -------------------------------------------------------------------------------

#[test]
fn a_slave_that_leads_back_to_its_master_is_recognised() {
    let mut site = site();
    let place = Place::at("hq").to_string();
    site.pbxs.get_mut("kiosk").unwrap().slaves.insert("loop".into(), place);
    site.says("kiosk", location("loop", true));
    site.pass(120_000);
    assert_eq!(site.sessions_at("hq"), 1);
    assert!(site.reports.iter().any(|report| matches!(report, Report::SameBox(_, PbxId(0)))));
    assert_eq!(site.in_service(), at(&HOMES));
}

#[test]
fn a_box_that_two_parents_lead_to_is_looked_after_once_and_by_the_other_way_if_one_goes() {
    let mut site = site();
    let place = Place::at("kiosk").to_string();
    site.pbxs.get_mut("hq").unwrap().slaves.insert("short cut".into(), place);
    site.says("hq", location("short cut", true));
    site.pass(1_000);
    assert_eq!(site.sessions_at("kiosk"), 1);
    site.says("branch", gone(location("kiosk", false)));
    site.pass(1_000);
    assert_eq!(site.sessions_at("kiosk"), 1);
    assert_eq!(site.in_service(), at(&HOMES));
}

#[test]
fn two_boxes_of_one_name_are_told_apart_by_their_serial_numbers() {
    let mut site = site();
    let mut twin = Pbx::named("branch").with(&[("Eva", "")]);
    twin.who.serial = "another".into();
    site.pbxs.insert("twin".into(), twin);
    let place = Place::at("twin").to_string();
    site.pbxs.get_mut("hq").unwrap().slaves.insert("twin".into(), place);
    site.says("hq", location("twin", true));
    site.pass(1_000);
    assert!(site.line("Eva").in_service && site.line("Ben").in_service);
}

#[test]
fn a_chain_of_slaves_is_followed_only_so_far() {
    let mut site = site();
    for n in 0..40 {
        let (name, next) = (format!("link{n}"), format!("link{}", n + 1));
        site.pbxs.insert(name.clone(), Pbx::named(&name).leading_to(&next, &next));
    }
    let place = Place::at("link0").to_string();
    site.pbxs.get_mut("hq").unwrap().slaves.insert("link0".into(), place);
    site.says("hq", location("link0", true));
    site.pass(10_000);
    assert_eq!(site.sessions_at("link15"), 1);
    assert_eq!(site.sessions_at("link16"), 0);
    assert!(site.reports.contains(&Report::LimitReached(Limit::Depth)));
}

#[test]
fn no_more_pbxs_get_a_number_than_there_is_room_for() {
    let mut site = Grove::new(&[("hq", None)], vec![("hq", Pbx::named("hq"))]);
    site.settings.monitor_slaves = false;
    site.configure();
    for n in 0..5_000 {
        site.says("hq", location(&format!("branch{n}"), true));
    }
    assert!(site.reports.contains(&Report::LimitReached(Limit::Pbxs)));
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
    site.fact(given_up, PbxFact::Initialized { session: 99, key: 7, place });
    site.cut("branch");
    site.pass(60_000);
    assert_eq!(site.monitored["Emil"], "hq");
}

#[test]
fn what_became_of_calls_while_nobody_looked_is_reported() {
    let mut site = site();
    site.open("Anna");
    site.pass(100_000);
    let handle = |site: &Grove, cn: &str| site.handle_of(cn);
    let leg = |user: u32, call: u32, state: u32, conf: &str| CallInfo {
        user,
        call,
        active: true,
        state,
        conf: Guid::read(conf),
        ..CallInfo::default()
    };
    let anna = handle(&site, "Anna");
    for (call, conf) in [(1, "kept"), (2, "held"), (3, "over")] {
        site.calls("hq", leg(anna, call, 5, conf));
    }
    site.cut("hq");
    site.restore("hq");
    site.reports.clear();
    site.pass(1_500);
    let anna = handle(&site, "Anna");
    site.calls("hq", leg(anna, 11, 5, "kept"));
    site.calls("hq", leg(anna, 12, 0x105, "held"));
    site.calls("hq", leg(anna, 14, 0x84, "new"));
    site.pass(10_000);
    let line = site.line("Anna").identity.line;
    let changes = CallChanges { ended: 1, begun: 1, changed: 1 };
    let told: Vec<&Report> =
        site.reports.iter().filter(|report| matches!(report, Report::CallsChanged(..))).collect();
    assert_eq!(told, [&Report::CallsChanged(line, changes)], "{:?}", site.reports);
    // What begins while all is well is no news.
    site.reports.clear();
    site.calls("hq", leg(anna, 15, 0x84, "usual"));
    site.pass(10_000);
    assert!(!site.reports.iter().any(|report| matches!(report, Report::CallsChanged(..))));
}
