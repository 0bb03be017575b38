//! A server for tests that does on the wire exactly what it is told, also what no sane server
//! would do. It runs on a thread of its own, so that it races the client for real.

#![allow(dead_code, unreachable_pub)] // each test program uses its own part
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// How long a test waits for what must happen.
pub const SOON: Duration = Duration::from_secs(20);

/// A server; it stops when dropped.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    _stop: oneshot::Sender<()>,
}

/// What a server has seen so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Connections accepted.
    pub connections: usize,
    /// Connections that the client has closed.
    pub closed: usize,
    /// Requests read to their end, of all connections.
    pub requests: Vec<Request>,
}

/// A request as it was read.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `POST /path HTTP/1.1`.
    pub line: String,
    /// Field names in lower case.
    pub fields: BTreeMap<String, String>,
    /// Field names as they were sent.
    pub names: Vec<String>,
    pub body: String,
}

impl Request {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

type Script = dyn Fn(Conversation) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

impl Server {
    /// Plays the script once for each connection.
    pub fn start<S, F>(script: S) -> Server
    where
        S: Fn(Conversation) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Server::run(None, Arc::new(move |conversation| Box::pin(script(conversation))))
    }

    /// The same under TLS.
    pub fn start_tls<S, F>(tls: tokio_rustls::TlsAcceptor, script: S) -> Server
    where
        S: Fn(Conversation) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Server::run(Some(tls), Arc::new(move |conversation| Box::pin(script(conversation))))
    }

    fn run(tls: Option<tokio_rustls::TlsAcceptor>, script: Arc<Script>) -> Server {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = accept(listener, tls, script, shared) => (),
                    _ = stopped => (),
                }
            });
        });
        Server { address, seen, _stop: stop }
    }

    /// `host:port` of the server.
    pub fn authority(&self) -> Box<str> {
        self.address.to_string().into()
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until what the server has seen is as wanted.
    pub async fn wait(&self, wanted: impl Fn(&Seen) -> bool) -> Seen {
        let deadline = std::time::Instant::now() + SOON;
        loop {
            let seen = self.seen();
            if wanted(&seen) {
                return seen;
            }
            assert!(std::time::Instant::now() < deadline, "this never came: {seen:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<tokio_rustls::TlsAcceptor>,
    script: Arc<Script>,
    seen: Arc<Mutex<Seen>>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        stream.set_nodelay(true).unwrap();
        seen.lock().unwrap().connections += 1;
        let number = seen.lock().unwrap().connections;
        let (tls, script, seen) = (tls.clone(), Arc::clone(&script), Arc::clone(&seen));
        tokio::spawn(async move {
            let stream: Box<dyn Stream> = match tls {
                None => Box::new(stream),
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => Box::new(stream),
                    Err(_) => return,
                },
            };
            script(Conversation { number, stream, unread: Vec::new(), seen }).await;
        });
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// One connection, from the server's side. It closes when dropped.
pub struct Conversation {
    /// Which connection of the server it is, counted from 1.
    pub number: usize,
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
    seen: Arc<Mutex<Seen>>,
}

impl Conversation {
    /// The next request; `None` once the client has closed.
    pub async fn request(&mut self) -> Option<Request> {
        let head = loop {
            if let Some(at) = find(&self.unread, b"\r\n\r\n") {
                break self.unread.drain(..at + 4).collect::<Vec<u8>>();
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.lines();
        let mut request =
            Request { line: lines.next().unwrap_or_default().to_owned(), ..Request::default() };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            request.names.push(name.to_owned());
            request.fields.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = request.field("content-length").map_or(0, |text| text.parse().unwrap());
        while self.unread.len() < length {
            self.more().await?;
        }
        let body: Vec<u8> = self.unread.drain(..length).collect();
        request.body = String::from_utf8(body).unwrap();
        self.seen.lock().unwrap().requests.push(request.clone());
        Some(request)
    }

    async fn more(&mut self) -> Option<()> {
        match self.stream.read_buf(&mut self.unread).await {
            Ok(0) | Err(_) => {
                self.seen.lock().unwrap().closed += 1;
                None
            }
            Ok(_) => Some(()),
        }
    }

    /// Sends bytes; false if the client has gone.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let sent = self.stream.write_all(bytes.as_ref()).await;
        sent.is_ok() && self.stream.flush().await.is_ok()
    }

    /// Sends a whole answer with its length.
    pub async fn answer(&mut self, status: &str, fields: &str, body: &str) -> bool {
        let length = body.len();
        let text = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{fields}\r\n{body}");
        self.send(text).await
    }

    pub async fn ok(&mut self, body: &str) -> bool {
        self.answer("200 OK", "Content-Type: text/xml\r\n", body).await
    }

    /// Waits until the client closes.
    pub async fn until_closed(&mut self) {
        while self.more().await.is_some() {}
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// A certificate authority and a server certificate made for one test.
pub struct Certificates {
    pub authority_pem: String,
    pub server_pem: String,
    pub server_der: Vec<u8>,
    pub acceptor: tokio_rustls::TlsAcceptor,
}

impl Certificates {
    /// A certificate for these names, issued by an authority of its own.
    pub fn issued(names: &[&str]) -> Certificates {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "authority of a test");
        let authority = parameters.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(parameters, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate =
            rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        Certificates::with(&certificate, &key, authority.pem())
    }

    /// A self-signed certificate, as boxes bring it.
    pub fn self_signed(name: &str) -> Certificates {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let pem = made.cert.pem();
        Certificates::with(&made.cert, &made.signing_key, pem)
    }

    fn with(
        certificate: &rcgen::Certificate,
        key: &rcgen::KeyPair,
        authority_pem: String,
    ) -> Certificates {
        use tokio_rustls::rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Certificates {
            authority_pem,
            server_pem: certificate.pem(),
            server_der: certificate.der().to_vec(),
            acceptor: tokio_rustls::TlsAcceptor::from(Arc::new(config)),
        }
    }
}
