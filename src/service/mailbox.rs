//! The mailbox of development: letters that are kept instead of sent.

use super::{Service, Unavailable};
use crate::model::id::LetterId;
use crate::model::letter::Letter;
use crate::store::letters::{self, Kept};

/// Which letters of the mailbox are asked for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    to: Option<String>,
    part: String,
}

impl Search {
    /// All letters.
    pub fn all() -> Search {
        Search::default()
    }

    /// Letters to one address, in whatever case.
    pub fn to(address: &str) -> Search {
        Search { to: Some(address.trim().to_ascii_lowercase()), part: String::new() }
    }

    /// Letters to addresses that hold a text, in whatever case.
    pub fn holding(part: &str) -> Search {
        Search { to: None, part: part.trim().to_ascii_lowercase() }
    }

    fn kept(&self) -> Kept<'_> {
        Kept { to: self.to.as_deref(), part: &self.part }
    }
}

impl Service {
    /// Letters of the mailbox, newest first, at most `limit`; those older than `before`, where one is named.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn mailbox(
        &self,
        search: &Search,
        before: Option<LetterId>,
        limit: i64,
    ) -> Result<Vec<Letter>, Unavailable> {
        self.store.read(|tx| letters::kept(tx, &search.kept(), before, limit))
    }

    /// How many letters of the mailbox are asked for.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn mailbox_count(&self, search: &Search) -> Result<i64, Unavailable> {
        self.store.read(|tx| letters::count_kept(tx, &search.kept()))
    }

    /// What changes whenever the mailbox does: a letter has come, or some were taken out.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn mailbox_state(&self) -> Result<String, Unavailable> {
        let all = Search::all();
        self.store.read(|tx| {
            let newest = letters::kept(tx, &all.kept(), None, 1)?;
            let newest = newest.first().map_or_else(|| "none".to_owned(), |letter| letter.id.to_string());
            Ok(format!("{newest} {}", letters::count_kept(tx, &all.kept())?))
        })
    }

    /// Takes letters out of the mailbox for good, and tells how many. Only for where letters are kept: one that waits to
    /// be sent would be lost.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn clear_mailbox(&self, search: Search) -> Result<u64, Unavailable> {
        self.store.write(move |tx| letters::erase_kept(tx, &search.kept())).await
    }
}
