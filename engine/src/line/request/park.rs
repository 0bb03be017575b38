//! Parking a call, and taking one that is parked.

use super::{Kind, Outcome, Progress, make};
use crate::effect::{Effects, Order};
use crate::fact::{ParkPlace, Role};
use crate::id::{CallHandle, CallId, PbxId, Ticket};
use crate::line::Line;
use crate::line::call::Call;
use crate::pii::Personal;
use crate::tapi::{CallState, LineErr};
use crate::time::Millis;

/// The PBX chooses the position.
const ANY_POSITION: i32 = -1;

impl Line {
    /// The PBX wants the Long Name of the object, so it is asked for that first. Where it may choose,
    /// it is the user's own object: from there anybody can take the call who can see the user.
    pub(super) fn park(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        (place, across): (ParkPlace, &[Personal]),
        out: &mut Effects,
    ) -> Outcome {
        let (monitor, leg) = self.leg_of(call)?;
        let (kind, order) = match place {
            ParkPlace::Directed(e164) => {
                let across = across.contains(&e164);
                let find = Order::FindUser { user: monitor.user, e164 };
                (Kind::FindPlace, make::addressed(monitor.user, across, find))
            }
            ParkPlace::Nondirected => (Kind::Park, park(leg, Personal::default())),
        };
        self.pend(at, ticket, call, kind, out);
        self.order(monitor, ticket, order, out);
        Ok(Progress::UnderWay)
    }

    pub(super) fn place_found(
        &mut self,
        at: Millis,
        position: usize,
        cn: Personal,
        out: &mut Effects,
    ) {
        let (ticket, call) = (self.requests[position].ticket, self.requests[position].call);
        match self.leg_of(call) {
            Ok((monitor, leg)) => {
                self.requests[position].kind = Kind::Park;
                self.order(monitor, ticket, park(leg, cn), out);
            }
            Err(error) => self.fail(at, position, error, out),
        }
    }

    /// The PBX has parked it and says so; its leg should have gone by now.
    pub(super) fn park_overdue(&mut self, at: Millis, position: usize, out: &mut Effects) {
        let pending = self.requests[position].clone();
        match self.index_of(pending.call).filter(|_| pending.taken) {
            Some(index) => self.enter(at, index, (CallState::Idle, 0), out),
            None => self.fail(at, position, LineErr::OperationFailed, out),
        }
    }

    /// Takes the call whose leg is parked somewhere, if there is one.
    pub(super) fn unpark(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        parked: Option<(PbxId, CallHandle)>,
        out: &mut Effects,
    ) -> Outcome {
        let monitor = self.monitor.ok_or(LineErr::OperationFailed)?;
        // The handle is one of the session with that PBX.
        let (_, leg) =
            parked.filter(|(pbx, _)| *pbx == monitor.link.pbx).ok_or(LineErr::OperationFailed)?;
        if !self.make_room(out) {
            return Err(LineErr::ResourceUnavail);
        }
        self.calls.push(Call::unparked(call, make::card(0, 0), at));
        self.pend(at, ticket, call, Kind::Pickup, out);
        let (cn, group) = (Personal::default(), Personal::default());
        self.order(
            monitor,
            ticket,
            Order::UserPickup { user: monitor.user, cn, group, call: leg },
            out,
        );
        Ok(Progress::UnderWay)
    }

    /// Whether the PBX has said of a call that it is parked somewhere now.
    pub(in crate::line) fn was_parked(&self, index: usize) -> bool {
        self.calls[index].parties.iter().any(|party| party.role == Role::ParkedTo)
    }
}

fn park(call: CallHandle, cn: Personal) -> Order {
    Order::UserPark { call, cn, position: ANY_POSITION }
}
