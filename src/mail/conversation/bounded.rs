//! A bound on what a server may say in answer to one command.

use mail_send::SmtpClient;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes of an answer. The longest that is heard in practice, EHLO's, has about one kilobyte.
const MOST: usize = 64 * 1024;

/// A stream that ends with an error when the other side says too much before it is spoken to again. The parser of
/// replies keeps every line of one, and has no bound of its own: a server that never came to the last would fill the
/// memory.
pub(in crate::mail) struct Bounded<S> {
    stream: S,
    /// Bytes read since the last write.
    heard: usize,
}

/// A client whose server has said nothing yet.
pub(in crate::mail) fn bounded<S: AsyncRead + AsyncWrite + Unpin>(
    client: SmtpClient<S>,
) -> SmtpClient<Bounded<S>> {
    let SmtpClient { stream, timeout } = client;
    SmtpClient { stream: Bounded { stream, heard: 0 }, timeout }
}

/// The client beneath, for a handshake, since TLS has bounds of its own.
pub(in crate::mail) fn unbounded<S: AsyncRead + AsyncWrite + Unpin>(
    client: SmtpClient<Bounded<S>>,
) -> SmtpClient<S> {
    let SmtpClient { stream, timeout } = client;
    SmtpClient { stream: stream.stream, timeout }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.heard >= MOST {
            return Poll::Ready(Err(io::Error::other("the server says too much")));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.heard += buffer.filled().len() - before;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.heard = 0;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_send::Error;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn a_reply_without_end_ends_after_a_bounded_number_of_bytes() {
        let (near, mut far) = duplex(1024);
        let flood = tokio::spawn(async move {
            let mut said = 0;
            while far.write_all(b"220-\n").await.is_ok() {
                said += 5;
            }
            said
        });
        let mut client = bounded(SmtpClient { stream: near, timeout: Duration::from_secs(60) });
        let ended = client.read().await;
        assert!(matches!(&ended, Err(Error::Io(fault)) if fault.to_string() == "the server says too much"));
        drop(client);
        let said: usize = flood.await.expect("it ends");
        assert!(said <= MOST + 2 * 1024, "{said} bytes");
    }

    #[tokio::test]
    async fn whoever_is_spoken_to_may_answer_anew() {
        let (near, mut far) = duplex(2 * MOST);
        let mut near = Bounded { stream: near, heard: 0 };
        let mut answer = vec![0; MOST];
        for _ in 0..3 {
            far.write_all(&answer).await.expect("there is room");
            near.read_exact(&mut answer).await.expect("as much as may be");
            near.write_all(b"and now?").await.expect("there is room");
        }
        far.write_all(&vec![0; MOST + 1]).await.expect("there is room");
        assert!(near.read_to_end(&mut Vec::new()).await.is_err());
    }
}
