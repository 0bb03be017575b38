//! What the configuration of an object holds beyond what the model itself understands: kept as it
//! was written, because a client must be able to give it back unharmed.

use crate::soap::admin::Element;
use engine::diversion::{Diversion, Kind};

/// The part of a record that the model keeps as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Attributes that mean nothing to the model, and `cfnr`.
    pub(super) attributes: Vec<(String, String)>,
    /// Children, diversions among them.
    pub(super) children: Vec<String>,
    /// Diversions that come from a template.
    pub(super) inherited: Vec<String>,
}

impl Record {
    /// The diversions that act: its own before those of the template.
    pub(super) fn diversions(&self) -> Vec<Diversion> {
        let elements = self.children.iter().chain(&self.inherited);
        elements.filter_map(|child| diversion(child)).collect()
    }

    /// Seconds that the phone rings before a call is not answered, if the record says so.
    pub(super) fn no_answer_s(&self) -> Option<u64> {
        let (_, value) = self.attributes.iter().find(|(name, _)| name == "cfnr")?;
        value.trim().parse().ok()
    }

    /// Adds a child; the same one may be there twice.
    pub(super) fn add(&mut self, child: &Element<'_>) {
        self.children.push(child.whole().into());
    }

    /// Removes one child that is equal to this one, if there is one.
    pub(super) fn remove(&mut self, child: &Element<'_>) {
        let wanted = canonical(child);
        let equal = |known: &String| Element::read(known).is_ok_and(|e| canonical(&e) == wanted);
        if let Some(found) = self.children.iter().position(equal) {
            self.children.remove(found);
        }
    }

    /// What the menu of a phone does: the one diversion of a kind that has no filter becomes this
    /// one, or none.
    pub(super) fn set(&mut self, kind: Kind, number: Option<&str>) {
        replace_unfiltered(&mut self.children, kind, number);
    }

    /// The same for the template.
    pub(super) fn inherit(&mut self, kind: Kind, number: Option<&str>) {
        replace_unfiltered(&mut self.inherited, kind, number);
    }
}

fn replace_unfiltered(children: &mut Vec<String>, kind: Kind, number: Option<&str>) {
    let unfiltered = |child: &String| {
        diversion(child).is_some_and(|known| {
            known.kind == kind && known.sources == engine::diversion::Sources::All
        })
    };
    children.retain(|child| !unfiltered(child));
    if let Some(number) = number {
        let kind = match kind {
            Kind::Always => "cfu",
            Kind::Busy => "cfb",
            Kind::NoAnswer => "cfnr",
        };
        children.push(format!("<cd type=\"{kind}\"><ep e164=\"{number}\"/></cd>"));
    }
}

fn diversion(child: &str) -> Option<Diversion> {
    let record = format!("<show><user>{child}</user></show>");
    crate::soap::admin::read(&record).ok()?.diversions.pop()
}

/// An element in a form in which equal ones are equal texts.
fn canonical(element: &Element<'_>) -> String {
    let mut attributes: Vec<String> =
        element.attributes().map(|(name, value)| format!("{name}={value:?}")).collect();
    attributes.sort();
    let children: Vec<String> = element.children().iter().map(canonical).collect();
    format!("{}[{}]({})", element.name(), attributes.join(","), children.join(","))
}
