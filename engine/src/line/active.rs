//! One active call at a time: the setting that never more than one call of a line is CONNECTED
//! (invariant I-19).
//!
//! Some applications put every further active call on hold, and so break up a conference of three
//! that somebody has made at the telephone. With this setting they never see a second one: it is
//! shown ONHOLD until the first is over or held. Nothing of it reaches the PBX, and nothing more
//! need be remembered: a call that the PBX has connected and that reads ONHOLD is *masked*.

use super::Line;
use crate::call::StateAndMode;
use crate::effect::Effects;
use crate::tapi::CallState;
use crate::time::Millis;

impl Line {
    /// How a state reads beside the other calls of the line. A call comes out of ONHOLD only when
    /// no other is connected; one that was just answered takes the place of the one before.
    pub(super) fn beside_others(&self, index: Option<usize>, target: StateAndMode) -> StateAndMode {
        let waits = index.is_none_or(|index| self.calls[index].state == CallState::OnHold);
        let masked = self.identity.single_active_call
            && target.0 == CallState::Connected
            && waits
            && self.connected_but(index).is_some();
        if masked { (CallState::OnHold, 0) } else { target }
    }

    /// Another call than this one that is shown CONNECTED, if it must not be.
    pub(super) fn in_the_way_of(&self, index: usize) -> Option<usize> {
        self.identity.single_active_call.then(|| self.connected_but(Some(index))).flatten()
    }

    /// After each input: one masked call is shown when its time has come, all of them when the
    /// setting was switched off, and none but the first stays when it was switched on.
    pub(super) fn settle_active(&mut self, at: Millis, out: &mut Effects) {
        for index in 0..self.calls.len() {
            let call = &self.calls[index];
            match call.state {
                CallState::Connected
                    if self.identity.single_active_call
                        && self.calls[..index].iter().any(is_connected) =>
                {
                    self.enter(at, index, (CallState::OnHold, 0), out);
                }
                CallState::OnHold => {
                    if let Some(target) = self.true_connection(index)
                        && !self.waits_to_connect(index)
                    {
                        self.enter(at, index, target, out);
                    }
                }
                _ => {}
            }
        }
    }

    /// CONNECTED with its mode, for a call that is shown on hold and is not.
    fn true_connection(&self, index: usize) -> Option<StateAndMode> {
        let call = &self.calls[index];
        if call.state != CallState::OnHold {
            return None;
        }
        crate::call::reading(call.pbx, call.circumstances())
            .filter(|(state, _)| *state == CallState::Connected)
    }

    fn connected_but(&self, index: Option<usize>) -> Option<usize> {
        (0..self.calls.len())
            .find(|other| Some(*other) != index && is_connected(&self.calls[*other]))
    }
}

fn is_connected(call: &super::call::Call) -> bool {
    call.state == CallState::Connected
}
