//! A site of several PBXs: masters with slaves and slaves of these, standbys that take over. Pure,
//! like the model of one PBX: it only knows which of them is registered at which.
//!
//! Users are known at their home and at all PBXs above it; a standby has all that its PBX has.

mod carry;

pub use carry::Hand;

use super::estate::{Estate, Rank};
use super::model::PbxModel;
use engine::time::Millis;
use std::collections::BTreeSet;

/// Several PBXs.
#[derive(Clone)]
pub struct Site {
    boxes: Vec<Member>,
    /// Those to which something was done by others.
    touched: BTreeSet<usize>,
    /// Calls that went from one to another.
    calls_across: u64,
}

/// One of them.
#[derive(Clone)]
struct Member {
    name: String,
    rank: Rank<usize>,
    model: PbxModel,
    url: String,
    is_off: bool,
    /// At a standby: the phones of its PBX are registered here.
    serves: bool,
}

impl Member {
    fn tell_standing(&mut self) {
        let is_standby = matches!(self.rank, Rank::Standby(_));
        self.model.set_standing_by(is_standby && !self.serves);
    }
}

/// Why something cannot be done with a site.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// No PBX of the site has this name.
    #[error("there is no PBX {0}; `pbxs` lists them")]
    NoPbx(String),
    /// It has no standby.
    #[error("{0} has no standby")]
    NoStandby(String),
    /// Nobody in the site has this extension.
    #[error("there is no extension {0}; `users` lists those of one PBX")]
    NoExtension(String),
    /// A standby has no users of its own.
    #[error("{0} is a standby; users are at home at the PBX that it stands by for")]
    Standby(String),
    /// The two PBXs have nothing in common.
    #[error("{0} belongs to another tree of PBXs")]
    OtherTree(String),
    /// It is switched off already, or on.
    #[error("{0} is {1} already")]
    Already(String, &'static str),
}

/// How a PBX of a site is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it is to others: `master`, `slave of NAME`, `standby of NAME`.
    pub rank: String,
    /// Where it answers.
    pub url: String,
    /// Whether it is switched on.
    pub is_on: bool,
    /// Whether phones are registered at it: not so at a standby with nothing to do.
    pub serves: bool,
}

impl Site {
    /// The PBXs of an estate, all switched on. They have no addresses yet.
    #[must_use]
    pub fn new(estate: &Estate, seed: u64) -> Site {
        let boxes = estate.expanded().into_iter().zip(0..).map(|(one, number)| Member {
            name: one.name,
            serves: !matches!(one.rank, Rank::Standby(_)),
            rank: one.rank,
            // The first is what a simulator of it alone would be.
            model: PbxModel::new(&one.estate, seed.wrapping_add(number << 32)),
            url: String::new(),
            is_off: false,
        });
        let mut site = Site { boxes: boxes.collect(), touched: BTreeSet::new(), calls_across: 0 };
        site.boxes.iter_mut().for_each(Member::tell_standing);
        for number in 0..site.count() {
            let parent = site.parent(number).map(|parent| site.boxes[parent].name.clone());
            site.boxes[number].model.set_parent(parent.as_deref());
        }
        site.tell_reach();
        site
    }

    /// How many PBXs there are; never none.
    #[must_use]
    pub fn count(&self) -> usize {
        self.boxes.len()
    }

    /// A PBX by its number. The first one is 0; there is always one.
    #[must_use]
    pub fn pbx(&self, number: usize) -> &PbxModel {
        &self.boxes[number].model
    }

    /// The number of the PBX of that name.
    ///
    /// # Errors
    /// [`SiteError::NoPbx`].
    pub fn number(&self, name: &str) -> Result<usize, SiteError> {
        let found = self.boxes.iter().position(|known| known.name == name);
        found.ok_or_else(|| SiteError::NoPbx(name.to_owned()))
    }

    /// How all are doing.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let name = |number: usize| &self.boxes[number].name;
        let listed = self.boxes.iter().map(|one| Listed {
            name: one.name.clone(),
            rank: match one.rank {
                Rank::Master => "master".to_owned(),
                Rank::Slave(of) => format!("slave of {}", name(of)),
                Rank::Standby(of) => format!("standby of {}", name(of)),
            },
            url: one.url.clone(),
            is_on: !one.is_off,
            serves: one.serves && !one.is_off,
        });
        listed.collect()
    }

    /// A PBX answers at this address from now on. Its parent, if it has one, is told.
    pub fn set_url(&mut self, number: usize, url: &str) {
        url.clone_into(&mut self.boxes[number].url);
        self.announce(number);
    }

    /// A PBX is switched off, or its line is cut: nobody answers any more, and its parent loses it.
    ///
    /// # Errors
    /// [`SiteError::Already`].
    pub fn stop(&mut self, number: usize, now: Millis) -> Result<(), SiteError> {
        let one = &mut self.boxes[number];
        if std::mem::replace(&mut one.is_off, true) {
            return Err(SiteError::Already(one.name.clone(), "off"));
        }
        one.model.switch_off(now);
        self.change_places(number);
        Ok(())
    }

    /// A PBX is switched on again. The phones that turned to its standby come back.
    ///
    /// # Errors
    /// [`SiteError::Already`].
    pub fn start(&mut self, number: usize, now: Millis) -> Result<(), SiteError> {
        let one = &mut self.boxes[number];
        if !std::mem::replace(&mut one.is_off, false) {
            return Err(SiteError::Already(one.name.clone(), "on"));
        }
        one.model.switch_on(now);
        if let Some(standby) = self.standby_of(number).filter(|s| self.boxes[*s].serves) {
            self.boxes[standby].serves = false;
            self.boxes[number].serves = true;
            let stood_in = self.boxes[standby].model.clone();
            self.boxes[number].model.take_over(&stood_in);
            self.boxes[standby].model.give_back();
            self.boxes[standby].tell_standing();
        }
        self.change_places(number);
        Ok(())
    }

    /// The phones of a PBX turn to its standby, which registers in its place.
    ///
    /// # Errors
    /// [`SiteError::NoStandby`]; [`SiteError::Already`].
    pub fn take_over(&mut self, number: usize) -> Result<(), SiteError> {
        let name = self.boxes[number].name.clone();
        let standby = self.standby_of(number).ok_or(SiteError::NoStandby(name))?;
        let one = &mut self.boxes[standby];
        if std::mem::replace(&mut one.serves, true) {
            return Err(SiteError::Already(one.name.clone(), "taking its place"));
        }
        self.boxes[number].serves = false;
        let failed = self.boxes[number].model.clone();
        self.boxes[standby].model.take_over(&failed);
        self.boxes[standby].tell_standing();
        if !self.boxes[number].is_off {
            self.boxes[number].model.give_back();
        }
        self.change_places(number);
        Ok(())
    }

    /// A user moves to another PBX of the same tree.
    ///
    /// # Errors
    /// [`SiteError`] if there is no such user or PBX, or not in the same tree.
    pub fn move_user(&mut self, ext: &str, to: usize) -> Result<(), SiteError> {
        if matches!(self.boxes[to].rank, Rank::Standby(_)) {
            return Err(SiteError::Standby(self.boxes[to].name.clone()));
        }
        let is_home = |number: &usize| {
            let one = &self.boxes[*number];
            !matches!(one.rank, Rank::Standby(_)) && one.model.resident(ext).is_some()
        };
        let at_home = || (0..self.boxes.len()).filter(is_home);
        let Some(from) = at_home().find(|from| self.root(*from) == self.root(to)) else {
            return Err(match at_home().next() {
                Some(_) => SiteError::OtherTree(self.boxes[to].name.clone()),
                None => SiteError::NoExtension(ext.to_owned()),
            });
        };
        let model = &self.boxes[from].model;
        let Some(replica) = model.resident(ext).and_then(|guid| model.replica(guid)) else {
            return Err(SiteError::NoExtension(ext.to_owned()));
        };
        for number in 0..self.boxes.len() {
            let acts_as = match self.boxes[number].rank {
                Rank::Standby(of) => of,
                _ => number,
            };
            if self.root(acts_as) != self.root(to) {
                continue;
            }
            let serves = self.boxes[number].serves;
            let home = self.boxes[to].model.name().to_owned();
            let is_above = self.is_above(acts_as, to);
            let model = &mut self.boxes[number].model;
            match () {
                () if acts_as == to => model.house(&replica, "", serves),
                () if is_above => model.house(&replica, &home, false),
                () => model.evict(replica.guid()),
            }
        }
        self.carry();
        Ok(())
    }

    fn standby_of(&self, number: usize) -> Option<usize> {
        self.boxes.iter().position(|one| one.rank == Rank::Standby(number))
    }

    /// The master that a PBX belongs to in the end.
    fn root(&self, number: usize) -> usize {
        match self.boxes[number].rank {
            Rank::Master => number,
            Rank::Slave(of) | Rank::Standby(of) => self.root(of),
        }
    }

    /// The PBX that one is registered at, or that its own is if it stands by.
    fn parent(&self, number: usize) -> Option<usize> {
        match self.boxes[number].rank {
            Rank::Master => None,
            Rank::Slave(of) => Some(of),
            Rank::Standby(of) => self.parent(of),
        }
    }

    fn is_above(&self, above: usize, number: usize) -> bool {
        match self.boxes[number].rank {
            Rank::Slave(of) => of == above || self.is_above(above, of),
            _ => false,
        }
    }

    /// A box came or went.
    fn change_places(&mut self, number: usize) {
        self.tell_reach();
        self.announce(number);
        self.carry();
    }

    /// Tells the parent of a PBX, and the standby of that, where it is reached now: at its own
    /// address, at that of its standby, or nowhere.
    fn announce(&mut self, number: usize) {
        let number = match self.boxes[number].rank {
            Rank::Standby(of) => of,
            _ => number,
        };
        let Rank::Slave(parent) = self.boxes[number].rank else { return };
        let standby = self.standby_of(number);
        let there = std::iter::once(number).chain(standby);
        let serving = there.map(|n| &self.boxes[n]).find(|one| one.serves && !one.is_off);
        let url = serving.map(|one| one.url.clone()).filter(|url| !url.is_empty());
        let name = self.boxes[number].model.name().to_owned();
        for above in std::iter::once(parent).chain(self.standby_of(parent)) {
            self.boxes[above].model.set_location(&name, url.as_deref());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
