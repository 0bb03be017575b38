//! The connection to a PBX against real servers on the loopback, most of which misbehave.

#![allow(clippy::unwrap_used)]

mod wire;

use adapters::http::{ANSWER_BYTES_MAX, Answer, Connection, Place, Post, Repeat, Tls, Trust};
use adapters::secret::{Account, Secret};
use digest_auth::{AuthContext, AuthorizationHeader};
use engine::fact::Failure;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::{Certificates, Request, SOON, Server};

fn account() -> Arc<Account> {
    Arc::new(Account { name: "_TAPI_".into(), password: Secret::new("s3cret".to_owned()) })
}

fn connection(server: &Server) -> Connection {
    plain(&server.authority())
}

fn plain(authority: &str) -> Connection {
    let place = Place { authority: authority.into(), path: Place::PATH.into(), https: false };
    Connection::new(&place, account(), &Tls::unused().unwrap()).unwrap()
}

fn secured(authority: &str, trust: &Trust) -> Connection {
    let place = Place { authority: authority.into(), path: Place::PATH.into(), https: true };
    Connection::new(&place, account(), &Tls::new(trust).unwrap()).unwrap()
}

fn post(body: &str, repeat: Repeat) -> Post {
    Post {
        action: "http://innovaphone.com/pbx#Test".into(),
        body: body.as_bytes().to_vec(),
        within: SOON,
        repeat,
    }
}

fn once(body: &str) -> Post {
    post(body, Repeat::Never)
}

fn ok(body: &str) -> Result<Answer, Failure> {
    Ok(Answer { status: 200, body: body.as_bytes().to_vec() })
}

// ---- ordinary traffic -----------------------------------------------------------------------

#[tokio::test]
async fn requests_in_a_row_share_one_connection() {
    let server = Server::start(|mut wire| async move {
        while let Some(request) = wire.request().await {
            wire.ok(&request.body).await;
        }
    });
    let mut connection = connection(&server);
    // In a task, as in the program: what follows at once then comes before the package's own
    // tasks have had their turn.
    let asking = tokio::spawn(async move {
        for number in 0..200 {
            let body = format!("<n>{number}</n>");
            assert_eq!(connection.post(&once(&body)).await, ok(&body));
        }
    });
    asking.await.unwrap();
    let seen = server.seen();
    assert_eq!((seen.connections, seen.requests.len()), (1, 200));
}

#[tokio::test]
async fn chunked_answers_share_one_connection_too() {
    let server = Server::start(|mut wire| async move {
        while wire.request().await.is_some() {
            wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n<a\r\n").await;
            wire.send("2\r\n/>\r\n0\r\n\r\n").await;
        }
    });
    let mut connection = connection(&server);
    let asking = tokio::spawn(async move {
        for _ in 0..100 {
            assert_eq!(connection.post(&once("")).await, ok("<a/>"));
        }
    });
    asking.await.unwrap();
    assert_eq!(server.seen().connections, 1);
}

#[tokio::test]
async fn a_request_carries_what_a_box_needs_and_nothing_it_may_stumble_over() {
    let server = Server::start(|mut wire| async move {
        while wire.request().await.is_some() {
            wire.ok("").await;
        }
    });
    connection(&server).post(&once("<ü/>")).await.unwrap();
    let seen = server.seen();
    let request = &seen.requests[0];
    assert_eq!(request.line, "POST /PBX0/user.soap HTTP/1.1");
    assert_eq!(request.field("soapaction"), Some("\"http://innovaphone.com/pbx#Test\""));
    assert_eq!(request.field("content-type"), Some("text/xml; charset=utf-8"));
    assert_eq!(request.field("host"), Some(&*server.authority()));
    assert_eq!(request.field("expect"), None);
    assert_eq!(request.field("authorization"), None, "nothing is told before it is asked for");
    assert!(request.names.iter().any(|name| name == "Content-Length"), "{:?}", request.names);
    assert_eq!(request.body, "<ü/>");
}

#[tokio::test]
async fn answers_of_http_1_0_and_of_closing_servers_are_read_to_their_end() {
    for head in ["HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"] {
        let server = Server::start(move |mut wire| async move {
            wire.request().await;
            wire.send(format!("{head}<a>")).await;
            wire.send("</a>").await;
        });
        let mut connection = connection(&server);
        for _ in 0..3 {
            assert_eq!(connection.post(&once("")).await, ok("<a></a>"), "{head}");
        }
        assert_eq!(server.seen().connections, 3, "{head}");
    }
}

#[tokio::test]
async fn other_statuses_are_answers_and_redirects_are_not_followed() {
    let server = Server::start(|mut wire| async move {
        while let Some(request) = wire.request().await {
            wire.answer(&request.body, "Location: http://127.0.0.1:1/\r\n", "<fault/>").await;
        }
    });
    let mut connection = connection(&server);
    for status in ["500 Internal Server Error", "302 Found", "404 Not Found", "503 Busy"] {
        let number = status[..3].parse().unwrap();
        let expected = Ok(Answer { status: number, body: b"<fault/>".to_vec() });
        assert_eq!(connection.post(&once(status)).await, expected);
    }
    assert_eq!(server.seen().requests.len(), 4);
}

// ---- authentication -------------------------------------------------------------------------

#[tokio::test]
async fn basic_is_sent_unasked_once_the_box_has_asked_for_it() {
    let server = Server::start(|mut wire| async move {
        while let Some(request) = wire.request().await {
            match request.field("authorization") {
                Some("Basic X1RBUElfOnMzY3JldA==") => wire.ok("in").await,
                _ => {
                    let field = "WWW-Authenticate: Basic realm=\"pbx\"\r\n";
                    wire.answer("401 Unauthorized", field, "who?").await
                }
            };
        }
    });
    let mut connection = connection(&server);
    for _ in 0..3 {
        assert_eq!(connection.post(&once("")).await, ok("in"));
    }
    assert_eq!((server.seen().requests.len(), server.seen().connections), (4, 1));
}

/// Whether a request answers a Digest challenge rightly; gives its nonce and count.
fn digest_of(request: &Request) -> Option<(String, u32)> {
    let header = request.field("authorization")?.strip_prefix("Digest ")?;
    let mut answer = AuthorizationHeader::parse(header).unwrap();
    let given = answer.response.clone();
    let context = AuthContext::new_post("_TAPI_", "s3cret", "/PBX0/user.soap", None::<&[u8]>);
    answer.digest(&context);
    assert_eq!(answer.response, given);
    Some((answer.nonce, answer.nc))
}

#[tokio::test]
async fn digest_is_chosen_over_basic_and_counts_the_uses_of_its_nonce() {
    let server = Server::start(|mut wire| async move {
        while let Some(request) = wire.request().await {
            match digest_of(&request) {
                Some(_) => wire.ok("in").await,
                None => {
                    let fields = "WWW-Authenticate: Basic realm=\"pbx\"\r\n\
                        WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\"\r\n";
                    wire.answer("401 Unauthorized", fields, "").await
                }
            };
        }
    });
    let mut connection = connection(&server);
    for _ in 0..3 {
        assert_eq!(connection.post(&once("")).await, ok("in"));
    }
    let uses: Vec<_> = server.seen().requests.iter().map(digest_of).collect();
    let used = |count| Some(("n1".to_owned(), count));
    assert_eq!(uses, [None, used(1), used(2), used(3)]);
}

#[tokio::test]
async fn digest_without_qop_and_with_sha_256_are_answered() {
    for dialect in ["", ", algorithm=SHA-256, qop=\"auth\"", ", algorithm=MD5, opaque=\"o\""] {
        let server = Server::start(move |mut wire| async move {
            while let Some(request) = wire.request().await {
                match digest_of(&request) {
                    Some(_) => wire.ok("in").await,
                    None => {
                        let field = format!(
                            "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\"{dialect}\r\n"
                        );
                        wire.answer("401 Unauthorized", &field, "").await
                    }
                };
            }
        });
        assert_eq!(connection(&server).post(&once("")).await, ok("in"), "{dialect}");
    }
}

#[tokio::test]
async fn a_stale_nonce_costs_one_more_request_and_no_failure() {
    // Each nonce is good for two requests.
    let server = Server::start(|mut wire| async move {
        let (mut nonce, mut left) = (0, 0);
        while let Some(request) = wire.request().await {
            let current = digest_of(&request).is_some_and(|(used, _)| used == format!("n{nonce}"));
            if current && left > 0 {
                left -= 1;
                wire.ok("in").await;
            } else {
                (nonce, left) = (nonce + 1, 2);
                let field = format!(
                    "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n{nonce}\", qop=\"auth\", \
                     stale=true\r\n"
                );
                wire.answer("401 Unauthorized", &field, "").await;
            }
        }
    });
    let mut connection = connection(&server);
    for number in 0..6 {
        assert_eq!(connection.post(&once(&number.to_string())).await, ok("in"));
    }
    assert_eq!(server.seen().requests.len(), 9, "six requests and three challenges");
}

#[tokio::test]
async fn a_wrong_password_ends_after_one_try_instead_of_going_round() {
    for scheme in ["Basic realm=\"pbx\"", "Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\""] {
        let server = Server::start(move |mut wire| async move {
            while wire.request().await.is_some() {
                let field = format!("WWW-Authenticate: {scheme}\r\n");
                wire.answer("401 Unauthorized", &field, "no").await;
            }
        });
        let mut connection = connection(&server);
        assert_eq!(connection.post(&once("")).await, Err(Failure::AccessDenied));
        assert_eq!(server.seen().requests.len(), 2, "{scheme}");
        assert_eq!(connection.post(&once("")).await, Err(Failure::AccessDenied));
        assert_eq!(server.seen().requests.len(), 4, "{scheme}");
    }
}

#[tokio::test]
async fn a_401_that_cannot_be_answered_and_a_403_are_denials() {
    for (status, field) in [
        ("401 Unauthorized", "WWW-Authenticate: Negotiate\r\n"),
        ("401 Unauthorized", ""),
        ("403 Forbidden", ""),
    ] {
        let server = Server::start(move |mut wire| async move {
            while wire.request().await.is_some() {
                wire.answer(status, field, "").await;
            }
        });
        assert_eq!(connection(&server).post(&once("")).await, Err(Failure::AccessDenied));
        assert_eq!(server.seen().requests.len(), 1, "{status} {field}");
    }
}

// ---- a request is never sent twice ----------------------------------------------------------

/// Answers the first request of each connection; reads the second and hangs up.
async fn answer_one_then_hang_up(mut wire: wire::Conversation) {
    if wire.request().await.is_some() {
        wire.ok("first").await;
        wire.request().await;
    }
}

#[tokio::test]
async fn a_request_read_by_a_box_that_then_hangs_up_is_not_sent_again() {
    let server = Server::start(answer_one_then_hang_up);
    let mut connection = connection(&server);
    assert_eq!(connection.post(&once("version")).await, ok("first"));
    assert_eq!(connection.post(&once("UserCall")).await, Err(Failure::Broken));
    let seen = server.seen();
    let bodies: Vec<&str> = seen.requests.iter().map(|request| &*request.body).collect();
    assert_eq!((bodies, seen.connections), (vec!["version", "UserCall"], 1));
}

#[tokio::test]
async fn a_harmless_request_is_sent_once_more_on_a_new_connection() {
    let server = Server::start(answer_one_then_hang_up);
    let mut connection = connection(&server);
    assert_eq!(connection.post(&post("1", Repeat::Once)).await, ok("first"));
    assert_eq!(connection.post(&post("2", Repeat::Once)).await, ok("first"));
    let seen = server.seen();
    let bodies: Vec<&str> = seen.requests.iter().map(|request| &*request.body).collect();
    assert_eq!((bodies, seen.connections), (vec!["1", "2", "2"], 2));
}

#[tokio::test]
async fn on_a_fresh_connection_not_even_a_harmless_request_is_repeated() {
    let server = Server::start(|mut wire| async move {
        wire.request().await;
    });
    let mut connection = connection(&server);
    assert_eq!(connection.post(&post("1", Repeat::Once)).await, Err(Failure::Broken));
    assert_eq!(connection.post(&post("2", Repeat::Once)).await, Err(Failure::Broken));
    assert_eq!(server.seen().requests.len(), 2);
}

/// The race that matters: the box closes an idle connection while the next request is on its way.
/// Whatever the pool of the HTTP package does about that, no request may be read twice.
#[tokio::test]
async fn no_request_arrives_twice_at_a_box_that_closes_without_a_word() {
    let server = Server::start(|mut wire| async move {
        let answered = 1 + wire.number % 3;
        for _ in 0..answered {
            if wire.request().await.is_none() {
                return;
            }
            wire.ok("called").await;
        }
        if wire.number % 2 == 0 {
            wire.request().await;
        }
        // Closed here, at once, with no "Connection: close" before.
    });
    let mut connection = connection(&server);
    let (mut called, mut broken) = (0, 0);
    for number in 0..600_u64 {
        match connection.post(&once(&format!("UserCall {number}"))).await {
            Ok(_) => called += 1,
            Err(Failure::Broken) => broken += 1,
            Err(other) => panic!("{other:?}"),
        }
        if number % 4 == 0 {
            tokio::time::sleep(Duration::from_micros(50 * (number % 13))).await;
        }
    }
    let requests = server.seen().requests;
    let distinct: BTreeSet<&str> = requests.iter().map(|request| &*request.body).collect();
    assert_eq!(distinct.len(), requests.len(), "a request was read twice");
    assert!(called + broken == 600 && called > 200, "{called} called, {broken} broken");
}

#[tokio::test]
async fn a_call_refused_with_401_is_made_once_by_the_authenticated_request() {
    let server = Server::start(|mut wire| async move {
        while let Some(request) = wire.request().await {
            match digest_of(&request) {
                Some(_) => return, // made, and the answer is lost
                None => {
                    let field = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\"\r\n";
                    wire.answer("401 Unauthorized", field, "").await
                }
            };
        }
    });
    let mut connection = connection(&server);
    assert_eq!(connection.post(&once("UserCall")).await, Err(Failure::Broken));
    let made = server.seen().requests.iter().filter(|request| digest_of(request).is_some()).count();
    assert_eq!(made, 1);
}

// ---- answers that are none ------------------------------------------------------------------

#[tokio::test]
async fn an_announced_answer_beyond_the_limit_is_not_read() {
    let server = Server::start(|mut wire| async move {
        wire.request().await;
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n").await;
        wire.until_closed().await;
    });
    let outcome = connection(&server).post(&once("")).await;
    assert_eq!(outcome, Err(Failure::Garbled("longer than 4194304 bytes".into())));
    server.wait(|seen| seen.closed == 1).await;
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_at_the_limit() {
    let (sent, total) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |mut wire| {
        let sent = sent.clone();
        async move {
            wire.request().await;
            wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            let mut total = 0_usize;
            while wire.send(&chunk).await {
                total += 0x10000;
            }
            sent.send(total).unwrap();
        }
    });
    let mut total = total;
    let outcome = connection(&server).post(&once("")).await;
    assert_eq!(outcome, Err(Failure::Garbled("longer than 4194304 bytes".into())));
    let total = tokio::time::timeout(SOON, total.recv()).await.unwrap().unwrap();
    assert!(total >= ANSWER_BYTES_MAX, "{total}");
}

#[tokio::test]
async fn an_answer_cut_off_in_its_middle_is_a_broken_connection() {
    for begun in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<Envelope>",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<Enve\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "",
    ] {
        let server = Server::start(move |mut wire| async move {
            wire.request().await;
            wire.send(begun).await;
        });
        let outcome = connection(&server).post(&once("")).await;
        assert_eq!(outcome, Err(Failure::Broken), "{begun:?}");
        assert_eq!(server.seen().requests.len(), 1, "{begun:?}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_called_garbled() {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1 << 20));
    for nonsense in ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "<html>hello</html>\r\n\r\n", &endless] {
        let nonsense = nonsense.to_owned();
        let server = Server::start(move |mut wire| {
            let nonsense = nonsense.clone();
            async move {
                wire.request().await;
                wire.send(nonsense).await;
                wire.until_closed().await;
            }
        });
        let outcome = connection(&server).post(&once("")).await;
        assert_eq!(outcome, Err(Failure::Garbled("no HTTP".into())));
    }
}

#[tokio::test]
async fn a_silent_box_and_a_dripping_one_are_given_up_in_time_and_hung_up_on() {
    for dripping in [false, true] {
        let server = Server::start(move |mut wire| async move {
            wire.request().await;
            if dripping {
                wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").await;
                while wire.send("x").await {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            wire.until_closed().await;
        });
        let mut connection = connection(&server);
        let begun = Instant::now();
        let patience = Duration::from_millis(150);
        let outcome = connection.post(&Post { within: patience, ..once("") }).await;
        assert_eq!(outcome, Err(Failure::TimedOut));
        assert!(begun.elapsed() >= patience && begun.elapsed() < SOON);
        server.wait(|seen| seen.closed == 1).await;
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for authority in [free.to_string(), "no-such-host.invalid".to_owned()] {
        let mut connection = plain(&authority);
        assert_eq!(connection.post(&once("")).await, Err(Failure::Unreachable), "{authority}");
    }
}

// ---- HTTPS ----------------------------------------------------------------------------------

fn https(certificates: &Certificates) -> Server {
    Server::start_tls(certificates.acceptor.clone(), |mut wire| async move {
        while wire.request().await.is_some() {
            wire.ok("secure").await;
        }
    })
}

async fn ask(server: &Server, trust: &Trust) -> Result<Answer, Failure> {
    secured(&server.authority(), trust).post(&once("")).await
}

#[tokio::test]
async fn the_pinned_certificate_is_good_under_any_host_name() {
    let box_of_ours = Certificates::self_signed("ip6000-1a-2b-3c");
    let server = https(&box_of_ours);
    for file in [box_of_ours.server_pem.as_bytes(), &box_of_ours.server_der] {
        assert_eq!(ask(&server, &Trust::pinned(file).unwrap()).await, ok("secure"));
    }
}

#[tokio::test]
async fn any_other_certificate_than_the_pinned_one_is_refused_before_a_word_is_said() {
    let (expected, other) = (Certificates::self_signed("pbx"), Certificates::self_signed("pbx"));
    let server = https(&other);
    let trust = Trust::pinned(expected.server_pem.as_bytes()).unwrap();
    assert_eq!(ask(&server, &trust).await, Err(Failure::Certificate));
    assert!(server.seen().requests.is_empty());
}

#[tokio::test]
async fn a_pinned_authority_does_not_vouch_for_others() {
    let issued = Certificates::issued(&["127.0.0.1"]);
    let server = https(&issued);
    let trust = Trust::pinned(issued.authority_pem.as_bytes()).unwrap();
    assert_eq!(ask(&server, &trust).await, Err(Failure::Certificate));
}

#[tokio::test]
async fn a_certificate_of_the_named_authority_is_good_for_its_host_only() {
    let ours = Certificates::issued(&["127.0.0.1"]);
    let trust = Trust::authorities(ours.authority_pem.as_bytes()).unwrap();
    assert_eq!(ask(&https(&ours), &trust).await, ok("secure"));

    let elsewhere = Certificates::issued(&["pbx.example.com"]);
    let trust = Trust::authorities(elsewhere.authority_pem.as_bytes()).unwrap();
    assert_eq!(ask(&https(&elsewhere), &trust).await, Err(Failure::Certificate));

    let stranger = Certificates::issued(&["127.0.0.1"]);
    assert_eq!(ask(&https(&stranger), &trust).await, Err(Failure::Certificate));
}

#[tokio::test]
async fn the_system_does_not_trust_a_self_signed_box() {
    let Ok(tls) = Tls::new(&Trust::System) else {
        return; // a system without any authorities cannot even be asked
    };
    let server = https(&Certificates::self_signed("127.0.0.1"));
    let place = Place { authority: server.authority(), path: Place::PATH.into(), https: true };
    let mut connection = Connection::new(&place, account(), &tls).unwrap();
    assert_eq!(connection.post(&once("")).await, Err(Failure::Certificate));
    assert!(server.seen().requests.is_empty());
}

#[tokio::test]
async fn requests_in_a_row_share_one_secure_connection() {
    let certificates = Certificates::self_signed("pbx");
    let server = https(&certificates);
    let trust = Trust::pinned(&certificates.server_der).unwrap();
    let mut connection = secured(&server.authority(), &trust);
    for _ in 0..50 {
        assert_eq!(connection.post(&once("")).await, ok("secure"));
    }
    assert_eq!(server.seen().connections, 1);
}

// The TLS of Windows may also wait for more until the time to connect is over.
#[cfg(not(windows))]
#[tokio::test]
async fn a_box_that_speaks_no_tls_fails_as_one_with_a_wrong_certificate() {
    let server = Server::start(|mut wire| async move {
        wire.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        wire.until_closed().await;
    });
    let trust = Trust::pinned(&Certificates::self_signed("pbx").server_der).unwrap();
    assert_eq!(ask(&server, &trust).await, Err(Failure::Certificate));
}

#[test]
fn requests_and_answers_print_without_what_is_in_them() {
    let answer = Answer { status: 200, body: b"Anna".to_vec() };
    let printed = format!("{:?} {answer:?}", once("Anna"));
    assert_eq!(printed, "http://innovaphone.com/pbx#Test (4 bytes) 200 (4 bytes)");
}

#[tokio::test]
async fn a_connection_prints_its_address_and_no_secret() {
    let connection = plain("pbx.example.com:8080");
    let printed = format!("{connection:?}");
    assert!(printed.contains("http://pbx.example.com:8080/PBX0/user.soap"), "{printed}");
    assert!(!printed.contains("s3cret"));
}
