//! Where the verification letter's link leads. Looking uses nothing up; only the buttons do (C3).

use std::sync::Arc;

use minijinja::context;
use poem::http::StatusCode;
use poem::web::{Data, Query};
use poem::{Body, Response, handler};
use serde::Deserialize;

use super::form::Form;
use super::render::{Notice, Renderer};
use crate::client::Client;
use crate::model::fault::Rule;
use crate::model::language::Language;
use crate::model::password::Password;
use crate::model::proof::Purpose;
use crate::service::proving::Evidence;
use crate::service::verify::VerifyError;
use crate::service::{Service, Setback};

/// What a mailed link carries.
#[derive(Deserialize)]
pub struct Link {
    #[serde(default)]
    pub token: String,
}

/// Asks to confirm the address.
#[handler]
pub fn show(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    link: Query<Link>,
    client: Client,
) -> Response {
    ask(&renderer, &service, &link.0.token, client.language, &[])
}

fn ask(renderer: &Renderer, service: &Service, token: &str, language: Language, broken: &[Rule]) -> Response {
    match service.inspect_proof(token, Purpose::Verify) {
        Ok(Some(open)) => {
            let language = open.member.account.language;
            let own = context! {
                title => renderer.text(language, "verify_title"),
                token => token,
                address => open.member.account.email.as_str(),
                needs_password => open.needs_password,
                password_rule => renderer.password_rule(language),
                faults => renderer.password_faults(broken, language),
            };
            let status = if broken.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            renderer.page(status, "verify.html", language, own)
        }
        Ok(None) => renderer.notice(&Notice::link_ended(), language),
        Err(cause) => {
            tracing::error!("{cause}");
            renderer.notice(&Notice::unavailable(), language)
        }
    }
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
    let form = match Form::read(body).await {
        Ok(form) => form,
        Err(status) => return renderer.notice(&Notice { status, ..Notice::link_ended() }, language),
    };
    let token = form.field("token");
    let password = match form.field("password") {
        "" => None,
        typed => match Password::chosen(typed, &renderer.settings.password_rule) {
            Ok(password) => Some(password),
            Err(broken) => return ask(&renderer, &service, token, language, &broken),
        },
    };
    let verified = service.verify_address(Evidence::Link(token.to_owned()), password).await;
    match verified {
        Ok(member) => renderer.notice(&Notice::done("verified", true), member.account.language),
        Err(VerifyError::InvalidEvidence) => renderer.notice(&Notice::link_ended(), language),
        Err(VerifyError::PasswordNeeded) => {
            let least = Rule::MinChars(renderer.settings.password_rule.min);
            ask(&renderer, &service, token, language, &[least])
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
    let form = match Form::read(body).await {
        Ok(form) => form,
        Err(status) => return renderer.notice(&Notice { status, ..Notice::link_ended() }, language),
    };
    match service.disown(form.field("token")).await {
        Ok(true) => renderer.notice(&Notice::done("account_removed", false), language),
        Ok(false) => renderer.notice(&Notice::link_ended(), language),
        Err(cause) => fail(&renderer, Setback::Unavailable(cause), language),
    }
}

/// The page for what can go wrong anywhere.
pub fn fail(renderer: &Renderer, setback: Setback, language: Language) -> Response {
    match setback {
        Setback::Busy(wait) => renderer.wait(&Notice::unavailable(), wait, language),
        Setback::Unavailable(cause) => {
            tracing::error!("{cause}");
            renderer.notice(&Notice::unavailable(), language)
        }
    }
}
