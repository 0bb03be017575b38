//! Judges which slaves can be found and asked.

use super::asking::Snapshot;
use super::scope::listed;
use super::{Check, Row};
use crate::http::Place;
use engine::estate::{is_location, location_name};
use engine::fact::{Failure, UserInfo};
use std::collections::BTreeSet;

/// The longest part of an address that is shown.
const SHOWN_CHARS_MAX: usize = 200;

/// A PBX that is registered at another one, or should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slave {
    /// Short Name of its object.
    pub(super) name: Box<str>,
    /// It is registered now.
    pub(super) registered: bool,
}

/// The slaves among the objects that a PBX of the name `own` shows. An object that is at home at
/// another PBX stands for a slave of that one.
pub(super) fn of(snapshot: &Snapshot, own: &str) -> Vec<Slave> {
    let is_own = |name: &str| name.eq_ignore_ascii_case(own);
    let slaves = locations(snapshot)
        .into_iter()
        .filter(|object| object.loc.is_empty() || is_own(&object.loc))
        .map(|object| Slave { name: short_name(&object).into(), registered: object.registered })
        .filter(|slave| !is_own(&slave.name));
    slaves.collect()
}

/// The row that says nothing was looked for.
pub(super) fn left_alone() -> Row {
    Row::pass(Check::Nodes, "slaves are left alone, as the settings want it (monitor_slaves)")
}

/// Whether the PBX objects are visible that are needed. `known` are the names of PBXs that were
/// found before, those above this one among them.
pub(super) fn nodes(snapshot: &Snapshot, slaves: &[Slave], own: &str, known: &[&str]) -> Row {
    let small = |name: &str| name.to_lowercase();
    let visible: BTreeSet<String> =
        locations(snapshot).iter().map(|object| small(short_name(object))).collect();
    let is_found = |home: &&str| {
        home.is_empty()
            || home.eq_ignore_ascii_case(own)
            || known.iter().any(|known| known.eq_ignore_ascii_case(home))
            || visible.contains(&small(home))
    };
    let homes: BTreeSet<&str> =
        snapshot.users.iter().filter(|user| user.active).map(|user| &*user.loc).collect();
    let missing: BTreeSet<&str> = homes.into_iter().filter(|home| !is_found(home)).collect();
    if !missing.is_empty() {
        let missing = listed(missing.into_iter());
        let found = format!("users of {missing} are visible, but not the PBX object itself");
        let advice = "put the PBX (node) object into the group as well; else these users have no \
            line in service";
        return Row::warn(Check::Nodes, &found, advice);
    }
    if slaves.is_empty() {
        let found = "no slaves: no PBX object is in the groups, and no user is at home elsewhere";
        return Row::pass(Check::Nodes, found);
    }
    let names = listed(slaves.iter().map(|slave| &*slave.name));
    Row::pass(Check::Nodes, &format!("PBX objects of slaves are visible: {names}"))
}

/// The row of a slave by what its parent said of its address, and the place to ask if it is to be
/// asked.
pub(super) fn judged(
    slave: &Slave,
    url: &Result<Box<str>, Failure>,
    parent: &Place,
    allow_plain: bool,
) -> (Row, Option<Place>) {
    let name = &slave.name;
    let url = match url {
        Ok(url) => url,
        Err(failure) => {
            let found = format!("{parent} gives no answer to where {name} is");
            return (Row::fail(Check::Slave, &found, failure.advice()), None);
        }
    };
    if url.is_empty() {
        return (absent(slave), None);
    }
    let Some(place) = Place::read(url) else {
        let url: String = url.chars().take(SHOWN_CHARS_MAX).collect();
        let found = format!("the address of {name} makes no sense: {url}");
        return (Row::fail(Check::Slave, &found, "correct how it registers at its PBX"), None);
    };
    if place.https || !parent.https {
        return (Row::pass(Check::Slave, &format!("{name} is at {place}")), Some(place));
    }
    let found = format!("{name} is at {place}, without TLS although {} has it", parent.authority);
    if allow_plain {
        let advice = "account and password are sent to it in the clear, as allow_plain_slaves \
            under [tls] allows; switch HTTPS on at the slave";
        return (Row::warn(Check::Slave, &found, advice), Some(place));
    }
    let advice = "it is not asked, as account and password would be sent in the clear; switch \
        HTTPS on at the slave, or allow it: allow_plain_slaves = true under [tls]";
    (Row::fail(Check::Slave, &found, advice), None)
}

fn absent(slave: &Slave) -> Row {
    let name = &slave.name;
    if slave.registered {
        let found = format!("{name} is registered, but its PBX does not say where it is");
        return Row::warn(Check::Slave, &found, "check how it registers at its PBX");
    }
    let advice = "its lines are out of service until it registers; check that it runs, and its \
        registration";
    Row::warn(Check::Slave, &format!("{name} is not registered now"), advice)
}

/// Objects that say that they stand for a PBX, and those whose Short Name others have for one.
fn locations(snapshot: &Snapshot) -> Vec<UserInfo> {
    let present = snapshot.users.iter().filter(|user| user.active);
    let present: Vec<UserInfo> = present.map(|user| UserInfo::from(user.clone())).collect();
    let homes: BTreeSet<Box<str>> =
        present.iter().map(|user| user.loc.to_lowercase().into()).collect();
    let stands = |object: &UserInfo| {
        is_location(object) || location_name(object).is_some_and(|name| homes.contains(&name))
    };
    present.into_iter().filter(stands).collect()
}

fn short_name(object: &UserInfo) -> &str {
    if object.h323.is_empty() { object.cn.text() } else { object.h323.text() }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::soap::types::UserInfo as Seen;

    fn slave(registered: bool) -> Slave {
        Slave { name: "branch".into(), registered }
    }

    fn object(h323: &str, kind: &str, loc: &str) -> Seen {
        Seen {
            active: true,
            cn: h323.into(),
            h323: h323.into(),
            object: kind.into(),
            loc: loc.into(),
            ..Seen::default()
        }
    }

    fn seeing(users: &[Seen]) -> Snapshot {
        Snapshot { users: users.to_vec(), broken: None }
    }

    #[test]
    fn a_slave_without_tls_under_a_parent_with_it_is_refused_unless_that_is_allowed() {
        let plain = Ok("http://branch/PBX0/user.soap".into());
        let secure: Result<Box<str>, Failure> = Ok("https://branch/PBX0/user.soap".into());
        let http = Place::at("hq");
        let https = Place { https: true, ..http.clone() };
        let verdict = |url, parent, allowed| {
            let (row, place) = judged(&slave(true), url, parent, allowed);
            (row.verdict, place.is_some())
        };
        assert_eq!(verdict(&plain, &https, false), (Verdict::Fail, false));
        assert_eq!(verdict(&plain, &https, true), (Verdict::Warn, true));
        assert_eq!(verdict(&plain, &http, false), (Verdict::Pass, true));
        assert_eq!(verdict(&secure, &http, false), (Verdict::Pass, true));
    }

    #[test]
    fn an_address_that_makes_no_sense_is_not_asked() {
        for url in ["ftp://branch/PBX0/user.soap", "http://a:b@branch/PBX0/user.soap", "branch"] {
            let (row, place) = judged(&slave(true), &Ok(url.into()), &Place::at("hq"), true);
            assert_eq!((row.verdict, place), (Verdict::Fail, None), "{url}");
        }
    }

    #[test]
    fn a_slave_that_is_not_registered_is_no_fault_of_the_settings() {
        for registered in [false, true] {
            let (row, place) = judged(&slave(registered), &Ok("".into()), &Place::at("hq"), false);
            assert_eq!((row.verdict, place), (Verdict::Warn, None));
            assert_eq!(row.found.text().contains("not registered"), !registered);
        }
    }

    #[test]
    fn the_pbx_itself_and_slaves_of_slaves_are_no_slaves_of_it() {
        let seen = seeing(&[
            object("HQ", "loc", ""),
            object("branch", "loc", "hq"),
            object("lab", "loc", "branch"),
        ]);
        assert_eq!(of(&seen, "hq"), [slave(false)]);
    }

    #[test]
    fn users_of_a_pbx_whose_object_is_not_visible_are_told() {
        let user = object("eva", "", "Branch");
        let row = |users: &[Seen], known: &[&str]| {
            let seen = seeing(users);
            nodes(&seen, &of(&seen, "hq"), "hq", known).verdict
        };
        assert_eq!(row(std::slice::from_ref(&user), &[]), Verdict::Warn);
        assert_eq!(row(std::slice::from_ref(&user), &["branch"]), Verdict::Pass);
        // Its type is `loc`, as a rule; where it is not, its name tells.
        for kind in ["loc", "", "gw"] {
            let seen = [user.clone(), object("branch", kind, "")];
            assert_eq!(row(&seen, &[]), Verdict::Pass, "{kind:?}");
            assert_eq!(of(&seeing(&seen), "hq"), [slave(false)], "{kind:?}");
        }
        assert_eq!(row(&[object("eva", "", "hq")], &[]), Verdict::Pass);
        assert_eq!(row(&[], &[]), Verdict::Pass);
    }
}
