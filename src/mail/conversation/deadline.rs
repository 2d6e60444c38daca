//! A limit on the time of a conversation that leaves its end alone.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::time::sleep;

/// Whether the message is over there and only the last word is waited for. Clones tell of the same conversation.
#[derive(Debug, Clone, Default)]
pub(in crate::mail) struct Written(Arc<AtomicBool>);

impl Written {
    /// It is, or it is not.
    pub(super) fn set(&self, written: bool) {
        self.0.store(written, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Does the work, which has `limit` for all but the wait for the last word: that has a bound of its own, because whoever
/// gives up there makes a second copy of the letter. None: the limit has passed.
pub(in crate::mail) async fn until_written<T>(
    limit: Duration,
    written: Written,
    work: impl Future<Output = T>,
) -> Option<T> {
    let (mut work, mut alarm) = (pin!(work), pin!(sleep(limit)));
    poll_fn(|context| {
        if let Poll::Ready(ended) = work.as_mut().poll(context) {
            return Poll::Ready(Some(ended));
        }
        // Looked at anew each time that the work has moved: after the last word there may be another server to ask.
        if written.get() {
            return Poll::Pending;
        }
        alarm.as_mut().poll(context).map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::time::timeout;

    const LIMIT: Duration = Duration::from_millis(10);
    const LAST_WORD: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn the_limit_holds_until_the_message_is_written_and_again_when_all_begins_anew() {
        let written = Written::default();
        assert_eq!(until_written(LIMIT, written.clone(), pending::<()>()).await, None);
        let answered = async {
            written.set(true);
            timeout(LAST_WORD, pending::<()>()).await.is_err()
        };
        assert_eq!(until_written(LIMIT, written.clone(), answered).await, Some(true));
        let asks_another = async {
            written.set(true);
            let _ = timeout(LAST_WORD, pending::<()>()).await;
            written.set(false);
            pending::<()>().await;
        };
        assert_eq!(until_written(LIMIT, written.clone(), asks_another).await, None);
    }
}
