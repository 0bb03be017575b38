//! What is counted of each PBX.

use engine::effect::Report;
use engine::id::PbxId;
use engine::place::Place;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// All PBXs that are looked after and of which something was reported. The estate limits their
/// number.
#[derive(Debug, Default)]
pub(crate) struct Pbxs(Mutex<BTreeMap<PbxId, OfPbx>>);

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct OfPbx {
    /// Where the session is, or the last one was.
    pub(super) place: Option<Arc<Place>>,
    /// There is a session.
    pub(super) is_up: bool,
    /// Sessions that came up.
    pub(super) opened: u64,
    /// Sessions that were lost.
    pub(super) lost: u64,
    /// Attempts that led to no session.
    pub(super) failed: u64,
    /// Sessions at another box than the one before.
    pub(super) taken_over: u64,
    /// How often all lines and calls were taken in anew.
    pub(super) resyncs: u64,
    /// Lines that were there at the last time.
    pub(super) lines: u32,
    /// When it last answered a Poll, or was first spoken of.
    pub(super) heard: Instant,
}

impl OfPbx {
    fn new() -> OfPbx {
        OfPbx {
            place: None,
            is_up: false,
            opened: 0,
            lost: 0,
            failed: 0,
            taken_over: 0,
            resyncs: 0,
            lines: 0,
            heard: Instant::now(),
        }
    }

    fn up(&mut self, place: &Arc<Place>) {
        let before = self.place.replace(Arc::clone(place));
        self.taken_over += u64::from(before.is_some_and(|before| before != *place));
        self.opened += 1;
        self.is_up = true;
    }

    /// A session could not be had, or was lost.
    fn down(&mut self) {
        match std::mem::take(&mut self.is_up) {
            true => self.lost += 1,
            false => self.failed += 1,
        }
    }
}

impl Pbxs {
    pub(super) fn reported(&self, report: &Report) {
        match report {
            Report::SessionUp(pbx, place) => self.with(*pbx, |of| of.up(place)),
            Report::SessionLost(pbx, ..) => self.with(*pbx, OfPbx::down),
            // The session that there is goes on.
            Report::NotRenewed(pbx, ..) | Report::UserRefused(pbx) => {
                self.with(*pbx, |of| of.failed += 1);
            }
            Report::Synchronised(pbx, lines) => self.with(*pbx, |of| {
                of.resyncs += 1;
                of.lines = *lines;
            }),
            Report::SlaveFound(pbx, _) => self.with(*pbx, |_| ()),
            // Nobody asks it any more, so its silence is no trouble.
            Report::SameBox(pbx, _) | Report::PbxLeft(pbx) => {
                self.all().remove(pbx);
            }
            _ => {}
        }
    }

    /// A PBX answered a Poll.
    pub(super) fn polled(&self, pbx: PbxId) {
        // One that left may still have had something to say.
        if let Some(of) = self.all().get_mut(&pbx) {
            of.heard = Instant::now();
        }
    }

    /// All of them as they are now.
    pub(super) fn read(&self) -> Vec<(PbxId, OfPbx)> {
        self.all().iter().map(|(pbx, of)| (*pbx, of.clone())).collect()
    }

    fn with(&self, pbx: PbxId, change: impl FnOnce(&mut OfPbx)) {
        change(self.all().entry(pbx).or_insert_with(OfPbx::new));
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<PbxId, OfPbx>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::fact::Failure;

    const PBX: PbxId = PbxId(3);

    fn after(reports: &[Report]) -> Vec<(PbxId, OfPbx)> {
        let pbxs = Pbxs::default();
        reports.iter().for_each(|report| pbxs.reported(report));
        pbxs.read()
    }

    fn up(host: &str) -> Report {
        Report::SessionUp(PBX, Arc::new(Place::at(host)))
    }

    fn lost(host: &str) -> Report {
        Report::SessionLost(PBX, Arc::new(Place::at(host)), Failure::Unreachable)
    }

    #[test]
    fn a_session_that_is_lost_differs_from_one_that_never_came() {
        let read = after(&[lost("a"), lost("a"), up("a"), lost("a"), lost("a")]);
        let [(PBX, of)] = &read[..] else { panic!("{read:?}") };
        assert_eq!((of.failed, of.opened, of.lost, of.is_up), (3, 1, 1, false));
    }

    #[test]
    fn a_session_at_another_box_is_a_take_over_and_so_is_the_way_back() {
        let read = after(&[up("a"), lost("a"), up("b"), Report::BackAtMaster(PBX), up("a")]);
        let of = &read[0].1;
        assert_eq!((of.opened, of.lost, of.taken_over, of.is_up), (3, 1, 2, true));
        assert_eq!(of.place.as_deref(), Some(&Place::at("a")));
        let renewed = after(&[up("a"), Report::Renewed(PBX), up("a")]);
        assert_eq!(renewed[0].1.taken_over, 0, "another account is no other box");
    }

    #[test]
    fn a_pbx_that_left_is_not_told_of_even_if_it_answers_late() {
        let pbxs = Pbxs::default();
        pbxs.reported(&Report::Synchronised(PBX, 12));
        assert_eq!((pbxs.read()[0].1.resyncs, pbxs.read()[0].1.lines), (1, 12));
        for report in [Report::PbxLeft(PBX), Report::SameBox(PBX, PbxId(1))] {
            pbxs.reported(&up("a"));
            pbxs.reported(&report);
            pbxs.polled(PBX);
            assert!(pbxs.read().is_empty(), "{report:?}");
        }
    }
}
