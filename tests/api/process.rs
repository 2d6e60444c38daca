//! The real binary, started as an operator starts it: flags, environment, standard streams, signals.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use reqwest::Method;
use serde_json::Value;

use crate::app::{Answer, Person, client, until};
use crate::contract;

/// A folder in which a server and commands run, with `latchkey.db` in it. No setting of this machine gets in.
pub struct Place {
    folder: tempfile::TempDir,
}

/// What a command that has ended left behind.
#[derive(Debug)]
pub struct Ended {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|fault| panic!("not JSON ({fault}): {self:?}"))
    }
}

impl Place {
    pub fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn database(&self) -> PathBuf {
        self.path("latchkey.db")
    }

    /// The binary with these arguments, in this folder, with an empty environment.
    pub fn binary(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.current_dir(self.folder.path()).env_clear().args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.binary(arguments).output().expect("the binary runs"))
    }

    /// Runs a command to its end, with something on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.binary(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("the command reads");
        drop(stdin);
        ended(child.wait_with_output().expect("the command ends"))
    }

    /// Runs a command that has to succeed, and reads its JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(done.status, 0, "{arguments:?}: {}", done.stderr);
        done.json()
    }

    /// Starts a server with cheap hashing and no rate limits on a free port, and waits until it listens.
    pub fn serve(&self, arguments: &[&str]) -> Process {
        let cheap = ["--listen", "127.0.0.1:0", "--argon2", "m=64,t=1,p=1", "--rate-limits", "off"];
        let log = self.path("server.log");
        let stderr = File::options().create(true).append(true).open(&log).expect("a log file");
        let mut command = self.binary(&[&cheap, arguments].concat());
        let child = command.stdout(Stdio::piped()).stderr(stderr).spawn().expect("the binary runs");
        // From here on it is killed whatever happens.
        let mut process =
            Process { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), http: client(), log };
        let mut first = String::new();
        let stdout = process.child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut first).expect("a first line");
        let address = first.trim_end().strip_prefix("listening on http://");
        let address = address.unwrap_or_else(|| panic!("first line {first:?}, log: {}", process.log()));
        process.address = address.parse().expect("an address");
        process
    }
}

fn ended(output: std::process::Output) -> Ended {
    Ended {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A running server; killed when dropped.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    pub http: reqwest::Client,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails when it has ended, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Ends it with SIGKILL, as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        let signal = format!("kill -TERM {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &signal]).status().expect("a shell");
        assert!(sent.success(), "it runs");
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> ExitStatus {
        until("the server ends", || self.child.try_wait().expect("a child").is_some()).await;
        self.child.wait().expect("it has ended")
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(self) {
        self.terminate();
        assert!(self.ended().await.success(), "it ends in order");
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        read(&self.log)
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    /// Sends a request and holds the answer against the document.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().expect("a sound request");
        let (method, path) = (request.method().to_string(), request.url().path().to_owned());
        let response = self.http.execute(request).await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Answer { status, headers, text: response.text().await.expect("a body of text") };
        let call = contract::Call { method: &method, path: &path, host: "" };
        contract::check(&call, status, answer.header("content-type"), &answer.text);
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// GETs the profile of a person.
    pub async fn profile(&self, person: &Person) -> Answer {
        self.send(self.request(Method::GET, "/user/profile").bearer_auth(&person.access)).await
    }

    /// POSTs a form, as a page's button does.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request(Method::POST, path);
        self.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }
}

/// A file as text.
pub fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).expect("a file")).into_owned()
}
