//! What can go wrong on the telephony server's side, by who is to blame.

use super::message::DeviceId;
use engine::tapi::LineErr;
use std::fmt;
use std::path::PathBuf;

/// A negative answer of a TSPI function or completion, with any code, also an unknown one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub i32);

impl Refusal {
    /// The name of the error without its prefix, if it is one that Tapline knows.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        LineErr::ALL.iter().find(|error| error.code() == self.0).map(|error| error.name())
    }
}

impl From<LineErr> for Refusal {
    fn from(error: LineErr) -> Self {
        Refusal(error.code())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "LINEERR_{name}"),
            None => write!(f, "LINEERR 0x{:08X}", self.0.cast_unsigned()),
        }
    }
}

/// Why the telephony server cannot go on with a provider, or with one request to it.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The file is not there, or is not a library for this processor.
    #[error("cannot load the provider library {}: {reason}", path.display())]
    Load {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file is a library, but not a provider.
    #[error("{} is not a service provider: it has no {name}", path.display())]
    NotAProvider {
        /// Which file.
        path: PathBuf,
        /// The function it lacks.
        name: &'static str,
    },
    /// C callbacks carry no context, so a process can have only one telephony server at a time.
    #[error("there is a telephony server in this process already")]
    SecondServer,
    /// A function of the provider answered with an error.
    #[error("{function} answered {refusal}")]
    Refused {
        /// Which one.
        function: &'static str,
        /// With what.
        refusal: Refusal,
    },
    /// The provider broke a rule of the interface: its fault, not the caller's.
    #[error("the provider broke a rule of the interface: {function} {fault}")]
    Contract {
        /// In which function.
        function: &'static str,
        /// How.
        fault: &'static str,
    },
    /// No session is running: `start` was not called, or `stop` was.
    #[error("the provider is not running")]
    NotRunning,
    /// No such line, or it is not open.
    #[error("there is no open line with device id {0}")]
    NoSuchLine(DeviceId),
    /// The call is not known any more: it was closed.
    #[error("there is no such call")]
    NoSuchCall,
    /// The system gave us no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

impl ServerError {
    /// The code with which the provider refused, if that is what happened.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            ServerError::Refused { refusal, .. } => Some(*refusal),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_named_as_in_the_header_or_by_its_number() {
        assert_eq!(Refusal::from(LineErr::InvalAddress).to_string(), "LINEERR_INVALADDRESS");
        assert_eq!(Refusal(0xC000_0001_u32.cast_signed()).to_string(), "LINEERR 0xC0000001");
    }
}
