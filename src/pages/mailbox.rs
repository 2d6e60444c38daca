//! The mailbox of development: letters as they would have been sent. Gated by the layer around every request.

use std::sync::Arc;

use minijinja::context;
use poem::http::StatusCode;
use poem::web::{Data, Path};
use poem::{Response, handler};

use super::render::{Notice, Renderer, html_response};
use crate::model::language::Language;
use crate::model::letter::{Letter, LetterBody, LetterState};
use crate::service::Unavailable;
use crate::service::{Service, Setback};

/// Letters on a page.
const SHOWN: i64 = 200;

/// A letter's own HTML: it may style itself inline and be framed by our page, and nothing else.
const LETTER_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

/// The letters, newest first.
#[handler]
pub fn list(renderer: Data<&Arc<Renderer>>, service: Data<&Arc<Service>>) -> Response {
    let letters = match service.mailbox(SHOWN) {
        Ok(letters) => letters,
        Err(cause) => return super::link::fail(&renderer, Setback::Unavailable(cause), Language::English),
    };
    let rows: Vec<_> = letters
        .iter()
        .filter_map(|letter| service.mailroom.open(letter).ok().map(|body| (letter, body)))
        .map(|(letter, body)| {
            context! {
                id => letter.id.to_string(),
                to => &letter.to,
                kind => &letter.kind,
                subject => body.subject,
                when => letter.created_at.rfc3339(),
            }
        })
        .collect();
    let own = context! {
        title => "Mailbox",
        total => rows.len(),
        letters => rows,
        public => renderer.settings.mailbox_is_public,
    };
    renderer.page(StatusCode::OK, "mailbox.html", Language::English, own)
}

/// One letter.
#[handler]
pub fn show_letter(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    id: Path<String>,
) -> Response {
    match find(&service, &id.0) {
        Ok(Some((letter, body))) => {
            let shown = context! {
                id => letter.id.to_string(),
                to => letter.to,
                from => service.mailroom.letterhead().from.as_str(),
                kind => letter.kind,
                subject => &body.subject,
                when => letter.created_at.rfc3339(),
                text => &body.text,
                links => &body.links,
                code => &body.code,
            };
            let own = context! { title => &body.subject, letter => shown };
            renderer.page(StatusCode::OK, "letter.html", Language::English, own)
        }
        Ok(None) => renderer.notice(&Notice::not_found(), Language::English),
        Err(cause) => super::link::fail(&renderer, Setback::Unavailable(cause), Language::English),
    }
}

/// One letter's HTML part, for the frame on its page.
#[handler]
pub fn show_html(service: Data<&Arc<Service>>, id: Path<String>) -> Response {
    match find(&service, &id.0) {
        Ok(Some((_, body))) => html_response(StatusCode::OK, LETTER_POLICY, body.html),
        Ok(None) => StatusCode::NOT_FOUND.into(),
        Err(cause) => {
            tracing::error!("{cause}");
            StatusCode::SERVICE_UNAVAILABLE.into()
        }
    }
}

fn find(service: &Service, id: &str) -> Result<Option<(Letter, LetterBody)>, Unavailable> {
    let Ok(id) = id.parse() else { return Ok(None) };
    let found = service
        .find_letter(id)?
        .filter(|letter| matches!(letter.state, LetterState::Waiting | LetterState::Delivered));
    Ok(found.and_then(|letter| service.mailroom.open(&letter).ok().map(|body| (letter, body))))
}
