//! The variable-size structures, read into owned values.
//!
//! The layouts are written out here a second time on purpose: a reader that used the provider's
//! own structures could not notice a wrong one. Positions are those of the public headers, packed
//! to 1; a text is a pair of size and offset.

use super::error::ServerError;
use engine::id::Guid;

/// LINEDEVCAPS: what a line can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineCaps {
    /// Name and version of the provider.
    pub provider: String,
    /// The PBX that reports the line.
    pub switch: String,
    /// The number under which applications remember the line.
    pub permanent_id: u32,
    /// The same as a GUID; from version 2.2.
    pub guid: Guid,
    /// The line's name.
    pub name: String,
    /// How many addresses it has.
    pub addresses: u32,
    /// LINEMEDIAMODE bits.
    pub media_modes: u32,
    /// LINEDEVSTATE bits it can send.
    pub line_states: u32,
    /// LINEFEATURE bits.
    pub features: u32,
}

/// LINEADDRESSCAPS: what the address of a line can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressCaps {
    /// The line's number.
    pub address: String,
    /// LINEADDRESSSTATE bits it can send.
    pub address_states: u32,
    /// LINECALLINFOSTATE bits it can send.
    pub call_info_states: u32,
    /// LINECALLSTATE bits its calls can take.
    pub call_states: u32,
    /// LINEDISCONNECTMODE bits it can report.
    pub disconnect_modes: u32,
    /// LINECALLFEATURE bits its calls can show.
    pub call_features: u32,
    /// LINEFORWARDMODE bits it takes.
    pub forward_modes: u32,
    /// LINEADDRFEATURE bits it can show.
    pub features: u32,
}

/// LINEDEVSTATUS: how a line is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineStatus {
    /// dwNumActiveCalls.
    pub active: u32,
    /// dwNumOnHoldCalls.
    pub held: u32,
    /// dwNumOnHoldPendCalls.
    pub hold_pending: u32,
    /// LINEFEATURE bits possible now.
    pub features: u32,
    /// Whether it rings.
    pub ring_mode: u32,
    /// LINEDEVSTATUSFLAGS bits.
    pub flags: u32,
}

/// LINEADDRESSSTATUS: how the address of a line is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressStatus {
    /// dwNumInUse.
    pub in_use: u32,
    /// dwNumActiveCalls.
    pub active: u32,
    /// dwNumOnHoldCalls.
    pub held: u32,
    /// dwNumOnHoldPendCalls.
    pub hold_pending: u32,
    /// LINEADDRFEATURE bits possible now.
    pub features: u32,
    /// dwNumRingsNoAnswer.
    pub rings: u32,
    /// What is forwarded.
    pub forwards: Vec<Forwarded>,
}

/// LINEFORWARD: one forwarding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// LINEFORWARDMODE.
    pub mode: u32,
    /// The caller that it is about, if it is about one.
    pub caller: String,
    /// Where to.
    pub destination: String,
}

/// LINECALLINFO: what is known of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallInfo {
    /// LINEMEDIAMODE.
    pub media_mode: u32,
    /// Last value of `lineSetAppSpecific`.
    pub app_specific: u32,
    /// Equal on all legs of one call.
    pub call_id: u32,
    /// The call this one came from, or 0.
    pub related_call_id: u32,
    /// LINECALLORIGIN.
    pub origin: u32,
    /// LINECALLREASON.
    pub reason: u32,
    /// Who called.
    pub caller: PartyText,
    /// Who was called first.
    pub called: PartyText,
    /// Who is at the other end.
    pub connected: PartyText,
    /// To whom the call was diverted.
    pub redirection: PartyText,
    /// Who diverted it.
    pub redirecting: PartyText,
}

/// One of the party ids of LINECALLINFO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartyText {
    /// LINECALLPARTYID flags.
    pub flags: u32,
    /// Number, empty if there is none.
    pub number: String,
    /// Name, empty if there is none.
    pub name: String,
}

/// LINECALLSTATUS: how a call is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallStatus {
    /// LINECALLSTATE.
    pub state: u32,
    /// The mode that goes with the state.
    pub mode: u32,
    /// LINECALLFEATURE bits possible now.
    pub features: u32,
}

/// A structure that knows its fixed size and how to be read.
pub(super) trait Structure: Sized {
    /// The TSPI function that fills it.
    const FUNCTION: &'static str;

    /// Size of its fixed part in a version of the interface.
    fn fixed_size(version: u32) -> usize;

    /// Reads it.
    fn read(filled: &Filled<'_>) -> Result<Self, &'static str>;
}

const V2_2: u32 = 0x0002_0002;
const V3_0: u32 = 0x0003_0000;

impl Structure for LineCaps {
    const FUNCTION: &'static str = "TSPI_lineGetDevCaps";

    fn fixed_size(version: u32) -> usize {
        match version {
            V3_0.. => 292,
            V2_2.. => 268,
            _ => 252,
        }
    }

    fn read(filled: &Filled<'_>) -> Result<Self, &'static str> {
        Ok(LineCaps {
            provider: filled.text(12)?,
            switch: filled.text(20)?,
            permanent_id: filled.number(28),
            guid: if filled.fixed >= 268 { filled.guid(252) } else { Guid::NIL },
            name: filled.text(32)?,
            addresses: filled.number(48),
            media_modes: filled.number(60),
            line_states: filled.number(128),
            features: filled.number(236),
        })
    }
}

impl Structure for AddressCaps {
    const FUNCTION: &'static str = "TSPI_lineGetAddressCaps";

    fn fixed_size(_version: u32) -> usize {
        228
    }

    fn read(filled: &Filled<'_>) -> Result<Self, &'static str> {
        Ok(AddressCaps {
            address: filled.text(16)?,
            address_states: filled.number(36),
            call_info_states: filled.number(40),
            call_states: filled.number(64),
            disconnect_modes: filled.number(80),
            call_features: filled.number(108),
            forward_modes: filled.number(128),
            features: filled.number(176),
        })
    }
}

impl Structure for LineStatus {
    const FUNCTION: &'static str = "TSPI_lineGetLineDevStatus";

    fn fixed_size(_version: u32) -> usize {
        88
    }

    fn read(filled: &Filled<'_>) -> Result<Self, &'static str> {
        Ok(LineStatus {
            active: filled.number(20),
            held: filled.number(24),
            hold_pending: filled.number(28),
            features: filled.number(32),
            ring_mode: filled.number(40),
            flags: filled.number(56),
        })
    }
}

impl Structure for AddressStatus {
    const FUNCTION: &'static str = "TSPI_lineGetAddressStatus";

    fn fixed_size(_version: u32) -> usize {
        64
    }

    fn read(filled: &Filled<'_>) -> Result<Self, &'static str> {
        Ok(AddressStatus {
            in_use: filled.number(12),
            active: filled.number(16),
            held: filled.number(20),
            hold_pending: filled.number(24),
            features: filled.number(28),
            rings: filled.number(32),
            forwards: filled.forwards(36)?,
        })
    }
}

impl Structure for CallInfo {
    const FUNCTION: &'static str = "TSPI_lineGetCallInfo";

    fn fixed_size(version: u32) -> usize {
        if version >= V3_0 { 344 } else { 324 }
    }

    fn read(filled: &Filled<'_>) -> Result<Self, &'static str> {
        Ok(CallInfo {
            media_mode: filled.number(32),
            app_specific: filled.number(36),
            call_id: filled.number(40),
            related_call_id: filled.number(44),
            origin: filled.number(80),
            reason: filled.number(84),
            caller: filled.party(108)?,
            called: filled.party(128)?,
            connected: filled.party(148)?,
            redirection: filled.party(168)?,
            redirecting: filled.party(188)?,
        })
    }
}

impl Structure for CallStatus {
    const FUNCTION: &'static str = "TSPI_lineGetCallStatus";

    fn fixed_size(_version: u32) -> usize {
        56
    }

    fn read(filled: &Filled<'_>) -> Result<Self, &'static str> {
        Ok(CallStatus {
            state: filled.number(12),
            mode: filled.number(16),
            features: filled.number(24),
        })
    }
}

/// Most bytes that a structure may ask for; a provider that wants more is out of its mind.
const MAX_BYTES: usize = 1 << 20;

/// Has a structure filled by `fill` and reads it; grows the buffer until everything fits, as
/// applications do. `fill` gets the structure's address, of which so many bytes are writable as
/// its first member says, and returns the function's answer.
pub(super) fn query<S: Structure>(
    version: u32,
    mut fill: impl FnMut(&mut [u32]) -> i32,
) -> Result<S, ServerError> {
    let fixed = S::fixed_size(version);
    let contract = |fault| ServerError::Contract { function: S::FUNCTION, fault };
    let mut total = fixed + 128;
    loop {
        // Whole DWORDs, so that the structure is aligned for any provider; one more behind the
        // end stands guard.
        let mut words = vec![0u32; total.div_ceil(4) + 1];
        let guard = words.len() - 1;
        words[guard] = GUARD;
        words[TOTAL] = number_of(total);
        words[NEEDED] = number_of(fixed);
        words[USED] = number_of(fixed);
        let answer = fill(&mut words);
        if words[guard] != GUARD {
            return Err(contract("wrote behind the end of the structure"));
        }
        if answer != 0 {
            let refusal = super::error::Refusal(answer);
            return Err(ServerError::Refused { function: S::FUNCTION, refusal });
        }
        let (needed, used) = (words[NEEDED] as usize, words[USED] as usize);
        if words[TOTAL] as usize != total {
            return Err(contract("changed dwTotalSize"));
        }
        if used < fixed || used > total || needed < used || needed > MAX_BYTES {
            return Err(contract("left impossible sizes"));
        }
        if needed <= total {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
            return S::read(&Filled { bytes: &bytes[..used], fixed }).map_err(contract);
        }
        total = needed;
    }
}

/// Positions of dwTotalSize, dwNeededSize and dwUsedSize, in DWORDs.
const TOTAL: usize = 0;
const NEEDED: usize = 1;
const USED: usize = 2;
const GUARD: u32 = 0x5AFE_5AFE;

fn number_of(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// The used part of a structure that a provider has filled.
pub(super) struct Filled<'a> {
    bytes: &'a [u8],
    fixed: usize,
}

impl Filled<'_> {
    /// The DWORD at an offset of the fixed part.
    fn number(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        if let Some(there) = self.bytes.get(at..at + 4) {
            bytes.copy_from_slice(there);
        }
        u32::from_ne_bytes(bytes)
    }

    /// The GUID at an offset of the fixed part: three little-endian numbers and eight bytes.
    fn guid(&self, at: usize) -> Guid {
        let mut bytes = [0; 16];
        if let Some(there) = self.bytes.get(at..at + 16) {
            bytes.copy_from_slice(there);
        }
        bytes[0..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
        Guid(bytes)
    }

    /// The text whose size stands at an offset of the fixed part, and its own offset behind it.
    fn text(&self, at: usize) -> Result<String, &'static str> {
        let (size, offset) = (self.number(at) as usize, self.number(at + 4) as usize);
        if size == 0 {
            return if offset == 0 {
                Ok(String::new())
            } else {
                Err("left an empty text somewhere")
            };
        }
        let bytes = offset
            .checked_add(size)
            .and_then(|end| self.bytes.get(offset..end))
            .filter(|_| offset >= self.fixed)
            .ok_or("left a text outside the variable part")?;
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        match units.split_last() {
            Some((0, text)) if size.is_multiple_of(2) => Ok(String::from_utf16_lossy(text)),
            _ => Err("left a text without its NUL"),
        }
    }

    /// The forwardings whose number stands at an offset of the fixed part, with size and offset of
    /// the list behind it.
    fn forwards(&self, at: usize) -> Result<Vec<Forwarded>, &'static str> {
        let [count, size, offset] = [at, at + 4, at + 8].map(|at| self.number(at) as usize);
        if count * FORWARD_BYTES > size || offset + size > self.bytes.len() {
            return Err("left a list of forwardings that is too small");
        }
        (0..count)
            .map(|index| offset + index * FORWARD_BYTES)
            .map(|at| {
                let (caller, destination) = (self.text(at + 4)?, self.text(at + 16)?);
                Ok(Forwarded { mode: self.number(at), caller, destination })
            })
            .collect()
    }

    /// The party id whose flags stand at an offset.
    fn party(&self, at: usize) -> Result<PartyText, &'static str> {
        Ok(PartyText {
            flags: self.number(at),
            number: self.text(at + 4)?,
            name: self.text(at + 12)?,
        })
    }
}

/// LINEFORWARD up to version 3.0.
const FORWARD_BYTES: usize = 24;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Fills LINEADDRESSCAPS as a provider does: sizes, and one text if it fits.
    fn fill_address(words: &mut [u32], text: &str) -> i32 {
        let bytes: Vec<u8> =
            text.encode_utf16().chain([0]).flat_map(|unit| unit.to_le_bytes()).collect();
        let (fixed, total) = (228, words[TOTAL] as usize);
        words[NEEDED] = number_of(fixed + bytes.len());
        words[USED] = number_of(fixed);
        if fixed + bytes.len() <= total {
            words[USED] = words[NEEDED];
            (words[4], words[5]) = (number_of(bytes.len()), 228);
            for (at, byte) in bytes.iter().enumerate() {
                let shift = (at % 4) * 8;
                words[57 + at / 4] |= u32::from(*byte) << shift;
            }
        }
        0
    }

    #[test]
    fn a_text_that_does_not_fit_at_first_is_asked_for_again() {
        let long = "李".repeat(300);
        let mut asked = 0;
        let caps: AddressCaps = query(0x0003_0000, |words| {
            asked += 1;
            fill_address(words, &long)
        })
        .unwrap();
        assert_eq!((caps.address, asked), (long, 2));
    }

    #[test]
    fn a_refusal_is_passed_on_with_its_code() {
        let code = engine::tapi::LineErr::NoDevice.code();
        let error = query::<AddressCaps>(0x0003_0000, |_| code).unwrap_err();
        assert_eq!(error.to_string(), "TSPI_lineGetAddressCaps answered LINEERR_NODEVICE");
    }

    #[test]
    fn a_provider_that_writes_too_far_or_lies_about_sizes_is_found_out() {
        type Fault = fn(&mut [u32]);
        let faults: [(&str, Fault); 5] = [
            ("wrote behind the end", |words| *words.last_mut().unwrap() = 0),
            ("changed dwTotalSize", |words| words[TOTAL] += 4),
            ("impossible sizes", |words| words[USED] = words[TOTAL] + 4),
            ("impossible sizes", |words| words[NEEDED] = u32::MAX),
            ("outside the variable part", |words| (words[4], words[5]) = (4, 16)),
        ];
        for (fault, commit) in faults {
            let error = query::<AddressCaps>(0x0003_0000, |words| {
                fill_address(words, "20");
                commit(words);
                0
            })
            .unwrap_err();
            assert!(error.to_string().contains(fault), "{error}");
        }
    }
}
