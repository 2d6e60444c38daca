//! The second factor: family C.

mod failure;
mod wire;

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::auth::Bearer;
use poem_openapi::{OpenApi, SecurityScheme};

use super::failure::FamilyC;
use super::wire::{MessageBody, message};
use super::{Area, Enrolling, POLICY, Proven};
use crate::api::body::{Body, OptionalBody};
use crate::api::guard;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_BODY, WITH_TOKEN, outcomes};
use crate::client::Client;
use crate::model::contract::Contract;
use crate::model::two_factor::{Answer, Method};
use crate::service::Service;
use crate::service::login::LoginError;
use crate::service::two_factor::removal::Removal;
use failure::{login_problem, not_to_be_had, refused, standing_problem};
pub use wire::MfaType;
use wire::{
    CodeRequest, EnforceRequest, MethodsAnswer, MfaRequest, PassedBody, ResetRequest, SetupAnswer,
    StatusAnswer,
};

/// The `mfa` token that a login gives whose second factor is lacking, or an access token to pass it once more.
#[derive(SecurityScheme)]
#[oai(rename = "FlashbackMfaBearer", ty = "bearer", bearer_format = "JWT")]
struct Waiting(Bearer);

const FAULTY: Status =
    (400, "The input is faulty, the code is wrong, or `mfaType` is not on or not to be had.");
const ON_ALREADY: Status = (409, "It is on already.");
const LOCKED: Status = (
    429,
    "Too many requests, letters, or wrong codes (10 in 15 minutes): wait as long as `Retry-After` says.",
);
const NOT_PASSED: Status = (403, "The second factor has to be passed first: send a `code`.");
const FAULT: &[Status] = &[
    (500, "A fault of the server; its log tells more under the id in `X-Request-Id`."),
    (503, "The server cannot reach its database: wait as long as `Retry-After` says."),
];

outcomes!(StatusReply = StatusOutcomes: FamilyC, 200 "The caller's second factors." => StatusAnswer, [ALWAYS, WITH_TOKEN]);
outcomes!(MethodsReply = MethodsOutcomes: FamilyC, 200 "The ways that this server has." => MethodsAnswer, [ALWAYS, WITH_TOKEN]);
outcomes!(SetupReply = SetupOutcomes: FamilyC, 200 "Begun; a code confirms it." => SetupAnswer,
    [WITH_BODY, WITH_TOKEN, FAULT, &[FAULTY, ON_ALREADY, LOCKED]]);
outcomes!(ConfirmReply = ConfirmOutcomes: FamilyC, 200 "It is on." => MessageBody,
    [WITH_BODY, WITH_TOKEN, FAULT, &[FAULTY, ON_ALREADY, LOCKED]]);
outcomes!(EnableReply = EnableOutcomes: FamilyC, 200 "It is on." => MessageBody, [ALWAYS, WITH_BODY, WITH_TOKEN, &[FAULTY]]);
outcomes!(DisableReply = DisableOutcomes: FamilyC, 200 "It is off." => MessageBody,
    [WITH_BODY, WITH_TOKEN, FAULT, &[FAULTY, NOT_PASSED, LOCKED]]);
outcomes!(PrimaryReply = PrimaryOutcomes: FamilyC, 200 "A login asks for it first." => MessageBody,
    [ALWAYS, WITH_BODY, WITH_TOKEN, &[FAULTY]]);
outcomes!(PassReply = PassOutcomes: FamilyC, 200 "Passed." => PassedBody,
    [WITH_BODY, FAULT, &[FAULTY, LOCKED, (401, "The code is wrong, or the token is no good: log in again.")]]);
outcomes!(EnforceReply = EnforceOutcomes: FamilyC, 200 "Set." => MessageBody, [ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (400, "The input is faulty; `error` names every faulty field."),
    (403, "The address is not proved, or the role does not suffice."),
]]);

#[derive(Clone)]
pub struct Mfa;

#[OpenApi]
impl Mfa {
    /// Second factors
    ///
    /// Whether a login asks for one, and for which.
    #[oai(path = "/mfa/status", method = "get", tag = "Area::Mfa", operation_id = "flashbackMfaStatus")]
    async fn status(&self, service: Data<&Arc<Service>>, Enrolling(caller): Enrolling) -> StatusReply {
        let factors = service.factors(&caller);
        factors.map(|factors| StatusAnswer::new(&caller, &factors)).map_err(Problem::from).into()
    }

    /// Ways to pass
    ///
    /// Those that this server has, and which of them are on.
    #[oai(path = "/mfa/methods", method = "get", tag = "Area::Mfa", operation_id = "flashbackMfaMethods")]
    async fn methods(&self, service: Data<&Arc<Service>>, Enrolling(caller): Enrolling) -> MethodsReply {
        let factors = service.factors(&caller);
        factors.map(|factors| MethodsAnswer::from(&factors)).map_err(Problem::from).into()
    }

    /// Begin a setup
    ///
    /// `GOOGLE_AUTH` gives what an authenticator app needs, with recovery codes; `MAGIC_LINK` mails a code. Nothing is on
    /// before `/mfa/verify-setup`.
    #[oai(path = "/mfa/setup", method = "post", tag = "Area::Mfa", operation_id = "flashbackMfaSetup")]
    async fn setup(
        &self,
        service: Data<&Arc<Service>>,
        Enrolling(caller): Enrolling,
        body: Body<MfaRequest>,
    ) -> SetupReply {
        let begun = match body.0.parts().0.method() {
            Some(Method::Totp) => service.begin_totp(&caller).await.map(SetupAnswer::of_app),
            Some(Method::Mail) => service.begin_mailed_codes(&caller).await.map(|()| SetupAnswer::of_mail()),
            None => return SetupReply::Failed(not_to_be_had()),
        };
        begun.map_err(Problem::from).into()
    }

    /// Confirm a setup
    ///
    /// With a code of the app, or the one that was mailed. From now on every login asks for one.
    #[oai(
        path = "/mfa/verify-setup",
        method = "post",
        tag = "Area::Mfa",
        operation_id = "flashbackMfaVerifySetup"
    )]
    async fn confirm(
        &self,
        service: Data<&Arc<Service>>,
        Enrolling(caller): Enrolling,
        body: Body<CodeRequest>,
    ) -> ConfirmReply {
        let (kind, code) = body.0.parts();
        let answer = Answer::of(&code);
        let confirmed = match kind.method() {
            Some(Method::Totp) => service.confirm_totp(&caller, answer).await,
            Some(Method::Mail) => service.confirm_mailed_codes(&caller, answer).await,
            None => return ConfirmReply::Failed(not_to_be_had()),
        };
        confirmed.map(|()| message("MFA setup verified successfully")).map_err(Problem::from).into()
    }

    /// Turn on
    ///
    /// A confirmed setup is on at once, so this only tells whether it is.
    #[oai(path = "/mfa/enable", method = "post", tag = "Area::Mfa", operation_id = "flashbackMfaEnable")]
    async fn enable(
        &self,
        service: Data<&Arc<Service>>,
        Enrolling(caller): Enrolling,
        body: Body<MfaRequest>,
    ) -> EnableReply {
        let Some(method) = body.0.parts().0.method() else { return EnableReply::Failed(not_to_be_had()) };
        match service.factors(&caller) {
            Ok(factors) if factors.enabled.contains(&method) => {
                EnableReply::Done(message("MFA enabled successfully"))
            }
            Ok(_) => EnableReply::Failed(refused("Set it up first, and verify the setup with a code.")),
            Err(cause) => EnableReply::Failed(cause.into()),
        }
    }

    /// Turn off
    ///
    /// Takes passing the second factor: a `code`, or a session that did so within 15 minutes. With the last method go the
    /// recovery codes.
    #[oai(path = "/mfa/disable", method = "post", tag = "Area::Mfa", operation_id = "flashbackMfaDisable")]
    async fn disable(
        &self,
        service: Data<&Arc<Service>>,
        Enrolling(caller): Enrolling,
        body: Body<MfaRequest>,
    ) -> DisableReply {
        let (kind, code) = body.0.parts();
        let Some(method) = kind.method() else { return DisableReply::Failed(not_to_be_had()) };
        let off = service.turn_off(&caller, Removal::One(method), code.as_deref().map(Answer::of)).await;
        off.map(|()| message("MFA disabled successfully")).map_err(Problem::from).into()
    }

    /// Prefer a method
    ///
    /// The one that a login asks for first.
    #[oai(path = "/mfa/primary", method = "post", tag = "Area::Mfa", operation_id = "flashbackMfaPrimary")]
    async fn primary(
        &self,
        service: Data<&Arc<Service>>,
        Enrolling(caller): Enrolling,
        body: Body<MfaRequest>,
    ) -> PrimaryReply {
        let Some(method) = body.0.parts().0.method() else { return PrimaryReply::Failed(not_to_be_had()) };
        let set = service.set_primary_factor(&caller, method).await;
        set.map(|()| message("Primary MFA method updated successfully")).map_err(Problem::from).into()
    }

    /// Pass
    ///
    /// Finishes a login whose answer said `mfaRequired`, with its `accessToken` as the bearer token. With a full access
    /// token the session passes once more, and may turn things off for 15 minutes.
    #[oai(
        path = "/mfa/verify-login",
        method = "post",
        tag = "Area::Mfa",
        operation_id = "flashbackMfaVerifyLogin"
    )]
    async fn pass(
        &self,
        service: Data<&Arc<Service>>,
        Waiting(bearer): Waiting,
        request: &Request,
        client: Client,
        body: Body<CodeRequest>,
    ) -> PassReply {
        let answer = Answer::of(&body.0.parts().1);
        let origin = client.origin(None);
        match service.finish_login(&POLICY, &bearer.token, answer.clone(), &origin).await {
            Ok(entered) => return PassReply::Done(entered.tokens.into()),
            Err(LoginError::TicketEnded) => {}
            Err(error) => return PassReply::Failed(login_problem(error)),
        }
        let caller = match guard::admit_to_enrol(request, &bearer.token, Some(Contract::Flashback)) {
            Ok(caller) => caller,
            Err(error) => return PassReply::Failed(Problem::of_guard(&error)),
        };
        let passed = service.pass_again(&caller, answer).await;
        match passed.map_err(Problem::from).and_then(|()| Ok(service.session_tokens(&caller)?)) {
            Ok(Some(tokens)) => PassReply::Done(tokens.into()),
            Ok(None) => PassReply::Failed(Problem::unauthorized()),
            Err(problem) => PassReply::Failed(problem),
        }
    }

    /// Turn everything off
    ///
    /// Takes passing the second factor, as turning one off does.
    #[oai(path = "/mfa/reset", method = "post", tag = "Area::Mfa", operation_id = "flashbackMfaReset")]
    async fn reset(
        &self,
        service: Data<&Arc<Service>>,
        Enrolling(caller): Enrolling,
        body: OptionalBody<ResetRequest>,
    ) -> DisableReply {
        let code = body.0.and_then(|body| body.code);
        let off = service.turn_off(&caller, Removal::All, code.as_deref().map(Answer::of)).await;
        off.map(|()| message("MFA reset successfully")).map_err(Problem::from).into()
    }

    /// Ask all members for a second factor
    ///
    /// For administrators and owners. Who has none can do nothing but set one up.
    #[oai(
        path = "/mfa/organization/enforce",
        method = "post",
        tag = "Area::Mfa",
        operation_id = "flashbackMfaEnforce"
    )]
    async fn enforce(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<EnforceRequest>,
    ) -> EnforceReply {
        let set = service.enforce_second_factor(&caller, body.0.enforced).await;
        set.map(|()| message("Organization MFA enforcement updated successfully"))
            .map_err(standing_problem)
            .into()
    }
}
