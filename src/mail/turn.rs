//! A letter's turn: a carrier that is closed lets none begin, and says so without a word on the letter.

use std::future::pending;
use tokio_util::sync::CancellationToken;

tokio::task_local! {
    /// Cancelled when the letter of this task will not have its turn.
    static TURNED_AWAY: CancellationToken;
}

/// Does the work on one letter. False: its carrier was closed before its turn came, so that nothing was said of it to
/// any server, and the work was dropped where it stood.
pub(super) async fn in_turn(work: impl Future<Output = ()>) -> bool {
    let turned_away = CancellationToken::new();
    tokio::select! {
        biased;
        () = TURNED_AWAY.scope(turned_away.clone(), work) => true,
        () = turned_away.cancelled() => false,
    }
}

/// Ends the work on this task's letter, whose conversation has not begun. Never returns, like any wait for a turn that
/// does not come.
pub(super) async fn turn_away<T>() -> T {
    let _ = TURNED_AWAY.try_with(CancellationToken::cancel);
    pending().await
}
