//! Reader of LINECALLPARAMS and of the values that `TSPI_lineSetCallParams` has in common with it.

use crate::abi::{
    Extent, LINEADDRESSMODE_ADDRESSID, LINEBEARERMODE_ALL, LINEBEARERMODE_VOICE,
    LINECALLPARAMFLAGS_BLOCKID, LineCallParams,
};
use crate::answers::RATE;
use engine::fact::Consultation;
use engine::id::CallId;
use engine::pii::Personal;
use engine::tapi::{LineErr, MEDIA_INTERACTIVE_VOICE, MEDIA_UNKNOWN};

/// What an application asks of a new call.
pub(super) struct CallParams {
    params: LineCallParams,
    /// How much of it is there: older applications send less.
    fixed: usize,
}

/// The structure up to version 1.4, and from 2.0 on. The one member of 3.0 has no effect here, so
/// it is not even looked at.
const FIXED_1: usize = 112;
const FIXED_2: usize = 176;

impl CallParams {
    /// Copies the structure; all zero, which asks for the usual, if there is none.
    ///
    /// # Errors
    /// [`LineErr::InvalCallParams`] if it is too small to be one.
    ///
    /// # Safety
    /// The pointer is null, or leads to a buffer of the size in its first member.
    pub(super) unsafe fn read(from: *const LineCallParams) -> Result<CallParams, LineErr> {
        let mut params = LineCallParams::default();
        if from.is_null() {
            return Ok(CallParams { params, fixed: FIXED_1 });
        }
        // SAFETY: not null, and the caller vouches for the first member.
        let total = unsafe { from.cast::<u32>().read_unaligned() } as usize;
        let fixed = match total {
            FIXED_2.. => FIXED_2,
            FIXED_1.. => FIXED_1,
            _ => return Err(LineErr::InvalCallParams),
        };
        // SAFETY: fixed <= total, for which the caller vouches, and fixed < size of the structure,
        // which is made of integers.
        unsafe {
            std::ptr::copy_nonoverlapping(from.cast::<u8>(), (&raw mut params).cast::<u8>(), fixed);
        }
        Ok(CallParams { params, fixed })
    }

    /// LINECALLPARAMFLAGS.
    pub(super) fn flags(&self) -> u32 {
        self.params.call_param_flags
    }

    /// Whether the caller's number is to be hidden.
    pub(super) fn blocks_id(&self) -> bool {
        self.flags() & LINECALLPARAMFLAGS_BLOCKID != 0
    }

    /// A call that is made to find out about another one, as these parameters want it.
    pub(super) fn consultation(&self, call: CallId, number: Personal) -> Consultation {
        Consultation { call, number, block_id: self.blocks_id(), call_param_flags: self.flags() }
    }

    /// The number that a consultation is to be made to, as it is written there; empty if there is
    /// none.
    ///
    /// # Errors
    /// [`LineErr::InvalCallParams`] if it lies outside; [`LineErr::InvalAddress`] if it is no text.
    ///
    /// # Safety
    /// `from` is what [`CallParams::read`] was given, and as valid as then.
    pub(super) unsafe fn target_address(
        &self,
        from: *const LineCallParams,
    ) -> Result<String, LineErr> {
        let extent @ Extent { size, offset } = self.params.target_address;
        if size == 0 || from.is_null() {
            return Ok(String::new());
        }
        if !self.is_inside(extent) {
            return Err(LineErr::InvalCallParams);
        }
        // SAFETY: the extent is inside the buffer, for which the caller vouches.
        let text = unsafe {
            let start = from.cast::<u8>().add(offset as usize).cast::<u16>();
            super::read_text(start, size as usize / 2)
        };
        text.ok_or(LineErr::InvalAddress)
    }

    /// Whether the address that it names, if it names one, is the one there is.
    ///
    /// # Errors
    /// [`LineErr::InvalAddressId`].
    pub(super) fn check_address(&self) -> Result<(), LineErr> {
        let by_id = matches!(self.params.address_mode, 0 | LINEADDRESSMODE_ADDRESSID);
        if by_id { super::check_address(self.params.address_id) } else { Ok(()) }
    }

    /// Whether all that it asks for can be had.
    ///
    /// # Errors
    /// The LINEERR of the first thing that cannot.
    pub(super) fn check(&self) -> Result<(), LineErr> {
        let LineCallParams { bearer_mode, min_rate, max_rate, media_mode, address_mode, .. } =
            self.params;
        check_bearer(bearer_mode)?;
        if media_mode & !(MEDIA_INTERACTIVE_VOICE | MEDIA_UNKNOWN) != 0 {
            return Err(LineErr::InvalMediaMode);
        }
        if max_rate != 0 && min_rate > max_rate {
            return Err(LineErr::InvalRate);
        }
        if min_rate > RATE {
            return Err(LineErr::RateUnavail);
        }
        if !matches!(address_mode, 0 | LINEADDRESSMODE_ADDRESSID) {
            return Err(LineErr::InvalAddressMode);
        }
        if !self.extents().all(|extent| self.is_inside(extent)) {
            return Err(LineErr::InvalCallParams);
        }
        let user_info = self.params.user_user_info;
        if user_info.size > 0 { Err(LineErr::UserUserInfoTooBig) } else { Ok(()) }
    }

    fn extents(&self) -> impl Iterator<Item = Extent> {
        let p = self.params;
        [
            p.orig_address,
            p.displayable_address,
            p.called_party,
            p.comment,
            p.user_user_info,
            p.high_level_comp,
            p.low_level_comp,
            p.dev_specific,
            p.target_address,
            p.sending_flowspec,
            p.receiving_flowspec,
            p.device_class,
            p.device_config,
            p.call_data,
            p.calling_party_id,
        ]
        .into_iter()
    }

    fn is_inside(&self, Extent { size, offset }: Extent) -> bool {
        let total = u64::from(self.params.total_size);
        size == 0 || (offset as usize >= self.fixed && u64::from(offset) + u64::from(size) <= total)
    }
}

/// A bearer mode: the one that there is, or 0 for it.
///
/// # Errors
/// [`LineErr::InvalBearerMode`] if it does not exist, [`LineErr::BearerModeUnavail`] if it is not
/// to be had here.
pub(super) fn check_bearer(bearer: u32) -> Result<(), LineErr> {
    match bearer {
        0 | LINEBEARERMODE_VOICE => Ok(()),
        _ if bearer & !LINEBEARERMODE_ALL != 0 => Err(LineErr::InvalBearerMode),
        _ => Err(LineErr::BearerModeUnavail),
    }
}

/// A range of rates that must hold the rate that a call has. No upper bound is written as 0.
///
/// # Errors
/// [`LineErr::InvalRate`] if it is no range, [`LineErr::RateUnavail`] if it does not hold it.
pub(super) fn check_rates(min: u32, max: u32) -> Result<(), LineErr> {
    if max != 0 && min > max {
        Err(LineErr::InvalRate)
    } else if min > RATE || (max != 0 && max < RATE) {
        Err(LineErr::RateUnavail)
    } else {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::abi::LINEADDRESSMODE_DIALABLEADDR;
    use proptest::prelude::*;

    /// Reads a structure from a buffer that ends exactly where the structure says it ends.
    fn read(params: LineCallParams) -> Result<CallParams, LineErr> {
        let total = params.total_size as usize;
        let mut buffer = vec![0_u8; total.max(4)];
        let length = total.min(size_of::<LineCallParams>());
        // SAFETY: both have at least `length` bytes, and the structure is made of integers.
        unsafe {
            std::ptr::copy_nonoverlapping(
                (&raw const params).cast::<u8>(),
                buffer.as_mut_ptr(),
                length,
            );
            CallParams::read(buffer.as_ptr().cast())
        }
    }

    fn check(change: impl FnOnce(&mut LineCallParams)) -> Result<(), LineErr> {
        let mut params = LineCallParams { total_size: 200, ..LineCallParams::default() };
        change(&mut params);
        read(params)?.check()
    }

    #[test]
    fn no_parameters_ask_for_the_usual() {
        // SAFETY: null is allowed.
        let usual = unsafe { CallParams::read(std::ptr::null()) }.unwrap();
        assert_eq!((usual.check(), usual.check_address(), usual.flags()), (Ok(()), Ok(()), 0));
        assert_eq!(check(|_| ()), Ok(()));
    }

    #[test]
    fn older_structures_are_taken_as_they_are() {
        for total_size in [112, 176, 180] {
            let params = LineCallParams {
                total_size,
                call_param_flags: 4,
                address_type: 0xDEAD,
                ..LineCallParams::default()
            };
            let taken = read(params).unwrap();
            assert_eq!((taken.check(), taken.flags()), (Ok(()), 4));
            assert_eq!({ taken.params.address_type }, 0, "beyond what is looked at");
        }
        for total_size in [0, 4, 111] {
            let params = LineCallParams { total_size, ..LineCallParams::default() };
            assert_eq!(read(params).err(), Some(LineErr::InvalCallParams));
        }
    }

    #[test]
    fn what_cannot_be_had_is_refused_by_its_name() {
        use LineErr::*;
        assert_eq!(check(|p| p.bearer_mode = 8), Err(BearerModeUnavail));
        assert_eq!(check(|p| p.bearer_mode = 0x100), Err(InvalBearerMode));
        assert_eq!(check(|p| p.media_mode = 0x10), Err(InvalMediaMode));
        assert_eq!(check(|p| p.media_mode = 0x6), Ok(()));
        assert_eq!(check(|p| (p.min_rate, p.max_rate) = (2, 1)), Err(InvalRate));
        assert_eq!(check(|p| (p.min_rate, p.max_rate) = (128_000, 0)), Err(RateUnavail));
        assert_eq!(check(|p| p.address_mode = LINEADDRESSMODE_DIALABLEADDR), Err(InvalAddressMode));
        let at = |size, offset| Extent { size, offset };
        assert_eq!(check(|p| p.user_user_info = at(2, 190)), Err(UserUserInfoTooBig));
        assert_eq!(check(|p| p.comment = at(10, 190)), Ok(()));
        assert_eq!(check(|p| p.comment = at(11, 190)), Err(InvalCallParams));
        assert_eq!(check(|p| p.comment = at(1, 175)), Err(InvalCallParams));
        assert_eq!(check(|p| p.comment = at(u32::MAX, u32::MAX)), Err(InvalCallParams));
        let other = LineCallParams { total_size: 180, address_id: 1, ..LineCallParams::default() };
        assert_eq!(read(other).unwrap().check_address(), Err(InvalAddressId));
    }

    #[test]
    fn a_range_of_rates_must_hold_the_rate() {
        assert_eq!(check_rates(0, 64_000), Ok(()));
        assert_eq!(check_rates(64_000, 64_000), Ok(()));
        assert_eq!(check_rates(0, 0), Ok(()));
        assert_eq!(check_rates(0, 9_600), Err(LineErr::RateUnavail));
        assert_eq!(check_rates(65_000, 128_000), Err(LineErr::RateUnavail));
        assert_eq!(check_rates(2, 1), Err(LineErr::InvalRate));
    }

    proptest! {
        // A host may send anything: no byte pattern makes the reader look outside.
        #[test]
        fn any_bytes_are_read_or_refused(
            mut bytes in prop::collection::vec(any::<u8>(), 4..260),
        ) {
            let total = bytes.len() as u32;
            bytes[..4].copy_from_slice(&total.to_le_bytes());
            // SAFETY: the buffer has the size that it says.
            match unsafe { CallParams::read(bytes.as_ptr().cast()) } {
                Ok(params) => drop(params.check()),
                Err(error) => prop_assert_eq!(error, LineErr::InvalCallParams),
            }
        }
    }
}
