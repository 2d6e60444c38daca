//! A service on this machine that says what a test wants, and the log as a test reads it.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tracing_subscriber::fmt::MakeWriter;

use super::PATIENCE;

/// What the stand-in does with a question.
#[derive(Clone)]
pub enum Reply {
    Say(String),
    /// Nothing until it is told to go on; then it vouches for the answer.
    Hold(Arc<Notify>),
}

/// A service that replies in the same way to every question, and tells what it was asked.
pub struct StandIn {
    pub address: SocketAddr,
    pub questions: mpsc::UnboundedReceiver<String>,
}

impl StandIn {
    pub async fn start(reply: impl Fn(usize) -> Reply + Send + 'static) -> StandIn {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (tell, questions) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                tokio::spawn(converse(stream, reply(number), tell.clone()));
            }
        });
        StandIn { address, questions }
    }

    pub async fn saying(text: &str) -> StandIn {
        let text = text.to_owned();
        StandIn::start(move |_| Reply::Say(text.clone())).await
    }

    pub fn url(&self) -> String {
        format!("http://{}/siteverify", self.address)
    }

    pub async fn question(&mut self) -> String {
        let asked = tokio::time::timeout(PATIENCE, self.questions.recv()).await;
        asked.expect("in time").expect("a question")
    }
}

pub async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    reply: Reply,
    tell: mpsc::UnboundedSender<String>,
) {
    let mut asked = String::new();
    let mut chunk = [0; 1024];
    while !asked.contains("remoteip=") {
        match stream.read(&mut chunk).await {
            Ok(read @ 1..) => asked.push_str(&String::from_utf8_lossy(&chunk[..read])),
            _ => return,
        }
    }
    let _ = tell.send(asked);
    let text = match reply {
        Reply::Say(text) => text,
        Reply::Hold(go_on) => {
            go_on.notified().await;
            vouching()
        }
    };
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

pub fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

pub fn vouching() -> String {
    http("200 OK", r#"{"success":true,"challenge_ts":"2026-03-01T12:00:00Z","hostname":"App.example.com"}"#)
}

/// The log as it is written.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).expect("text")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}
