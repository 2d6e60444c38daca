//! The addresses that mailed links were published under. Looking uses nothing up (C3), and nothing that a caller says
//! decides where they lead (C1, C2).

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;

use super::Area;
use super::failure::FamilyMessage;
use crate::api::browser::{ConfirmationPage, Onward, PageReply};
use crate::service::Service;

#[derive(Clone)]
pub struct Links;

#[OpenApi]
impl Links {
    /// Open a verification link
    ///
    /// The page that asks to confirm the address. Its button posts to a page of this server, and only that uses the
    /// link up.
    #[oai(
        path = "/api/v1/auth/verifyEmail",
        method = "get",
        tag = "Area::Authentication",
        operation_id = "finradarVerifyEmail"
    )]
    async fn verify_email(
        &self,
        page: Data<&Arc<ConfirmationPage>>,
        /// The secret of the mailed link.
        #[oai(name = "token")]
        _token: Query<Option<String>>,
        request: &Request,
    ) -> PageReply<FamilyMessage> {
        page.show(request).await
    }

    /// Open a reset link
    ///
    /// Leads to the page of this server that asks for a new password, and uses nothing up.
    #[oai(
        path = "/api/v1/auth/verifyPasswordLink",
        method = "get",
        tag = "Area::Authentication",
        operation_id = "finradarVerifyPasswordLink"
    )]
    async fn verify_password_link(
        &self,
        service: Data<&Arc<Service>>,
        /// The secret of the mailed link.
        token: Query<Option<String>>,
    ) -> Onward<FamilyMessage> {
        let public_url = &service.mailroom.letterhead().public_url;
        Onward::to_page(public_url, "/reset-password", token.0.as_deref().unwrap_or_default())
    }
}
