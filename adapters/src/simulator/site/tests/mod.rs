//! What a site of several PBXs does.

mod calls;

use super::*;
use crate::simulator::model::ListedUser;

const SITE: &str = "name = \"hq\"\n\
    [[user]]\ncn = \"TAPI\"\nh323 = \"_TAPI_\"\npassword = \"secret\"\n\
    active_groups = [\"tapi\"]\nregistered = false\n\
    [[user]]\ncn = \"Anna\"\ne164 = \"20\"\ngroups = [\"tapi\"]\n\
    [[pbx]]\nname = \"hq2\"\nstandby_of = \"hq\"\n\
    [[pbx]]\nname = \"branch\"\nslave_of = \"hq\"\n\
    [[pbx.user]]\ncn = \"Ben\"\ne164 = \"30\"\ngroups = [\"tapi\"]\n\
    [[pbx]]\nname = \"kiosk\"\nslave_of = \"branch\"\n\
    [[pbx.user]]\ncn = \"Cleo\"\ne164 = \"40\"\ngroups = [\"tapi\"]\n\
    [[pbx]]\nname = \"other\"\n\
    [[pbx.user]]\ncn = \"Dora\"\ne164 = \"20\"\ngroups = [\"tapi\"]\n";

fn site() -> Site {
    let mut site = Site::new(&Estate::parse(SITE).unwrap(), 1);
    for number in 0..site.count() {
        site.set_url(number, &format!("http://box{number}/PBX0/user.soap"));
    }
    site
}

/// Extensions with what a PBX says of them.
fn users(site: &Site, name: &str) -> Vec<(String, String, bool)> {
    let users = site.pbx(site.number(name).unwrap()).users().into_iter();
    users.map(|ListedUser { ext, loc, registered, .. }| (ext, loc, registered)).collect()
}

fn user(ext: &str, loc: &str, registered: bool) -> (String, String, bool) {
    (ext.to_owned(), loc.to_owned(), registered)
}

#[test]
fn users_are_known_at_home_and_above() {
    let site = site();
    assert_eq!(
        users(&site, "hq"),
        [user("20", "", true), user("30", "branch", false), user("40", "kiosk", false)]
    );
    assert_eq!(users(&site, "branch"), [user("30", "", true), user("40", "kiosk", false)]);
    assert_eq!(users(&site, "kiosk"), [user("40", "", true)]);
    assert_eq!(users(&site, "other"), [user("20", "", true)]);
    assert!(users(&site, "hq2").iter().all(|(.., registered)| !registered));
}

#[test]
fn a_parent_says_where_its_slave_is_while_that_is_on() {
    let mut site = site();
    let branch = site.number("branch").unwrap();
    let url = |site: &Site, name| site.pbx(0).location_url(name, false);
    assert_eq!(url(&site, "branch"), "http://box2/PBX0/user.soap");
    assert_eq!(url(&site, "kiosk"), "", "that is for the branch to say");
    site.stop(branch, Millis(1)).unwrap();
    assert_eq!(url(&site, "branch"), "");
    assert!(site.stop(branch, Millis(1)).is_err());
    site.start(branch, Millis(2)).unwrap();
    assert_eq!(url(&site, "branch"), "http://box2/PBX0/user.soap");
}

#[test]
fn phones_and_their_calls_turn_to_the_standby_and_back() {
    let mut site = site();
    site.pbx_mut(0).add_user("21", "Eva").unwrap();
    site.pbx_mut(0).phone_dials("20", "21").unwrap();
    let conf = site.pbx(0).calls()[0].conf;
    site.stop(0, Millis(1)).unwrap();
    site.take_over(0).unwrap();
    assert!(users(&site, "hq2").contains(&user("20", "", true)));
    assert_eq!(site.pbx(1).calls()[0].conf, conf);
    assert_eq!(site.pbx(1).calls()[0].legs.len(), 1, "an older replica does not know Eva");
    site.start(0, Millis(2)).unwrap();
    assert!(users(&site, "hq2").contains(&user("20", "", false)));
    assert_eq!((site.pbx(0).calls()[0].conf, site.pbx(1).calls().len()), (conf, 0));
}

#[test]
fn a_user_who_moves_is_at_home_at_one_place_only() {
    let mut site = site();
    let (branch, kiosk) = (site.number("branch").unwrap(), site.number("kiosk").unwrap());
    site.move_user("20", kiosk).unwrap();
    assert!(users(&site, "hq").contains(&user("20", "kiosk", false)));
    assert!(users(&site, "branch").contains(&user("20", "kiosk", false)));
    assert!(users(&site, "kiosk").contains(&user("20", "", true)));
    site.move_user("20", branch).unwrap();
    assert!(users(&site, "branch").contains(&user("20", "", true)));
    assert!(!users(&site, "kiosk").iter().any(|(ext, ..)| ext == "20"));
    let other = site.number("other").unwrap();
    assert_eq!(site.move_user("30", other), Err(SiteError::OtherTree("other".into())));
    assert_eq!(site.move_user("99", branch), Err(SiteError::NoExtension("99".into())));
}
