//! What applications may read: immutable pictures of a line and its calls.
//!
//! A view is made when the line changes and handed to readers as it is. Texts are kept in the form
//! in which TAPI reads them, so that a reader copies bytes and nothing else.

use crate::id::{CallId, Guid, LineId, PermanentId};
use crate::pii::Personal;
use crate::tapi::CallState;
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::{Arc, LazyLock};

/// A text as TAPI wants it: UTF-16, little-endian, with its NUL; no bytes at all for no text.
/// Personal by nature, so it prints as its length only.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wide(Option<Arc<[u8]>>);

impl Wide {
    /// Longest text kept, in UTF-16 units with the NUL; the PBX allows far less.
    pub const MAX_UNITS: usize = 512;

    /// Becomes this text, as [`Wide::from_text`] makes it. Says whether it was another one.
    pub fn set(&mut self, text: &str) -> bool {
        let is_other = !self.is(text);
        if is_other {
            *self = Wide::from_text(text);
        }
        is_other
    }

    /// Whether it is what [`Wide::from_text`] makes of this text.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        if !is_plain(text) {
            return *self == Wide::from_text(text);
        }
        let bytes = self.bytes();
        let mut units = text.bytes().zip(bytes.chunks_exact(2));
        match text.len() {
            0 => bytes.is_empty(),
            len => bytes.len() == len * 2 + 2 && units.all(|(byte, unit)| unit == [byte, 0]),
        }
    }

    /// Converts a text, cut to [`Wide::MAX_UNITS`] between characters.
    #[must_use]
    pub fn from_text(text: &str) -> Wide {
        if text.is_empty() {
            return Wide(None);
        }
        if is_plain(text) {
            let mut plain = [0; PLAIN_BYTES * 2 + 2];
            plain.iter_mut().step_by(2).zip(text.bytes()).for_each(|(low, byte)| *low = byte);
            return Wide(Some(plain[..text.len() * 2 + 2].into()));
        }
        let mut bytes = Vec::with_capacity(text.len() * 2 + 2);
        for c in text.chars().filter(|c| *c != '\0') {
            if bytes.len() / 2 + c.len_utf16() + 1 > Wide::MAX_UNITS {
                break;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                bytes.extend_from_slice(&unit.to_le_bytes());
            }
        }
        bytes.extend_from_slice(&[0, 0]);
        Wide(Some(bytes.into()))
    }

    /// The bytes with the NUL; empty for no text.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[])
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The text again, for people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let units = self.bytes().chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        char::decode_utf16(units.take_while(|unit| *unit != 0))
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    }
}

/// Most bytes of a plain text.
const PLAIN_BYTES: usize = 31;

/// Whether a text is short and of ordinary letters, as nearly all are: a call brings several.
fn is_plain(text: &str) -> bool {
    text.len() <= PLAIN_BYTES && text.bytes().all(|byte| (1..128).contains(&byte))
}

impl fmt::Debug for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} units>", self.bytes().len() / 2)
    }
}

/// A line as applications may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineView {
    /// Who it is.
    pub identity: Arc<Identity>,
    /// The PBX session that reports it is up (LINEDEVSTATUSFLAGS_CONNECTED).
    pub connected: bool,
    /// A device of the user is registered and we may monitor it (LINEDEVSTATUSFLAGS_INSERVICE).
    pub in_service: bool,
    /// The line was removed for good.
    pub removed: bool,
    /// An alerting call makes the phone ring.
    pub ringing: bool,
    /// What the line forwards, as the PBX says.
    pub forwards: Arc<ForwardsView>,
    /// The calls TAPI may know of: in the order of their birth; idle ones until they are closed.
    pub calls: Box<[Arc<CallView>]>,
}

impl LineView {
    /// The call of that name.
    #[must_use]
    pub fn call(&self, call: CallId) -> Option<&Arc<CallView>> {
        self.calls.iter().find(|view| view.id == call)
    }

    /// dwNumActiveCalls, dwNumOnHoldCalls, dwNumOnHoldPendCalls.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts_of(|_| true)
    }

    /// The same of some of the calls.
    #[must_use]
    pub fn counts_of(&self, is_meant: impl Fn(CallId) -> bool) -> Counts {
        let mut counts = Counts::default();
        for call in self.calls.iter().filter(|call| is_meant(call.id)) {
            counts.active += u32::from(call.state.counts_as_active());
            counts.held += u32::from(call.state.counts_as_held());
            counts.hold_pending += u32::from(call.state.counts_as_hold_pending());
        }
        counts
    }
}

/// What a line forwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardsView {
    /// The PBX does not let this account see or change forwards.
    pub refused: bool,
    /// dwNumRingsNoAnswer: after how many rings a call that nobody answers is forwarded; 0 if none
    /// is, or if it is not known.
    pub rings: u32,
    /// The forwards.
    pub entries: Box<[ForwardView]>,
}

impl ForwardsView {
    /// No forwards: one for all lines, since most have none.
    #[must_use]
    pub fn none() -> Arc<ForwardsView> {
        static NONE: LazyLock<Arc<ForwardsView>> = LazyLock::new(Arc::default);
        Arc::clone(&NONE)
    }
}

/// One forward.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardView {
    /// LINEFORWARDMODE.
    pub mode: u32,
    /// The caller whose calls are forwarded, if it is about one.
    pub caller: Wide,
    /// Where to.
    pub destination: Wide,
}

/// How many calls a line has, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Neither idle nor held.
    pub active: u32,
    /// On hold.
    pub held: u32,
    /// On hold pending transfer or conference.
    pub hold_pending: u32,
}

/// Who a line is. Changes rarely, so views share it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Which line.
    pub line: LineId,
    /// Its permanent line id.
    pub permanent: PermanentId,
    /// GUID of the PBX object.
    pub guid: Guid,
    /// Line name from the template.
    pub name: Wide,
    /// The line's address: its number as TAPI knows it.
    pub number: Wide,
    /// PBX, firmware and system name of the PBX that reports it, for dwSwitchInfo.
    pub switch: Wide,
    /// Long Name of its user, under which the PBX administrates it.
    pub cn: Personal,
    /// Numbers of the trunks of its PBX: a caller from outside begins with one of them.
    pub trunks: Arc<[Personal]>,
    /// `TSPI_lineForward` leaves forwards alone for which its list has no word.
    pub modify_forwards: bool,
    /// Setting: how long the PBX's events may take to prove a request, in milliseconds.
    pub request_deadline_ms: u32,
    /// Setting: how long its calls are kept while its PBX is not seen, in milliseconds.
    pub calls_kept_ms: u32,
    /// Setting: never more than one call is shown as CONNECTED (invariant I-19).
    pub single_active_call: bool,
    /// Its PBX url-encodes user-user information (reference of the PBX, 3.6).
    pub is_uui_encoded: bool,
}

/// A call as applications may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallView {
    /// Its name.
    pub id: CallId,
    /// LINECALLSTATE.
    pub state: CallState,
    /// The mode that goes with the state.
    pub mode: u32,
    /// LINECALLFEATURE bits legal right now.
    pub features: u32,
    /// LINECALLFEATURE2 bits that go with them.
    pub features_2: u32,
    /// It is a conference of other calls.
    pub is_conference: bool,
    /// The PBX has it connected; it is shown on hold because another one is shown connected.
    pub is_masked: bool,
    /// When the state was entered.
    pub since: Millis,
    /// What LINECALLINFO says.
    pub info: Arc<CallCard>,
}

/// What LINECALLINFO says of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCard {
    /// LINECALLORIGIN.
    pub origin: u32,
    /// LINECALLREASON.
    pub reason: u32,
    /// Equal on all legs of one PBX call, never 0 once known.
    pub call_id: u32,
    /// `call_id` of the call this one came from, or 0.
    pub related_call_id: u32,
    /// LINEMEDIAMODE.
    pub media: u32,
    /// Last value of `TSPI_lineSetAppSpecific`.
    pub app_specific: u32,
    /// LINECALLPARAMFLAGS given to `TSPI_lineMakeCall`.
    pub call_param_flags: u32,
    /// Country code given to `TSPI_lineMakeCall`.
    pub country_code: u32,
    /// Who called.
    pub caller: PartyId,
    /// Who was called first.
    pub called: PartyId,
    /// Who is at the other end.
    pub connected: PartyId,
    /// To whom the call was diverted.
    pub redirection: PartyId,
    /// Who diverted it.
    pub redirecting: PartyId,
    /// User-user information received.
    pub uui: Wide,
}

/// One of the party ids of LINECALLINFO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyId {
    /// LINECALLPARTYID flags, consistent with the texts.
    pub flags: u32,
    /// Number.
    pub number: Wide,
    /// Name.
    pub name: Wide,
}

impl Default for PartyId {
    fn default() -> Self {
        PartyId {
            flags: crate::tapi::party_id::UNKNOWN,
            number: Wide::default(),
            name: Wide::default(),
        }
    }
}

impl PartyId {
    /// Builds the flags from what is there; `or_else` is the flag when there is nothing.
    #[must_use]
    pub fn new(number: Wide, name: Wide, or_else: u32) -> PartyId {
        let flags = PartyId::flags(&number, &name, or_else);
        PartyId { flags, number, name }
    }

    /// Becomes what [`PartyId::new`] makes of these. Says whether anything was other.
    pub fn set(&mut self, number: &str, name: &str, or_else: u32) -> bool {
        let is_other = self.number.set(number) | self.name.set(name);
        let flags = PartyId::flags(&self.number, &self.name, or_else);
        std::mem::replace(&mut self.flags, flags) != flags || is_other
    }

    fn flags(number: &Wide, name: &Wide, or_else: u32) -> u32 {
        use crate::tapi::party_id::{ADDRESS, NAME};
        let there =
            if number.is_empty() { 0 } else { ADDRESS } | if name.is_empty() { 0 } else { NAME };
        if there == 0 { or_else } else { there }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_text_is_set_as_it_would_be_made_and_other_only_if_it_reads_otherwise(
            before in "\\PC{0,40}|[a-c\0]{0,2}|[0-9]{0,40}", after in "\\PC{0,40}|[a-c\0]{0,2}|[0-9]{0,40}",
        ) {
            let (was, made) = (Wide::from_text(&before), Wide::from_text(&after));
            let mut wide = was.clone();
            proptest::prop_assert_eq!(wide.set(&after), was != made);
            proptest::prop_assert_eq!(wide, made);
        }
    }

    #[test]
    fn a_text_comes_back_with_umlauts_han_and_emoji() {
        for text in ["Bob & <Sons>", "Jörg Müßig", "李小龍", "Ann 📞", ""] {
            assert_eq!(Wide::from_text(text).to_text(), text);
        }
        assert_eq!(Wide::from_text("20").bytes(), [b'2', 0, b'0', 0, 0, 0]);
        assert!(Wide::from_text("").bytes().is_empty());
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_keeps_its_nul() {
        let wide = Wide::from_text(&"📞".repeat(1000));
        assert!(wide.bytes().len() <= Wide::MAX_UNITS * 2);
        assert!(wide.bytes().ends_with(&[0, 0]));
        assert!(wide.to_text().chars().all(|c| c == '📞'));
    }
}
