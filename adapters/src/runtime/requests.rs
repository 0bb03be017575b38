//! Requests of applications from their beginning to their end, for the metrics and the diary.
//!
//! Every line of the diary about a request has its id (such as `r25.7`): these, and those about what
//! PBXs were asked for it. The first one has its DRV_REQUESTID as well, by which the lines of the C
//! interface are found.

use crate::metrics::{Ended, Requests};
use engine::effect::Report;

/// Takes a report that is about a request; false if it is about something else.
pub(super) fn note(report: &Report, requests: &Requests) -> bool {
    match *report {
        Report::RequestBegun(id, request, function) => {
            requests.begun(id, function);
            tracing::debug!(
                "{id}: {function} begins, as request {} of line {}",
                request.0,
                id.line.0
            );
        }
        Report::RequestEnded(id, request, completion) => {
            let ended = requests.ended(id, completion);
            let how = completion.map_or_else(|error| error.name(), |()| "success");
            let request = request.0;
            match ended {
                Some(Ended { function, took }) => tracing::debug!(
                    "{id}: {function} ends after {} ms, as request {request}: {how}",
                    took.as_millis()
                ),
                None => tracing::debug!("{id}: request {request} ends: {how}"),
            }
        }
        _ => return false,
    }
    true
}
