use crate::core::Core;
use crate::effect::{Effect, Notice, Request, What};
use crate::strategy::histories;
use crate::tapi::CallState;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;

/// Names of all that the engine makes of some hundred histories.
fn effects_of_many_histories() -> BTreeSet<String> {
    let mut runner = TestRunner::deterministic();
    let mut names = BTreeSet::new();
    for _ in 0..600 {
        let history = histories(160).new_tree(&mut runner).expect("a history").current();
        let (mut core, mut effects) = (Core::default(), Vec::new());
        history.into_iter().for_each(|record| core.apply(record, &mut effects));
        names.extend(effects.iter().map(name_of));
    }
    names
}

fn name_of(effect: &Effect) -> String {
    match effect {
        Effect::Tell(telling) => match &telling.what {
            What::Notice(Notice::CallState { state, .. }) => state.name().to_owned(),
            What::Notice(notice) => kind(&format!("{notice:?}")),
            What::Completed(_, completion) => format!("Completed {}", completion.is_ok()),
        },
        Effect::Ask(ask) => match &ask.request {
            Request::Order { order, .. } => kind(&format!("{order:?}")),
            request => kind(&format!("{request:?}")),
        },
        other => kind(&format!("{other:?}")),
    }
}

fn kind(debug: &str) -> String {
    debug.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

#[test]
fn histories_lead_the_engine_to_all_it_can_do() {
    let seen = effects_of_many_histories();
    let states = [
        CallState::Idle,
        CallState::Offering,
        CallState::Dialing,
        CallState::Proceeding,
        CallState::Ringback,
        CallState::Connected,
        CallState::OnHold,
        CallState::OnHoldPendTransfer,
        CallState::OnHoldPendConf,
        CallState::Conferenced,
        CallState::Disconnected,
    ];
    let requests = [Request::Version, Request::Poll { session: 0 }, Request::End { session: 0 }];
    let expected = ["LineCreated", "LineRemoved", "NewCall", "CallInfo", "AddressState"]
        .into_iter()
        .chain(["LineDevState", "Completed true", "Completed false", "Wake"])
        .chain(["ShowUser"])
        .chain(["Initialize", "UserInitialize", "UserCall", "UserConnect", "UserClear"])
        .chain(["UserHold", "UserRetrieve", "UserTransfer", "UserRedirect", "UserPickup"])
        .chain(["FindUser", "UserDTMF", "UserUUI", "UserPark", "UserRc", "Generated"])
        .map(str::to_owned)
        .chain(states.iter().map(|state| state.name().to_owned()))
        .chain(requests.iter().map(|request| kind(&format!("{request:?}"))));
    let missing: Vec<String> = expected.filter(|name| !seen.contains(name)).collect();
    assert!(missing.is_empty(), "no history leads to {missing:?}, only to {seen:?}");
}
