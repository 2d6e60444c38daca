//! One's own data.

use poem_openapi::{Object, OpenApi};

use super::failure::FamilyMessage;
use super::{Area, Known};
use crate::api::reply::{ALWAYS, WITH_TOKEN, outcomes};
use crate::model::account::Member;

/// Somebody, as the contract shows them.
#[derive(Object)]
#[oai(rename = "FinRadarUser")]
pub struct UserBody {
    /// 24 hexadecimal digits.
    uuid: String,
    email: String,
    /// `user` or `admin`.
    usertype: String,
    /// Whether the address is proved.
    verify_email: bool,
}

impl From<&Member> for UserBody {
    fn from(member: &Member) -> UserBody {
        UserBody {
            uuid: member.account.id.to_string(),
            email: member.account.email.as_str().to_owned(),
            usertype: "user".to_owned(),
            verify_email: member.account.verified_at.is_some(),
        }
    }
}

/// The caller.
#[derive(Object)]
#[oai(rename = "FinRadarUserAnswer")]
pub struct UserAnswer {
    user: UserBody,
}

outcomes!(ReadReply = ReadOutcomes: FamilyMessage, 200 "The caller." => UserAnswer, [ALWAYS, WITH_TOKEN]);

#[derive(Clone)]
pub struct User;

#[OpenApi]
impl User {
    /// Read the user
    #[oai(path = "/api/v1/user/", method = "get", tag = "Area::User", operation_id = "finradarUser")]
    async fn read(&self, Known(caller): Known) -> ReadReply {
        ReadReply::Done(UserAnswer { user: UserBody::from(&caller.member) })
    }
}
