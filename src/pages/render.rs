//! Templates and texts of pages, and the headers that every page carries.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use minijinja::{Environment, Value, context};
use poem::Response;
use poem::http::{HeaderValue, StatusCode, header};

use super::PageSettings;
use crate::model::contract::Contract;
use crate::model::fault::Rule;
use crate::model::language::Language;
use crate::model::password::PasswordRule;

/// No script, no asset of anybody else's, no frame around it, forms to ourselves alone.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
    frame-src 'self'; base-uri 'none'; frame-ancestors 'none'";

const TEMPLATES: [(&str, &str); 14] = [
    ("layout.html", include_str!("templates/layout.html")),
    ("captcha.html", include_str!("templates/captcha.html")),
    ("faults.html", include_str!("templates/faults.html")),
    ("new-password.html", include_str!("templates/new-password.html")),
    ("home.html", include_str!("templates/home.html")),
    ("verify.html", include_str!("templates/verify.html")),
    ("invitation.html", include_str!("templates/invitation.html")),
    ("reset.html", include_str!("templates/reset.html")),
    ("magic-link.html", include_str!("templates/magic-link.html")),
    ("change-address.html", include_str!("templates/change-address.html")),
    ("undo-change.html", include_str!("templates/undo-change.html")),
    ("message.html", include_str!("templates/message.html")),
    ("mailbox.html", include_str!("templates/mailbox.html")),
    ("letter.html", include_str!("templates/letter.html")),
];

/// The same for a page with `captcha.html`: our own script, and its worker, may run and fetch a challenge from here.
const POLICY_WITH_CAPTCHA: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; \
    style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same for the mailbox: our own script may run there, and ask here what has come.
const POLICY_OF_MAILBOX: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; \
    img-src 'self' data:; form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The strings of a language by their key.
pub type Texts = BTreeMap<String, String>;

/// Renders pages.
pub struct Renderer {
    environment: Environment<'static>,
    texts: HashMap<Language, Texts>,
    pub settings: PageSettings,
}

/// What became of something, as a page of its own.
pub struct Notice {
    pub status: StatusCode,
    /// The stem of its two texts, `<stem>_heading` and `<stem>_text`.
    pub stem: &'static str,
    pub tone: &'static str,
    /// Whether to lead on to the product.
    pub lead_on: bool,
}

impl Notice {
    /// Something was done.
    pub fn done(stem: &'static str, lead_on: bool) -> Notice {
        Notice { status: StatusCode::OK, stem, tone: "good", lead_on }
    }

    /// A mailed link is no longer good.
    pub fn link_ended() -> Notice {
        Notice { status: StatusCode::BAD_REQUEST, stem: "link_ended", tone: "bad", lead_on: false }
    }

    /// A mailed invitation is good, and its address cannot register.
    pub fn invitation_refused() -> Notice {
        Notice { stem: "invitation_refused", ..Notice::link_ended() }
    }

    /// There is no such page.
    pub fn not_found() -> Notice {
        Notice { status: StatusCode::NOT_FOUND, stem: "not_found", tone: "bad", lead_on: false }
    }

    /// Too much at once.
    pub fn too_many_requests() -> Notice {
        let status = StatusCode::TOO_MANY_REQUESTS;
        Notice { status, stem: "too_many_requests", tone: "bad", lead_on: false }
    }

    /// A fault of ours.
    pub fn unavailable() -> Notice {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Notice { status, stem: "unavailable", tone: "bad", lead_on: false }
    }
}

impl Renderer {
    /// The templates and texts of this build.
    pub fn new(settings: PageSettings) -> Renderer {
        let mut environment = Environment::new();
        for (name, source) in TEMPLATES {
            environment.add_template(name, source).expect("embedded templates parse, as a test shows");
        }
        let texts = Language::ALL.map(|language| {
            (language, serde_json::from_str(words(language)).expect("embedded texts parse, as a test shows"))
        });
        Renderer { environment, texts: HashMap::from(texts), settings }
    }

    /// The texts of a language.
    pub fn texts(&self, language: Language) -> &Texts {
        self.texts.get(&language).expect("there are texts for every language")
    }

    /// One text; its key when it is missing, so that a page is never lost for a word.
    pub fn text(&self, language: Language, key: &str) -> String {
        self.texts(language).get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    /// A page from a template, with a context of its own beside what all pages have. One whose form holds
    /// `{% include "captcha.html" %}` sends a proof of work as the form's field `captcha`; where captchas are off, nothing
    /// is included and no script may run.
    pub fn page(&self, status: StatusCode, template: &str, language: Language, own: Value) -> Response {
        let common = context! {
            app => &self.settings.app_name,
            lang => language.code(),
            dir => language.direction(),
            t => self.texts(language),
            captcha => self.settings.captcha,
        };
        let template = self.environment.get_template(template).expect("every template is embedded");
        let policy = match template.source() {
            source if self.settings.captcha && source.contains(r#"include "captcha.html""#) => {
                POLICY_WITH_CAPTCHA
            }
            source if source.contains(r#"src="/assets/mailbox.js""#) => POLICY_OF_MAILBOX,
            _ => POLICY,
        };
        let html =
            template.render(context! { ..own, ..common }).expect("every template renders, as a test shows");
        let mut response = html_response(status, policy, html);
        response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
        response
    }

    /// A page that tells what became of something.
    pub fn notice(&self, notice: &Notice, language: Language) -> Response {
        let heading = self.text(language, &format!("{}_heading", notice.stem));
        let next = self.settings.app_url.as_ref().filter(|_| notice.lead_on);
        let own = context! {
            title => &heading,
            heading => &heading,
            text => self.text(language, &format!("{}_text", notice.stem)),
            tone => notice.tone,
            next_url => next,
            next_label => next.map(|_| self.text(language, "continue")),
        };
        self.page(notice.status, "message.html", language, own)
    }

    /// A notice with the span after which to try again.
    pub fn wait(&self, notice: &Notice, wait: Duration, language: Language) -> Response {
        let mut response = self.notice(notice, language);
        response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
        response
    }

    /// The password rule of a contract in words.
    pub fn password_rule(&self, contract: Contract, language: Language) -> String {
        let PasswordRule { min, max, mixed } = (self.settings.password_rule)(contract);
        let key = if mixed { "password_rule_mixed" } else { "password_rule_min" };
        let number = |count: usize| language.number(count as u64);
        self.text(language, key).replace("{min}", &number(min)).replace("{max}", &number(max))
    }

    /// The rules that a password breaks, in words.
    pub fn password_faults(&self, rules: &[Rule], language: Language) -> Vec<String> {
        let counted = |key, n: usize| self.text(language, key).replace("{n}", &language.number(n as u64));
        let word = |rule: &Rule| match rule {
            Rule::MinChars(n) => counted("fault_min_chars", *n),
            Rule::MaxChars(n) => counted("fault_max_chars", *n),
            Rule::NeedsUpperCase => self.text(language, "fault_upper_case"),
            Rule::NeedsLowerCase => self.text(language, "fault_lower_case"),
            Rule::NeedsDigit => self.text(language, "fault_digit"),
            _ => self.text(language, "fault_malformed"),
        };
        rules.iter().map(word).collect()
    }
}

fn words(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("texts/en.json"),
        Language::German => include_str!("texts/de.json"),
        Language::Persian => include_str!("texts/fa.json"),
        Language::French => include_str!("texts/fr.json"),
    }
}

/// An HTML answer under a content policy.
pub fn html_response(status: StatusCode, policy: &'static str, html: String) -> Response {
    Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::CACHE_CONTROL, "no-store")
        .body(html)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renderer() -> Renderer {
        Renderer::new(PageSettings {
            app_name: "Acme <Shop>".to_owned(),
            app_url: Some("https://acme.com".to_owned()),
            password_rule: |_| PasswordRule { min: 8, max: 256, mixed: true },
            mailbox: true,
            mailbox_is_public: false,
            docs: true,
            captcha: true,
        })
    }

    #[tokio::test]
    async fn every_notice_has_its_words_in_every_language() {
        let renderer = renderer();
        let notices = [
            Notice::done("verified", true),
            Notice::done("password_changed", true),
            Notice::done("account_removed", false),
            Notice::done("address_changed", true),
            Notice::done("address_restored", false),
            Notice::done("invitation_accepted", true),
            Notice::invitation_refused(),
            Notice::link_ended(),
            Notice::not_found(),
            Notice::too_many_requests(),
            Notice::unavailable(),
        ];
        for language in Language::ALL {
            for notice in &notices {
                let html = renderer.notice(notice, language).into_body().into_string().await.expect("a page");
                assert!(!html.contains(notice.stem), "{} in {language}", notice.stem);
                assert!(!html.contains("<Shop>"), "the app's name is escaped");
            }
        }
    }

    #[tokio::test]
    async fn a_form_with_a_captcha_alone_may_run_a_script_and_where_captchas_are_off_none() {
        const FORM: &str = r#"<form>{% include "captcha.html" %}</form>"#;
        for on in [true, false] {
            let mut renderer = renderer();
            renderer.settings.captcha = on;
            renderer.environment.add_template("form.html", FORM).expect("a template");
            for (template, expected) in [("form.html", on), ("home.html", false)] {
                let page = renderer.page(StatusCode::OK, template, Language::German, context! {});
                let policy =
                    page.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text").to_owned();
                let html = page.into_body().into_string().await.expect("a page");
                assert_eq!(policy.contains("script-src 'self'; worker-src 'self';"), expected, "{policy}");
                assert_eq!(policy.contains("script"), expected && !policy.contains("unsafe"), "{policy}");
                assert!(policy.starts_with("default-src 'none';"), "{policy}");
                let held = r#"<script src="/captcha.js" defer></script>"#;
                assert_eq!(html.contains(held) && html.contains("braucht JavaScript"), expected, "{html}");
                assert_eq!(html.contains(r#"name="captcha""#), expected, "{html}");
            }
        }
    }

    #[test]
    fn every_language_has_the_texts_of_every_other() {
        let renderer = renderer();
        let keys = |language| renderer.texts(language).keys().collect::<Vec<_>>();
        let counts = |text: &String| ["{n}", "{min}", "{max}"].map(|count| text.matches(count).count());
        for language in Language::ALL {
            assert_eq!(keys(language), keys(Language::English), "{language}");
            for (key, text) in renderer.texts(language) {
                assert!(!text.trim().is_empty(), "{key} in {language}");
                assert_eq!(
                    counts(text),
                    counts(&renderer.texts(Language::English)[key]),
                    "{key} in {language}"
                );
            }
        }
    }
}
