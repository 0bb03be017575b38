//! Picking up a call that rings elsewhere.

use super::{Kind, Outcome, Progress, make};
use crate::effect::{Effects, Order};
use crate::fact::PickupFrom;
use crate::id::{CallHandle, CallId, Ticket};
use crate::line::Line;
use crate::line::call::Call;
use crate::pii::Personal;
use crate::tapi::LineErr;
use crate::time::Millis;

impl Line {
    /// The PBX wants the Long Name of a station, so it is asked for that first.
    pub(super) fn pick_up(
        &mut self,
        at: Millis,
        ticket: Ticket,
        call: CallId,
        (from, across): (PickupFrom, &[Personal]),
        out: &mut Effects,
    ) -> Outcome {
        let monitor = self.monitor.ok_or(LineErr::OperationFailed)?;
        if !self.make_room(out) {
            return Err(LineErr::ResourceUnavail);
        }
        self.calls.push(Call::picked_up(call, make::card(0, 0), at));
        let (kind, order) = match from {
            PickupFrom::Station(e164) => {
                let across = across.contains(&e164);
                let find = Order::FindUser { user: monitor.user, e164 };
                (Kind::FindStation, make::addressed(monitor.user, across, find))
            }
            PickupFrom::Group(group) => (Kind::Pickup, self.pickup(Personal::default(), group)),
            PickupFrom::Anywhere => {
                (Kind::Pickup, self.pickup(Personal::default(), Personal::default()))
            }
        };
        self.pend(at, ticket, call, kind, out);
        self.order(monitor, ticket, order, out);
        Ok(Progress::UnderWay)
    }

    pub(super) fn station_found(
        &mut self,
        at: Millis,
        position: usize,
        cn: Personal,
        out: &mut Effects,
    ) {
        let Some(monitor) = self.monitor else {
            return self.fail(at, position, LineErr::OperationFailed, out);
        };
        self.requests[position].kind = Kind::Pickup;
        let order = self.pickup(cn, Personal::default());
        self.order(monitor, self.requests[position].ticket, order, out);
    }

    fn pickup(&self, cn: Personal, group: Personal) -> Order {
        // A line without a monitor does not get here.
        let user = self.monitor.map_or(crate::id::UserHandle(0), |monitor| monitor.user);
        Order::UserPickup { user, cn, group, call: CallHandle(0) }
    }
}
