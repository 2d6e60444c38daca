//! `POST /keys/verify`: whether an API key is good, and the debit of what a call costs.

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::payload::Response;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::Area;
use crate::api::body::{Body, Text, TextValue};
use crate::api::metering::{Admitted, Meter, MeteredFamily, Refused, rate_headers};
use crate::api::reply::{ALWAYS, Status, WITH_BODY, outcomes};
use crate::api::surround::RequestId;
use crate::client::Sender;
use crate::model::api_key::Endpoint;
use crate::model::fault::Rule;
use crate::model::ledger::{Cost, IdempotencyKey};
use crate::service::Service;
use crate::service::metering::{Charge, Payer};

impl TextValue for IdempotencyKey {
    const NAME: &'static str = "IdempotencyKey";
    const FORMAT: &'static str = "";
    const MIN: Option<usize> = Some(1);
    const MAX: Option<usize> = Some(255);

    fn parse(text: &str) -> Result<IdempotencyKey, Rule> {
        IdempotencyKey::parse(text)
    }

    fn as_str(&self) -> &str {
        self.as_str()
    }
}

/// A call to be let through, as a gateway asks for it.
#[derive(Object)]
#[oai(rename = "VerifyKeyRequest", rename_all = "camelCase", example, skip_serializing_if_is_none)]
pub struct VerifyRequest {
    /// The API key that the caller showed.
    #[oai(validator(max_length = 200))]
    key: String,
    /// What the call costs, in ledger tokens; 1 when absent. 0 checks the key and debits nothing.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000000")))]
    cost: Option<i64>,
    /// What the call is for: letters, digits and `. _ - / :`. Keys may be limited to some.
    endpoint: Option<Text<Endpoint>>,
    /// Asking again with the same one debits nothing again, for 7 days. Each API key has its own.
    idempotency_key: Option<Text<IdempotencyKey>>,
}

impl Example for VerifyRequest {
    fn example() -> VerifyRequest {
        VerifyRequest {
            key: "lk_0000000000000000000000000000000000000000".to_owned(),
            cost: Some(1),
            endpoint: Some(Text(Endpoint::parse("search").expect("the example obeys its own rules"))),
            idempotency_key: None,
        }
    }
}

/// Who pays, and what is left.
#[derive(Object)]
#[oai(rename = "VerifiedKey", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct VerifiedBody {
    /// Always true.
    valid: bool,
    /// Whom the key acts for; absent where that is an organization.
    account_id: Option<String>,
    /// Whose tokens it spends.
    organization_id: String,
    /// The key's id; absent for an access token.
    key_id: Option<String>,
    /// `free`, `trial`, `paid`, or `none` while no plan is in force.
    plan: String,
    /// What can be spent after this call.
    balance: i64,
}

impl VerifiedBody {
    /// The answer about a call that was let through.
    pub fn new(payer: &Payer, balance: i64) -> VerifiedBody {
        VerifiedBody {
            valid: true,
            account_id: payer.account.map(|id| id.to_string()),
            organization_id: payer.organization.to_string(),
            key_id: payer.key.as_ref().map(|key| key.id.to_string()),
            plan: payer.plan().to_owned(),
            balance,
        }
    }
}

/// What a metered call may be refused with.
pub const REFUSALS: &[Status] = &[
    (
        401,
        "The key is unknown, revoked or expired, or its owner may not enter or has not confirmed the email address.",
    ),
    (402, "The balance does not suffice; nothing was debited."),
    (403, "The key may not be used for this endpoint."),
];
const FAULTY: Status = (400, "The input is faulty; `message` names every faulty field.");
const CONFLICT: Status = (409, "The idempotency key was used for another call.");

outcomes!(VerifyReply = VerifyOutcomes: MeteredFamily, 200 "The key is good, and the cost is debited." => VerifiedBody,
    [ALWAYS, WITH_BODY, REFUSALS, &[FAULTY, CONFLICT]]);

#[derive(Clone)]
pub struct Verify;

#[OpenApi]
impl Verify {
    /// Check an API key
    ///
    /// For your gateway: tells whose the key is and debits what the call costs. A 200 is on disk. A key that was revoked,
    /// or whose owner was banned, is refused from the next call on. An `idempotencyKey` is remembered with the API key that
    /// it was sent with: after a rotation, the new key debits anew what the old one has debited.
    #[oai(
        path = "/keys/verify",
        method = "post",
        tag = "Area::Keys",
        operation_id = "verifyApiKey",
        response_header(
            name = "X-RateLimit-Limit",
            ty = "Option<i64>",
            description = "Calls a minute that the plan allows."
        ),
        response_header(
            name = "X-RateLimit-Remaining",
            ty = "Option<i64>",
            description = "Calls that may come at once now."
        ),
        response_header(
            name = "X-RateLimit-Reset",
            ty = "Option<i64>",
            description = "When all may come at once, in seconds since the epoch."
        )
    )]
    async fn verify(
        &self,
        service: Data<&Arc<Service>>,
        meter: Data<&Arc<Meter>>,
        request: &Request,
        body: Body<VerifyRequest>,
    ) -> Response<VerifyReply> {
        let VerifyRequest { key, cost, endpoint, idempotency_key } = body.0;
        let Admitted { payer, allowance } = match meter.admit(&service, &key, Sender::of(request)) {
            Ok(admitted) => admitted,
            Err(Refused { problem, allowance }) => {
                let response = Response::new(VerifyReply::Failed(problem));
                let headers = allowance.map(|allowance| rate_headers(&allowance, service.clock.now()));
                return with(response, headers.into_iter().flatten());
            }
        };
        let charge = Charge {
            // The schema has bounds that are the cost's.
            cost: cost.and_then(Cost::of).unwrap_or(Cost::ONE),
            endpoint: endpoint.map(|endpoint| endpoint.0),
            idempotency_key: idempotency_key.map(|key| key.0),
            request: RequestId::of(request),
        };
        let balance = meter.charge(&service, &payer, charge).await;
        let reply = balance.map(|balance| VerifiedBody::new(&payer, balance)).into();
        with(Response::new(reply), rate_headers(&allowance, service.clock.now()))
    }
}

/// An answer with headers beside it.
pub fn with<R>(response: Response<R>, headers: impl IntoIterator<Item = (&'static str, i64)>) -> Response<R> {
    headers.into_iter().fold(response, |response, (name, value)| response.header(name, value))
}
