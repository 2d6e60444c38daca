//! One letter of the mailbox: as its reader sees it, as text, and as the bytes that travel.

use std::sync::Arc;

use minijinja::context;
use poem::http::{StatusCode, header};
use poem::web::{Data, Path, Query};
use poem::{Response, handler};
use serde::Deserialize;

use super::mailbox;
use super::render::{Notice, Renderer, html_response};
use crate::model::language::Language;
use crate::model::letter::{Letter, LetterBody, LetterState};
use crate::service::{Service, Setback, Unavailable};

/// A letter's own HTML: it may style itself inline and be framed by our page, and nothing else.
const LETTER_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

/// The ways to look at a letter, the usual first.
const VIEWS: [(&str, &str); 3] = [("html", "HTML"), ("text", "Text"), ("raw", "Raw")];

/// How a letter is looked at.
#[derive(Deserialize)]
pub struct Look {
    #[serde(default)]
    view: String,
}

/// One letter.
#[handler]
pub fn show(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    id: Path<String>,
    look: Query<Look>,
) -> Response {
    let (letter, body) = match find(&service, &id.0) {
        Ok(Some(found)) => found,
        Ok(None) => return renderer.notice(&Notice::not_found(), Language::English),
        Err(cause) => return super::link::fail(&renderer, Setback::Unavailable(cause), Language::English),
    };
    let view = VIEWS.iter().map(|(name, _)| *name).find(|name| *name == look.view).unwrap_or(VIEWS[0].0);
    let raw = (view == "raw").then(|| bytes(&service, &letter, body.clone()));
    let views: Vec<_> = VIEWS
        .iter()
        .map(|(name, label)| context! { name => *name, label => *label, chosen => *name == view })
        .collect();
    let shown = context! {
        id => letter.id.to_string(),
        others => mailbox::address(&letter.to, None),
        to => letter.to,
        from => service.mailroom.letterhead().from.as_str(),
        kind => letter.kind,
        subject => &body.subject,
        when => letter.created_at.rfc3339(),
        text => &body.text,
        links => &body.links,
        code => &body.code,
        raw => raw.map(|bytes| String::from_utf8_lossy(&bytes).replace("\r\n", "\n")),
    };
    let own = context! { title => &body.subject, letter => shown, view => view, views => views };
    renderer.page(StatusCode::OK, "letter.html", Language::English, own)
}

/// One letter's HTML part, for the frame on its page.
#[handler]
pub fn show_html(service: Data<&Arc<Service>>, id: Path<String>) -> poem::Result<Response> {
    let (_, body) = found(&service, &id.0)?;
    Ok(html_response(StatusCode::OK, LETTER_POLICY, body.html))
}

/// One letter as a file that mail programs open.
#[handler]
pub fn download(service: Data<&Arc<Service>>, id: Path<String>) -> poem::Result<Response> {
    let (letter, body) = found(&service, &id.0)?;
    let file = format!("attachment; filename=\"{}.eml\"", letter.id);
    Ok(Response::builder()
        .content_type("message/rfc822")
        .header(header::CONTENT_DISPOSITION, file)
        .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")
        .body(bytes(&service, &letter, body)))
}

/// The letter as it would be sent, byte for byte; the reason when it could not be.
fn bytes(service: &Service, letter: &Letter, body: LetterBody) -> Vec<u8> {
    service.mailroom.message(letter, body).unwrap_or_else(|unwritable| unwritable.to_string().into_bytes())
}

/// A letter of the mailbox, or the status that tells why not.
fn found(service: &Service, id: &str) -> poem::Result<(Letter, LetterBody)> {
    let found = find(service, id).map_err(poem::error::ServiceUnavailable)?;
    found.ok_or_else(|| poem::Error::from_status(StatusCode::NOT_FOUND))
}

fn find(service: &Service, id: &str) -> Result<Option<(Letter, LetterBody)>, Unavailable> {
    let Ok(id) = id.parse() else { return Ok(None) };
    let found = service
        .find_letter(id)?
        .filter(|letter| matches!(letter.state, LetterState::Waiting | LetterState::Delivered));
    Ok(found.and_then(|letter| service.mailroom.open(&letter).ok().map(|body| (letter, body))))
}
