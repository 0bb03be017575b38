//! Whether lines and calls, read as an application reads them, are those of the PBXs.

use crate::trouble::Trouble;
use adapters::simulator::Simulator;
use engine::id::Guid;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tapline::telephony_server::TelephonyServer;

/// Pauses between attempts to reach a PBX are half a minute at most.
const PATIENCE: Duration = Duration::from_secs(60);
/// LINEDEVSTATUSFLAGS.
const CONNECTED: u32 = 1;
const IN_SERVICE: u32 = 4;

/// Compares them, and remembers which id each line has.
pub(super) struct Comparison<'a> {
    server: &'a TelephonyServer,
    simulator: &'a Simulator,
    ids: BTreeMap<Guid, u32>,
}

/// What was found to be equal.
pub(super) struct Found {
    pub(super) lines: usize,
    pub(super) in_service: usize,
    pub(super) with_calls: usize,
}

/// What a line shows, or should show.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    name: String,
    number: String,
    /// With its PBX.
    connected: bool,
    in_service: bool,
    calls: u32,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(server: &'a TelephonyServer, simulator: &'a Simulator) -> Comparison<'a> {
        Comparison { server, simulator, ids: BTreeMap::new() }
    }

    /// Waits until both are equal. A line whose id is another one than before is an error at once.
    pub(super) fn wait_until_equal(&mut self) -> Result<Found, Trouble> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (shown, truth) = (self.shown()?, self.truth());
            if shown == truth {
                return Ok(Found {
                    lines: shown.len(),
                    in_service: shown.values().filter(|line| line.in_service).count(),
                    with_calls: shown.values().filter(|line| line.calls > 0).count(),
                });
            }
            if Instant::now() > deadline {
                return Err(Trouble::Expectation(difference(&shown, &truth)));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What applications see.
    fn shown(&mut self) -> Result<BTreeMap<Guid, Shown>, Trouble> {
        let mut shown = BTreeMap::new();
        for line in self.server.lines().into_iter().filter(|line| line.open) {
            let (Ok(caps), Ok(address), Ok(status)) = (
                self.server.line_caps(line.device),
                self.server.address_caps(line.device),
                self.server.line_status(line.device),
            ) else {
                // It was removed, and will be closed in a moment.
                continue;
            };
            let id = *self.ids.entry(caps.guid).or_insert(caps.permanent_id);
            if id != caps.permanent_id {
                return Err(Trouble::Expectation(format!(
                    "the line of {} had the permanent id {id} and has {} now",
                    caps.name, caps.permanent_id
                )));
            }
            // The account has no extension, and a line like any other user.
            if !address.address.is_empty() {
                let connected = status.flags & CONNECTED != 0;
                let in_service = status.flags & IN_SERVICE != 0;
                let calls = status.active + status.held + status.hold_pending;
                let (name, number) = (caps.name, address.address);
                let line = Shown { name, number, connected, in_service, calls };
                shown.insert(caps.guid, line);
            }
        }
        Ok(shown)
    }

    /// What is so at the PBXs that phones are registered at.
    fn truth(&self) -> BTreeMap<Guid, Shown> {
        self.simulator.with_site(|site| {
            let mut truth = BTreeMap::new();
            for (number, pbx) in site.list().iter().enumerate() {
                let users = site.pbx(number).users().into_iter();
                for user in users.filter(|user| user.loc.is_empty() && user.ext != "0") {
                    let (name, number, calls) = (user.cn, user.ext, user.calls);
                    let (connected, in_service) = (pbx.is_on, pbx.is_on && user.registered);
                    let shown = Shown { name, number, connected, in_service, calls };
                    // A standby counts while its PBX does not.
                    if in_service || !pbx.rank.starts_with("standby") {
                        truth.insert(user.guid, shown);
                    }
                }
            }
            truth
        })
    }
}

fn difference(shown: &BTreeMap<Guid, Shown>, truth: &BTreeMap<Guid, Shown>) -> String {
    let differs = |guid: &&Guid| shown.get(guid) != truth.get(guid);
    let guid = shown.keys().chain(truth.keys()).find(differs);
    let (read, is) = (guid.and_then(|guid| shown.get(guid)), guid.and_then(|guid| truth.get(guid)));
    format!("after {} s a line reads {read:?}, but at the PBXs it is {is:?}", PATIENCE.as_secs())
}
