//! Chance that can be repeated: SplitMix64, which needs one number of state.

/// A source of chance that gives the same for one seed on every machine.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// Dice for one subject under a seed: what is rolled for one changes nothing for the others.
    #[must_use]
    pub fn of(seed: u64, subject: &str) -> Dice {
        let mut dice = Dice(seed);
        for byte in subject.bytes() {
            dice.0 = dice.roll() ^ u64::from(byte);
        }
        dice
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// A number below `limit`; 0 if the limit is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let scaled = (u128::from(self.roll()) * limit as u128) >> 64;
        // Below `limit`, so it fits.
        scaled as usize
    }

    /// A number of milliseconds from the first to the last one given.
    pub fn ms(&mut self, range: std::ops::RangeInclusive<u64>) -> u64 {
        let (first, last) = (*range.start(), *range.end());
        let span = usize::try_from(last.saturating_sub(first)).unwrap_or(usize::MAX - 1);
        first + self.below(span + 1) as u64
    }

    /// Whether something happens that does so many times in a thousand.
    pub fn happens(&mut self, per_mille: u16) -> bool {
        per_mille > 0 && self.below(1000) < usize::from(per_mille)
    }

    /// A pause around a mean: most are short, a few long.
    pub fn pause_ms(&mut self, mean_ms: u64) -> u64 {
        // The lesser of two equal chances falls towards 0, and its mean is a third of the limit.
        self.ms(0..=3 * mean_ms).min(self.ms(0..=3 * mean_ms))
    }

    /// One of these; `None` if there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// One of these.
    pub fn choose<T: Copy, const N: usize>(&mut self, from: &[T; N]) -> T {
        from[self.below(N)]
    }

    /// Puts them in any order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let mut dice = Dice::new(1_234_567);
        assert_eq!(dice.roll(), 6_457_827_717_110_365_317);
        assert_eq!(dice.roll(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_shuffle_keeps_everything() {
        let mut items: Vec<u32> = (0..100).collect();
        Dice::new(1).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_both_ends() {
        let mut dice = Dice::of(7, "range");
        let rolled: Vec<u64> = (0..200).map(|_| dice.ms(3..=5)).collect();
        assert!([3, 4, 5].iter().all(|number| rolled.contains(number)));
        assert!(rolled.iter().all(|number| (3..=5).contains(number)));
        let pauses: Vec<u64> = (0..1000).map(|_| dice.pause_ms(100)).collect();
        let mean = pauses.iter().sum::<u64>() / 1000;
        assert!((80..120).contains(&mean), "{mean}");
    }
}
