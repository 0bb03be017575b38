//! The key of a session. It stays here: neither the engine nor the log knows that there is one.

use crate::http::Answer as HttpAnswer;
use crate::soap::{Answer, Kind, decode};
use std::fmt;

/// What `Initialize` answers beside the number of a session, and `Echo` must show to learn whether it
/// is still that one, and not another of the same number after a reboot. It belongs to the attempt that
/// the session was opened in, and is forgotten with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionKey {
    session: u32,
    key: u32,
}

impl SessionKey {
    /// The key in the answer to an operation, if it opened a session.
    pub(crate) fn of(kind: Kind, answer: &HttpAnswer) -> Option<SessionKey> {
        if kind != Kind::Initialize {
            return None;
        }
        match decode(kind, &answer.body) {
            Ok(Answer::Initialize { session: session @ 1.., key }) => {
                Some(SessionKey { session, key })
            }
            _ => None,
        }
    }

    /// What is to be shown for a session: 0 if it was not opened here, which no session has, so the PBX
    /// says that there is none.
    pub(crate) fn shown_for(known: Option<SessionKey>, session: u32) -> u32 {
        known.filter(|known| known.session == session).map_or(0, |known| known.key)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<key of session {}>", self.session)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::soap::Dialect;

    fn answer(session: u32, key: u32) -> HttpAnswer {
        let body = Answer::Initialize { session, key }.write(&Dialect::default());
        HttpAnswer { status: 200, body }
    }

    #[test]
    fn a_key_is_shown_for_its_own_session_only_and_in_no_debug_text() {
        let key = SessionKey::of(Kind::Initialize, &answer(4, 987_654));
        assert_eq!(SessionKey::shown_for(key, 4), 987_654);
        assert_eq!(SessionKey::shown_for(key, 5), 0);
        assert_eq!(SessionKey::shown_for(None, 4), 0);
        assert_eq!(format!("{:?}", key.unwrap()), "<key of session 4>");
    }

    #[test]
    fn an_answer_that_opens_no_session_has_no_key() {
        assert_eq!(SessionKey::of(Kind::Initialize, &answer(0, 7)), None);
        assert_eq!(SessionKey::of(Kind::Echo, &answer(4, 7)), None);
        let nonsense = HttpAnswer { status: 200, body: b"<html>".to_vec() };
        assert_eq!(SessionKey::of(Kind::Initialize, &nonsense), None);
    }
}
