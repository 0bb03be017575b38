//! EXPR: a small language about what applications read. `tapline replay bisect` looks for the record
//! after which such a claim fails.
//!
//! Each claim is about lines or calls one by one, so that a record costs only the lines that it
//! touches; what depends on time says until when it holds if nothing happens.

mod nearest;
mod observe;
mod parse;
mod words;

pub(crate) use observe::Observer;
pub(crate) use parse::ExprError;

use crate::replay::Which;
use engine::tapi::CallState;

/// What `tapline help replay bisect` says of the language.
pub(crate) const GRAMMAR: &str = "\
EXPR, a claim about what applications read:
  EXPR   = AND { or AND }       AND = TERM { and TERM }      TERM = not TERM | ( EXPR ) | CLAIM
  CLAIM  = line LINE [is [not]] STATUS                       line 20 in-service
         | every|some|no line [is [not]] STATUS              every line is not ringing
         | call #N of LINE CALLIS                            call #1 of 20 is CONNECTED
         | every|some|no call [of LINE] CALLIS               no call longer than 60s
         | calls [of LINE] [in STATE] COMPARED N             calls of 20 == 0
         | lines [STATUS] COMPARED N                         lines in-service >= 10
  CALLIS = is [not] STATE [for DURATION]                     is OFFERING for 30s
         | longer than DURATION                              since it began
         | PARTY is [not] TEXT                               caller is 0301234567
  LINE   = a number, a name in quotes, or @ and a permanent id
  STATUS = in-service out-of-service connected disconnected ringing busy free removed
  STATE  = IDLE OFFERING ACCEPTED DIALTONE DIALING RINGBACK BUSY SPECIALINFO CONNECTED PROCEEDING
           ONHOLD CONFERENCED ONHOLDPENDCONF ONHOLDPENDTRANSFER DISCONNECTED UNKNOWN
  PARTY  = caller called connected redirecting redirection   (TEXT is its number or name)
  COMPARED = == != < <= > >=     DURATION = 500ms 60s 5m 2h

Idle calls count only where IDLE is asked for. #N is the number in the column `call` of a replay. A
claim about a line or call that is not there neither holds nor fails.";

/// A claim, or several put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expr {
    shape: Shape,
    claims: Vec<Claim>,
}

/// How claims are put together. They are named by their places.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Any(Vec<Shape>),
    All(Vec<Shape>),
    Not(Box<Shape>),
    Claim(usize),
}

/// One claim.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Claim {
    /// As it was written.
    text: String,
    /// About which lines; `None` for all.
    of: Option<Which>,
    about: About,
    verdict: Verdict,
}

/// What is looked at in each line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum About {
    /// The line itself.
    Line(LineIs),
    /// Its calls, or the one of that number.
    Call(Option<u32>, CallIs),
}

/// Something that is so of a line, or, if `not`, is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LineIs {
    not: bool,
    status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// It is there at all.
    There,
    InService,
    Connected,
    Ringing,
    Busy,
    Removed,
}

/// Something that is so of a call, or, if `not`, is not.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CallIs {
    not: bool,
    what: CallWhat,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum CallWhat {
    /// It is there, and not idle.
    Live,
    /// In this state, for at least so many milliseconds.
    In(CallState, u64),
    /// It began more than so many milliseconds ago.
    Longer(u64),
    /// A party has this number or name.
    Party(PartyOf, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PartyOf {
    Caller,
    Called,
    Connected,
    Redirecting,
    Redirection,
}

/// What the count of those of which it is so must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is about one line or call, which must be there for the claim to mean anything.
    ThatOne,
    /// A comparison with a number.
    Count(Compared, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compared {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Compared {
    fn holds(self, count: u64, number: u64) -> bool {
        match self {
            Compared::Equal => count == number,
            Compared::Unequal => count != number,
            Compared::Less => count < number,
            Compared::AtMost => count <= number,
            Compared::More => count > number,
            Compared::AtLeast => count >= number,
        }
    }
}

impl Expr {
    /// Reads an expression.
    ///
    /// # Errors
    /// The first thing that makes no sense, with its column.
    pub(crate) fn read(text: &str) -> Result<Expr, ExprError> {
        parse::read(text)
    }
}
