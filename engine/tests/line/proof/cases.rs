//! Every kind of request: where it is legal, how it is proved, and how it ends otherwise.

use super::play::{REQUEST, leg_for};
use crate::site::{Site, born, made};
use engine::effect::{Effect, Order, Request};
use engine::fact::*;
use engine::forwarding::Forwarding;
use engine::id::*;

/// One kind of request, where it is legal, and what becomes of it.
pub struct Case {
    pub name: &'static str,
    pub stage: fn() -> Site,
    pub ask: fn() -> Command,
    /// The PBX answers, and reports what was asked for.
    pub prove: fn(&mut Site, u32),
    /// How it ends when its calls are hung up meanwhile. Where only the PBX's answer tells, that is
    /// in the second place, and the first is empty.
    pub hung_up: [&'static str; 2],
    /// How it ends when the PBX never answers.
    pub silent: &'static str,
}

const GONE: [&str; 2] = ["INVALCALLSTATE", ""];
pub const FAILED: &str = "OPERATIONFAILED";
/// Only the answer tells.
const ANSWERED: [&str; 2] = ["", FAILED];

pub const CASES: &[Case] = &[
    Case {
        name: "make a call",
        stage: idle,
        ask: || Command::MakeCall {
            call: made(1, 5),
            number: "21".into(),
            block_id: false,
            country_code: 0,
            call_param_flags: 0,
        },
        prove: |site, request| {
            site.reply(1, request, Reply::Calling(leg_for(request)));
            site.call(leg_for(request).0, 4);
        },
        hung_up: ANSWERED,
        silent: FAILED,
    },
    Case {
        name: "answer",
        stage: offered,
        ask: || Command::Answer(born(1, 1)),
        prove: |site, _| site.call(101, 133),
        hung_up: GONE,
        silent: FAILED,
    },
    Case {
        name: "drop",
        stage: talking,
        ask: || Command::Drop(born(1, 1)),
        prove: |site, _| site.cleared(101, 135, Some(16)),
        hung_up: ["done", ""],
        silent: "done",
    },
    Case {
        name: "hold",
        stage: talking,
        ask: || Command::Hold(born(1, 1)),
        prove: |site, _| site.call(101, 389),
        hung_up: GONE,
        silent: FAILED,
    },
    Case {
        name: "unhold",
        stage: held,
        ask: || Command::Unhold(born(1, 1)),
        prove: |site, _| site.call(101, 133),
        hung_up: GONE,
        silent: FAILED,
    },
    Case {
        name: "swap",
        stage: two_calls,
        ask: || Command::SwapHold { active: born(1, 2), held: born(1, 1) },
        prove: |site, _| {
            site.call(102, 389);
            site.call(101, 133);
        },
        hung_up: GONE,
        silent: FAILED,
    },
    Case {
        name: "set up a transfer",
        stage: talking,
        ask: || Command::SetupTransfer { call: born(1, 1), consultation: consultation("22") },
        prove: |site, request| {
            site.call(101, 389);
            site.reply(1, request, Reply::Calling(leg_for(request)));
            site.call(leg_for(request).0, 4);
        },
        hung_up: ANSWERED,
        silent: FAILED,
    },
    Case {
        name: "complete a transfer",
        stage: two_calls,
        ask: || complete(None),
        prove: |site, _| site.cleared(101, 134, Some(26)),
        hung_up: GONE,
        silent: FAILED,
    },
    Case {
        name: "complete a transfer as a conference",
        stage: two_calls,
        ask: || complete(Some(made(1, 9))),
        prove: |site, _| site.call(101, 133),
        hung_up: GONE,
        silent: FAILED,
    },
    Case {
        name: "transfer blindly",
        stage: talking,
        ask: || Command::BlindTransfer { call: born(1, 1), number: "22".into() },
        prove: sent_away,
        hung_up: ANSWERED,
        silent: FAILED,
    },
    Case {
        name: "redirect",
        stage: offered,
        ask: || Command::Redirect { call: born(1, 1), number: "22".into() },
        prove: sent_away,
        hung_up: ANSWERED,
        silent: FAILED,
    },
    Case {
        name: "pick up",
        stage: idle,
        ask: || Command::Pickup { call: made(1, 5), from: PickupFrom::Anywhere },
        prove: picked_up,
        hung_up: ANSWERED,
        silent: FAILED,
    },
    Case {
        name: "pick up at a station",
        stage: idle,
        ask: || Command::Pickup { call: made(1, 5), from: PickupFrom::Station("21".into()) },
        prove: |site, request| {
            site.reply(1, request, Reply::Found(Some("Ben".into())));
            picked_up(site, request);
        },
        hung_up: ANSWERED,
        silent: FAILED,
    },
    Case {
        name: "take a parked call",
        stage: parked_at_cleos,
        ask: || Command::Unpark { call: made(1, 5), from: "22".into() },
        prove: picked_up,
        hung_up: ANSWERED,
        silent: FAILED,
    },
    Case {
        name: "park",
        stage: talking,
        ask: || Command::Park { call: born(1, 1), at: ParkPlace::Nondirected },
        prove: parked,
        hung_up: GONE,
        silent: FAILED,
    },
    Case {
        name: "park somewhere",
        stage: talking,
        ask: || Command::Park { call: born(1, 1), at: ParkPlace::Directed("22".into()) },
        prove: |site, request| {
            site.reply(1, request, Reply::Found(Some("Cleo".into())));
            parked(site, request);
        },
        hung_up: GONE,
        silent: FAILED,
    },
    Case {
        name: "set up a conference",
        stage: talking,
        ask: || Command::SetupConference {
            call: Some(born(1, 1)),
            conference: made(1, 9),
            consultation: consultation("22"),
        },
        prove: |site, request| {
            site.call(101, 389);
            site.reply(1, request, Reply::Calling(leg_for(request)));
            site.call(leg_for(request).0, 4);
        },
        hung_up: ANSWERED,
        silent: FAILED,
    },
    Case {
        name: "add to a conference",
        stage: conference_begun,
        ask: || Command::AddToConference { conference: made(1, 1), consultation: made(1, 2) },
        prove: |site, _| site.call(101, 133),
        hung_up: GONE,
        silent: FAILED,
    },
    Case {
        name: "take back a conference",
        stage: conference_begun,
        ask: || Command::Unhold(made(1, 1)),
        prove: |site, _| {
            site.cleared(102, 7, Some(16));
            site.call(101, 133);
        },
        hung_up: GONE,
        silent: FAILED,
    },
    Case {
        name: "remove from a conference",
        stage: conferring,
        ask: || Command::RemoveFromConference(made(1, 2)),
        prove: |site, _| site.cleared(102, 7, Some(16)),
        hung_up: ["done", ""],
        silent: "done",
    },
    Case {
        name: "dial",
        stage: dial_tone,
        ask: || Command::Dial { call: made(1, 0), number: "2".into() },
        prove: taken,
        hung_up: GONE,
        silent: FAILED,
    },
    Case {
        name: "send user-user information",
        stage: talking,
        ask: || Command::SendUserUserInfo { call: born(1, 1), user_info: "x".into() },
        prove: taken,
        hung_up: GONE,
        silent: FAILED,
    },
    Case {
        name: "generate digits",
        stage: talking,
        ask: || Command::GenerateDigits { call: born(1, 1), digits: "1".into(), tag: REQUEST },
        prove: taken,
        hung_up: ["cancelled", ""],
        silent: "cancelled",
    },
    Case {
        name: "forward",
        stage: talking,
        ask: || Command::Forward(Forwarding { forwards: vec![], rings: 0 }),
        prove: |site, _| {
            if let Some(question) = question(site) {
                site.answer(1, question, Reply::Record(Default::default()));
            }
        },
        hung_up: ["", ""],
        silent: FAILED,
    },
    Case {
        name: "set the parameters of a call",
        stage: talking,
        ask: || Command::SetCallParams(born(1, 1)),
        prove: |_, _| {},
        hung_up: ["done", ""],
        silent: "done",
    },
];

// ---- stages: Anna (line 1) and what she is doing -------------------------------------------

fn idle() -> Site {
    Site::new()
}

fn offered() -> Site {
    staged(&[(101, 132)])
}

fn talking() -> Site {
    staged(&[(101, 132), (101, 133)])
}

fn held() -> Site {
    staged(&[(101, 133), (101, 389)])
}

/// Ben is on hold, and she talks to Cleo.
fn two_calls() -> Site {
    staged(&[(101, 133), (101, 389), (102, 133)])
}

fn parked_at_cleos() -> Site {
    staged(&[(309, 136)])
}

fn staged(events: &[(u32, u32)]) -> Site {
    let mut site = Site::new();
    events.iter().for_each(|(leg, state)| site.call(*leg, *state));
    site.effects.clear();
    site
}

fn dial_tone() -> Site {
    let mut site = Site::new();
    site.app(
        1,
        1,
        Command::MakeCall {
            call: made(1, 0),
            number: "".into(),
            block_id: false,
            country_code: 0,
            call_param_flags: 0,
        },
    );
    site.reply(1, 1, Reply::Calling(CallHandle(101)));
    site.call(101, 2);
    site.effects.clear();
    site
}

fn conference_begun() -> Site {
    let mut site = talking();
    let consultation = Consultation {
        call: made(1, 2),
        number: "22".into(),
        block_id: false,
        call_param_flags: 0,
    };
    let (call, conference) = (Some(born(1, 1)), made(1, 1));
    site.app(1, 1, Command::SetupConference { call, conference, consultation });
    site.call(101, 389);
    site.reply(1, 1, Reply::Calling(CallHandle(102)));
    site.call(102, 5);
    site.effects.clear();
    site
}

fn conferring() -> Site {
    let mut site = conference_begun();
    site.app(1, 2, Command::AddToConference { conference: made(1, 1), consultation: made(1, 2) });
    site.call(101, 133);
    site.effects.clear();
    site
}

// ---- what is asked, and how it is proved ---------------------------------------------------

fn consultation(number: &str) -> Consultation {
    Consultation { call: made(1, 5), number: number.into(), block_id: false, call_param_flags: 0 }
}

fn complete(conference: Option<CallId>) -> Command {
    Command::CompleteTransfer { call: born(1, 1), consultation: born(1, 2), conference }
}

fn taken(site: &mut Site, request: u32) {
    site.reply(1, request, Reply::Taken);
}

fn sent_away(site: &mut Site, request: u32) {
    site.reply(1, request, Reply::Taken);
    site.cleared(101, 134, Some(26));
}

fn picked_up(site: &mut Site, request: u32) {
    site.reply(1, request, Reply::Calling(leg_for(request)));
    site.call(leg_for(request).0, 133);
}

fn parked(site: &mut Site, request: u32) {
    site.reply(1, request, Reply::Parked(CallHandle(309)));
    site.cleared(101, 134, Some(26));
}

/// The latest question about Anna's record.
fn question(site: &Site) -> Option<Ticket> {
    site.effects.iter().rev().find_map(|effect| match effect {
        Effect::Ask(ask) => match &ask.request {
            Request::Order { line: LineId(1), ticket, order: Order::ShowUser { .. }, .. } => {
                Some(*ticket)
            }
            _ => None,
        },
        _ => None,
    })
}
