//! A site of several PBXs: masters with slaves and slaves of these, standbys that take over. Pure,
//! like the model of one PBX: it only knows which of them is registered at which.
//!
//! Users are known at their home and at all PBXs above it; a standby has all that its PBX has.

use super::estate::{Estate, Rank};
use super::model::PbxModel;
use engine::time::Millis;

/// Several PBXs.
#[derive(Clone)]
pub struct Site {
    boxes: Vec<Member>,
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
        let mut site = Site { boxes: boxes.collect() };
        site.boxes.iter_mut().for_each(Member::tell_standing);
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

    /// The same to do something with.
    pub fn pbx_mut(&mut self, number: usize) -> &mut PbxModel {
        &mut self.boxes[number].model
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
        self.announce(number);
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
        self.announce(number);
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
        self.announce(number);
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

    fn is_above(&self, above: usize, number: usize) -> bool {
        match self.boxes[number].rank {
            Rank::Slave(of) => of == above || self.is_above(above, of),
            _ => false,
        }
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
mod tests {
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
}
