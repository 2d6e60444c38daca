//! One connection from its first byte to its last: HTTP/1.1 or HTTP/2, poem's endpoint behind either.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::activity::{Activity, InFlight, Patience};
use super::watched::{Watched, WatchedBody};

/// Requests that one HTTP/2 connection may have in flight.
const HTTP2_STREAMS: u32 = 64;

/// Bytes in flight for one stream and for one HTTP/2 connection: a request body is at most 64 KiB (DESIGN 9),
/// and the library's default of 1 MiB would let all connections together claim gigabytes.
const HTTP2_STREAM_WINDOW: u32 = 64 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 256 * 1024;

/// Interval of HTTP/2 pings and patience for their echo: they find peers that vanished without closing.
const HTTP2_PING: Duration = Duration::from_secs(20);

/// The smallest HTTP/1 buffer, in bytes, that the library allows.
const HTTP1_LEAST_BUFFER: usize = 8 * 1024;

/// Serves connections, one at a call: the endpoint and the settings that all of them share.
pub(super) struct Service<E> {
    endpoint: Arc<E>,
    protocol: Builder<TokioExecutor>,
    patience: Patience,
}

impl<E: Endpoint + 'static> Service<E> {
    pub(super) fn new(endpoint: E, limits: &Limits) -> Self {
        Self {
            endpoint: Arc::new(endpoint),
            protocol: protocol(limits),
            patience: Patience { header: limits.header_timeout, idle: limits.idle_timeout },
        }
    }

    /// Speaks HTTP with `peer` until either side closes, the client has kept us waiting for too long, or,
    /// after `stop`, the requests in flight are answered.
    pub(super) async fn converse(&self, socket: TcpStream, peer: SocketAddr, stop: CancellationToken) {
        // Fails only on a socket that is already dead, which the first read will tell.
        let _ = socket.set_nodelay(true);
        let local =
            socket.local_addr().map(|address| LocalAddr(Addr::SocketAddr(address))).unwrap_or_default();
        let remote = RemoteAddr(Addr::SocketAddr(SocketAddr::new(peer.ip().to_canonical(), peer.port())));
        let activity = Activity::new(self.patience);
        let service = service_fn(|request: Request<Incoming>| {
            let in_flight = activity.begin(request.version() == Version::HTTP_2);
            let request = (request, local.clone(), remote.clone(), Scheme::HTTP).into();
            answer(Arc::clone(&self.endpoint), request, in_flight)
        });
        let io = TokioIo::new(Watched::new(socket, activity.clone()));

        let mut conversation = pin!(self.protocol.serve_connection(io, service));
        let mut expired = pin!(activity.expired());
        let mut stopping = false;
        loop {
            tokio::select! {
                biased;
                result = &mut conversation => {
                    if let Err(error) = result {
                        tracing::debug!(%peer, error, "connection ended early");
                    }
                    return;
                }
                () = &mut expired => {
                    tracing::debug!(%peer, "connection closed: its client made no progress");
                    return;
                }
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    activity.stop();
                    conversation.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// The answer to one request, which stays in flight until its body is handed over.
async fn answer<E: Endpoint>(
    endpoint: Arc<E>,
    request: poem::Request,
    mut in_flight: InFlight,
) -> Result<Response<impl Body<Data = Bytes, Error = io::Error>>, Infallible> {
    let response: Response<_> = endpoint.get_response(request).await.into();
    in_flight.answering();
    Ok(response.map(|body| WatchedBody::new(body, in_flight)))
}

fn protocol(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        // The library's own header timer also runs between two requests, and not while it waits for the bytes
        // that tell HTTP/1 from HTTP/2. `Activity` covers both.
        .header_read_timeout(None)
        // A client may close its side after the request and still read the answer (RFC 9112, 9.6).
        .half_close(true)
        // A header block that does not fit is answered with 431; bodies pass through in pieces.
        .max_buf_size(HTTP1_LEAST_BUFFER.max(limits.max_header_bytes as usize));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(limits.max_header_bytes)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .max_send_buf_size(HTTP2_STREAM_WINDOW as usize)
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HTTP2_PING);
    builder
}
