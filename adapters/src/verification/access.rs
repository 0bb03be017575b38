//! Judges how far we came: to the PBX, past its door, to a session.

use super::asking::{Access, Manners, Namesake, Opening, Unreached};
use super::{Check, Pbx, Rank, Row};
use crate::soap::Interface;
use engine::fact::{Failure, Identification};

/// Clocks that differ by more seconds than this make call records hard to compare.
const CLOCK_TOLERANCE_S: u64 = 60;

/// How the account is to be corrected.
const ACCOUNT_ADVICE: &str = "correct account and password in the settings. The account is the \
    Short Name of a PBX user that has a password, or an administrator, and must exist at every \
    PBX: leave the PBX field of that user empty, so that all have it";

/// The rows from the way there to the clock.
pub(super) fn rows(access: &Access, pbx: &Pbx, manners: &Manners) -> Vec<Row> {
    let mut rows = vec![reach(access)];
    let Some(version) = &access.version else { return rows };
    if pbx.place.https {
        let row = tls(version, &access.cause);
        let is_refused = row.verdict == super::Verdict::Fail;
        rows.push(row);
        if is_refused {
            return rows;
        }
    }
    rows.extend(credentials(version, &manners.account.name));
    rows.extend(interface(version, pbx));
    rows.extend(access.ahead_s.map(clock));
    rows
}

/// The row of the session; none if none was asked for.
pub(super) fn session(opening: Option<&Opening>, pbx: &Pbx, manners: &Manners) -> Option<Row> {
    let (user, account) = (manners.user.text(), &manners.account.name);
    Some(match opening? {
        Opening::Opened(interface) => {
            let interface = named(*interface);
            Row::pass(Check::Session, &format!("a session for {user}, by interface {interface}"))
        }
        Opening::Refused(_) if pbx.rank == Rank::Standby => Row::warn(
            Check::Session,
            &format!("no session for {user}, as it may be while it stands by"),
            "to be sure, verify again while it is in charge",
        ),
        Opening::Refused(namesake) => {
            let found = format!("no session for the user {user}");
            Row::fail(Check::Session, &found, refused(namesake, user, account))
        }
        Opening::Failed(failure) => {
            Row::fail(Check::Session, "no answer to the wish for a session", failure.advice())
        }
    })
}

/// Whether two PBXs are the same box: of one name in one system, and of one serial number if both
/// tell theirs.
pub(super) fn is_same_box(one: &Identification, other: &Identification) -> bool {
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    !one.location.is_empty()
        && same(&one.system, &other.system)
        && same(&one.location, &other.location)
        && (one.serial.is_empty() || other.serial.is_empty() || same(&one.serial, &other.serial))
}

fn reach(access: &Access) -> Row {
    match &access.reached {
        Ok(address) => Row::pass(Check::Reach, &format!("it takes connections at {address}")),
        Err(Unreached::Name(why)) => Row::fail(
            Check::Reach,
            &format!("no address is known for its name ({why})"),
            "correct the host in the settings, or the name service of this machine",
        ),
        Err(Unreached::Refused(why)) => Row::fail(
            Check::Reach,
            &format!("it takes no connection ({why})"),
            "check host and port in the settings, and that the PBX is running",
        ),
        Err(Unreached::Silent) => Row::fail(
            Check::Reach,
            "it does not answer at all",
            "check the host in the settings, that the PBX is running, and the firewalls between",
        ),
    }
}

fn tls(version: &Result<Identification, Failure>, cause: &str) -> Row {
    match version {
        Err(Failure::Certificate) => Row::fail(
            Check::Tls,
            &format!("its certificate is not accepted ({cause})"),
            "under [tls] in the settings name its own certificate (certificate_file) or the \
             authority that issued it (ca_file), and call it by the host name in the certificate",
        ),
        Err(Failure::Unreachable | Failure::Broken) => Row::fail(
            Check::Tls,
            &format!("no TLS connection ({cause})"),
            "check that the port in the settings is the one of HTTPS",
        ),
        _ => Row::pass(Check::Tls, "its certificate is accepted"),
    }
}

/// Of an answer that did not come from the SOAP interface nothing follows for the account.
fn credentials(version: &Result<Identification, Failure>, account: &str) -> Option<Row> {
    match version {
        Ok(_) | Err(Failure::Fault(_)) => {
            let found = format!("it accepts the account {account}");
            Some(Row::pass(Check::Credentials, &found))
        }
        Err(Failure::AccessDenied) => {
            let found = format!("it does not accept the account {account} with this password");
            Some(Row::fail(Check::Credentials, &found, ACCOUNT_ADVICE))
        }
        Err(_) => None,
    }
}

fn interface(version: &Result<Identification, Failure>, pbx: &Pbx) -> Option<Row> {
    let path = &pbx.place.path;
    let fail = |found: &str, advice: &str| Some(Row::fail(Check::Interface, found, advice));
    match version {
        Ok(Identification { system, location, firmware, serial, .. }) => {
            let found = format!(
                "PBX {location} of the system {system}, firmware {firmware}, serial number {serial}"
            );
            Some(Row::pass(Check::Interface, &found))
        }
        Err(Failure::AccessDenied) => None,
        Err(Failure::Status(status)) => fail(
            &format!("HTTP status {status} instead of the SOAP interface at {path}"),
            "check that this is a PBX with its PBX component switched on; a dynamic PBX needs \
             its own path under [[pbx]]",
        ),
        Err(Failure::Garbled(what)) => {
            fail(&format!("what answers at {path} is not SOAP ({what})"), "is this a PBX?")
        }
        Err(Failure::TimedOut) => {
            fail("it takes the connection, but does not answer", "is it overloaded, or no PBX?")
        }
        Err(failure) => fail("it does not say who it is", &failure.advice()),
    }
}

fn clock(ahead_s: i64) -> Row {
    if ahead_s == 0 {
        return Row::pass(Check::Clock, "its clock and this machine's agree");
    }
    let direction = if ahead_s < 0 { "behind" } else { "ahead of" };
    let found = format!("its clock is {} s {direction} this machine's", ahead_s.unsigned_abs());
    if ahead_s.unsigned_abs() > CLOCK_TOLERANCE_S {
        let advice = "give both the same time server (NTP); else their call records do not fit";
        return Row::warn(Check::Clock, &found, advice);
    }
    Row::pass(Check::Clock, &found)
}

fn refused(namesake: &Namesake, user: &str, account: &str) -> String {
    match namesake {
        Namesake::ShortNameOf(long) => {
            let long = long.text();
            format!(
                "{user} is the Short Name of {long}; write the Long Name: user = \"{long}\" in \
                 the settings"
            )
        }
        Namesake::Nobody => format!(
            "nobody has the Long Name {user} there; correct user in the settings, or create the \
             user. It must exist at every PBX: leave its PBX field empty"
        ),
        Namesake::LongName => format!(
            "the user {user} is there, but the account {account} may not use it; use the user's \
             own account or an administrator's, and give the user at least the rights for groups \
             and call forwards"
        ),
        Namesake::Unknown => format!(
            "check that the user {user} is there under this Long Name, and that the account \
             {account} may use it"
        ),
    }
}

fn named(interface: Interface) -> &'static str {
    match interface {
        Interface::V501 => "pbx501",
        Interface::V700 => "pbx700",
        Interface::V800 => "pbx800",
        Interface::V1000Early | Interface::V1000 => "pbx10_00",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_clock_may_differ_by_a_minute_either_way() {
        for (ahead_s, verdict) in [
            (0, Verdict::Pass),
            (60, Verdict::Pass),
            (-60, Verdict::Pass),
            (61, Verdict::Warn),
            (-61, Verdict::Warn),
            (i64::MIN, Verdict::Warn),
        ] {
            assert_eq!(clock(ahead_s).verdict, verdict, "{ahead_s}");
        }
        assert!(clock(-90).found.text().contains("90 s behind"));
    }

    #[test]
    fn of_a_page_that_is_no_soap_interface_nothing_follows_for_the_account() {
        assert_eq!(credentials(&Err(Failure::Status(404)), "a"), None);
        assert_eq!(credentials(&Err(Failure::Garbled("a page".into())), "a"), None);
        let denied = credentials(&Err(Failure::AccessDenied), "a").map(|row| row.verdict);
        assert_eq!(denied, Some(Verdict::Fail));
    }

    #[test]
    fn one_name_in_one_system_is_one_box_unless_serial_numbers_differ() {
        let box_of = |system: &str, location: &str, serial: &str| Identification {
            system: system.into(),
            location: location.into(),
            firmware: "".into(),
            serial: serial.into(),
            wsdl_version: 0,
        };
        let one = box_of("example", "hq", "1");
        assert!(is_same_box(&one, &box_of("Example", "HQ", "1")));
        assert!(is_same_box(&one, &box_of("example", "hq", "")));
        assert!(!is_same_box(&one, &box_of("example", "hq", "2")));
        assert!(!is_same_box(&one, &box_of("other", "hq", "1")));
        assert!(!is_same_box(&box_of("", "", "1"), &box_of("", "", "1")), "it says nothing");
    }
}
