//! What people do at their phones with the keys for it: park, pickup, transfer.

use super::PbxModel;
use super::leg::{Leg, LegId, Phase, Target};
use super::object::ObjectId;
use super::phone::Refusal;

impl PbxModel {
    /// A phone dials further digits of its newest call.
    ///
    /// # Errors
    /// [`Refusal`] if it has none that waits for digits.
    pub fn phone_dials_on(&mut self, ext: &str, digits: &str) -> Result<(), Refusal> {
        let waits = |leg: &Leg| !leg.called && leg.phase <= Phase::SetupAck;
        let leg = self.newest(ext, "waiting for digits", waits)?;
        self.dial_on(leg, digits);
        self.settle();
        Ok(())
    }

    /// A phone parks its call at an extension, or at its own.
    ///
    /// # Errors
    /// [`Refusal`] if it is not talking, or there is no such extension.
    pub fn phone_parks(&mut self, ext: &str, at: Option<&str>) -> Result<(), Refusal> {
        let leg = self.newest(ext, "connected", is_talking)?;
        let place = self.extension(at.unwrap_or(ext))?;
        self.park(leg, place);
        self.settle();
        Ok(())
    }

    /// A phone takes the call that rings, or is parked, at another extension.
    ///
    /// # Errors
    /// [`Refusal`] if there is none.
    pub fn phone_picks_up(&mut self, ext: &str, at: &str, parked: bool) -> Result<(), Refusal> {
        let (user, place) = (self.extension(ext)?, self.extension(at)?);
        let found = if parked { self.parked_at(place) } else { self.find_pickup(&[place]) };
        let state = if parked { "parked there" } else { "ringing" };
        let taken = found.and_then(|robbed| self.pick_up(user, None, robbed));
        self.settle();
        taken.map(drop).ok_or_else(|| Refusal::NotNow { ext: at.into(), state })
    }

    /// A phone joins the far ends of its two calls, and has none any more.
    ///
    /// # Errors
    /// [`Refusal`] if it does not have two calls.
    pub fn phone_transfers(&mut self, ext: &str) -> Result<(), Refusal> {
        let object = self.extension(ext)?;
        let mut live = self.legs.at(object).rev().filter(|(_, leg)| leg.is_live());
        let newest = [live.next(), live.next()].map(|found| found.map(|(id, _)| id));
        drop(live);
        let [Some(second), Some(first)] = newest else {
            return Err(Refusal::NotNow { ext: ext.into(), state: "beside another one" });
        };
        self.transfer(first, second);
        self.settle();
        Ok(())
    }

    /// A phone sends its call elsewhere, whether it rings or is connected.
    ///
    /// # Errors
    /// [`Refusal`] if it has none, or nobody can be reached there.
    pub fn phone_sends_away(&mut self, ext: &str, to: &str) -> Result<(), Refusal> {
        let sendable = |leg: &Leg| leg.is_ringing() || is_talking(leg);
        let leg = self.newest(ext, "ringing or connected", sendable)?;
        let taken = self.redirect(leg, &Target::Number(to.into()), true);
        self.settle();
        if taken { Ok(()) } else { Err(Refusal::NoExtension(to.into())) }
    }

    /// User-user information reaches a phone from the far end of its newest call.
    ///
    /// # Errors
    /// [`Refusal`] if it has no call.
    pub fn user_info_arrives(&mut self, ext: &str, text: &str) -> Result<(), Refusal> {
        let leg = self.newest(ext, "running", Leg::is_live)?;
        self.send_uui(leg, true, text);
        self.settle();
        Ok(())
    }

    /// The user-user information last sent in the newest call of a phone, as the client wrote it.
    ///
    /// # Errors
    /// [`Refusal`] if it has no call.
    pub fn user_info_sent(&self, ext: &str) -> Result<&str, Refusal> {
        let leg = self.newest(ext, "running", Leg::is_live)?;
        Ok(self.legs.get(leg).map_or("", |leg| leg.uui_sent.as_str()))
    }

    /// The DTMF digits that were heard in the newest call of a phone.
    ///
    /// # Errors
    /// [`Refusal`] if it has no call.
    pub fn digits_heard(&self, ext: &str) -> Result<&str, Refusal> {
        let leg = self.newest(ext, "running", Leg::is_live)?;
        Ok(self.legs.get(leg).map_or("", |leg| leg.dtmf.as_str()))
    }

    fn parked_at(&self, place: ObjectId) -> Option<LegId> {
        self.legs.at(place).find(|(_, leg)| leg.phase == Phase::Parked).map(|(id, _)| id)
    }
}

fn is_talking(leg: &Leg) -> bool {
    leg.phase == Phase::Connected
}
