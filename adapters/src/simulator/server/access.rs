//! Who may ask: HTTP Basic and Digest (MD5, qop=auth).

use crate::simulator::model::{Account, PbxModel};
use digest_auth::{AuthContext, AuthorizationHeader, HttpMethod};
use std::collections::BTreeMap;

/// Nonces remembered; the oldest are forgotten, which makes them stale.
const NONCE_LIMIT: usize = 1000;

const REALM: &str = "PBX";

/// Which ways of proving who one is are offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Both; the client chooses.
    #[default]
    BasicAndDigest,
    /// Digest, the default of a real PBX.
    Digest,
    /// Basic.
    Basic,
    /// Everybody is the administrator.
    Open,
}

/// The keeper of nonces.
pub(super) struct Gate {
    access: Access,
    seed: u64,
    issued: u64,
    /// Requests made with each nonce.
    uses: BTreeMap<u64, u32>,
}

/// A request that is to be let in.
pub(super) struct Visitor<'a> {
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) authorization: Option<&'a str>,
}

impl Gate {
    pub(super) fn new(access: Access, seed: u64) -> Gate {
        Gate { access, seed, issued: 0, uses: BTreeMap::new() }
    }

    /// Whose credentials came with a request; else the challenges to answer with.
    pub(super) fn admit(
        &mut self,
        visitor: &Visitor<'_>,
        model: &PbxModel,
    ) -> Result<Account, Vec<String>> {
        if self.access == Access::Open {
            return Ok(Account::Administrator);
        }
        let mut stale = false;
        if let Some(header) = visitor.authorization {
            let (basic, digest) = (self.offers_basic(), self.offers_digest());
            let scheme = header.split(' ').next().unwrap_or_default();
            if basic && scheme.eq_ignore_ascii_case("Basic") {
                if let Some(account) = check_basic(header, model) {
                    return Ok(account);
                }
            } else if digest && scheme.eq_ignore_ascii_case("Digest") {
                match self.check_digest(header, visitor, model) {
                    Ok(account) => return Ok(account),
                    Err(is_stale) => stale = is_stale,
                }
            }
        }
        Err(self.challenges(stale))
    }

    fn offers_basic(&self) -> bool {
        matches!(self.access, Access::Basic | Access::BasicAndDigest)
    }

    fn offers_digest(&self) -> bool {
        matches!(self.access, Access::Digest | Access::BasicAndDigest)
    }

    /// The error says whether only the nonce was too old.
    fn check_digest(
        &mut self,
        header: &str,
        visitor: &Visitor<'_>,
        model: &PbxModel,
    ) -> Result<Account, bool> {
        let mut given = AuthorizationHeader::parse(header).map_err(|_| false)?;
        let (account, password) = model.account(&given.username).ok_or(false)?;
        if given.uri != visitor.uri || given.realm != REALM {
            return Err(false);
        }
        let mut context = AuthContext::new_with_method(
            given.username.clone(),
            password,
            visitor.uri,
            None::<&[u8]>,
            HttpMethod::from(visitor.method),
        );
        if let Some(cnonce) = &given.cnonce {
            context.set_custom_cnonce(cnonce.clone());
        }
        let claimed = given.response.clone();
        given.digest(&context);
        if given.response != claimed {
            return Err(false);
        }
        let limit = model.switches.digest_stale_every;
        let uses = u64::from_str_radix(&given.nonce, 16)
            .ok()
            .and_then(|nonce| self.uses.get_mut(&nonce))
            .ok_or(true)?;
        if limit > 0 && *uses >= limit {
            return Err(true);
        }
        *uses = uses.saturating_add(1);
        Ok(account)
    }

    fn challenges(&mut self, stale: bool) -> Vec<String> {
        let mut challenges = Vec::new();
        if self.offers_digest() {
            let (nonce, stale) = (self.issue(), if stale { ", stale=true" } else { "" });
            challenges.push(format!(
                "Digest realm=\"{REALM}\", nonce=\"{nonce:016x}\", qop=\"auth\", algorithm=MD5{stale}"
            ));
        }
        if self.offers_basic() {
            challenges.push(format!("Basic realm=\"{REALM}\""));
        }
        challenges
    }

    fn issue(&mut self) -> u64 {
        self.issued += 1;
        // Spread over all bits, so that nonces of different simulators differ. Nothing secret
        // hangs on them: this is no PBX.
        let nonce = (self.seed ^ self.issued).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.uses.insert(nonce, 0);
        if self.uses.len() > NONCE_LIMIT {
            self.uses.pop_first();
        }
        nonce
    }
}

fn check_basic(header: &str, model: &PbxModel) -> Option<Account> {
    let (_, encoded) = header.split_once(' ')?;
    let credentials = String::from_utf8(from_base64(encoded.trim())?).ok()?;
    let (name, password) = credentials.split_once(':')?;
    let (account, expected) = model.account(name)?;
    (password == expected).then_some(account)
}

/// Decodes base64 with or without padding; `None` if it is none.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::simulator::estate::Estate;

    fn admit(
        gate: &mut Gate,
        model: &PbxModel,
        header: Option<&str>,
    ) -> Result<Account, Vec<String>> {
        gate.admit(
            &Visitor { method: "POST", uri: "/PBX0/user.soap", authorization: header },
            model,
        )
    }

    fn answer(challenge: &str, name: &str, password: &str) -> String {
        let context = AuthContext::new_post(name, password, "/PBX0/user.soap", None::<&[u8]>);
        digest_auth::parse(challenge).unwrap().respond(&context).unwrap().to_string()
    }

    fn model() -> PbxModel {
        PbxModel::new(&Estate::built_in(), 1)
    }

    #[test]
    fn basic_credentials_of_a_user_and_of_the_administrator_are_let_in() {
        let (mut gate, model) = (Gate::new(Access::Basic, 1), model());
        // _TAPI_:secret and admin:admin
        assert!(matches!(
            admit(&mut gate, &model, Some("Basic X1RBUElfOnNlY3JldA==")),
            Ok(Account::User(_))
        ));
        assert_eq!(
            admit(&mut gate, &model, Some("Basic YWRtaW46YWRtaW4=")),
            Ok(Account::Administrator)
        );
    }

    #[test]
    fn wrong_missing_and_garbled_credentials_are_challenged() {
        let (mut gate, model) = (Gate::new(Access::BasicAndDigest, 1), model());
        for header in [
            None,
            Some("Basic X1RBUElfOndyb25n"),
            Some("Basic !!!"),
            Some("Bearer x"),
            Some("Digest x"),
        ] {
            let challenges = admit(&mut gate, &model, header).unwrap_err();
            assert_eq!(challenges.len(), 2, "{header:?}");
        }
    }

    #[test]
    fn a_scheme_that_is_not_offered_does_not_count() {
        let (mut gate, model) = (Gate::new(Access::Digest, 1), model());
        assert!(admit(&mut gate, &model, Some("Basic X1RBUElfOnNlY3JldA==")).is_err());
    }

    #[test]
    fn a_digest_is_let_in_until_its_nonce_is_stale() {
        let (mut gate, mut model) = (Gate::new(Access::Digest, 1), model());
        model.switches.set("digest_stale_every", "2").unwrap();
        let challenge = admit(&mut gate, &model, None).unwrap_err().remove(0);
        assert!(challenge.contains("qop=\"auth\""), "{challenge}");
        let header = answer(&challenge, "_TAPI_", "secret");
        for _ in 0..2 {
            assert!(admit(&mut gate, &model, Some(&header)).is_ok());
        }
        let challenge = admit(&mut gate, &model, Some(&header)).unwrap_err().remove(0);
        assert!(challenge.contains("stale=true"), "{challenge}");
        let header = answer(&challenge, "_TAPI_", "secret");
        assert!(admit(&mut gate, &model, Some(&header)).is_ok());
        let header = answer(&challenge, "_TAPI_", "wrong");
        assert!(
            !admit(&mut gate, &model, Some(&header)).unwrap_err().remove(0).contains("stale=true")
        );
    }
}
