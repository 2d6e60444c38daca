//! TLS on the way: who vouches for the server, and what is wrong when nobody does.

use super::*;
use crate::mail::doctor::certificate::Certificate;
use crate::mail::doctor::conversation::{Belief, Door};
use crate::mail::relay::Security;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A certificate of mail.example that ends on a day of 2026 or later.
fn certificate(ends: (i32, u8, u8)) -> (CertificateDer<'static>, KeyPair) {
    let mut params = CertificateParams::new(["mail.example".to_owned()]).expect("names");
    params.not_after = rcgen::date_time_ymd(ends.0, ends.1, ends.2);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Shop Authority");
    let key = KeyPair::generate().expect("a key");
    (params.self_signed(&key).expect("a certificate").der().clone(), key)
}

/// A front before the sink that starts with TLS. Returns where, and roots that believe it.
async fn front(world: &World, ends: (i32, u8, u8)) -> (SocketAddr, rustls::RootCertStore) {
    let (der, key) = certificate(ends);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der.clone()).expect("a root");
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![der], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let (address, behind) = (listener.local_addr().expect("an address"), world.sink.address());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                copy_bidirectional(&mut stream, &mut TcpStream::connect(behind).await?).await
            });
        }
    });
    (address, roots)
}

/// A conversation with the front as with a server out on the network.
async fn talk(world: &World, host: &str, address: SocketAddr, roots: rustls::RootCertStore) -> Report {
    let doctor = world.relay("smtps://mail.example");
    let door = Door {
        host: host.to_owned(),
        address,
        security: Security::Implicit,
        belief: Belief::Verified,
        tls: tls::verifying(roots).expect("a configuration"),
        login: None,
    };
    let mut report = Report::default();
    if let Some(stream) = doctor.connect(&door, &mut report).await {
        let opened = doctor.open(&door, stream, &mut report).await;
        assert_eq!(opened.is_ok(), report.faults().next().is_none(), "{report:#?}");
    }
    report
}

#[tokio::test]
async fn who_vouches_and_until_when_is_told() {
    let world = World::new().await;
    let (address, roots) = front(&world, (2050, 1, 1)).await;
    let report = talk(&world, "mail.example", address, roots).await;
    let words = "TLS 1.3, certificate vouched for by Shop Authority, for mail.example, good for 8";
    expect(&report, ("TLS", Outcome::Ok, words, ""));
    assert_eq!(names(&report), ["connection", "TLS", "greeting", "EHLO", "login"]);
}

#[tokio::test]
async fn a_certificate_that_is_not_believed_is_explained() {
    let world = World::new().await;
    let (address, roots) = front(&world, (2050, 1, 1)).await;
    let report = talk(&world, "smtp.example", address, roots.clone()).await;
    expect(&report, ("TLS", Outcome::Fault, "smtp.example", "for another name"));
    let nobody = talk(&world, "mail.example", address, front(&world, (2050, 1, 1)).await.1).await;
    expect(&nobody, ("TLS", Outcome::Fault, "invalid peer certificate", ""));
    let (address, roots) = front(&world, (2020, 1, 1)).await;
    let ended = talk(&world, "mail.example", address, roots).await;
    expect(&ended, ("TLS", Outcome::Fault, "expired", "has ended"));
    let plain = talk(&world, "mail.example", world.sink.address(), rustls::RootCertStore::empty()).await;
    expect(&plain, ("TLS", Outcome::Fault, "does not speak TLS", "smtp://"));
}

#[tokio::test]
async fn without_starttls_nothing_goes_out_to_the_network() {
    let world = World::new().await;
    let mut url: RelayUrl = world.sink.url().replace("://", "://ada:hunter2@").parse().expect("a URL");
    (url.loopback, url.security) = (false, Security::StartTls);
    let report = test(&doctor(world.set_up(Way::Relay(url))), "ann@a.example").await;
    expect(&report, ("TLS", Outcome::Fault, "does not offer STARTTLS", "smtps://HOST:465"));
    assert_eq!(names(&report).last(), Some(&"TLS"));
    assert_eq!(world.sink.letters(), []);
}

/// A stranger's server that offers TLS and then refuses it, and takes any letter in clear text.
async fn refuses_tls(address: SocketAddr) {
    let listener = TcpListener::bind(address).await.expect("the address is free");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            stream.get_mut().write_all(b"220 half\r\n").await?;
            let (mut line, mut in_letter) = (String::new(), false);
            while stream.read_line(&mut line).await? > 0 {
                let reply: &[u8] = match (line.get(..4).unwrap_or(&line), in_letter) {
                    (".\r\n", true) => b"250 2.0.0 taken\r\n",
                    (_, true) => b"",
                    ("EHLO", _) => b"250-half\r\n250 STARTTLS\r\n",
                    ("STAR", _) => b"454 4.7.0 no TLS today\r\n",
                    ("DATA", _) => b"354 go ahead\r\n",
                    _ => b"250 2.0.0 fine\r\n",
                };
                in_letter = reply.starts_with(b"354") || (in_letter && reply.is_empty());
                stream.get_mut().write_all(reply).await?;
                line.clear();
            }
        }
        Ok::<(), std::io::Error>(())
    });
}

// I2
#[tokio::test]
async fn a_stranger_whose_tls_fails_gets_the_letter_in_clear_text_and_a_warning_says_so() {
    let world = World::sound().await;
    let address = SocketAddr::from(([127, 0, 0, 6], world.sink.address().port()));
    refuses_tls(address).await;
    world.dns.mx("b.example", 10, "half.example").host("half.example", "127.0.0.6");
    let report = test(&world.direct(), "ann@b.example").await;
    expect(&report, ("TLS", Outcome::Warning, "454 4.7.0 no TLS today; letters go there in clear text", ""));
    expect(&report, ("letter", Outcome::Ok, "taken by half.example: 250 2.0.0 taken", ""));
    assert_eq!(report.faults().count(), 0, "{report:#?}");
}

#[test]
fn a_certificate_is_read_to_the_day_and_nothing_else_makes_one() {
    let (der, _) = certificate((2026, 12, 1));
    let read = Certificate::read(&der).expect("a certificate");
    assert_eq!(
        (read.issuer.as_str(), read.names.as_slice()),
        ("Shop Authority", &["mail.example".to_owned()][..])
    );
    assert_eq!(read.days_left(NOW), 11);
    // Dates from 2050 on are written in another way.
    assert!(Certificate::read(&certificate((2050, 1, 1)).0).expect("a certificate").days_left(NOW) > 8000);
    for end in 0..der.len() {
        assert_eq!(Certificate::read(&der[..end]), None, "cut at {end}");
    }
    for garbage in [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &[0x30, 0x80], &[0x30; 64], b"hunter2"] {
        assert_eq!(Certificate::read(garbage), None);
    }
}
