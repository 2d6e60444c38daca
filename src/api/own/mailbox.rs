//! The mailbox of development as JSON, for tests of one's own. Gated by the layer around every request.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Query;
use poem_openapi::{Object, OpenApi};

use super::Area;
use crate::api::flashback::failure::FamilyA;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, outcomes};
use crate::model::id::LetterId;
use crate::model::letter::Letter;
use crate::service::Service;
use crate::service::mailbox::Search;

/// Letters that one answer holds.
const PAGE: i64 = 200;

/// A letter in the mailbox.
#[derive(Object)]
#[oai(rename = "MailboxLetter", skip_serializing_if_is_none)]
pub struct LetterBody {
    id: String,
    to: String,
    /// `verify`, `reset`, `password-changed`, or another kind; README lists them.
    kind: String,
    /// RFC 3339 in UTC.
    created: String,
    subject: String,
    text: String,
    html: String,
    /// The links it carries.
    links: Vec<String>,
    /// The 8-digit code it carries, if any.
    code: Option<String>,
}

/// What was taken out of the mailbox.
#[derive(Object)]
#[oai(rename = "MailboxCleared")]
pub struct ClearedBody {
    /// Letters.
    removed: i64,
}

const CLOSED: Status =
    (404, "The mailbox is closed: a mail server is set, or the caller is not on this machine.");

outcomes!(MailboxReply = MailboxOutcomes: FamilyA, 200 "The letters, newest first." => Vec<LetterBody>,
    [ALWAYS, &[CLOSED]]);
outcomes!(ClearReply = ClearOutcomes: FamilyA, 200 "They are gone." => ClearedBody, [ALWAYS, &[CLOSED]]);

#[derive(Clone)]
pub struct MailboxApi;

#[OpenApi]
impl MailboxApi {
    /// Read the mailbox
    ///
    /// Without a mail server set, letters are kept here instead of being sent: open `/mailbox` in a browser, or read
    /// them as JSON, the newest 200.
    #[oai(path = "/mailbox/letters", method = "get", tag = "Area::Latchkey", operation_id = "mailboxLetters")]
    async fn letters(
        &self,
        service: Data<&Arc<Service>>,
        /// Only letters to this address.
        to: Query<Option<String>>,
        /// Only letters older than the one of this id: for the next page, the last id of this one.
        before: Query<Option<String>>,
    ) -> MailboxReply {
        let before = before.0.as_deref().map(LetterId::named);
        let letters = service.mailbox(&search(to.0.as_deref()), before, PAGE);
        // One that was sealed with another key hides no other.
        let bodies =
            letters.map(|letters| letters.iter().filter_map(|letter| open(&service, letter)).collect());
        bodies.map_err(Problem::from).into()
    }

    /// Empty the mailbox
    ///
    /// Takes letters out for good, as between two tests.
    #[oai(
        path = "/mailbox/letters",
        method = "delete",
        tag = "Area::Latchkey",
        operation_id = "mailboxClear"
    )]
    async fn clear(
        &self,
        service: Data<&Arc<Service>>,
        /// Only letters to this address; all letters when absent.
        to: Query<Option<String>>,
    ) -> ClearReply {
        let removed = service.clear_mailbox(search(to.0.as_deref())).await;
        let body = removed.map(|removed| ClearedBody { removed: removed.try_into().unwrap_or(i64::MAX) });
        body.map_err(Problem::from).into()
    }
}

fn search(to: Option<&str>) -> Search {
    to.map_or_else(Search::all, Search::to)
}

fn open(service: &Service, letter: &Letter) -> Option<LetterBody> {
    let body = service.mailroom.open(letter).ok()?;
    Some(LetterBody {
        id: letter.id.to_string(),
        to: letter.to.clone(),
        kind: letter.kind.clone(),
        created: letter.created_at.rfc3339(),
        subject: body.subject,
        text: body.text,
        html: body.html,
        links: body.links,
        code: body.code,
    })
}
