//! Where the link of an invitation leads. Looking uses nothing up; only the button does (C3).

use std::sync::Arc;

use minijinja::context;
use poem::http::StatusCode;
use poem::web::{Data, Query};
use poem::{Body, Response, handler};

use super::form::Form;
use super::link::{Link, fail, read_form};
use super::render::{Notice, Renderer};
use crate::client::Client;
use crate::model::contract::Contract;
use crate::model::fault::Rule;
use crate::model::invitation::InvitationSecret;
use crate::model::language::Language;
use crate::model::name::LongName;
use crate::model::password::Password;
use crate::service::invitation::accept::{AcceptError, Acceptance, CaptchaAnswer};
use crate::service::{Service, Setback};

/// What somebody typed, so that a page that asks again holds it.
#[derive(Default)]
struct Typed<'a> {
    first_name: &'a str,
    last_name: &'a str,
    /// What is wrong with it, in words.
    faults: Vec<String>,
}

/// Asks for names and password.
#[handler]
pub fn show(
    renderer: Data<&Arc<Renderer>>,
    service: Data<&Arc<Service>>,
    link: Query<Link>,
    client: Client,
) -> Response {
    ask(&renderer, &service, (&link.0.token, client.language), Typed::default())
}

/// Makes the account.
#[handler]
pub async fn accept(
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
    let typed =
        |faults| Typed { first_name: form.field("first_name"), last_name: form.field("last_name"), faults };
    let order = match order(&renderer, &form, language) {
        Ok(order) => order,
        Err(faults) => return ask(&renderer, &service, (token, language), typed(faults)),
    };
    let captcha = CaptchaAnswer::Page(form.field("captcha").to_owned());
    match service.accept_invitation(order, captcha, client.address).await {
        Ok(member) => renderer.notice(&Notice::done("invitation_accepted", true), member.account.language),
        Err(AcceptError::NotOpen | AcceptError::OtherAddress) => {
            renderer.notice(&Notice::link_ended(), language)
        }
        Err(AcceptError::AddressTaken | AcceptError::DomainBanned) => {
            renderer.notice(&Notice::invitation_refused(), language)
        }
        Err(AcceptError::CaptchaRefused) => {
            let fault = renderer.text(language, "fault_captcha");
            ask(&renderer, &service, (token, language), typed(vec![fault]))
        }
        Err(AcceptError::Setback(setback)) => fail(&renderer, setback, language),
    }
}

/// What the form asks for, or all that is wrong with it, in words.
fn order(renderer: &Renderer, form: &Form, language: Language) -> Result<Acceptance, Vec<String>> {
    let name = |field: &str, rule_key: &str| {
        LongName::parse(form.field(field)).map_err(|_: Rule| vec![renderer.text(language, rule_key)])
    };
    let (first, last) = (name("first_name", "fault_first_name"), name("last_name", "fault_last_name"));
    let rule = (renderer.settings.password_rule)(Contract::AppMaker);
    let password = Password::chosen(form.field("password"), &rule)
        .map_err(|broken| renderer.password_faults(&broken, language));
    match (first, last, password) {
        (Ok(first_name), Ok(last_name), Ok(password)) => Ok(Acceptance {
            secret: InvitationSecret::shown(form.field("token")),
            email: None,
            password,
            first_name,
            last_name,
            language,
        }),
        (first, last, password) => {
            Err([first.err(), last.err(), password.err()].into_iter().flatten().flatten().collect())
        }
    }
}

fn ask(
    renderer: &Renderer,
    service: &Service,
    (token, language): (&str, Language),
    typed: Typed<'_>,
) -> Response {
    let shown = match service.inspect_invitation(&InvitationSecret::shown(token)) {
        Ok(Some(shown)) if shown.open => shown,
        // Whoever follows the link again is not to be alarmed.
        Ok(Some(_)) => return renderer.notice(&Notice::done("invitation_accepted", true), language),
        Ok(None) => return renderer.notice(&Notice::link_ended(), language),
        Err(cause) => return fail(renderer, Setback::Unavailable(cause), language),
    };
    let status = if typed.faults.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let own = context! {
        title => renderer.text(language, "invitation_title"),
        token => token,
        organization => shown.organization,
        address => shown.invitation.email.as_str(),
        first_name => typed.first_name,
        last_name => typed.last_name,
        password_rule => renderer.password_rule(Contract::AppMaker, language),
        faults => typed.faults,
    };
    renderer.page(status, "invitation.html", language, own)
}
