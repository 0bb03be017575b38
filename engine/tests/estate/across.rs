//! Numbers of lines in other numbering nodes: whatever leads to one is dialled as the PBX says.

use crate::grove::*;
use engine::effect::Order;
use engine::fact::*;
use engine::forwarding::{Forward, Forwarding};
use engine::id::{CallId, Guid, Opening, RequestId};
use engine::pii::Personal;
use proptest::prelude::*;

fn person(cn: &str, guid: &str, e164: &str) -> UserInfo {
    UserInfo { guid: Guid::read(guid), e164: e164.into(), ..user(cn, "") }
}

fn in_node(user: UserInfo, node: &str, nodenum: &str) -> UserInfo {
    UserInfo { node: node.into(), nodenum: nodenum.into(), ..user }
}

/// North (5) with Anna and Ben, south (6) at a slave with Cleo and Dora, Root at the root; and Far in
/// another tree, in a node of the same name.
fn site() -> Grove {
    let mut site = Grove::new(
        &[("hq", None), ("other", None)],
        vec![
            ("hq", Pbx::named("hq").leading_to("branch", "branch")),
            ("branch", Pbx::named("branch")),
            ("other", Pbx::named("other")),
        ],
    );
    for (name, digit) in [("north", "5"), ("south", "6")] {
        let node = UserInfo { object: "node".into(), kind: "".into(), ..person(name, name, digit) };
        site.says("hq", in_node(node, "root", ""));
    }
    site.says("hq", in_node(person("Anna", "a1", "20"), "north", "5"));
    site.says("hq", in_node(person("Ben", "b1", "620"), "north", "5"));
    site.says("branch", in_node(person("Cleo", "c1", "20"), "south", "6"));
    site.says("branch", in_node(person("Dora", "d1", "21"), "south", "6"));
    site.says("hq", person("Root", "r1", "30"));
    site.says("other", in_node(person("Far", "f1", "77"), "south", "6"));
    for cn in ["Anna", "Root"] {
        site.open(cn);
    }
    site
}

/// What leads to a number.
#[derive(Clone, Copy, Debug)]
enum Way {
    MakeCall,
    Consult,
    Confer,
    Dial,
    Redirect,
    BlindTransfer,
    Pickup,
    Park,
    Forward,
}

const WAYS: [Way; 9] = [
    Way::MakeCall,
    Way::Consult,
    Way::Confer,
    Way::Dial,
    Way::Redirect,
    Way::BlindTransfer,
    Way::Pickup,
    Way::Park,
    Way::Forward,
];

/// A request of a user's line that leads to this number that way, with the call that it takes.
fn command(site: &mut Grove, cn: &str, way: Way, number: &str) -> Command {
    let line = site.line(cn).identity.line;
    let state = match way {
        Way::Redirect => Some(0x84),
        Way::Dial => Some(2),
        Way::BlindTransfer | Way::Park | Way::Consult | Way::Confer => Some(5),
        _ => None,
    };
    if let Some(state) = state {
        let (user, call) = (site.handle_of(cn), 71);
        let info = CallInfo { user, call, active: true, state, ..CallInfo::default() };
        site.calls("hq", CallInfo { conf: Guid::read("conf 1"), ..info });
    }
    let number: Personal = number.into();
    let call = CallId { line, serial: 1 };
    let made = CallId { line, serial: CallId::FIRST_MADE };
    let wanted =
        Consultation { call: made, number: number.clone(), block_id: false, call_param_flags: 0 };
    match way {
        Way::MakeCall => Command::MakeCall {
            call: made,
            number,
            block_id: false,
            country_code: 0,
            call_param_flags: 0,
        },
        Way::Consult => Command::SetupTransfer { call, consultation: wanted },
        Way::Confer => Command::SetupConference {
            call: Some(call),
            conference: CallId { line, serial: CallId::FIRST_MADE + 1 },
            consultation: wanted,
        },
        Way::Dial => Command::Dial { call, number },
        Way::Redirect => Command::Redirect { call, number },
        Way::BlindTransfer => Command::BlindTransfer { call, number },
        Way::Pickup => Command::Pickup { call: made, from: PickupFrom::Station(number) },
        Way::Park => Command::Park { call, at: ParkPlace::Directed(number) },
        Way::Forward => {
            let forward = Forward::of(1, Personal::default(), number).unwrap();
            Command::Forward(Forwarding { forwards: vec![forward], rings: 0 })
        }
    }
}

/// The orders that a request leads to at once.
fn ordered(site: &mut Grove, cn: &str, command: Command) -> Vec<Order> {
    let line = site.line(cn).identity.line;
    site.orders.clear();
    site.event(Event::App(line, Opening(line.0), RequestId(1), command));
    site.settle();
    std::mem::take(&mut site.orders)
}

/// Whether the PBX is asked for what is dialled, for exactly this number.
fn asks_for(orders: &[Order], number: &str) -> bool {
    let is_it = |order: &Order| {
        matches!(order, Order::Across { .. } | Order::LocalNumber { .. })
            && order.number().is_some_and(|asked| asked.text() == number)
    };
    orders.iter().any(is_it)
}

#[test]
fn a_number_of_another_node_is_dialled_as_the_pbx_says_whatever_leads_to_it() {
    for way in WAYS {
        for (cn, number, across, why) in [
            ("Anna", "621", true, "Dora's address"),
            ("Anna", "30", true, "at the root"),
            ("Anna", "620", false, "Ben is a neighbour and meant"),
            ("Anna", "20", false, "an extension of the own node"),
            ("Anna", "0301234567", false, "nobody's address"),
            ("Anna", "677", false, "another tree"),
            ("Root", "621", false, "from the root it is what it is"),
        ] {
            let mut site = site();
            let command = command(&mut site, cn, way, number);
            let orders = ordered(&mut site, cn, command);
            assert!(!orders.is_empty(), "{way:?} {number}");
            assert_eq!(asks_for(&orders, number), across, "{way:?} {number}, {why}: {orders:?}");
        }
    }
}

#[test]
fn where_addresses_are_extensions_every_number_is_what_it_is() {
    for way in WAYS {
        let mut site = site();
        site.settings.pure_node_extensions = true;
        site.configure();
        let command = command(&mut site, "Anna", way, "621");
        let orders = ordered(&mut site, "Anna", command);
        assert!(!orders.is_empty() && !asks_for(&orders, "621"), "{way:?}: {orders:?}");
    }
}

#[test]
fn digits_after_others_are_no_number_of_their_own() {
    let mut site = site();
    let first = command(&mut site, "Anna", Way::Dial, "0");
    ordered(&mut site, "Anna", first.clone());
    let Command::Dial { call, .. } = first else { panic!() };
    let orders = ordered(&mut site, "Anna", Command::Dial { call, number: "621".into() });
    assert!(matches!(&orders[..], [Order::UserInfo { .. }]), "{orders:?}");
}

#[test]
fn what_is_dialled_for_a_forward_is_asked_before_the_record_is_read() {
    let mut site = site();
    let command = command(&mut site, "Anna", Way::Forward, "621");
    let mut orders = ordered(&mut site, "Anna", command);
    orders.retain(|order| !matches!(order, Order::ShowUser { own: false, .. }));
    // The PBX of this test does not say: the record is read all the same.
    let is_right =
        matches!(orders[..], [Order::LocalNumber { .. }, Order::ShowUser { own: true, .. }]);
    assert!(is_right, "{orders:?}");
}

proptest! {
    /// Which way a number is asked for makes no difference.
    #[test]
    fn every_way_dials_a_number_alike(number in "[2-6][0-9]{1,2}", cn in "Anna|Root") {
        let asks: Vec<bool> = WAYS
            .into_iter()
            .map(|way| {
                let mut site = site();
                let command = command(&mut site, &cn, way, &number);
                let orders = ordered(&mut site, &cn, command);
                asks_for(&orders, &number)
            })
            .collect();
        prop_assert!(asks.iter().all(|asked| *asked == asks[0]), "{asks:?}");
    }
}
