//! A DNS server inside the test: answers from a table, over UDP, on a loopback port of its own.

#![allow(dead_code, reason = "each test crate that includes the server uses another part of it")]

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, MX, PTR, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// What a name comes to.
#[derive(Debug, Clone)]
enum Entry {
    Records(Vec<RData>),
    Code(ResponseCode),
    Silence,
}

#[derive(Default)]
struct Table {
    entries: HashMap<String, Entry>,
    asked: Vec<(String, RecordType)>,
}

/// The server; it ends when dropped. A name that it was not told of does not exist.
pub struct DnsStandIn {
    address: SocketAddr,
    table: Arc<Mutex<Table>>,
    server: JoinHandle<()>,
}

impl DnsStandIn {
    /// Starts on a free loopback port, knowing nothing.
    pub async fn start() -> DnsStandIn {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let address = socket.local_addr().expect("a bound socket has an address");
        let table = Arc::<Mutex<Table>>::default();
        let server = tokio::spawn(serve(socket, Arc::clone(&table)));
        DnsStandIn { address, table, server }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// For `LATCHKEY_MAIL_RESOLVER`.
    pub fn setting(&self) -> String {
        self.address.to_string()
    }

    pub fn mx(&self, domain: &str, preference: u16, host: &str) -> &DnsStandIn {
        let host = Name::from_ascii(host).expect("a name").append_domain(&Name::root()).expect("a full name");
        self.add(domain, RData::MX(MX::new(preference, host)))
    }

    pub fn host(&self, name: &str, address: &str) -> &DnsStandIn {
        self.add(
            name,
            match address.parse().expect("an address") {
                IpAddr::V4(address) => RData::A(A(address)),
                IpAddr::V6(address) => RData::AAAA(AAAA(address)),
            },
        )
    }

    pub fn alias(&self, name: &str, of: &str) -> &DnsStandIn {
        self.add(name, RData::CNAME(CNAME(Name::from_ascii(format!("{of}.")).expect("a name"))))
    }

    pub fn text(&self, name: &str, text: &str) -> &DnsStandIn {
        let strings = text.as_bytes().chunks(255);
        let strings = strings.map(|piece| String::from_utf8(piece.to_vec()).expect("ASCII")).collect();
        self.add(name, RData::TXT(TXT::new(strings)))
    }

    /// The name that an address leads back to.
    pub fn pointer(&self, address: &str, name: &str) -> &DnsStandIn {
        let address: IpAddr = address.parse().expect("an address");
        let target = Name::from_ascii(format!("{name}.")).expect("a name");
        self.add(&plain(&Name::from(address)), RData::PTR(PTR(target)))
    }

    /// The name exists and has no records.
    pub fn empty(&self, name: &str) -> &DnsStandIn {
        self.set(name, Entry::Records(Vec::new()))
    }

    /// Every question about the name is answered with an error.
    pub fn broken(&self, name: &str) -> &DnsStandIn {
        self.set(name, Entry::Code(ResponseCode::ServFail))
    }

    /// No question about the name is answered.
    pub fn silent(&self, name: &str) -> &DnsStandIn {
        self.set(name, Entry::Silence)
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<(String, RecordType)> {
        self.table.lock().expect("no test panics while it holds the lock").asked.clone()
    }

    fn add(&self, name: &str, data: RData) -> &DnsStandIn {
        let mut table = self.table.lock().expect("no test panics while it holds the lock");
        match table.entries.entry(name.to_owned()).or_insert_with(|| Entry::Records(Vec::new())) {
            Entry::Records(records) => records.push(data),
            other => *other = Entry::Records(vec![data]),
        }
        drop(table);
        self
    }

    fn set(&self, name: &str, entry: Entry) -> &DnsStandIn {
        let mut table = self.table.lock().expect("no test panics while it holds the lock");
        table.entries.insert(name.to_owned(), entry);
        drop(table);
        self
    }
}

impl Drop for DnsStandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(socket: UdpSocket, table: Arc<Mutex<Table>>) {
    let mut question = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut question).await {
        let Ok(question) = Message::from_vec(&question[..length]) else { continue };
        let answer = answer(&question, &mut table.lock().expect("no test panics while it holds the lock"));
        if let Some(answer) = answer {
            let bytes = answer.to_vec().expect("an answer can be written");
            let _ = socket.send_to(&bytes, from).await;
        }
    }
}

fn answer(question: &Message, table: &mut Table) -> Option<Message> {
    let query = question.queries.first()?;
    let mut name = query.name().clone();
    let kind = query.query_type();
    table.asked.push((plain(&name), kind));
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.add_query(query.clone());
    answer.metadata.recursion_desired = true;
    answer.metadata.recursion_available = true;
    // An alias leads to another entry; a loop ends after a few steps.
    for _ in 0..4 {
        match table.entries.get(&plain(&name)) {
            None => {
                answer.metadata.response_code = ResponseCode::NXDomain;
                return Some(answer);
            }
            Some(Entry::Silence) => return None,
            Some(Entry::Code(code)) => {
                answer.metadata.response_code = *code;
                return Some(answer);
            }
            Some(Entry::Records(records)) => {
                let alias = records.iter().find_map(|data| match data {
                    RData::CNAME(target) => Some(target.0.clone()),
                    _ => None,
                });
                let fitting = records.iter().filter(|data| data.record_type() == kind || alias.is_some());
                answer.add_answers(fitting.map(|data| Record::from_rdata(name.clone(), 60, data.clone())));
                match alias {
                    Some(target) => name = target,
                    None => return Some(answer),
                }
            }
        }
    }
    Some(answer)
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}
