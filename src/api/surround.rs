//! What happens around every request: its id, its sender, gates and limits before; log line, metrics and headers
//! after; and a JSON body for whatever no operation handled.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use poem::http::header::{self, HeaderName, HeaderValue};
use poem::http::{Method, StatusCode};
use poem::middleware::{CatchPanic, PanicHandler};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, Result};
use tracing::Instrument;

use super::contracts::Built;
use super::cors::Cors;
use super::front_door::FrontDoor;
use super::gates::Gates;
use super::inventory::Inventory;
use super::limits::published::Tally;
use super::limits::{Class, Limits};
use super::metering::rate_headers;
use super::problem::{Problem, Unshaped};
use crate::client::{Sender, TrustedProxies};
use crate::clock::{Chance, Clock, Stopwatch};
use crate::metrics::{Metrics, RequestLabels, RouteLabels};
use crate::model::network::Network;

/// Names a request in answers and in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The route of paths that there are none for.
const UNMATCHED: &str = "unmatched";

/// The route that a page asks again and again.
const POLLED: &str = "/mailbox/newest";

/// The id of a request, as answers and the log name it; put beside it by the outermost layer.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

impl RequestId {
    /// The id of a request; empty without the outermost layer.
    pub fn of(request: &Request) -> String {
        request.extensions().get::<RequestId>().map(|id| id.0.to_string()).unwrap_or_default()
    }
}

/// What the layer around every request works with.
pub struct Around {
    pub front_door: FrontDoor,
    pub inventory: Inventory,
    pub limits: Arc<Limits>,
    pub proxies: TrustedProxies,
    pub gates: Gates,
    pub cors_origins: Vec<String>,
    pub clock: Clock,
    pub chance: Chance,
    pub metrics: Metrics,
}

/// Wraps the routes.
pub fn surround(routes: impl Endpoint + 'static, around: Around) -> impl Endpoint<Output = Response> {
    let cors = Cors::new(around.cors_origins.clone());
    let inner = routes.with(CatchPanic::new().with_handler(Panicked));
    Surround { inner, around, cors, unmatched: Arc::new(UNMATCHED.to_owned()) }
}

/// Marks what a panic left for an answer; the panic hook has already put its words into the log.
#[derive(Clone)]
struct Panicked;

impl PanicHandler for Panicked {
    type Response = Response;
    fn get_response(&self, _panic: Box<dyn std::any::Any + Send>) -> Response {
        tracing::error!("a handler panicked");
        let mut response = Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).finish();
        response.extensions_mut().insert(Panicked);
        response
    }
}

struct Surround<E> {
    inner: E,
    around: Around,
    cors: Cors,
    unmatched: Arc<String>,
}

impl<E: Endpoint> Endpoint for Surround<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let watch = Stopwatch::start();
        self.around.front_door.enter(&mut request);
        let id: Arc<str> = format!("{:016x}", u64::from_be_bytes(self.around.chance.bytes())).into();
        let method = request.method().clone();
        let route = self.around.inventory.find(request.uri().path());
        let pattern = route.map_or_else(|| Arc::clone(&self.unmatched), |route| Arc::clone(&route.pattern));
        let origin = self.cors.allowed(request.headers());
        // The pattern, never the path or query: those may hold secrets (C4).
        let tally = Tally::default();
        request.extensions_mut().insert(tally.clone());
        let span = tracing::info_span!("request", %id, %method, route = pattern.as_str());
        let mut response = async {
            let response = self.answer(request, Arc::clone(&id), &pattern, origin.is_some()).await;
            let (status, ms) = (response.status().as_u16(), watch.elapsed().as_millis() as u64);
            // An open page of the mailbox asks every two seconds, which would bury everything else.
            if pattern.as_str() == POLLED && response.status().is_success() {
                tracing::debug!(status, ms, "answered");
            } else {
                tracing::info!(status, ms, "answered");
            }
            response
        }
        .instrument(span)
        .await;
        if response.status() == StatusCode::METHOD_NOT_ALLOWED
            && let Some(Ok(allow)) = route.map(|route| HeaderValue::from_str(&route.methods.join(", ")))
        {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        self.tell_rate(&mut response, &tally);
        finish(&mut response, &id, origin);
        self.measure(&method, pattern, response.status(), watch);
        Ok(response)
    }
}

impl<E: Endpoint> Surround<E> {
    async fn answer(
        &self,
        mut request: Request,
        id: Arc<str>,
        pattern: &str,
        cross_origin: bool,
    ) -> Response {
        let method = request.method().clone();
        let contract = Built::at(request.uri().path());
        let problem = |problem: Problem<Unshaped>| contract.outside_operations(&method, pattern, problem);
        let peer = request.remote_addr().as_socket_addr().map(std::net::SocketAddr::ip);
        // Only a connection without an address, such as a test's, has no peer; it counts as one stranger.
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        if !self.around.gates.let_pass(&request, peer) {
            return problem(Problem::of_status(StatusCode::NOT_FOUND));
        }
        let sender = self.around.proxies.sender(peer, request.headers());
        let class = Class::of(request.method().as_str(), pattern);
        if let Err(wait) = self.count(&request, contract, class, Network::from(sender)) {
            return problem(Problem::rate_limited(wait));
        }
        if cross_origin && let Some(response) = Cors::preflight(&request) {
            return response;
        }
        request.extensions_mut().insert(Sender(sender));
        request.extensions_mut().insert(RequestId(id));
        match self.inner.call(request).await {
            Ok(output) => {
                let response = output.into_response();
                match response.extensions().get::<Panicked>() {
                    Some(Panicked) => problem(Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)),
                    None => response,
                }
            }
            Err(error) => {
                if error.status().is_server_error() {
                    tracing::error!("{error}");
                }
                problem(Problem::of_error(&error))
            }
        }
    }

    /// Counts a call within what its contract publishes and within the class of its route.
    fn count(
        &self,
        request: &Request,
        contract: &Built,
        class: Class,
        network: Network,
    ) -> Result<(), Duration> {
        let limits = &self.around.limits;
        let Some(published) = contract.published else { return limits.count(class, network) };
        let tally = request.extensions().get::<Tally>().cloned().unwrap_or_default();
        limits.published.count_network(published, network, class != Class::General, &tally)?;
        limits.count(class, network).inspect_err(|_| tally.note_exhausted(class.per_minute().get()))
    }

    /// Tells what remains of the strictest budget, where something was counted that is to be told.
    fn tell_rate(&self, response: &mut Response, tally: &Tally) {
        let Some(allowance) = tally.strictest() else { return };
        for (name, value) in rate_headers(&allowance, self.around.clock.now()) {
            response.headers_mut().insert(name, HeaderValue::from(value));
        }
    }

    fn measure(&self, method: &Method, route: Arc<String>, status: StatusCode, watch: Stopwatch) {
        // Methods are the client's to invent; their number is not.
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::DELETE => "DELETE",
            Method::OPTIONS => "OPTIONS",
            _ => "OTHER",
        };
        let labels = RequestLabels { method, route: Arc::clone(&route), status: status.as_u16() };
        self.around.metrics.requests.get_or_create(&labels).inc();
        let seconds = self.around.metrics.request_seconds.get_or_create(&RouteLabels { method, route });
        seconds.observe(watch.elapsed().as_secs_f64());
    }
}

fn finish(response: &mut Response, id: &str, origin: Option<HeaderValue>) {
    if let Some(origin) = origin {
        Cors::mark(response, origin);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    let always = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
