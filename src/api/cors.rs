//! Cross-origin calls from the origins that the operator named, and from no other.
//!
//! poem's own middleware answers every request of an unlisted `Origin` with an error; a form posted from a mailed page
//! carries `Origin: null` and must get through, so an unlisted origin is simply told nothing.

use poem::http::header::{self, HeaderMap, HeaderValue};
use poem::http::{Method, StatusCode};
use poem::{Request, Response};

/// The origins that may call from a browser.
#[derive(Debug, Clone, Default)]
pub struct Cors(Vec<String>);

impl Cors {
    /// Allows these origins, spelled as browsers send them.
    pub fn new(origins: Vec<String>) -> Cors {
        Cors(origins)
    }

    /// The request's origin, if it is allowed.
    pub fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        self.0.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
    }

    /// The answer to a preflight of an allowed origin.
    pub fn preflight(request: &Request) -> Option<Response> {
        let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if request.method() != Method::OPTIONS || !asks {
            return None;
        }
        let allow = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, x-access-token"),
            (header::ACCESS_CONTROL_MAX_AGE, "3600"),
        ];
        let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
        for (name, value) in allow {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        Some(response)
    }

    /// Marks an answer as readable by the origin.
    pub fn mark(response: &mut Response, origin: HeaderValue) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        let exposed = HeaderValue::from_static(
            "x-request-id, retry-after, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset",
        );
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}
