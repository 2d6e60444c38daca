//! A letter in hand that may still be given back as it was.

use super::Courier;
use crate::mail::turn::in_turn;
use crate::model::letter::Letter;
use crate::store::{Unavailable, letters};

impl Courier {
    /// Carries a letter, if its turn comes before the carrier is closed. Else it is given back as it was: nobody has heard
    /// of it, so its history has nothing to tell.
    pub(super) async fn carry_in_turn(&self, letter: Letter) {
        let (id, domain) = (letter.id, letter.domain.clone());
        if in_turn(self.carry(letter)).await {
            return;
        }
        let now = self.clock.now();
        let given_back: Result<_, Unavailable> =
            self.store.write(move |tx| letters::give_back(tx, id, &domain, now)).await;
        if let Err(error) = given_back {
            tracing::error!(
                "letter {id} was not begun but that could not be noted; the next start tells: {error}"
            );
        }
    }
}
