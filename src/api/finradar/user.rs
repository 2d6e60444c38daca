//! One's own data, and the one API key that this contract knows.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{Object, OpenApi};

use super::failure::FamilyMessage;
use super::{Area, Known};
use crate::api::body::{Body, Text, TextValue};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_BODY, WITH_TOKEN, outcomes};
use crate::model::account::Member;
use crate::model::api_key::ApiKey;
use crate::model::fault::Rule;
use crate::model::ledger::Terms;
use crate::model::notification::WebhookUrl;
use crate::model::plan::PeriodType;
use crate::service::notifications::NotificationChange;
use crate::service::standing::StandingError;
use crate::service::{Service, Unavailable};

impl TextValue for WebhookUrl {
    const NAME: &'static str = "WebhookUrl";
    const FORMAT: &'static str = "";
    const MIN: Option<usize> = None;
    const MAX: Option<usize> = Some(512);

    fn parse(text: &str) -> Result<WebhookUrl, Rule> {
        WebhookUrl::parse(text)
    }

    fn as_str(&self) -> &str {
        self.as_str()
    }
}

/// Somebody, as the contract shows them.
#[derive(Object)]
#[oai(rename = "FinRadarUser")]
pub struct UserBody {
    /// 24 hexadecimal digits.
    uuid: String,
    email: String,
    /// Always `user`: nobody administers the server over HTTP.
    usertype: String,
    /// First and last characters, as in `lk_1a2b…9f`; empty when there is none. The whole key is in the letter of
    /// welcome and in the answer to a rotation.
    api_key: String,
    /// Whether the address is proved.
    verify_email: bool,
    /// What can be spent, in ledger tokens.
    credit_balance: i64,
    /// `free`, `weekly`, `monthly`, `pro` or `yearly`.
    plan: String,
    /// An https URL, or empty.
    webhook_url: String,
    notify_email: bool,
    notify_browser: bool,
}

impl UserBody {
    /// Somebody with all that the contract shows of them.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn of(service: &Service, member: &Member) -> Result<UserBody, Unavailable> {
        let account = &member.account;
        let key = service.default_key(account.id)?;
        let chosen = service.notifications(account.id)?;
        let standing = member.organization.as_ref().map(|place| service.ledger(place.organization));
        let standing = standing.transpose()?;
        let terms = standing.as_ref().and_then(|standing| standing.terms.as_ref());
        Ok(UserBody {
            uuid: account.id.to_string(),
            email: account.email.as_str().to_owned(),
            usertype: "user".to_owned(),
            api_key: key.as_ref().map(ApiKey::masked).unwrap_or_default(),
            verify_email: account.verified_at.is_some(),
            credit_balance: standing.as_ref().map_or(0, |standing| standing.ledger.balance()),
            plan: plan_word(terms).to_owned(),
            webhook_url: chosen.webhook_url,
            notify_email: chosen.email,
            notify_browser: chosen.browser,
        })
    }
}

fn plan_word(terms: Option<&Terms>) -> &'static str {
    match terms.filter(|terms| terms.priced).map(|terms| terms.period_type) {
        None => "free",
        Some(PeriodType::Weekly) => "weekly",
        Some(PeriodType::Monthly) => "monthly",
        Some(PeriodType::Yearly) => "yearly",
        Some(PeriodType::AllTime | PeriodType::Daily) => "pro",
    }
}

/// The caller.
#[derive(Object)]
#[oai(rename = "FinRadarUserAnswer")]
pub struct UserAnswer {
    user: UserBody,
}

/// What to change; the rest stays. Keys that are not listed are ignored.
#[derive(Object)]
#[oai(rename = "FinRadarUserChange", skip_serializing_if_is_none)]
pub struct UserChange {
    /// An https URL of at most 512 characters; an empty one clears. Kept for your product: Latchkey never calls it.
    webhook_url: Option<Text<WebhookUrl>>,
    notify_email: Option<bool>,
    notify_browser: Option<bool>,
}

/// The caller after a change.
#[derive(Object)]
#[oai(rename = "FinRadarUserChanged")]
pub struct ChangedBody {
    message: String,
    user: UserBody,
}

/// A fresh API key.
#[derive(Object)]
#[oai(rename = "FinRadarKeyRotated")]
pub struct RotatedBody {
    message: String,
    /// The whole key: told here and never again.
    api_key: String,
}

const FAULTY: Status = (400, "Which fields are wrong.");

outcomes!(ReadReply = ReadOutcomes: FamilyMessage, 200 "The caller." => UserAnswer, [ALWAYS, WITH_TOKEN]);
outcomes!(ChangeReply = ChangeOutcomes: FamilyMessage, 200 "Changed." => ChangedBody,
    [ALWAYS, WITH_BODY, WITH_TOKEN, &[FAULTY]]);
outcomes!(RotateReply = RotateOutcomes: FamilyMessage, 200 "The new key is good, the old one is dead." => RotatedBody,
    [ALWAYS, WITH_TOKEN]);

#[derive(Clone)]
pub struct User;

#[OpenApi]
impl User {
    /// Read the user
    ///
    /// The caller.
    #[oai(path = "/api/v1/user/", method = "get", tag = "Area::User", operation_id = "finradarUser")]
    async fn read(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> ReadReply {
        let user = UserBody::of(&service, &caller.member);
        user.map(|user| UserAnswer { user }).map_err(Problem::from).into()
    }

    /// Change the user
    ///
    /// Changes what is given.
    #[oai(path = "/api/v1/user/", method = "put", tag = "Area::User", operation_id = "finradarChangeUser")]
    async fn change(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        body: Body<UserChange>,
    ) -> ChangeReply {
        let UserChange { webhook_url, notify_email, notify_browser } = body.0;
        let change = NotificationChange {
            webhook_url: webhook_url.map(|url| url.0),
            email: notify_email,
            browser: notify_browser,
        };
        if let Err(error) = service.change_notifications(&caller, change).await {
            return ChangeReply::Failed(standing_problem(error));
        }
        let user = UserBody::of(&service, &caller.member);
        user.map(|user| ChangedBody { message: "User updated successfully".to_owned(), user })
            .map_err(Problem::from)
            .into()
    }

    /// Rotate the API key
    ///
    /// The old one is refused from the next call on.
    #[oai(
        path = "/api/v1/user/api-key",
        method = "post",
        tag = "Area::User",
        operation_id = "finradarRotateKey"
    )]
    async fn rotate(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> RotateReply {
        let rotated = service.rotate_default_key(&caller).await;
        rotated
            .map(|key| RotatedBody {
                message: "API key rotated successfully".to_owned(),
                api_key: key.as_str().to_owned(),
            })
            .map_err(standing_problem)
            .into()
    }
}

fn standing_problem(error: StandingError) -> Problem<FamilyMessage> {
    match error {
        // Nothing here asks for a role.
        StandingError::SessionEnded | StandingError::NoOrganization | StandingError::Forbidden => {
            Problem::unauthorized()
        }
        StandingError::Unavailable(cause) => cause.into(),
    }
}
