//! Numbering nodes: which digits lead from the root of the numbering to a node.
//!
//! Nodes form a tree of their own (the PBX's SOAP reference, 4.4). Each record names the node its
//! object belongs to and the number of that node; so the record of a node object says what lies
//! above it. A node object may be at home at another PBX of the same tree of PBXs than the users of
//! its node. Other trees may have nodes of the same names, and mean others.

use super::tree::Boxes;
use crate::fact::UserInfo;
use crate::id::Attempt;
use crate::id::{Guid, Link, PbxId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most node objects that are kept (I-24).
pub const MAX_NODES: usize = 16_384;

/// Nodes within nodes: deeper than this nobody looks (I-24).
pub const MAX_NODE_DEPTH: usize = 16;

/// The name of the node that all others lie in.
const ROOT: &str = "root";

/// The node objects that PBXs have reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Nodes {
    /// What each PBX says of a node.
    by_name: BTreeMap<NodeName, BTreeMap<PbxId, Node>>,
    /// Under which names a PBX has spoken of an object.
    by_object: BTreeMap<(PbxId, Guid), NodeNames>,
    /// What lies in a node, as far as anybody says so; how many do.
    below: BTreeMap<NodeName, BTreeMap<Box<str>, u32>>,
}

/// A node: the tree of PBXs that it is of, and its name in small letters.
type NodeName = (PbxId, Box<str>);

/// What a PBX says of a node object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Node {
    guid: Guid,
    /// Its own number; empty if it was not told.
    number: Box<str>,
    /// The node it lies in, and the number of that.
    parent: Box<str>,
    parent_number: Box<str>,
    at_home: bool,
    /// In which attempt it was spoken of last.
    attempt: Attempt,
    /// Which boxes of that PBX have spoken of it.
    by: Boxes,
}

/// The digits from the root to a node, and how far they can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    /// All nodes up to the root are known.
    Whole(String),
    /// A node of them is not in view: these are the digits from below it.
    Partly(String),
    /// The nodes lead back to themselves, or are too many: the number of the node alone.
    Endless(String),
}

impl Prefix {
    pub(super) fn into_digits(self) -> String {
        match self {
            Prefix::Whole(digits) | Prefix::Partly(digits) | Prefix::Endless(digits) => digits,
        }
    }
}

/// Several nodes.
pub(super) type NodeNames = BTreeSet<NodeName>;

/// There are too many nodes.
pub(super) struct TooManyNodes;

/// Whether an object is a numbering node. PBX objects are nodes as well.
pub(super) fn is_node(user: &UserInfo) -> bool {
    !user.cn.is_empty() && matches!(&*user.object, "node" | "loc")
}

/// How a node is known: without regard to case.
pub(super) fn small(name: &str) -> Box<str> {
    name.trim().to_lowercase().into()
}

/// Whether this is the node that all others lie in.
pub(super) fn is_root(node: &str) -> bool {
    node.trim().is_empty() || node.trim().eq_ignore_ascii_case(ROOT)
}

impl Nodes {
    /// Takes in a record of a node object in a tree of PBXs. Returns the nodes whose prefix may be
    /// another one now.
    pub(super) fn take(
        &mut self,
        tree: PbxId,
        link: Link,
        user: &UserInfo,
        (at_home, by): (bool, Boxes),
    ) -> Result<NodeNames, TooManyNodes> {
        let guid = if user.guid.is_nil() { Guid::read(user.cn.text()) } else { user.guid };
        let names = [user.cn.text(), user.h323.text()].map(small);
        let names = names.into_iter().filter(|name| user.active && !is_root(name));
        let names: NodeNames = names.map(|name| (tree, name)).collect();
        let node = Node {
            guid,
            number: user.e164.text().into(),
            parent: user.node.clone(),
            parent_number: user.nodenum.clone(),
            at_home,
            attempt: link.attempt,
            by,
        };
        let former = self.by_object.get(&(link.pbx, guid)).cloned().unwrap_or_default();
        let mut changed = NodeNames::new();
        for name in former.difference(&names) {
            self.unsay(link.pbx, name);
            changed.insert(name.clone());
        }
        for name in names {
            if self.by_name.len() >= MAX_NODES && !self.by_name.contains_key(&name) {
                return Err(TooManyNodes);
            }
            let said = self.by_name.get(&name).and_then(|said| said.get(&link.pbx));
            let is_news = said.is_none_or(|before| before.differs(&node));
            let by = said.map_or(by, |before| before.by.and(by));
            self.unsay(link.pbx, &name);
            self.say(link.pbx, name.clone(), Node { by, ..node.clone() });
            changed.extend(is_news.then_some(name));
        }
        Ok(self.with_those_below(changed))
    }

    /// All objects have been reported in that attempt, by this box: what was not is gone, if the box
    /// ever knew it. One that stands in for its PBX may have an older picture.
    pub(super) fn end(&mut self, link: Link, speaks: Boxes) -> NodeNames {
        self.forget(link.pbx, |node| node.attempt != link.attempt && node.by.include(speaks))
    }

    /// A PBX is not looked after any more.
    pub(super) fn leave(&mut self, pbx: PbxId) -> NodeNames {
        self.forget(pbx, |_| true)
    }

    fn forget(&mut self, pbx: PbxId, which: impl Fn(&Node) -> bool) -> NodeNames {
        let objects = self.by_object.range((pbx, Guid::NIL)..=(pbx, Guid([0xFF; 16])));
        let names = objects.flat_map(|(_, names)| names.iter());
        let is_one = |name: &&NodeName| {
            self.by_name.get(*name).and_then(|said| said.get(&pbx)).is_some_and(&which)
        };
        let names: NodeNames = names.filter(is_one).cloned().collect();
        names.iter().for_each(|name| self.unsay(pbx, name));
        self.with_those_below(names)
    }

    fn say(&mut self, pbx: PbxId, name: NodeName, node: Node) {
        self.by_object.entry((pbx, node.guid)).or_default().insert(name.clone());
        let inside = self.below.entry((name.0, small(&node.parent))).or_default();
        *inside.entry(name.1.clone()).or_insert(0) += 1;
        self.by_name.entry(name).or_default().insert(pbx, node);
    }

    fn unsay(&mut self, pbx: PbxId, name: &NodeName) {
        let Some(said) = self.by_name.get_mut(name) else { return };
        let node = said.remove(&pbx);
        if said.is_empty() {
            self.by_name.remove(name);
        }
        let Some(node) = node else { return };
        if let Some(names) = self.by_object.get_mut(&(pbx, node.guid)) {
            names.remove(name);
            if names.is_empty() {
                self.by_object.remove(&(pbx, node.guid));
            }
        }
        let parent = (name.0, small(&node.parent));
        if let Some(inside) = self.below.get_mut(&parent) {
            if let Some(count) = inside.get_mut(&name.1) {
                *count -= 1;
                if *count == 0 {
                    inside.remove(&name.1);
                }
            }
            if inside.is_empty() {
                self.below.remove(&parent);
            }
        }
    }

    /// The digits from the root to a node whose number a record gives.
    pub(super) fn prefix(&self, tree: PbxId, node: &str, number: &str) -> Prefix {
        self.climb(tree, node, number, MAX_NODE_DEPTH)
    }

    fn climb(&self, tree: PbxId, node: &str, number: &str, left: usize) -> Prefix {
        if is_root(node) {
            return Prefix::Whole(number.to_owned());
        }
        let Some(object) = self.node(tree, node) else { return Prefix::Partly(number.to_owned()) };
        let Some(left) = left.checked_sub(1) else { return Prefix::Endless(number.to_owned()) };
        let own = if object.number.is_empty() { number } else { &object.number };
        let joined = |above: &str| {
            let is_whole = match &*object.number {
                // Only its beginning can tell.
                "" => !above.is_empty() && number.starts_with(above),
                own => number != own && number.strip_prefix(above) == Some(own),
            };
            // Which of both a PBX means by the number of a node is not documented.
            if is_whole { number.to_owned() } else { format!("{above}{own}") }
        };
        match self.climb(tree, &object.parent, &object.parent_number, left) {
            Prefix::Whole(above) => Prefix::Whole(joined(&above)),
            Prefix::Partly(above) => Prefix::Partly(joined(&above)),
            Prefix::Endless(_) => Prefix::Endless(number.to_owned()),
        }
    }

    /// What counts of what is said of a node: the word of its own PBX, else of the one that was
    /// known first.
    fn node(&self, tree: PbxId, name: &str) -> Option<&Node> {
        let said = self.by_name.get(&(tree, small(name)))?;
        said.values().find(|node| node.at_home).or_else(|| said.values().next())
    }

    fn with_those_below(&self, changed: NodeNames) -> NodeNames {
        let mut all = NodeNames::new();
        let mut next: Vec<NodeName> = changed.into_iter().collect();
        while let Some(name) = next.pop() {
            let inside = self.below.get(&name).into_iter().flatten();
            let inside = inside.map(|(inside, _)| (name.0, inside.clone()));
            // A loop must not hold us.
            next.extend(inside.filter(|inside| !all.contains(inside)));
            all.insert(name);
        }
        all
    }
}

impl Node {
    /// Whether it leads elsewhere.
    fn differs(&self, other: &Node) -> bool {
        (&self.number, &self.parent, &self.parent_number, self.at_home)
            != (&other.number, &other.parent, &other.parent_number, other.at_home)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TREE: PbxId = PbxId(0);

    fn link(pbx: u16) -> Link {
        Link { pbx: PbxId(pbx), attempt: Attempt(1) }
    }

    /// The box that a PBX usually is.
    fn own() -> Boxes {
        Boxes::nth(0)
    }

    fn object(name: &str, number: &str, parent: &str, parent_number: &str) -> UserInfo {
        UserInfo {
            active: true,
            cn: name.into(),
            guid: Guid::read(name),
            e164: number.into(),
            object: "node".into(),
            node: parent.into(),
            nodenum: parent_number.into(),
            ..UserInfo::default()
        }
    }

    fn nodes(objects: &[(u16, UserInfo)]) -> Nodes {
        let mut nodes = Nodes::default();
        for (pbx, user) in objects {
            assert!(nodes.take(TREE, link(*pbx), user, (true, own())).is_ok());
        }
        nodes
    }

    #[test]
    fn the_prefix_leads_through_all_nodes_from_the_root() {
        let nodes = nodes(&[
            (0, object("Germany", "7", "root", "")),
            (1, object("Berlin", "5", "Germany", "7")),
            (2, object("Lab", "3", "Berlin", "5")),
        ]);
        let prefix = |node: &str, number: &str| nodes.prefix(TREE, node, number);
        assert_eq!(prefix("Lab", "3"), Prefix::Whole("753".into()));
        assert_eq!(prefix("BERLIN", "5"), Prefix::Whole("75".into()), "case does not matter");
        assert_eq!(prefix("root", ""), Prefix::Whole(String::new()));
        assert_eq!(prefix("", ""), Prefix::Whole(String::new()));
        assert_eq!(prefix("root", "9001"), Prefix::Whole("9001".into()));
        assert_eq!(prefix("Lab", ""), Prefix::Whole("753".into()), "the node knows its number");
    }

    #[test]
    fn a_number_that_is_the_whole_path_already_is_left_as_it_is() {
        let known = nodes(&[
            (0, object("Germany", "7", "root", "")),
            (0, object("Berlin", "5", "Germany", "7")),
            (0, object("Lab", "3", "Berlin", "75")),
        ]);
        assert_eq!(known.prefix(TREE, "Lab", "753"), Prefix::Whole("753".into()));
        let silent = nodes(&[
            (0, object("Germany", "", "root", "")),
            (0, object("Berlin", "", "Germany", "7")),
        ]);
        assert_eq!(silent.prefix(TREE, "Berlin", "75"), Prefix::Whole("75".into()));
        assert_eq!(silent.prefix(TREE, "Berlin", "5"), Prefix::Whole("75".into()));
        let same = nodes(&[(0, object("a", "5", "root", "")), (0, object("b", "5", "a", "5"))]);
        assert_eq!(same.prefix(TREE, "b", "5"), Prefix::Whole("55".into()), "5 within 5");
    }

    #[test]
    fn a_node_out_of_view_and_a_loop_leave_what_is_known() {
        let nodes = nodes(&[
            (0, object("Berlin", "5", "Germany", "7")),
            (0, object("a", "1", "b", "2")),
            (0, object("b", "2", "a", "1")),
            (0, object("self", "4", "self", "4")),
        ]);
        assert_eq!(nodes.prefix(TREE, "Berlin", "5"), Prefix::Partly("75".into()));
        assert_eq!(nodes.prefix(TREE, "nowhere", "5"), Prefix::Partly("5".into()));
        assert_eq!(nodes.prefix(TREE, "a", "1"), Prefix::Endless("1".into()));
        assert_eq!(nodes.prefix(TREE, "self", "4"), Prefix::Endless("4".into()));
        assert_eq!(nodes.prefix(PbxId(9), "a", "1"), Prefix::Partly("1".into()), "another tree");
    }

    #[test]
    fn the_pbx_of_a_node_counts_and_who_is_silent_does_not() {
        let mut nodes = Nodes::default();
        let said = |number| object("Berlin", number, "root", "");
        assert!(nodes.take(TREE, link(0), &said("1"), (false, own())).is_ok());
        assert!(nodes.take(TREE, link(1), &said("2"), (true, own())).is_ok());
        assert_eq!(nodes.prefix(TREE, "Berlin", "").into_digits(), "2");
        let changed = nodes.leave(PbxId(1));
        assert_eq!(changed.len(), 1);
        assert_eq!(nodes.prefix(TREE, "Berlin", "").into_digits(), "1");
        assert!(nodes.end(link(0), own()).is_empty(), "it was spoken of");
        nodes.end(Link { attempt: Attempt(2), ..link(0) }, own());
        assert_eq!(nodes, Nodes::default());
    }

    #[test]
    fn a_box_that_never_knew_a_node_does_not_take_it_away() {
        let known = [(0, object("a", "1", "root", "")), (0, object("b", "2", "a", "1"))];
        let mut nodes = nodes(&known);
        let (standby, later) = (Boxes::nth(1), Link { attempt: Attempt(2), ..link(0) });
        // Its picture is older: it knows the outer node only.
        assert!(nodes.take(TREE, later, &known[0].1, (true, standby)).is_ok());
        assert!(nodes.end(later, standby).is_empty());
        assert_eq!(nodes.prefix(TREE, "b", ""), Prefix::Whole("12".into()));
        // The PBX itself is back, and has neither any more; nor does the standby later.
        let own_again = Link { attempt: Attempt(3), ..link(0) };
        assert_eq!(nodes.end(own_again, own()).len(), 2);
        assert_eq!(nodes, Nodes::default());
    }

    #[test]
    fn a_change_concerns_all_nodes_below_and_no_others() {
        let mut nodes = nodes(&[
            (0, object("a", "1", "root", "")),
            (0, object("b", "2", "a", "1")),
            (0, object("c", "3", "b", "2")),
            (0, object("other", "9", "root", "")),
        ]);
        let changed = nodes.take(TREE, link(0), &object("a", "8", "root", ""), (true, own()));
        let names: Vec<_> = changed.ok().unwrap().into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["a".into(), "b".into(), "c".into()] as [Box<str>; 3]);
        let again = nodes.take(TREE, link(0), &object("a", "8", "root", ""), (true, own()));
        assert!(again.is_ok_and(|changed| changed.is_empty()), "nothing new");
    }

    #[test]
    fn there_is_a_limit_to_the_number_of_nodes() {
        let mut nodes = nodes(&[(0, object("first", "1", "root", ""))]);
        let said = nodes.by_name.values().next().unwrap().clone();
        for number in 1..MAX_NODES {
            nodes.by_name.insert((PbxId(9), number.to_string().into()), said.clone());
        }
        assert!(
            nodes.take(TREE, link(0), &object("more", "1", "root", ""), (true, own())).is_err()
        );
    }

    proptest! {
        /// Whatever PBXs say of nodes, and in whatever order: an end is found, and it is the same.
        #[test]
        fn prefixes_do_not_depend_on_the_order_of_records(
            edges in prop::collection::btree_map(0u8..8, (0u8..9, 0u16..3, any::<bool>()), 0..8),
            seed in any::<prop::sample::Index>(),
        ) {
            let records: Vec<_> = edges.iter().map(|(name, (parent, pbx, at_home))| {
                let parent = if *parent == 8 { "root".into() } else { format!("n{parent}") };
                let number = name.to_string();
                (*pbx, object(&format!("n{name}"), &number, &parent, ""), *at_home)
            }).collect();
            let mut turned = records.clone();
            if !turned.is_empty() {
                turned.rotate_left(seed.index(records.len()));
            }
            let fold = |records: &[(u16, UserInfo, bool)]| {
                let mut nodes = Nodes::default();
                for (pbx, user, at_home) in records {
                    let _ = nodes.take(TREE, link(*pbx), user, (*at_home, own()));
                }
                nodes
            };
            let (one, other) = (fold(&records), fold(&turned));
            for name in 0..8 {
                let name = format!("n{name}");
                prop_assert_eq!(one.prefix(TREE, &name, ""), other.prefix(TREE, &name, ""));
            }
        }
    }
}
