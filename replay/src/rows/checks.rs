//! Checks of `tapline verify` as rows of a table, for people.

use super::columns::{fitted, harmless};
use super::people::{DIM, GREEN, PLAIN, RED, YELLOW};
use adapters::verification::Verdict;

/// Width of the column with the name of the check.
const CHECK_COLUMNS: usize = 11;

/// One check with what was found.
pub(crate) fn check_row(verdict: Verdict, check: &str, found: &str) -> String {
    let colour = match verdict {
        Verdict::Pass => GREEN,
        Verdict::Warn => YELLOW,
        Verdict::Fail => RED,
    };
    let (verdict, check) = (verdict.name(), fitted(check, CHECK_COLUMNS));
    format!("{colour}{verdict}{PLAIN}  {check}  {}", harmless(found))
}

/// What to do about it, below what was found.
pub(crate) fn indented(advice: &str) -> String {
    // Verdict and check with two blanks behind each.
    let blanks = " ".repeat("pass".len() + 2 + CHECK_COLUMNS + 2);
    format!("{blanks}{DIM}→{PLAIN} {}", harmless(advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pbx_says_cannot_move_the_cursor() {
        let row = check_row(Verdict::Fail, "interface", "PBX \x1b[2Jhq\n");
        assert_eq!(row.matches('\x1b').count(), 2, "our own colour only: {row:?}");
        assert!(!row.contains('\n') && !indented("a\nb").contains('\n'));
    }
}
