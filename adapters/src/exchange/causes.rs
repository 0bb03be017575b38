//! Why requests fail, in the words of the system and of TLS, for the diary: more exact than the
//! failure that the engine learns of. The same words are told once until a Poll goes well.

use engine::id::PbxId;
use engine::place::Place;
use std::sync::{Arc, Mutex, PoisonError};

/// How many causes are remembered at most.
const REMEMBERED: usize = 16;

/// What was told of one PBX.
#[derive(Default)]
pub(super) struct Causes(Mutex<Vec<(Arc<Place>, String)>>);

impl Causes {
    /// Writes a cause into the diary if it is news.
    pub(super) fn tell(&self, pbx: PbxId, place: &Arc<Place>, cause: &str) {
        if self.is_news(place, cause) {
            tracing::info!("PBX {}: a request to {place} failed: {cause}", pbx.0);
        }
    }

    /// A Poll went well: what fails from now on is news.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn is_news(&self, place: &Arc<Place>, cause: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.iter().any(|(of, words)| of == place && words == cause) {
            return false;
        }
        if told.len() >= REMEMBERED {
            told.remove(0);
        }
        told.push((Arc::clone(place), cause.to_owned()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once_for_each_place_until_all_is_well() {
        let causes = Causes::default();
        let master = Arc::new(Place::at("one"));
        let standby = Arc::new(Place::at("two"));
        for (is_news, place, cause) in [
            (true, &master, "connection refused"),
            (true, &standby, "connection refused"),
            (true, &master, "host unknown"),
            (false, &master, "connection refused"),
            (false, &standby, "connection refused"),
        ] {
            assert_eq!(causes.is_news(place, cause), is_news, "{place}: {cause}");
        }
        causes.forget();
        assert!(causes.is_news(&master, "connection refused"));
        for number in 0..100 {
            assert!(causes.is_news(&master, &number.to_string()));
        }
        assert_eq!(causes.0.lock().map(|told| told.len()).ok(), Some(REMEMBERED));
    }
}
