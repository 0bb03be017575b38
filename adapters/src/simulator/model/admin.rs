//! The commands of the Admin language that this model knows (the PBX's SOAP reference, 7.1): show,
//! modify, add-attrib and del-attrib, for one object by its long name.

use super::PbxModel;
use super::object::{Object, ObjectId};
use super::record::Record;
use crate::simulator::switches::AdminAnswer;
use crate::soap::admin::Element;
use std::fmt::Write as _;

/// What an Admin command comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Administered {
    /// The document that goes back.
    Document(String),
    /// Refused, with the text of the fault.
    Refused(&'static str),
    /// Never answered.
    Silence,
}

/// Attributes that the model writes from what it knows itself.
const OWN_ATTRIBUTES: [&str; 8] = ["guid", "cn", "dn", "h323", "e164", "loc", "node", "pwd"];

/// Children that it writes from what it knows itself.
const OWN_CHILDREN: [&str; 3] = ["device", "grp", "pseudo"];

impl PbxModel {
    /// Carries out an Admin command.
    pub fn administrate(&mut self, xml: &str) -> Administered {
        match self.switches.admin {
            AdminAnswer::Normal | AdminAnswer::Administrators => self.obey(xml),
            AdminAnswer::Error => {
                Administered::Document("<error>not by this account</error>".into())
            }
            AdminAnswer::Garbled => Administered::Document("<show><user cn=\"".into()),
            AdminAnswer::Huge => {
                Administered::Document(format!("<show>{}</show>", "<x/>".repeat(5 << 18)))
            }
            AdminAnswer::Silent => Administered::Silence,
            AdminAnswer::Deaf => match Element::read(xml).map(|command| command.name()) {
                Ok("show") => self.obey(xml),
                _ => Administered::Document("<ok/>".into()),
            },
        }
    }

    fn obey(&mut self, xml: &str) -> Administered {
        let Ok(command) = Element::read(xml) else {
            return Administered::Refused("the Admin command is no XML");
        };
        let Some(user) = command.child("user") else {
            return Administered::Refused("the Admin command names no user");
        };
        let id = user.attribute("cn").and_then(|cn| self.directory.named(&cn));
        match command.name() {
            "show" => {
                let own = user.attribute("config").as_deref() == Some("true");
                let object = id.and_then(|id| self.directory.get(id));
                Administered::Document(show(object, &self.name, own))
            }
            "modify" | "add-attrib" | "del-attrib" => {
                let Some(id) = id else {
                    return Administered::Document("<error>no such user</error>".into());
                };
                self.change_record(id, |object| match command.name() {
                    "modify" => modify(object, user),
                    "add-attrib" => user.children().iter().for_each(|c| object.record.add(c)),
                    _ => user.children().iter().for_each(|c| object.record.remove(c)),
                });
                Administered::Document("<ok/>".into())
            }
            _ => Administered::Refused(
                "this simulator knows only show, modify, add-attrib and del-attrib of one user \
                 of the Admin commands",
            ),
        }
    }

    /// Changes the configuration of an object and tells that it was changed.
    pub(super) fn change_record(&mut self, id: ObjectId, change: impl FnOnce(&mut Object)) {
        let Some(object) = self.directory.get_mut(id) else { return };
        change(object);
        self.tell_object(id, true);
    }
}

/// An object's record; without a child if there is no such object.
fn show(object: Option<&Object>, here: &str, own: bool) -> String {
    let Some(object) = object else { return "<show/>".into() };
    let loc = if object.loc.is_empty() { here } else { &object.loc };
    let mut xml = String::from("<show><user");
    let guid = object.guid.to_string();
    let values: [&str; 8] =
        [&guid, &object.cn, &object.dn, &object.h323, &object.e164, loc, &object.node, "********"];
    let known = OWN_ATTRIBUTES.into_iter().zip(values);
    let kept = object.record.attributes.iter().map(|(name, value)| (&**name, &**value));
    for (name, value) in known.filter(|(_, value)| !value.is_empty()).chain(kept) {
        let _ = write!(xml, " {name}=\"{}\"", escape(value));
    }
    xml.push('>');
    for device in &object.devices {
        let (hw, text) = (escape(&device.hw), escape(&device.text));
        let _ = write!(xml, "<device hw=\"{hw}\" text=\"{text}\"/>");
    }
    for (group, active) in &object.groups {
        let mode = if *active { " mode=\"active\"" } else { "" };
        let _ = write!(xml, "<grp name=\"{}\"{mode}/>", escape(group));
    }
    if !object.object.is_empty() {
        let _ = write!(xml, "<pseudo type=\"{}\"/>", escape(&object.object));
    }
    object.record.children.iter().for_each(|child| xml.push_str(child));
    if !own {
        object.record.inherited.iter().for_each(|child| xml.push_str(child));
    }
    xml.push_str("</user></show>");
    xml
}

/// Takes a whole record over. Names, numbers, devices and groups stay as they are: nothing that
/// this model is for changes them in this way.
fn modify(object: &mut Object, user: &Element<'_>) {
    let attributes =
        user.attributes().filter(|(name, _)| !OWN_ATTRIBUTES.contains(name) && *name != "config");
    let children = user.children().iter().filter(|child| !OWN_CHILDREN.contains(&child.name()));
    object.record = Record {
        attributes: attributes.map(|(name, value)| (name.into(), value.into_owned())).collect(),
        children: children.map(|child| child.whole().into()).collect(),
        inherited: std::mem::take(&mut object.record.inherited),
    };
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
