//! Which text stands for which.
//!
//! One rule for all texts, wherever they stand, so that equal ones stay equal. A character's stand-in
//! follows from the key and from all that is before it in the text: so texts that begin alike still
//! do, for as long, and different ones differ. What is neither letter nor digit stays, and so do
//! length and case.
//!
//! Numbers have one rule more. A line's address is put together from the numbers of its nodes and its
//! own extension, and applications dial it as a whole. So behind the number of a node, and behind
//! that of a trunk, a number goes on as if it began there: what stands for the whole is then put
//! together in the same way from what stands for the parts.

use super::alphabet::{is_replaced, small, stand_in};
use super::key::Key;
use super::parts;
use super::table::Subject;
use engine::id::Guid;
use std::collections::{BTreeMap, BTreeSet};

/// Words that say the same to every PBX: what all numbering nodes lie in.
const ROOT: &str = "root";

/// What stands for what, under one key.
pub(super) struct Texts {
    key: Key,
    /// Numbers behind which a number begins anew.
    joints: BTreeSet<String>,
    known: BTreeMap<String, String>,
    /// Stand-ins of GUIDs that must keep their order.
    guids: BTreeMap<Guid, Guid>,
}

impl Texts {
    /// Under this key. `ahead` are numbers with which other numbers may begin: of nodes and trunks.
    /// `guids` keep their order among each other.
    pub(super) fn new(
        key: Key,
        ahead: &BTreeSet<String>,
        guids: impl Iterator<Item = Guid>,
    ) -> Texts {
        let joints = joints(ahead);
        let mut texts = Texts { key, joints, known: BTreeMap::new(), guids: BTreeMap::new() };
        let guids: BTreeSet<Guid> = guids.filter(|guid| !guid.is_nil()).collect();
        let stand_ins: BTreeSet<Guid> = guids.iter().map(|guid| texts.guid(*guid)).collect();
        // 128 bits do not meet; if they did, the last one would keep its own drawn stand-in.
        texts.guids = guids.into_iter().zip(stand_ins).collect();
        texts
    }

    /// What stands for a text.
    pub(super) fn text(&mut self, text: &str) -> String {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let other = if is_root(text) {
            text.to_owned()
        } else if is_number(text) {
            self.number(text)
        } else {
            self.name(text)
        };
        self.known.insert(text.to_owned(), other.clone());
        other
    }

    /// What stands for the end of a number whose beginning was dialled before.
    pub(super) fn more(&mut self, before: &str, text: &str) -> String {
        let whole = format!("{before}{text}");
        if !is_number(&whole) {
            return self.text(text);
        }
        let other = self.text(&whole);
        other.get(before.len()..).map_or_else(|| self.text(text), str::to_owned)
    }

    /// What stands for a text that is what the table says.
    pub(super) fn stand_in(&mut self, subject: Subject, text: &str) -> String {
        // A word that stays may be somebody's name elsewhere.
        let known = self.known.get(text).filter(|_| subject != Subject::Word);
        if let Some(known) = known {
            return known.clone();
        }
        let other = parts::replace(subject, text, &mut |part| self.text(part));
        if subject == Subject::Authority {
            // Whatever else the same text may be: its port stays.
            self.known.insert(text.to_owned(), other.clone());
        }
        other
    }

    fn number(&self, text: &str) -> String {
        let mut before = String::new();
        let mut other = String::with_capacity(text.len());
        for c in text.chars() {
            other.push(match c {
                '0'..='9' => stand_in(&self.key, &format!("number {before}"), c),
                c => c,
            });
            if is_dialled(c) {
                before.push(c);
                if self.joints.contains(&before) {
                    before.clear();
                }
            }
        }
        other
    }

    fn name(&self, text: &str) -> String {
        let mut before = String::new();
        let mut other = String::with_capacity(text.len());
        for c in text.chars() {
            other.push(stand_in(&self.key, &before, c));
            // What is in front of a text does not count where it is trimmed.
            if !(before.is_empty() && c.is_whitespace()) {
                before.push(small(c));
            }
        }
        other
    }

    /// What stands for a GUID.
    pub(super) fn guid(&self, guid: Guid) -> Guid {
        match self.guids.get(&guid) {
            _ if guid.is_nil() => guid,
            Some(known) => *known,
            None => Guid(self.key.chance(b"guid", &[&guid.0]).bytes()),
        }
    }

    /// What stands for a number that is a secret, or made of secrets. Nothing stays nothing.
    pub(super) fn secret(&self, kind: &[u8], number: u32) -> u32 {
        match number {
            0 => 0,
            _ => u32::from_le_bytes(self.key.chance(kind, &[&number.to_le_bytes()]).bytes()).max(1),
        }
    }
}

/// Whether a text is one of the words that stay.
pub(super) fn is_root(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case(ROOT)
}

/// Whether a text is a number as one dials it, with or without what makes it legible.
pub(super) fn is_number(text: &str) -> bool {
    let is_legible = |c: char| matches!(c, ' ' | '-' | '/' | '(' | ')' | '.' | ',' | ';');
    text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| is_dialled(c) || is_legible(c))
}

/// Whether anything in a text is replaced.
pub(super) fn is_replaceable(text: &str) -> bool {
    !is_root(text) && text.contains(is_replaced)
}

fn is_dialled(c: char) -> bool {
    matches!(c, '0'..='9' | '+' | '*' | '#')
}

/// Where numbers begin anew, so that behind each of these one does. Where one of them begins with
/// another, what is left of it is a joint as well.
fn joints(ahead: &BTreeSet<String>) -> BTreeSet<String> {
    let ahead: BTreeSet<String> = ahead
        .iter()
        .filter(|number| is_number(number))
        .map(|number| number.chars().filter(|c| is_dialled(*c)).collect())
        .collect();
    let mut joints = ahead.clone();
    // Each round adds a part of a number, of which there are not many.
    loop {
        let left = |number: &String| {
            let mut before = String::new();
            for c in number.chars() {
                before.push(c);
                if joints.contains(&before) {
                    before.clear();
                }
            }
            before
        };
        let lefts: BTreeSet<String> =
            ahead.iter().map(left).filter(|rest| !rest.is_empty()).collect();
        if lefts.is_empty() {
            return joints;
        }
        joints.extend(lefts);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(ahead: &[&str]) -> Texts {
        let ahead = ahead.iter().map(|number| (*number).to_owned()).collect();
        Texts::new(Key::of_bytes(&[0x5A; 16]).unwrap(), &ahead, std::iter::empty())
    }

    /// How many characters two texts begin with alike.
    fn alike(a: &str, b: &str) -> usize {
        a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
    }

    fn units(text: &str) -> (usize, usize) {
        (text.len(), text.encode_utf16().count())
    }

    #[test]
    fn an_address_is_put_together_from_its_parts_as_before() {
        for ahead in [&["7", "5"][..], &["75", "7"], &["75", "5", "753"], &["49", "4", "9"]] {
            let mut texts = texts(ahead);
            for node in ahead {
                for extension in ["20", "7520", "5"] {
                    let parts = format!("{}{}", texts.text(node), texts.text(extension));
                    assert_eq!(texts.text(&format!("{node}{extension}")), parts, "{ahead:?}");
                }
            }
        }
    }

    #[test]
    fn guids_keep_their_order_and_nothing_stays_nothing() {
        let guids: Vec<Guid> = ["3", "1", "2", "4"].map(Guid::read).to_vec();
        let texts = Texts::new(
            Key::of_bytes(&[0x5A; 16]).unwrap(),
            &BTreeSet::new(),
            guids.iter().copied(),
        );
        for a in &guids {
            assert_ne!(texts.guid(*a), *a);
            for b in &guids {
                assert_eq!(texts.guid(*a).cmp(&texts.guid(*b)), a.cmp(b));
            }
        }
        assert!(texts.guid(Guid::NIL).is_nil());
        assert_eq!((texts.secret(b"key", 0), texts.secret(b"key", 7) == 7), (0, false));
    }

    proptest! {
        #[test]
        fn a_text_keeps_lengths_and_what_is_neither_letter_nor_digit(text in "\\PC{0,40}") {
            let other = texts(&[]).text(&text);
            prop_assert_eq!(units(&other), units(&text));
            for (c, other) in text.chars().zip(other.chars()) {
                prop_assert_eq!(is_replaced(c), is_replaced(other));
                prop_assert!(is_replaced(c) || c == other || is_root(&text));
            }
        }

        #[test]
        fn texts_that_begin_alike_do_so_for_as_long(
            both in "[a-cäÄя ]{0,6}", a in "[a-cäÄя ]{0,6}", b in "[a-cäÄя ]{0,6}",
        ) {
            let (a, b) = (format!("x{both}{a}"), format!("x{both}{b}"));
            let mut texts = texts(&[]);
            prop_assert_eq!(alike(&texts.text(&a), &texts.text(&b)), alike(&a, &b));
        }

        #[test]
        fn numbers_that_begin_alike_do_so_for_as_long(
            a in "[0-3]{1,8}", b in "[0-3]{1,8}", ahead in proptest::collection::vec("[0-3]{1,3}", 0..4),
        ) {
            let ahead: Vec<&str> = ahead.iter().map(String::as_str).collect();
            let mut texts = texts(&ahead);
            prop_assert_eq!(alike(&texts.text(&a), &texts.text(&b)), alike(&a, &b));
            let more = texts.more(&a, &b);
            prop_assert_eq!(format!("{}{more}", texts.text(&a)), texts.text(&format!("{a}{b}")));
        }

        #[test]
        fn what_differs_in_case_or_by_spaces_around_it_still_does(text in "[ A-Za-zäÄößéÉжЖčČ0-9-]{0,20}") {
            prop_assume!(!is_number(&text));
            let mut texts = texts(&[]);
            let other = texts.text(&text);
            prop_assert_eq!(texts.text(&text.to_lowercase()), other.to_lowercase());
            prop_assert_eq!(texts.text(text.trim()), other.trim());
        }
    }
}
