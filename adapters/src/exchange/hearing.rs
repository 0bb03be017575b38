//! What is said between the provider and a PBX, for a witness: word by word, but without secrets.

use super::Witness;
use crate::capture::{RawMessage, Way};
use crate::secret::Account;
use crate::soap::{Answer, Kind, blanked, decode};
use engine::id::Link;
use engine::time::Millis;
use std::sync::Arc;
use std::time::SystemTime;

/// Takes down what is said under one attempt.
pub(super) struct Hearing {
    pub(super) witness: Witness,
    pub(super) account: Arc<Account>,
    pub(super) link: Link,
}

impl Hearing {
    /// Gives a message to the witness. Secrets are taken out here, before anybody else has it.
    pub(super) fn take(&self, kind: Kind, way: Way, body: &[u8]) {
        let key = Hearing::key(kind, body);
        let known =
            [Some(&*self.account.name), Some(self.account.password.reveal()), key.as_deref()];
        let known: Vec<&str> = known.into_iter().flatten().collect();
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let Link { pbx, attempt } = self.link;
        (self.witness)(RawMessage {
            at: Millis(since_1970.map_or(0, |time| time.as_millis() as u64)),
            pbx,
            attempt,
            way,
            operation: kind.name().to_owned(),
            body: blanked(body, &known),
        });
    }

    /// The key of a session that begins, which a box may write under any name.
    fn key(kind: Kind, body: &[u8]) -> Option<String> {
        if kind != Kind::Initialize {
            return None;
        }
        match decode(kind, body) {
            Ok(Answer::Initialize { key, .. }) => Some(key.to_string()),
            _ => None,
        }
    }
}
