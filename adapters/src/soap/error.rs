//! What can be wrong with a SOAP message.

use std::fmt;

/// Why a message could not be read. Except for [`SoapError::Fault`], the peer broke the rules of
/// SOAP, or is not the PBX; none of these is worth repeating the request at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SoapError {
    /// The peer answered, in good form, that it would not.
    #[error("the PBX answered with a fault: {0}")]
    Fault(Fault),
    /// The message ends before it is complete: the connection broke, or the peer crashed.
    #[error("the message is cut off after {bytes} bytes")]
    Truncated {
        /// Bytes there were.
        bytes: usize,
    },
    /// Not XML.
    #[error("not XML at byte {position}: {reason}; is this the address of a PBX?")]
    NotXml {
        /// Where the trouble is.
        position: usize,
        /// What it is.
        reason: Box<str>,
    },
    /// XML, but not SOAP.
    #[error("not a SOAP message: {reason}; is this the address of a PBX?")]
    NotSoap {
        /// What is missing.
        reason: Box<str>,
    },
    /// An element does not hold what the interface says. In a record of a list this loses the
    /// record only.
    #[error("the element {element} should hold {expected}")]
    BadValue {
        /// Its local name.
        element: Box<str>,
        /// What should be there.
        expected: &'static str,
    },
    /// More than is allowed, see [`super::limit`].
    #[error("too large: {what} beyond {limit}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// A request for something that the interface does not have.
    #[error("there is no operation {name}")]
    UnknownOperation {
        /// The name asked for.
        name: Box<str>,
    },
    /// A request that a strict reader refuses.
    #[error("not by the rules: {reason}")]
    NotStrict {
        /// Which rule.
        reason: Box<str>,
    },
}

/// A SOAP fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// `faultcode`, for example `SOAP-ENV:Client`.
    pub code: Box<str>,
    /// `faultstring`: for people.
    pub text: Box<str>,
    /// Text of `detail`, if any.
    pub detail: Box<str>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.text.is_empty(), self.code.is_empty()) {
            (false, _) => f.write_str(&self.text),
            (true, false) => f.write_str(&self.code),
            (true, true) => f.write_str("without a word"),
        }
    }
}
