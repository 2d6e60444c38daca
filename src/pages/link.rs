//! What the pages behind mailed links share: asking without using anything up (C3), reading the form, and the page for
//! what can go wrong anywhere.

use minijinja::context;
use poem::http::StatusCode;
use poem::{Body, Response};
use serde::Deserialize;

use super::form::Form;
use super::render::{Notice, Renderer};
use crate::model::fault::Rule;
use crate::model::language::Language;
use crate::model::password::PasswordRule;
use crate::model::proof::Purpose;
use crate::service::{Service, Setback};

/// What a mailed link carries.
#[derive(Deserialize)]
pub struct Link {
    #[serde(default)]
    pub token: String,
}

/// A page that a mailed link leads to.
pub struct LinkPage {
    pub purpose: Purpose,
    pub template: &'static str,
    /// The key of its title.
    pub title: &'static str,
    /// What to say, and whether to lead on, when the link has done its work already: whoever follows it again is not to
    /// be alarmed. None where a second visit is one too many.
    pub followed: Option<(&'static str, bool)>,
}

impl LinkPage {
    /// The page with its form; `broken` are the rules that a password sent before breaks.
    pub fn ask(
        &self,
        renderer: &Renderer,
        service: &Service,
        (token, language): (&str, Language),
        broken: &[Rule],
    ) -> Response {
        let open = match service.inspect_proof(token, self.purpose) {
            Ok(Some(open)) => open,
            Ok(None) => {
                let followed = |_: &_| service.was_followed(token, self.purpose).unwrap_or(false);
                let notice = match self.followed.filter(followed) {
                    Some((done, lead_on)) => Notice::done(done, lead_on),
                    None => Notice::link_ended(),
                };
                return renderer.notice(&notice, language);
            }
            Err(cause) => return fail(renderer, Setback::Unavailable(cause), language),
        };
        let language = open.member.account.language;
        let own = context! {
            title => renderer.text(language, self.title),
            token => token,
            address => open.address.as_str(),
            unproved => open.member.account.verified_at.is_none(),
            app_entry => renderer.settings.app_url.as_deref().map(|url| app_entry(url, token)),
            needs_password => open.needs_password,
            password_rule => renderer.password_rule(open.member.account.contract, language),
            faults => renderer.password_faults(broken, language),
        };
        let status = if broken.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        renderer.page(status, self.template, language, own)
    }
}

/// The product's page with a link's secret in the fragment, which browsers keep from servers and from `Referer`.
fn app_entry(app_url: &str, token: &str) -> String {
    let separator = if app_url.contains('#') { '&' } else { '#' };
    format!("{app_url}{separator}magic_token={token}")
}

impl LinkPage {
    /// The rule for a password chosen with the link: that of the contract its account was made through.
    ///
    /// # Errors
    /// The page that says why there is none.
    pub fn password_rule(
        &self,
        renderer: &Renderer,
        service: &Service,
        (token, language): (&str, Language),
    ) -> Result<PasswordRule, Box<Response>> {
        match service.inspect_proof(token, self.purpose) {
            Ok(Some(open)) => Ok((renderer.settings.password_rule)(open.member.account.contract)),
            Ok(None) => Err(Box::new(renderer.notice(&Notice::link_ended(), language))),
            Err(cause) => Err(Box::new(fail(renderer, Setback::Unavailable(cause), language))),
        }
    }
}

/// The form that a button sent, or the page that says why it cannot be read.
pub async fn read_form(renderer: &Renderer, body: Body, language: Language) -> Result<Form, Box<Response>> {
    Form::read(body)
        .await
        .map_err(|status| Box::new(renderer.notice(&Notice { status, ..Notice::link_ended() }, language)))
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
