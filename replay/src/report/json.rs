//! JSON that can stand in a page.
//!
//! The one thing that ends a script element is `</script`, and `<!--` changes how it is read; so no `<`
//! is written as it is. U+2028 and U+2029 end a line for older readers of scripts.

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Write};

/// Writes a value.
pub(super) fn write(value: &impl Serialize, to: impl Write) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(to, Inert))
}

struct Inert;

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        to: &mut W,
        mut fragment: &str,
    ) -> io::Result<()> {
        while let Some(at) = fragment.find(['<', '\u{2028}', '\u{2029}']) {
            let (harmless, rest) = fragment.split_at(at);
            to.write_all(harmless.as_bytes())?;
            let mut chars = rest.chars();
            if let Some(c) = chars.next() {
                write!(to, "\\u{:04x}", u32::from(c))?;
            }
            fragment = chars.as_str();
        }
        to.write_all(fragment.as_bytes())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut bytes = Vec::new();
        write(&text, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_could_end_the_element_is_written_as_a_number() {
        let text = written("</script><!--\u{2028}\u{2029}\"\\\n");
        assert_eq!(text, r#""\u003c/script>\u003c!--\u2028\u2029\"\\\n""#);
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_has_no_angle_bracket(text in "\\PC*[<\u{2028}\u{2029}]?\\PC*") {
            let json = written(&text);
            let is_harmless = !json.contains(['<', '\u{2028}', '\u{2029}']);
            prop_assert!(is_harmless, "{}", json);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
