//! From the first request of a connection to the end of the server.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::interval;

use super::*;

#[tokio::test]
async fn a_connection_serves_several_requests() {
    let server = Server::start(unlimited()).await;
    let mut client = server.send(&get("/")).await;
    assert_eq!(answer(&mut client).await, (200, "hello".into()));
    client.write_all((get("/") + &get("/peer")).as_bytes()).await.unwrap();
    assert_eq!(answer(&mut client).await, (200, "hello".into()));
    let peer = format!("socket://{}", client.local_addr().unwrap());
    assert_eq!(answer(&mut client).await, (200, peer));
    assert_eq!(server.stop().await, Drained { finished: 1, cut: 0 });
}

#[tokio::test]
async fn a_keep_alive_connection_outlives_the_header_timeout() {
    let server = Server::start(Limits { header_timeout: SOON, ..unlimited() }).await;
    let mut client = server.send(&get("/")).await;
    assert_eq!(answer(&mut client).await.0, 200);
    // When a connection opened later has met the time-out, the idle one has been silent for longer than that.
    assert_closed_in_silence(&mut server.connect().await).await;
    client.write_all(get("/").as_bytes()).await.unwrap();
    assert_eq!(answer(&mut client).await, (200, "hello".into()));
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let server = Server::start(unlimited()).await;
    let mut client = server.send(&get("/large")).await;
    assert_eq!(answer(&mut client).await.1.len(), LARGE);
}

#[tokio::test]
async fn what_is_not_http_is_answered_with_400() {
    let server = Server::start(unlimited()).await;
    let mut client = server.send("\x16\x03\x01 not a request\r\n\r\n").await;
    assert_eq!(answer(&mut client).await.0, 400);
    assert_closed_in_silence(&mut client).await;
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = Server::start(unlimited()).await;
    let mut client =
        server.send("POST /refuse HTTP/1.1\r\nHost: test\r\nContent-Length: 8000000\r\n\r\n").await;
    patiently(client.write_all(&[0; 8_000_000])).await.unwrap();
    assert_eq!(answer(&mut client).await.0, 413);
}

#[tokio::test]
async fn a_half_closed_client_is_answered() {
    let server = Server::start(unlimited()).await;
    let mut client = server.send(&get("/gate")).await;
    server.entered().await;
    client.shutdown().await.unwrap();
    // Answering somebody else, the server has seen the half-close.
    assert_eq!(answer(&mut server.send(&get("/")).await).await.0, 200);
    server.gate.add_permits(1);
    assert_eq!(answer(&mut client).await, (200, "through".into()));
    assert_closed_in_silence(&mut client).await;
}

// J3
#[tokio::test]
async fn a_panic_costs_one_connection() {
    let server = Server::start(Limits { max_connections: 1, ..unlimited() }).await;
    let mut unlucky = server.send(&get("/panic")).await;
    assert_closed_in_silence(&mut unlucky).await;
    let mut client = server.send(&get("/")).await;
    assert_eq!(answer(&mut client).await.0, 200);
}

#[tokio::test]
async fn draining_lets_a_slow_handler_finish() {
    let server = Server::start(unlimited()).await;
    let mut slow = server.send(&get("/gate")).await;
    server.entered().await;
    let mut idle = server.send(&get("/")).await;
    assert_eq!(answer(&mut idle).await.0, 200);
    let mut silent = server.connect().await;

    let (address, gate) = (server.address, Arc::clone(&server.gate));
    let draining = tokio::spawn(server.stop());
    assert_closed_in_silence(&mut idle).await;
    assert_closed_in_silence(&mut silent).await;
    assert!(TcpStream::connect(address).await.is_err(), "a stopping server refuses connections");
    assert!(!draining.is_finished());
    gate.add_permits(1);
    assert_eq!(answer(&mut slow).await, (200, "through".into()));
    drop(slow);
    assert_eq!(patiently(draining).await.unwrap().cut, 0);
}

#[tokio::test]
async fn draining_cuts_what_never_finishes() {
    let server = Server::start(Limits { drain: SOON, ..unlimited() }).await;
    let mut endless = server.send(&get("/never")).await;
    server.entered().await;
    assert_eq!(server.stop().await, Drained { finished: 0, cut: 1 });
    assert_closed_in_silence(&mut endless).await;
}

const HTTP2_OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const HTTP2_PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0........";

/// `GET /` in entries of the HPACK static table (RFC 7541), as frame HEADERS of a stream.
fn http2_get(stream: u8) -> [u8; 15] {
    [0, 0, 6, 1, 5, 0, 0, 0, stream, 0x82, 0x86, 0x84, 0x41, 1, b'x']
}

async fn receive_hello(client: &mut TcpStream) {
    let mut received = Vec::new();
    while !received.ends_with(b"hello") {
        received.push(patiently(client.read_u8()).await.expect("the connection is cut off"));
    }
}

#[tokio::test]
async fn http2_is_spoken_and_pings_do_not_keep_a_connection() {
    let server = Server::start(Limits { idle_timeout: SOON, ..unlimited() }).await;
    let mut client = server.connect().await;
    client.write_all(HTTP2_OPENING).await.unwrap();
    for stream in [1, 3] {
        client.write_all(&http2_get(stream)).await.unwrap();
        receive_hello(&mut client).await;
    }
    let mut pings = interval(Duration::from_millis(5));
    let cut = async {
        while client.write_all(HTTP2_PING).await.is_ok() {
            pings.tick().await;
        }
    };
    patiently(cut).await;
}

#[tokio::test]
async fn an_http2_client_that_ignores_the_end_does_not_hold_up_draining() {
    let server = Server::start(unlimited()).await;
    let mut client = server.connect().await;
    client.write_all(&[HTTP2_OPENING, &http2_get(1)].concat()).await.unwrap();
    receive_hello(&mut client).await;
    assert_eq!(server.stop().await, Drained { finished: 1, cut: 0 });
}
