//! Requests byte by byte, for what a well-behaved client cannot send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::PATIENCE;

/// A connection on which the test writes what it likes.
pub struct Raw(TcpStream);

impl Raw {
    pub async fn connect(address: SocketAddr) -> Raw {
        Raw(TcpStream::connect(address).await.expect("the server accepts"))
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("the server reads");
    }

    /// What the server says until it closes the connection. A reset counts as closing.
    pub async fn read_to_end(mut self) -> String {
        let mut answer = Vec::new();
        let reading = async {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = self.0.read(&mut chunk).await {
                answer.extend_from_slice(&chunk[..read]);
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the server closes the connection");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Sends bytes on a connection of their own and returns all that comes back. Ask for `Connection: close`.
pub async fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut connection = Raw::connect(address).await;
    connection.write(bytes.as_ref()).await;
    connection.read_to_end().await
}

/// The status of an answer; 0 when there is none.
pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}
