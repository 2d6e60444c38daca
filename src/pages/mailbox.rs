//! The mailbox of development: letters as they would have been sent. Gated by the layer around every request.

use std::sync::Arc;

use minijinja::context;
use poem::http::{HeaderMap, StatusCode, header};
use poem::web::{Data, Query};
use poem::{Request, Response, handler};
use serde::Deserialize;

use super::render::Renderer;
use crate::model::id::LetterId;
use crate::model::language::Language;
use crate::service::mailbox::Search;
use crate::service::{Service, Setback, Unavailable};

/// Letters on a page.
const SHOWN: usize = 50;
/// By which a browser tells who made a page send a request (Fetch Metadata).
const FETCH_SITE: &str = "sec-fetch-site";

const PLAIN: &str = "text/plain; charset=utf-8";

/// What the list is asked for.
#[derive(Deserialize)]
pub struct Wish {
    /// A part of the address.
    #[serde(default)]
    q: String,
    /// The id of a letter: those older than it.
    #[serde(default)]
    before: String,
}

/// The letters, newest first.
#[handler]
pub fn list(renderer: Data<&Arc<Renderer>>, service: Data<&Arc<Service>>, wish: Query<Wish>) -> Response {
    match context_of(&service, &wish) {
        Ok(letters) => {
            let own = context! {
                title => "Mailbox",
                public => renderer.settings.mailbox_is_public,
                docs => renderer.settings.docs,
                ..letters
            };
            renderer.page(StatusCode::OK, "mailbox.html", Language::English, own)
        }
        Err(cause) => super::link::fail(&renderer, Setback::Unavailable(cause), Language::English),
    }
}

fn context_of(service: &Service, wish: &Wish) -> Result<minijinja::Value, Unavailable> {
    // Taken before the letters are: one that comes in between is asked for once more.
    let state = service.mailbox_state()?;
    let search = Search::holding(&wish.q);
    let before = Some(wish.before.as_str()).filter(|id| !id.is_empty()).map(LetterId::named);
    let mut letters = service.mailbox(&search, before, SHOWN as i64 + 1)?;
    let more = letters.len() > SHOWN;
    letters.truncate(SHOWN);
    let older = letters.last().filter(|_| more).map(|last| address(&wish.q, Some(last.id)));
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
    Ok(context! {
        state => state,
        q => &wish.q,
        total => service.mailbox_count(&search)?,
        letters => rows,
        older => older,
        newest => before.map(|_| address(&wish.q, None)),
    })
}

/// The address of a page of the list.
pub fn address(q: &str, before: Option<LetterId>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if !q.is_empty() {
        query.append_pair("q", q);
    }
    if let Some(before) = before {
        query.append_pair("before", &before.to_string());
    }
    match query.finish() {
        query if query.is_empty() => "/mailbox".to_owned(),
        query => format!("/mailbox?{query}"),
    }
}

/// What changes whenever the mailbox does, for the page's script to look at.
#[handler]
pub fn newest(service: Data<&Arc<Service>>) -> poem::Result<Response> {
    let state = service.mailbox_state().map_err(poem::error::ServiceUnavailable)?;
    Ok(Response::builder().content_type(PLAIN).body(state))
}

/// Takes all letters out, for the page's button.
#[handler]
pub async fn clear(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    request: &Request,
) -> Response {
    if !is_of_our_page(request.headers(), request.uri().host()) {
        let sentence = "Only the mailbox's own page may empty it. Open /mailbox and press its button.";
        return Response::builder().status(StatusCode::FORBIDDEN).content_type(PLAIN).body(sentence);
    }
    match service.clear_mailbox(Search::all()).await {
        Ok(_) => {
            Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, "/mailbox").finish()
        }
        Err(cause) => super::link::fail(&renderer, Setback::Unavailable(cause), Language::English),
    }
}

/// Whether a page of ours, or no page at all, sent a request: a page of anybody else can make a browser post, and a
/// browser says so. Only what is no browser leaves both headers out.
fn is_of_our_page(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text(FETCH_SITE) {
        return site == "same-origin";
    }
    let Some(origin) = text("origin") else { return true };
    let own = text("host").or(authority).unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, host)| host.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_page_or_no_browser_may_empty_the_mailbox() {
        let rows: &[(&[(&str, &str)], bool)] = &[
            (&[("host", "localhost:8080")], true),
            (&[("host", "localhost:8080"), ("sec-fetch-site", "same-origin"), ("origin", "null")], true),
            (&[("host", "localhost:8080"), ("sec-fetch-site", "same-site")], false),
            (&[("host", "localhost:8080"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "localhost:8080"), ("sec-fetch-site", "none")], false),
            (&[("host", "desk.example:8080"), ("origin", "http://desk.example:8080")], true),
            (&[("host", "desk.example:8080"), ("origin", "http://desk.example:9090")], false),
            (&[("host", "desk.example"), ("origin", "https://evil.example")], false),
            (&[("host", "desk.example"), ("origin", "null")], false),
            (&[("host", "desk.example"), ("origin", "https://desk.example.evil.example")], false),
        ];
        for (given, expected) in rows {
            let mut headers = HeaderMap::new();
            for (name, value) in *given {
                headers.insert(*name, value.parse().expect("a value"));
            }
            assert_eq!(is_of_our_page(&headers, None), *expected, "{given:?}");
        }
    }
}
