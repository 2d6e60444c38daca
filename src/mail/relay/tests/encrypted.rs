//! TLS in front of the sink: what is believed, what is refused, and that nothing falls back to clear text.

use super::*;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A front that ends TLS and passes the rest on to a sink.
struct Front {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
}

impl Front {
    async fn before(sink: &Sink, with_starttls: bool) -> Front {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, behind) = (listener.local_addr().unwrap(), sink.address());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move { pass_on(stream, acceptor, behind, with_starttls).await });
            }
        });
        Front { address, certificate }
    }

    /// A relay that treats the front as a host out on the network and trusts only `roots`.
    fn relay(&self, scheme: &str, roots: rustls::RootCertStore) -> Relay {
        let mut relay = self.loopback_relay(scheme);
        relay.url.loopback = false;
        if relay.url.security == Security::Opportunistic {
            relay.url.security = Security::StartTls;
        }
        relay.tls = tls::verifying(roots).unwrap();
        relay
    }

    fn loopback_relay(&self, scheme: &str) -> Relay {
        relay_to(&format!("{scheme}://ada:hunter2@{}", self.address))
    }

    fn trusting(&self) -> rustls::RootCertStore {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }
}

async fn pass_on(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    behind: SocketAddr,
    with_starttls: bool,
) -> io::Result<()> {
    let mut sink = BufReader::new(TcpStream::connect(behind).await?);
    let mut stream = BufReader::new(stream);
    if with_starttls {
        stream.get_mut().write_all(b"220 front\r\n").await?;
        stream.read_line(&mut String::new()).await?;
        stream.get_mut().write_all(b"250-front\r\n250 STARTTLS\r\n").await?;
        stream.read_line(&mut String::new()).await?;
        // What a man in the middle would slip in before the handshake must not count after it.
        stream.get_mut().write_all(b"220 go\r\n250 AUTH PLAIN\r\n").await?;
        sink.read_line(&mut String::new()).await?;
    }
    let mut stream = acceptor.accept(stream.into_inner()).await?;
    copy_bidirectional(&mut stream, sink.get_mut()).await?;
    Ok(())
}

#[tokio::test]
async fn a_trusted_certificate_is_believed_and_the_letter_travels_encrypted() {
    let sink = Sink::start().await;
    for (scheme, with_starttls) in [("smtps", false), ("smtp", true)] {
        let front = Front::before(&sink, with_starttls).await;
        let verdict = send(&front.relay(scheme, front.trusting()), LETTER).await;
        assert!(matches!(verdict, Verdict::Delivered { .. }), "{scheme}: {verdict:?}");
    }
    let letters = sink.wait_for(2).await;
    assert!(letters.iter().all(|letter| letter.raw == LETTER && letter.auth.is_some()));
}

#[tokio::test]
async fn an_unknown_certificate_is_a_fault_of_the_set_up() {
    let sink = Sink::start().await;
    for (scheme, with_starttls) in [("smtps", false), ("smtp", true)] {
        let front = Front::before(&sink, with_starttls).await;
        let verdict = send(&front.relay(scheme, tls::system_roots()), LETTER).await;
        assert!(
            matches!(&verdict, Verdict::Misconfigured { reason } if reason.contains("invalid peer certificate")),
            "{verdict:?}"
        );
    }
    assert_eq!(sink.letters().len(), 0);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let sink = Sink::start().await;
    let front = Front::before(&sink, false).await;
    let mut relay = front.relay("smtps", front.trusting());
    relay.url.host = "localhost".into();
    assert!(matches!(send(&relay, LETTER).await, Verdict::Misconfigured { .. }));
}

#[tokio::test]
async fn on_this_machine_any_certificate_passes() {
    let sink = Sink::start().await;
    for (scheme, with_starttls) in [("smtps", false), ("smtp", true)] {
        let front = Front::before(&sink, with_starttls).await;
        let verdict = send(&front.loopback_relay(scheme), LETTER).await;
        assert!(matches!(verdict, Verdict::Delivered { .. }), "{scheme}: {verdict:?}");
    }
}

#[tokio::test]
async fn without_starttls_nothing_goes_out_to_the_network() {
    let sink = Sink::start().await;
    let mut relay = relay_to(&sink.url().replace("://", "://ada:hunter2@"));
    relay.url.security = Security::StartTls;
    let verdict = send(&relay, LETTER).await;
    assert!(
        matches!(&verdict, Verdict::Misconfigured { reason } if reason.contains("does not offer STARTTLS")),
        "{verdict:?}"
    );
    assert_eq!(sink.letters().len(), 0);
}

#[tokio::test]
async fn tls_to_a_port_that_starts_in_clear_text_is_named() {
    let sink = Sink::start().await;
    let verdict = send(&relay_to(&sink.url().replace("smtp", "smtps")), LETTER).await;
    assert!(
        matches!(&verdict, Verdict::Misconfigured { reason } if reason.contains("needs smtp://")),
        "{verdict:?}"
    );
}
