//! Call forwarding: what is asked of the PBX, what proves it, and what becomes of it when
//! something goes wrong on the way.

use crate::site::{PBX, Site, user};
use engine::diversion::{Diversion, Kind, Sources, Target, UserRecord};
use engine::effect::{Effect, Order, Report, Request};
use engine::fact::*;
use engine::forwarding::{Forward, Forwarding};
use engine::id::*;
use engine::pii::Personal;
use engine::tapi::LineErr;
use engine::time::{Millis, Timer};
use proptest::prelude::*;

/// The record of Anna (line 1) at the PBX, which does what it is told.
#[derive(Clone, Debug, Default)]
struct Pbx {
    own: Vec<Diversion>,
    inherited: Vec<Diversion>,
    no_answer_s: Option<u32>,
    changes: u32,
}

impl Pbx {
    fn set(&mut self, kind: Kind, to: &str) {
        let diversion = diversion(kind, to, Sources::All);
        self.add(diversion);
    }

    fn add(&mut self, mut diversion: Diversion) {
        self.changes += 1;
        if diversion.element.is_empty() {
            diversion.element = format!("<cd n=\"{}\"/>", self.changes).as_str().into();
        }
        self.own.push(diversion);
    }

    fn obey(&mut self, order: &Order) -> Reply {
        match order {
            Order::ShowUser { cn, own } => {
                assert_eq!(cn.text(), "Anna");
                let inherited = if *own { &[][..] } else { &self.inherited };
                Reply::Record(UserRecord {
                    diversions: self.own.iter().chain(inherited).cloned().collect(),
                    no_answer_s: self.no_answer_s,
                    print: self.changes,
                })
            }
            Order::AddDiversion { diversion, .. } => {
                self.add(diversion.clone());
                Reply::Taken
            }
            Order::RemoveDiversion { diversion, .. } => {
                self.changes += 1;
                self.own.retain(|known| known.element != diversion.element);
                Reply::Taken
            }
            Order::SetNoAnswerTime { seconds, print, .. } => {
                if *print != self.changes {
                    return Reply::Refused;
                }
                self.changes += 1;
                self.no_answer_s = *seconds;
                Reply::Taken
            }
            other => panic!("{other:?}"),
        }
    }

    fn sense(&self) -> (Vec<(Kind, Target, Sources)>, Option<u32>) {
        let own = self.own.iter();
        let mut sense: Vec<_> = own.map(|d| (d.kind, d.to.clone(), d.sources.clone())).collect();
        sense.sort();
        (sense, self.no_answer_s)
    }
}

fn diversion(kind: Kind, to: &str, sources: Sources) -> Diversion {
    Diversion { kind, to: Target::Number(to.into()), sources, element: Personal::default() }
}

fn forward(mode: u32, to: &str) -> Forward {
    Forward::of(mode, "0555".into(), to.into()).unwrap()
}

fn asking(forwards: &[(u32, &str)], rings: u32) -> Command {
    let forwards = forwards.iter().map(|(mode, to)| forward(*mode, to)).collect();
    Command::Forward(Forwarding { forwards, rings })
}

/// A site and the record of Anna.
struct Office {
    site: Site,
    pbx: Pbx,
}

impl Office {
    /// What is forwarded was read.
    fn new(pbx: Pbx) -> Office {
        let mut site = Site::closed();
        site.pbx(PbxFact::User(trunk(true).into()));
        site.open(1);
        let mut office = Office { site, pbx };
        office.answer_all();
        office.site.effects.clear();
        office
    }

    /// The question about Anna's record that is open.
    fn question(&self) -> Option<(Ticket, Order)> {
        self.site.effects.iter().find_map(|effect| match effect {
            Effect::Ask(ask) => match &ask.request {
                Request::Order { line: LineId(1), ticket, order, .. } => {
                    Some((*ticket, order.clone()))
                }
                _ => None,
            },
            _ => None,
        })
    }

    /// Answers it in some way. Returns the order.
    fn answer(&mut self, how: impl FnOnce(&mut Pbx, &Order) -> Reply) -> Order {
        let (asked, order) = self.question().expect("a question is open");
        self.site.effects.retain(|effect| {
            !matches!(effect, Effect::Ask(ask)
                if matches!(ask.request, Request::Order { ticket, .. } if ticket == asked))
        });
        let reply = how(&mut self.pbx, &order);
        self.site.answer(1, asked, reply);
        order
    }

    /// The request that the open question is for.
    fn asked_for(&self) -> Option<Correlation> {
        self.site.effects.iter().find_map(|effect| match effect {
            Effect::Ask(ask) => match ask.request {
                Request::Order { correlation, .. } => Some(correlation),
                _ => None,
            },
            _ => None,
        })
    }

    /// Answers as the PBX does until nothing is asked any more. Returns the orders in words.
    fn answer_all(&mut self) -> Vec<String> {
        let mut orders = Vec::new();
        while self.question().is_some() {
            assert!(orders.len() < 100, "it never ends: {orders:?}");
            orders.push(words(&self.answer(Pbx::obey)));
        }
        orders
    }

    fn told(&mut self) -> Vec<String> {
        self.site.told(1)
    }

    fn shown(&self) -> Vec<(u32, String)> {
        let view = self.site.view(1);
        let entries = view.forwards.entries.iter();
        entries.map(|entry| (entry.mode, entry.destination.to_text())).collect()
    }
}

fn words(order: &Order) -> String {
    match order {
        Order::ShowUser { own: true, .. } => "show own".into(),
        Order::ShowUser { own: false, .. } => "show".into(),
        Order::AddDiversion { diversion, .. } => format!("add {:?}", diversion.kind),
        Order::RemoveDiversion { diversion, .. } => format!("remove {:?}", diversion.kind),
        Order::SetNoAnswerTime { seconds, .. } => format!("time {seconds:?}"),
        other => panic!("{other:?}"),
    }
}

fn trunk(active: bool) -> UserInfo {
    UserInfo {
        active,
        object: "trunk".into(),
        kind: "gw".into(),
        e164: "0".into(),
        ..user(9, "Trunk")
    }
}

fn shown(entries: &[(u32, &str)]) -> Vec<(u32, String)> {
    entries.iter().map(|(mode, to)| (*mode, (*to).to_owned())).collect()
}

fn failed(_: &mut Pbx, _: &Order) -> Reply {
    Reply::Failed(Failure::TimedOut)
}

#[test]
fn a_forward_is_done_when_it_was_read_back() {
    let mut office = Office::new(Pbx::default());
    office.site.app(1, 5, asking(&[(1, "30")], 0));
    for expected in ["show own", "add Always"] {
        assert_eq!(words(&office.answer(Pbx::obey)), expected);
        assert_eq!(office.told(), [""; 0], "that the PBX took it proves nothing");
    }
    assert_eq!(words(&office.answer(Pbx::obey)), "show own");
    assert_eq!(office.told(), ["5 done", "address 0x40"]);
    assert_eq!(office.shown(), shown(&[(1, "30")]));
    assert_eq!(office.question(), None);
}

#[test]
fn what_is_new_is_there_before_what_was_goes() {
    let mut pbx = Pbx::default();
    pbx.set(Kind::Always, "30");
    pbx.set(Kind::Busy, "31");
    let mut office = Office::new(pbx);
    office.site.app(1, 5, asking(&[(0x10, "31"), (0x100, "32")], 4));
    assert_eq!(
        office.answer_all(),
        ["show own", "time Some(20)", "add NoAnswer", "remove Always", "show own"]
    );
    assert_eq!(office.told(), ["5 done", "address 0x40"]);
    assert_eq!(office.shown(), shown(&[(0x10, "31"), (0x100, "32")]));
    assert_eq!(office.site.view(1).forwards.rings, 4);
}

#[test]
fn every_question_for_a_forward_has_its_id_also_when_it_is_undone() {
    let mut office = Office::new(Pbx::default());
    let id = Correlation { line: LineId(1), turn: Turn::Request(1) };
    office.site.app(1, 5, asking(&[(1, "30")], 0));
    for expected in ["show own", "add Always"] {
        assert_eq!(office.asked_for(), Some(id), "{expected}");
        assert_eq!(words(&office.answer(Pbx::obey)), expected);
    }
    office.site.deadline(1, 5);
    let ended = Report::RequestEnded(id, RequestId(5), Err(LineErr::OperationFailed));
    assert!(office.site.effects.contains(&Effect::Report(ended)));
    for expected in ["show own", "remove Always", "show own"] {
        assert_eq!(office.asked_for(), Some(id), "{expected}");
        assert_eq!(words(&office.answer(Pbx::obey)), expected);
    }
    assert_eq!(office.question(), None);
}

#[test]
fn the_same_again_and_nothing_at_all_are_done_at_once() {
    let mut office = Office::new(Pbx::default());
    office.site.app(1, 5, asking(&[], 0));
    assert_eq!(office.answer_all(), ["show own"]);
    assert_eq!(office.told(), ["5 done", "address 0x40"]);
    office.pbx.set(Kind::Always, "30");
    office.site.app(1, 6, asking(&[(1, "30")], 0));
    assert_eq!(office.answer_all(), ["show own"]);
    assert_eq!(office.told(), ["6 done", "address 0x40"]);
}

#[test]
fn what_comes_from_a_template_is_shown_left_alone_and_reported() {
    let mut inherited = diversion(Kind::Busy, "40", Sources::All);
    inherited.element = "<cd/>".into();
    let mut office = Office::new(Pbx { inherited: vec![inherited], ..Pbx::default() });
    assert_eq!(office.shown(), shown(&[(0x10, "40")]));
    office.site.app(1, 5, asking(&[(1, "30")], 0));
    assert_eq!(office.answer_all(), ["show own", "add Always", "show own"]);
    assert_eq!(office.shown(), shown(&[(1, "30"), (0x10, "40")]));
    let report = Effect::Report(Report::ForwardsOfTemplate(LineId(1), 1));
    assert!(office.site.effects.contains(&report));
}

#[test]
fn a_step_that_fails_is_undone_with_those_before() {
    let mut pbx = Pbx::default();
    pbx.set(Kind::Always, "30");
    let before = pbx.sense();
    for failing in 1..4 {
        let mut office = Office::new(pbx.clone());
        office.site.app(1, 5, asking(&[(0x100, "31"), (0x10, "32")], 4));
        for _ in 0..failing {
            office.answer(Pbx::obey);
        }
        office.answer(failed);
        office.answer_all();
        assert_eq!(office.told(), ["5 OPERATIONFAILED"], "at step {failing}");
        assert_eq!(office.pbx.sense(), before, "at step {failing}");
        assert_eq!(office.shown(), shown(&[(1, "30")]));
    }
}

#[test]
fn a_step_whose_answer_was_lost_is_undone_too() {
    let mut office = Office::new(Pbx::default());
    office.site.app(1, 5, asking(&[(1, "30")], 0));
    office.answer(Pbx::obey);
    office.answer(|pbx, order| {
        pbx.obey(order);
        Reply::Failed(Failure::Broken)
    });
    assert_eq!(office.answer_all(), ["show own", "remove Always", "show own"]);
    assert_eq!(office.told(), ["5 OPERATIONFAILED"]);
}

#[test]
fn a_record_that_cannot_be_read_is_not_changed() {
    let mut office = Office::new(Pbx::default());
    office.site.app(1, 5, asking(&[(1, "30")], 0));
    office.answer(failed);
    assert_eq!(office.told(), ["5 OPERATIONFAILED"]);
    assert_eq!((office.question(), office.pbx.changes), (None, 0));
}

#[test]
fn a_record_that_others_change_meanwhile_is_looked_at_again() {
    let mut office = Office::new(Pbx::default());
    office.site.app(1, 5, asking(&[(0x100, "31")], 4));
    office.answer(Pbx::obey);
    office.pbx.set(Kind::Busy, "77");
    let orders = office.answer_all();
    assert_eq!(
        orders,
        ["time Some(20)", "show own", "time Some(20)", "add NoAnswer", "remove Busy", "show own"]
    );
    assert_eq!(office.told(), ["5 done", "address 0x40"]);
    assert_eq!(office.shown(), shown(&[(0x100, "31")]));
}

#[test]
fn a_pbx_that_does_nothing_is_given_up_after_some_rounds() {
    let mut office = Office::new(Pbx::default());
    office.site.app(1, 5, asking(&[(1, "30")], 0));
    let mut asked = 0;
    while office.question().is_some() {
        office.answer(|pbx, order| match order {
            Order::ShowUser { .. } => pbx.obey(order),
            _ => Reply::Taken,
        });
        asked += 1;
    }
    assert_eq!(office.told(), ["5 OPERATIONFAILED"]);
    assert!(asked < 20, "{asked}");
}

#[test]
fn requests_take_turns() {
    let mut office = Office::new(Pbx::default());
    office.site.app(1, 5, asking(&[(1, "30")], 0));
    office.site.app(1, 6, asking(&[(0x10, "31")], 0));
    office.answer_all();
    assert_eq!(office.told(), ["5 done", "address 0x40", "6 done", "address 0x40"]);
    assert_eq!(office.shown(), shown(&[(0x10, "31")]));
}

#[test]
fn a_change_at_the_phone_is_read_told_and_shown() {
    let mut office = Office::new(Pbx::default());
    office.pbx.set(Kind::NoAnswer, "33");
    office.pbx.no_answer_s = Some(12);
    office.site.pbx(PbxFact::User(UserInfo { cfg: true, ..user(1, "Anna") }.into()));
    assert_eq!(office.answer_all(), ["show"]);
    assert_eq!(office.told(), ["address 0x40"]);
    assert_eq!(office.shown(), shown(&[(0x100, "33")]));
    assert_eq!(office.site.view(1).forwards.rings, 3, "begun rings count");
    // Another change, but not of forwards.
    office.site.pbx(PbxFact::User(UserInfo { cfg: true, ..user(1, "Anna") }.into()));
    assert_eq!((office.answer_all().len(), office.told().len()), (1, 0));
    office.site.pbx(PbxFact::User(user(1, "Anna").into()));
    assert_eq!(office.question(), None, "nothing was changed");
}

#[test]
fn who_waits_goes_before_what_is_only_read_to_be_shown() {
    let mut office = Office::new(Pbx::default());
    office.site.pbx(PbxFact::User(UserInfo { cfg: true, ..user(1, "Anna") }.into()));
    let (late, _) = office.question().unwrap();
    office.site.effects.clear();
    office.site.app(1, 5, asking(&[(1, "30")], 0));
    office.site.answer(1, late, Reply::Record(UserRecord::default()));
    assert_eq!(office.answer_all(), ["show own", "add Always", "show own", "show"]);
    assert_eq!(office.told(), ["5 done", "address 0x40"]);
    assert_eq!(office.shown(), shown(&[(1, "30")]));
}

#[test]
fn a_line_that_nobody_has_open_is_read_when_it_is_opened() {
    let mut office = Office::new(Pbx::default());
    office.site.host(HostFact::LineClosed { line: LineId(1), opening: Opening(1) });
    office.site.pbx(PbxFact::User(UserInfo { cfg: true, ..user(1, "Anna") }.into()));
    assert_eq!(office.question(), None);
    office.pbx.set(Kind::Always, "30");
    office.site.open(1);
    assert_eq!(office.answer_all(), ["show"]);
    assert_eq!(office.shown(), shown(&[(1, "30")]));
}

#[test]
fn a_host_that_closes_the_line_has_its_completion_and_the_record_makes_sense_in_the_end() {
    let mut office = Office::new(Pbx::default());
    office.site.app(1, 5, asking(&[(0x1000, "30")], 0));
    office.site.app(1, 6, asking(&[], 0));
    office.answer(Pbx::obey);
    office.answer(Pbx::obey);
    office.site.host(HostFact::LineClosed { line: LineId(1), opening: Opening(1) });
    assert_eq!(office.told(), ["5 OPERATIONFAILED", "6 OPERATIONFAILED"]);
    assert_eq!(office.answer_all(), ["add NoAnswer", "show own"]);
    assert_eq!(office.told(), [""; 0]);
    assert_eq!(office.pbx.own.len(), 2, "both halves, not one");
}

#[test]
fn a_lost_session_ends_what_is_under_way_and_the_next_one_reads() {
    let mut office = Office::new(Pbx::default());
    office.site.app(1, 5, asking(&[(1, "30")], 0));
    let (late, _) = office.question().unwrap();
    office.site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    assert!(office.told().contains(&"5 OPERATIONFAILED".to_owned()));
    office.site.effects.clear();
    let record = UserRecord { print: 7, ..UserRecord::default() };
    office.site.answer(1, late, Reply::Record(record));
    assert_eq!(office.question(), None, "an answer that comes too late");
    office.pbx.set(Kind::Always, "31");
    office.site.event(Event::Due(Timer::Reconnect(PBX, 1)));
    office.site.attempt = Attempt(2);
    office.site.session(20);
    assert_eq!(office.answer_all(), ["show"]);
    assert_eq!(office.shown(), shown(&[(1, "31")]));
}

#[test]
fn a_silent_pbx_fails_the_request_at_its_deadline_and_what_was_begun_is_undone() {
    let mut office = Office::new(Pbx::default());
    office.site.app(1, 5, asking(&[], 0));
    office.answer_all();
    let stale = Timer::Deadline(LineId(1), office.site.ticket(1, 5));
    office.site.app(1, 5, asking(&[(0x1000, "30")], 0));
    office.answer(Pbx::obey);
    office.answer(Pbx::obey);
    office.told();
    office.site.event(Event::Due(stale));
    assert_eq!(office.told(), [""; 0], "the deadline of the request before, of the same number");
    office.site.deadline(1, 5);
    assert_eq!(office.told(), ["5 OPERATIONFAILED"]);
    // The answer comes after all.
    assert_eq!(words(&office.answer(Pbx::obey)), "add NoAnswer");
    office.answer_all();
    assert_eq!(office.pbx.own, []);
    assert_eq!(office.told(), [""; 0]);
    // A request of the same number is another one.
    office.site.app(1, 5, asking(&[(1, "31")], 0));
    office.answer_all();
    assert_eq!(office.told(), ["5 done", "address 0x40"]);
}

#[test]
fn an_account_without_the_right_takes_the_offer_away_and_its_return_brings_it_back() {
    let mut office = Office::new(Pbx::default());
    let modes = |office: &Office| engine::capability::forward_modes(&office.site.view(1));
    assert_eq!(modes(&office), 0xFFF);
    let changed = || UserInfo { cfg: true, ..user(1, "Anna") };
    office.site.pbx(PbxFact::User(changed().into()));
    office.answer(|_, _| Reply::Failed(Failure::Fault("no right".into())));
    assert_eq!(office.told(), ["address 0x100", "line 0x100000 0 0"]);
    assert_eq!(modes(&office), 0);
    office.site.app(1, 5, asking(&[], 0));
    assert_eq!(office.told(), ["5 OPERATIONUNAVAIL"]);
    office.site.pbx(PbxFact::User(changed().into()));
    office.answer_all();
    assert_eq!(office.told(), ["address 0x100", "line 0x100000 0 0"]);
    assert_eq!(modes(&office), 0xFFF);
    // Anything else may be better the next time.
    office.site.pbx(PbxFact::User(changed().into()));
    office.answer(failed);
    assert_eq!((office.told().len(), modes(&office)), (0, 0xFFF));
}

#[test]
fn a_trunk_that_comes_and_goes_changes_what_is_offered_and_what_is_shown() {
    let mut pbx = Pbx::default();
    pbx.add(diversion(Kind::Always, "30", Sources::Only(vec!["0".into()])));
    let mut office = Office::new(pbx);
    assert_eq!(office.shown(), shown(&[(4, "30")]));
    office.site.pbx(PbxFact::User(trunk(false).into()));
    assert_eq!(office.told(), ["address 0x100", "address 0x40"]);
    assert_eq!(office.shown(), shown(&[(8, "30")]), "a caller whose number begins with 0");
    assert_eq!(engine::capability::forward_modes(&office.site.view(1)), 0x999);
    office.site.app(1, 5, asking(&[(4, "31")], 0));
    assert_eq!(office.told(), ["5 INVALPARAM"]);
    office.site.pbx(PbxFact::User(trunk(true).into()));
    assert_eq!(office.told(), ["address 0x100", "address 0x40"]);
    office.site.pbx(PbxFact::User(trunk(true).into()));
    assert_eq!(office.told(), [""; 0]);
}

#[test]
fn a_trunk_that_a_new_session_does_not_report_is_none_any_more() {
    let mut office = Office::new(Pbx::default());
    office.site.pbx(PbxFact::Failed(Question::Poll, Failure::Broken));
    office.site.event(Event::Due(Timer::Reconnect(PBX, 1)));
    office.site.attempt = Attempt(2);
    office.site.session(20);
    assert_eq!(engine::capability::forward_modes(&office.site.view(1)), 0x999);
}

/// What happens to one question.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Obeyed,
    /// Not obeyed, and the answer says so or is lost.
    Failed,
    /// Obeyed, and the answer is lost.
    Lost,
    /// `<ok/>`, but nothing was done.
    Ignored,
    /// Somebody else adds or removes a diversion first.
    Crossed(u8),
    /// The deadline passes first.
    Overdue,
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        12 => Just(Fate::Obeyed),
        1 => Just(Fate::Failed),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Ignored),
        1 => any::<u8>().prop_map(Fate::Crossed),
        1 => Just(Fate::Overdue),
    ]
}

proptest! {
    // Whatever goes wrong, the request completes once and the questions come to an end; success
    // means that the record says what was asked for; and if not too much goes wrong and nobody else
    // writes, a failure means that the record says what it said before.
    #[test]
    fn a_request_is_done_or_undone_whatever_happens(
        had in proptest::collection::vec((0..3usize, 40..44u32), 0..3),
        asked in proptest::collection::btree_map(0..12u32, 50..54u32, 0..4),
        rings in 0..9u32,
        fates in proptest::collection::vec(any_fate(), 0..14),
    ) {
        let kinds = [Kind::Always, Kind::Busy, Kind::NoAnswer];
        let mut pbx = Pbx::default();
        had.iter().for_each(|(kind, to)| pbx.set(kinds[*kind], &to.to_string()));
        let before = pbx.sense();
        let mut office = Office::new(pbx);
        let forwards: Vec<Forward> =
            asked.iter().map(|(bit, to)| forward(1 << bit, &to.to_string())).collect();
        office.site.app(1, 5, Command::Forward(Forwarding { forwards: forwards.clone(), rings }));
        let mut crossed = false;
        let mut troubles = 0;
        let mut fates = fates.into_iter();
        let mut told = Vec::new();
        let mut at_completion = None;
        for turn in 0.. {
            prop_assert!(turn < 100, "the questions never end");
            told.extend(office.told().into_iter().filter(|words| words.starts_with("5 ")));
            if told.len() == 1 && at_completion.is_none() {
                at_completion = Some(office.pbx.sense());
            }
            if office.question().is_none() {
                break;
            }
            let fate = fates.next().unwrap_or(Fate::Obeyed);
            if let Fate::Overdue = fate {
                office.site.now += 20_000;
                office.site.deadline(1, 5);
            }
            troubles += u32::from(!matches!(fate, Fate::Obeyed));
            office.answer(|pbx, order| match fate {
                Fate::Obeyed | Fate::Overdue => pbx.obey(order),
                Fate::Failed => Reply::Failed(Failure::TimedOut),
                Fate::Lost => {
                    pbx.obey(order);
                    Reply::Failed(Failure::Broken)
                }
                Fate::Ignored => match order {
                    Order::ShowUser { .. } => pbx.obey(order),
                    _ => Reply::Taken,
                },
                Fate::Crossed(what) => {
                    crossed = true;
                    if what % 2 == 0 {
                        pbx.set(kinds[usize::from(what) % 3], "99");
                    } else {
                        pbx.own.pop();
                        pbx.changes += 1;
                    }
                    pbx.obey(order)
                }
            });
        }
        prop_assert_eq!(told.len(), 1, "{:?}", &told);
        if told[0] == "5 done" {
            let trunks = [Personal::from("0")];
            let mut expected: Vec<_> = forwards
                .iter()
                .flat_map(|forward| Diversion::of(forward, &trunks).unwrap())
                .map(|d| (d.kind, d.to, d.sources))
                .collect();
            expected.sort();
            prop_assert_eq!(at_completion.unwrap().0, expected);
        } else if !crossed && troubles <= 3 {
            prop_assert_eq!(office.pbx.sense(), before);
        }
        // In any case the line shows what the PBX says as soon as that can be read.
        office.site.pbx(PbxFact::User(UserInfo { cfg: true, ..user(1, "Anna") }.into()));
        office.answer_all();
        prop_assert_eq!(office.shown().len(), office.pbx.own.len());
    }
}

#[test]
fn time_of_the_deadline_is_counted_from_the_request() {
    let mut office = Office::new(Pbx::default());
    office.site.app(1, 5, asking(&[], 0));
    let deadline = Timer::Deadline(LineId(1), office.site.ticket(1, 5));
    let due = Effect::Wake(Millis(office.site.now + 20_000), deadline);
    assert!(office.site.effects.contains(&due));
}
