//! Connections: accepted, served, and dropped when the PBX reboots.

use super::House;
use super::exchange;
use crate::simulator::model::ConnectionId;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Connections open at one time.
const CONNECTION_LIMIT: usize = 4096;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Serves all PBXs until told to stop.
pub(super) async fn serve_all(houses: Vec<(Arc<House>, TcpListener)>, tls: Option<TlsAcceptor>) {
    let mut served = tokio::task::JoinSet::new();
    for (house, listener) in houses {
        served.spawn(serve(house, listener, tls.clone()));
    }
    // A panic of a task was printed where it happened.
    while served.join_next().await.is_some() {}
}

/// Listens until told to stop. While the PBX boots nobody listens, so that connecting is refused.
async fn serve(house: Arc<House>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    let mut listener = Some(listener);
    let mut stop = house.campus.stop.subscribe();
    // Subscribed once: a reboot between two turns of the loop counts as well.
    let mut boots = house.signals().boots.subscribe();
    let mut next = 0;
    let reaper = tokio::spawn(reap(Arc::clone(&house)));
    let open = Arc::new(tokio::sync::Semaphore::new(CONNECTION_LIMIT));
    loop {
        let listening = match listener.take() {
            Some(first) => first,
            None => match listen_again(&house).await {
                Some(again) => again,
                None => break,
            },
        };
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                _ = boots.changed() => break,
                accepted = listening.accept() => {
                    let Ok((stream, peer)) = accepted else { continue };
                    let Ok(permit) = Arc::clone(&open).try_acquire_owned() else { continue };
                    next += 1;
                    let asker = exchange::Caller {
                        id: ConnectionId(next),
                        peer,
                        reset: Arc::default(),
                        boots: boots.clone(),
                    };
                    let served = attend(Arc::clone(&house), stream, asker, tls.clone());
                    tokio::spawn(async move {
                        served.await;
                        drop(permit);
                    });
                }
            }
        }
        if *stop.borrow() {
            break;
        }
        drop(listening);
    }
    reaper.abort();
}

/// Waits until the PBX is up again and listens where it listened before; `None` when stopping.
async fn listen_again(house: &House) -> Option<TcpListener> {
    let mut stop = house.campus.stop.subscribe();
    let mut held = hold(house.address).ok();
    loop {
        if *stop.borrow_and_update() {
            return None;
        }
        if !house.lock().is_down(house.now()) {
            let socket = held.take().map_or_else(|| hold(house.address), Ok);
            if let Ok(listener) = socket.and_then(|socket| socket.listen(BACKLOG)) {
                return Some(listener);
            }
        }
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
    }
}

/// Holds an address at which nobody listens: connecting is refused, and nobody else gets its port.
fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of before may still be closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Lets the model know when time has passed that matters to it.
async fn reap(house: Arc<House>) {
    loop {
        let changed = house.signals().changed.notified();
        let due = house.lock().next_due();
        match due {
            None => changed.await,
            Some(due) => {
                let wait = Duration::from_millis(due.since(house.now()));
                tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep(wait) => {
                        house.with_model(|model, now| model.advance(now));
                    }
                }
            }
        }
    }
}

/// Serves one connection to its end.
async fn attend(
    house: Arc<House>,
    stream: TcpStream,
    asker: exchange::Caller,
    tls: Option<TlsAcceptor>,
) {
    // Small answers must not wait for each other.
    let _ = stream.set_nodelay(true);
    let stream = Resettable { stream, reset: Arc::clone(&asker.reset) };
    let mut boots = asker.boots.clone();
    let mut stop = house.campus.stop.subscribe();
    let exchange = async {
        match tls {
            None => talk(&house, stream, &asker).await,
            Some(tls) => {
                if let Ok(stream) = tls.accept(stream).await {
                    talk(&house, stream, &asker).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        _ = boots.changed() => asker.reset.store(true, Ordering::Relaxed),
        () = exchange => {}
    }
    house.with_model(|model, now| model.connection_closed(asker.id, now));
}

async fn talk<S>(house: &Arc<House>, stream: S, caller: &exchange::Caller)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service =
        service_fn(|request| exchange::respond(Arc::clone(house), caller.clone(), request));
    let served = http1::Builder::new()
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!("simulator: connection {}: {error}", caller.id.0);
    }
}

/// A stream that can be dropped with a reset instead of a polite end.
struct Resettable {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Resettable {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // If this fails the connection ends politely, which clients must survive as well.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Resettable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Resettable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
