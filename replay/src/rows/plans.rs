//! Changes that settings make, as rows of a table, for people.

use super::columns::{fitted, harmless};
use super::people::{GREEN, PLAIN, RED, YELLOW};

/// Width of the column that says what changes.
const WHAT_COLUMNS: usize = 8;
/// Width of the column that says how.
const CHANGE_COLUMNS: usize = 8;

/// What a change means to whoever uses the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something is there that was not.
    More,
    /// Something is other than before.
    Other,
    /// Something is not there any more.
    Less,
}

/// One change.
pub(crate) fn plan_row(tone: Tone, what: &str, change: &str, words: &str) -> String {
    let colour = match tone {
        Tone::More => GREEN,
        Tone::Other => YELLOW,
        Tone::Less => RED,
    };
    let (what, change) = (fitted(what, WHAT_COLUMNS), fitted(change, CHANGE_COLUMNS));
    format!("{what}  {colour}{change}{PLAIN}  {}", harmless(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_move_the_cursor() {
        let row = plan_row(Tone::Less, "line 3", "removed", "Anna\x1b[2J\n");
        assert_eq!(row.matches('\x1b').count(), 2, "our own colour only: {row:?}");
        assert!(!row.contains('\n'));
    }
}
