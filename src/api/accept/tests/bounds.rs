//! Who waits for whom, and who is cut.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{interval, timeout};

use super::*;
use crate::api::accept::AcceptFaults;

// J2
#[tokio::test]
async fn slow_headers_are_cut_at_any_point() {
    let server = Server::start(Limits { header_timeout: SOON, ..unlimited() }).await;
    for beginning in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: test\r\n", "PRI * HTTP/2.0\r\n"] {
        let mut client = server.send(beginning).await;
        assert_closed_in_silence(&mut client).await;
    }
    let mut client = server.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let settings = rest(&mut client).await;
    assert_eq!(settings.get(3), Some(&4), "the HTTP/2 connection ends after the server's settings");
}

// J2
#[tokio::test]
async fn dripping_headers_are_cut_on_a_later_request_too() {
    let server = Server::start(Limits { header_timeout: SOON, ..unlimited() }).await;
    let mut client = server.send(&get("/")).await;
    assert_eq!(answer(&mut client).await.0, 200);
    client.write_all(b"GET / HTTP/1.1\r\nDrip: ").await.unwrap();
    let mut drips = interval(Duration::from_millis(5));
    let cut = async {
        loop {
            drips.tick().await;
            if client.write_all(b"x").await.is_err() {
                return;
            }
        }
    };
    patiently(cut).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = Server::start(Limits { idle_timeout: SOON, ..unlimited() }).await;
    let mut client = server.send(&get("/")).await;
    assert_eq!(answer(&mut client).await.0, 200);
    assert_closed_in_silence(&mut client).await;
}

#[tokio::test]
async fn a_slow_handler_is_not_an_idle_connection() {
    let server = Server::start(Limits { idle_timeout: SOON, ..unlimited() }).await;
    let mut slow = server.send(&get("/gate")).await;
    server.entered().await;
    let mut idle = server.send(&get("/")).await;
    assert_eq!(answer(&mut idle).await.0, 200);
    assert_closed_in_silence(&mut idle).await;
    server.gate.add_permits(1);
    assert_eq!(answer(&mut slow).await, (200, "through".into()));
}

// J2
#[tokio::test]
async fn a_request_body_that_stops_coming_is_cut() {
    let server = Server::start(Limits { idle_timeout: SOON, ..unlimited() }).await;
    let mut client = server.send("POST /body HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n123").await;
    assert_closed_in_silence(&mut client).await;
}

// J2
#[tokio::test]
async fn a_client_that_never_reads_loses_its_connection() {
    let limits = Limits { idle_timeout: SOON, max_connections: 1, ..unlimited() };
    let server = Server::start(limits).await;
    let _deaf = server.send(&get("/large")).await;
    let mut next = server.send(&get("/")).await;
    assert_eq!(answer(&mut next).await, (200, "hello".into()));
}

// J2
#[tokio::test]
async fn huge_headers_are_answered_with_431() {
    let server = Server::start(unlimited()).await;
    let long = "x".repeat(300_000);
    for request in
        [format!("GET / HTTP/1.1\r\nLong: {long}\r\n\r\n"), format!("GET /{long} HTTP/1.1\r\n\r\n")]
    {
        let mut client = server.send(&request).await;
        assert_eq!(answer(&mut client).await.0, 431);
        assert_closed_in_silence(&mut client).await;
    }
}

#[tokio::test]
async fn the_cap_holds_and_a_freed_place_is_taken() {
    let server = Server::start(Limits { max_connections: 2, ..unlimited() }).await;
    let mut busy = server.send(&get("/gate")).await;
    let mut idle = server.send(&get("/")).await;
    server.entered().await;
    assert_eq!(answer(&mut idle).await.0, 200);
    let _waiting = server.send(&get("/never")).await;
    assert!(timeout(SOON, server.entered.acquire()).await.is_err(), "a third connection was admitted");
    drop(idle);
    server.entered().await;
    server.gate.add_permits(1);
    assert_eq!(answer(&mut busy).await.0, 200);
}

#[test]
fn accept_failures_are_logged_at_most_once_a_second() {
    let start = crate::clock::timer_now();
    let mut faults = AcceptFaults::default();
    let noted: Vec<_> =
        [0, 50, 999, 1000, 1050, 2100].map(|ms| faults.note(start + Duration::from_millis(ms))).into();
    assert_eq!(noted, [Some(0), None, None, Some(2), None, Some(1)]);
}
