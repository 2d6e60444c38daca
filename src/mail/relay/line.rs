//! A connection to the relay that is past greeting, encryption and login: it takes one letter after another.

use std::time::Duration;

use mail_send::smtp::AssertReply;
use mail_send::{Credentials, Error, SmtpClient};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::mail::conversation::{self, Parcel, Progress, verdict};

/// Letters that a connection carries, so that servers which count them are not the first to be tired of it.
const LETTERS: u32 = 100;
/// How long the farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// What bytes go over, encrypted or not.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// The connection.
pub struct Line {
    client: SmtpClient<Box<dyn Wire>>,
    letters: u32,
    /// How it is encrypted, as in `TLS 1.3`; empty when it is not.
    pub tls: String,
}

impl Line {
    /// A line over a client that has said EHLO and logged in.
    pub fn new<S: Wire + 'static>(client: SmtpClient<S>, tls: String) -> Line {
        let SmtpClient { stream, timeout } = client;
        Line { client: SmtpClient { stream: Box::new(stream), timeout }, letters: 0, tls }
    }

    /// Hands one letter over.
    pub async fn hand_over(
        &mut self,
        parcel: &Parcel<'_>,
        login: Option<&Credentials<String>>,
        at: &mut Progress,
    ) -> Result<(), Error> {
        self.letters += 1;
        at.tls.clone_from(&self.tls);
        let reply = conversation::hand_over(&mut self.client, parcel, at).await?;
        at.verdict = Some(verdict::delivered(&reply, login));
        Ok(())
    }

    /// Whether it can carry another letter after one that ended so: the server has answered, and does not want to close.
    pub fn is_good_after(&self, ended: &Result<(), Error>) -> bool {
        self.letters < LETTERS
            && match ended {
                Ok(()) => true,
                Err(Error::UnexpectedReply(reply)) => reply.code >= 400 && reply.code != 421,
                Err(_) => false,
            }
    }

    /// Whether it still lives, with nothing left of the letter before. Until then nothing of the next has been said, so
    /// that one can go over another line.
    pub async fn is_ready(&mut self, limit: Duration) -> bool {
        let reset = async { self.client.cmd(b"RSET\r\n").await?.assert_positive_completion() };
        matches!(timeout(limit, reset).await, Ok(Ok(())))
    }

    /// Says QUIT. The reply is not awaited: what it would say changes nothing.
    pub async fn quit(mut self) {
        let farewell = async {
            self.client.stream.write_all(b"QUIT\r\n").await?;
            self.client.stream.flush().await
        };
        let _ = timeout(FAREWELL, farewell).await;
    }
}
