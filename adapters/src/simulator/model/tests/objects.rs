//! Objects that come and go, and how they are found.

use super::*;

#[test]
fn users_that_come_go_and_change_are_told_once_each() {
    let mut desk = Desk::new();
    desk.pbx.add_user("40", "Eva").unwrap();
    desk.pbx.set_trait("40", Trait::Registered, false).unwrap();
    desk.pbx.rename("40", "Eva Cruz").unwrap();
    desk.pbx.remove_user("40").unwrap();
    let users = desk.drain().user;
    let seen: Vec<_> =
        users.iter().map(|user| (user.cn.text(), user.active, user.state, user.cfg)).collect();
    assert_eq!(
        seen,
        [
            ("Eva", true, 1, false),
            ("Eva", true, 0, false),
            ("Eva Cruz", true, 0, true),
            ("Eva Cruz", false, 0, false)
        ]
    );
    assert!(users.iter().all(|user| user.guid == users[0].guid));
}

#[test]
fn the_calls_of_a_removed_user_end_before_it_goes() {
    let mut desk = talking();
    desk.pbx.remove_user("21").unwrap();
    let any = desk.drain();
    let seen: Vec<_> = any.call.iter().map(line).collect();
    assert_eq!(seen[1], "7002 134 del gone");
    assert!(!any.user.last().unwrap().active);
    assert!(desk.pbx.is_idle());
}

#[test]
fn find_user_lists_from_a_starting_point() {
    let mut desk = Desk::new();
    let mut find = |cn: &str, h323: &str, e164: &str, count, next| {
        let operation = Operation::FindUser {
            cn: cn.into(),
            h323: h323.into(),
            e164: e164.into(),
            count,
            next,
            nohide: true,
        };
        let Answer::FindUser(users) = desk.ask(&operation) else { panic!() };
        users.iter().map(|user| user.cn.text().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(find("", "", "", 2, 0), [ANNA, BOB]);
    assert_eq!(find(ANNA, "", "", 2, 1), [BOB, "Dora Eng"]);
    assert_eq!(find("", "xiaoming", "", 1, 0), ["王小明"]);
    assert_eq!(find("", "", "30", 1, 0), ["Dora Eng"]);
    assert_eq!(find("", "", "", 1000, 0).len(), 14);
}

#[test]
fn looking_things_up() {
    let mut estate = Estate::built_in();
    estate.locations.push(Location {
        name: "branch".into(),
        url: "http://192.0.2.2/PBX0/user.soap".into(),
        tls_url: None,
        registered: true,
    });
    let mut desk = Desk::new();
    desk.pbx.locations = estate.locations;
    let url = |desk: &mut Desk, loc: &str, tls| {
        desk.ask(&Operation::LocationUrl { loc: loc.into(), tls })
    };
    let found = |text: &str| Answer::LocationUrl(text.into());
    assert_eq!(url(&mut desk, "branch", false), found("http://192.0.2.2/PBX0/user.soap"));
    assert_eq!(url(&mut desk, "branch", true), found("https://192.0.2.2/PBX0/user.soap"));
    assert_eq!(url(&mut desk, "nowhere", false), found(""));
    let devices = Operation::Devices { session: desk.session, user: JURGEN.into() };
    let Answer::Devices(devices) = desk.ask(&devices) else { panic!() };
    assert_eq!(devices.len(), 2);
    let anna = desk.watch(ANNA);
    let mut where_to = |number: &str| {
        let operation =
            Operation::UserFindDestination { user: anna, e164: number.into(), h323: "".into() };
        let Answer::UserFindDestination { incomplete, user } = desk.ask(&operation) else {
            panic!()
        };
        (incomplete, user.map(|user| user.cn.text().to_owned()))
    };
    assert_eq!(where_to("21"), (false, Some(BOB.into())));
    assert_eq!(where_to("2"), (true, None));
    assert_eq!(where_to("0"), (true, None));
    assert_eq!(where_to("0112"), (false, Some("Trunk 1".into())));
    assert_eq!(where_to("999"), (false, None));
}

#[test]
fn admin_shows_one_object_and_says_what_it_does_not_know() {
    let mut desk = Desk::new();
    let show = |cn: &str| Operation::Admin {
        xml: format!("<show><user cn=\"{cn}\"/></show>").as_str().into(),
    };
    let Answer::Admin(shown) = desk.ask(&show("Bob &amp; &lt;Sons&gt;")) else { panic!() };
    assert!(shown.text().contains("cn=\"Bob &amp; &lt;Sons&gt;\""), "{}", shown.text());
    assert!(!shown.text().contains("secret"));
    assert_eq!(desk.ask(&show("Nobody")), Answer::Admin("<show/>".into()));
    let add = Operation::Admin { xml: "<add><user cn=\"New\"/></add>".into() };
    assert!(
        matches!(desk.outcome(&add), Outcome::Fault { text, .. } if text.contains("only show"))
    );
    desk.pbx.switches.set("admin", "administrators-only").unwrap();
    let anna = desk.pbx.directory.named(ANNA).unwrap();
    let asker = Asker { account: Account::User(anna), ..Desk::asker() };
    assert!(matches!(
        desk.pbx.request(desk.now, &asker, &show(ANNA)).outcome,
        Outcome::Fault { .. }
    ));
}

#[test]
fn the_same_seed_gives_the_same_events() {
    let run = || {
        let mut desk = talking();
        desk.call(UserHandle(2), "22");
        desk.redirect(7001, "23");
        (desk.drain(), desk.key)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_queue_that_nobody_fetches_ends_the_session() {
    let mut desk = Desk::new();
    for _ in 0..=session::QUEUE_LIMIT {
        desk.pbx
            .sessions
            .get_mut(&desk.session)
            .unwrap()
            .push(session::Happening::User(Box::default()));
    }
    desk.pbx.advance(desk.now);
    assert_eq!(desk.pbx.session_count(), 0);
}

#[test]
fn the_numbering_of_a_node_is_its_own() {
    let mut estate = Estate::built_in();
    estate.users.push(User {
        cn: "Nora North".into(),
        h323: Some("nora".into()),
        e164: "20".into(),
        node: "north".into(),
        nodenum: "7".into(),
        kind: "ep".into(),
        groups: vec!["tapi".into()],
        devices: vec![Device { hw: "nora".into(), text: String::new() }],
        registered: true,
        ..User::default()
    });
    let mut pbx = PbxModel::new(&estate, 1);
    pbx.phone_dials("20", "720").unwrap();
    assert_eq!(pbx.calls()[0].legs[1].ext, "720", "from the root, by the node's number");
    pbx.phone_hangs_up("20").unwrap();
    let nora = pbx.directory.numbered("720").unwrap();
    assert_eq!(pbx.local_number(nora, "721"), "21");
}
