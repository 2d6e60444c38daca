//! What a metered call meets on its way: whose key it is, what the key is good for, how often, and the debit. Shared
//! by the routes that gateways ask and by the contract that shows balances.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use poem::http::StatusCode;
use poem_openapi::Object;
use poem_openapi::types::Example;

use super::limits::tiers::{Allowance, Tiers};
use super::limits::{Class, Limits};
use super::problem::{Details, Family, Problem, Shortfall, whole_seconds};
use crate::model::api_key::{Endpoint, KeyText};
use crate::model::network::Network;
use crate::model::time::Millis;
use crate::service::Service;
use crate::service::metering::{Charge, ChargeError, Payer};

/// What metered calls are counted with. One per process.
pub struct Meter {
    pub tiers: Tiers,
    pub limits: Arc<Limits>,
    /// Where somebody buys more, for who has too little.
    pub upgrade_url: Option<String>,
}

/// The shape in which metered calls are refused (contracts/finradar.md section 4).
pub enum MeteredFamily {}

/// Why a call is refused. What is beside the sentence is there when the balance does not suffice.
#[derive(Object)]
#[oai(rename = "MeteredRefusal", skip_serializing_if_is_none, example)]
pub struct RefusalBody {
    /// A sentence for people.
    message: String,
    /// What can be spent.
    current_balance: Option<i64>,
    /// What the call costs.
    required_cost: Option<i64>,
    /// When the month's tokens come, as RFC 3339 in UTC; absent while no plan is in force.
    next_refill_at: Option<String>,
    /// `free`, `trial`, `paid`, or `none`.
    plan: Option<String>,
    /// Where somebody buys more, where the operator has set it.
    upgrade_url: Option<String>,
}

impl Example for RefusalBody {
    fn example() -> RefusalBody {
        RefusalBody {
            message: "Insufficient token balance for this call.".to_owned(),
            current_balance: Some(3),
            required_cost: Some(5),
            next_refill_at: Some("2026-03-01T00:00:00Z".to_owned()),
            plan: Some("free".to_owned()),
            upgrade_url: None,
        }
    }
}

impl Family for MeteredFamily {
    type Body = RefusalBody;

    fn body(problem: &Problem<MeteredFamily>) -> RefusalBody {
        let short = match &problem.details {
            Details::Shortfall(short) => Some(short.as_ref().clone()),
            Details::None | Details::Field(_) | Details::Faults(_) | Details::NoToken => None,
        };
        RefusalBody {
            message: problem.message.clone(),
            current_balance: short.as_ref().map(|short| short.balance),
            required_cost: short.as_ref().map(|short| short.cost),
            next_refill_at: short.as_ref().and_then(|short| short.next_refill_at.map(Millis::rfc3339)),
            plan: short.as_ref().map(|short| short.plan.clone()),
            upgrade_url: short.and_then(|short| short.upgrade_url),
        }
    }
}

/// A call that may go on, and what its caller is told of the rate.
pub struct Admitted {
    pub payer: Payer,
    pub allowance: Allowance,
}

/// A refusal, with what the caller is told of the rate where it was the rate.
pub struct Refused {
    pub problem: Problem<MeteredFamily>,
    pub allowance: Option<Allowance>,
}

impl From<Problem<MeteredFamily>> for Refused {
    fn from(problem: Problem<MeteredFamily>) -> Refused {
        Refused { problem, allowance: None }
    }
}

impl Meter {
    /// Whose key this is, within the rate of the plan. Who shows wrong keys is slowed down by network, and nobody else
    /// with them.
    ///
    /// # Errors
    /// 401 for a key that is not good, 429 beyond the rate, 503.
    pub fn admit(&self, service: &Service, key: &str, sender: IpAddr) -> Result<Admitted, Refused> {
        // A typo is told from a key without asking the database.
        let found = match KeyText::parse(key) {
            Some(key) => service.payer_of_key(&key).map_err(Problem::from)?,
            None => None,
        };
        let Some(payer) = found else {
            return Err(match self.limits.count(Class::WrongKey, Network::from(sender)) {
                Ok(()) => unknown_key().into(),
                Err(wait) => Problem::rate_limited(wait).into(),
            });
        };
        self.pace(payer)
    }

    /// Counts a call of somebody who is known, by a key or by a session.
    ///
    /// # Errors
    /// 429 beyond the rate of the plan.
    pub fn pace(&self, payer: Payer) -> Result<Admitted, Refused> {
        match self.tiers.count(payer.organization, payer.calls_a_minute()) {
            Ok(allowance) => Ok(Admitted { payer, allowance }),
            Err((allowance, wait)) => {
                Err(Refused { problem: Problem::rate_limited(wait), allowance: Some(allowance) })
            }
        }
    }

    /// Takes the cost of a call, if the key is good for its endpoint. Tells the balance after it.
    ///
    /// # Errors
    /// 402 when there is too little, 403 for another endpoint, 409 for an idempotency key used otherwise, 503.
    pub async fn charge(
        &self,
        service: &Service,
        payer: &Payer,
        charge: Charge,
    ) -> Result<i64, Problem<MeteredFamily>> {
        if payer.key.as_ref().is_some_and(|key| !key.allows(charge.endpoint.as_ref())) {
            return Err(forbidden(charge.endpoint.as_ref()));
        }
        let cost = charge.cost.tokens();
        service.charge(payer, charge).await.map_err(|error| match error {
            ChargeError::TooLittle(ledger) => {
                let short = Shortfall {
                    balance: ledger.balance(),
                    cost,
                    next_refill_at: payer.standing.terms.as_ref().map(|_| ledger.refill_at),
                    plan: payer.plan().to_owned(),
                    upgrade_url: self.upgrade_url.clone(),
                };
                let message = "Insufficient token balance for this call.";
                Problem::new(StatusCode::PAYMENT_REQUIRED, "INSUFFICIENT_BALANCE", message)
                    .with(Details::Shortfall(Box::new(short)))
            }
            ChargeError::Conflict => {
                let message = "This idempotency key was used for another call.";
                Problem::new(StatusCode::CONFLICT, "IDEMPOTENCY_CONFLICT", message)
            }
            ChargeError::Unavailable(cause) => cause.into(),
        })
    }
}

fn unknown_key() -> Problem<MeteredFamily> {
    let message = "A valid API key is required: this one is unknown, revoked or expired, or its owner may not enter or \
        has not confirmed the email address.";
    Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message)
}

fn forbidden(endpoint: Option<&Endpoint>) -> Problem<MeteredFamily> {
    let message = match endpoint {
        Some(endpoint) => format!("This API key may not be used for {}.", endpoint.as_str()),
        None => "This API key may only be used for certain endpoints, and the call names none.".to_owned(),
    };
    Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
}

/// The headers that tell of the rate; the last is in seconds since the epoch.
pub fn rate_headers(allowance: &Allowance, now: Millis) -> [(&'static str, i64); 3] {
    let reset = (now + Duration::from_secs(whole_seconds(allowance.full_in))).seconds();
    [
        ("X-RateLimit-Limit", i64::from(allowance.limit)),
        ("X-RateLimit-Remaining", i64::from(allowance.remaining)),
        ("X-RateLimit-Reset", reset),
    ]
}
