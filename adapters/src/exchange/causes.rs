//! Why requests fail, in the words of the system and of TLS, for the diary: more exact than the
//! failure that the engine learns of. The same words are told once until a Poll goes well.

use engine::effect::Address;
use engine::id::PbxId;
use std::sync::{Mutex, PoisonError};

/// How many causes are remembered at most.
const REMEMBERED: usize = 16;

/// What was told of one PBX.
#[derive(Default)]
pub(super) struct Causes(Mutex<Vec<(Address, String)>>);

impl Causes {
    /// Writes a cause into the diary if it is news.
    pub(super) fn tell(&self, pbx: PbxId, address: Address, cause: &str) {
        if self.is_news(address, cause) {
            tracing::info!("PBX {}: a request to the {address:?} failed: {cause}", pbx.0);
        }
    }

    /// A Poll went well: what fails from now on is news.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn is_news(&self, address: Address, cause: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.iter().any(|(of, words)| *of == address && words == cause) {
            return false;
        }
        if told.len() >= REMEMBERED {
            told.remove(0);
        }
        told.push((address, cause.to_owned()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once_for_each_address_until_all_is_well() {
        let causes = Causes::default();
        for (is_news, address, cause) in [
            (true, Address::Master, "connection refused"),
            (true, Address::Standby, "connection refused"),
            (true, Address::Master, "host unknown"),
            (false, Address::Master, "connection refused"),
            (false, Address::Standby, "connection refused"),
        ] {
            assert_eq!(causes.is_news(address, cause), is_news, "{address:?}: {cause}");
        }
        causes.forget();
        assert!(causes.is_news(Address::Master, "connection refused"));
        for number in 0..100 {
            assert!(causes.is_news(Address::Master, &number.to_string()));
        }
        assert_eq!(causes.0.lock().map(|told| told.len()).ok(), Some(REMEMBERED));
    }
}
