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
use super::site::{Listed, Site};
use access::Gate;
use engine::time::Millis;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
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
    campus: Arc<Campus>,
    houses: Vec<Arc<House>>,
    thread: Option<JoinHandle<()>>,
    certificate_pem: Option<String>,
}

impl Simulator {
    /// Starts a simulator of this estate. When this returns, it listens: the first PBX at the
    /// address wanted, each further one at the next port, or at any free one if that is wanted.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(estate: &Estate, options: Options) -> Result<Simulator, StartError> {
        let Options { listen: first, path, poll_timeout_ms, access, tls, seed } = options;
        let mut site = Site::new(estate, seed);
        let count = site.count();
        for number in 0..count {
            site.pbx_mut(number).switches.poll_timeout_ms = poll_timeout_ms;
        }
        let tls = tls.as_ref().map(Tls::prepare).transpose()?;
        let (acceptor, certificate_pem) = tls.unzip();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let (mut listeners, mut addresses) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for number in 0..count {
            let (listener, address) = listen(&runtime, nth(first, number))?;
            site.set_url(number, &format!("{scheme}://{address}{path}"));
            listeners.push(listener);
            addresses.push(address);
        }
        let campus = Arc::new(Campus::new(site));
        let house = |(number, address): (usize, SocketAddr)| House {
            campus: Arc::clone(&campus),
            number,
            gate: Mutex::new(Gate::new(access, seed)),
            path: path.clone(),
            address,
            scheme,
            load: Load::default(),
        };
        let houses: Vec<Arc<House>> =
            addresses.into_iter().enumerate().map(house).map(Arc::new).collect();
        let inside: Vec<_> = houses.iter().map(Arc::clone).zip(listeners).collect();
        let thread = std::thread::Builder::new()
            .name("simulator".into())
            .spawn(move || runtime.block_on(connection::serve_all(inside, acceptor)))
            .map_err(StartError::Thread)?;
        Ok(Simulator { campus, houses, thread: Some(thread), certificate_pem })
    }

    /// Where the first PBX listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.houses[0].address
    }

    /// Address of the SOAP interface of the first PBX.
    #[must_use]
    pub fn url(&self) -> String {
        self.houses[0].url()
    }

    /// All PBXs, the first one first: their names, what they are to others, and where they listen.
    #[must_use]
    pub fn pbxs(&self) -> Vec<(Listed, SocketAddr)> {
        let listed = self.campus.lock().list();
        listed.into_iter().zip(self.houses.iter().map(|house| house.address)).collect()
    }

    /// The most requests that any one PBX had to answer at the same time, Polls not counted: whether
    /// a client floods them.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        let most = self.houses.iter().map(|house| house.load.most.load(Ordering::Relaxed));
        most.max().unwrap_or(0)
    }

    /// The certificate of HTTPS, for a client to pin; `None` for HTTP.
    #[must_use]
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate_pem.as_deref()
    }

    /// Does one command of the control language, at the first PBX if it does not name another, and
    /// waits for it where it has to. Returns what it says, or nothing.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn control(&self, line: &str) -> Result<String, ControlError> {
        let (number, said) = self.campus.obey(0, line)?;
        match said {
            Said::Done => Ok(String::new()),
            Said::Value(value) => Ok(value),
            Said::WaitIdle(millis) => self.campus.wait_idle(number, millis),
            Said::Quit => {
                self.campus.stop.send_replace(true);
                Ok(String::new())
            }
        }
    }

    /// Looks at the model of the first PBX, or changes it; whoever polls hears of it.
    pub fn with_model<T>(&self, look: impl FnOnce(&mut PbxModel) -> T) -> T {
        self.houses[0].with_model(|model, _| look(model))
    }

    /// Looks at the site, or changes it; whoever polls hears of it.
    pub fn with_site<T>(&self, look: impl FnOnce(&mut Site) -> T) -> T {
        self.campus.with_site(|site, _| look(site))
    }

    /// Whether somebody said `quit`.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.campus.stop.borrow()
    }

    /// Closes all connections and stops.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.campus.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed where it happened.
            let _ = thread.join();
        }
    }
}

/// The address of a PBX that comes after `number` others.
fn nth(mut first: SocketAddr, number: usize) -> SocketAddr {
    if first.port() != 0 {
        // Beyond the last port there is none: any free one then.
        let port = u16::try_from(number).ok().and_then(|number| first.port().checked_add(number));
        first.set_port(port.unwrap_or(0));
    }
    first
}

fn listen(
    runtime: &tokio::runtime::Runtime,
    wanted: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |why| StartError::Listen(wanted, why);
    let listener = runtime.block_on(TcpListener::bind(wanted)).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// What all PBXs share.
struct Campus {
    site: Mutex<Site>,
    started: Instant,
    epoch_ms: u64,
    signals: Vec<Signals>,
    /// Something was done to a model, for threads that wait.
    settled: Condvar,
    stop: watch::Sender<bool>,
}

/// What the connections of one PBX listen to.
struct Signals {
    /// Something was done to the model: polls look again.
    changed: Notify,
    /// Count of reboots: every connection breaks when it changes.
    boots: watch::Sender<u32>,
}

impl Campus {
    fn new(site: Site) -> Campus {
        let signals = || Signals { changed: Notify::new(), boots: watch::Sender::new(0) };
        Campus {
            signals: (0..site.count()).map(|_| signals()).collect(),
            site: Mutex::new(site),
            started: Instant::now(),
            epoch_ms: since_epoch_ms(),
            settled: Condvar::new(),
            stop: watch::Sender::new(false),
        }
    }

    fn now(&self) -> Millis {
        Millis(
            self.epoch_ms + u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        )
    }

    fn lock(&self) -> MutexGuard<'_, Site> {
        // The site is a plain value; after a panic elsewhere it is still the best there is.
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the site, and lets everybody know.
    fn with_site<T>(&self, act: impl FnOnce(&mut Site, Millis) -> T) -> T {
        let now = self.now();
        let mut site = self.lock();
        let result = act(&mut site, now);
        site.take_touched();
        for (number, signals) in self.signals.iter().enumerate() {
            signals.tell(site.pbx(number).boots());
        }
        drop(site);
        self.settled.notify_all();
        result
    }

    /// Does a command at a PBX, or at the one that it names, and says at which.
    fn obey(&self, number: usize, line: &str) -> Result<(usize, Said), ControlError> {
        self.with_site(|site, now| control::execute_in(line, site, number, now))
    }

    fn wait_idle(&self, number: usize, millis: u64) -> Result<String, ControlError> {
        let deadline = Instant::now() + Duration::from_millis(millis);
        let mut site = self.lock();
        loop {
            if site.pbx(number).is_idle() {
                return Ok(String::new());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(not_idle(site.pbx(number), millis));
            }
            let woken = self.settled.wait_timeout(site, left);
            site = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Signals {
    /// To be told while the site is locked: nobody finds the sessions of a rebooted PBX forgotten
    /// and its connections still good.
    fn tell(&self, boots: u32) {
        self.boots.send_if_modified(|known| boots != std::mem::replace(known, boots));
        self.changed.notify_waiters();
    }
}

/// One PBX, as its connections see it.
struct House {
    campus: Arc<Campus>,
    number: usize,
    gate: Mutex<Gate>,
    path: String,
    address: SocketAddr,
    scheme: &'static str,
    load: Load,
}

/// Requests that are being answered. A `Poll` waits for something to tell, and does not count.
#[derive(Default)]
struct Load {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Load {
    /// One more, until the answer is dropped.
    fn begin(&self) -> Burden<'_> {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        Burden(self)
    }
}

/// A request that is being answered.
struct Burden<'a>(&'a Load);

impl Drop for Burden<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The model of one PBX, while nobody else has the site.
struct Model<'a> {
    site: MutexGuard<'a, Site>,
    number: usize,
}

impl Deref for Model<'_> {
    type Target = PbxModel;

    fn deref(&self) -> &PbxModel {
        self.site.pbx(self.number)
    }
}

impl DerefMut for Model<'_> {
    fn deref_mut(&mut self) -> &mut PbxModel {
        self.site.model_mut(self.number)
    }
}

impl Model<'_> {
    /// What was done may mean something to other PBXs; whoever polls there hears of it.
    fn let_others_hear(&mut self, campus: &Campus) {
        self.site.carry();
        for number in self.site.take_touched() {
            campus.signals[number].changed.notify_waiters();
        }
    }
}

impl House {
    fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.address, self.path)
    }

    fn now(&self) -> Millis {
        self.campus.now()
    }

    fn signals(&self) -> &Signals {
        &self.campus.signals[self.number]
    }

    fn lock(&self) -> Model<'_> {
        Model { site: self.campus.lock(), number: self.number }
    }

    /// Does something to the model, and lets everybody know.
    fn with_model<T>(&self, act: impl FnOnce(&mut PbxModel, Millis) -> T) -> T {
        let now = self.now();
        let mut model = self.lock();
        let result = act(&mut model, now);
        self.signals().tell(model.boots());
        model.let_others_hear(&self.campus);
        drop(model);
        self.campus.settled.notify_all();
        result
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
