//! What is known by the handles that a PBX gives.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// A map from the handles of a session. Nearly every record asks one, and has its answer at the first
/// look; a tree takes three steps down, each of which the processor guesses wrong. What it is never
/// depends on the order in which it was filled, and it is written down in the order of handles.
#[derive(Clone, Debug)]
pub(crate) struct Handles<T> {
    /// None, or a power of two of them, of which a quarter at least is free. What belongs to a handle
    /// lies at the handle's own place or behind it, with no free one in between.
    places: Box<[Option<(u32, T)>]>,
    used: usize,
    /// What found no free place near its own. Handles that nobody chose with care leave it all but
    /// empty; a PBX whose handles all fall on one place makes a look take the steps of a tree, no
    /// more.
    crowded_out: BTreeMap<u32, T>,
}

/// So many places a map begins with.
const PLACES_MIN: usize = 8;

/// Nothing lies further than this behind its own place.
const DISTANCE_MAX: usize = 31;

impl<T: Copy> Handles<T> {
    /// What is known by a handle.
    pub(crate) fn get(&self, handle: u32) -> Option<T> {
        match self.find(handle) {
            Some(place) => self.places[place].map(|(_, value)| value),
            None if self.crowded_out.is_empty() => None,
            None => self.crowded_out.get(&handle).copied(),
        }
    }

    /// Puts down what is known by a handle, instead of what stood there.
    pub(crate) fn insert(&mut self, handle: u32, value: T) {
        if let Some(place) = self.find(handle) {
            self.places[place] = Some((handle, value));
            return;
        }
        if let Some(known) = self.crowded_out.get_mut(&handle) {
            *known = value;
            return;
        }
        if (self.used + 1) * 4 > self.places.len() * 3 {
            self.grow();
        }
        self.put(handle, value);
    }

    /// Forgets a handle, and says what was known by it.
    pub(crate) fn remove(&mut self, handle: u32) -> Option<T> {
        let Some(mut free) = self.find(handle) else { return self.crowded_out.remove(&handle) };
        let (_, value) = self.places[free].take()?;
        self.used -= 1;
        // Those behind it move up, unless they would come to lie before their own place.
        let mut place = self.behind(free);
        while let Some((handle, _)) = self.places[place] {
            let from_its_own = self.distance(self.own_place(handle), place);
            if from_its_own >= self.distance(free, place) {
                self.places.swap(free, place);
                free = place;
            }
            place = self.behind(place);
        }
        Some(value)
    }

    /// Keeps what this is true of.
    pub(crate) fn retain(&mut self, keeps: impl Fn(T) -> bool) {
        let kept = self.iter().filter(|(_, value)| keeps(*value));
        *self = kept.collect();
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.used == 0 && self.crowded_out.is_empty()
    }

    /// All, in no order that means anything.
    fn iter(&self) -> impl Iterator<Item = (u32, T)> {
        let crowded_out = self.crowded_out.iter().map(|(handle, value)| (*handle, *value));
        self.places.iter().copied().flatten().chain(crowded_out)
    }

    /// All, in the order of handles.
    pub(crate) fn in_order(&self) -> BTreeMap<u32, T> {
        self.iter().collect()
    }

    fn find(&self, handle: u32) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let mut place = self.own_place(handle);
        for _ in 0..=DISTANCE_MAX {
            if self.places[place]?.0 == handle {
                return Some(place);
            }
            place = self.behind(place);
        }
        None
    }

    /// For a handle that has no place yet, where there is room.
    fn put(&mut self, handle: u32, value: T) {
        let mut place = self.own_place(handle);
        for _ in 0..=DISTANCE_MAX {
            if self.places[place].is_none() {
                self.places[place] = Some((handle, value));
                self.used += 1;
                return;
            }
            place = self.behind(place);
        }
        self.crowded_out.insert(handle, value);
    }

    fn grow(&mut self) {
        let len = (self.places.len() * 2).max(PLACES_MIN);
        let mut larger = Handles { places: vec![None; len].into(), ..Handles::default() };
        self.iter().for_each(|(handle, value)| larger.put(handle, value));
        *self = larger;
    }

    /// Handles that count on lie far from each other: multiples of the golden ratio do.
    fn own_place(&self, handle: u32) -> usize {
        let spread = u64::from(handle.wrapping_mul(0x9E37_79B9));
        ((spread * self.places.len() as u64) >> 32) as usize
    }

    fn behind(&self, place: usize) -> usize {
        (place + 1) & (self.places.len() - 1)
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.places.len() - 1)
    }
}

impl<T> Default for Handles<T> {
    fn default() -> Handles<T> {
        Handles { places: Box::default(), used: 0, crowded_out: BTreeMap::new() }
    }
}

impl<T: Copy> FromIterator<(u32, T)> for Handles<T> {
    fn from_iter<I: IntoIterator<Item = (u32, T)>>(known: I) -> Handles<T> {
        let mut handles = Handles::default();
        known.into_iter().for_each(|(handle, value)| handles.insert(handle, value));
        handles
    }
}

impl<T: Copy + PartialEq> PartialEq for Handles<T> {
    fn eq(&self, other: &Handles<T>) -> bool {
        self.used + self.crowded_out.len() == other.used + other.crowded_out.len()
            && self.iter().all(|(handle, value)| other.get(handle) == Some(value))
    }
}

impl<T: Copy + Eq> Eq for Handles<T> {}

impl<T: Copy + Serialize> Serialize for Handles<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.in_order().serialize(serializer)
    }
}

impl<'de, T: Copy + Deserialize<'de>> Deserialize<'de> for Handles<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Handles<T>, D::Error> {
        Ok(BTreeMap::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Handles of which all have one place, the first.
    fn of_one_place(n: u32) -> u32 {
        let inverse = (0..31).fold(1u32, |inverse, _| {
            inverse.wrapping_mul(2u32.wrapping_sub(inverse.wrapping_mul(0x9E37_79B9)))
        });
        n.wrapping_mul(inverse)
    }

    fn handle() -> impl Strategy<Value = u32> {
        prop_oneof![0..40u32, (0..80u32).prop_map(of_one_place), any::<u32>()]
    }

    #[test]
    fn handles_chosen_to_have_one_place_crowd_nobody_out_but_each_other() {
        let mut handles: Handles<u32> = (0..10_000).map(|n| (of_one_place(n), n)).collect();
        assert_eq!(handles.used, DISTANCE_MAX + 1);
        assert!((0..10_000).all(|n| handles.get(of_one_place(n)) == Some(n)));
        // Whoever finds a free place again lies before those that were crowded out, and is found.
        assert_eq!(handles.remove(of_one_place(3)), Some(3));
        handles.insert(of_one_place(9_999), 1);
        assert_eq!(handles.remove(of_one_place(9_999)), Some(1));
        assert_eq!(handles.get(of_one_place(9_999)), None);
        handles.insert(of_one_place(3), 4);
        assert_eq!(handles.used, DISTANCE_MAX + 1);
        assert_eq!(handles.get(of_one_place(3)), Some(4));
    }

    proptest! {
        #[test]
        fn they_are_a_map_whatever_goes_in_and_out(
            steps in prop::collection::vec((handle(), prop::option::of(any::<u8>())), 0..300),
        ) {
            let (mut handles, mut map) = (Handles::default(), BTreeMap::new());
            for (handle, value) in steps {
                match value {
                    Some(value) => {
                        handles.insert(handle, value);
                        map.insert(handle, value);
                    }
                    None => prop_assert_eq!(handles.remove(handle), map.remove(&handle)),
                }
                prop_assert_eq!(handles.get(handle), map.get(&handle).copied());
                prop_assert_eq!(handles.is_empty(), map.is_empty());
                prop_assert!(handles.used * 4 <= handles.places.len() * 3);
            }
            prop_assert_eq!(&handles.in_order(), &map);
            prop_assert!(map.iter().all(|(handle, value)| handles.get(*handle) == Some(*value)));
            let again: Handles<u8> = map.iter().rev().map(|(handle, value)| (*handle, *value)).collect();
            prop_assert_eq!(&again, &handles);
            handles.retain(|value| value < 100);
            map.retain(|_, value| *value < 100);
            prop_assert_eq!(handles.in_order(), map);
        }
    }
}
