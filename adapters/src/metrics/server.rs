//! The page over HTTP, for Prometheus and whoever else reads its format.
//!
//! It lives in the io thread, beside the PBXs, so it must cost them nothing: a page is made on a
//! thread of its own, connections are few and short, and whoever is slow is hung up on.

use super::page::Page;
use super::text::CONTENT_TYPE;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE as TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Where the page is.
const PATH: &str = "/metrics";
/// Connections at a time; further ones are closed at once.
const CONNECTIONS: usize = 16;
/// How long one may last, from its beginning to the last byte of the page.
const WITHIN: Duration = Duration::from_secs(10);
/// The longest head of a request.
const HEAD_BYTES: usize = 8 * 1024;
/// How long to wait before trying again to listen at an address that cannot be had.
const LISTEN_AGAIN: Duration = Duration::from_secs(2);
/// How long to wait when the system has no connections to give.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Shows the page at the address that is wanted, which may change, as long as this is polled.
/// `shown` says where it is, once it is.
pub(crate) async fn serve(
    page: Arc<Page>,
    mut wanted: watch::Receiver<Option<SocketAddr>>,
    shown: watch::Sender<Option<SocketAddr>>,
) {
    loop {
        let address = *wanted.borrow_and_update();
        tokio::select! {
            () = show(&page, address, &shown) => {}
            () = changed(&mut wanted) => {}
        }
        if shown.send_replace(None).is_some() {
            tracing::info!("the metrics page is no longer shown there");
        }
    }
}

async fn changed(wanted: &mut watch::Receiver<Option<SocketAddr>>) {
    if wanted.changed().await.is_err() {
        // Nobody is left who could want anything else.
        pending::<()>().await;
    }
}

async fn show(
    page: &Arc<Page>,
    address: Option<SocketAddr>,
    shown: &watch::Sender<Option<SocketAddr>>,
) {
    let Some(address) = address else { return pending().await };
    let listener = listen(address).await;
    let address = listener.local_addr().unwrap_or(address);
    tracing::info!("the metrics page is shown at http://{address}{PATH}");
    shown.send_replace(Some(address));
    // Those that are open are closed when this is dropped.
    let mut open = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_AGAIN).await;
            continue;
        };
        // Those that have ended make room.
        while open.try_join_next().is_some() {}
        if open.len() < CONNECTIONS {
            open.spawn(attend(Arc::clone(page), stream));
        }
    }
}

/// Somebody else may have the address for now.
async fn listen(address: SocketAddr) -> TcpListener {
    let mut is_told = false;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) if is_told => tracing::debug!("{address}: {error}"),
            Err(error) => {
                is_told = true;
                tracing::error!(
                    "the metrics page cannot be shown at {address}: {error}; nothing else is the \
                     worse for it, and it is tried again every {} seconds",
                    LISTEN_AGAIN.as_secs()
                );
            }
        }
        sleep(LISTEN_AGAIN).await;
    }
}

async fn attend(page: Arc<Page>, stream: TcpStream) {
    let service = service_fn(move |request| answer(Arc::clone(&page), request));
    let served = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(WITHIN, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("metrics page: {error}"),
        Err(_) => tracing::debug!("metrics page: somebody took too long"),
    }
}

async fn answer(
    page: Arc<Page>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let refused = |status, words: &'static str| {
        let mut response = Response::new(Full::from(words));
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != PATH {
        return Ok(refused(StatusCode::NOT_FOUND, "The page is at /metrics.\n"));
    }
    if request.method() != Method::GET {
        let mut response = refused(StatusCode::METHOD_NOT_ALLOWED, "Only GET.\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return Ok(response);
    }
    let Ok(text) = tokio::task::spawn_blocking(move || page.read()).await else {
        let words = "The page could not be made; please report.\n";
        return Ok(refused(StatusCode::INTERNAL_SERVER_ERROR, words));
    };
    let mut response = Response::new(Full::from(text.as_bytes().to_vec()));
    let headers = response.headers_mut();
    headers.insert(TYPE, HeaderValue::from_static(CONTENT_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
