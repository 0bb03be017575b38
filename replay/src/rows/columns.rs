//! Texts in columns of a terminal, where a Han character is two columns wide and a combining mark
//! none.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A text that cannot do anything to a terminal but fill columns: names come from outside, and a
/// control character in one could move the cursor.
pub(crate) fn harmless(text: &str) -> String {
    let is_dangerous = |c: char| {
        // Direction marks would turn the rest of the row round.
        c.is_control()
            || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_dangerous(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The text cut or filled up to so many columns.
pub(crate) fn fitted(text: &str, columns: usize) -> String {
    let mut fitted = cut(text, columns);
    let width = fitted.width();
    fitted.extend(std::iter::repeat_n(' ', columns.saturating_sub(width)));
    fitted
}

/// The text, with `…` in place of its end if it is wider than so many columns.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        // The width of the whole and not of the character: emoji join into one.
        if cut.width() > columns.saturating_sub(1) {
            cut.pop();
            if c.width() != Some(0) {
                break;
            }
        }
    }
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_script() {
        for name in
            ["Bob & <Sons>", "Jörg Müßig", "李小龍", "Ann 📞", "e\u{301}te\u{301}", "", "👩‍👩‍👧"]
        {
            assert_eq!(fitted(name, 16).width(), 16, "{name}");
        }
    }

    #[test]
    fn what_is_too_wide_is_cut_between_characters() {
        assert_eq!(fitted("Kesselflicker", 8), "Kesself…");
        assert_eq!(fitted("李小龍陳港生", 8), "李小龍… ");
        assert_eq!(fitted("李小龍陳", 8), "李小龍陳");
        assert_eq!(cut("abc", 2), "a…");
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(harmless("a\u{1b}[2Jb\r\n\u{202e}c"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}\u{fffd}c");
        assert_eq!(harmless("Ünal 📞"), "Ünal 📞");
    }
}
