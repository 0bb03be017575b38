//! The parties of a call, as an event tells them.

use crate::fact::Party;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Deref;
use std::sync::Arc;

/// Parties of a call. Shared: most events of a call tell the same of it as the one before, and it is
/// written down in the call, read from the log and compared as one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parties(Option<Arc<[Party]>>);

impl Parties {
    /// No parties.
    pub const NONE: Parties = Parties(None);

    /// Whether both are the same thing, which a glance tells. Two that are not may be equal.
    #[must_use]
    pub fn are_one_with(&self, other: &Parties) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Deref for Parties {
    type Target = [Party];

    fn deref(&self) -> &[Party] {
        self.0.as_deref().unwrap_or(&[])
    }
}

impl From<Vec<Party>> for Parties {
    fn from(parties: Vec<Party>) -> Parties {
        Parties((!parties.is_empty()).then(|| parties.into()))
    }
}

impl<const N: usize> From<[Party; N]> for Parties {
    fn from(parties: [Party; N]) -> Parties {
        Vec::from(parties).into()
    }
}

impl FromIterator<Party> for Parties {
    fn from_iter<I: IntoIterator<Item = Party>>(parties: I) -> Parties {
        parties.into_iter().collect::<Vec<_>>().into()
    }
}

impl<'a> IntoIterator for &'a Parties {
    type Item = &'a Party;
    type IntoIter = std::slice::Iter<'a, Party>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// As a list.
impl Serialize for Parties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Parties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Parties, D::Error> {
        Vec::deserialize(deserializer).map(Parties::from)
    }
}
