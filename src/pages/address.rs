//! Where the letters about a change of address lead: confirming the new one, and undoing the change from the former.
//! Looking uses nothing up; only the buttons do (C3).

use std::sync::Arc;

use poem::web::{Data, Query};
use poem::{Body, Response, handler};

use super::link::{Link, LinkPage, fail, read_form};
use super::render::{Notice, Renderer};
use crate::client::Client;
use crate::model::account::Member;
use crate::model::language::Language;
use crate::model::proof::Purpose;
use crate::service::proving::Evidence;
use crate::service::{Service, Setback, Unavailable};

const CHANGE: LinkPage = LinkPage {
    purpose: Purpose::ChangeAddress,
    template: "change-address.html",
    title: "change_title",
    followed: Some(CHANGED),
};
const UNDO: LinkPage = LinkPage {
    purpose: Purpose::UndoChange,
    template: "undo-change.html",
    title: "undo_title",
    followed: Some(RESTORED),
};

/// What is said once it is done, and to whom follows the link again.
const CHANGED: (&str, bool) = ("address_changed", true);
const RESTORED: (&str, bool) = ("address_restored", false);

/// Asks to confirm the new address.
#[handler]
pub fn show(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    link: Query<Link>,
    client: Client,
) -> Response {
    CHANGE.ask(&renderer, &service, (&link.0.token, client.language), &[])
}

/// Changes the address.
#[handler]
pub async fn confirm(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    client: Client,
    body: Body,
) -> Response {
    let form = match read_form(&renderer, body, client.language).await {
        Ok(form) => form,
        Err(page) => return *page,
    };
    let evidence = Evidence::Link(form.field("token").to_owned());
    let changed = service.confirm_address(evidence, client.address).await;
    outcome(&renderer, changed, CHANGED, client.language)
}

/// Asks to undo a change.
#[handler]
pub fn show_undoing(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    link: Query<Link>,
    client: Client,
) -> Response {
    UNDO.ask(&renderer, &service, (&link.0.token, client.language), &[])
}

/// Undoes a change.
#[handler]
pub async fn undo(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    client: Client,
    body: Body,
) -> Response {
    let form = match read_form(&renderer, body, client.language).await {
        Ok(form) => form,
        Err(page) => return *page,
    };
    let restored = service.undo_address_change(form.field("token"), client.address).await;
    outcome(&renderer, restored, RESTORED, client.language)
}

fn outcome(
    renderer: &Renderer,
    verdict: Result<Option<Member>, Unavailable>,
    (done, lead_on): (&'static str, bool),
    language: Language,
) -> Response {
    match verdict {
        Ok(Some(member)) => renderer.notice(&Notice::done(done, lead_on), member.account.language),
        Ok(None) => renderer.notice(&Notice::link_ended(), language),
        Err(cause) => fail(renderer, Setback::Unavailable(cause), language),
    }
}
