//! An HTTP/1.1 client that does the least that keeps a connection alive: what it costs is taken from the server.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use latchkey::clock::Stopwatch;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// A request as it goes over the wire, made before the clock runs.
pub type Wire = Arc<[u8]>;

/// A `GET`, with a bearer token where there is one.
pub fn get(path: &str, token: Option<&str>) -> Wire {
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\n").into_bytes().into()
}

/// A `GET` that shows an API key.
pub fn get_with_key(path: &str, key: &str) -> Wire {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n").into_bytes().into()
}

/// A `POST` of JSON.
pub fn post(path: &str, body: &Value) -> Wire {
    let body = body.to_string();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    (head + &body).into_bytes().into()
}

/// An answer; the body is read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// The text of a field of a JSON object.
    ///
    /// # Errors
    /// When there is none: the server did not do what the benchmark is about.
    pub fn text(&self, field: &str) -> io::Result<String> {
        let body: Value = serde_json::from_slice(&self.body)?;
        body[field].as_str().map(str::to_owned).ok_or_else(|| self.unexpected())
    }

    /// The answer itself, if it has this status.
    ///
    /// # Errors
    /// When it has another.
    pub fn expect(self, status: u16) -> io::Result<Answer> {
        if self.status == status { Ok(self) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> io::Error {
        broken(format!("unexpected answer {}: {}", self.status, String::from_utf8_lossy(&self.body)))
    }
}

/// A connection that takes one request after another.
pub struct Connection {
    stream: TcpStream,
    inbound: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn open(address: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, inbound: Vec::with_capacity(4096) })
    }

    /// Sends a request and waits for the whole answer; tells its status. The body stays here.
    ///
    /// # Errors
    /// When the connection ends early or the answer has no length.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        self.inbound.clear();
        self.stream.write_all(request).await?;
        let head = loop {
            if self.stream.read_buf(&mut self.inbound).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if let Some(end) = self.inbound.windows(4).position(|four| four == b"\r\n\r\n") {
                break Head::parse(&self.inbound[..end])?;
            }
        };
        while !head.body.is_whole(&self.inbound[head.length..]) {
            if self.stream.read_buf(&mut self.inbound).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        self.inbound.drain(..head.length);
        if head.body == Extent::Chunked {
            self.inbound = joined(&self.inbound)?;
        }
        Ok(head.status)
    }

    /// [`Connection::exchange`], with the body.
    ///
    /// # Errors
    /// As there.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        let status = self.exchange(request).await?;
        Ok(Answer { status, body: self.inbound.clone() })
    }
}

struct Head {
    status: u16,
    length: usize,
    body: Extent,
}

/// How the end of a body is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Bytes(usize),
    Chunked,
}

impl Extent {
    /// JSON on one line holds no line break, so the last chunk looks like nothing else.
    fn is_whole(self, body: &[u8]) -> bool {
        match self {
            Extent::Bytes(length) => body.len() >= length,
            Extent::Chunked => body.ends_with(b"0\r\n\r\n"),
        }
    }
}

/// The body that came in chunks (RFC 9112 section 7.1).
fn joined(mut chunks: &[u8]) -> io::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(chunks.len());
    loop {
        let line = chunks.windows(2).position(|two| two == b"\r\n").ok_or(ErrorKind::UnexpectedEof)?;
        let size =
            std::str::from_utf8(&chunks[..line]).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
        let size = size.ok_or_else(|| broken("a chunk without a size"))?;
        let data = chunks.get(line + 2..line + 2 + size).ok_or(ErrorKind::UnexpectedEof)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(data);
        chunks = chunks.get(line + 4 + size..).ok_or(ErrorKind::UnexpectedEof)?;
    }
}

impl Head {
    fn parse(bytes: &[u8]) -> io::Result<Head> {
        let text = std::str::from_utf8(bytes).map_err(broken)?;
        let status = text.get(9..12).and_then(|digits| digits.parse().ok());
        let body = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            if name.eq_ignore_ascii_case("transfer-encoding") {
                return Some(Extent::Chunked);
            }
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse().ok().map(Extent::Bytes))?
        });
        let (Some(status), Some(body)) = (status, body) else {
            return Err(broken(format!("no status or no length in: {text}")));
        };
        Ok(Head { status, length: bytes.len() + 4, body })
    }
}

fn broken(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, cause)
}

/// Sends every request once over so many connections at a time. The answers come in the order of the requests.
///
/// # Errors
/// When a connection breaks.
pub async fn send_each(
    address: SocketAddr,
    requests: &[Wire],
    connections: usize,
) -> io::Result<Vec<Answer>> {
    let next = Arc::new(AtomicUsize::new(0));
    let shared: Arc<[Wire]> = requests.into();
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let (next, requests) = (Arc::clone(&next), Arc::clone(&shared));
        clients.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut answers = Vec::new();
            while let number = next.fetch_add(1, Ordering::Relaxed)
                && let Some(request) = requests.get(number)
            {
                answers.push((number, connection.ask(request).await?));
            }
            Ok::<_, io::Error>(answers)
        });
    }
    let mut answers = Vec::with_capacity(requests.len());
    for done in clients.join_all().await {
        answers.extend(done?);
    }
    answers.sort_by_key(|(number, _)| *number);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// Repeats lists of requests, each list in turn on a connection of its own, for so long; tells how many requests were
/// answered with 200 a second.
///
/// # Errors
/// When a connection breaks or an answer is none of 200.
pub async fn repeat(address: SocketAddr, lists: &[Vec<Wire>], span: Duration) -> io::Result<f64> {
    let mut open = Vec::new();
    for list in lists {
        open.push((Connection::open(address).await?, list.clone()));
    }
    let watch = Stopwatch::start();
    let mut clients = JoinSet::new();
    for (mut connection, list) in open {
        clients.spawn(async move {
            let mut answered = 0_u64;
            for request in list.iter().cycle() {
                if watch.elapsed() >= span {
                    break;
                }
                match connection.exchange(request).await? {
                    200 => answered += 1,
                    status => return Err(broken(format!("answered with {status} instead of 200"))),
                }
            }
            Ok(answered)
        });
    }
    let mut answered = 0;
    for done in clients.join_all().await {
        answered += done?;
    }
    Ok(answered as f64 / watch.elapsed().as_secs_f64())
}
