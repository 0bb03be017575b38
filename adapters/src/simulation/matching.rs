//! Which of the calls that applications read is which leg at the PBX. A call may fit several legs,
//! above all of somebody who calls himself; so the pairs are found together, not one by one.

/// Pairs of calls and legs: for each call its leg, as far as there is one. If all calls can have a
/// leg, all have one, and the same is so for the legs that are needed (a theorem of Mendelsohn and
/// Dulmage says that both can be had at once).
pub(super) fn pairs(
    calls: usize,
    is_needed: &[bool],
    fits: impl Fn(usize, usize) -> bool,
) -> Vec<Option<usize>> {
    let mut leg_of = vec![None; calls];
    let mut call_of = vec![None; is_needed.len()];
    for leg in (0..is_needed.len()).filter(|leg| is_needed[*leg]) {
        // Seen from a leg, calls are what it looks for.
        find(leg, &|leg, call| fits(call, leg), &mut call_of, &mut leg_of, &mut vec![false; calls]);
    }
    for call in 0..calls {
        if leg_of[call].is_none() {
            let mut seen = vec![false; is_needed.len()];
            find(call, &fits, &mut leg_of, &mut call_of, &mut seen);
        }
    }
    leg_of
}

/// Finds a partner for one that has none; others may have to change theirs, and keep one.
fn find(
    one: usize,
    fits: &dyn Fn(usize, usize) -> bool,
    partner: &mut [Option<usize>],
    partner_of: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for other in 0..partner_of.len() {
        if !fits(one, other) || std::mem::replace(&mut seen[other], true) {
            continue;
        }
        let is_free = match partner_of[other] {
            None => true,
            Some(taken_by) => find(taken_by, fits, partner, partner_of, seen),
        };
        if is_free {
            partner[one] = Some(other);
            partner_of[other] = Some(one);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_call_that_fits_two_legs_leaves_the_one_that_another_call_needs() {
        let fits = |call: usize, leg: usize| call == 0 || leg == 0;
        assert_eq!(pairs(2, &[true, true], fits), [Some(1), Some(0)]);
    }

    #[test]
    fn a_leg_that_is_not_needed_is_left_only_if_it_can_be() {
        assert_eq!(pairs(1, &[false, true], |_, _| true), [Some(1)]);
        assert_eq!(pairs(1, &[false, true], |_, leg| leg == 0), [Some(0)]);
    }

    /// The most calls that can have a leg, by trying all.
    fn most(call: usize, calls: usize, taken: u8, fits: &dyn Fn(usize, usize) -> bool) -> usize {
        if call == calls {
            return 0;
        }
        let without = most(call + 1, calls, taken, fits);
        let with = (0..5)
            .filter(|leg| taken >> leg & 1 == 0 && fits(call, *leg))
            .map(|leg| 1 + most(call + 1, calls, taken | 1 << leg, fits));
        with.max().unwrap_or(0).max(without)
    }

    proptest! {
        #[test]
        fn as_many_are_paired_as_can_be(fitting in 0u32..1 << 25, needed in 0u8..32) {
            let fits = |call: usize, leg: usize| fitting >> (call * 5 + leg) & 1 == 1;
            let is_needed: Vec<bool> = (0..5).map(|leg| needed >> leg & 1 == 1).collect();
            let found = pairs(5, &is_needed, fits);
            let legs: Vec<usize> = found.iter().flatten().copied().collect();
            prop_assert_eq!(legs.len(), most(0, 5, 0, &fits));
            for (call, leg) in found.iter().enumerate() {
                prop_assert!(leg.is_none_or(|leg| fits(call, leg)));
            }
            let only_needed = |call: usize, leg: usize| fits(call, leg) && is_needed[leg];
            let needed_legs = legs.iter().filter(|leg| is_needed[**leg]).count();
            prop_assert_eq!(needed_legs, most(0, 5, 0, &only_needed));
        }
    }
}
