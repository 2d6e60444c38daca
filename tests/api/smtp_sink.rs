//! An SMTP server inside the test: takes letters, or misbehaves as told, on a loopback port of its own.
//!
//! It is as careless as the servers that smuggling exploits: a bare LF ends a line, and a lone dot between
//! bare LFs ends a message. What gets past it unharmed gets past them.

#![allow(dead_code, reason = "each test crate that includes the sink uses another part of it")]

use mail_parser::{Message, MessageParser};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// How long a test waits for letters before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A point of the conversation at which the sink can refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Greeting,
    Ehlo,
    Auth,
    MailFrom,
    Rcpt,
    Data,
    EndOfData,
}

/// What the sink does; looked up anew at each step, so it can change in the middle of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behavior {
    Accept,
    /// Answers this step with `code text`; text of several lines is sent as a multi-line reply.
    RefuseAt(Step, u16, &'static str),
    /// Accepts connections and says nothing.
    Tarpit,
    /// Takes and records the letter, then closes the connection instead of answering.
    DropAfterData,
    /// Says nothing at this step. At the end of the data: takes and records the letter, and keeps its receipt back.
    SilentAt(Step),
}

/// A letter that the sink has taken.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Received {
    /// The argument of EHLO.
    pub ehlo: String,
    /// The AUTH command, if there was one, as it was sent.
    pub auth: Option<String>,
    /// The envelope's sender, without angle brackets.
    pub from: String,
    /// The envelope's recipients, without angle brackets.
    pub to: Vec<String>,
    /// The message, dots restored.
    pub raw: Vec<u8>,
    /// What came between the reply to DATA and the reply to the message, byte for byte.
    pub wire: Vec<u8>,
}

impl Received {
    fn parsed(&self) -> Message<'_> {
        MessageParser::default().parse(&self.raw).expect("the letter is a message")
    }

    /// The text alternative, decoded, with LF line ends.
    pub fn text(&self) -> String {
        self.parsed().body_text(0).expect("the letter has a text part").replace("\r\n", "\n")
    }

    /// The HTML alternative, decoded, with LF line ends.
    pub fn html(&self) -> String {
        self.parsed().body_html(0).expect("the letter has an HTML part").replace("\r\n", "\n")
    }

    /// The subject, decoded.
    pub fn subject(&self) -> String {
        self.parsed().subject().expect("the letter has a subject").to_owned()
    }

    /// The Message-ID without angle brackets.
    pub fn message_id(&self) -> String {
        self.parsed().message_id().expect("the letter has a Message-ID").to_owned()
    }

    /// A header as it was sent, unfolded and trimmed; `None` when it is absent.
    pub fn header(&self, name: &str) -> Option<String> {
        let raw = self.parsed().header_raw(name)?.replace("\r\n", "");
        Some(raw.trim().to_owned())
    }
}

struct Shared {
    behavior: Mutex<Behavior>,
    connections: AtomicUsize,
    /// How many are connected.
    guests: watch::Sender<usize>,
    letters: watch::Sender<Vec<Received>>,
}

/// The server; it ends when dropped.
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Sink {
    /// Starts on a free loopback port, accepting everything.
    pub async fn start() -> Sink {
        Sink::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts on this address, which must be free, accepting everything.
    pub async fn start_at(address: SocketAddr) -> Sink {
        let (letters, _) = watch::channel(Vec::new());
        let behavior = Mutex::new(Behavior::Accept);
        let (connections, guests) = (AtomicUsize::new(0), watch::Sender::new(0));
        let shared = Arc::new(Shared { behavior, connections, guests, letters });
        let listener = TcpListener::bind(address).await.expect("the address is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let acceptor = Some(tokio::spawn(accept(listener, shared.clone())));
        Sink { address, shared, acceptor }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For `LATCHKEY_SMTP_URL`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub fn behave(&self, behavior: Behavior) {
        *self.shared.behavior.lock().expect("no test panics while it holds the lock") = behavior;
    }

    /// Closes the port and cuts every conversation: from now on connections are refused.
    pub async fn stop(&mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.abort();
            // An abort is the expected end.
            let _ = acceptor.await;
            self.shared.guests.send_replace(0);
        }
    }

    /// Listens again on the same port; letters taken before are kept.
    pub async fn restart(&mut self) {
        self.stop().await;
        let listener = TcpListener::bind(self.address).await.expect("the port is still free");
        self.acceptor = Some(tokio::spawn(accept(listener, self.shared.clone())));
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Waits until nobody is connected, at most 20 s.
    pub async fn deserted(&self) {
        let mut guests = self.shared.guests.subscribe();
        let gone = tokio::time::timeout(PATIENCE, guests.wait_for(|guests| *guests == 0)).await;
        gone.expect("every connection ends in time").expect("the sink holds the sender");
    }

    /// What has come so far, oldest first.
    pub fn letters(&self) -> Vec<Received> {
        self.shared.letters.borrow().clone()
    }

    /// Waits until at least `n` letters have come, at most 20 s, and returns all of them.
    pub async fn wait_for(&self, n: usize) -> Vec<Received> {
        let mut letters = self.shared.letters.subscribe();
        let arrived = tokio::time::timeout(PATIENCE, letters.wait_for(|letters| letters.len() >= n)).await;
        match arrived {
            Ok(letters) => letters.expect("the sink holds the sender").clone(),
            Err(_) => panic!("{} of {n} letters came within {PATIENCE:?}", self.letters().len()),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Some(acceptor) = &self.acceptor {
            acceptor.abort();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Conversations end with this set, and it ends with this task.
    let mut conversations = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        shared.connections.fetch_add(1, Ordering::SeqCst);
        shared.guests.send_modify(|guests| *guests += 1);
        conversations.spawn(async move {
            let ended = Conversation::new(stream, shared.clone()).hold().await;
            shared.guests.send_modify(|guests| *guests -= 1);
            ended
        });
    }
}

struct Conversation {
    stream: BufReader<TcpStream>,
    shared: Arc<Shared>,
    draft: Received,
}

impl Conversation {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> Self {
        Self { stream: BufReader::new(stream), shared, draft: Received::default() }
    }

    fn behavior(&self) -> Behavior {
        *self.shared.behavior.lock().expect("no test panics while it holds the lock")
    }

    async fn hold(mut self) -> io::Result<()> {
        if self.behavior() == Behavior::Tarpit {
            tokio::io::copy(&mut self.stream, &mut tokio::io::sink()).await?;
            return Ok(());
        }
        if !self.answer(Step::Greeting, "220 sink ESMTP").await? {
            return Ok(());
        }
        while let Some(line) = self.line().await? {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" | "HELO" => {
                    self.draft.ehlo = line[verb.len()..].trim().to_owned();
                    self.answer(Step::Ehlo, "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN").await?;
                }
                "AUTH" => {
                    if self.answer(Step::Auth, "235 2.7.0 welcome").await? {
                        self.draft.auth = Some(line);
                    }
                }
                "MAIL" => {
                    if self.answer(Step::MailFrom, "250 2.1.0 sender taken").await? {
                        self.draft.from = between_angles(&line);
                        self.draft.to.clear();
                    }
                }
                "RCPT" => {
                    if self.answer(Step::Rcpt, "250 2.1.5 recipient taken").await? {
                        self.draft.to.push(between_angles(&line));
                    }
                }
                "DATA" if self.draft.to.is_empty() => self.say("503 5.5.1 RCPT TO first").await?,
                "DATA" => {
                    if self.answer(Step::Data, "354 go ahead").await? && !self.take_message().await? {
                        return Ok(());
                    }
                }
                "QUIT" => return self.say("221 2.0.0 bye").await,
                "RSET" | "NOOP" => self.say("250 2.0.0 fine").await?,
                _ => self.say("500 5.5.2 what?").await?,
            }
        }
        Ok(())
    }

    /// Reads up to the lone dot, records the letter and answers. `false`: the connection is to be closed.
    async fn take_message(&mut self) -> io::Result<bool> {
        let mut letter = Received { raw: Vec::new(), wire: Vec::new(), ..self.draft.clone() };
        loop {
            let Some(line) = self.line().await? else { return Ok(false) };
            letter.wire.extend_from_slice(&line);
            match line.as_slice() {
                b".\r\n" | b".\n" => break,
                [b'.', rest @ ..] => letter.raw.extend_from_slice(rest),
                whole => letter.raw.extend_from_slice(whole),
            }
        }
        self.draft.to.clear();
        let behavior = self.behavior();
        if !matches!(behavior, Behavior::RefuseAt(Step::EndOfData, ..)) {
            self.shared.letters.send_modify(|letters| letters.push(letter));
        }
        if behavior == Behavior::DropAfterData {
            return Ok(false);
        }
        self.answer(Step::EndOfData, "250 2.0.0 queued as 4711").await?;
        Ok(true)
    }

    /// Refuses this step if told so, else answers `fine`; `true` when it was fine.
    async fn answer(&mut self, step: Step, fine: &str) -> io::Result<bool> {
        match self.behavior() {
            Behavior::RefuseAt(at, code, text) if at == step => {
                let lines: Vec<&str> = text.lines().collect();
                let (last, others) = lines.split_last().unwrap_or((&"", &[]));
                let mut reply: String = others.iter().map(|line| format!("{code}-{line}\r\n")).collect();
                reply.push_str(&format!("{code} {last}"));
                self.say(&reply).await?;
                Ok(false)
            }
            Behavior::SilentAt(at) if at == step => std::future::pending().await,
            _ => {
                self.say(fine).await?;
                Ok(true)
            }
        }
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await
    }

    /// The next line with its end; `None` when the client has hung up, even in the middle of a line.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await?;
        Ok(line.ends_with(b"\n").then_some(line))
    }
}

fn between_angles(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>'));
    inner.map(|(address, _)| address.to_owned()).unwrap_or_default()
}
