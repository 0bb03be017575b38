//! Call forwards: the Admin commands that set them, and the calls that follow them (section 7).

use super::*;
use engine::diversion::Kind;

fn admin(desk: &mut Desk, xml: &str) -> String {
    let Answer::Admin(answer) = desk.ask(&Operation::Admin { xml: xml.into() }) else { panic!() };
    answer.text().to_owned()
}

fn add(cd: &str) -> String {
    format!("<add-attrib><user cn=\"{ANNA}\">{cd}</user></add-attrib>")
}

fn own(desk: &mut Desk) -> String {
    admin(desk, &format!("<show><user cn=\"{ANNA}\" config=\"true\"/></show>"))
}

/// Extensions that have a call, and who diverted it last and first, as they are told.
fn offered(desk: &mut Desk) -> Vec<(String, String, String)> {
    let calls = desk.drain().call;
    calls
        .iter()
        .filter(|info| &*info.msg == "r-setup")
        .map(|info| {
            let text = |role| party(info, role).unwrap_or("").to_owned();
            (text("this"), text("leg2"), text("leg2orig"))
        })
        .collect()
}

fn triple(this: &str, last: &str, first: &str) -> (String, String, String) {
    (this.into(), last.into(), first.into())
}

#[test]
fn a_diversion_is_added_shown_and_removed_and_each_change_is_told() {
    let mut desk = three();
    let cd = "<cd type=\"cfu\"><ep e164=\"30\"/><src type=\"do\"><ep e164=\"0\"/></src></cd>";
    assert_eq!(admin(&mut desk, &add(cd)), "<ok/>");
    let told = desk.drain().user;
    assert_eq!(
        told.iter().map(|user| (user.e164.text(), user.cfg)).collect::<Vec<_>>(),
        [("20", true)]
    );
    assert!(own(&mut desk).contains(cd));
    assert_eq!(admin(&mut desk, &add(cd)), "<ok/>");
    assert_eq!(own(&mut desk).matches(cd).count(), 2, "nothing keeps it from being there twice");
    // The same in other words.
    let same = "<cd type='cfu' ><ep e164='30'></ep> <src type='do'><ep e164='&#48;'/></src></cd>";
    let remove = format!("<del-attrib><user cn=\"{ANNA}\">{same}</user></del-attrib>");
    for left in [1, 0, 0] {
        assert_eq!(admin(&mut desk, &remove), "<ok/>");
        assert_eq!(own(&mut desk).matches("<cd").count(), left);
    }
}

#[test]
fn what_a_template_brings_is_shown_with_the_rest_only() {
    let mut desk = three();
    desk.pbx.template_diverts("20", Kind::Busy, Some("22")).unwrap();
    let all = admin(&mut desk, &format!("<show><user cn=\"{ANNA}\"/></show>"));
    assert!(all.contains("<cd type=\"cfb\"><ep e164=\"22\"/></cd>"), "{all}");
    assert!(!own(&mut desk).contains("<cd"));
}

#[test]
fn a_record_that_goes_back_keeps_what_the_model_does_not_understand() {
    let mut desk = three();
    let odd = "<phone dnd-ext='1'><!-- kept --><rec fkey=\"&#10;\"/></phone>";
    admin(&mut desk, &add(odd));
    desk.pbx.template_diverts("20", Kind::Busy, Some("22")).unwrap();
    let shown = own(&mut desk);
    let changed =
        shown.replace("show>", "modify>").replacen(" pwd=", " cfnr=\"7\" x=\"&lt;\" pwd=", 1);
    assert_eq!(admin(&mut desk, &changed), "<ok/>");
    let after = own(&mut desk);
    assert_eq!(after.replace(" cfnr=\"7\" x=\"&lt;\"", ""), shown);
    assert!(after.contains(" cfnr=\"7\"") && after.contains(" x=\"&lt;\""), "{after}");
    assert!(admin(&mut desk, &format!("<show><user cn=\"{ANNA}\"/></show>")).contains("cfb"));
}

#[test]
fn all_calls_are_diverted_and_both_ends_are_told_by_whom() {
    let mut desk = three();
    desk.pbx.phone_diverts("20", Kind::Always, Some("22")).unwrap();
    desk.pbx.phone_dials("21", "20").unwrap();
    let calls = desk.drain().call;
    let last = calls.last().unwrap();
    assert_eq!(line(last), "7001 4 r-alert");
    assert_eq!((party(last, "peer"), party(last, "leg2")), (Some("22"), Some("20")));
    let setup = calls.iter().find(|info| &*info.msg == "r-setup").unwrap();
    assert_eq!((party(setup, "this"), party(setup, "peer")), (Some("22"), Some("21")));
    assert_eq!((party(setup, "leg2"), party(setup, "leg2orig")), (Some("20"), Some("20")));
    desk.pbx.phone_hangs_up("21").unwrap();
    desk.pbx.phone_diverts("20", Kind::Always, None).unwrap();
    desk.drain();
    desk.pbx.phone_dials("21", "20").unwrap();
    assert_eq!(offered(&mut desk), [triple("20", "", "")]);
}

#[test]
fn diversions_follow_each_other_but_not_in_circles() {
    let mut desk = three();
    desk.pbx.phone_diverts("20", Kind::Always, Some("21")).unwrap();
    desk.pbx.phone_diverts("21", Kind::Always, Some("22")).unwrap();
    desk.pbx.external_calls("20", "555", "").unwrap();
    assert_eq!(offered(&mut desk), [triple("22", "21", "20")]);
    desk.pbx.phone_diverts("22", Kind::Always, Some("20")).unwrap();
    desk.pbx.external_calls("20", "555", "").unwrap();
    assert_eq!(offered(&mut desk), [triple("22", "21", "20")], "a circle ends where it closes");
}

#[test]
fn a_busy_a_rejecting_and_an_absent_phone_divert_too() {
    let mut desk = three();
    desk.pbx.phone_diverts("20", Kind::Busy, Some("22")).unwrap();
    desk.pbx.phone_dials("21", "20").unwrap();
    assert_eq!(offered(&mut desk), [triple("20", "", "")]);
    desk.pbx.phone_rejects("20", 21).unwrap();
    let calls = desk.drain().call;
    assert_eq!((line(&calls[0]), cause(&calls[0])), ("7002 135 x-rel".to_owned(), Some(21)));
    assert!(calls.iter().any(|info| party(info, "this") == Some("22")));
    desk.pbx.phone_hangs_up("21").unwrap();
    desk.pbx.set_trait("20", Trait::Busy, true).unwrap();
    desk.drain();
    desk.pbx.phone_dials("21", "20").unwrap();
    assert_eq!(offered(&mut desk), [triple("22", "20", "20")]);
    desk.pbx.phone_hangs_up("21").unwrap();
    desk.pbx.set_trait("20", Trait::Busy, false).unwrap();
    desk.pbx.set_trait("20", Trait::Registered, false).unwrap();
    desk.pbx.phone_diverts("20", Kind::NoAnswer, Some("22")).unwrap();
    desk.drain();
    desk.pbx.phone_dials("21", "20").unwrap();
    assert_eq!(offered(&mut desk), [triple("22", "20", "20")]);
}

#[test]
fn a_call_that_nobody_answers_is_diverted_when_its_time_is_over() {
    let mut desk = three();
    desk.pbx.phone_diverts("20", Kind::NoAnswer, Some("22")).unwrap();
    let modify =
        own(&mut desk).replace("show>", "modify>").replacen(" pwd=", " cfnr=\"40\" pwd=", 1);
    admin(&mut desk, &modify);
    desk.pbx.advance(Millis(5_000));
    desk.now = Millis(5_000);
    desk.pbx.phone_dials("21", "20").unwrap();
    desk.drain();
    assert_eq!(desk.pbx.next_due(), Some(Millis(45_000)));
    desk.pbx.advance(Millis(44_999));
    assert!(desk.events().is_empty());
    desk.pbx.advance(Millis(45_000));
    desk.now = Millis(45_000);
    let calls = desk.drain().call;
    assert_eq!((line(&calls[0]), cause(&calls[0])), ("7002 134 r-rel".to_owned(), Some(23)));
    assert_eq!(party(calls.last().unwrap(), "leg2"), Some("20"));
    assert_eq!(desk.pbx.calls().len(), 1);
    assert_eq!(desk.pbx.next_due(), None);
}

#[test]
fn only_and_only_not_look_at_the_begin_of_the_callers_number() {
    for (which, inside, outside) in [("do", "20", "22"), ("dont", "22", "20")] {
        let mut desk = three();
        let src = format!("<src type=\"{which}\"><ep e164=\"0\"/></src>");
        admin(&mut desk, &add(&format!("<cd type=\"cfu\"><ep e164=\"22\"/>{src}</cd>")));
        desk.drain();
        desk.pbx.phone_dials("21", "20").unwrap();
        assert_eq!(offered(&mut desk)[0].0, inside, "{which}");
        desk.pbx.external_calls("20", "555", "").unwrap();
        assert_eq!(offered(&mut desk)[0].0, outside, "{which}");
    }
}

#[test]
fn a_diversion_with_a_fitting_filter_wins() {
    let mut desk = three();
    desk.pbx.phone_diverts("20", Kind::Always, Some("22")).unwrap();
    let src = "<src type=\"do\"><ep e164=\"21\"/></src>";
    admin(&mut desk, &add(&format!("<cd type=\"cfu\"><ep e164=\"-\"/>{src}</cd>")));
    desk.drain();
    desk.pbx.phone_dials("21", "20").unwrap();
    assert_eq!(offered(&mut desk), [triple("20", "", "")], "this caller is not diverted");
    desk.pbx.external_calls("20", "555", "").unwrap();
    assert_eq!(offered(&mut desk), [triple("22", "20", "20")]);
}

#[test]
fn a_redirection_passes_over_diversions_and_a_rerouting_obeys_them() {
    for (reroute, reached) in [(false, "22"), (true, "23")] {
        let mut desk = talking();
        desk.watch("Zoë Ångström");
        desk.pbx.phone_diverts("22", Kind::Always, Some("23")).unwrap();
        let Operation::UserRedirect { call, cn, e164, h323, info, .. } =
            redirect_to(CallHandle(7002), "22")
        else {
            panic!()
        };
        if reroute {
            desk.ask(&Operation::UserReroute { call, cn, e164, h323, info });
        } else {
            desk.redirect(7002, "22");
        }
        let calls = desk.pbx.calls();
        assert!(calls[0].legs.iter().any(|leg| leg.ext == reached), "{reached}");
    }
}

#[test]
fn the_answers_of_admin_can_be_spoilt() {
    let mut desk = three();
    let show = format!("<show><user cn=\"{ANNA}\"/></show>");
    for (word, length) in [("error", 10..100), ("garbled", 10..40), ("huge", 5 << 20..6 << 20)] {
        desk.pbx.switches.set("admin", word).unwrap();
        assert!(length.contains(&admin(&mut desk, &show).len()), "{word}");
    }
    desk.pbx.switches.set("admin", "deaf").unwrap();
    assert_eq!(admin(&mut desk, &add("<cd/>")), "<ok/>");
    assert!(!own(&mut desk).contains("<cd"));
    desk.pbx.switches.set("admin", "silent").unwrap();
    assert_eq!(desk.outcome(&Operation::Admin { xml: show.as_str().into() }), Outcome::Silence);
}
