//! The ledger: what can be spent, what it was spent on.

mod wire;

use std::sync::Arc;

use poem::Request;
use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::auth::ApiKey;
use poem_openapi::param::Query;
use poem_openapi::payload::Response;
use poem_openapi::{OpenApi, SecurityScheme};

use super::failure::FamilyMessage;
use super::{Area, Known};
use crate::api::metering::{Admitted, Meter, Refused, rate_headers};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Outcomes, Reply, Status, outcomes};
use crate::client::Sender;
use crate::model::api_key::ShownKey;
use crate::service::Service;
use crate::service::metering::Payer;
use wire::{BalanceBody, TransactionBody, TransactionsBody, UsageBody};

/// An API key in the header `X-API-Key`.
#[derive(SecurityScheme)]
#[oai(rename = "FinRadarKey", ty = "api_key", key_name = "X-API-Key", key_in = "header")]
struct KeyInHeader(ApiKey);

/// An API key in the query, for clients that can send no header. Proxies may write it into their logs.
#[derive(SecurityScheme)]
#[oai(rename = "FinRadarKeyInQuery", ty = "api_key", key_name = "apiKey", key_in = "query")]
struct KeyInQuery(ApiKey);

/// Either kind of proof of who asks.
#[derive(SecurityScheme)]
#[expect(clippy::large_enum_variant, reason = "there is one a call, and it is taken apart at once")]
enum Shown {
    KeyInHeader(KeyInHeader),
    KeyInQuery(KeyInQuery),
    Session(Known),
}

const NOBODY: &[Status] = &[
    (401, "No good API key and no good access token."),
    (
        403,
        "The API key is limited to certain endpoints, of which this is none; or the organization asks for a second \
        factor that the account has yet to set up.",
    ),
];

outcomes!(BalanceReply = BalanceOutcomes: FamilyMessage, 200 "What can be spent." => BalanceBody, [ALWAYS, NOBODY]);
outcomes!(TransactionsReply = TransactionsOutcomes: FamilyMessage, 200 "Newest first." => TransactionsBody,
    [ALWAYS, NOBODY]);
outcomes!(UsageReply = UsageOutcomes: FamilyMessage, 200 "What calls cost." => UsageBody, [ALWAYS, NOBODY]);

#[derive(Clone)]
pub struct Account;

#[OpenApi]
impl Account {
    /// Balance
    ///
    /// Costs nothing; with a key it counts toward the calls a minute that the plan allows.
    #[oai(
        path = "/api/v1/account/balance",
        method = "get",
        tag = "Area::Account",
        operation_id = "finradarBalance"
    )]
    async fn balance(
        &self,
        service: Data<&Arc<Service>>,
        meter: Data<&Arc<Meter>>,
        request: &Request,
        shown: Shown,
    ) -> Response<BalanceReply> {
        let now = service.clock.now();
        answer(&service, &meter, request, shown, async |payer| Ok(BalanceBody::new(&payer, now))).await
    }

    /// Transactions
    ///
    /// Every change of the balance: grants, expiries, credits and debits.
    #[oai(
        path = "/api/v1/account/transactions",
        method = "get",
        tag = "Area::Account",
        operation_id = "finradarTransactions"
    )]
    async fn transactions(
        &self,
        service: Data<&Arc<Service>>,
        meter: Data<&Arc<Meter>>,
        request: &Request,
        shown: Shown,
        /// How many, from 1 to 200; 50 when absent or no number.
        limit: Query<Option<String>>,
    ) -> Response<TransactionsReply> {
        let limit = lenient(limit.0.as_deref(), 50, 200);
        let own = Arc::clone(&service);
        answer(&service, &meter, request, shown, async |payer| {
            let entries = own.transactions(payer.organization, limit).await?;
            Ok(TransactionsBody { transactions: entries.into_iter().map(TransactionBody::from).collect() })
        })
        .await
    }

    /// Usage
    ///
    /// Calls that cost something, by day (UTC) and by endpoint.
    #[oai(
        path = "/api/v1/account/usage",
        method = "get",
        tag = "Area::Account",
        operation_id = "finradarUsage"
    )]
    async fn usage(
        &self,
        service: Data<&Arc<Service>>,
        meter: Data<&Arc<Meter>>,
        request: &Request,
        shown: Shown,
        /// How many days, today included, from 1 to 90; 30 when absent or no number.
        days: Query<Option<String>>,
    ) -> Response<UsageReply> {
        let days = lenient(days.0.as_deref(), 30, 90);
        let own = Arc::clone(&service);
        answer(&service, &meter, request, shown, async |payer| {
            Ok(UsageBody::new(days, own.usage(payer.organization, days).await?))
        })
        .await
    }
}

/// A number from 1 to `most`, however it is written; `default` when it is none (contracts/finradar.md section 4).
fn lenient(text: Option<&str>, default: i64, most: i64) -> i64 {
    let text = text.unwrap_or_default();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return default;
    }
    (sign * digits.parse::<i64>().unwrap_or(most)).clamp(1, most)
}

/// Answers whoever shows a good key or token, with the rate beside it where it was a key.
async fn answer<O: Outcomes<Family = FamilyMessage>>(
    service: &Arc<Service>,
    meter: &Meter,
    request: &Request,
    shown: Shown,
    act: impl AsyncFnOnce(Payer) -> Result<O::Success, Problem<FamilyMessage>>,
) -> Response<Reply<O>> {
    let key = match shown {
        Shown::KeyInHeader(KeyInHeader(key)) | Shown::KeyInQuery(KeyInQuery(key)) => key.key,
        Shown::Session(Known(caller)) => {
            let reply = match service.payer_of_caller(&caller) {
                Ok(Some(payer)) => act(payer).await,
                Ok(None) => Err(Problem::unauthorized()),
                Err(cause) => Err(cause.into()),
            };
            return Response::new(reply.into());
        }
    };
    let (reply, allowance) = match meter.admit(service, &key, Sender::of(request)) {
        Ok(Admitted { payer, allowance }) => {
            let reply = if payer.key.as_ref().is_some_and(ShownKey::is_limited) {
                Err(limited())
            } else {
                act(payer).await
            };
            (reply, Some(allowance))
        }
        Err(Refused { problem, allowance }) => (Err(problem.reshaped()), allowance),
    };
    let rate = allowance.map(|allowance| rate_headers(&allowance, service.clock.now()));
    rate.into_iter()
        .flatten()
        .fold(Response::new(reply.into()), |response, (name, value)| response.header(name, value))
}

/// What a limited key may be used for is named by gateways; the purse is not among it.
fn limited() -> Problem<FamilyMessage> {
    let message = "This API key may only be used for certain endpoints.";
    Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_clamped_and_nonsense_is_the_default() {
        let rows = [
            (None, 50),
            (Some(""), 50),
            (Some("x"), 50),
            (Some("1.5"), 50),
            (Some("+5"), 50),
            (Some("-"), 50),
            (Some("0"), 1),
            (Some("-7"), 1),
            (Some("7"), 7),
            (Some("200"), 200),
            (Some("201"), 200),
            (Some("99999999999999999999999"), 200),
            (Some("-99999999999999999999999"), 1),
        ];
        for (text, limit) in rows {
            assert_eq!(lenient(text, 50, 200), limit, "{text:?}");
        }
    }
}
