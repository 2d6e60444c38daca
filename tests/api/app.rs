//! A server under test, and the people who use it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use latchkey::app::{Ambience, Server};
use latchkey::clock::{Chance, Clock};
use latchkey::config::{Arguments, Settings};
use latchkey::housekeeping;
use latchkey::mail::direct::MAIL_PORT;
use latchkey::model::letter::LetterState;
use latchkey::model::time::Millis;
use latchkey::service::Service;
use latchkey::store::letters;
use reqwest::{Method, redirect};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::contract;

/// 1 March 2026, noon UTC: when every test begins.
pub const START: Millis = Millis(1_772_366_400_000);
/// A password that fits every contract.
pub const PASSWORD: &str = "SecurePass123";
/// How long to wait for what must happen; reached only when it never does.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A server under test, on a port, a file and a clock of its own.
pub struct App {
    pub address: SocketAddr,
    pub clock: Clock,
    pub service: Arc<Service>,
    pub http: reqwest::Client,
    folder: Option<tempfile::TempDir>,
    database: PathBuf,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A string of the body by its key; empty when absent.
    pub fn field(&self, key: &str) -> String {
        self.json()[key].as_str().unwrap_or_default().to_owned()
    }

    /// Status and `error_code`, which is what most refusals come down to.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.field("error_code"))
    }

    /// A header; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl App {
    /// A server with cheap hashing and no rate limits, which would only be in the way of most tests.
    pub async fn start() -> App {
        App::start_with(|_| {}).await
    }

    /// A server whose settings are adjusted first.
    pub async fn start_with(adjust: impl FnOnce(&mut Arguments)) -> App {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = folder.path().join("latchkey.db");
        let mut app = App::start_on(database, Clock::fixed(START), adjust).await;
        app.folder = Some(folder);
        app
    }

    /// A server that delivers letters itself, to mail servers on this port.
    pub async fn start_direct(mail_port: u16, adjust: impl FnOnce(&mut Arguments)) -> App {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = folder.path().join("latchkey.db");
        let mut app = App::start_beside(database, Clock::fixed(START), mail_port, adjust).await;
        app.folder = Some(folder);
        app
    }

    /// A server on a file that may exist, with a clock that may have moved.
    pub async fn start_on(database: PathBuf, clock: Clock, adjust: impl FnOnce(&mut Arguments)) -> App {
        App::start_beside(database, clock, MAIL_PORT, adjust).await
    }

    /// Such a server, in a world whose mail servers listen on this port.
    async fn start_beside(
        database: PathBuf,
        clock: Clock,
        mail_port: u16,
        adjust: impl FnOnce(&mut Arguments),
    ) -> App {
        let mut arguments = Arguments {
            listen: Some("127.0.0.1:0".to_owned()),
            database: Some(database.display().to_string()),
            argon2: Some("m=64,t=1,p=1".to_owned()),
            rate_limits: Some("off".to_owned()),
            ..Arguments::default()
        };
        adjust(&mut arguments);
        let settings = Settings::from_arguments(&arguments, std::iter::empty()).expect("sound settings");
        let ambience = Ambience { clock: clock.clone(), chance: Chance::system(), mail_port };
        let server = Server::bind(&settings, ambience).await.expect("the server starts");
        let (address, service) = (server.address(), server.service());
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(async move {
            let _ = server.run(stopped).await;
        });
        App { address, clock, service, http: client(), folder: None, database, stop, server: Some(server) }
    }

    /// The path of the database.
    pub fn database(&self) -> &std::path::Path {
        &self.database
    }

    /// Stops the server and waits until it has drained. Nothing that it queued may be left waiting.
    pub async fn finish(mut self) {
        self.carried().await;
        self.stop().await;
    }

    /// Stops the server, whatever is queued.
    pub async fn stop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(server) = self.server.take() {
            server.await.expect("the server ends in order");
        }
    }

    /// Moves the clock and wakes who sleeps by it.
    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
        self.service.bell.ring();
    }

    /// One round of housekeeping.
    pub async fn sweep(&self) {
        housekeeping::sweep(&self.service).await.expect("housekeeping goes through");
    }

    /// Sends a request with whatever body and headers, and holds the answer against the document.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().expect("a sound request");
        let (method, path) = (request.method().to_string(), request.url().path().to_owned());
        let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        let host = host.to_owned();
        let response = self.http.execute(request).await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Answer { status, headers, text: response.text().await.expect("a body of text") };
        assert!(!answer.header("x-request-id").is_empty(), "every answer names its request");
        let call = contract::Call { method: &method, path: &path, host: &host };
        contract::check(&call, status, answer.header("content-type"), &answer.text);
        answer
    }

    /// A request to build on.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    /// POSTs JSON without a token.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// POSTs bytes as they are, called JSON.
    pub async fn post_raw(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, path).header("content-type", "application/json");
        self.send(request.body(body)).await
    }

    /// GETs without a token.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// POSTs a form, as a page's button does.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request(Method::POST, path);
        self.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Signs up a business with the seed's example under another address.
    pub async fn register(&self, email: &str) -> Answer {
        self.post("/user/register", &registration(email)).await
    }

    /// Logs in.
    pub async fn login(&self, email: &str, password: &str) -> Answer {
        self.post("/user/login", &json!({"email": email, "password": password})).await
    }

    /// Somebody who has signed up and not yet proved the address.
    pub async fn newcomer(&self, email: &str) -> Person {
        let answer = self.register(email).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        Person::of(email, &answer)
    }

    /// Somebody who has signed up and proved the address.
    pub async fn member(&self, email: &str) -> Person {
        self.newcomer(email).await;
        let token = self.letter(email, "verify").await.token();
        let answer = self.post("/user/verify-email", &json!({"token": token})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Person::of(email, &answer)
    }

    /// A call with a person's access token.
    pub async fn call(&self, person: &Person, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = self.request(method, path).bearer_auth(&person.access);
        self.send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// Waits until no letter is waiting to be carried now.
    pub async fn carried(&self) {
        let waits = || {
            let counts = self.service.store.read(letters::counts).expect("the outbox");
            counts.into_iter().any(|(state, count)| state == LetterState::Waiting && count > 0)
        };
        until("every letter is carried", || !waits()).await;
    }

    /// The letters of the mailbox, newest first.
    pub async fn letters(&self) -> Vec<Letter> {
        self.carried().await;
        let answer = self.get("/mailbox/letters").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json().as_array().expect("an array").iter().cloned().map(Letter).collect()
    }

    /// The newest letter of a kind to an address.
    pub async fn letter(&self, to: &str, kind: &str) -> Letter {
        let letters = self.letters().await;
        let found = letters.into_iter().find(|letter| letter.to() == to && letter.0["kind"] == kind);
        found.unwrap_or_else(|| panic!("a {kind} letter to {to}"))
    }
}

/// A client that shows what it is answered: it follows nowhere.
pub fn client() -> reqwest::Client {
    client_builder().redirect(redirect::Policy::none()).build().expect("a client")
}

/// The beginning of a client for plain HTTP. The crate comes without a provider of TLS, and asks for one all the same.
pub fn client_builder() -> reqwest::ClientBuilder {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.expect("versions").with_root_certificates(rustls::RootCertStore::empty());
    reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls.with_no_client_auth())
}

/// Waits for a condition.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("in time: {what}"));
}

/// The seed's example under another address. Its company domain is that of the address.
pub fn registration(email: &str) -> Value {
    json!({
        "email": email,
        "password": PASSWORD,
        "firstName": "John",
        "lastName": "Doe",
        "companyName": "Acme Corporation",
        "isBusiness": true
    })
}

/// Somebody with tokens.
#[derive(Debug, Clone)]
pub struct Person {
    pub email: String,
    pub id: String,
    pub organization: String,
    pub access: String,
    pub refresh: String,
    pub session: String,
    /// The id of the verification, while one is pending.
    pub proof: String,
}

impl Person {
    /// The person whom a sign-up, login or verification let in.
    pub fn of(email: &str, answer: &Answer) -> Person {
        let user = &answer.json()["user"];
        let text = |key: &str| user[key].as_str().unwrap_or_default().to_owned();
        Person {
            email: email.to_owned(),
            id: text("id"),
            organization: text("orgId"),
            access: answer.field("accessToken"),
            refresh: answer.field("refreshToken"),
            session: answer.field("tokenId"),
            proof: answer.field("verificationTokenId"),
        }
    }
}

/// A letter of the mailbox.
#[derive(Debug, Clone)]
pub struct Letter(pub Value);

impl Letter {
    /// Whom it is for.
    pub fn to(&self) -> &str {
        self.0["to"].as_str().expect("a recipient")
    }

    /// Its first link.
    pub fn link(&self) -> &str {
        self.0["links"][0].as_str().expect("a link")
    }

    /// The secret of its link.
    pub fn token(&self) -> String {
        self.link().split_once("token=").expect("a token").1.to_owned()
    }

    /// Its code.
    pub fn code(&self) -> String {
        self.0["code"].as_str().expect("a code").to_owned()
    }
}
