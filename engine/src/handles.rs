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
}

/// So many places a map begins with.
const PLACES_MIN: usize = 8;

impl<T: Copy> Handles<T> {
    /// What is known by a handle.
    pub(crate) fn get(&self, handle: u32) -> Option<T> {
        self.places[self.find(handle)?].map(|(_, value)| value)
    }

    /// Puts down what is known by a handle, instead of what stood there.
    pub(crate) fn insert(&mut self, handle: u32, value: T) {
        if let Some(place) = self.find(handle) {
            self.places[place] = Some((handle, value));
            return;
        }
        if (self.used + 1) * 4 > self.places.len() * 3 {
            self.grow();
        }
        self.put(handle, value);
    }

    /// Forgets a handle, and says what was known by it.
    pub(crate) fn remove(&mut self, handle: u32) -> Option<T> {
        let mut free = self.find(handle)?;
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
        self.used == 0
    }

    /// All, in no order that means anything.
    fn iter(&self) -> impl Iterator<Item = (u32, T)> {
        self.places.iter().copied().flatten()
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
        loop {
            if self.places[place]?.0 == handle {
                return Some(place);
            }
            place = self.behind(place);
        }
    }

    /// For a handle that has no place yet, where there is room.
    fn put(&mut self, handle: u32, value: T) {
        let mut place = self.own_place(handle);
        while self.places[place].is_some() {
            place = self.behind(place);
        }
        self.places[place] = Some((handle, value));
        self.used += 1;
    }

    fn grow(&mut self) {
        let len = (self.places.len() * 2).max(PLACES_MIN);
        let mut larger = Handles { places: vec![None; len].into(), used: 0 };
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
        Handles { places: Box::default(), used: 0 }
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
        self.used == other.used
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

    /// Handles that count on, and such as all have one place.
    fn handle() -> impl Strategy<Value = u32> {
        let inverse = (0..31).fold(1u32, |inverse, _| {
            inverse.wrapping_mul(2u32.wrapping_sub(inverse.wrapping_mul(0x9E37_79B9)))
        });
        prop_oneof![0..40u32, (0..20u32).prop_map(move |n| n.wrapping_mul(inverse)), any::<u32>()]
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
