//! What a person sees in a browser: where mailed links lead, the mailbox of development, and the front page. Rendered
//! here, with one style sheet of our own (C4), one script of
//! our own for the forms that make accounts, and one for the mailbox.

mod address;
mod form;
mod home;
mod invitation;
mod letter;
mod link;
mod magic_link;
mod mailbox;
mod render;
mod reset;
mod verify;

use std::sync::Arc;

use poem::endpoint::{BoxEndpoint, make_sync};
use poem::http::header;
use poem::{Endpoint, EndpointExt, Response, Route, get};

use crate::model::contract::Contract;
use crate::model::password::PasswordRule;

use render::Renderer;

/// The routes here, with their methods, for limits, metrics and `Allow`.
pub const ROUTES: &[(&str, &[&str])] = &[
    ("/", &["GET"]),
    ("/docs", &["GET"]),
    ("/docs/{contract}", &["GET"]),
    ("/openapi.json", &["GET"]),
    ("/openapi.yaml", &["GET"]),
    ("/openapi/{document}", &["GET"]),
    ("/assets/style.css", &["GET"]),
    ("/assets/mailbox.js", &["GET"]),
    ("/captcha.js", &["GET"]),
    ("/captcha-worker.js", &["GET"]),
    ("/verify-email", &["GET", "POST"]),
    ("/verify-email/not-me", &["POST"]),
    ("/invitation", &["GET", "POST"]),
    ("/reset-password", &["GET", "POST"]),
    ("/magic-link", &["GET"]),
    ("/change-email", &["GET", "POST"]),
    ("/undo-change-email", &["GET", "POST"]),
    ("/mailbox", &["GET"]),
    ("/mailbox/newest", &["GET"]),
    ("/mailbox/clear", &["POST"]),
    ("/mailbox/{id}", &["GET"]),
    ("/mailbox/{id}/html", &["GET"]),
    ("/mailbox/{id}/eml", &["GET"]),
];

/// What belongs to a page changes with the binary alone.
const CACHED: &str = "public, max-age=3600";

/// What the pages say of this installation.
#[derive(Debug, Clone)]
pub struct PageSettings {
    pub app_name: String,
    /// Where mailed pages lead on.
    pub app_url: Option<String>,
    /// The rule for passwords chosen on a page, by the contract that the account was made through.
    pub password_rule: fn(Contract) -> PasswordRule,
    /// Whether letters are kept in the mailbox.
    pub mailbox: bool,
    /// Whether the mailbox is open to everybody.
    pub mailbox_is_public: bool,
    pub docs: bool,
    /// Whether forms that make accounts ask for work first.
    pub captcha: bool,
}

/// The pages of this installation.
pub struct Pages(Arc<Renderer>);

impl Pages {
    /// The pages, as they say what these settings say.
    pub fn new(settings: PageSettings) -> Pages {
        Pages(Arc::new(Renderer::new(settings)))
    }

    /// The page that a verification link leads to, for contracts that published an address of their own for it.
    pub fn verification(&self) -> BoxEndpoint<'static, Response> {
        get(verify::show).data(Arc::clone(&self.0)).map_to_response().boxed()
    }

    /// Adds the pages to the routes.
    pub fn mount(self, routes: Route) -> impl Endpoint {
        mount(routes, self.0)
    }
}

fn mount(routes: Route, renderer: Arc<Renderer>) -> impl Endpoint {
    let front = Arc::new(get(home::show).data(Arc::clone(&renderer)));
    let asset = |kind: &'static str, text: &'static str| {
        let answer = move || Response::builder().content_type(kind).header(header::CACHE_CONTROL, CACHED);
        get(make_sync(move |_| answer().body(text)))
    };
    let (style, script) = ("text/css; charset=utf-8", "text/javascript; charset=utf-8");
    routes
        .at("/assets/style.css", asset(style, include_str!("pages/templates/style.css")))
        .at("/assets/mailbox.js", asset(script, include_str!("pages/templates/mailbox.js")))
        .at("/captcha.js", asset(script, include_str!("pages/templates/captcha.js")))
        .at("/captcha-worker.js", asset(script, include_str!("pages/templates/captcha-worker.js")))
        .at("/verify-email", get(verify::show).post(verify::confirm).data(Arc::clone(&renderer)))
        .at("/verify-email/not-me", poem::post(verify::disown).data(Arc::clone(&renderer)))
        .at("/invitation", get(invitation::show).post(invitation::accept).data(Arc::clone(&renderer)))
        .at("/reset-password", get(reset::show).post(reset::change).data(Arc::clone(&renderer)))
        .at("/magic-link", get(magic_link::show).data(Arc::clone(&renderer)))
        .at("/change-email", get(address::show).post(address::confirm).data(Arc::clone(&renderer)))
        .at("/undo-change-email", get(address::show_undoing).post(address::undo).data(Arc::clone(&renderer)))
        .at("/mailbox", get(mailbox::list).data(Arc::clone(&renderer)))
        .at("/mailbox/newest", get(mailbox::newest))
        .at("/mailbox/clear", poem::post(mailbox::clear).data(Arc::clone(&renderer)))
        .at("/mailbox/:id<[0-9a-f]{24}>", get(letter::show).data(Arc::clone(&renderer)))
        .at("/mailbox/:id<[0-9a-f]{24}>/html", get(letter::show_html))
        .at("/mailbox/:id<[0-9a-f]{24}>/eml", get(letter::download))
        // The operations are nested at the root, where they would hide a route of "/" alone.
        .around(move |routes, request| {
            let front = Arc::clone(&front);
            async move {
                if request.uri().path() == "/" {
                    front.call(request).await
                } else {
                    routes.call(request).await
                }
            }
        })
}
