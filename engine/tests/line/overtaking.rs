//! What comes over one connection before the answer that explains it comes over the other one.

use crate::site::*;
use engine::effect::{Effect, Limit, Report, Request, Surprise};
use engine::fact::*;
use engine::id::*;
use engine::pbx::MAX_EARLY;
use std::sync::Arc;

/// A new session in which Anna's `UserInitialize` is under way.
fn asking() -> Site {
    let mut site = Site::new();
    site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    site.event(Event::Due(engine::time::Timer::Reconnect(PBX, 1)));
    site.attempt = Attempt(2);
    site.pbx(PbxFact::Identified(Identification::default()));
    site.pbx(PbxFact::Initialized { session: 42, place: Arc::default() });
    site.pbx(PbxFact::User(user(1, "Anna").into()));
    site.effects.clear();
    site
}

#[test]
fn running_calls_that_a_poll_brings_before_the_handle_of_their_user_are_not_lost() {
    let mut site = asking();
    site.call(101, 5);
    assert_eq!(site.calls_told(1), [""; 0]);
    site.pbx(PbxFact::UserInitialized(LineId(1), UserHandle(11)));
    assert_eq!(site.calls_told(1), ["new call1", "call1 CONNECTED 0x1"]);
}

#[test]
fn events_of_a_user_that_nobody_asked_for_are_a_surprise_once_the_answer_is_there() {
    let mut site = asking();
    let surprises = |site: &Site| {
        let unknown = Effect::Report(Report::Surprise(Surprise::UnknownUser));
        site.effects.iter().filter(|effect| **effect == unknown).count()
    };
    site.call(201, 5);
    assert_eq!(surprises(&site), 0);
    site.pbx(PbxFact::UserInitialized(LineId(1), UserHandle(11)));
    assert_eq!(surprises(&site), 1);
    site.call(201, 5);
    assert_eq!(surprises(&site), 2);
}

#[test]
fn events_of_unknown_users_beyond_what_is_kept_back_are_told_as_a_limit() {
    let mut site = asking();
    for _ in 0..MAX_EARLY {
        site.call(201, 5);
    }
    let limit = Effect::Report(Report::LimitReached(Limit::EarlyEvents));
    assert!(!site.effects.contains(&limit));
    site.call(201, 5);
    assert!(site.effects.contains(&limit));
    let unknown = Effect::Report(Report::Surprise(Surprise::UnknownUser));
    assert!(!site.effects.contains(&unknown), "it may turn out whose they are");
}

#[test]
fn what_was_kept_back_ends_with_its_session() {
    let mut site = asking();
    site.call(101, 5);
    site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    site.event(Event::Due(engine::time::Timer::Reconnect(PBX, 2)));
    site.attempt = Attempt(3);
    site.session(10);
    assert_eq!(site.calls_told(1), [""; 0]);
}

#[test]
fn a_poll_that_comes_after_its_session_was_lost_brings_no_line_into_service() {
    let mut site = Site::new();
    site.pbx(PbxFact::Failed(Question::UserInitialize(LineId(1)), Failure::Broken));
    assert!(!site.view(1).connected);
    site.pbx(PbxFact::User(user(1, "Anna").into()));
    site.pbx(PbxFact::Polled { count: 1, elapsed_ms: 7_000 });
    assert!(!site.view(1).connected);
    // The next session asks for her anew.
    site.event(Event::Due(engine::time::Timer::Reconnect(PBX, 1)));
    site.attempt = Attempt(2);
    site.session(10);
    assert!(site.view(1).in_service);
}

#[test]
fn a_new_name_that_comes_after_its_session_was_over_still_reaches_the_line() {
    let mut site = Site::new();
    site.host(HostFact::Stopping);
    let renamed = UserInfo { guid: Guid::read("Anna"), ..user(1, "Anna Berg") };
    site.pbx(PbxFact::User(renamed.clone().into()));
    assert_eq!(site.view(1).identity.name.to_text(), "Anna Berg");
    site.pbx(PbxFact::User(UserInfo { active: false, ..renamed }.into()));
    assert!(site.view(1).removed);
}

#[test]
fn a_user_renamed_while_it_is_asked_for_is_asked_for_again_under_its_new_name() {
    let mut site = asking();
    let renamed = UserInfo { guid: Guid::read("Anna"), cfg: true, ..user(1, "Anna Berg") };
    site.pbx(PbxFact::User(renamed.into()));
    assert_eq!(asked_for(&mut site), [""; 0]);
    site.pbx(PbxFact::UserInitialized(LineId(1), UserHandle(0)));
    assert_eq!(asked_for(&mut site), ["Anna Berg"]);
    assert!(!site.effects.contains(&Effect::Report(Report::LineRefused(LineId(1)))));
    site.pbx(PbxFact::UserInitialized(LineId(1), UserHandle(12)));
    assert!(site.view(1).in_service);
}

#[test]
fn a_user_renamed_before_its_turn_is_asked_for_once_and_under_its_new_name() {
    let mut site = asking();
    site.pbx(PbxFact::User(user(2, "Ben").into()));
    let renamed = UserInfo { guid: Guid::read("Ben"), cfg: true, ..user(2, "Ben Ash") };
    site.pbx(PbxFact::User(renamed.into()));
    site.pbx(PbxFact::UserInitialized(LineId(1), UserHandle(11)));
    assert_eq!(asked_for(&mut site), ["Ben Ash"]);
    site.pbx(PbxFact::UserInitialized(LineId(2), UserHandle(12)));
    assert_eq!(asked_for(&mut site), [""; 0]);
}

/// For whom the PBX was asked since last looked.
fn asked_for(site: &mut Site) -> Vec<String> {
    let names = site.asked().into_iter().filter_map(|request| match request {
        Request::UserInitialize { cn, .. } => Some(cn.text().to_owned()),
        _ => None,
    });
    names.collect()
}

#[test]
fn a_user_whose_question_is_answered_by_an_error_is_asked_for_again_but_not_for_ever() {
    let mut site = asking();
    let failed = || PbxFact::Failed(Question::UserInitialize(LineId(1)), Failure::Status(500));
    let refused = Effect::Report(Report::LineRefused(LineId(1)));
    for _ in 0..engine::pbx::MAX_USER_FAILURES {
        site.pbx(failed());
        assert_eq!(asked_for(&mut site), ["Anna"]);
    }
    assert!(!site.effects.contains(&refused));
    site.pbx(failed());
    assert_eq!(asked_for(&mut site), [""; 0]);
    assert!(site.effects.contains(&refused));
}
