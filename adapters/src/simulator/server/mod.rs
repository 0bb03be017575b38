//! A small HTTP server round the model: `POST /PBX0/user.soap`, `GET /pbx10_00.wsdl`,
//! `POST /control`. It runs on a thread of its own, so that blocking callers can use it.

mod access;
mod body;
mod connection;
mod exchange;
#[cfg(test)]
mod tests;
mod tls;
mod wsdl;

pub use access::Access;
pub use tls::{Tls, TlsError};

use super::control::{self, ControlError, Said};
use super::estate::Estate;
use super::model::PbxModel;
use access::Gate;
use engine::time::Millis;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

/// How to run a simulator.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 is any free one.
    pub listen: SocketAddr,
    /// Path of the SOAP interface.
    pub path: String,
    /// How long a `Poll` waits; also the switch `poll_timeout`.
    pub poll_timeout_ms: u64,
    /// Which ways of proving who one is are offered.
    pub access: Access,
    /// HTTPS instead of HTTP.
    pub tls: Option<Tls>,
    /// Source of identifiers, keys and nonces.
    pub seed: u64,
}

impl Default for Options {
    /// Any free port of the loopback interface, HTTP, both Basic and Digest.
    fn default() -> Options {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            path: "/PBX0/user.soap".into(),
            poll_timeout_ms: 60_000,
            access: Access::BasicAndDigest,
            tls: None,
            seed: 1,
        }
    }
}

/// Why a simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}; choose another address, or port 0 for any free one")]
    Listen(SocketAddr, std::io::Error),
    /// The thread or its reactor cannot be had.
    #[error("cannot start the simulator's thread: {0}")]
    Thread(std::io::Error),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A running simulator; dropping it stops it.
pub struct Simulator {
    house: Arc<House>,
    thread: Option<JoinHandle<()>>,
    address: SocketAddr,
    certificate_pem: Option<String>,
}

impl Simulator {
    /// Starts a simulator of this estate. When this returns, it listens.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(estate: &Estate, options: Options) -> Result<Simulator, StartError> {
        let mut model = PbxModel::new(estate, options.seed);
        model.switches.poll_timeout_ms = options.poll_timeout_ms;
        let tls = options.tls.as_ref().map(Tls::prepare).transpose()?;
        let (acceptor, certificate_pem) = tls.unzip();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let listener = runtime
            .block_on(TcpListener::bind(options.listen))
            .map_err(|why| StartError::Listen(options.listen, why))?;
        let listen = |why| StartError::Listen(options.listen, why);
        let address = listener.local_addr().map_err(listen)?;
        let house = Arc::new(House {
            model: Mutex::new(model),
            gate: Mutex::new(Gate::new(options.access, options.seed)),
            path: options.path,
            address,
            scheme: if acceptor.is_some() { "https" } else { "http" },
            started: Instant::now(),
            epoch_ms: since_epoch_ms(),
            changed: Notify::new(),
            settled: Condvar::new(),
            boots: watch::Sender::new(0),
            stop: watch::Sender::new(false),
        });
        let inside = Arc::clone(&house);
        let thread = std::thread::Builder::new()
            .name("simulator".into())
            .spawn(move || runtime.block_on(connection::serve(inside, listener, acceptor)))
            .map_err(StartError::Thread)?;
        Ok(Simulator { house, thread: Some(thread), address, certificate_pem })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Address of the SOAP interface.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.house.scheme, self.address, self.house.path)
    }

    /// The certificate of HTTPS, for a client to pin; `None` for HTTP.
    #[must_use]
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate_pem.as_deref()
    }

    /// Does one command of the control language, and waits for it where it has to. Returns what it
    /// says, or nothing.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn control(&self, line: &str) -> Result<String, ControlError> {
        match self.house.with_model(|model, now| control::execute(line, model, now))? {
            Said::Done => Ok(String::new()),
            Said::Value(value) => Ok(value),
            Said::WaitIdle(millis) => self.house.wait_idle(millis),
            Said::Quit => {
                self.house.stop.send_replace(true);
                Ok(String::new())
            }
        }
    }

    /// Looks at the model, or changes it; whoever polls hears of it.
    pub fn with_model<T>(&self, look: impl FnOnce(&mut PbxModel) -> T) -> T {
        self.house.with_model(|model, _| look(model))
    }

    /// Whether somebody said `quit`.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.house.stop.borrow()
    }

    /// Closes all connections and stops.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.house.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed where it happened.
            let _ = thread.join();
        }
    }
}

/// What the connections share.
struct House {
    model: Mutex<PbxModel>,
    gate: Mutex<Gate>,
    path: String,
    address: SocketAddr,
    scheme: &'static str,
    started: Instant,
    epoch_ms: u64,
    /// Something was done to the model: polls look again.
    changed: Notify,
    /// The same for threads that wait.
    settled: Condvar,
    /// Count of reboots: every connection breaks when it changes.
    boots: watch::Sender<u32>,
    stop: watch::Sender<bool>,
}

impl House {
    fn now(&self) -> Millis {
        Millis(
            self.epoch_ms + u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        )
    }

    fn lock(&self) -> MutexGuard<'_, PbxModel> {
        // The model is a plain value; after a panic elsewhere it is still the best there is.
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the model, and lets everybody know.
    fn with_model<T>(&self, act: impl FnOnce(&mut PbxModel, Millis) -> T) -> T {
        let now = self.now();
        let mut model = self.lock();
        let result = act(&mut model, now);
        let boots = model.boots();
        drop(model);
        self.boots.send_if_modified(|known| std::mem::replace(known, boots) != boots);
        self.changed.notify_waiters();
        self.settled.notify_all();
        result
    }

    fn wait_idle(&self, millis: u64) -> Result<String, ControlError> {
        let deadline = Instant::now() + Duration::from_millis(millis);
        let mut model = self.lock();
        loop {
            if model.is_idle() {
                return Ok(String::new());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(not_idle(&model, millis));
            }
            let woken = self.settled.wait_timeout(model, left);
            model = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn not_idle(model: &PbxModel, millis: u64) -> ControlError {
    let calls = model.calls().len();
    ControlError::NotIdle(
        millis,
        match calls {
            0 => "events wait to be fetched".into(),
            calls => format!("{calls} calls are left"),
        },
    )
}

fn since_epoch_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
