//! Reads an expression. Whatever makes no sense is shown at its column, with the word that was
//! probably meant.

use super::nearest::nearest;
use super::words::{Word, words};
use super::{
    About, CallIs, CallWhat, Claim, Compared, Expr, LineIs, PartyOf, Shape, Status, Verdict,
};
use crate::replay::Which;
use engine::tapi::CallState;

/// What makes no sense, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}\n{}^ {what}", " ".repeat(*.column))]
pub(crate) struct ExprError {
    text: String,
    /// Counted in characters from 0.
    pub(crate) column: usize,
    what: String,
}

impl ExprError {
    pub(super) fn at(text: &str, column: usize, what: String) -> ExprError {
        // One line, so that the mark stands below what it marks.
        let text = text.replace(|c: char| c.is_control(), " ");
        ExprError { text, column, what }
    }
}

/// Brackets and `not` inside one another.
const DEEPEST: usize = 64;

pub(super) fn read(text: &str) -> Result<Expr, ExprError> {
    let mut reader = Reader { text, words: words(text)?, next: 0, claims: Vec::new(), depth: 0 };
    let shape = reader.any()?;
    match reader.words.get(reader.next) {
        None => Ok(Expr { shape, claims: reader.claims }),
        Some(_) => Err(reader.unexpected(&["and", "or"])),
    }
}

struct Reader<'t> {
    text: &'t str,
    words: Vec<Word>,
    next: usize,
    claims: Vec<Claim>,
    depth: usize,
}

type Parsed<T> = Result<T, ExprError>;

const BEGINNINGS: &[&str] = &["line", "call", "every", "some", "no", "lines", "calls", "not", "("];
const STATUSES: &[&str] = &[
    "in-service",
    "out-of-service",
    "connected",
    "disconnected",
    "ringing",
    "busy",
    "free",
    "removed",
];
const PARTIES: &[(&str, PartyOf)] = &[
    ("caller", PartyOf::Caller),
    ("called", PartyOf::Called),
    ("connected", PartyOf::Connected),
    ("redirecting", PartyOf::Redirecting),
    ("redirection", PartyOf::Redirection),
];
const COMPARISONS: &[(&str, Compared)] = &[
    ("==", Compared::Equal),
    ("!=", Compared::Unequal),
    ("<", Compared::Less),
    ("<=", Compared::AtMost),
    (">", Compared::More),
    (">=", Compared::AtLeast),
];

impl Reader<'_> {
    // ---- how claims are put together ---------------------------------------------------------

    fn any(&mut self) -> Parsed<Shape> {
        let mut shapes = vec![self.all()?];
        while self.takes("or") {
            shapes.push(self.all()?);
        }
        Ok(if shapes.len() == 1 { shapes.remove(0) } else { Shape::Any(shapes) })
    }

    fn all(&mut self) -> Parsed<Shape> {
        let mut shapes = vec![self.term()?];
        while self.takes("and") {
            shapes.push(self.term()?);
        }
        Ok(if shapes.len() == 1 { shapes.remove(0) } else { Shape::All(shapes) })
    }

    fn term(&mut self) -> Parsed<Shape> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong(format!("more than {DEEPEST} brackets inside one another")));
        }
        let shape = if self.takes("not") {
            Shape::Not(Box::new(self.term()?))
        } else if self.takes("(") {
            let shape = self.any()?;
            self.expect(&[")"])?;
            shape
        } else {
            self.claim()?
        };
        self.depth -= 1;
        Ok(shape)
    }

    // ---- claims ------------------------------------------------------------------------------

    fn claim(&mut self) -> Parsed<Shape> {
        let from = self.next;
        let (of, about, verdict) = match self.expect(BEGINNINGS)? {
            "line" => {
                let which = self.line()?;
                (Some(which), About::Line(self.line_is()?), Verdict::ThatOne)
            }
            "call" => {
                let number = self.call_number()?;
                self.expect(&["of"])?;
                let which = self.line()?;
                (Some(which), About::Call(Some(number), self.call_is()?), Verdict::ThatOne)
            }
            "lines" => {
                let status = match self.peek() {
                    Some(word) if STATUSES.contains(&word) => self.status(false)?,
                    _ => LineIs { not: false, status: Status::There },
                };
                (None, About::Line(status), self.compared("in-service")?)
            }
            "calls" => {
                let of = self.of_line()?;
                let what = match self.takes("in") {
                    true => CallWhat::In(self.state()?, 0),
                    false => CallWhat::Live,
                };
                let about = About::Call(None, CallIs { not: false, what });
                (of, about, self.compared("in")?)
            }
            quantifier => self.quantified(quantifier)?,
        };
        let text = self.written(from);
        self.claims.push(Claim { text, of, about, verdict });
        Ok(Shape::Claim(self.claims.len() - 1))
    }

    /// After `every`, `some` or `no`.
    fn quantified(&mut self, quantifier: &str) -> Parsed<(Option<Which>, About, Verdict)> {
        let (of, mut about) = match self.expect(&["line", "call"])? {
            "line" => (None, About::Line(self.line_is()?)),
            _ => {
                let of = self.of_line()?;
                (of, About::Call(None, self.call_is()?))
            }
        };
        let verdict = match quantifier {
            "some" => Verdict::Count(Compared::More, 0),
            _ => Verdict::Count(Compared::Equal, 0),
        };
        if quantifier == "every" {
            // There is none of which it is not so.
            match &mut about {
                About::Line(is) => is.not = !is.not,
                About::Call(_, is) => is.not = !is.not,
            }
        }
        Ok((of, about, verdict))
    }

    fn of_line(&mut self) -> Parsed<Option<Which>> {
        if self.takes("of") { self.line().map(Some) } else { Ok(None) }
    }

    fn line(&mut self) -> Parsed<Which> {
        let word =
            self.word("a line: its number, its name in quotes, or @ and its permanent id")?;
        if word.is_quoted {
            return Ok(Which::Called(word.text));
        }
        word.text.parse().map_err(|what| self.wrong_before(what))
    }

    fn call_number(&mut self) -> Parsed<u32> {
        let word = self.word("the number of a call, such as #1")?;
        let digits = word.text.strip_prefix('#').unwrap_or(&word.text);
        let number = digits.parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| {
            self.wrong_before(format!("{} is not the number of a call, such as #1", word.text))
        })
    }

    fn line_is(&mut self) -> Parsed<LineIs> {
        let not = self.takes("is") && self.takes("not");
        self.status(not)
    }

    fn status(&mut self, not: bool) -> Parsed<LineIs> {
        let (status, opposite) = match self.expect(STATUSES)? {
            "in-service" => (Status::InService, false),
            "out-of-service" => (Status::InService, true),
            "connected" => (Status::Connected, false),
            "disconnected" => (Status::Connected, true),
            "ringing" => (Status::Ringing, false),
            "busy" => (Status::Busy, false),
            "free" => (Status::Busy, true),
            _ => (Status::Removed, false),
        };
        Ok(LineIs { not: not != opposite, status })
    }

    fn call_is(&mut self) -> Parsed<CallIs> {
        let mut words = vec!["is", "longer"];
        words.extend(PARTIES.iter().map(|(name, _)| *name));
        match self.expect(&words)? {
            "is" => {
                let not = self.takes("not");
                let state = self.state()?;
                let for_ms = if self.takes("for") { self.duration()? } else { 0 };
                Ok(CallIs { not, what: CallWhat::In(state, for_ms) })
            }
            "longer" => {
                self.expect(&["than"])?;
                Ok(CallIs { not: false, what: CallWhat::Longer(self.duration()?) })
            }
            party => {
                let party = PARTIES.iter().find(|(name, _)| *name == party);
                let party = party.map_or(PartyOf::Caller, |(_, party)| *party);
                self.expect(&["is"])?;
                let not = self.takes("not");
                let text = self.word("a number or a name")?.text;
                Ok(CallIs { not, what: CallWhat::Party(party, text) })
            }
        }
    }

    fn state(&mut self) -> Parsed<CallState> {
        let names = CallState::ALL.map(CallState::name);
        let name = self.expect(&names)?;
        let state = CallState::ALL.into_iter().find(|state| state.name() == name);
        Ok(state.unwrap_or(CallState::Unknown))
    }

    fn compared(&mut self, or: &'static str) -> Parsed<Verdict> {
        let mut names: Vec<&str> = COMPARISONS.iter().map(|(name, _)| *name).collect();
        names.push(or);
        let name = self.expect(&names)?;
        let Some((_, compared)) = COMPARISONS.iter().find(|(known, _)| *known == name) else {
            self.next -= 1;
            return Err(self.unexpected(&names[..COMPARISONS.len()]));
        };
        let word = self.word("a number")?;
        let number = word.text.parse();
        let number =
            number.map_err(|_| self.wrong_before(format!("{} is not a number", word.text)))?;
        Ok(Verdict::Count(*compared, number))
    }

    fn duration(&mut self) -> Parsed<u64> {
        let word = self.word("how long, such as 60s")?;
        let digits = word.text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = word.text.split_at(digits);
        let unit_ms = match unit {
            "ms" => Some(1),
            "s" => Some(1000),
            "m" | "min" => Some(60_000),
            "h" => Some(3_600_000),
            _ => None,
        };
        let ms = number.parse::<u64>().ok().zip(unit_ms);
        let ms = ms.and_then(|(number, unit_ms)| number.checked_mul(unit_ms));
        ms.ok_or_else(|| {
            let what = format!("{} is not how long; write 500ms, 60s, 5m or 2h", word.text);
            self.wrong_before(what)
        })
    }

    // ---- words -------------------------------------------------------------------------------

    fn peek(&self) -> Option<&str> {
        let word = self.words.get(self.next).filter(|word| !word.is_quoted)?;
        Some(&word.text)
    }

    /// Takes the next word if it is this one.
    fn takes(&mut self, wanted: &str) -> bool {
        let is = self.peek().is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        self.next += usize::from(is);
        is
    }

    /// Takes one of these words. Letter case matters to nobody.
    fn expect<'w>(&mut self, wanted: &[&'w str]) -> Parsed<&'w str> {
        let word = self.peek();
        // `connected` is a status, and `CONNECTED` a state: what is expected decides.
        let found = word.and_then(|word| wanted.iter().find(|is| is.eq_ignore_ascii_case(word)));
        match found.copied() {
            Some(found) => {
                self.next += 1;
                Ok(found)
            }
            None => Err(self.unexpected(wanted)),
        }
    }

    /// Takes any word.
    fn word(&mut self, wanted: &str) -> Parsed<Word> {
        let word = self.words.get(self.next).cloned();
        let is_mark = |word: &Word| {
            !word.is_quoted
                && matches!(word.text.as_str(), "(" | ")" | "=" | "==" | "!=" | "<" | ">")
        };
        match word.filter(|word| !is_mark(word)) {
            Some(word) => {
                self.next += 1;
                Ok(word)
            }
            None => Err(self.wrong(format!("here should be {wanted}"))),
        }
    }

    fn unexpected(&self, wanted: &[&str]) -> ExprError {
        let list = match wanted {
            [one] => (*one).to_owned(),
            _ => wanted.join(", "),
        };
        let Some(word) = self.words.get(self.next) else {
            return self.wrong(format!("here it ends, but should go on with {list}"));
        };
        self.wrong(match nearest(&word.text, wanted) {
            Some(near) if !word.is_quoted => {
                format!("{:?} makes no sense here; did you mean {near}?", word.text)
            }
            _ => format!("{:?} makes no sense here; possible: {list}", word.text),
        })
    }

    /// Something is wrong with the next word.
    fn wrong(&self, what: String) -> ExprError {
        let end = self.words.last().map_or(0, |word| word.end + 1);
        let column = self.words.get(self.next).map_or(end, |word| word.column);
        ExprError::at(self.text, column, what)
    }

    /// Something is wrong with the last word.
    fn wrong_before(&self, what: String) -> ExprError {
        let column = self.words.get(self.next - 1).map_or(0, |word| word.column);
        ExprError::at(self.text, column, what)
    }

    /// What stands between a word and here.
    fn written(&self, from: usize) -> String {
        let (first, last) = (&self.words[from], &self.words[self.next - 1]);
        self.text.chars().skip(first.column).take(last.end - first.column).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_example_of_the_grammar_is_understood() {
        let mut examples = 0;
        for line in super::super::GRAMMAR
            .lines()
            .filter(|line| line.starts_with("  CLAIM") || line.starts_with("         |"))
        {
            let Some((_, example)) = line.rsplit_once("   ") else { continue };
            let example = example.trim();
            let whole = match example {
                "is OFFERING for 30s" => "call #1 of 20 is OFFERING for 30s".to_owned(),
                "since it began" => continue,
                "caller is 0301234567" => "no call of 20 caller is 0301234567".to_owned(),
                example => example.to_owned(),
            };
            read(&whole).unwrap_or_else(|error| panic!("{error}"));
            examples += 1;
        }
        assert!(examples >= 6, "{examples}");
    }

    #[test]
    fn claims_are_put_together_as_usual() {
        let read = |text: &str| read(text).unwrap().shape;
        let both = read("line 20 in-service and not (calls == 0 or lines < 3)");
        let Shape::All(parts) = both else { panic!("{both:?}") };
        assert!(matches!(&parts[1], Shape::Not(inner) if matches!(**inner, Shape::Any(_))));
        let or = read("lines > 1 and lines > 2 or lines > 3");
        assert!(matches!(or, Shape::Any(_)), "and binds more strongly: {or:?}");
    }

    #[test]
    fn what_makes_no_sense_is_marked_and_the_nearest_word_is_named() {
        for (text, column, says) in [
            ("", 0, "here it ends"),
            ("line 20 in-servce", 8, "did you mean in-service?"),
            ("lnie 20 in-service", 0, "did you mean line?"),
            ("call #1 of 20 is CONECTED", 17, "did you mean CONNECTED?"),
            ("call 20 is IDLE", 8, "possible: of"),
            ("call #x of 20 is IDLE", 5, "not the number of a call"),
            ("calls of 20 = 0", 12, "=="),
            ("calls of 20 ==", 15, "a number"),
            ("no call longer than 60", 20, "60s"),
            ("no call longer then 60s", 15, "did you mean than?"),
            ("line 20 in-service und lines == 1", 19, "did you mean and?"),
            ("line 20 in-service then", 19, "possible: and, or"),
            ("(lines == 1", 12, "here it ends"),
            ("line \"Anna in-service", 5, "not closed"),
            ("line @x in-service", 5, "permanent id"),
            ("every lines in-service", 6, "did you mean line?"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.column, column, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
        assert!(read(&"(".repeat(1000)).is_err() && read(&"not ".repeat(1000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn no_row_of_words_makes_the_reader_panic(
            words in proptest::collection::vec(prop::sample::select(vec![
                "line", "call", "calls", "lines", "every", "no", "some", "not", "(", ")", "of", "20",
                "#1", "is", "IDLE", "in-service", "==", "0", "longer", "than", "60s", "and", "or",
                "for", "caller", "in", "\"", "@3",
            ]), 0..14),
        ) {
            let text = words.join(" ");
            if let Err(error) = read(&text) {
                prop_assert!(error.column <= text.chars().count() + 1);
            }
        }
    }
}
