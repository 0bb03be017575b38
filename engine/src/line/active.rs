//! One active call at a time: the setting that never more than one call of a line is CONNECTED
//! (invariant I-19).
//!
//! Some applications put every further active call on hold, and so break up a conference of three
//! that somebody has made at the telephone. With this setting they never see a second one: it is
//! shown ONHOLD until the first is over or held. Nothing of it reaches the PBX, and nothing more
//! need be remembered: a call that the PBX has connected and that reads ONHOLD is *masked*.

use super::Line;
use crate::call::{StateAndMode, is_on_hold};
use crate::effect::Effects;
use crate::tapi::CallState;
use crate::time::Millis;

impl Line {
    /// How a state reads beside the other calls of the line. A call comes back from hold only when
    /// no other is connected, or when an application asks for it; one that was just answered takes
    /// the place of the one before.
    pub(super) fn beside_others(&self, index: Option<usize>, target: StateAndMode) -> StateAndMode {
        let single = self.identity.single_active_call;
        if !single || target.0 != CallState::Connected || self.connected_but(index).is_none() {
            return target;
        }
        match index.map(|index| &self.calls[index]) {
            None => (CallState::OnHold, 0),
            Some(call) if is_on_hold(call.state) && !self.is_asked_to_connect(call.id) => {
                (call.state, call.mode)
            }
            Some(_) => target,
        }
    }

    /// Another call than this one that is shown CONNECTED, if it must not be.
    pub(super) fn in_the_way_of(&self, index: usize) -> Option<usize> {
        self.identity.single_active_call.then(|| self.connected_but(Some(index))).flatten()
    }

    /// Whether the PBX has the call connected while it is shown on hold.
    pub(super) fn is_masked(&self, index: usize) -> bool {
        self.identity.single_active_call && self.true_connection(index).is_some()
    }

    /// Shows a masked call at once, and the other one on hold. The PBX has nothing to do with it.
    pub(super) fn unmask(&mut self, at: Millis, index: usize, out: &mut Effects) {
        if let (Some(target), Some(other)) =
            (self.true_connection(index), self.connected_but(Some(index)))
        {
            self.enter(at, other, (CallState::OnHold, 0), out);
            self.enter(at, index, target, out);
        }
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
                state if is_on_hold(state) => {
                    let target = self.true_connection(index);
                    if let Some(target) = target.and_then(|target| self.shown(index, target)) {
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
        if !is_on_hold(call.state) {
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
