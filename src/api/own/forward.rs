//! `/forward-auth`: the same as `/keys/verify` for proxies that ask before they let a request through: nginx
//! (`auth_request`), Caddy (`forward_auth`), Traefik (`forwardAuth`).

use std::sync::Arc;

use poem::Request;
use poem::http::{HeaderMap, StatusCode, header};
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::payload::Response;

use super::Area;
use super::verify::{REFUSALS, VerifiedBody, with};
use crate::api::guard::{self, GuardError};
use crate::api::metering::{Admitted, Meter, MeteredFamily, Refused, rate_headers};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, outcomes};
use crate::api::surround::RequestId;
use crate::client::Sender;
use crate::model::api_key::Endpoint;
use crate::model::ledger::Cost;
use crate::service::Service;
use crate::service::metering::{Charge, Payer};

const FAULTY: Status = (400, "A parameter of the query is malformed.");

outcomes!(ForwardReply = ForwardOutcomes: MeteredFamily, 200 "Let the request through. The headers tell who pays; an \
    account is named where the key is not an organization's." => VerifiedBody, [ALWAYS, REFUSALS, &[FAULTY]]);

/// What a request shows to be let through.
enum Shown<'a> {
    Key(&'a str),
    /// An access token: a person's session, which never pays (contracts/finradar.md section 1).
    Token(&'a str),
    /// Nothing, or more than one key: which of them would be meant?
    Neither,
}

impl Shown<'_> {
    fn by(headers: &HeaderMap) -> Shown<'_> {
        let mut keys = headers.get_all("x-api-key").iter();
        match (keys.next(), keys.next()) {
            (Some(key), None) => return key.to_str().map_or(Shown::Neither, Shown::Key),
            (Some(_), Some(_)) => return Shown::Neither,
            (None, _) => {}
        }
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = authorization.and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        match bearer {
            // Many clients know no other place for a key.
            Some(key) if key.starts_with("lk_") => Shown::Key(key),
            Some(token) => Shown::Token(token),
            None => Shown::Neither,
        }
    }
}

/// What the proxy says of the call, in the query of its own configuration: a header would be the client's to forge.
struct Terms {
    cost: Cost,
    endpoint: Option<Endpoint>,
    /// Whether 402 and 429 are told as 403, for proxies that know no other refusal.
    only_403: bool,
}

#[derive(Clone)]
pub struct Forward;

#[OpenApi]
impl Forward {
    /// Let a request through
    ///
    /// For nginx, Caddy and Traefik: the README has the lines. Reads the API key from `X-API-Key` or as a bearer token, and
    /// debits `cost`. An access token of any contract is good too: it never
    /// debits, and counts toward the calls a minute that the plan allows.
    #[oai(
        path = "/forward-auth",
        method = "get",
        tag = "Area::Keys",
        operation_id = "forwardAuth",
        response_header(
            name = "X-Account-Id",
            ty = "Option<String>",
            description = "Whom the key acts for."
        ),
        response_header(name = "X-Org-Id", ty = "Option<String>", description = "Whose tokens it spends."),
        response_header(
            name = "X-Plan",
            ty = "Option<String>",
            description = "The plan in force, or `none`."
        ),
        response_header(
            name = "X-Balance",
            ty = "Option<i64>",
            description = "What can be spent after this call."
        ),
        response_header(
            name = "X-Latchkey-Status",
            ty = "Option<i64>",
            description = "With `deny=403`: the status that 403 stands for."
        )
    )]
    async fn get(
        &self,
        service: Data<&Arc<Service>>,
        meter: Data<&Arc<Meter>>,
        request: &Request,
        /// What the request costs, in ledger tokens, from 0 to 1000000000; 1 when absent.
        cost: Query<Option<i64>>,
        /// What the request is for: letters, digits and `. _ - / :`.
        endpoint: Query<Option<String>>,
        /// `403` to have 402 and 429 told as 403: nginx turns them into 500.
        deny: Query<Option<String>>,
    ) -> Response<ForwardReply> {
        match terms(cost.0, endpoint.0.as_deref(), deny.0.as_deref()) {
            Ok(terms) => let_through(&service, &meter, request, terms).await,
            Err(problem) => Response::new(ForwardReply::Failed(problem)),
        }
    }

    /// Let a request through
    ///
    /// The same for proxies that ask with the method of the request. A body is not read.
    #[oai(path = "/forward-auth", method = "post", tag = "Area::Keys", operation_id = "forwardAuthPost")]
    async fn post(
        &self,
        service: Data<&Arc<Service>>,
        meter: Data<&Arc<Meter>>,
        request: &Request,
        /// What the request costs, in ledger tokens, from 0 to 1000000000; 1 when absent.
        cost: Query<Option<i64>>,
        /// What the request is for: letters, digits and `. _ - / :`.
        endpoint: Query<Option<String>>,
        /// `403` to have 402 and 429 told as 403: nginx turns them into 500.
        deny: Query<Option<String>>,
    ) -> Response<ForwardReply> {
        match terms(cost.0, endpoint.0.as_deref(), deny.0.as_deref()) {
            Ok(terms) => let_through(&service, &meter, request, terms).await,
            Err(problem) => Response::new(ForwardReply::Failed(problem)),
        }
    }
}

fn terms(
    cost: Option<i64>,
    endpoint: Option<&str>,
    deny: Option<&str>,
) -> Result<Terms, Problem<MeteredFamily>> {
    let faulty = |message: &str| Problem::new(StatusCode::BAD_REQUEST, "INVALID_INPUT", message);
    let cost = match cost {
        None => Cost::ONE,
        Some(cost) => Cost::of(cost).ok_or_else(|| faulty("cost must be from 0 to 1000000000."))?,
    };
    let endpoint = endpoint.map(Endpoint::parse).transpose();
    let endpoint = endpoint.map_err(|rule| faulty(&format!("endpoint {rule}.")))?;
    match deny {
        None | Some("403") => Ok(Terms { cost, endpoint, only_403: deny.is_some() }),
        Some(_) => Err(faulty("deny must be 403, or be left out.")),
    }
}

async fn let_through(
    service: &Arc<Service>,
    meter: &Meter,
    request: &Request,
    terms: Terms,
) -> Response<ForwardReply> {
    let only_403 = terms.only_403;
    match judge(service, meter, request, terms).await {
        Ok((payer, balance, rate)) => {
            let account = payer.account.map(|id| id.to_string());
            let response = Response::new(ForwardReply::Done(VerifiedBody::new(&payer, balance)));
            let response =
                account.into_iter().fold(response, |response, id| response.header("X-Account-Id", id));
            let response = response
                .header("X-Org-Id", payer.organization.to_string())
                .header("X-Plan", payer.plan())
                .header("X-Balance", balance);
            with(response, rate)
        }
        Err((mut problem, rate)) => {
            let status = problem.status;
            let response = |problem| with(Response::new(ForwardReply::Failed(problem)), rate);
            match status {
                StatusCode::UNAUTHORIZED => response(problem).header("WWW-Authenticate", "Bearer"),
                StatusCode::PAYMENT_REQUIRED | StatusCode::TOO_MANY_REQUESTS if only_403 => {
                    problem.status = StatusCode::FORBIDDEN;
                    response(problem).header("X-Latchkey-Status", i64::from(status.as_u16()))
                }
                _ => response(problem),
            }
        }
    }
}

/// The headers that tell of the rate.
type Rate = Vec<(&'static str, i64)>;

async fn judge(
    service: &Arc<Service>,
    meter: &Meter,
    request: &Request,
    terms: Terms,
) -> Result<(Payer, i64, Rate), (Problem<MeteredFamily>, Rate)> {
    let now = service.clock.now();
    let admitted = match Shown::by(request.headers()) {
        Shown::Key(key) => meter.admit(service, key, Sender::of(request)),
        Shown::Token(token) => {
            payer_of_token(service, request, token).map_err(Refused::from).and_then(|payer| meter.pace(payer))
        }
        // No key at all is a key that is not good.
        Shown::Neither => meter.admit(service, "", Sender::of(request)),
    };
    let Admitted { payer, allowance } = admitted.map_err(|Refused { problem, allowance }| {
        let rate = allowance.map(|allowance| rate_headers(&allowance, now));
        (problem, rate.into_iter().flatten().collect())
    })?;
    let rate = Vec::from(rate_headers(&allowance, now));
    if payer.key.is_none() {
        let balance = payer.standing.ledger.balance();
        return Ok((payer, balance, rate));
    }
    let Terms { cost, endpoint, only_403: _ } = terms;
    let charge = Charge { cost, endpoint, idempotency_key: None, request: RequestId::of(request) };
    match meter.charge(service, &payer, charge).await {
        Ok(balance) => Ok((payer, balance, rate)),
        Err(problem) => Err((problem, rate)),
    }
}

fn payer_of_token(
    service: &Service,
    request: &Request,
    token: &str,
) -> Result<Payer, Problem<MeteredFamily>> {
    let caller =
        guard::admit(request, token, None).and_then(guard::verified).map_err(|error| match error {
            GuardError::Unauthorized
            | GuardError::Unverified
            | GuardError::MustEnrol
            | GuardError::Lacking => Problem::unauthorized(),
            GuardError::TooManyCalls(wait) => Problem::rate_limited(wait),
            GuardError::Unavailable(cause) => cause.into(),
        })?;
    service.payer_of_caller(&caller)?.ok_or_else(Problem::unauthorized)
}
