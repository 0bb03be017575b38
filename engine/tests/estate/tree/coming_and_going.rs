//! PBXs of a tree that are lost, found elsewhere, deleted, and seen again: what becomes of their
//! lines, and what is reported.

use super::*;

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
