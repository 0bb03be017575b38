//! What numbering nodes mean to lines: their addresses, and how one is called from another node.

use super::homes::Member;
use super::numbering::{Prefix, TooManyNodes};
use super::tree::ToPbxs;
use super::{Estate, LineInput};
use crate::effect::{Limit, Report};
use crate::fact::{Command, ParkPlace, PickupFrom, UserInfo};
use crate::id::{LineId, Link, PbxId};
use crate::pbx::PbxInput;
use crate::pii::Personal;
use std::sync::Arc;

impl Estate {
    /// The numbers in a request that are addresses of lines in another numbering node. A PBX reads
    /// numbers within the node of the user who dials them, where the same digits may be somebody
    /// else's extension, who then is meant (the PBX's SOAP reference, 4.4).
    pub(super) fn across(&self, line: LineId, command: &Command) -> Vec<Personal> {
        let Some(caller) = line.0.checked_sub(1).and_then(|index| self.members.get(index as usize))
        else {
            return Vec::new();
        };
        if self.configuration.as_ref().is_some_and(|settings| settings.pure_node_extensions) {
            return Vec::new();
        }
        let is_across =
            |number: &&Personal| !number.is_empty() && self.leads_across(caller, number);
        numbers(command).into_iter().filter(is_across).cloned().collect()
    }

    fn leads_across(&self, caller: &Member, number: &Personal) -> bool {
        let tree = self.tree.root(caller.home);
        let prefix = self.prefix(caller.home, &caller.subscriber).into_digits();
        let of_tree = || self.numbered(number).filter(|other| self.tree.root(other.home) == tree);
        let prefix_of = |other: &Member| self.prefix(other.home, &other.subscriber).into_digits();
        let is_neighbour =
            |other: &Member| other.subscriber.e164() == number.text() && prefix_of(other) == prefix;
        let is_elsewhere = |other: &Member| {
            other.identity.number.to_text() == number.text() && prefix_of(other) != prefix
        };
        // From the root every number is what it is.
        !prefix.is_empty() && !of_tree().any(is_neighbour) && of_tree().any(is_elsewhere)
    }

    /// A numbering node, which may change the numbers of the lines in it and below it.
    pub(super) fn numbering_node(
        &mut self,
        link: Link,
        user: &UserInfo,
        pbxs: &mut ToPbxs,
        lines: &mut Vec<(LineId, LineInput)>,
    ) {
        let (tree, at_home) = (self.tree.root(link.pbx), self.tree.is_home(link.pbx, user));
        let by = self.tree.boxes(link);
        match self.nodes.take(tree, link, user, (at_home, by)) {
            Ok(changed) => {
                let ends = |(of, node): &(PbxId, Box<str>)| {
                    !matches!(self.nodes.prefix(*of, node, ""), Prefix::Endless(_))
                };
                if let Some((_, node)) = changed.iter().find(|node| !ends(node)) {
                    let report = Report::NodeLoop(link.pbx, node.clone());
                    pbxs.push((link.pbx, PbxInput::Say(report)));
                }
                lines.extend(self.renumber(changed));
            }
            Err(TooManyNodes) => pbxs.push((link.pbx, PbxInput::Reached(Limit::Nodes))),
        }
    }

    /// Says so if nodes that lines of a PBX belong to are not in view.
    pub(super) fn missing_nodes(&self, pbx: PbxId) -> Option<Report> {
        if self.configuration.as_ref().is_some_and(|settings| settings.pure_node_extensions) {
            return None;
        }
        let members = self.tree.lines(pbx).map(|line| &self.members[line.0 as usize - 1]);
        let lacks = |member: &&Arc<Member>| {
            let who = &member.subscriber;
            member.home == pbx
                && !who.e164().is_empty()
                && matches!(self.prefix(pbx, who), Prefix::Partly(_))
        };
        let lacking = u32::try_from(members.filter(lacks).count()).unwrap_or(u32::MAX);
        (lacking > 0).then_some(Report::NodesUnseen(pbx, lacking))
    }
}

/// The numbers that a request leads to.
fn numbers(command: &Command) -> Vec<&Personal> {
    match command {
        Command::MakeCall { number, .. }
        | Command::BlindTransfer { number, .. }
        | Command::Redirect { number, .. }
        | Command::Dial { number, .. }
        | Command::Pickup { from: PickupFrom::Station(number), .. }
        | Command::Park { at: ParkPlace::Directed(number), .. } => vec![number],
        Command::SetupTransfer { consultation, .. }
        | Command::SetupConference { consultation, .. } => vec![&consultation.number],
        Command::Forward(forwarding) => {
            forwarding.forwards.iter().map(|forward| &forward.to).collect()
        }
        _ => Vec::new(),
    }
}
