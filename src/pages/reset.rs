//! Where the reset letter's link leads.

use std::sync::Arc;

use minijinja::context;
use poem::http::StatusCode;
use poem::web::{Data, Query};
use poem::{Body, Response, handler};

use super::form::Form;
use super::render::{Notice, Renderer};
use super::verify::{Link, fail};
use crate::client::Client;
use crate::model::fault::Rule;
use crate::model::language::Language;
use crate::model::network::Network;
use crate::model::password::Password;
use crate::model::proof::Purpose;
use crate::service::Service;
use crate::service::proving::Evidence;
use crate::service::reset::ResetError;

/// Asks for a new password.
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
    match service.inspect_proof(token, Purpose::Reset) {
        Ok(Some(open)) => {
            let language = open.member.account.language;
            let own = context! {
                title => renderer.text(language, "reset_title"),
                token => token,
                address => open.member.account.email.as_str(),
                password_rule => renderer.password_rule(language),
                faults => renderer.password_faults(broken, language),
            };
            let status = if broken.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            renderer.page(status, "reset.html", language, own)
        }
        Ok(None) => renderer.notice(&Notice::link_ended(), language),
        Err(cause) => {
            tracing::error!("{cause}");
            renderer.notice(&Notice::unavailable(), language)
        }
    }
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
    let form = match Form::read(body).await {
        Ok(form) => form,
        Err(status) => return renderer.notice(&Notice { status, ..Notice::link_ended() }, language),
    };
    let token = form.field("token");
    let password = match Password::chosen(form.field("password"), &renderer.settings.password_rule) {
        Ok(password) => password,
        Err(broken) => return ask(&renderer, &service, token, language, &broken),
    };
    let evidence = Evidence::Link(token.to_owned());
    match service.reset_password(evidence, password, Network::from(client.address)).await {
        Ok(member) => renderer.notice(&Notice::done("password_changed", true), member.account.language),
        Err(ResetError::InvalidEvidence) => renderer.notice(&Notice::link_ended(), language),
        Err(ResetError::Locked(wait)) => renderer.wait(&Notice::too_many_requests(), wait, language),
        Err(ResetError::Setback(setback)) => fail(&renderer, setback, language),
    }
}
