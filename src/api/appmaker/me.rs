//! `GET` and `POST /me`.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi};

use super::Area;
use super::access::{Proven, Shown};
use super::failure::{Sentences, refused};
use super::password::chosen;
use super::wire::UserBody;
use crate::api::body::Body;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Nothing, WITH_BODY, WITH_TOKEN, outcomes};
use crate::model::account::Member;
use crate::model::organization::Role;
use crate::model::password::Password;
use crate::service::Service;
use crate::service::password::PasswordError;

/// The caller, with the place in the organization.
#[derive(Object)]
#[oai(rename = "AppMakerMe", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct MeBody {
    #[oai(flatten)]
    user: UserBody,
    /// The id of the organization; absent for somebody without one.
    organization: Option<String>,
    /// The names of the role and of all that it contains.
    roles: Vec<String>,
    // No description: beside a reference to an enum, generators of clients stumble over it.
    user_type: UserType,
}

/// `admin` from the role ADMINISTRATORS on.
#[derive(Enum)]
#[oai(rename = "AppMakerUserType", rename_all = "kebab-case")]
pub enum UserType {
    Admin,
    User,
}

impl From<&Member> for MeBody {
    fn from(member: &Member) -> MeBody {
        let place = member.organization.as_ref();
        let role = place.map(|place| place.role);
        let roles = role.map(Role::cumulative).unwrap_or_default();
        MeBody {
            user: UserBody::from(member),
            organization: place.map(|place| place.organization.to_string()),
            roles: roles.into_iter().map(|role| role.name().to_owned()).collect(),
            user_type: if role >= Some(Role::Administrators) { UserType::Admin } else { UserType::User },
        }
    }
}

/// The present password and the new one.
#[derive(Object)]
#[oai(rename = "AppMakerMeChange", rename_all = "camelCase")]
pub struct MeChange {
    /// The present one.
    password: String,
    /// At least 8 characters, and what else the contract asks for that the account was made through.
    new_password: String,
}

outcomes!(MeReply = MeOutcomes: Sentences, 200 "The caller." => MeBody, [ALWAYS, WITH_TOKEN]);

outcomes!(empty ChangeReply = ChangeOutcomes: Sentences, 201 "The password is changed.",
[ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (400, "Which fields are wrong; `password` also where it is not the present one."),
    (403, "The address is not proved; the account has a second factor that this session has not passed within 15 minutes; \
        or the organization asks for one that the account has yet to set up."),
]]);

#[derive(Clone)]
pub struct Me;

#[OpenApi]
impl Me {
    /// Read oneself
    ///
    /// The caller, with the place in the organization. Of an access token its owner, in the organization that the token
    /// was made in.
    #[oai(path = "/me", method = "get", tag = "Area::Me", operation_id = "appmakerMe")]
    async fn read(&self, shown: Shown) -> MeReply {
        let caller = shown.anybody();
        caller.map(|caller| MeBody::from(&caller.member)).map_err(|error| Problem::of_guard(&error)).into()
    }

    /// Change one's password
    ///
    /// Ends all other sessions and pending resets of the account, and mails a notice. Wrong passwords count as failed
    /// logins do. Personal access tokens go on, and none may call this.
    #[oai(path = "/me", method = "post", tag = "Area::Me", operation_id = "appmakerChangeMe")]
    async fn change(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<MeChange>,
    ) -> ChangeReply {
        let MeChange { password, new_password } = body.0;
        let new = match chosen(caller.member.account.contract, "newPassword", &new_password) {
            Ok(password) => password,
            Err(problem) => return ChangeReply::Failed(problem),
        };
        let changed = service.change_password(&caller, Password::given(&password), new).await;
        changed.map(|()| Nothing).map_err(Problem::from).into()
    }
}

impl From<PasswordError> for Problem<Sentences> {
    fn from(error: PasswordError) -> Problem<Sentences> {
        match error {
            PasswordError::WrongPassword => refused("password", "Must be your present password"),
            PasswordError::Locked(wait) => Problem::locked(wait),
            PasswordError::SecondFactorNeeded => Problem::new(
                StatusCode::FORBIDDEN,
                "MFA_REQUIRED",
                "Log in again with your second factor first",
            ),
            PasswordError::SessionEnded => Problem::unauthorized(),
            PasswordError::Setback(setback) => Problem::from(setback),
        }
    }
}
