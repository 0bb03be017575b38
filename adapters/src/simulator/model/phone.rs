//! What people do at their phones, inside the PBX and beyond the trunk.

use super::PbxModel;
use super::leg::{Leg, LegId, Party, Phase, Target};
use super::object::ObjectId;
use super::setup::NORMAL;
use engine::diversion::Kind;

/// When everybody hangs up: calls that are diverted in a circle end all the same.
const MOST_HANG_UPS: usize = 10_000;

/// Why something cannot be done at a phone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No object has this number.
    #[error("there is no extension {0}; `users` lists them")]
    NoExtension(String),
    /// The extension has no call.
    #[error("{0} has no call; `calls` lists them")]
    NoCall(String),
    /// The extension has calls, but none in the state that this needs.
    #[error("{ext} has no call that is {state}; `calls` lists them")]
    NotNow {
        /// The extension.
        ext: String,
        /// What the call would have to be.
        state: &'static str,
    },
    /// The far end is a phone of this PBX, or of another one.
    #[error(
        "the far end of {ext} is the extension {far}, not an external party; say so to {far} itself"
    )]
    NotExternal {
        /// The extension.
        ext: String,
        /// The far end.
        far: String,
    },
    /// The estate has no trunk.
    #[error(
        "the estate has no trunk (an object with object = \"trunk\"), so nobody can call from outside"
    )]
    NoTrunk,
    /// The phone is not registered.
    #[error("{0} is not registered; `register {0} on` helps")]
    NotRegistered(String),
    /// A name or number is in use.
    #[error("the {what} {value:?} is taken, or empty")]
    Taken {
        /// What is taken.
        what: &'static str,
        /// The name or number.
        value: String,
    },
}

/// What the party beyond the trunk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FarAction {
    /// Its phone rings.
    Alert,
    /// It answers.
    Answer,
    /// It is busy.
    Busy,
    /// It hangs up, with a Q.850 cause.
    HangUp(u8),
}

/// Something about a phone or its user that can be on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    /// Calls to it fail with cause 17.
    Busy,
    /// `UserCall` by it returns 0.
    Refuses,
    /// Requests for it are never acted upon, and `UserCall` is never answered.
    Silent,
    /// It rings as soon as a call is offered.
    AutoAlert,
    /// It is registered.
    Registered,
}

impl PbxModel {
    /// A user dials at the phone: an extension, or the trunk's number and an external number.
    ///
    /// # Errors
    /// [`Refusal`] if there is no such phone, or it is not registered.
    pub fn phone_dials(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        let object = self.extension(from)?;
        if !self.directory.get(object).is_some_and(|object| object.registered) {
            return Err(Refusal::NotRegistered(from.into()));
        }
        let leg = self.lift(object, Some(0), None);
        self.dial(leg, &Target::Number(to.into()));
        self.settle();
        Ok(())
    }

    /// Somebody outside calls an extension; an empty number is an anonymous caller.
    ///
    /// # Errors
    /// [`Refusal`] if there is no such extension, or no trunk.
    pub fn external_calls(&mut self, to: &str, number: &str, name: &str) -> Result<(), Refusal> {
        let object = self.extension(to)?;
        let trunk = self.directory.any_trunk().ok_or(Refusal::NoTrunk)?;
        let prefix = if number.is_empty() { String::new() } else { self.number_of(trunk) };
        let caller =
            Party { dn: name.into(), e164: format!("{prefix}{number}"), ..Party::default() };
        self.come_in(trunk, caller, object);
        self.settle();
        Ok(())
    }

    /// A phone that rings is answered.
    ///
    /// # Errors
    /// [`Refusal`] if it does not ring.
    pub fn phone_answers(&mut self, ext: &str) -> Result<(), Refusal> {
        let leg = self.newest(ext, "ringing", Leg::is_ringing)?;
        self.connect(leg, None);
        self.settle();
        Ok(())
    }

    /// A phone that rings rejects the call.
    ///
    /// # Errors
    /// [`Refusal`] if it does not ring.
    pub fn phone_rejects(&mut self, ext: &str, cause: u8) -> Result<(), Refusal> {
        let leg = self.newest(ext, "ringing", Leg::is_ringing)?;
        self.clear(leg, cause);
        self.settle();
        Ok(())
    }

    /// A phone hangs up its newest call.
    ///
    /// # Errors
    /// [`Refusal`] if it has none.
    pub fn phone_hangs_up(&mut self, ext: &str) -> Result<(), Refusal> {
        let leg = self.newest(ext, "running", |leg| leg.phase != Phase::Parked)?;
        self.clear(leg, NORMAL);
        self.settle();
        Ok(())
    }

    /// Everybody hangs up, and goes on to while a call that was hung up rings somewhere else.
    pub fn everybody_hangs_up(&mut self) {
        for _ in 0..MOST_HANG_UPS {
            let leg = self.legs.iter().find(|(_, leg)| leg.phase != Phase::Parked);
            let Some((leg, _)) = leg else { return };
            self.clear(leg, NORMAL);
            self.settle();
        }
    }

    /// A phone puts its call on hold.
    ///
    /// # Errors
    /// [`Refusal`] if it is not talking.
    pub fn phone_holds(&mut self, ext: &str) -> Result<(), Refusal> {
        let talking = |leg: &Leg| leg.phase == Phase::Connected && !leg.held;
        let leg = self.newest(ext, "connected and not on hold", talking)?;
        self.hold(leg);
        self.settle();
        Ok(())
    }

    /// A phone takes its call back from hold.
    ///
    /// # Errors
    /// [`Refusal`] if it has none on hold.
    pub fn phone_retrieves(&mut self, ext: &str) -> Result<(), Refusal> {
        let leg = self.newest(ext, "on hold", |leg| leg.held)?;
        self.retrieve(leg);
        self.settle();
        Ok(())
    }

    /// The user joins its two calls to a conference of three, or holds the older one again.
    ///
    /// # Errors
    /// There is no such extension, or it has no two connected calls.
    pub fn phone_confers(&mut self, ext: &str, on: bool) -> Result<(), Refusal> {
        let talking = |leg: &Leg| leg.phase == Phase::Connected;
        let leg = self.newest(ext, "connected", |leg| talking(leg) && !leg.held)?;
        let object = self.extension(ext)?;
        if self.legs.at(object).filter(|(_, leg)| talking(leg)).count() < 2 {
            return Err(Refusal::NotNow { ext: ext.into(), state: "connected, beside another" });
        }
        self.confer(leg, on);
        self.settle();
        Ok(())
    }

    /// The external party at the other end of the newest call of `ext` acts.
    ///
    /// # Errors
    /// [`Refusal`] if there is no call, the other end is a phone of this PBX, or the call is in a
    /// state in which this cannot be done.
    pub fn far_end(&mut self, ext: &str, action: FarAction) -> Result<(), Refusal> {
        let object = self.extension(ext)?;
        let newest = self.legs.at(object).rfind(|(_, leg)| leg.is_live());
        let (near, _) = newest.ok_or_else(|| Refusal::NoCall(ext.into()))?;
        let far = self.legs.opposite(near).first().copied();
        let far = far.ok_or_else(|| Refusal::NoCall(ext.into()))?;
        let Some(leg) = self.legs.get(far) else { return Err(Refusal::NoCall(ext.into())) };
        if !leg.is_external() {
            let far = self.number_for(object, &self.party(far));
            return Err(Refusal::NotExternal { ext: ext.into(), far });
        }
        if !leg.is_ringing() && !matches!(action, FarAction::HangUp(_)) {
            return Err(Refusal::NotNow { ext: ext.into(), state: "outgoing and unanswered" });
        }
        match action {
            FarAction::Alert => self.alert(far),
            FarAction::Answer => self.connect(far, None),
            FarAction::Busy => self.clear(far, super::setup::BUSY),
            FarAction::HangUp(cause) => self.clear(far, cause),
        }
        self.settle();
        Ok(())
    }

    /// The PBX gives up the newest unanswered call of an extension.
    ///
    /// # Errors
    /// [`Refusal`] if it has none.
    pub fn gives_up(&mut self, ext: &str, cause: u8) -> Result<(), Refusal> {
        let leg = self.newest(ext, "unanswered", |leg| leg.phase <= Phase::Alerting)?;
        self.give_up(leg, cause);
        self.settle();
        Ok(())
    }

    /// The display name of the far end of the newest call becomes known.
    ///
    /// # Errors
    /// [`Refusal`] if there is no call.
    pub fn identifies(&mut self, ext: &str, name: &str) -> Result<(), Refusal> {
        let leg = self.newest(ext, "running", Leg::is_live)?;
        self.identify_peer(leg, name);
        self.settle();
        Ok(())
    }

    /// A phone diverts all its calls of a kind to a number, or no longer.
    ///
    /// # Errors
    /// [`Refusal`] if there is no such extension.
    pub fn phone_diverts(
        &mut self,
        ext: &str,
        kind: Kind,
        to: Option<&str>,
    ) -> Result<(), Refusal> {
        let id = self.extension(ext)?;
        self.change_record(id, |object| object.record.set(kind, to));
        Ok(())
    }

    /// The template of a user does so.
    ///
    /// # Errors
    /// [`Refusal`] if there is no such extension.
    pub fn template_diverts(
        &mut self,
        ext: &str,
        kind: Kind,
        to: Option<&str>,
    ) -> Result<(), Refusal> {
        let id = self.extension(ext)?;
        self.change_record(id, |object| object.record.inherit(kind, to));
        Ok(())
    }

    /// Switches something about a phone.
    ///
    /// # Errors
    /// [`Refusal`] if there is no such extension.
    pub fn set_trait(&mut self, ext: &str, which: Trait, on: bool) -> Result<(), Refusal> {
        let id = self.extension(ext)?;
        let Some(object) = self.directory.get_mut(id) else { return Ok(()) };
        let place = match which {
            Trait::Busy => &mut object.busy,
            Trait::Refuses => &mut object.refuses,
            Trait::Silent => &mut object.silent,
            Trait::AutoAlert => &mut object.auto_alert,
            Trait::Registered => &mut object.registered,
        };
        let changed = std::mem::replace(place, on) != on;
        match which {
            Trait::Registered if changed => self.tell_object(id, false),
            Trait::AutoAlert if on => self.ring_waiting(id),
            _ => {}
        }
        self.settle();
        Ok(())
    }

    /// Calls that were offered to a silent phone ring now.
    fn ring_waiting(&mut self, object: ObjectId) {
        let waiting: Vec<LegId> = self
            .legs
            .at(object)
            .filter(|(_, leg)| leg.called && leg.phase < Phase::Alerting)
            .map(|(id, _)| id)
            .collect();
        self.ring_all(&waiting);
    }

    pub(super) fn extension(&self, ext: &str) -> Result<ObjectId, Refusal> {
        self.directory.numbered(ext).ok_or_else(|| Refusal::NoExtension(ext.into()))
    }

    /// The newest call of an extension that is as it has to be.
    pub(super) fn newest(
        &self,
        ext: &str,
        state: &'static str,
        fits: impl Fn(&Leg) -> bool,
    ) -> Result<LegId, Refusal> {
        let object = self.extension(ext)?;
        let mut legs = self.legs.at(object).rev().peekable();
        if legs.peek().is_none() {
            return Err(Refusal::NoCall(ext.into()));
        }
        let found = legs.find(|(_, leg)| fits(leg)).map(|(id, _)| id);
        found.ok_or_else(|| Refusal::NotNow { ext: ext.into(), state })
    }
}
