//! Operations that answer a person's browser: with a page, or with the way to one. Pages themselves are no concern of a
//! contract's: whoever composes the server hands them in.

use std::marker::PhantomData;

use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;

use super::problem::{Family, Problem};
use super::reply::{ALWAYS, Status, failure, problem_response};

/// The page that asks to confirm an address; it takes `?token=` and uses nothing up.
pub struct ConfirmationPage(pub BoxEndpoint<'static, Response>);

impl ConfirmationPage {
    /// The page, for a request with its query.
    pub async fn show<F: Family>(&self, request: &Request) -> PageReply<F> {
        let mut asked =
            Request::builder().method(request.method().clone()).uri(request.uri().clone()).finish();
        *asked.headers_mut() = request.headers().clone();
        *asked.extensions_mut() = request.extensions().clone();
        let response = self.0.call(asked).await;
        PageReply(
            response.unwrap_or_else(|error| problem_response(&Problem::<F>::of_error(&error))),
            PhantomData,
        )
    }
}

/// An operation's answer that is a page.
pub struct PageReply<F>(Response, PhantomData<fn() -> F>);

impl<F> IntoResponse for PageReply<F> {
    fn into_response(self) -> Response {
        self.0
    }
}

/// What a page says of a link that is not good, and what the family says of a query that cannot be read.
const NOT_GOOD: Status = (400, "The link is not good: unknown, used or expired; or the query is malformed.");
const UNAVAILABLE: Status =
    (503, "The server cannot reach its database: wait as long as `Retry-After` says.");

impl<F: Family> ApiResponse for PageReply<F> {
    fn meta() -> MetaResponses {
        let page = || MetaMediaType {
            content_type: "text/html; charset=utf-8",
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        };
        let page_or_failure = |status: Status| {
            let MetaResponse { content, .. } = failure::<F>(status);
            let content = [page()].into_iter().chain(content).collect();
            MetaResponse { content, ..failure::<F>(status) }
        };
        let shown = MetaResponse { content: vec![page()], ..failure::<F>((200, "The page.")) };
        let others =
            ALWAYS.iter().filter(|(status, _)| *status != UNAVAILABLE.0).map(|status| failure::<F>(*status));
        let responses = [shown, page_or_failure(NOT_GOOD)].into_iter().chain(others);
        MetaResponses { responses: responses.chain([page_or_failure(UNAVAILABLE)]).collect() }
    }

    fn register(registry: &mut Registry) {
        F::Body::register(registry);
    }
}

/// An operation's answer that leads a browser on, within this server.
pub struct Onward<F> {
    /// A whole URL.
    location: HeaderValue,
    family: PhantomData<fn() -> F>,
}

impl<F> Onward<F> {
    /// On to a page of this server, below its public URL, with a token in the query.
    pub fn to_page(public_url: &str, path: &str, token: &str) -> Onward<F> {
        let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let location = HeaderValue::try_from(format!("{public_url}{path}?token={token}"));
        Onward { location: location.expect("a URL without control characters"), family: PhantomData }
    }
}

impl<F> IntoResponse for Onward<F> {
    fn into_response(self) -> Response {
        let mut response = Response::builder().status(StatusCode::FOUND).finish();
        response.headers_mut().insert(header::LOCATION, self.location);
        response
    }
}

impl<F: Family> ApiResponse for Onward<F> {
    fn meta() -> MetaResponses {
        let location = MetaHeader {
            name: "Location".to_owned(),
            description: Some("The page, below the public URL of this server.".to_owned()),
            required: true,
            deprecated: false,
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        };
        let found = failure::<F>((302, "The way to the page."));
        let headers = found.headers.into_iter().chain([location]).collect();
        let found = MetaResponse { content: Vec::new(), headers, ..found };
        let others = ALWAYS.iter().map(|status| failure::<F>(*status));
        MetaResponses { responses: [found].into_iter().chain(others).collect() }
    }

    fn register(registry: &mut Registry) {
        F::Body::register(registry);
    }
}
