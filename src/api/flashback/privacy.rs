//! What is kept of the caller: the audit log, and everything in one document. Latchkey's own additions.

mod credentials;
mod person;
mod wire;

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::{Object, OpenApi};

use super::failure::{FamilyB, SENTENCE_ONLY};
use super::{Area, Known};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_TOKEN, outcomes};
use crate::service::Service;
use wire::{AuditEntryBody, ExportBody};

/// The caller's entries of the audit log.
#[derive(Object)]
#[oai(rename = "FlashbackAudit")]
pub struct AuditBody {
    /// Always true.
    success: bool,
    data: Vec<AuditEntryBody>,
}

/// All that is kept of the caller.
#[derive(Object)]
#[oai(rename = "FlashbackExportAnswer")]
pub struct ExportAnswer {
    /// Always true.
    success: bool,
    data: ExportBody,
}

outcomes!(AuditReply = AuditOutcomes: FamilyB, 200 "The latest 200 entries, newest first." => AuditBody,
    [ALWAYS, WITH_TOKEN]);
outcomes!(ExportReply = ExportOutcomes: FamilyB, 200 "All that is kept of the caller." => ExportAnswer,
    [ALWAYS, WITH_TOKEN, &[(404, "`User not found`: the account is gone.")]]);

#[derive(Clone)]
pub struct Privacy;

#[OpenApi]
impl Privacy {
    /// Read one's audit log
    ///
    /// What was done to the caller's account or by it: changes of credentials, role and state, and sessions and devices
    /// ended from elsewhere. Kept for 400 days.
    #[oai(path = "/user/audit", method = "get", tag = "Area::Profile", operation_id = "flashbackAudit")]
    async fn audit(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> AuditReply {
        let own = caller.member.account.id;
        let body = |entry| AuditEntryBody::new(entry, own);
        let entries = service.own_audit(&caller);
        entries
            .map(|entries| AuditBody { success: true, data: entries.into_iter().map(body).collect() })
            .map_err(Problem::from)
            .into()
    }

    /// Export one's data
    ///
    /// Account, username, profile, pending and former addresses, organization, subscriptions, sessions, devices, API keys,
    /// access tokens, second factors, notifications, invite codes used, referral code, settings and audit log in one document. Neither
    /// password nor secrets are in it, nor their hashes.
    #[oai(path = "/user/export", method = "get", tag = "Area::Profile", operation_id = "flashbackExport")]
    async fn export(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> ExportReply {
        match service.export(&caller).await {
            Ok(Some(export)) => {
                let data = ExportBody::new(export, service.clock.now());
                ExportReply::Done(ExportAnswer { success: true, data })
            }
            Ok(None) => {
                ExportReply::Failed(Problem::new(StatusCode::NOT_FOUND, SENTENCE_ONLY, "User not found"))
            }
            Err(cause) => ExportReply::Failed(cause.into()),
        }
    }
}
