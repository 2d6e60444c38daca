//! Where the verification letter's link leads. Looking uses nothing up; only the buttons do (C3).

use std::sync::Arc;

use poem::web::{Data, Query};
use poem::{Body, Response, handler};

use super::link::{Link, LinkPage, fail, read_form};
use super::render::{Notice, Renderer};
use crate::client::Client;
use crate::model::fault::Rule;
use crate::model::password::Password;
use crate::model::proof::Purpose;
use crate::service::proving::Evidence;
use crate::service::verify::VerifyError;
use crate::service::{Service, Setback};

const PAGE: LinkPage = LinkPage {
    purpose: Purpose::Verify,
    template: "verify.html",
    title: "verify_title",
    followed: Some(("verified", true)),
};

/// Asks to confirm the address.
#[handler]
pub fn show(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    link: Query<Link>,
    client: Client,
) -> Response {
    PAGE.ask(&renderer, &service, (&link.0.token, client.language), &[])
}

/// Confirms the address.
#[handler]
pub async fn confirm(
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
    let password = match form.field("password") {
        "" => None,
        typed => match Password::chosen(typed, &rule) {
            Ok(password) => Some(password),
            Err(broken) => return PAGE.ask(&renderer, &service, (token, language), &broken),
        },
    };
    match service.verify_address(Evidence::Link(token.to_owned()), password, client.address).await {
        Ok(member) => renderer.notice(&Notice::done("verified", true), member.account.language),
        // The page lets nobody in.
        Err(VerifyError::InvalidEvidence | VerifyError::SecondFactorNeeded) => {
            renderer.notice(&Notice::link_ended(), language)
        }
        Err(VerifyError::PasswordNeeded) => {
            PAGE.ask(&renderer, &service, (token, language), &[Rule::MinChars(rule.min)])
        }
        Err(VerifyError::Setback(setback)) => fail(&renderer, setback, language),
    }
}

/// "This was not me": removes the account that waits for the address.
#[handler]
pub async fn disown(
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
    match service.disown(form.field("token"), client.address).await {
        Ok(true) => renderer.notice(&Notice::done("account_removed", false), language),
        Ok(false) => renderer.notice(&Notice::link_ended(), language),
        Err(cause) => fail(&renderer, Setback::Unavailable(cause), language),
    }
}
