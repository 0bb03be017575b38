//! The server over real sockets.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::simulator::model::Trait;
use crate::soap::types::AnyInfo;
use crate::soap::{Answer, Interface, Kind, Operation, SoapError, decode};
use engine::id::{CallHandle, UserHandle};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;

/// `_TAPI_:secret`
const TAPI: &str = "Basic X1RBUElfOnNlY3JldA==";

/// Nothing here takes longer unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

fn simulator() -> Simulator {
    simulator_with(Options::default())
}

fn simulator_with(options: Options) -> Simulator {
    Simulator::start(&Estate::built_in(), options).unwrap()
}

struct HttpAnswer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

/// One connection.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn new(simulator: &Simulator) -> Client {
        let stream = TcpStream::connect(simulator.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { stream: BufReader::new(stream) }
    }

    fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: pbx.example\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes()).unwrap();
        // The server may have refused a large body already.
        let _ = stream.write_all(body);
    }

    fn receive(&mut self) -> std::io::Result<HttpAnswer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
        });
        let mut body = vec![0; length.unwrap()];
        self.stream.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(HttpAnswer { status, head, body })
    }

    fn order(&mut self, operation: &Operation) {
        let envelope = operation.write(Interface::V1000);
        let headers = format!("SOAPAction: \"{}\"\r\nAuthorization: {TAPI}\r\n", envelope.action);
        self.send("POST", "/PBX0/user.soap", &headers, envelope.body.as_bytes());
    }

    fn ask(&mut self, operation: &Operation) -> Result<Answer, SoapError> {
        self.order(operation);
        decode(operation.kind(), &self.receive().unwrap().body)
    }

    /// Opens a session and fetches its snapshot.
    fn open(&mut self) -> u32 {
        let operation = Operation::Initialize { user: "TAPI".into(), appl: "test".into() };
        let Answer::Initialize { session, .. } = self.ask(&operation).unwrap() else { panic!() };
        assert_ne!(session, 0);
        assert_eq!(self.poll(session).user.len(), 15);
        session
    }

    fn poll(&mut self, session: u32) -> AnyInfo {
        let Answer::Poll(any) = self.ask(&Operation::Poll { session }).unwrap() else { panic!() };
        any
    }

    fn watch(&mut self, session: u32, cn: &str) -> UserHandle {
        let operation = Operation::UserInitialize {
            session,
            user: cn.into(),
            xfer: false,
            disc: false,
            hw: "".into(),
        };
        let Answer::UserInitialize(handle) = self.ask(&operation).unwrap() else { panic!() };
        handle
    }

    /// Whether nothing has come to be read.
    fn is_silent(&mut self) -> bool {
        let stream = self.stream.get_ref();
        stream.set_nonblocking(true).unwrap();
        let silent =
            matches!(stream.peek(&mut [0]), Err(why) if why.kind() == ErrorKind::WouldBlock);
        stream.set_nonblocking(false).unwrap();
        silent
    }
}

fn user_call(user: UserHandle, number: &str) -> Operation {
    Operation::UserCall {
        user,
        cn: "".into(),
        e164: number.into(),
        h323: "".into(),
        reg: 0,
        info: Vec::new(),
        rc: 0,
        srce164: "".into(),
    }
}

/// Waits for something that must become true.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} never happened");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_session_is_opened_its_snapshot_fetched_and_a_call_played() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    let session = client.open();
    let anna = client.watch(session, "Anna Berg");
    let Answer::UserCall(call) = client.ask(&user_call(anna, "21")).unwrap() else { panic!() };
    assert_eq!(simulator.control("last-dialled").unwrap(), "21");
    simulator.control("answer 21").unwrap();
    let any = client.poll(session);
    assert_eq!(any.call.iter().map(|info| info.state).collect::<Vec<_>>(), [1, 3, 4, 5]);
    assert!(any.call.iter().all(|info| info.call == call));
    client.ask(&Operation::UserClear { call, cause: 16, info: Vec::new() }).unwrap();
    assert_eq!(client.poll(session).call.len(), 2);
    assert_eq!(simulator.control("wait-idle 5000"), Ok(String::new()));
    assert_eq!(simulator.control("count UserCall").unwrap(), "1");
}

#[test]
fn a_poll_blocks_until_something_happens() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    let session = client.open();
    client.order(&Operation::Poll { session });
    eventually("the Poll", || simulator.with_model(|model| model.request_count(Kind::Poll)) == 2);
    assert!(client.is_silent());
    simulator.control("register 20 off").unwrap();
    let Ok(Answer::Poll(any)) = decode(Kind::Poll, &client.receive().unwrap().body) else {
        panic!()
    };
    assert_eq!((any.user.len(), any.user[0].state), (1, 0));
}

#[test]
fn a_poll_ends_empty_when_its_time_is_over() {
    let simulator = simulator_with(Options { poll_timeout_ms: 20, ..Options::default() });
    let mut client = Client::new(&simulator);
    let session = client.open();
    assert_eq!(client.poll(session), AnyInfo::default());
}

#[test]
fn a_request_without_credentials_is_challenged_both_ways() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    let body = Operation::Version {}.write(Interface::V1000).body;
    for headers in ["", "Authorization: Basic X1RBUElfOndyb25n\r\n"] {
        client.send("POST", "/PBX0/user.soap", headers, body.as_bytes());
        let answer = client.receive().unwrap();
        assert_eq!(answer.status, 401);
        let head = answer.head.to_ascii_lowercase();
        assert!(head.contains("www-authenticate: digest realm=\"pbx\""), "{head}");
        assert!(head.contains("www-authenticate: basic realm=\"pbx\""), "{head}");
    }
    assert!(client.ask(&Operation::Version {}).is_ok(), "the connection is still good");
}

#[test]
fn an_open_simulator_asks_nobody_who_he_is() {
    let simulator = simulator_with(Options { access: Access::Open, ..Options::default() });
    let mut client = Client::new(&simulator);
    let body = Operation::Version {}.write(Interface::V1000).body;
    client.send("POST", "/PBX0/user.soap", "", body.as_bytes());
    assert_eq!(client.receive().unwrap().status, 200);
}

#[test]
fn a_reboot_breaks_connections_refuses_new_ones_and_comes_back_without_sessions() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    let session = client.open();
    client.order(&Operation::Poll { session });
    eventually("the Poll", || simulator.with_model(|model| model.request_count(Kind::Poll)) == 2);
    simulator.control("reboot 3600").unwrap();
    assert!(client.receive().is_err(), "the pending Poll breaks");
    eventually("a refusal", || TcpStream::connect(simulator.address()).is_err());
    simulator.control("reboot 0").unwrap();
    eventually("the boot", || TcpStream::connect(simulator.address()).is_ok());
    assert_eq!(simulator.control("sessions").unwrap(), "0");
    let mut client = Client::new(&simulator);
    assert_eq!(client.ask(&Operation::Echo { session, key: 1 }), Ok(Answer::Echo { alive: false }));
    assert_eq!(client.open(), session);
}

#[test]
fn an_unknown_session_can_be_answered_in_seven_ways_on_the_wire() {
    let simulator = simulator();
    for (value, status, part) in [
        ("fault-500", 500, "<faultstring>invalid session</faultstring>"),
        ("fault-200", 200, "<faultstring>invalid session</faultstring>"),
        ("http-404", 404, ""),
        ("http-400", 400, ""),
        ("empty-poll", 200, "<return>"),
        ("empty-element", 200, "PollResponse"),
    ] {
        simulator.control(&format!("set unknown_session {value}")).unwrap();
        let mut client = Client::new(&simulator);
        client.order(&Operation::Poll { session: 99 });
        let answer = client.receive().unwrap();
        let body = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, status, "{value}");
        assert!(body.contains(part), "{value}: {body}");
        assert_eq!(body.is_empty(), part.is_empty(), "{value}: {body}");
        assert_eq!(body.contains("<return>"), value == "empty-poll");
    }
    simulator.control("set unknown_session close").unwrap();
    let mut client = Client::new(&simulator);
    client.order(&Operation::Poll { session: 99 });
    assert!(client.receive().is_err());
}

#[test]
fn a_session_dies_some_time_after_its_last_connection_closed() {
    let simulator = simulator();
    simulator.control("set session_linger 30ms").unwrap();
    let (mut first, mut second) = (Client::new(&simulator), Client::new(&simulator));
    let session = first.open();
    second.watch(session, "Anna Berg");
    drop(first);
    // Its end has been noticed when the model answers a connection that came after it.
    Client::new(&simulator).ask(&Operation::Version {}).unwrap();
    assert_eq!(simulator.control("sessions").unwrap(), "1");
    drop(second);
    eventually("the end of the session", || simulator.control("sessions").unwrap() == "0");
}

#[test]
fn ordered_faults_happen_on_the_wire() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    let fault = |what: &str| simulator.control(&format!("set fault_injection {what}")).unwrap();
    fault("Version=500*1");
    client.order(&Operation::Version {});
    assert_eq!(client.receive().unwrap().status, 500);
    assert!(client.ask(&Operation::Version {}).is_ok());
    fault("Version=truncate*1");
    client.order(&Operation::Version {});
    assert_eq!(client.receive().err().unwrap().kind(), ErrorKind::UnexpectedEof);
    let mut client = Client::new(&simulator);
    fault("Version=reset*1");
    client.order(&Operation::Version {});
    assert_eq!(client.receive().err().unwrap().kind(), ErrorKind::ConnectionReset);
    let mut client = Client::new(&simulator);
    fault("Version=delay:40ms*1");
    let asked = Instant::now();
    client.ask(&Operation::Version {}).unwrap();
    assert!(asked.elapsed() >= Duration::from_millis(40));
    let session = client.open();
    fault("Poll=duplicate*1");
    simulator.control("register 20 off").unwrap();
    assert_eq!(client.poll(session).user.len(), 2);
}

#[test]
fn the_answer_to_a_call_can_come_after_its_first_event() {
    let simulator = simulator();
    simulator.control("set ucall_event_before_response on").unwrap();
    let (mut control, mut poll) = (Client::new(&simulator), Client::new(&simulator));
    let session = poll.open();
    let anna = poll.watch(session, "Anna Berg");
    control.order(&user_call(anna, "21"));
    eventually("the call", || !simulator.with_model(|model| model.calls()).is_empty());
    assert!(control.is_silent());
    let event = poll.poll(session).call[0].clone();
    let Ok(Answer::UserCall(call)) = decode(Kind::UserCall, &control.receive().unwrap().body)
    else {
        panic!()
    };
    assert_eq!(call, event.call);
}

#[test]
fn a_silent_phone_leaves_a_call_without_an_answer() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    let session = client.open();
    let anna = client.watch(session, "Anna Berg");
    simulator.with_model(|model| model.set_trait("20", Trait::Silent, true)).unwrap();
    client.order(&user_call(anna, "21"));
    eventually("the request", || simulator.control("count UserCall").unwrap() == "1");
    assert!(client.is_silent());
    assert_eq!(simulator.control("calls").unwrap(), "[]");
}

#[test]
fn control_works_over_http_and_says_which_line_was_wrong() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    let commands =
        "call 20 21 # Anna calls Bob\n\nanswer 21\ncount UserCall\nwait-idle 0\nanswer 99\n";
    client.send("POST", "/control", "", commands.as_bytes());
    let answer = client.receive().unwrap();
    let said = String::from_utf8(answer.body).unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(said.lines().take(4).collect::<Vec<_>>(), ["ok", "ok", "ok", "ok 0"]);
    assert!(
        said.lines().nth(4).unwrap().starts_with("error: not idle after 0 ms: 1 calls"),
        "{said}"
    );
    assert!(said.lines().nth(5).unwrap().starts_with("error: there is no extension 99"), "{said}");
    client.send("POST", "/control", "", b"hangup 20\nwait-idle 1000\n");
    let answer = client.receive().unwrap();
    assert_eq!((answer.status, &*answer.body), (200, &b"ok\nok\n"[..]));
}

#[test]
fn what_is_not_for_this_server_is_told_so() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    let authorized = format!("Authorization: {TAPI}\r\n");
    for (method, path, body, status) in [
        ("GET", "/", "", 404),
        ("GET", "/PBX0/user.soap", "", 405),
        ("POST", "/pbx10_00.wsdl", "", 405),
        ("POST", "/PBX0/user.soap", "Good morning", 500),
        ("POST", "/PBX0/user.soap", "", 500),
        (
            "POST",
            "/PBX0/user.soap",
            "<a:Envelope xmlns:a=\"x\"><a:Body><Dance/></a:Body></a:Envelope>",
            500,
        ),
    ] {
        client.send(method, path, &authorized, body.as_bytes());
        assert_eq!(client.receive().unwrap().status, status, "{method} {path} {body}");
    }
}

#[test]
fn a_request_beyond_all_measure_is_refused() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    let headers = format!("Authorization: {TAPI}\r\n");
    let length = crate::soap::limit::BODY_BYTES + 1;
    let head = format!(
        "POST /PBX0/user.soap HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    client.stream.get_mut().write_all(head.as_bytes()).unwrap();
    // The length alone is enough for a refusal.
    assert_eq!(client.receive().unwrap().status, 413);
}

#[test]
fn strict_requests_must_follow_the_rules() {
    let simulator = simulator();
    simulator.control("set strict_requests on").unwrap();
    let mut client = Client::new(&simulator);
    assert!(client.ask(&Operation::Version {}).is_ok());
    let body = Operation::Version {}.write(Interface::V1000).body;
    let headers = format!("SOAPAction: Version\r\nAuthorization: {TAPI}\r\n");
    client.send("POST", "/PBX0/user.soap", &headers, body.as_bytes());
    let answer = client.receive().unwrap();
    assert_eq!(answer.status, 500);
    assert!(String::from_utf8(answer.body).unwrap().contains("SOAPAction"));
}

#[test]
fn every_spelling_of_an_answer_reads_the_same() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    let find = Operation::FindUser {
        cn: "".into(),
        h323: "".into(),
        e164: "".into(),
        count: 50,
        next: 0,
        nohide: true,
    };
    let plain = client.ask(&find).unwrap();
    for setting in [
        "item_names all-item",
        "info_item_name item",
        "typed_responses xsi:type",
        "typed_responses xsi:type+arrayType",
        "response_prefix default-namespace",
        "response_prefix unqualified",
        "bool_style 1-0",
        "empty_arrays absent",
        "empty_arrays nil",
        "charset latin-1",
    ] {
        simulator.control(&format!("set {setting}")).unwrap();
        assert_eq!(client.ask(&find).as_ref(), Ok(&plain), "{setting}");
    }
}

#[test]
fn the_wsdl_names_the_address_by_which_the_client_came() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    client.send("GET", "/pbx10_00.wsdl", "", b"");
    let answer = client.receive().unwrap();
    let wsdl = String::from_utf8(answer.body).unwrap();
    assert_eq!(answer.status, 200);
    assert!(wsdl.contains("location=\"http://pbx.example/PBX0/user.soap\""), "{wsdl}");
}

#[test]
fn a_simulator_that_is_dropped_is_gone_at_once_even_with_a_poll_pending() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    let session = client.open();
    client.order(&Operation::Poll { session });
    let address = simulator.address();
    simulator.stop();
    assert!(client.receive().is_err());
    assert!(TcpStream::connect(address).is_err());
    // The address is free for another one.
    drop(simulator_with(Options { listen: address, ..Options::default() }));
}

#[test]
fn an_address_in_use_is_said_to_be() {
    let simulator = simulator();
    let options = Options { listen: simulator.address(), ..Options::default() };
    let error = Simulator::start(&Estate::built_in(), options).err().unwrap().to_string();
    assert!(error.starts_with(&format!("cannot listen on {}", simulator.address())), "{error}");
}

#[test]
fn quit_stops_it() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    client.send("POST", "/control", "", b"quit");
    eventually("the end", || simulator.is_stopping());
}

#[test]
fn https_shows_the_certificate_that_a_client_can_pin() {
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
    use tokio_rustls::rustls::{
        ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto,
    };
    let simulator = simulator_with(Options { tls: Some(Tls::SelfSigned), ..Options::default() });
    assert!(simulator.url().starts_with("https://127.0.0.1:"));
    let pinned = simulator.certificate_pem().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pinned.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let tcp = TcpStream::connect(simulator.address()).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = BufReader::new(StreamOwned::new(connection, tcp));
    stream.get_mut().write_all(b"GET /pbx10_00.wsdl HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut status = String::new();
    stream.read_line(&mut status).unwrap();
    assert!(status.starts_with("HTTP/1.1 200"), "{status}");
}

#[test]
fn a_certificate_that_is_none_is_told_so() {
    let tls = Tls::Given { certificate_pem: "x".into(), key_pem: "y".into() };
    let options = Options { tls: Some(tls), ..Options::default() };
    let error = Simulator::start(&Estate::built_in(), options).err().unwrap();
    assert!(error.to_string().contains("give both as PEM"), "{error}");
}

#[test]
fn a_call_handle_of_nobody_is_answered_and_ignored() {
    let simulator = simulator();
    let mut client = Client::new(&simulator);
    let clear = Operation::UserClear { call: CallHandle(1), cause: 16, info: Vec::new() };
    assert_eq!(client.ask(&clear), Ok(Answer::UserClear));
}
