//! `GET /me`.

use poem_openapi::{Enum, Object, OpenApi};

use super::failure::Sentences;
use super::wire::UserBody;
use super::{Area, Known};
use crate::api::reply::{ALWAYS, WITH_TOKEN, outcomes};
use crate::model::account::Member;
use crate::model::organization::Role;

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

outcomes!(MeReply = MeOutcomes: Sentences, 200 "The caller." => MeBody, [ALWAYS, WITH_TOKEN]);

#[derive(Clone)]
pub struct Me;

#[OpenApi]
impl Me {
    /// Read oneself
    ///
    /// The caller, with the place in the organization.
    #[oai(path = "/me", method = "get", tag = "Area::Me", operation_id = "appmakerMe")]
    async fn read(&self, Known(caller): Known) -> MeReply {
        MeReply::Done(MeBody::from(&caller.member))
    }
}
