//! The exchange with a PBX against servers on the loopback that play its part word by word.

#![allow(clippy::unwrap_used)]

mod wire;

use adapters::exchange::{Exchange, Manner, Patience};
use adapters::http::{Place, Tls};
use adapters::secret::{Account, Secret};
use engine::effect::{Ask, Interface, Order, Request};
use engine::fact::{Event, Failure, PbxFact, Question, Reply};
use engine::id::{Attempt, CallHandle, Correlation, LineId, PbxId, RequestId, Ticket, UserHandle};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use wire::{Conversation, SOON, Server};

const PBX: PbxId = PbxId(3);
const LINE: LineId = LineId(7);
const TICKET: Ticket = Ticket { request: RequestId(11), turn: 1 };

// ---- asking -----------------------------------------------------------------------------------

/// An exchange with what comes out of it.
struct Asking {
    exchange: Exchange,
    events: mpsc::Receiver<Vec<Event>>,
    place: Arc<Place>,
}

fn manner() -> Manner {
    Manner {
        metrics: Arc::default(),
        account: Arc::new(Account { name: "_TAPI_".into(), password: Secret::default() }),
        tls: Tls::unused().unwrap(),
        patience: Patience { poll: SOON, control: SOON },
        witness: None,
    }
}

impl Asking {
    fn at(server: &Server) -> Asking {
        Asking::with(&server.authority(), manner())
    }

    fn with(authority: &str, manner: Manner) -> Asking {
        let (sender, events) = mpsc::channel(1);
        let exchange = Exchange::start(&Handle::current(), PBX, manner, sender);
        Asking { exchange, events, place: Arc::new(Place::at(authority)) }
    }

    fn ask_in(&self, attempt: u32, request: Request) {
        self.ask_at(&self.place, attempt, request);
    }

    fn ask_at(&self, place: &Arc<Place>, attempt: u32, request: Request) {
        let (attempt, place) = (Attempt(attempt), Arc::clone(place));
        self.exchange.ask(Ask { pbx: PBX, attempt, place, request });
    }

    fn ask(&self, request: Request) {
        self.ask_in(1, request);
    }

    async fn batch(&mut self) -> Vec<Event> {
        tokio::time::timeout(SOON, self.events.recv()).await.unwrap().unwrap()
    }

    /// Asks, and waits for the only event that comes of it.
    async fn one(&mut self, request: Request) -> Event {
        self.ask(request);
        let [event] = &self.batch().await[..] else { panic!("more than one event") };
        event.clone()
    }

    /// The same, where the event is a fact of the first attempt.
    async fn fact(&mut self, request: Request) -> PbxFact {
        match self.one(request).await {
            Event::Pbx(PBX, Attempt(1), fact) => fact,
            other => panic!("{other:?}"),
        }
    }
}

fn initialize(interface: Interface) -> Request {
    Request::Initialize { user: "TAPI".into(), interface }
}

fn locate() -> Request {
    Request::LocationUrl { name: "branch".into(), interface: Interface::V10 }
}

fn user_initialize() -> Request {
    let (cn, interface) = ("R&D <Zoë>".into(), Interface::V10);
    Request::UserInitialize { session: 41, line: LINE, cn, interface }
}

fn ordered(order: Order) -> Request {
    Request::Order {
        line: LINE,
        ticket: TICKET,
        correlation: Correlation::new(LINE, TICKET),
        order,
    }
}

fn user_call(block_id: bool) -> Request {
    ordered(Order::UserCall { user: UserHandle(5), e164: "0123".into(), block_id })
}

fn user_connect() -> Request {
    ordered(Order::UserConnect { call: CallHandle(9) })
}

fn user_clear() -> Request {
    ordered(Order::UserClear { call: CallHandle(9), cause: 16 })
}

fn poll() -> Request {
    Request::Poll { session: 41 }
}

fn echo() -> Request {
    Request::Echo { session: 41 }
}

// ---- answering --------------------------------------------------------------------------------

fn envelope(content: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{content}\
         </s:Body></s:Envelope>"
    )
}

fn response(operation: &str, parts: &str) -> String {
    envelope(&format!("<i:{operation}Response xmlns:i=\"x\">{parts}</i:{operation}Response>"))
}

fn fault() -> String {
    envelope(
        "<s:Fault><faultcode>s:Server</faultcode><faultstring>no such session</faultstring></s:Fault>",
    )
}

fn operation_of(request: &wire::Request) -> String {
    let action = request.field("soapaction").unwrap().trim_matches('"');
    action.rsplit_once('#').unwrap().1.to_owned()
}

/// Answers as a PBX without any calls does; a Poll is left pending.
async fn quiet_pbx(mut wire: Conversation) {
    while let Some(request) = wire.request().await {
        let operation = operation_of(&request);
        let parts = match operation.as_str() {
            "Version" => {
                "<WSDLVersion>501</WSDLVersion><GatekeeperID>system</GatekeeperID>\
                 <Location>hq</Location><FirmwareVersion> V10 </FirmwareVersion>\
                 <SerialNumber>00-90-33-01-02-03</SerialNumber>"
            }
            "Initialize" => "<return>41</return><key>99</key>",
            "Echo" => "<return>1</return>",
            "UserInitialize" => "<return>5</return>",
            "LocationUrl" => "<return>http://192.0.2.20/PBX0/user.soap</return>",
            "UserCall" => "<return>9</return>",
            "Poll" => return wire.until_closed().await,
            _ => "",
        };
        wire.ok(&response(&operation, parts)).await;
    }
}

fn always(status: &'static str, body: impl Into<String>) -> Server {
    let body = body.into();
    Server::start(move |mut wire| {
        let body = body.clone();
        async move {
            while wire.request().await.is_some() {
                wire.answer(status, "", &body).await;
            }
        }
    })
}

// ---- what is asked and answered -----------------------------------------------------------------

#[tokio::test]
async fn each_question_of_the_engine_gets_its_fact() {
    let server = Server::start(quiet_pbx);
    let mut asking = Asking::at(&server);
    let PbxFact::Identified(identification) = asking.fact(Request::Version).await else { panic!() };
    assert_eq!((&*identification.system, &*identification.location), ("system", "hq"));
    assert_eq!((&*identification.firmware, identification.wsdl_version), ("V10", 501));
    let initialized = asking.fact(initialize(Interface::V10)).await;
    let place = Arc::clone(&asking.place);
    assert_eq!(initialized, PbxFact::Initialized { session: 41, place });
    assert_eq!(asking.fact(Request::Probe).await, PbxFact::Probed);
    let url = "http://192.0.2.20/PBX0/user.soap".into();
    assert_eq!(asking.fact(locate()).await, PbxFact::Located(url));
    assert_eq!(asking.fact(echo()).await, PbxFact::Echoed(true));
    let monitored = asking.fact(user_initialize()).await;
    assert_eq!(monitored, PbxFact::UserInitialized(LINE, UserHandle(5)));
    assert_eq!(asking.fact(Request::End { session: 41 }).await, PbxFact::Ended);
}

/// Neither the asks nor the facts of the engine have it.
#[tokio::test]
async fn the_key_of_a_session_is_shown_by_the_attempt_that_opened_it_and_by_no_other() {
    let server = Server::start(quiet_pbx);
    let mut asking = Asking::at(&server);
    asking.fact(initialize(Interface::V10)).await;
    asking.fact(echo()).await;
    asking.fact(Request::Echo { session: 40 }).await;
    asking.ask_in(2, echo());
    asking.batch().await;
    let seen = server.seen();
    let echoes = seen.requests.iter().filter(|request| operation_of(request) == "Echo");
    let shown = echoes.map(|request| {
        ["99", "0"].into_iter().find(|key| request.body.contains(&format!(">{key}</key>")))
    });
    assert_eq!(shown.collect::<Vec<_>>(), [Some("99"), Some("0"), Some("0")]);
}

#[tokio::test]
async fn each_request_of_an_application_gets_its_reply() {
    let server = Server::start(quiet_pbx);
    let mut asking = Asking::at(&server);
    let reply = |reply| Event::Reply(LINE, TICKET, reply);
    let calling = Reply::Calling(CallHandle(9));
    assert_eq!(asking.one(user_call(false)).await, reply(calling));
    assert_eq!(asking.one(user_connect()).await, reply(Reply::Taken));
    assert_eq!(asking.one(user_clear()).await, reply(Reply::Taken));
}

#[tokio::test]
async fn a_request_says_what_the_interface_of_the_session_has() {
    for (interface, newest, hides_device) in [
        (Interface::V7, "<v700", true),
        (Interface::V8, "<v800", false),
        (Interface::V10, "<vx1000", false),
    ] {
        let server = Server::start(quiet_pbx);
        let mut asking = Asking::at(&server);
        asking.one(initialize(interface)).await;
        let cn = "R&D <Zoë>".into();
        asking.one(Request::UserInitialize { session: 41, line: LINE, cn, interface }).await;
        let requests = server.seen().requests;
        let [first, second] = &requests[..] else { panic!("{requests:?}") };
        assert!(first.body.contains(newest) && first.body.contains(">Tapline</appl>"));
        let set = ["<vx1000", "<v800", "<v700"].into_iter().find(|flag| first.body.contains(flag));
        assert_eq!(set, Some(newest));
        assert!(second.body.contains("R&amp;D &lt;Zoë&gt;"), "{}", second.body);
        assert_eq!(!second.body.contains("<hw"), hides_device, "{}", second.body);
    }
}

#[tokio::test]
async fn a_call_with_the_number_withheld_says_so_and_others_do_not() {
    let server = Server::start(quiet_pbx);
    let mut asking = Asking::at(&server);
    asking.one(user_call(true)).await;
    asking.one(user_call(false)).await;
    let requests = server.seen().requests;
    assert!(requests[0].body.contains(">R</srce164>"), "{}", requests[0].body);
    assert!(!requests[1].body.contains(">R</srce164>"), "{}", requests[1].body);
}

const EVENTS: &str = "<return><user><user><active>true</active><cn>Anna</cn><guid>1</guid></user>\
    <user><active>true</active><cn/></user></user>\
    <call><call><user>5</user><call>9</call><active>true</active><state>1</state>\
    <msg>x-setup</msg></call></call></return>";

#[tokio::test]
async fn a_poll_gives_users_then_calls_then_their_count_in_one_batch() {
    let server = always("200 OK", response("Poll", EVENTS));
    let mut asking = Asking::at(&server);
    asking.ask(poll());
    let batch = asking.batch().await;
    let [Event::Pbx(PBX, Attempt(1), anna), Event::Pbx(_, _, end), Event::Pbx(_, _, call), last] =
        &batch[..]
    else {
        panic!("{batch:?}");
    };
    assert!(matches!(anna, PbxFact::User(user) if user.cn.text() == "Anna"), "{anna:?}");
    assert!(matches!(end, PbxFact::User(user) if user.cn.is_empty()), "{end:?}");
    assert!(matches!(call, PbxFact::Call(call) if call.call == 9), "{call:?}");
    assert!(
        matches!(last, Event::Pbx(_, _, PbxFact::Polled { count: 3, elapsed_ms }) if *elapsed_ms < 20_000),
        "{last:?}"
    );
}

#[tokio::test]
async fn a_poll_tells_how_long_it_took() {
    let server = Server::start(|mut wire| async move {
        while wire.request().await.is_some() {
            tokio::time::sleep(Duration::from_millis(120)).await;
            wire.ok(&response("Poll", "<return><user/><call/></return>")).await;
        }
    });
    let fact = Asking::at(&server).fact(poll()).await;
    let PbxFact::Polled { count: 0, elapsed_ms } = fact else { panic!("{fact:?}") };
    assert!((119..20_000).contains(&elapsed_ms), "{elapsed_ms}");
}

// ---- two connections ----------------------------------------------------------------------------

#[tokio::test]
async fn a_pending_poll_holds_up_nothing_else() {
    let server = Server::start(quiet_pbx);
    let mut asking = Asking::at(&server);
    asking.ask(poll());
    server.wait(|seen| seen.requests.len() == 1).await;
    for _ in 0..20 {
        assert_eq!(asking.fact(echo()).await, PbxFact::Echoed(true));
    }
    assert_eq!(server.seen().connections, 2, "one for Poll and one for all the rest");
}

#[tokio::test]
async fn control_requests_go_one_after_the_other_in_the_order_asked() {
    let server = Server::start(quiet_pbx);
    let mut asking = Asking::at(&server);
    for session in 0..50 {
        asking.ask(Request::Echo { session });
    }
    for _ in 0..50 {
        asking.batch().await;
    }
    let seen = server.seen();
    assert_eq!(seen.connections, 1);
    for (number, request) in seen.requests.iter().enumerate() {
        assert!(request.body.contains(&format!(">{number}</session>")), "{}", request.body);
    }
}

#[tokio::test]
async fn an_attempt_that_is_left_is_hung_up_on_and_the_next_speaks_on_new_connections() {
    let server = Server::start(quiet_pbx);
    let mut asking = Asking::at(&server);
    asking.ask(poll());
    asking.one(echo()).await;
    server.wait(|seen| seen.requests.len() == 2).await;
    asking.ask(Request::Leave);
    asking.ask_in(2, echo());
    assert_eq!(asking.batch().await, [Event::Pbx(PBX, Attempt(2), PbxFact::Echoed(true))]);
    let seen = server.wait(|seen| seen.closed == 2).await;
    assert_eq!(seen.connections, 3);
    // What is asked for the old attempt after that is not sent.
    asking.ask_in(1, Request::Version);
    asking.ask_in(2, echo());
    asking.batch().await;
    assert!(server.seen().requests.iter().all(|request| operation_of(request) != "Version"));
}

#[tokio::test]
async fn two_attempts_go_on_side_by_side_until_one_session_is_ended() {
    let (master, standby) = (Server::start(quiet_pbx), Server::start(quiet_pbx));
    let mut asking = Asking::at(&standby);
    let at_master = Arc::new(Place::at(&master.authority()));
    asking.ask(poll());
    asking.one(echo()).await;
    asking.ask_at(&at_master, 2, echo());
    assert_eq!(asking.batch().await, [Event::Pbx(PBX, Attempt(2), PbxFact::Echoed(true))]);
    assert_eq!(asking.fact(echo()).await, PbxFact::Echoed(true), "the first one goes on");
    assert_eq!(asking.fact(Request::End { session: 41 }).await, PbxFact::Ended);
    standby.wait(|seen| seen.closed == 2).await;
    asking.ask_at(&at_master, 2, echo());
    assert_eq!(asking.batch().await, [Event::Pbx(PBX, Attempt(2), PbxFact::Echoed(true))]);
    assert_eq!((master.seen().connections, master.seen().closed), (1, 0));
}

#[tokio::test]
async fn a_parent_that_was_asked_where_its_slave_is_is_hung_up_on() {
    let (parent, slave) = (Server::start(quiet_pbx), Server::start(quiet_pbx));
    let mut asking = Asking::at(&parent);
    asking.one(locate()).await;
    parent.wait(|seen| seen.closed == 1).await;
    let at_slave = Arc::new(Place::at(&slave.authority()));
    asking.ask_at(&at_slave, 1, echo());
    assert_eq!(asking.batch().await, [Event::Pbx(PBX, Attempt(1), PbxFact::Echoed(true))]);
}

#[tokio::test]
async fn dropping_the_exchange_hangs_up() {
    let server = Server::start(quiet_pbx);
    let mut asking = Asking::at(&server);
    asking.ask(poll());
    asking.one(echo()).await;
    server.wait(|seen| seen.requests.len() == 2).await;
    drop(asking);
    server.wait(|seen| seen.closed == 2).await;
}

#[tokio::test]
async fn while_nobody_takes_events_no_further_poll_is_sent() {
    let server = always("200 OK", response("Poll", EVENTS));
    let mut asking = Asking::at(&server);
    for _ in 0..5 {
        asking.ask(poll());
    }
    // One batch fits into the queue of this test, a second waits before it; the third is not
    // fetched. Control requests show that time has passed for it to happen.
    server.wait(|seen| seen.requests.len() == 2).await;
    let other = Server::start(quiet_pbx);
    let mut elsewhere = Asking::at(&other);
    for _ in 0..20 {
        elsewhere.one(echo()).await;
    }
    assert_eq!(server.seen().requests.len(), 2);
    for _ in 0..5 {
        assert_eq!(asking.batch().await.len(), 4);
    }
    assert_eq!(server.seen().requests.len(), 5);
}

// ---- failures -----------------------------------------------------------------------------------

/// Every request there is, with the question or request that a failure must name.
fn everything() -> Vec<(Request, Option<Question>)> {
    vec![
        (Request::Version, Some(Question::Version)),
        (initialize(Interface::V10), Some(Question::Initialize)),
        (echo(), Some(Question::Echo)),
        (poll(), Some(Question::Poll)),
        (user_initialize(), Some(Question::UserInitialize(LINE))),
        (locate(), Some(Question::Locate)),
        (Request::Probe, Some(Question::Probe)),
        (user_call(false), None),
        (user_connect(), None),
        (user_clear(), None),
        // The last one in any case: after it nothing is asked.
        (Request::End { session: 41 }, Some(Question::End)),
    ]
}

fn failed(question: Option<Question>, failure: Failure) -> Event {
    match question {
        Some(question) => Event::Pbx(PBX, Attempt(1), PbxFact::Failed(question, failure)),
        None => Event::Reply(LINE, TICKET, Reply::Failed(failure)),
    }
}

#[tokio::test]
async fn whatever_was_asked_a_failure_names_it_and_says_why() {
    let no_page = "<html><body>not found</body></html>";
    type IsRight = fn(&Failure) -> bool;
    let table: [(&str, String, IsRight); 8] = [
        ("200 OK", fault(), |why| *why == Failure::Fault("no such session".into())),
        ("500 Oops", fault(), |why| *why == Failure::Fault("no such session".into())),
        ("404 Not Found", no_page.into(), |why| *why == Failure::Status(404)),
        ("503 Busy", String::new(), |why| *why == Failure::Status(503)),
        ("500 Oops", response("Poll", "<return/>"), |why| *why == Failure::Status(500)),
        ("401 Unauthorized", String::new(), |why| *why == Failure::AccessDenied),
        ("200 OK", "hello".into(), |why| matches!(why, Failure::Garbled(_))),
        ("200 OK", response("Poll", EVENTS)[..150].into(), |why| {
            matches!(why, Failure::Garbled(_))
        }),
    ];
    for (status, body, is_right) in table {
        let server = always(status, body.clone());
        let mut asking = Asking::at(&server);
        for (request, question) in everything() {
            let event = asking.one(request.clone()).await;
            let why = match &event {
                Event::Pbx(_, _, PbxFact::Failed(_, why)) => why.clone(),
                Event::Reply(_, _, Reply::Failed(why)) => why.clone(),
                other => panic!("{status} {body}: {other:?}"),
            };
            assert!(is_right(&why), "{status} {body}: {why:?}");
            assert_eq!(event, failed(question, why), "{request:?}");
        }
    }
}

#[tokio::test]
async fn an_empty_body_is_garbled() {
    let server = always("200 OK", "");
    let fact = Asking::at(&server).fact(poll()).await;
    assert!(matches!(fact, PbxFact::Failed(Question::Poll, Failure::Garbled(_))), "{fact:?}");
}

#[tokio::test]
async fn five_megabytes_are_not_taken_for_an_answer() {
    let server = always("200 OK", response("Poll", &" ".repeat(5_000_000)));
    let fact = Asking::at(&server).fact(poll()).await;
    let PbxFact::Failed(Question::Poll, Failure::Garbled(why)) = fact else { panic!("{fact:?}") };
    assert!(why.contains("longer than 4194304 bytes"), "{why}");
}

#[tokio::test]
async fn a_poll_that_never_returns_times_out_and_the_next_is_asked_anew() {
    let server = Server::start(quiet_pbx);
    let patience = Patience { poll: Duration::from_millis(100), control: SOON };
    let mut asking = Asking::with(&server.authority(), Manner { patience, ..manner() });
    let timed_out = PbxFact::Failed(Question::Poll, Failure::TimedOut);
    assert_eq!(asking.fact(poll()).await, timed_out);
    assert_eq!(asking.fact(poll()).await, timed_out);
    let seen = server.wait(|seen| seen.closed == 2).await;
    assert_eq!((seen.connections, seen.requests.len()), (2, 2));
}

#[tokio::test]
async fn nobody_at_the_address_is_a_failure_of_each_question() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut asking = Asking::with(&nobody.to_string(), manner());
    for (request, question) in everything() {
        assert_eq!(asking.one(request).await, failed(question, Failure::Unreachable));
    }
}

/// A PBX that answers the first request of each connection, reads the second, and hangs up.
#[tokio::test]
async fn only_what_changes_nothing_at_the_pbx_is_ever_sent_twice() {
    // Where a slave is, is asked over a connection that nobody has used.
    let is_asked_anew = |request: &Request| matches!(request, Request::LocationUrl { .. });
    for (request, question) in everything().into_iter().filter(|(r, _)| !is_asked_anew(r)) {
        let server = Server::start(|mut wire| async move {
            if let Some(request) = wire.request().await {
                wire.ok(&response(&operation_of(&request), "<return>1</return>")).await;
                wire.request().await;
            }
        });
        let mut asking = Asking::at(&server);
        // Makes the connection of its lane a used one.
        let is_end = matches!(request, Request::End { .. });
        asking.one(if is_end { echo() } else { request.clone() }).await;
        let event = asking.one(request.clone()).await;
        let harmless = matches!(
            request,
            Request::Version | Request::Probe | Request::Echo { .. } | Request::End { .. }
        );
        assert_eq!(event == failed(question, Failure::Broken), !harmless, "{event:?}");
        let expected = if harmless { 3 } else { 2 };
        assert_eq!(server.seen().requests.len(), expected, "{request:?}");
    }
}
