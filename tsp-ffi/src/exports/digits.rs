//! Digits and texts that go with a call: further digits to dial, DTMF, user-user information.

use super::{LONGEST_TEXT, asked, asked_at_once, of_call, read_text};
use crate::abi::{DrvRequestId, HDrvCall, LINEDIGITMODE_DTMF};
use engine::dial::{Dialable, dtmf_digits};
use engine::fact::{Command, Function};
use engine::tapi::LineErr;
use engine::uui;

/// Dials further digits of a call that waits for them. A `;` at the end says that still more will
/// follow, which the PBX finds out by itself.
///
/// # Safety
/// `destination` is null or a text with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineDial(
    request: DrvRequestId,
    call: HDrvCall,
    destination: *const u16,
    _country_code: u32,
) -> i32 {
    asked(Function::Dial, || {
        let session = of_call()?;
        session.admit_call(call, |call| Command::Dial { call, number: "".into() })?;
        // SAFETY: the caller's promise.
        let text = unsafe { read_text(destination, LONGEST_TEXT) };
        let number = Dialable::begin(&text.ok_or(LineErr::InvalAddress)?)?;
        if number.is_empty() {
            return Err(LineErr::InvalAddress);
        }
        session.ask(request, call, |call| Command::Dial { call, number })
    })
}

/// Sends DTMF digits to the far end, each as long as the PBX makes them. No digits break off what
/// is being sent. LINE_GENERATE says how it ended.
///
/// # Safety
/// `digits` is null or a text with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineGenerateDigits(
    call: HDrvCall,
    tag: u32,
    mode: u32,
    digits: *const u16,
    _duration: u32,
) -> i32 {
    asked_at_once(Function::GenerateDigits, || {
        let session = of_call()?;
        session.admit_call(call, |call| Command::GenerateDigits {
            call,
            digits: "".into(),
            tag,
        })?;
        if mode != LINEDIGITMODE_DTMF {
            return Err(LineErr::InvalDigitMode);
        }
        let digits = if digits.is_null() {
            "".into()
        } else {
            // SAFETY: the caller's promise.
            let text = unsafe { read_text(digits, LONGEST_TEXT) };
            let digits = dtmf_digits(&text.ok_or(LineErr::OperationFailed)?);
            if digits.is_empty() {
                return Err(LineErr::OperationFailed);
            }
            digits
        };
        session.ask_at_once(call, |call| Command::GenerateDigits { call, digits, tag })
    })
}

/// Sends user-user information to the far end.
///
/// # Safety
/// `info` is null or has `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn TSPI_lineSendUserUserInfo(
    request: DrvRequestId,
    call: HDrvCall,
    info: *const u8,
    size: u32,
) -> i32 {
    asked(Function::SendUserUserInfo, || {
        let session = of_call()?;
        session
            .admit_call(call, |call| Command::SendUserUserInfo { call, user_info: "".into() })?;
        if info.is_null() || size == 0 {
            return Err(LineErr::InvalPointer);
        }
        if size as usize > uui::MAX_BYTES {
            return Err(LineErr::UserUserInfoTooBig);
        }
        // SAFETY: not null, and the caller vouches for the size.
        let bytes = unsafe { std::slice::from_raw_parts(info, size as usize) };
        let user_info = text_of(bytes).ok_or(LineErr::OperationFailed)?.as_str().into();
        session.ask(request, call, |call| Command::SendUserUserInfo { call, user_info })
    })
}

/// What user-user information says. The documents leave its form open, and applications send UTF-16
/// with a NUL, or a C string; only texts can be carried.
fn text_of(bytes: &[u8]) -> Option<String> {
    let units: Vec<u16> =
        bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    if bytes.len().is_multiple_of(2)
        && let Some((0, units)) = units.split_last()
    {
        return String::from_utf16(units).ok();
    }
    let text = std::str::from_utf8(bytes.strip_suffix(&[0]).unwrap_or(bytes)).ok()?;
    (!text.contains('\0')).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_user_information_is_a_text_in_one_of_two_forms() {
        let wide: Vec<u8> = "Zoë 📞\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text_of(&wide).as_deref(), Some("Zoë 📞"));
        assert_eq!(text_of(b"hello\0").as_deref(), Some("hello"));
        assert_eq!(text_of(b"hello").as_deref(), Some("hello"));
        assert_eq!(text_of(&[0xFF, 0xFE, 0x41]), None);
        assert_eq!(text_of(b"a\0b"), None);
    }
}
