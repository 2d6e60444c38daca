//! Where the reset letter's link leads.

use std::sync::Arc;

use poem::web::{Data, Query};
use poem::{Body, Response, handler};

use super::link::{Link, LinkPage, fail, read_form};
use super::render::{Notice, Renderer};
use crate::client::Client;
use crate::model::password::Password;
use crate::model::proof::Purpose;
use crate::service::Service;
use crate::service::proving::Evidence;
use crate::service::reset::ResetError;

const PAGE: LinkPage =
    LinkPage { purpose: Purpose::Reset, template: "reset.html", title: "reset_title", followed: None };

/// Asks for a new password.
#[handler]
pub fn show(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    link: Query<Link>,
    client: Client,
) -> Response {
    PAGE.ask(&renderer, &service, (&link.0.token, client.language), &[])
}

/// Changes the password.
#[handler]
pub async fn change(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    client: Client,
    body: Body,
) -> Response {
    let language = client.language;
    let form = match read_form(&renderer, body, language).await {
        Ok(form) => form,
        Err(page) => return *page,
    };
    let token = form.field("token");
    let rule = match PAGE.password_rule(&renderer, &service, (token, language)) {
        Ok(rule) => rule,
        Err(page) => return *page,
    };
    let password = match Password::chosen(form.field("password"), &rule) {
        Ok(password) => password,
        Err(broken) => return PAGE.ask(&renderer, &service, (token, language), &broken),
    };
    let evidence = Evidence::Link(token.to_owned());
    match service.reset_password(evidence, password, client.address).await {
        Ok(member) => renderer.notice(&Notice::done("password_changed", true), member.account.language),
        Err(ResetError::InvalidEvidence) => renderer.notice(&Notice::link_ended(), language),
        Err(ResetError::Locked(wait)) => renderer.wait(&Notice::too_many_requests(), wait, language),
        Err(ResetError::Setback(setback)) => fail(&renderer, setback, language),
    }
}
