//! Asking the service whose widget the client showed whether an answer is good. reCAPTCHA, hCaptcha and Turnstile share
//! one protocol, `siteverify`.
//!
//! The service may be slow, down, or not what it says: it gets seconds, a bounded answer is read, and whatever is not a
//! clear yes for a page of ours is a no.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response, header, redirect};
use rustls::ClientConfig;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::Fault;

/// How long asking may take in all (contracts/appmaker.md, section 3).
pub const TIME_LIMIT: Duration = Duration::from_secs(5);
/// Questions at a time. Past that, answers are refused at once: a service that hangs must not pile up requests.
const MOST_AT_ONCE: usize = 64;
/// More bytes than any verdict has.
const LONGEST_VERDICT: usize = 64 * 1024;
/// More characters than any answer of the three has.
const LONGEST_ANSWER: usize = 8 * 1024;

/// The codes by which the three services find fault with the answer; all others are about the question, and the
/// operator's to mend.
const ABOUT_THE_ANSWER: [&str; 8] = [
    "missing-input-response",
    "invalid-input-response",
    "expired-input-response",
    "already-seen-response",
    "invalid-or-already-seen-response",
    "timeout-or-duplicate",
    "missing-remoteip",
    "invalid-remoteip",
];

/// What the service knows us by. `Debug` does not show it, and nobody but the service is sent it.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceSecret(String);

impl ServiceSecret {
    /// Takes a secret as the service gave it out.
    pub fn new(text: &str) -> ServiceSecret {
        ServiceSecret(text.to_owned())
    }
}

impl fmt::Debug for ServiceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceSecret(…)")
    }
}

/// Whom to ask, and for what pages an answer is good.
#[derive(Debug, Clone)]
pub struct SiteVerify {
    /// https, or http on this machine; no redirect is followed.
    pub url: String,
    pub secret: ServiceSecret,
    /// The hosts, in lower case, on whose pages the widget stands.
    pub hostnames: Vec<String>,
    /// How long asking may take in all: [`TIME_LIMIT`], less in tests.
    pub time_limit: Duration,
}

/// Asks the service.
pub struct Asking {
    service: SiteVerify,
    client: Client,
    at_once: Semaphore,
}

/// What the service says (`siteverify`'s answer; more keys mean nothing here).
#[derive(Deserialize)]
struct Verdict {
    success: bool,
    #[serde(default)]
    hostname: Option<String>,
    #[serde(default, rename = "error-codes")]
    error_codes: Vec<String>,
}

impl Asking {
    /// A client that believes whom `tls` believes, keeps to the URL, and takes no proxy from the environment.
    ///
    /// # Errors
    /// A sentence, when the client cannot be made.
    pub fn new(service: SiteVerify, tls: &Arc<ClientConfig>) -> Result<Asking, String> {
        let client = Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(tls))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .build()
            .map_err(|error| format!("no client for {} can be made: {}", service.url, causes(&error)))?;
        Ok(Asking { service, client, at_once: Semaphore::new(MOST_AT_ONCE) })
    }

    /// Asks about an answer that came from an address. Dropped in the middle, it asks no more.
    ///
    /// # Errors
    /// [`Fault`]; what is the service's or the operator's is in the log, without the answer or the secret.
    pub async fn judge(&self, answer: &str, address: IpAddr) -> Result<(), Fault> {
        if answer.len() > LONGEST_ANSWER {
            return Err(Fault::Wrong);
        }
        let Ok(_place) = self.at_once.try_acquire() else {
            return Err(self.unavailable(format_args!("{MOST_AT_ONCE} questions already wait for it")));
        };
        let limit = self.service.time_limit;
        let asked = tokio::time::timeout(limit, self.ask(answer, address)).await;
        match asked {
            Ok(Ok(verdict)) => self.weigh(&verdict),
            Ok(Err(cause)) => Err(self.unavailable(cause)),
            Err(_) => Err(self.unavailable(format_args!("no answer within {} ms", limit.as_millis()))),
        }
    }

    async fn ask(&self, answer: &str, address: IpAddr) -> Result<Verdict, String> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("secret", &self.service.secret.0)
            .append_pair("response", answer)
            .append_pair("remoteip", &address.to_string())
            .finish();
        let request = self
            .client
            .post(&self.service.url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(form);
        let response = request.send().await.map_err(|error| causes(&error.without_url()))?;
        let status = response.status();
        // What is wrong with a question, some of the services tell with a 4xx in the shape of a verdict.
        if !status.is_success() && !status.is_client_error() {
            return Err(format!("it answered {status}"));
        }
        let body = bounded(response).await?;
        let verdict: Verdict = serde_json::from_slice(&body)
            .map_err(|_| format!("it answered {status} with something that is no verdict"))?;
        if verdict.success && !status.is_success() {
            return Err(format!("it answered {status} with a success"));
        }
        Ok(verdict)
    }

    fn weigh(&self, verdict: &Verdict) -> Result<(), Fault> {
        if !verdict.success {
            let about_us = |code: &&String| !ABOUT_THE_ANSWER.contains(&code.as_str());
            let codes: Vec<String> =
                verdict.error_codes.iter().filter(about_us).take(4).map(|code| shown(code)).collect();
            if codes.is_empty() {
                return Err(Fault::Wrong);
            }
            return Err(
                self.unavailable(format_args!("it finds fault with the question: {}", codes.join(", ")))
            );
        }
        match &verdict.hostname {
            Some(host) if self.service.hostnames.contains(&host.to_ascii_lowercase()) => Ok(()),
            Some(host) => {
                tracing::warn!(
                    "a captcha was answered on a page of {}, which LATCHKEY_CAPTCHA_HOSTNAMES does not name",
                    shown(host)
                );
                Err(Fault::Elsewhere)
            }
            None => {
                tracing::warn!("the captcha service does not tell on which page an answer was given");
                Err(Fault::Elsewhere)
            }
        }
    }

    fn unavailable(&self, cause: impl fmt::Display) -> Fault {
        tracing::error!("the captcha service at {} gives no verdict: {cause}", self.service.url);
        Fault::Unavailable
    }
}

/// The body, as long as it is within [`LONGEST_VERDICT`].
async fn bounded(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| causes(&error.without_url()))? {
        if body.len() + chunk.len() > LONGEST_VERDICT {
            return Err(format!("its answer is longer than {LONGEST_VERDICT} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What somebody else wrote, fit for the log.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(100).collect::<String>())
}

/// An error with all that led to it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut sentence = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        sentence = format!("{sentence}: {cause}");
        next = cause.source();
    }
    sentence
}

#[cfg(test)]
mod tests;
