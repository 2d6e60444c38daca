//! The TLS of a conversation: who vouches for the server, and until when.

use super::Doctor;
use super::certificate::Certificate;
use super::conversation::{Belief, Client, Closed, Door};
use super::report::Report;
use crate::mail::conversation::verdict::{self, Step};
use crate::mail::conversation::{Bounded, bounded, unbounded};
use mail_send::{Error, SmtpClient};
use std::sync::Arc;
use tokio::net::TcpStream;

/// A certificate that ends within so many days is worth a word: most are renewed a month before.
const SOON: i64 = 14;

impl Doctor {
    /// The handshake.
    pub(super) async fn encrypt(
        &self,
        door: &Door,
        client: SmtpClient<Bounded<TcpStream>>,
        report: &mut Report,
    ) -> Result<Client, Closed> {
        let literal = door.address.ip().to_string();
        // A name in DNS may be none of a certificate, and a stranger's is not verified.
        let is_name = rustls::pki_types::ServerName::try_from(door.host.as_str()).is_ok();
        let name = if is_name { &door.host } else { &literal };
        let connector = Arc::clone(&door.tls).into();
        match self.in_time(unbounded(client).into_tls(&connector, name)).await {
            Ok(client) => {
                self.tell_certificate(door, client.tls_connection(), report);
                let SmtpClient { stream, timeout } = bounded(client);
                Ok(SmtpClient { stream: Box::new(stream), timeout })
            }
            Err(error) => Err(self.tls_failed(door, (Step::Tls, &error), report)),
        }
    }

    fn tell_certificate(&self, door: &Door, tls: &rustls::ClientConnection, report: &mut Report) {
        let version = match tls.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS 1.2",
        };
        let first = tls.peer_certificates().and_then(|certificates| certificates.first());
        let Some(certificate) = first.and_then(|der| Certificate::read(der)) else {
            return report.ok("TLS", format!("{version}, with a certificate that cannot be read"));
        };
        let days = certificate.days_left(self.set_up.clock.now());
        let believed = match door.belief {
            Belief::Verified => "vouched for by",
            Belief::OnThisMachine | Belief::Stranger => "not verified, issued by",
        };
        let names = certificate.names.join(" ");
        let words = format!(
            "{version}, certificate {believed} {}, for {}, good for {days} days",
            certificate.issuer,
            if names.is_empty() { "no host" } else { &names },
        );
        if door.belief == Belief::Verified && days < SOON {
            report.warning(
                "TLS",
                words,
                "see that the certificate is renewed before it ends: no letter leaves after that",
            );
        } else {
            report.ok("TLS", words);
        }
    }

    /// With strangers, a letter goes in clear text where TLS fails.
    pub(super) fn tls_failed(
        &self,
        door: &Door,
        (step, error): (Step, &Error),
        report: &mut Report,
    ) -> Closed {
        if door.belief != Belief::Stranger {
            return self.failed(door, "TLS", (step, error), report);
        }
        let words = verdict::failed(step, error, None);
        report.warning(
            "TLS",
            format!("{}: {}; letters go there in clear text", door.host, words.words()),
            "the server's operator has to mend that",
        );
        Closed::WithoutTls
    }
}
