//! The words of an expression, with their columns.

use super::ExprError;

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The word; of a quoted one what is between the quotes.
    pub(super) text: String,
    pub(super) is_quoted: bool,
    /// Where it begins and ends, counted in characters from 0.
    pub(super) column: usize,
    pub(super) end: usize,
}

/// An expression longer than this is none.
const MOST_CHARACTERS: usize = 4096;

/// Cuts an expression into words.
pub(super) fn words(text: &str) -> Result<Vec<Word>, ExprError> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > MOST_CHARACTERS {
        let what = format!("an expression has at most {MOST_CHARACTERS} characters");
        return Err(ExprError::at(text, MOST_CHARACTERS, what));
    }
    let (mut words, mut at) = (Vec::new(), 0);
    while let Some(c) = chars.get(at) {
        let column = at;
        let (from, to, is_quoted) = match c {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '"' | '\'' => {
                let close = chars[at + 1..].iter().position(|other| other == c);
                let close = close.ok_or_else(|| {
                    ExprError::at(text, column, "this quote is not closed".into())
                })?;
                at += close + 2;
                (column + 1, at - 1, true)
            }
            '(' | ')' => {
                at += 1;
                (column, at, false)
            }
            '=' | '!' | '<' | '>' => {
                at += if chars.get(at + 1) == Some(&'=') { 2 } else { 1 };
                (column, at, false)
            }
            _ => {
                let ends = |c: &char| c.is_whitespace() || "()=!<>\"'".contains(*c);
                at += chars[at..].iter().position(ends).unwrap_or(chars.len() - at);
                (column, at, false)
            }
        };
        let text = chars[from..to].iter().collect();
        words.push(Word { text, is_quoted, column, end: at });
    }
    Ok(words)
}
