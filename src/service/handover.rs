//! Waiting for a letter to leave the house, where a contract promises that much in its answer.

use std::time::Duration;

use crate::model::id::LetterId;
use crate::model::letter::LetterState;
use crate::store::letters;

use super::Service;

impl Service {
    /// Whether a letter is handed over within `bound`. It stays in the outbox and is tried again whatever this says.
    pub(super) async fn is_handed_over(&self, letter: LetterId, bound: Duration) -> bool {
        let mut settled = self.bell.settled();
        let watched = async {
            loop {
                match self.store.read(|tx| letters::find(tx, letter)) {
                    Ok(Some(letter)) => match letter.state {
                        LetterState::Delivered => return true,
                        LetterState::Failed | LetterState::Expired => return false,
                        LetterState::Waiting => {}
                    },
                    // Gone with its account: somebody was quick to say that it was not them.
                    Ok(None) => return false,
                    Err(error) => tracing::warn!("whether a letter left could not be asked: {error}"),
                }
                if settled.changed().await.is_err() {
                    return false;
                }
            }
        };
        tokio::time::timeout(bound, watched).await.unwrap_or(false)
    }
}
