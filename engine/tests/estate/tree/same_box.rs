//! Boxes that are reached in two ways, in circles, or by too long a chain.

use super::*;

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
