//! HTTP with JSON: the contracts and Latchkey's own routes, mounted into one tree and one document.

pub mod accept;
pub mod appmaker;
pub mod body;
mod browser;
pub mod contracts;
mod cors;
mod documents;
pub mod finradar;
pub mod flashback;
mod front_door;
mod gates;
pub mod guard;
pub mod inventory;
pub mod limits;
pub mod metering;
mod mounted;
pub mod orbai;
mod own;
pub mod problem;
mod qr;
pub mod reply;
mod shapes;
pub mod surround;
mod values;

use std::sync::{Arc, LazyLock, Mutex};

use poem::endpoint::make_sync;
use poem::http::header;
use poem::{Response, Route};

use crate::config::SERVED;
use crate::mail::courier::CourierHealth;
use crate::model::contract::Contract;

use contracts::Built;
use documents::{Document, Whole};

pub use browser::ConfirmationPage;
pub use front_door::FrontDoor;
pub use gates::Gates;
pub use surround::Around;

/// What Latchkey's own routes tell about the server.
pub struct Vitals {
    pub courier: Arc<Mutex<CourierHealth>>,
}

/// The document of everything that is built, as YAML: what `openapi.yaml` holds.
pub fn document_yaml() -> String {
    documents::whole(SERVED).document.yaml
}

/// The same as JSON.
pub fn document_json() -> String {
    documents::whole(SERVED).document.json
}

/// All routes that speak JSON, and their document.
pub struct Tree {
    pub routes: Route,
    /// As JSON.
    pub document: String,
}

impl Tree {
    /// What a server does that serves these contracts: the others are neither routed nor announced. `docs` is whether
    /// Swagger UI is served.
    pub fn of(served: &[Contract], docs: bool) -> Tree {
        let Whole { document: whole, routes: operations } = documents::whole(served);
        let document = whole.json.clone();
        let mut routes = documented(Route::new(), "", docs, move || whole);
        for built in Built::of(served) {
            // Made when it is first asked for: most servers are never asked for all of them.
            routes = documented(routes, &format!("/{}", built.contract), docs, built.document);
        }
        Tree { routes: routes.nest_no_strip("/", operations), document }
    }
}

/// Serves a document at `/openapi<name>.json` and `.yaml`, and its page at `/docs<name>`.
fn documented(
    routes: Route,
    name: &str,
    docs: bool,
    document: impl FnOnce() -> Document + Send + 'static,
) -> Route {
    let document: Arc<LazyLock<Document, _>> = Arc::new(LazyLock::new(document));
    let serve = |kind: &'static str, text: fn(&Document) -> &String| {
        let document = Arc::clone(&document);
        let answer = move || Response::builder().content_type(kind).body(text(&document).clone());
        poem::get(make_sync(move |_| answer()))
    };
    let routes = routes
        .at(format!("/openapi{name}.json"), serve("application/json", |document| &document.json))
        .at(format!("/openapi{name}.yaml"), serve("application/yaml", |document| &document.yaml));
    if !docs {
        return routes;
    }
    let page = move |_| {
        Response::builder()
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, DOCS_POLICY)
            .body(document.page.clone())
    };
    routes.at(format!("/docs{name}"), poem::get(make_sync(page)))
}

/// Swagger UI comes as one page with its script and style inline, and calls this server alone.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";
