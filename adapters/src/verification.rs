//! Whether the settings will work, and if not, why: the checks behind `tapline verify`.
//!
//! ```text
//! begin(settings file) -> row, Verification?
//! Verification = next*        one PBX at a time: masters, standbys, slaves as they are found
//! ```
//!
//! Each PBX is asked what the provider would ask it: who it is, a session for the TAPI user, and
//! the objects that the session sees. Then the session is ended. What was found is judged apart
//! from the asking: `asking.rs` asks, the other files judge and know nothing of the network.
//!
//! A check that an earlier failure makes impossible has no row.

mod access;
mod asking;
mod date;
mod scope;
mod slaves;

use crate::exchange::Manner;
use crate::http::Place;
use crate::settings::{Settings, Tree};
use asking::{Asked, Manners};
use engine::estate::{MAX_DEPTH, MAX_PBXS};
use engine::fact::Identification;
use engine::pii::Personal;
use std::fmt;
use std::path::Path;

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which check.
    pub check: Check,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found. May name the TAPI user.
    pub found: Personal,
    /// What to do about it; empty if there is nothing to do. May name the TAPI user.
    pub advice: Personal,
}

/// What is checked, in the order in which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The settings file and the files it names can be read and make sense.
    Settings,
    /// The name of the PBX is known, and it takes TCP connections.
    Reach,
    /// Its certificate is good. Only with HTTPS.
    Tls,
    /// It accepts the account and its password.
    Credentials,
    /// It speaks the SOAP interface, and which firmware it has.
    Interface,
    /// Its clock and ours agree.
    Clock,
    /// It is not a PBX that was looked at already. Only told of one that is.
    Double,
    /// It gives a session for the TAPI user.
    Session,
    /// The groups of which the TAPI user is an active member.
    Groups,
    /// The users that it sees.
    Users,
    /// Whether there are more objects than a PBX shows to one user.
    GroupLimit,
    /// A trunk that it sees, for call forwards to numbers outside.
    Trunk,
    /// The account may read the records of users, as call forwards need.
    Records,
    /// PBX objects that it sees, by which slaves are found.
    Nodes,
    /// A slave, and where it can be asked.
    Slave,
}

impl Check {
    /// Its name in one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Check::Settings => "settings",
            Check::Reach => "reach",
            Check::Tls => "tls",
            Check::Credentials => "credentials",
            Check::Interface => "interface",
            Check::Clock => "clock",
            Check::Double => "double",
            Check::Session => "session",
            Check::Groups => "groups",
            Check::Users => "users",
            Check::GroupLimit => "group-limit",
            Check::Trunk => "trunk",
            Check::Records => "records",
            Check::Nodes => "nodes",
            Check::Slave => "slave",
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All is well.
    Pass,
    /// The provider will work, but perhaps not as it is meant to.
    Warn,
    /// The provider will not work with this PBX.
    Fail,
}

impl Verdict {
    /// In one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        }
    }
}

impl Row {
    fn pass(check: Check, found: &str) -> Row {
        Row { check, verdict: Verdict::Pass, found: found.into(), advice: Personal::default() }
    }

    fn warn(check: Check, found: &str, advice: impl AsRef<str>) -> Row {
        Row { check, verdict: Verdict::Warn, found: found.into(), advice: advice.as_ref().into() }
    }

    fn fail(check: Check, found: &str, advice: impl AsRef<str>) -> Row {
        Row { check, verdict: Verdict::Fail, found: found.into(), advice: advice.as_ref().into() }
    }
}

/// A PBX that was looked at. Printed as `master http://…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pbx {
    /// What it is in the estate.
    pub rank: Rank,
    /// Where it was asked.
    pub place: Place,
}

/// What a PBX is in the estate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rank {
    /// A master of the settings.
    Master,
    /// Its standby.
    Standby,
    /// The slave of that Short Name.
    Slave(Box<str>),
}

impl fmt::Display for Pbx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rank {
            Rank::Master => write!(f, "master {}", self.place),
            Rank::Standby => write!(f, "standby {}", self.place),
            Rank::Slave(name) => write!(f, "slave {name} {}", self.place),
        }
    }
}

/// The first check, and what to go on with if there is anything to go on with.
#[must_use]
pub fn begin(settings: &Path) -> (Row, Option<Verification>) {
    let read = Settings::read(settings).map_err(|error| error.to_string());
    let verification = read.and_then(|settings| {
        Verification::of(&settings).map_err(|error| format!("[tls]: {error}"))
    });
    match verification {
        Ok(verification) => {
            let found = format!("{} can be read and makes sense", settings.display());
            (Row::pass(Check::Settings, &found), Some(verification))
        }
        // The error itself says what to do.
        Err(why) => (Row::fail(Check::Settings, &why, ""), None),
    }
}

/// PBXs that are looked at one after the other.
pub struct Verification {
    manners: Manners,
    follow_slaves: bool,
    allow_plain_slaves: bool,
    /// The next one last.
    waiting: Vec<Visit>,
    looked_at: usize,
    known: Vec<(Identification, Place)>,
}

/// A PBX that is to be looked at.
struct Visit {
    pbx: Pbx,
    depth: u8,
}

impl Verification {
    fn of(settings: &Settings) -> Result<Verification, crate::http::TrustError> {
        let Manner { account, tls, .. } = Manner::of(settings)?;
        let visit =
            |rank, place: &Place| Visit { pbx: Pbx { rank, place: place.clone() }, depth: 0 };
        let of_tree = |tree: &Tree| {
            let standby = tree.standby.as_ref().map(|place| visit(Rank::Standby, place));
            [Some(visit(Rank::Master, &tree.master)), standby]
        };
        let mut waiting: Vec<Visit> = settings.pbxs.iter().flat_map(of_tree).flatten().collect();
        waiting.reverse();
        Ok(Verification {
            manners: Manners { account, tls, user: settings.user.clone() },
            follow_slaves: settings.monitor_slaves,
            allow_plain_slaves: settings.allow_plain_slaves,
            waiting,
            looked_at: 0,
            known: Vec::new(),
        })
    }

    /// Looks at the next PBX; `None` if there is none left. Slaves that are found there come next.
    /// No question waits longer than some seconds for its answer.
    pub async fn next(&mut self) -> Option<(Pbx, Vec<Row>)> {
        let visit = self.waiting.pop()?;
        self.looked_at += 1;
        let mut asked = Asked::open(&self.manners, &visit.pbx.place).await;
        let mut rows = access::rows(asked.access(), &visit.pbx, &self.manners);
        if let Some(row) = self.double(&visit.pbx, asked.identification()) {
            rows.push(row);
            return Some((visit.pbx, rows));
        }
        asked.session(&self.manners).await;
        rows.extend(access::session(asked.opening(), &visit.pbx, &self.manners));
        if let Some(snapshot) = asked.snapshot() {
            let view = scope::View { snapshot, pbx: &visit.pbx, user: &self.manners.user };
            rows.extend(scope::rows(&view));
            // A standby has the records and the slaves of its master.
            if visit.pbx.rank != Rank::Standby {
                let shown = asked.record(&scope::somebody(&view)).await;
                rows.push(scope::records(&shown, &self.manners.account.name));
                rows.extend(self.slaves(&visit, &mut asked).await);
            }
        }
        asked.end().await;
        Some((visit.pbx, rows))
    }

    /// What there is to say of the slaves of a PBX; they are to be looked at next.
    async fn slaves(&mut self, visit: &Visit, asked: &mut Asked) -> Vec<Row> {
        if !self.follow_slaves {
            return vec![slaves::left_alone()];
        }
        let own = asked.identification().map_or("", |known| &*known.location).to_owned();
        let known: Vec<&str> = self.known.iter().map(|(known, _)| &*known.location).collect();
        let Some(snapshot) = asked.snapshot() else { return Vec::new() };
        let slaves = slaves::of(snapshot, &own);
        let mut rows = vec![slaves::nodes(snapshot, &slaves, &own, &known)];
        let mut found = Vec::new();
        for slave in slaves {
            let url = asked.location_url(&slave.name, visit.pbx.place.https).await;
            let (row, place) =
                slaves::judged(&slave, &url, &visit.pbx.place, self.allow_plain_slaves);
            rows.push(row);
            let depth = visit.depth + 1;
            let room = self.waiting.len() + self.looked_at + found.len() < MAX_PBXS;
            if let Some(place) = place.filter(|_| depth <= MAX_DEPTH && room) {
                found.push(Visit { pbx: Pbx { rank: Rank::Slave(slave.name), place }, depth });
            }
        }
        self.waiting.extend(found.into_iter().rev());
        rows
    }

    /// Whether a PBX is one that was looked at before: by what it says of itself, or, if it says
    /// nothing, by its address. A standby bears the name of its master.
    fn double(&mut self, pbx: &Pbx, identification: Option<&Identification>) -> Option<Row> {
        let identification = identification?;
        let same = self.known.iter().find(|(known, place)| {
            *place == pbx.place || access::is_same_box(known, identification)
        });
        let row = same.map(|(_, place)| {
            let found = format!("this is the PBX at {place}, which was looked at already");
            let advice = "name it once, or correct the address; the provider keeps to the first";
            Row::warn(Check::Double, &found, advice)
        });
        if pbx.rank != Rank::Standby {
            self.known.push((identification.clone(), pbx.place.clone()));
            return row;
        }
        None
    }
}
