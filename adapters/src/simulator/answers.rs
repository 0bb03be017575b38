//! What the model answers, as it goes over the wire: the same for the server and for the simulation,
//! which has no server.

use super::model::Outcome;
use crate::soap::types::AnyInfo;
use crate::soap::{Answer, Dialect, Fault, Kind};

/// Every event of a Poll twice.
pub(crate) fn double(outcome: &mut Outcome) {
    if let Outcome::Answer(Answer::Poll(any)) = outcome {
        each_twice(any);
    }
}

/// Every event twice.
pub(crate) fn each_twice(any: &mut AnyInfo) {
    any.user = any.user.iter().flat_map(|user| [user.clone(), user.clone()]).collect();
    any.call = any.call.iter().flat_map(|call| [call.clone(), call.clone()]).collect();
}

/// A fault that says this.
pub(crate) fn fault(text: &str) -> Fault {
    Fault { code: "SOAP-ENV:Client".into(), text: text.into(), detail: Box::default() }
}

/// The wrapper of an answer without any part: that of an operation that has none, renamed.
pub(crate) fn empty_element(kind: Kind, dialect: &Dialect) -> Vec<u8> {
    let document = String::from_utf8(Answer::End.write(dialect)).unwrap_or_default();
    document.replace("EndResponse", &format!("{}Response", kind.name())).into_bytes()
}
