//! The front page: what this is, and where things are.

use std::sync::Arc;

use minijinja::context;
use poem::http::{StatusCode, header};
use poem::web::Data;
use poem::{Request, Response, handler};

use super::render::Renderer;
use crate::model::language::Language;

/// The page, or `{"status":"ok"}` for who asks for JSON.
#[handler]
pub fn show(renderer: Data<&Arc<Renderer>>, request: &Request) -> Response {
    let accept =
        request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("application/json") && !accept.contains("text/html") {
        return Response::builder().content_type("application/json").body(r#"{"status":"ok"}"#);
    }
    let own = context! {
        title => "Home",
        mailbox => renderer.settings.mailbox,
        docs => renderer.settings.docs,
        version => env!("CARGO_PKG_VERSION"),
    };
    renderer.page(StatusCode::OK, "home.html", Language::English, own)
}
