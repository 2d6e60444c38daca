//! HTTP with JSON: the contracts and Latchkey's own routes, mounted into one tree and one document.

pub mod accept;
pub mod body;
mod cors;
pub mod flashback;
mod gates;
pub mod guard;
pub mod inventory;
pub mod limits;
pub mod metering;
mod own;
pub mod problem;
pub mod reply;
mod shapes;
pub mod surround;

use std::sync::{Arc, Mutex};

use poem::endpoint::make_sync;
use poem::http::header;
use poem::{IntoEndpoint, Response, Route};
use poem_openapi::{OpenApi, OpenApiService};

use crate::mail::courier::CourierHealth;

pub use gates::Gates;
pub use surround::Around;

/// What Latchkey's own routes tell about the server.
pub struct Vitals {
    pub courier: Arc<Mutex<CourierHealth>>,
}

fn service() -> OpenApiService<impl OpenApi + Clone, ()> {
    let operations = (flashback::operations(), own::operations());
    OpenApiService::new(operations, "Latchkey", env!("CARGO_PKG_VERSION"))
        .server("/")
        .description(include_str!("api/description.md"))
}

/// The document as YAML: what `openapi.yaml` holds.
pub fn document_yaml() -> String {
    service().spec_yaml()
}

/// The document as JSON.
pub fn document_json() -> String {
    service().spec()
}

/// All routes that speak JSON, and the documentation where it is switched on.
pub fn routes(docs: bool) -> Route {
    let service = service();
    let json = serve_text("application/json", service.spec());
    let yaml = serve_text("application/yaml", service.spec_yaml());
    let page = service.swagger_ui_html().replacen("<head>", FOR_PHONES, 1);
    let mut route = Route::new().at("/openapi.json", json).at("/openapi.yaml", yaml);
    if docs {
        route = route.at(
            "/docs",
            poem::get(make_sync(move |_| {
                Response::builder()
                    .content_type("text/html; charset=utf-8")
                    .header(header::CONTENT_SECURITY_POLICY, DOCS_POLICY)
                    .body(page.clone())
            })),
        );
    }
    route.nest_no_strip("/", service)
}

/// The page of Swagger UI knows no phones: without a viewport it is a shrunken desktop, and with one alone the
/// descriptions of tags collapse to a letter a line.
const FOR_PHONES: &str = concat!(
    r#"<head><meta name="viewport" content="width=device-width, initial-scale=1">"#,
    "<style>@media (max-width:640px){.opblock-tag small{display:none}}</style>"
);

/// Swagger UI comes as one page with its script and style inline, and calls this server alone.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

fn serve_text(kind: &'static str, text: String) -> impl IntoEndpoint {
    poem::get(make_sync(move |_| Response::builder().content_type(kind).body(text.clone())))
}
