//! The list of an organization's users as text, a page at a time: a tree of ten thousand would take a hundred times
//! their size, and one for every caller.

use std::io;

use futures_util::stream;
use poem::Body;
use tracing::Span;

use super::wire::UserBody;
use crate::model::account::Member;
use crate::service::Unavailable;
use crate::service::roster::Roster;

const OPENING: &[u8] = br#"{"success":true,"data":["#;

/// The answer that lists a roster. One page goes out as a whole, with its length; what is longer goes out as it is
/// read, and no faster than the client takes it.
///
/// # Errors
/// [`Unavailable`] when the first page cannot be read. A later one breaks the answer off, which the client notices: the
/// last chunk is missing (RFC 9112 section 8).
pub async fn answer(roster: Roster) -> Result<Body, Unavailable> {
    let mut listing = Listing { roster, total: 0 };
    let first = listing.next().await?.unwrap_or_default();
    if listing.roster.has_ended() {
        return Ok(first.into());
    }
    let span = Span::current();
    let pieces = stream::try_unfold((Some(first), listing), move |(ready, mut listing)| {
        let span = span.clone();
        async move {
            let piece = match ready {
                Some(first) => Ok(Some(first)),
                None => listing.next().await,
            };
            // The status has gone out: the log line of the request knows nothing of this.
            let piece = piece.inspect_err(|error| {
                span.in_scope(|| tracing::error!("a list of users breaks off: {error}"));
            });
            Ok::<_, io::Error>(piece.map_err(io::Error::other)?.map(|piece| (piece, (None, listing))))
        }
    });
    Ok(Body::from_bytes_stream(pieces))
}

struct Listing {
    roster: Roster,
    total: u64,
}

impl Listing {
    /// The text of the next page, with what comes before the first and after the last.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Unavailable> {
        let Some(page) = self.roster.next().await? else { return Ok(None) };
        let mut text = if self.total == 0 { OPENING.to_vec() } else { Vec::new() };
        for member in &page {
            self.write(member, &mut text).map_err(Unavailable::because)?;
        }
        if self.roster.has_ended() {
            text.extend_from_slice(format!(r#"],"total":{}}}"#, self.total).as_bytes());
        }
        Ok(Some(text))
    }

    fn write(&mut self, member: &Member, text: &mut Vec<u8>) -> serde_json::Result<()> {
        if self.total > 0 {
            text.push(b',');
        }
        self.total += 1;
        serde_json::to_writer(text, &UserBody::from(member))
    }
}
