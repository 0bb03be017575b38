//! Reading values and records out of a tree, by local names and in any order.

use super::error::SoapError;
use super::limit;
use super::tree::Element;
use super::types::{
    AnyInfo, CallInfo, Device, Group, Info, No, Presence, PresenceActivity, PresenceStatus,
    RegInfo, UserInfo,
};
use engine::id::{CallHandle, UserHandle};
use engine::pii::Personal;

/// Records, and how many more there were that could not be read.
pub(super) struct Records<T> {
    pub(super) read: T,
    pub(super) skipped: usize,
}

/// Result of `Poll`, and how many records of it could not be read.
pub(super) fn any_info(result: Element<'_>) -> Result<Records<AnyInfo>, SoapError> {
    let mut all = AnyInfo::default();
    let mut skipped = 0;
    for list in result.children() {
        match list.name() {
            "user" => skipped += extend(&mut all.user, users(list)?)?,
            "call" => skipped += extend(&mut all.call, calls(list)?)?,
            "reg" => skipped += extend(&mut all.reg, records(list, "hw", reg_info)?)?,
            "info" => skipped += extend(&mut all.info, records(list, "vals", info)?)?,
            _ => {}
        }
    }
    Ok(Records { read: all, skipped })
}

/// A list of objects.
pub(super) fn users(list: Element<'_>) -> Result<Records<Vec<UserInfo>>, SoapError> {
    records(list, "guid", user_info)
}

/// A list of calls.
pub(super) fn calls(list: Element<'_>) -> Result<Records<Vec<CallInfo>>, SoapError> {
    records(list, "msg", call_info)
}

/// A list of devices.
pub(super) fn devices(list: Element<'_>) -> Result<Records<Vec<Device>>, SoapError> {
    records(list, "hw", device)
}

/// One object; none if there is nothing in it.
pub(super) fn user(element: Element<'_>) -> Result<Option<UserInfo>, SoapError> {
    match element.is_leaf() {
        true => Ok(None),
        false => user_info(element).map(Some),
    }
}

/// Pieces of information inside a record or request.
pub(super) fn infos(list: Element<'_>) -> Result<Vec<Info>, SoapError> {
    inside(list, "vals", info)
}

/// Presence; the first, if there is a list of them.
pub(super) fn presence(element: Element<'_>) -> Result<Presence, SoapError> {
    let element = match element.children().next() {
        Some(child) if !child.is_leaf() => child,
        _ => element,
    };
    let mut presence = Presence::default();
    for part in element.children() {
        match part.name() {
            "status" => presence.status = some_word(part)?.map(PresenceStatus::read),
            "activity" => presence.activity = some_word(part)?.map(PresenceActivity::read),
            "note" => presence.note = text(part)?,
            _ => {}
        }
    }
    Ok(presence)
}

/// An integer, `xsd:int`; one that counted on past 2³¹ keeps its bits. Nothing is 0.
pub(super) fn integer(element: Element<'_>) -> Result<i32, SoapError> {
    read_integer(element.text())
        .ok_or_else(|| SoapError::BadValue { element: element.name().into(), expected: "a number" })
}

/// A boolean. Nothing is false.
pub(super) fn boolean(element: Element<'_>) -> Result<bool, SoapError> {
    read_boolean(element.text()).ok_or_else(|| SoapError::BadValue {
        element: element.name().into(),
        expected: "true or false",
    })
}

/// See [`integer`].
#[inline]
pub(super) fn read_integer(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    // Nearly all are a few digits and nothing else.
    if (1..=9).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit) {
        return Some(bytes.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0')));
    }
    match text.trim() {
        "" => Some(0),
        number => {
            let number: i64 = number.parse().ok()?;
            let fits = (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&number);
            // The low 32 bits, by intent.
            fits.then_some(number as i32)
        }
    }
}

/// See [`boolean`].
#[inline]
pub(super) fn read_boolean(text: &str) -> Option<bool> {
    match text {
        "true" => return Some(true),
        "false" => return Some(false),
        _ => {}
    }
    match text.trim() {
        "true" | "1" => Some(true),
        "" | "false" | "0" => Some(false),
        _ => None,
    }
}

// ---- records ------------------------------------------------------------------------------

/// What the engine has no use for does not spoil the record if it cannot be read.
fn user_info(element: Element<'_>) -> Result<UserInfo, SoapError> {
    let mut user = UserInfo::default();
    for part in element.children() {
        match part.name() {
            "active" => user.active = boolean(part)?,
            "cn" => user.cn = text(part)?,
            "dn" => user.dn = text(part)?,
            "type" => user.kind = word(part)?,
            "e164" => user.e164 = text(part)?,
            "h323" => user.h323 = text(part)?,
            "state" => user.state = unsigned(part)?,
            "channel" => user.channel = unsigned(part)?,
            "alert" => user.alert = unsigned(part)?,
            "guid" => user.guid = word(part)?,
            "groups" => user.groups = inside(part, "group", group).unwrap_or_default(),
            "loc" => user.loc = plain(part)?,
            "node" => user.node = plain(part)?,
            "object" => user.object = word(part)?,
            "nodenum" => user.nodenum = word(part)?,
            "cfg" => user.cfg = boolean(part)?,
            "presence" => user.presence = some_presence(part).unwrap_or_default(),
            "domain" => user.domain = plain(part).unwrap_or_default(),
            "h323email" => user.h323email = boolean(part).unwrap_or_default(),
            "email" => user.email = inside(part, "", text).unwrap_or_default(),
            "info" => user.info = infos(part).unwrap_or_default(),
            _ => {}
        }
    }
    Ok(user)
}

fn call_info(element: Element<'_>) -> Result<CallInfo, SoapError> {
    let mut call = CallInfo::default();
    for part in element.children() {
        match part.name() {
            "user" => call.user = UserHandle(unsigned(part)?),
            "call" => call.call = CallHandle(unsigned(part)?),
            "reg" => call.reg = unsigned(part).unwrap_or_default(),
            "active" => call.active = boolean(part)?,
            "state" => call.state = unsigned(part)?,
            "No" => call.no.append(&mut inside(part, "h323", no)?),
            "msg" => call.msg = word(part)?,
            "info" => call.info.append(&mut infos(part)?),
            _ => {}
        }
    }
    if call.no.len() > limit::ITEMS || call.info.len() > limit::ITEMS {
        return Err(too_many_items());
    }
    Ok(call)
}

fn no(element: Element<'_>) -> Result<No, SoapError> {
    let mut no = No::default();
    for part in element.children() {
        match part.name() {
            "type" => no.kind = word(part)?,
            "cn" => no.cn = text(part)?,
            "dn" => no.dn = text(part)?,
            "e164" => no.e164 = text(part)?,
            "h323" => no.h323 = text(part)?,
            _ => {}
        }
    }
    Ok(no)
}

fn info(element: Element<'_>) -> Result<Info, SoapError> {
    let mut info = Info::default();
    for part in element.children() {
        match part.name() {
            "type" => info.kind = word(part)?,
            "vali" => info.vali = integer(part)?,
            "vals" => info.vals = text(part)?,
            _ => {}
        }
    }
    Ok(info)
}

fn group(element: Element<'_>) -> Result<Group, SoapError> {
    let mut group = Group::default();
    for part in element.children() {
        match part.name() {
            "group" => group.group = plain(part)?,
            "active" => group.active = boolean(part)?,
            _ => {}
        }
    }
    Ok(group)
}

fn device(element: Element<'_>) -> Result<Device, SoapError> {
    let mut device = Device::default();
    for part in element.children() {
        match part.name() {
            "hw" => device.hw = text(part)?,
            "text" => device.text = text(part)?,
            _ => {}
        }
    }
    Ok(device)
}

fn reg_info(element: Element<'_>) -> Result<RegInfo, SoapError> {
    let mut reg = RegInfo::default();
    for part in element.children() {
        match part.name() {
            "active" => reg.active = boolean(part)?,
            "user" => reg.user = UserHandle(unsigned(part)?),
            "reg" => reg.reg = unsigned(part)?,
            "hw" => reg.hw = text(part)?,
            "soap" => reg.soap = plain(part)?,
            "info" => reg.info = infos(part)?,
            _ => {}
        }
    }
    Ok(reg)
}

fn some_presence(element: Element<'_>) -> Result<Option<Presence>, SoapError> {
    match element.is_nil() || element.is_leaf() {
        true => Ok(None),
        false => presence(element).map(Some),
    }
}

// ---- lists --------------------------------------------------------------------------------

/// The records of a list. One that cannot be read is left out and counted: it must not cost the
/// others, which are not told again.
fn records<T>(
    list: Element<'_>,
    sign: &str,
    read: impl Fn(Element<'_>) -> Result<T, SoapError>,
) -> Result<Records<Vec<T>>, SoapError> {
    let mut all = Records { read: Vec::new(), skipped: 0 };
    for item in items(list, sign) {
        if all.read.len() == limit::RECORDS {
            return Err(too_many_records());
        }
        match read(item) {
            Ok(record) if !item.is_leaf() || item.text().trim().is_empty() => all.read.push(record),
            _ => all.skipped += 1,
        }
    }
    Ok(all)
}

/// The items of a list inside a record. One that cannot be read spoils the record.
fn inside<T>(
    list: Element<'_>,
    sign: &str,
    read: impl Fn(Element<'_>) -> Result<T, SoapError>,
) -> Result<Vec<T>, SoapError> {
    let mut all = Vec::new();
    for item in items(list, sign) {
        if all.len() == limit::ITEMS {
            return Err(too_many_items());
        }
        all.push(read(item)?);
    }
    Ok(all)
}

/// The items of an array: its children, whatever their names. But if a child is a plain value with
/// the name `sign`, which only a record has, then the element is a record itself, as the
/// document/literal interface of newer boxes writes lists.
fn items<'t>(list: Element<'t>, sign: &str) -> impl Iterator<Item = Element<'t>> {
    let flat = list.children().any(|child| child.name() == sign && child.is_leaf());
    let (one, many) = if flat { (Some(list), None) } else { (None, Some(list.children())) };
    one.into_iter().chain(many.into_iter().flatten()).filter(|item| !item.is_nil())
}

fn extend<T>(all: &mut Vec<T>, mut more: Records<Vec<T>>) -> Result<usize, SoapError> {
    all.append(&mut more.read);
    if all.len() > limit::RECORDS { Err(too_many_records()) } else { Ok(more.skipped) }
}

fn too_many_records() -> SoapError {
    SoapError::TooLarge { what: "records", limit: limit::RECORDS }
}

fn too_many_items() -> SoapError {
    SoapError::TooLarge { what: "items of a record", limit: limit::ITEMS }
}

// ---- values -------------------------------------------------------------------------------

/// A name or number: exactly as it is.
fn text(element: Element<'_>) -> Result<Personal, SoapError> {
    Ok(short(element)?.into())
}

/// The same, if it tells nothing about a person.
fn plain(element: Element<'_>) -> Result<Box<str>, SoapError> {
    Ok(short(element)?.into())
}

/// A word of the interface's own vocabulary, trimmed.
fn word(element: Element<'_>) -> Result<Box<str>, SoapError> {
    Ok(short(element)?.trim().into())
}

/// A word, if there is one.
fn some_word(element: Element<'_>) -> Result<Option<&str>, SoapError> {
    Ok(Some(short(element)?.trim()).filter(|word| !word.is_empty()))
}

fn unsigned(element: Element<'_>) -> Result<u32, SoapError> {
    integer(element).map(i32::cast_unsigned)
}

fn short(element: Element<'_>) -> Result<&str, SoapError> {
    let text = element.text();
    match text.len() > limit::TEXT_BYTES {
        true => Err(SoapError::TooLarge { what: "text", limit: limit::TEXT_BYTES }),
        false => Ok(text),
    }
}
