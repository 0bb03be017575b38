//! The exchange against the simulator: a session, its snapshot, and calls, as the engine would ask
//! for them.

#![cfg(feature = "simulator")]
#![allow(clippy::unwrap_used)]

use adapters::exchange::{Exchange, Manner, Patience};
use adapters::http::{Place, Tls, Trust};
use adapters::secret::{Account, Secret};
use adapters::simulator::{self, Access, Estate, Options, Simulator};
use engine::diversion::{Diversion, Kind, Sources, Target};
use engine::effect::{Ask, Interface, Order, Request};
use engine::fact::{CallInfo, Event, Failure, PbxFact, Question, Reply, UserInfo};
use engine::id::{Attempt, CallHandle, Correlation, LineId, PbxId, RequestId, Ticket, UserHandle};
use engine::pii::Personal;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

const SOON: Duration = Duration::from_secs(20);
const LINE: LineId = LineId(1);
const TICKET: Ticket = Ticket { request: RequestId(1), turn: 1 };

/// An exchange with the simulator, in its first attempt.
struct Client {
    exchange: Exchange,
    events: mpsc::Receiver<Vec<Event>>,
    attempt: Attempt,
    place: Arc<Place>,
}

/// A session with its key.
#[derive(Clone, Copy)]
struct Session(u32);

impl Client {
    fn of(simulator: &Simulator, password: &str) -> Client {
        let certificate = simulator.certificate_pem();
        let tls = match certificate {
            Some(pem) => Tls::new(&Trust::pinned(pem.as_bytes()).unwrap()),
            None => Tls::unused(),
        };
        let place =
            Place { https: certificate.is_some(), ..Place::at(&simulator.address().to_string()) };
        let manner = Manner {
            metrics: Arc::default(),
            account: Arc::new(Account {
                name: "_TAPI_".into(),
                password: Secret::new(password.to_owned()),
            }),
            tls: tls.unwrap(),
            patience: Patience::default(),
            witness: None,
        };
        let (sender, events) = mpsc::channel(16);
        let exchange = Exchange::start(&Handle::current(), PbxId(0), manner, sender);
        Client { exchange, events, attempt: Attempt(1), place: Arc::new(place) }
    }

    fn ask(&self, request: Request) {
        let (attempt, place) = (self.attempt, Arc::clone(&self.place));
        self.exchange.ask(Ask { pbx: PbxId(0), attempt, place, request });
    }

    async fn batch(&mut self) -> Vec<Event> {
        tokio::time::timeout(SOON, self.events.recv()).await.unwrap().unwrap()
    }

    async fn fact(&mut self, request: Request) -> PbxFact {
        self.ask(request);
        match self.batch().await.remove(0) {
            Event::Pbx(_, attempt, fact) if attempt == self.attempt => fact,
            other => panic!("{other:?}"),
        }
    }

    async fn reply(&mut self, request: Request) -> Reply {
        self.ask(request);
        match self.batch().await.remove(0) {
            Event::Reply(LINE, TICKET, reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    async fn session(&mut self) -> Session {
        let (user, interface) = ("TAPI".into(), Interface::V10);
        match self.fact(Request::Initialize { user, interface }).await {
            PbxFact::Initialized { session, .. } if session != 0 => Session(session),
            other => panic!("{other:?}"),
        }
    }

    async fn poll(&mut self, session: Session) -> Vec<PbxFact> {
        self.ask(Request::Poll { session: session.0 });
        let facts = self.batch().await.into_iter().map(|event| match event {
            Event::Pbx(_, _, fact) => fact,
            other => panic!("{other:?}"),
        });
        facts.collect()
    }

    /// Polls to the end of the snapshot.
    async fn snapshot(&mut self, session: Session) -> Vec<UserInfo> {
        let mut users = Vec::new();
        loop {
            for fact in self.poll(session).await {
                match fact {
                    PbxFact::User(user) if user.cn.is_empty() => return users,
                    PbxFact::User(user) => users.push(*user),
                    PbxFact::Polled { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    async fn monitor(&mut self, session: Session, cn: &str) -> UserHandle {
        let (line, interface) = (LINE, Interface::V10);
        let request =
            Request::UserInitialize { session: session.0, line, cn: cn.into(), interface };
        match self.fact(request).await {
            PbxFact::UserInitialized(LINE, handle) if handle.0 != 0 => handle,
            other => panic!("{other:?}"),
        }
    }

    /// Polls until an event of a call is as wanted.
    async fn until(&mut self, session: Session, wanted: impl Fn(&CallInfo) -> bool) -> CallInfo {
        loop {
            for fact in self.poll(session).await {
                match fact {
                    PbxFact::Call(call) if wanted(&call) => return call,
                    PbxFact::Failed(..) => panic!("{fact:?}"),
                    _ => {}
                }
            }
        }
    }
}

/// Started beside the runtime of the test, because it blocks while it starts.
fn simulator(options: Options) -> Simulator {
    let start = move || Simulator::start(&Estate::built_in(), options).unwrap();
    std::thread::spawn(start).join().unwrap()
}

/// Every way in that a real PBX may offer.
fn ways_in() -> Vec<Options> {
    let by = |access| Options { access, ..Options::default() };
    let secure = Options { tls: Some(simulator::Tls::SelfSigned), ..Options::default() };
    vec![
        by(Access::Basic),
        by(Access::Digest),
        by(Access::BasicAndDigest),
        by(Access::Open),
        secure,
    ]
}

#[tokio::test]
async fn a_session_begins_shows_everybody_and_ends_by_every_way_in() {
    for options in ways_in() {
        let simulator = simulator(options);
        let mut client = Client::of(&simulator, "secret");
        let version = client.fact(Request::Version).await;
        assert!(matches!(version, PbxFact::Identified(_)), "{version:?}");
        let session = client.session().await;
        let users = client.snapshot(session).await;
        for extension in 20..=31 {
            let extension = extension.to_string();
            assert!(users.iter().any(|user| user.e164.text() == extension), "{extension}");
        }
        let Session(session) = session;
        let echo = client.fact(Request::Echo { session }).await;
        assert_eq!(echo, PbxFact::Echoed(true));
        let ended = client.fact(Request::End { session }).await;
        assert_eq!(ended, PbxFact::Ended);
        assert_eq!(simulator.control("sessions").unwrap(), "0");
    }
}

#[tokio::test]
async fn an_incoming_call_is_answered_and_cleared() {
    let simulator = simulator(Options::default());
    let mut client = Client::of(&simulator, "secret");
    let session = client.session().await;
    let users = client.snapshot(session).await;
    let called = users.iter().find(|user| user.e164.text() == "20").unwrap();
    let user = client.monitor(session, called.cn.text()).await;
    simulator.control("ring 20 0301234 Müller & Söhne").unwrap();
    let ringing = client.until(session, |call| call.state & 0x7F == 4).await;
    assert_eq!(ringing.user_handle(), user);
    let peer = ringing.parties.iter().find(|party| party.dn.text() == "Müller & Söhne");
    assert!(peer.is_some(), "{ringing:?}");

    let call = ringing.handle();
    let answer = ordered(Order::UserConnect { call });
    assert_eq!(client.reply(answer).await, Reply::Taken);
    client.until(session, |event| event.handle() == call && event.state & 0x7F == 5).await;
    let clear = ordered(Order::UserClear { call, cause: 16 });
    assert_eq!(client.reply(clear).await, Reply::Taken);
    client.until(session, |event| event.handle() == call && !event.active).await;
}

fn ordered(order: Order) -> Request {
    Request::Order {
        line: LINE,
        ticket: TICKET,
        correlation: Correlation::new(LINE, TICKET),
        order,
    }
}

#[tokio::test]
async fn the_record_of_a_user_is_read_and_changed() {
    let simulator = simulator(Options::default());
    let mut client = Client::of(&simulator, "secret");
    let cn = || Personal::from("Anna Berg");
    let show = || ordered(Order::ShowUser { cn: cn(), own: true });
    let Reply::Record(before) = client.reply(show()).await else { panic!("a record") };
    assert_eq!((before.diversions.len(), before.no_answer_s), (0, None));

    let seconds = Some(25);
    let time = |print| ordered(Order::SetNoAnswerTime { cn: cn(), seconds, print });
    let reply = client.reply(time(before.print ^ 1)).await;
    assert_eq!(reply, Reply::Refused, "somebody else wrote meanwhile");
    assert_eq!(client.reply(time(before.print)).await, Reply::Taken);
    let diversion = Diversion {
        kind: Kind::Busy,
        to: Target::Number("0301234567".into()),
        sources: Sources::OnlyNot(vec!["0".into()]),
        element: Personal::default(),
    };
    let add = ordered(Order::AddDiversion { cn: cn(), diversion: diversion.clone() });
    assert!(!format!("{add:?}").contains("0301234567"), "{add:?}");
    assert_eq!(client.reply(add).await, Reply::Taken);

    let Reply::Record(after) = client.reply(show()).await else { panic!("a record") };
    assert_eq!(after.no_answer_s, seconds);
    assert!(after.diversions[0].is_like(&diversion));
    assert!(!format!("{after:?}").contains("0301234567"), "{after:?}");
    let diversion = after.diversions[0].clone();
    let remove = ordered(Order::RemoveDiversion { cn: cn(), diversion });
    assert_eq!(client.reply(remove).await, Reply::Taken);
    let Reply::Record(last) = client.reply(show()).await else { panic!("a record") };
    assert_eq!(last.diversions, []);

    let nobody = ordered(Order::ShowUser { cn: "Nobody".into(), own: true });
    let reply = client.reply(nobody).await;
    assert!(matches!(reply, Reply::Failed(Failure::Fault(_))), "{reply:?}");
}

#[tokio::test]
async fn answers_about_records_that_make_no_sense_are_told_as_such() {
    let simulator = simulator(Options::default());
    let mut client = Client::of(&simulator, "secret");
    let cn = || Personal::from("Anna Berg");
    for (word, is_right) in [
        ("garbled", (|failure| matches!(failure, Failure::Garbled(_))) as fn(&Failure) -> bool),
        ("huge", |failure| matches!(failure, Failure::Garbled(_))),
        ("error", |failure| matches!(failure, Failure::Fault(_))),
    ] {
        simulator.control(&format!("set admin {word}")).unwrap();
        let reply = client.reply(ordered(Order::ShowUser { cn: cn(), own: false })).await;
        assert!(matches!(&reply, Reply::Failed(failure) if is_right(failure)), "{word}: {reply:?}");
        let (seconds, print) = (Some(5), 0);
        let reply =
            client.reply(ordered(Order::SetNoAnswerTime { cn: cn(), seconds, print })).await;
        assert!(matches!(&reply, Reply::Failed(failure) if is_right(failure)), "{word}: {reply:?}");
    }
}

#[tokio::test]
async fn a_call_is_made_once_while_nonces_go_stale_all_the_time() {
    let simulator = simulator(Options { access: Access::Digest, ..Options::default() });
    simulator.control("set digest_stale_every 2").unwrap();
    let mut client = Client::of(&simulator, "secret");
    let session = client.session().await;
    let users = client.snapshot(session).await;
    let caller = users.iter().find(|user| user.e164.text() == "21").unwrap();
    let user = client.monitor(session, caller.cn.text()).await;
    for made in 1..=5 {
        let e164 = "22".into();
        let make = ordered(Order::UserCall { user, e164, block_id: false });
        let reply = client.reply(make).await;
        let Reply::Calling(call @ CallHandle(1..)) = reply else { panic!("{reply:?}") };
        client.until(session, |event| event.handle() == call).await;
        let clear = ordered(Order::UserClear { call, cause: 16 });
        assert_eq!(client.reply(clear).await, Reply::Taken);
        client.until(session, |event| event.handle() == call && !event.active).await;
        assert_eq!(simulator.control("count UserCall").unwrap(), made.to_string());
    }
}

#[tokio::test]
async fn a_number_of_another_node_is_dialled_as_the_pbx_says() {
    let mut estate = Estate::built_in();
    for user in estate.users.iter_mut().filter(|user| matches!(&*user.e164, "21" | "22")) {
        user.node = "north".into();
        user.nodenum = "5".into();
    }
    let start = move || Simulator::start(&estate, Options::default()).unwrap();
    let simulator = std::thread::spawn(start).join().unwrap();
    let mut client = Client::of(&simulator, "secret");
    let session = client.session().await;
    let users = client.snapshot(session).await;
    let caller = users.iter().find(|user| user.e164.text() == "21").unwrap();
    let user = client.monitor(session, caller.cn.text()).await;
    let across = |e164: &str| {
        let call = Order::UserCall { user, e164: e164.into(), block_id: false };
        ordered(Order::Across { user, order: Box::new(call) })
    };
    let reply = client.reply(across("522")).await;
    assert!(matches!(reply, Reply::Calling(CallHandle(1..))), "{reply:?}");
    assert_eq!(simulator.control("last-dialled").unwrap(), "22");
    // One that does not say is asked by the number as it is.
    simulator.control("set fault_injection UserLocalNum=500*1").unwrap();
    let reply = client.reply(across("23")).await;
    assert!(matches!(reply, Reply::Calling(CallHandle(1..))), "{reply:?}");
    assert_eq!(simulator.control("last-dialled").unwrap(), "23");
    assert_eq!(simulator.control("count UserCall").unwrap(), "2");
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_reported_so_and_not_made_again() {
    let lost = |reply: &Reply| matches!(reply, Reply::Failed(Failure::Broken));
    let refused = |reply: &Reply| *reply == Reply::Failed(Failure::Status(500));
    type IsRight = fn(&Reply) -> bool;
    let table: [(&str, IsRight); 3] = [("reset", lost), ("truncate", lost), ("500", refused)];
    for (fault, is_right) in table {
        let simulator = simulator(Options::default());
        let mut client = Client::of(&simulator, "secret");
        let session = client.session().await;
        let users = client.snapshot(session).await;
        let caller = users.iter().find(|user| user.e164.text() == "21").unwrap();
        let user = client.monitor(session, caller.cn.text()).await;
        simulator.control(&format!("set fault_injection UserCall={fault}*1")).unwrap();
        let e164 = "22".into();
        let make = ordered(Order::UserCall { user, e164, block_id: false });
        let reply = client.reply(make).await;
        assert!(is_right(&reply), "{fault}: {reply:?}");
        // Whatever follows comes after any repetition there might have been.
        let Session(session) = session;
        let echo = client.fact(Request::Echo { session }).await;
        assert_eq!(echo, PbxFact::Echoed(true));
        let counted: u32 = simulator.control("count UserCall").unwrap().parse().unwrap();
        assert!(counted <= 1, "{fault}: {counted} calls were made");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_told_apart() {
    for options in
        [Access::Basic, Access::Digest].map(|access| Options { access, ..Options::default() })
    {
        let simulator = simulator(options);
        let denied = PbxFact::Failed(Question::Version, Failure::AccessDenied);
        assert_eq!(Client::of(&simulator, "wrong").fact(Request::Version).await, denied);
        let (user, interface) = ("nobody".into(), Interface::V10);
        let mut client = Client::of(&simulator, "secret");
        let place = Arc::clone(&client.place);
        let refused = PbxFact::Initialized { session: 0, place };
        assert_eq!(client.fact(Request::Initialize { user, interface }).await, refused);
    }
}

#[tokio::test]
async fn a_reboot_breaks_the_poll_and_the_next_attempt_finds_the_session_gone() {
    let simulator = simulator(Options::default());
    let mut client = Client::of(&simulator, "secret");
    let session = client.session().await;
    client.snapshot(session).await;
    client.ask(Request::Poll { session: session.0 });
    // The Poll is pending once it was counted a second time.
    let polls = simulator.control("count Poll").unwrap();
    let deadline = std::time::Instant::now() + SOON;
    while simulator.control("count Poll").unwrap() == polls && std::time::Instant::now() < deadline
    {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    simulator.control("reboot 0").unwrap();
    // A Poll on its way may still be answered, with nothing; but no session outlives the reboot.
    loop {
        match &client.batch().await[..] {
            [Event::Pbx(_, _, PbxFact::Failed(Question::Poll, _))] => break,
            [Event::Pbx(_, _, PbxFact::Polled { count: 0, .. })] => {}
            other => panic!("{other:?}"),
        }
        client.ask(Request::Poll { session: session.0 });
    }
    client.attempt = Attempt(2);
    let Session(session) = session;
    let fact = client.fact(Request::Echo { session }).await;
    assert!(
        matches!(fact, PbxFact::Echoed(false) | PbxFact::Failed(Question::Echo, _)),
        "{fact:?}"
    );
    client.session().await;
}
