//! The documents of the operation `Admin` (the PBX's SOAP reference, section 7), as far as call
//! forwards need them: showing a user's record, adding and removing one diversion, and setting the
//! time after which a call counts as not answered.
//!
//! Diversions are added and removed one by one, so that nothing else in a record is touched. The
//! time is an attribute of the record, and for that the PBX knows only replacing all of it: then
//! the record goes back as it came, byte for byte, but for that attribute. A record holds
//! passwords; it never leaves this module but in a document for the PBX.

mod diversion;
mod element;

pub(crate) use element::{Element, value_place};

use super::error::SoapError;
use super::xml::push_escaped;
use engine::diversion::{Diversion, MAX_DIVERSIONS, UserRecord};
use engine::pii::Personal;

/// Why an answer to `Admin` is of no use. The PBX's own words are left out, as they may hold
/// anything of the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// The answer does not read.
    #[error("its document does not read: {0}")]
    Unreadable(#[from] SoapError),
    /// The PBX has no such user, or does not show it to this account.
    #[error("it shows no such user")]
    NoUser,
    /// Another document than one that says what was asked for.
    #[error("it answered with <{0}>")]
    Refused(Box<str>),
    /// More than anybody has.
    #[error("the record has more than {MAX_DIVERSIONS} diversions")]
    TooMany,
    /// The record is not the one that was read before.
    #[error("the record was changed meanwhile")]
    Changed,
}

/// Asks for a user's record: all that applies to it, or only what it has of its own, without what
/// comes from templates.
#[must_use]
pub fn show(cn: &str, own: bool) -> Personal {
    let mut xml = String::from("<show><user cn=\"");
    push_escaped(&mut xml, cn);
    // The other form is to leave the attribute out; "false" does not work.
    xml.push_str(if own { "\" config=\"true\"/></show>" } else { "\"/></show>" });
    xml.as_str().into()
}

/// Adds a diversion to a user's record.
#[must_use]
pub fn add(cn: &str, diversion: &Diversion) -> Personal {
    with_child("add-attrib", cn, diversion)
}

/// Removes a diversion from a user's record: the child that is written exactly so.
#[must_use]
pub fn remove(cn: &str, diversion: &Diversion) -> Personal {
    with_child("del-attrib", cn, diversion)
}

fn with_child(command: &str, cn: &str, diversion: &Diversion) -> Personal {
    let mut xml = format!("<{command}><user cn=\"");
    push_escaped(&mut xml, cn);
    xml.push_str("\">");
    diversion::push(&mut xml, diversion);
    xml.push_str("</user></");
    xml.push_str(command);
    xml.push('>');
    xml.as_str().into()
}

/// Reads the answer to [`show`].
///
/// # Errors
/// See [`AdminError`].
pub fn read(answer: &str) -> Result<UserRecord, AdminError> {
    let document = Element::read(answer)?;
    let user = user(&document)?;
    let elements = user.children().iter().filter(|child| child.name() == "cd");
    if elements.clone().count() > MAX_DIVERSIONS {
        return Err(AdminError::TooMany);
    }
    let diversions = elements.filter_map(|cd| diversion::read(cd).transpose());
    Ok(UserRecord {
        diversions: diversions.collect::<Result<_, _>>()?,
        no_answer_s: user.attribute(NO_ANSWER).and_then(|value| value.trim().parse().ok()),
        print: UserRecord::print_of(user.whole()),
    })
}

/// Makes the document that sets the time for which a user's phone rings, `None` for the PBX's own,
/// from the answer to [`show`] of what the user has of its own.
///
/// # Errors
/// [`AdminError::Changed`] if the record's checksum is not `print`, or see [`AdminError`].
pub fn with_no_answer(
    answer: &str,
    seconds: Option<u32>,
    print: u32,
) -> Result<Personal, AdminError> {
    let document = Element::read(answer)?;
    let user = user(&document)?;
    let whole = user.whole();
    if UserRecord::print_of(whole) != print {
        return Err(AdminError::Changed);
    }
    let attributes = user.attributes_place();
    let (before, after) = (&whole[..attributes.start], &whole[attributes.end..]);
    let raw = &whole[attributes];
    let place = value_place(raw, NO_ANSWER);
    let changed = match (place, seconds) {
        (Some(place), Some(seconds)) => {
            format!("{}{seconds}{}", &raw[..place.value.start], &raw[place.value.end..])
        }
        (Some(place), None) => format!("{}{}", &raw[..place.whole.start], &raw[place.whole.end..]),
        (None, Some(seconds)) => format!("{} {NO_ANSWER}=\"{seconds}\"", raw.trim_end()),
        (None, None) => raw.to_owned(),
    };
    Ok(format!("<modify>{before}{changed}{after}</modify>").as_str().into())
}

/// Reads the answer to a command that changes something.
///
/// # Errors
/// [`AdminError::Refused`] for anything but `<ok/>`.
pub fn done(answer: &str) -> Result<(), AdminError> {
    match Element::read(answer)?.name() {
        "ok" => Ok(()),
        other => Err(refused(other)),
    }
}

fn user<'e, 'a>(document: &'e Element<'a>) -> Result<&'e Element<'a>, AdminError> {
    match document.name() {
        "show" => document.child("user").ok_or(AdminError::NoUser),
        other => Err(refused(other)),
    }
}

fn refused(name: &str) -> AdminError {
    AdminError::Refused(name.chars().take(32).collect())
}

/// The attribute that holds the time for which a phone rings before a call is not answered.
const NO_ANSWER: &str = "cfnr";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
