//! Opportunistic TLS: used where it works, given up where it does not, and always told.

use super::*;
use rustls::pki_types::PrivateKeyDer;
use std::io;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a server does when it is asked for the TLS that it offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    Kept,
    Refused,
    Garbage,
    HungUp,
    Silence,
}

/// A front before the world's mail server, on the same port at 127.0.0.5.
async fn front(world: &World, offer: Offer) {
    let port = world.sink.address().port();
    let listener = TcpListener::bind(("127.0.0.5", port)).await.expect("the address is free");
    let (acceptor, behind) = (acceptor(), world.sink.address());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { pass_on(stream, acceptor, behind, offer).await });
        }
    });
    world.dns.mx("a.example", 10, "mx.a.example").host("mx.a.example", "127.0.0.5");
}

fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["another.example".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate and its key");
    TlsAcceptor::from(Arc::new(config))
}

async fn pass_on(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    behind: SocketAddr,
    offer: Offer,
) -> io::Result<()> {
    let mut sink = BufReader::new(TcpStream::connect(behind).await?);
    let mut stream = BufReader::new(stream);
    let (mut line, mut unread) = (String::new(), String::new());
    sink.read_line(&mut unread).await?;
    stream.get_mut().write_all(b"220 front\r\n").await?;
    stream.read_line(&mut line).await?;
    sink.get_mut().write_all(line.as_bytes()).await?;
    while !unread.contains("250 ") {
        sink.read_line(&mut unread).await?;
    }
    stream.get_mut().write_all(b"250-front\r\n250 STARTTLS\r\n").await?;
    line.clear();
    stream.read_line(&mut line).await?;
    if line != "STARTTLS\r\n" {
        sink.get_mut().write_all(line.as_bytes()).await?;
        copy_bidirectional(stream.get_mut(), sink.get_mut()).await?;
        return Ok(());
    }
    if offer == Offer::Refused {
        stream.get_mut().write_all(b"454 4.7.0 no TLS today\r\n").await?;
        return tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.map(drop);
    }
    // What a man in the middle would slip in before the handshake must not count after it.
    stream.get_mut().write_all(b"220 go\r\n554 forged\r\n").await?;
    match offer {
        Offer::Garbage => {
            stream.get_mut().write_all(b"this is no TLS at all\r\n").await?;
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.map(drop)
        }
        Offer::Silence => tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.map(drop),
        Offer::HungUp | Offer::Refused => Ok(()),
        Offer::Kept => {
            let mut stream = acceptor.accept(stream.into_inner()).await?;
            copy_bidirectional(&mut stream, sink.get_mut()).await.map(drop)
        }
    }
}

// I2
#[tokio::test]
async fn tls_is_used_where_it_works_and_its_failure_holds_no_letter_up() {
    let rows = [
        (Offer::Kept, "TLS 1.3, certificate not verified"),
        (Offer::Refused, "in clear text because TLS failed"),
        (Offer::Garbage, "in clear text because TLS failed"),
        (Offer::HungUp, "in clear text because TLS failed"),
        (Offer::Silence, "in clear text because TLS failed"),
    ];
    for (offer, protection) in rows {
        let world = World::new().await;
        front(&world, offer).await;
        let connect = match offer {
            Offer::Silence => Duration::from_millis(200),
            _ => bounds().connect,
        };
        let (kind, words) = send(&world.direct_within(Bounds { connect, ..bounds() }), "ann@a.example").await;
        assert_eq!(kind, Kind::Delivered, "{offer:?}: {words}");
        assert_eq!(words, format!("mx.a.example, {protection}: 250 2.0.0 queued as 4711"), "{offer:?}");
        let letters = world.sink.letters();
        assert!(letters.len() == 1 && letters[0].raw == LETTER, "{offer:?}");
        assert_eq!(letters[0].ehlo, "mail.latchkey.example", "{offer:?}");
    }
}

#[tokio::test]
async fn an_encrypted_connection_is_used_again_too() {
    let world = World::new().await;
    front(&world, Offer::Kept).await;
    let direct = world.direct_within(Bounds { idle: Duration::from_secs(20), ..bounds() });
    for _ in 0..3 {
        let (kind, words) = send(&direct, "ann@a.example").await;
        assert!(kind == Kind::Delivered && words.contains("TLS 1.3"), "{kind:?} {words}");
    }
    assert_eq!((world.sink.connections(), world.sink.letters().len()), (1, 3));
}
