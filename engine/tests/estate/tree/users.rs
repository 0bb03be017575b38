//! Users of a tree: where they are at home, and what becomes of their lines and calls when they move.

use super::*;

#[test]
fn a_user_who_moves_keeps_the_line_whatever_is_told_first() {
    let moves: [&[(&str, UserInfo)]; 4] = [
        &[("hq", user("Anna", "branch")), ("branch", user("Anna", ""))],
        &[("branch", user("Anna", "")), ("hq", user("Anna", "branch"))],
        &[("hq", gone(user("Anna", ""))), ("branch", user("Anna", ""))],
        &[("branch", user("Anna", "")), ("hq", gone(user("Anna", "")))],
    ];
    for (number, told) in moves.into_iter().enumerate() {
        let mut site = site();
        site.open("Anna");
        for (host, record) in told {
            site.says(host, record.clone());
        }
        assert_eq!(site.line("Anna").identity.line, LineId(1));
        assert!(site.line("Anna").in_service, "{number}");
        assert_eq!(site.monitored["Anna"], "branch", "{number}");
        let told = site.told_of("Anna");
        let removed = told.iter().any(|words| words == "removed");
        assert_eq!(removed, number == 2, "{number}: {told:?}");
    }
}

#[test]
fn a_user_of_a_slave_who_moves_to_another_slave_is_never_removed() {
    let mut site = site();
    site.open("Cleo");
    site.says("kiosk", gone(user("Cleo", "")));
    assert!(!site.line("Cleo").removed, "the master still speaks of her");
    site.says("hq", user("Cleo", "branch"));
    site.says("branch", user("Cleo", ""));
    assert_eq!(site.in_service(), {
        let mut homes = HOMES;
        homes[2].1 = "branch";
        at(&homes)
    });
    assert_eq!(site.told_of("Cleo").iter().filter(|words| words.contains("removed")).count(), 0);
}

#[test]
fn calls_that_the_new_home_knows_live_on_when_a_user_moves() {
    let mut site = site();
    site.open("Anna");
    let call = |site: &Grove, call| CallInfo {
        user: site.last_handle(),
        call,
        active: true,
        state: 5,
        conf: Guid::read("conf 1"),
        ..CallInfo::default()
    };
    site.says("hq", user("Anna", "branch"));
    site.says("hq", user("Anna", ""));
    let talking = call(&site, 71);
    site.calls("hq", talking);
    site.told.clear();
    site.says("branch", user("Anna", ""));
    site.says("hq", user("Anna", "branch"));
    let talking = call(&site, 9);
    site.calls("branch", talking);
    site.pass(60_000);
    let told = site.told_of("Anna");
    let pair = ["capabilities", "disconnected out", "connected", "in"];
    assert_eq!(told, pair, "one pair, and no call state");
    assert_eq!(site.line("Anna").calls.len(), 1);
}

#[test]
fn calls_that_the_new_home_does_not_know_are_over_when_a_user_moves() {
    let mut site = site();
    site.open("Anna");
    site.pass(10_000);
    site.says("hq", user("Anna", "branch"));
    site.says("hq", user("Anna", ""));
    let talking = CallInfo {
        user: site.last_handle(),
        call: 71,
        active: true,
        state: 5,
        conf: Guid::read("conf 1"),
        ..CallInfo::default()
    };
    site.calls("hq", talking);
    assert_eq!(site.line("Anna").calls.len(), 1);
    site.told.clear();
    // Long after the session with the branch has settled.
    site.says("branch", user("Anna", ""));
    site.says("hq", user("Anna", "branch"));
    site.pass(10_000);
    let told = site.told_of("Anna");
    assert!(told.iter().any(|words| words.contains("IDLE")), "{told:?}");
}

#[test]
fn of_two_homes_the_first_one_stays_until_it_gives_the_user_up() {
    let mut site = site();
    site.says("other", user("Anna", ""));
    assert_eq!(site.monitored["Anna"], "hq");
    let told = Report::TwoHomes(LineId(1), PbxId(0), PbxId(1));
    assert_eq!(site.reports.iter().filter(|report| **report == told).count(), 1);
    site.says("other", user("Anna", ""));
    assert_eq!(site.reports.iter().filter(|report| **report == told).count(), 1);
    site.says("hq", gone(user("Anna", "")));
    assert_eq!(site.monitored["Anna"], "other");
    assert!(site.line("Anna").in_service);
}

#[test]
fn a_user_who_is_called_otherwise_at_another_home_is_asked_for_there_by_that_name() {
    let mut site = site();
    let renamed = UserInfo { cn: "Anna Berg".into(), ..user("Anna", "") };
    site.says("other", renamed);
    assert_eq!(site.monitored["Anna"], "hq");
    site.cut("hq");
    assert_eq!(site.monitored["Anna Berg"], "other");
}

#[test]
fn a_user_who_is_renamed_at_one_home_keeps_the_former_name_at_the_other() {
    let mut site = site();
    site.says("other", user("Anna", ""));
    site.says("hq", UserInfo { cn: "Anna Berg".into(), ..user("Anna", "") });
    assert_eq!(site.line("Anna Berg").identity.cn.text(), "Anna Berg");
    site.monitored.clear();
    site.cut("hq");
    assert_eq!(site.monitored["Anna"], "other");
    site.restore("hq");
    site.pass(60_000);
    site.cut("other");
    assert_eq!(site.monitored["Anna Berg"], "hq");
}

#[test]
fn a_user_of_every_pbx_is_at_home_where_the_phone_is_registered() {
    let mut site = site();
    let away = || UserInfo { registered: false, ..user("Anna", "") };
    for host in ["branch", "kiosk"] {
        site.says(host, away());
    }
    assert_eq!(site.in_service(), at(&HOMES));
    site.says("hq", away());
    assert_eq!(site.monitored["Anna"], "hq", "as long as it is registered nowhere");
    site.says("kiosk", user("Anna", ""));
    assert_eq!(site.monitored["Anna"], "kiosk");
    assert!(site.line("Anna").in_service);
    assert!(!site.reports.iter().any(|report| matches!(report, Report::TwoHomes(..))));
}

#[test]
fn a_master_that_takes_in_the_users_of_a_lost_slave_gives_them_back() {
    let mut site = site();
    site.cut("branch");
    site.says("hq", user("Ben", ""));
    assert_eq!(site.monitored["Ben"], "hq");
    assert!(site.line("Ben").in_service);
    site.restore("branch");
    site.pass(60_000);
    assert_eq!(site.monitored["Ben"], "hq", "it has not given him back yet");
    site.says("hq", user("Ben", "branch"));
    assert_eq!(site.in_service(), at(&HOMES));
}

#[test]
fn an_own_name_for_local_users_is_as_good_as_none() {
    let hq = Pbx::named("hq").with(&[("Anna", "HQ"), ("Ben", "branch")]);
    let mut site = site_of(vec![("hq", hq)]);
    site.says("hq", UserInfo { registered: true, ..user("Anna", "HQ") });
    assert_eq!(site.in_service(), at(&[("Anna", "hq")]));
}
