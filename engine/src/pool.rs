//! Values that many have in common.

/// Makes one of what is equal. Of many different values only the latest few are kept in mind: those
/// who share one come near each other.
pub(crate) struct Pool<T>(Vec<T>);

/// How many values are kept in mind.
const KNOWN: usize = 16;

impl<T: Clone + PartialEq> Pool<T> {
    /// Puts the value that is known already in place of an equal one.
    pub(crate) fn share(&mut self, value: &mut T) {
        if let Some(known) = self.0.iter().rev().find(|known| *known == value) {
            value.clone_from(known);
            return;
        }
        if self.0.len() == KNOWN {
            self.0.remove(0);
        }
        self.0.push(value.clone());
    }
}

impl<T> Default for Pool<T> {
    fn default() -> Pool<T> {
        Pool(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn equal_values_become_one_and_others_stay() {
        let mut pool = Pool::default();
        let mut values = [Arc::new(1), Arc::new(2), Arc::new(1)];
        values.iter_mut().for_each(|value| pool.share(value));
        assert!(Arc::ptr_eq(&values[0], &values[2]));
        assert_eq!(values.map(|value| *value), [1, 2, 1]);
    }

    #[test]
    fn only_so_many_are_kept_in_mind() {
        let mut pool = Pool::default();
        (0..100).for_each(|number| pool.share(&mut Arc::new(number)));
        assert_eq!(pool.0.len(), KNOWN);
    }
}
