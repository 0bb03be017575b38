//! Which line has which device id.
//!
//! Lines known when the server enumerates get consecutive ids; lines that appear later get the id
//! that the server chooses. An id is never used for a second line, and one whose line is gone
//! stays known as such.

use engine::id::LineId;
use engine::tapi::LineErr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The device ids of a session.
pub(crate) struct Devices {
    base: u32,
    /// In ascending order of lines.
    enumerated: Box<[(LineId, AtomicBool)]>,
    later: RwLock<Later>,
}

#[derive(Default)]
struct Later {
    /// Announced by LINE_CREATE; the server has not yet given them an id.
    announced: BTreeSet<LineId>,
    /// Lines that came later, and whether they are gone again.
    created: BTreeMap<u32, (LineId, bool)>,
    /// The other way round, for those that are not gone.
    ids: BTreeMap<LineId, u32>,
}

impl Devices {
    /// Gives the lines the ids from `base` on, in ascending order.
    pub(crate) fn new(base: u32, mut lines: Vec<LineId>) -> Devices {
        lines.sort_unstable();
        lines.dedup();
        let enumerated = lines.into_iter().map(|line| (line, AtomicBool::new(false))).collect();
        Devices { base, enumerated, later: RwLock::default() }
    }

    /// How many lines were enumerated.
    pub(crate) fn enumerated(&self) -> usize {
        self.enumerated.len()
    }

    /// The line of a device id.
    ///
    /// # Errors
    /// [`LineErr::BadDeviceId`] if it was never given out, [`LineErr::NoDevice`] if its line is
    /// gone for good.
    pub(crate) fn line(&self, device: u32) -> Result<LineId, LineErr> {
        let (line, is_gone) = match device
            .checked_sub(self.base)
            .and_then(|index| self.enumerated.get(index as usize))
        {
            Some((line, is_gone)) => (*line, is_gone.load(Ordering::Relaxed)),
            None => *self.later().created.get(&device).ok_or(LineErr::BadDeviceId)?,
        };
        if is_gone { Err(LineErr::NoDevice) } else { Ok(line) }
    }

    /// Expects the server to give the line an id; returns the temporary one to announce it by,
    /// or `None` if it has one already.
    pub(crate) fn announce(&self, line: LineId) -> Option<usize> {
        if self.device(line).is_some() {
            return None;
        }
        self.later_mut().announced.insert(line);
        Some(line.0 as usize)
    }

    /// The server gives an announced line its id.
    ///
    /// # Errors
    /// [`LineErr::BadDeviceId`] if no line waits under the temporary id, or the id is taken.
    pub(crate) fn create(&self, temporary: usize, device: u32) -> Result<(), LineErr> {
        let line = u32::try_from(temporary).map(LineId).map_err(|_| LineErr::BadDeviceId)?;
        if self.line(device) != Err(LineErr::BadDeviceId) {
            return Err(LineErr::BadDeviceId);
        }
        let mut later = self.later_mut();
        if !later.announced.remove(&line) {
            return Err(LineErr::BadDeviceId);
        }
        later.created.insert(device, (line, false));
        later.ids.insert(line, device);
        Ok(())
    }

    /// The line is gone for good: returns its id, if the server has given it one.
    pub(crate) fn remove(&self, line: LineId) -> Option<u32> {
        let device = self.device(line);
        let mut later = self.later_mut();
        later.announced.remove(&line);
        later.ids.remove(&line);
        let device = device?;
        if let Some((_, is_gone)) = later.created.get_mut(&device) {
            *is_gone = true;
        } else if let Some((_, is_gone)) = self.enumerated_line(line) {
            is_gone.store(true, Ordering::Relaxed);
        }
        Some(device)
    }

    /// The present id of a line.
    fn device(&self, line: LineId) -> Option<u32> {
        let created = self.later().ids.get(&line).copied();
        created.or_else(|| {
            let index = self.index(line)?;
            let is_gone = self.enumerated[index].1.load(Ordering::Relaxed);
            (!is_gone).then(|| self.base + index as u32)
        })
    }

    fn enumerated_line(&self, line: LineId) -> Option<&(LineId, AtomicBool)> {
        self.index(line).map(|index| &self.enumerated[index])
    }

    fn index(&self, line: LineId) -> Option<usize> {
        self.enumerated.binary_search_by_key(&line, |(line, _)| *line).ok()
    }

    /// Does something while nobody can look up a line that came later.
    #[cfg(test)]
    pub(crate) fn with_lock_held<T>(&self, what: impl FnOnce() -> T) -> T {
        let _later = self.later_mut();
        what()
    }

    fn later(&self) -> RwLockReadGuard<'_, Later> {
        self.later.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn later_mut(&self) -> RwLockWriteGuard<'_, Later> {
        self.later.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Result<LineId, LineErr> = Err(LineErr::BadDeviceId);
    const GONE: Result<LineId, LineErr> = Err(LineErr::NoDevice);

    #[test]
    fn lines_known_at_first_have_consecutive_ids_from_the_base() {
        let devices = Devices::new(7, vec![LineId(9), LineId(2), LineId(5)]);
        assert_eq!(devices.enumerated(), 3);
        assert_eq!(devices.line(7), Ok(LineId(2)));
        assert_eq!(devices.line(8), Ok(LineId(5)));
        assert_eq!(devices.line(9), Ok(LineId(9)));
        assert_eq!([devices.line(6), devices.line(10), devices.line(u32::MAX)], [BAD; 3]);
    }

    #[test]
    fn a_later_line_gets_the_id_that_the_server_chooses() {
        let devices = Devices::new(0, vec![LineId(1)]);
        let temporary = devices.announce(LineId(2)).unwrap_or_default();
        assert_eq!(devices.create(temporary, 40), Ok(()));
        assert_eq!(devices.line(40), Ok(LineId(2)));
        assert_eq!(devices.create(temporary, 41), Err(LineErr::BadDeviceId), "only once");
        assert_eq!(devices.announce(LineId(2)), None, "it has an id");
        assert_eq!(devices.announce(LineId(1)), None, "it has an id");
    }

    #[test]
    fn an_unknown_temporary_id_or_a_taken_id_changes_nothing() {
        let devices = Devices::new(0, vec![LineId(1)]);
        let temporary = devices.announce(LineId(2)).unwrap_or_default();
        assert_eq!(devices.create(99, 40), Err(LineErr::BadDeviceId));
        assert_eq!(devices.create(usize::MAX, 40), Err(LineErr::BadDeviceId));
        assert_eq!(devices.line(40), BAD);
        assert_eq!(devices.create(temporary, 0), Err(LineErr::BadDeviceId));
        assert_eq!(devices.line(0), Ok(LineId(1)));
        assert_eq!(devices.create(temporary, 40), Ok(()));
    }

    #[test]
    fn a_removed_id_stays_removed_and_its_line_can_come_back_under_another() {
        let devices = Devices::new(0, vec![LineId(1)]);
        assert_eq!(devices.remove(LineId(1)), Some(0));
        assert_eq!(devices.line(0), GONE);
        assert_eq!(devices.remove(LineId(1)), None);
        for device in [5, 6] {
            let temporary = devices.announce(LineId(1)).unwrap_or_default();
            assert_eq!(devices.create(temporary, 0), Err(LineErr::BadDeviceId), "never again");
            assert_eq!(devices.create(temporary, device), Ok(()));
            assert_eq!(devices.line(device), Ok(LineId(1)));
            assert_eq!(devices.remove(LineId(1)), Some(device));
            assert_eq!(devices.line(device), GONE);
        }
    }

    #[test]
    fn a_line_removed_before_it_got_its_id_never_gets_one() {
        let devices = Devices::new(0, vec![]);
        let temporary = devices.announce(LineId(1)).unwrap_or_default();
        assert_eq!(devices.remove(LineId(1)), None);
        assert_eq!(devices.create(temporary, 3), Err(LineErr::BadDeviceId));
    }
}
