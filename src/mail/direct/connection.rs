//! A connection to one mail server: encrypted where the server offers it, and told apart where it is not.

use super::conversation::{self, EhloName, bounded, unbounded};
use super::{Bounds, Progress, Step, verdict};
use mail_send::smtp::AssertReply;
use mail_send::{Error, SmtpClient};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use smtp_proto::EXT_START_TLS;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a server may take to hear QUIT.
const FAREWELL: Duration = Duration::from_secs(1);

/// A stream in clear text or encrypted.
pub(in crate::mail) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Where one connection goes: an address that was looked up and judged, and the name that led there.
pub(in crate::mail) struct Target<'x> {
    pub host: &'x str,
    pub address: SocketAddr,
}

/// A server that has answered EHLO and waits for a letter.
pub(super) struct Connection {
    pub client: SmtpClient<Box<dyn Stream>>,
    pub host: String,
    /// How the way is protected, in words.
    pub protection: String,
    /// How it is encrypted, as in `TLS 1.3`; empty when it is not.
    pub tls: String,
}

impl Connection {
    /// Says QUIT, while nobody waits for it: the verdict stands already.
    pub fn part(self) {
        tokio::spawn(timeout(FAREWELL, self.client.quit()));
    }
}

/// Opens connections.
pub(super) struct Dialer {
    pub ehlo_name: EhloName,
    pub tls: Arc<ClientConfig>,
    pub bounds: Bounds,
}

impl Dialer {
    /// Connects and says EHLO, encrypted where the server offers it. Whose certificate it is does not matter, and a
    /// handshake that fails is followed by a connection in clear text, because that is what the letter would else
    /// travel in (RFC 7435).
    pub async fn open(&self, target: &Target<'_>, at: &mut Progress) -> Result<Connection, Error> {
        match Box::pin(self.dial(target, true, at)).await {
            Err(error) if matches!(at.step, Step::StartTls | Step::Tls) => {
                let fault = verdict::failed(at.step, &error, None);
                tracing::info!(host = target.host, ?fault, "no TLS with a mail server that offers it");
                let mut connection = Box::pin(self.dial(target, false, at)).await?;
                "in clear text because TLS failed".clone_into(&mut connection.protection);
                Ok(connection)
            }
            opened => opened,
        }
    }

    async fn dial(
        &self,
        target: &Target<'_>,
        may_encrypt: bool,
        at: &mut Progress,
    ) -> Result<Connection, Error> {
        at.begin_anew();
        let stream = timeout(self.bounds.connect, TcpStream::connect(target.address)).await;
        let stream = stream.map_err(|_| Error::Io(io::ErrorKind::TimedOut.into()))??;
        stream.set_nodelay(true)?;
        let mut client = bounded(SmtpClient { stream, timeout: self.bounds.reply });
        let greeting = conversation::greet(&mut client, &self.ehlo_name, at);
        let offered = timeout(self.bounds.reply, greeting).await.map_err(|_| Error::Timeout)??;
        let host = target.host.to_owned();
        if !may_encrypt || !offered.has_capability(EXT_START_TLS) {
            let SmtpClient { stream, timeout } = client;
            let client = SmtpClient { stream: Box::new(stream) as Box<dyn Stream>, timeout };
            let (protection, tls) = ("in clear text".to_owned(), String::new());
            return Ok(Connection { client, host, protection, tls });
        }
        at.step = Step::StartTls;
        client.cmd(b"STARTTLS\r\n").await?.assert_positive_completion()?;
        at.step = Step::Tls;
        // A name in DNS may be none of a certificate, and none is verified.
        let literal = target.address.ip().to_string();
        let name = if ServerName::try_from(target.host).is_ok() { target.host } else { &literal };
        let connector = self.tls.clone().into();
        let handshake = unbounded(client).into_tls(&connector, name);
        let client = timeout(self.bounds.connect, handshake).await.map_err(|_| Error::Timeout)??;
        let version = match client.tls_connection().protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS 1.2",
        };
        let SmtpClient { stream, timeout } = bounded(client);
        let mut client = SmtpClient { stream: Box::new(stream) as Box<dyn Stream>, timeout };
        // What was offered in clear text may have been forged (RFC 3207 section 4.2): ask again.
        at.step = Step::Ehlo;
        client.ehlo(self.ehlo_name.as_str()).await?;
        let (protection, tls) = (format!("{version}, certificate not verified"), version.to_owned());
        at.tls.clone_from(&tls);
        Ok(Connection { client, host, protection, tls })
    }
}
