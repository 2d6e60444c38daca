//! Where the letter that lets its reader in leads. The page uses nothing up (C3): it hands the link's secret to the
//! product, which exchanges it for tokens, for a session of Latchkey's own pages there is none.

use std::sync::Arc;

use poem::web::{Data, Query};
use poem::{Response, handler};

use super::link::{Link, LinkPage};
use super::render::Renderer;
use crate::client::Client;
use crate::model::proof::Purpose;
use crate::service::Service;

const PAGE: LinkPage = LinkPage {
    purpose: Purpose::MagicLink,
    template: "magic-link.html",
    title: "magic_title",
    followed: None,
};

/// Leads on to the product, or shows what to copy into it.
#[handler]
pub fn show(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    link: Query<Link>,
    client: Client,
) -> Response {
    PAGE.ask(&renderer, &service, (&link.0.token, client.language), &[])
}
