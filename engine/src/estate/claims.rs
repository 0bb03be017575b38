//! Who may bear which name: no two lines that are there have the same one.
//!
//! Each line claims the name that its template makes, and, if it does not get that, the same with
//! its address added. A name belongs to the one who claims it as a first choice before those who
//! claim it as a second, and among equals to the smallest GUID. So who bears which name follows from
//! who is there, and not from who came first: it is the same after a restart, whichever PBX answers
//! first. A line that gets neither of its names has its GUID added, which nobody shares.
//!
//! Names are kept as hashes. Two that share one are taken for the same name, which costs nothing
//! but an address too many.

use super::index::hash;
use crate::id::Guid;
use std::collections::BTreeSet;

/// A name, as far as it has to be told from others. 0 is no name. The last bit is free: it says
/// which choice it is of whoever claims it.
pub(super) type NameHash = u64;

/// The hash of a name.
pub(super) fn claim(name: &str) -> NameHash {
    if name.is_empty() { 0 } else { (hash(name.bytes()) & !1).max(2) }
}

/// All claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// With the last bit set if it is a second choice.
    all: BTreeSet<(NameHash, Guid)>,
    /// Who may bear another name since this was last asked. Empty between records.
    stale: Vec<Guid>,
}

impl Claims {
    /// Changes what somebody claims, first choice first. Returns what he claims then: no second
    /// choice if he bears the name that is his first.
    pub(super) fn change(
        &mut self,
        who: Guid,
        before: [NameHash; 2],
        [first, second]: [NameHash; 2],
    ) -> [NameHash; 2] {
        self.exchange(who, 0, before[0], first);
        let needs_second = self.bearer(first) != Some((0, who));
        let second = if needs_second { second } else { 0 };
        self.exchange(who, 1, before[1], second);
        [first, second]
    }

    /// Takes claims in as they are: all those that are left when nobody is to be named anew.
    pub(super) fn restore(&mut self, who: Guid, choices: [NameHash; 2]) {
        let claims = (0..).zip(choices).filter(|(_, name)| *name != 0);
        self.all.extend(claims.map(|(rank, name)| (name | rank, who)));
    }

    fn exchange(&mut self, who: Guid, rank: u8, before: NameHash, now: NameHash) {
        if before == now {
            return;
        }
        if before != 0 {
            let had_it = self.bearer(before) == Some((rank, who));
            self.all.remove(&(before | u64::from(rank), who));
            let heir = self.bearer(before).filter(|_| had_it);
            self.stale.extend(heir.map(|(_, heir)| heir));
        }
        if now != 0 {
            let loser = self.bearer(now);
            self.all.insert((now | u64::from(rank), who));
            let lost = self.bearer(now) == Some((rank, who));
            self.stale.extend(loser.filter(|_| lost).map(|(_, loser)| loser));
        }
    }

    /// Which of his choices somebody gets; `None` if neither.
    pub(super) fn rank(&self, who: Guid, choices: [NameHash; 2]) -> Option<u8> {
        (0..2u8)
            .zip(choices)
            .find(|(rank, name)| *name != 0 && self.bearer(*name) == Some((*rank, who)))
            .map(|(rank, _)| rank)
    }

    /// Who bears a name, and as which of his choices.
    pub(super) fn bearer(&self, name: NameHash) -> Option<(u8, Guid)> {
        let (claimed, who) = self.all.range((name, Guid::NIL)..).next()?;
        (claimed & !1 == name).then_some(((claimed & 1) as u8, *who))
    }

    /// Those who may bear another name since this was last asked, each once, in order.
    pub(super) fn take_stale(&mut self) -> Vec<Guid> {
        let mut stale = std::mem::take(&mut self.stale);
        stale.sort_unstable();
        stale.dedup();
        stale
    }
}
