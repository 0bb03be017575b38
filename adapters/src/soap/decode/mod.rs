//! Reading answers.

use super::answer::Answer;
use super::error::SoapError;
use super::operation::Kind;
use super::records::{self, Records};
use super::text::decoded;
use super::tree::{Element, Tree};
use super::types::AnyInfo;
use engine::fact::Identification;
use engine::id::{CallHandle, UserHandle};

/// Reads the answer to an operation, in whatever dialect it is. The HTTP status does not matter: a
/// fault may come with 200 as well as with 500.
///
/// A record of a list that cannot be read is left out. A result that is not there is empty, 0 or
/// false, which all mean "no".
///
/// # Errors
/// [`SoapError::Fault`] if the PBX says so; otherwise if this is no complete SOAP message, holds
/// the wrong kind of value outside of a list, or is beyond a limit.
pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Answer, SoapError> {
    let text = decoded(bytes)?;
    let tree = Tree::read(&text)?;
    let response = Response(tree.message()?.response()?);
    Ok(match kind {
        Kind::Version => Answer::Version(response.identification()?),
        Kind::Initialize => {
            Answer::Initialize { session: response.number("return")?, key: response.number("key")? }
        }
        Kind::Echo => Answer::Echo { alive: response.number("return")? != 0 },
        Kind::End => Answer::End,
        Kind::Poll => Answer::Poll(response.any_info()?.read),
        Kind::License => Answer::License(response.text("return").into()),
        Kind::Admin => Answer::Admin(response.text("return").into()),
        Kind::FindUser => Answer::FindUser(response.list(records::users)?),
        Kind::UserFindDestination => Answer::UserFindDestination {
            incomplete: response.flag("return")?,
            user: response.part("user").map(records::user).transpose()?.flatten().map(Box::new),
        },
        Kind::LocationUrl => Answer::LocationUrl(response.text("return").trim().into()),
        Kind::Devices => Answer::Devices(response.list(records::devices)?),
        Kind::Calls => Answer::Calls(response.list(records::calls)?),
        Kind::UserLocalNum => Answer::UserLocalNum(response.text("return").into()),
        Kind::UserLicense => Answer::UserLicense(response.flag("return")?),
        Kind::SetPresence => Answer::SetPresence { done: response.number("return")? != 0 },
        Kind::UserInitialize => Answer::UserInitialize(UserHandle(response.number("return")?)),
        Kind::UserEnd => Answer::UserEnd,
        Kind::UserCall => Answer::UserCall(response.leg()?),
        Kind::UserClear => Answer::UserClear,
        Kind::UserConnect => Answer::UserConnect,
        Kind::UserRc => Answer::UserRc,
        Kind::UserInfo => Answer::UserInfo,
        Kind::UserDTMF => Answer::UserDTMF,
        Kind::UserUUI => Answer::UserUUI,
        Kind::UserPickup => Answer::UserPickup(response.leg()?),
        Kind::UserRedirect => Answer::UserRedirect(response.flag("return")?),
        Kind::UserReroute => Answer::UserReroute(response.flag("return")?),
        Kind::UserTransfer => Answer::UserTransfer,
        Kind::UserMediaTransfer => Answer::UserMediaTransfer,
        Kind::UserCtComplete => Answer::UserCtComplete,
        Kind::UserHold => Answer::UserHold,
        Kind::UserRetrieve => Answer::UserRetrieve,
        Kind::UserPark => Answer::UserPark(response.leg()?),
        Kind::UserMessage => Answer::UserMessage(response.leg()?),
    })
}

/// The answer to `Poll` in full, and how many of its records could not be read.
pub(super) fn decode_any_info(text: &str) -> Result<Records<AnyInfo>, SoapError> {
    let tree = Tree::read(text)?;
    Response(tree.message()?.response()?).any_info()
}

/// The response element, its parts by name. Nil is not there.
struct Response<'t>(Element<'t>);

impl<'t> Response<'t> {
    fn part(&self, name: &str) -> Option<Element<'t>> {
        self.0.child(name).filter(|part| !part.is_nil())
    }

    fn text(&self, name: &str) -> &'t str {
        self.part(name).map_or("", Element::text)
    }

    fn number(&self, name: &str) -> Result<u32, SoapError> {
        self.part(name).map_or(Ok(0), records::integer).map(i32::cast_unsigned)
    }

    fn flag(&self, name: &str) -> Result<bool, SoapError> {
        self.part(name).map_or(Ok(false), records::boolean)
    }

    fn leg(&self) -> Result<CallHandle, SoapError> {
        self.number("return").map(CallHandle)
    }

    /// The records of a list; those that could not be read are left out.
    fn list<T>(
        &self,
        read: impl Fn(Element<'t>) -> Result<Records<Vec<T>>, SoapError>,
    ) -> Result<Vec<T>, SoapError> {
        self.part("return").map_or(Ok(Vec::new()), |list| Ok(read(list)?.read))
    }

    fn any_info(&self) -> Result<Records<AnyInfo>, SoapError> {
        match self.part("return") {
            Some(result) => records::any_info(result),
            None => Ok(Records { read: AnyInfo::default(), skipped: 0 }),
        }
    }

    fn identification(&self) -> Result<Identification, SoapError> {
        let word = |name| self.text(name).trim().into();
        Ok(Identification {
            system: word("GatekeeperID"),
            location: word("Location"),
            firmware: word("FirmwareVersion"),
            serial: word("SerialNumber"),
            wsdl_version: self.number("WSDLVersion")?,
        })
    }
}

#[cfg(test)]
mod tests;
