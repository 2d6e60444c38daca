//! A real listener, real sockets, bytes written by hand. Every limit but the one under test is out of reach,
//! so what happens can have one cause only; nothing here measures time.

mod bounds;
mod lifecycle;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use poem::endpoint::make;
use poem::http::StatusCode;
use poem::{Endpoint, IntoResponse, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Drained, Limits, serve};

const SOON: Duration = Duration::from_millis(60);
const NEVER: Duration = Duration::from_secs(3600);
const LARGE: usize = 32 * 1024 * 1024;

fn unlimited() -> Limits {
    Limits { header_timeout: NEVER, idle_timeout: NEVER, drain: NEVER, ..Limits::default() }
}

struct Server {
    address: SocketAddr,
    /// Lets one request to `/gate` through for each permit.
    gate: Arc<Semaphore>,
    /// Gets a permit for each request that entered `/gate` or `/never`.
    entered: Arc<Semaphore>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Drained>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (gate, entered) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (stop, stopped) = oneshot::channel();
        let endpoint = endpoint(Arc::clone(&gate), Arc::clone(&entered));
        let task = tokio::spawn(async move {
            serve(listener, endpoint, limits, async move { stopped.await.unwrap() }).await
        });
        Self { address, gate, entered, stop, task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut client = self.connect().await;
        client.write_all(request.as_bytes()).await.unwrap();
        client
    }

    async fn entered(&self) {
        patiently(self.entered.acquire()).await.unwrap().forget();
    }

    async fn stop(self) -> Drained {
        self.stop.send(()).unwrap();
        patiently(self.task).await.unwrap()
    }
}

fn endpoint(gate: Arc<Semaphore>, entered: Arc<Semaphore>) -> impl Endpoint + 'static {
    make(move |mut request: Request| {
        let (gate, entered) = (Arc::clone(&gate), Arc::clone(&entered));
        async move {
            let response: Response = match request.uri().path() {
                "/peer" => request.remote_addr().to_string().into(),
                "/body" => match request.take_body().into_bytes().await {
                    Ok(bytes) => bytes.len().to_string().into(),
                    Err(_) => StatusCode::BAD_REQUEST.into(),
                },
                "/refuse" => StatusCode::PAYLOAD_TOO_LARGE.into(),
                "/gate" => {
                    entered.add_permits(1);
                    gate.acquire().await.unwrap().forget();
                    "through".into()
                }
                "/never" => {
                    entered.add_permits(1);
                    std::future::pending().await
                }
                "/panic" => panic!("on request"),
                "/large" => vec![0; LARGE].into(),
                _ => "hello".into(),
            };
            Ok::<_, poem::Error>(response.into_response())
        }
    })
}

/// Turns a hang into a failure.
async fn patiently<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(30), future).await.expect("waited for something that does not happen")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}

/// Reads one answer with a `Content-Length`, and no byte further: its status and its body.
async fn answer(client: &mut TcpStream) -> (u16, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(patiently(client.read_u8()).await.expect("the answer is cut off"));
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).map_or("0", |rest| rest.split('\r').next().unwrap());
    let mut body = vec![0; length.parse().unwrap()];
    patiently(client.read_exact(&mut body)).await.unwrap();
    (head[9..12].parse().unwrap(), String::from_utf8(body).unwrap())
}

/// Everything up to the close by the server, however abrupt.
async fn rest(client: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = patiently(client.read_to_end(&mut bytes)).await;
    bytes
}

async fn assert_closed_in_silence(client: &mut TcpStream) {
    assert_eq!(rest(client).await, b"");
}
