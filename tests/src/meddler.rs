//! Somebody in between: passes requests on to a PBX and its answers back, and spoils those that it
//! is told to spoil. The PBX behind is real, so sessions come up as ever until it meddles.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A proxy on the loopback interface. Its threads end with the connections they serve.
pub struct Meddler {
    address: SocketAddr,
    desk: Arc<Desk>,
}

/// What to do with the answer to an operation.
#[derive(Clone, Debug, Default)]
pub enum Rule {
    /// Pass it on.
    #[default]
    Pass,
    /// Ask the PBX, but answer this instead: a whole HTTP answer.
    Instead(Vec<u8>),
    /// Pass on so many bytes of the PBX's answer and close the connection.
    Cut(usize),
    /// Ask nobody and answer nothing, with the connection open.
    Silence,
}

impl Rule {
    /// Another body of that type in an answer with status 200.
    #[must_use]
    pub fn body(kind: &str, body: &[u8]) -> Rule {
        let length = body.len();
        let mut answer =
            format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n")
                .into_bytes();
        answer.extend_from_slice(body);
        Rule::Instead(answer)
    }
}

#[derive(Default)]
struct Desk {
    rules: Mutex<BTreeMap<String, Rule>>,
    seen: Mutex<BTreeMap<String, usize>>,
}

impl Meddler {
    /// Stands in front of a PBX and passes everything on.
    #[must_use]
    pub fn before(pbx: SocketAddr) -> Meddler {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Desk::default());
        let shared = Arc::clone(&desk);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let desk = Arc::clone(&shared);
                std::thread::spawn(move || {
                    // A side that closes ends the conversation; that is what it may do.
                    let _ = desk.serve(&stream, pbx);
                });
            }
        });
        Meddler { address, desk }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to do from now on with answers to this operation, for example `Poll`.
    pub fn set(&self, operation: &str, rule: Rule) {
        self.desk.rules.lock().unwrap().insert(operation.to_owned(), rule);
    }

    /// How many requests for this operation came so far, and were answered or met silence; those
    /// that were only told to authenticate do not count.
    #[must_use]
    pub fn seen(&self, operation: &str) -> usize {
        self.desk.seen.lock().unwrap().get(operation).copied().unwrap_or_default()
    }
}

impl Desk {
    fn serve(&self, client: &TcpStream, pbx: SocketAddr) -> std::io::Result<()> {
        let mut behind: Option<BufReader<TcpStream>> = None;
        let mut requests = BufReader::new(client);
        while let Some(request) = read_message(&mut requests)? {
            let operation = operation(&request);
            if matches!(self.rule(&operation), Rule::Silence) {
                self.count(&operation);
                // Until the client has had enough.
                requests.read_to_end(&mut Vec::new())?;
                break;
            }
            let pbx = match &mut behind {
                Some(pbx) => pbx,
                None => behind.insert(BufReader::new(TcpStream::connect(pbx)?)),
            };
            pbx.get_mut().write_all(&request)?;
            let Some(answer) = read_message(pbx)? else { break };
            // Authentication comes first.
            if answer.starts_with(b"HTTP/1.1 401") {
                (&*client).write_all(&answer)?;
                continue;
            }
            self.count(&operation);
            // The rule may have changed while the PBX thought about it.
            match self.rule(&operation) {
                Rule::Pass => (&*client).write_all(&answer)?,
                Rule::Instead(other) => (&*client).write_all(&other)?,
                Rule::Cut(length) => {
                    (&*client).write_all(&answer[..length.min(answer.len())])?;
                    break;
                }
                Rule::Silence => {
                    requests.read_to_end(&mut Vec::new())?;
                    break;
                }
            }
        }
        client.shutdown(Shutdown::Both)
    }

    fn count(&self, operation: &str) {
        *self.seen.lock().unwrap().entry(operation.to_owned()).or_default() += 1;
    }

    fn rule(&self, operation: &str) -> Rule {
        self.rules.lock().unwrap().get(operation).cloned().unwrap_or_default()
    }
}

/// A request or an answer, head and body as they came.
fn read_message(from: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut message = Vec::new();
    let mut length = 0;
    loop {
        let begin = message.len();
        if from.read_until(b'\n', &mut message)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&message[begin..]).to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let head = message.len();
    message.resize(head + length, 0);
    from.read_exact(&mut message[head..])?;
    Ok(Some(message))
}

/// The name of the operation that a request asks for.
fn operation(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    let name = text.split("<op:").nth(1).unwrap_or_default();
    name.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// An address at which connections are neither accepted nor refused: the system's queue of a
/// listener that accepts nobody is full.
pub struct BlackHole {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl BlackHole {
    /// Opens one.
    #[must_use]
    pub fn open() -> BlackHole {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            queue.push(stream);
            assert!(queue.len() < 10_000, "the queue of a listener has an end");
        }
        BlackHole { address, _listener: listener, _queue: queue }
    }

    /// Where nobody answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// An address at which connections are refused: the service of this port is long out of use.
pub const CLOSED: &str = "127.0.0.1:9";
