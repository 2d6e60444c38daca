//! Latchkey's own routes, beside the contracts: health, metrics, public keys, the mailbox as JSON.

mod challenge;
mod forward;
mod keys;
mod mailbox;
mod verify;

use std::sync::{Arc, PoisonError};

use poem::Request;
use poem::web::Data;
use poem_openapi::auth::Bearer;
use poem_openapi::payload::{PlainText, Response};
use poem_openapi::types::Any;
use poem_openapi::{ApiResponse, Object, OpenApi, SecurityScheme, Tags};

use super::Vitals;
use super::body::Body;
use super::flashback::failure::FamilyA;
use super::gates::is_of_this_machine;
use super::guard;
use super::reply::{ALWAYS, outcomes};
use crate::mail::courier::CourierHealth;
use crate::metrics::{AgeLabels, LetterLabels};
use crate::model::letter::LetterState;
use crate::service::authenticate::Caller;
use crate::service::{Service, Sweep};

#[derive(Tags)]
enum Area {
    /// How the server is doing, its public keys, and the mailbox of development.
    #[oai(rename = "Latchkey itself")]
    Latchkey,
    /// API keys: made and ended by their owners, checked and charged by your gateway.
    #[oai(rename = "Latchkey: API keys")]
    Keys,
}

/// The operations beside the contracts, all areas together.
pub fn operations() -> impl OpenApi + Clone {
    (Own, mailbox::MailboxApi, challenge::Challenges, keys::Keys, verify::Verify, forward::Forward)
}

/// An access token of a live session whose account has proved its address, whichever contract gave it out.
#[derive(SecurityScheme)]
#[oai(rename = "LatchkeyBearer", ty = "bearer", bearer_format = "JWT", checker = "proven")]
struct Proven(Caller);

async fn proven(request: &Request, bearer: Bearer) -> poem::Result<Caller> {
    Ok(guard::verified(guard::admit(request, &bearer.token, None)?)?)
}

/// How the server is doing.
#[derive(Object)]
#[oai(rename = "Health", skip_serializing_if_is_none)]
pub struct HealthBody {
    /// `ok`, or `error` when requests cannot be answered.
    status: String,
    /// RFC 3339 in UTC.
    timestamp: String,
    /// What is wrong, in a sentence.
    error: Option<String>,
    /// `ok` or `error`.
    database: String,
    courier: CourierBody,
    hashing: HashingBody,
    /// The last round of housekeeping; absent before the first.
    housekeeping: Option<HousekeepingBody>,
}

/// How the mail is doing.
#[derive(Object)]
#[oai(rename = "CourierHealth", skip_serializing_if_is_none)]
pub struct CourierBody {
    /// `ok`; `delayed` when the last letter was put off, as when the mail server cannot be reached; `fault` when the
    /// operator has to mend the mail set-up. Letters wait meanwhile.
    status: String,
    /// Why, in the mail server's words; told to callers on this machine only.
    fault: Option<String>,
    /// Letters not yet handed over.
    waiting: i64,
}

/// How the hashing of passwords is doing.
#[derive(Object)]
#[oai(rename = "HashingHealth")]
pub struct HashingBody {
    /// Passwords waiting for a thread.
    waiting: u64,
}

/// The removal of what time has ended: a round every minute.
#[derive(Object)]
#[oai(rename = "HousekeepingHealth", rename_all = "camelCase")]
pub struct HousekeepingBody {
    /// RFC 3339 in UTC.
    last_run: String,
    /// Rows that it removed.
    removed: u64,
}

impl From<Sweep> for HousekeepingBody {
    fn from(sweep: Sweep) -> HousekeepingBody {
        HousekeepingBody { last_run: sweep.at.rfc3339(), removed: sweep.removed }
    }
}

#[derive(ApiResponse)]
enum HealthReply {
    /// Requests are answered.
    #[oai(status = 200)]
    Well(Body<HealthBody>),
    /// They are not; `error` says why.
    #[oai(status = 503)]
    Ill(Body<HealthBody>),
}

#[derive(ApiResponse)]
enum MetricsReply {
    /// OpenMetrics text.
    #[oai(status = 200, content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8")]
    Text(PlainText<String>),
}

outcomes!(JwksReply = JwksOutcomes: FamilyA, 200 "A JWK set (RFC 7517)." => Any<serde_json::Value>, [ALWAYS]);

#[derive(Clone)]
pub struct Own;

#[OpenApi]
impl Own {
    /// Health
    ///
    /// Whether requests are answered, and how database, courier and hashing queue are doing. Never waits for the queue.
    #[oai(path = "/health", method = "get", tag = "Area::Latchkey", operation_id = "health")]
    async fn health(
        &self,
        service: Data<&Arc<Service>>,
        vitals: Data<&Arc<Vitals>>,
        request: &Request,
    ) -> HealthReply {
        let waiting = service.waiting_letters();
        let peer = request.remote_addr().as_socket_addr().map(std::net::SocketAddr::ip);
        let local = peer.is_some_and(|peer| is_of_this_machine(request, peer));
        let courier = match waiting {
            // With nothing to carry there is nothing to mend.
            Ok(0) => CourierHealth::default(),
            Ok(_) | Err(_) => vitals.courier.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        let error = match (&waiting, service.write_fault()) {
            (Err(cause), _) => {
                tracing::error!("{cause}");
                Some("The database cannot be read.".to_owned())
            }
            (Ok(_), Some(_)) => Some("The database cannot be written.".to_owned()),
            (Ok(_), None) => None,
        };
        let word = |bad| if bad { "error" } else { "ok" }.to_owned();
        let body = HealthBody {
            status: word(error.is_some()),
            timestamp: service.clock.now().rfc3339(),
            database: word(error.is_some()),
            courier: CourierBody {
                status: match (&courier.fault, &courier.delay) {
                    (Some(_), _) => "fault",
                    (None, Some(_)) => "delayed",
                    (None, None) => "ok",
                }
                .to_owned(),
                fault: courier.fault.or(courier.delay).filter(|_| local),
                waiting: waiting.unwrap_or(0),
            },
            housekeeping: service.last_sweep().map(HousekeepingBody::from),
            hashing: HashingBody { waiting: service.hashing.waiting() as u64 },
            error,
        };
        if body.error.is_none() { HealthReply::Well(Body(body)) } else { HealthReply::Ill(Body(body)) }
    }

    /// Metrics
    ///
    /// For Prometheus. Answers callers on this machine only, unless `LATCHKEY_METRICS=public`.
    #[oai(path = "/metrics", method = "get", tag = "Area::Latchkey", operation_id = "metrics")]
    async fn metrics(&self, service: Data<&Arc<Service>>) -> Response<MetricsReply> {
        if let Ok(counts) = service.letter_counts().await {
            for state in LetterState::ALL {
                let count = counts.iter().find(|(of, _)| *of == state).map_or(0, |(_, count)| *count);
                service.metrics.letters.get_or_create(&LetterLabels { state: state.as_str() }).set(count);
            }
        }
        if let Ok(backlog) = service.backlog().await {
            for (up_to, count) in backlog.by_age {
                service.metrics.letters_waiting.get_or_create(&AgeLabels { up_to }).set(count);
            }
            service.metrics.letters_oldest_waiting.set(backlog.oldest_seconds);
        }
        Response::new(MetricsReply::Text(PlainText(service.metrics.encode())))
    }

    /// Public keys
    ///
    /// The keys that access tokens can be verified with, by `kid`. Old ones stay until their tokens are gone.
    #[oai(path = "/.well-known/jwks.json", method = "get", tag = "Area::Latchkey", operation_id = "jwks")]
    async fn jwks(&self, service: Data<&Arc<Service>>) -> JwksReply {
        JwksReply::Done(Any(service.ring.jwks()))
    }
}
