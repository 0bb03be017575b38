//! Messages of a telephony server as rows, with what can be read about their lines and calls now.

use crate::rows::{CallCount, LineTag, Parties, Row, Said};
use std::sync::Arc;
use tapline::telephony_server::{DeviceId, Message, TapiCall, TelephonyServer};

/// Makes rows of messages, and counts the calls in them.
pub(crate) struct LiveRows {
    count: CallCount<DeviceId, TapiCall>,
}

impl LiveRows {
    pub(crate) fn new() -> LiveRows {
        LiveRows { count: CallCount::new() }
    }

    /// What is read is at least as new as the message.
    pub(crate) fn row(&mut self, server: &TelephonyServer, message: &Message) -> Row {
        let call = message.kind.call();
        let info = call.and_then(|call| server.call_info(call).ok());
        Row {
            at: message.at,
            line: message.line.and_then(|device| tag(server, device)),
            call: message.line.zip(call).map(|(line, call)| self.count.of(line, call)),
            said: Said::heard(&message.kind),
            // Neither is known to a telephony server.
            correlation: None,
            conf: None,
            parties: info.as_ref().map(Parties::from),
        }
    }
}

fn tag(server: &TelephonyServer, device: DeviceId) -> Option<LineTag> {
    let line = server.line(device)?;
    // Somebody may have got another name since the line was opened; gone is gone.
    let caps = server.line_caps(device).map_or(line.caps, Arc::new);
    Some(LineTag {
        id: caps.permanent_id,
        name: caps.name.clone(),
        number: line.address.to_string(),
    })
}
