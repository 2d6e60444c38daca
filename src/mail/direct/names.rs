//! Which servers take the mail of a domain, and where they are (RFC 5321 section 5.1).

use super::Verdict;
use crate::clock::Chance;
use crate::model::time::HOUR;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::time::timeout;

/// Answers that are remembered.
const REMEMBERED: u64 = 512;

/// Asks DNS. Answers are remembered as long as they say.
pub(in crate::mail) struct Names {
    resolver: TokioResolver,
    limit: Duration,
    chance: Chance,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mail) enum Silence {
    /// The name does not exist.
    NoName,
    /// It exists and has no such record.
    NoRecord,
    /// Nobody knows at present, in words.
    Later(String),
}

impl Names {
    /// Those who are asked: the given servers, else the system's. `limit` bounds one question.
    pub fn new(servers: &[SocketAddr], limit: Duration, chance: Chance) -> Result<Names, NetError> {
        let provider = TokioRuntimeProvider::default();
        let mut builder = if servers.is_empty() {
            TokioResolver::builder(provider)?
        } else {
            let servers = servers.iter().map(name_server).collect();
            TokioResolver::builder_with_config(ResolverConfig::from_name_servers(servers), provider)
        };
        let options: &mut ResolverOpts = builder.options_mut();
        // Where mail goes is DNS's word alone.
        options.use_hosts_file = ResolveHosts::Never;
        // Strangers choose how large an answer is, and for how long it is good.
        options.cache_size = REMEMBERED;
        options.positive_max_ttl = Some(HOUR);
        options.negative_max_ttl = Some(HOUR);
        Ok(Names { resolver: builder.build()?, limit, chance })
    }

    /// The servers that take a domain's mail, the preferred ones first, equals in random order. A domain without MX
    /// records takes it itself.
    ///
    /// # Errors
    /// The verdict on a letter to a domain that does not exist or takes no mail (RFC 7505), or about which nobody can
    /// be asked at present.
    pub async fn mail_hosts(&self, domain: &str) -> Result<Vec<Name>, Verdict> {
        let never = |words: &str| Verdict::Rejected { reply: format!("the domain {domain} {words}") };
        let name = Name::from_ascii(format!("{domain}.")).map_err(|_| never("is no name of DNS"))?;
        let records = match self.ask(&name, RecordType::MX).await {
            Ok(records) => records,
            Err(Silence::NoRecord) => return Ok(vec![name]),
            Err(Silence::NoName) => return Err(never("does not exist")),
            Err(Silence::Later(why)) => {
                let reason = format!("the mail servers of {domain} cannot be looked up: {why}");
                return Err(Verdict::Unreachable { reason });
            }
        };
        let mut hosts: Vec<(u16, Name)> = records
            .into_iter()
            .filter_map(|record| match record {
                RData::MX(mx) => Some((mx.preference, mx.exchange)),
                _ => None,
            })
            .collect();
        if hosts.is_empty() {
            return Ok(vec![name]);
        }
        hosts.retain(|(_, host)| !host.is_root());
        if hosts.is_empty() {
            return Err(never("takes no mail, as its null MX record says"));
        }
        self.shuffle(&mut hosts);
        hosts.sort_by_key(|(preference, _)| *preference);
        Ok(hosts.into_iter().map(|(_, host)| host).collect())
    }

    /// Where a server is: IPv4 first, because more receivers take mail from there, equals in random order.
    ///
    /// # Errors
    /// The verdict on a letter to a server that is nowhere, or about which nobody can be asked at present.
    pub async fn addresses(&self, host: &Name) -> Result<Vec<IpAddr>, Verdict> {
        let (v4, v6) = tokio::join!(self.ask(host, RecordType::A), self.ask(host, RecordType::AAAA));
        let mut addresses = Vec::new();
        let mut later = None;
        for answer in [v4, v6] {
            match answer {
                Ok(records) => {
                    let mut family: Vec<IpAddr> = records.iter().filter_map(RData::ip_addr).collect();
                    self.shuffle(&mut family);
                    addresses.append(&mut family);
                }
                Err(Silence::Later(why)) => later = Some(why),
                Err(Silence::NoName | Silence::NoRecord) => {}
            }
        }
        match later {
            _ if !addresses.is_empty() => Ok(addresses),
            Some(why) => {
                Err(Verdict::Unreachable { reason: format!("{} cannot be looked up: {why}", plain(host)) })
            }
            None => Err(Verdict::Rejected { reply: format!("{} has no address", plain(host)) }),
        }
    }

    pub(super) async fn ask(&self, name: &Name, kind: RecordType) -> Result<Vec<RData>, Silence> {
        match timeout(self.limit, self.resolver.lookup(name.clone(), kind)).await {
            Ok(Ok(found)) => Ok(found.answers().iter().map(|record| record.data.clone()).collect()),
            Ok(Err(NetError::Dns(DnsError::NoRecordsFound(none)))) => match none.response_code {
                ResponseCode::NXDomain => Err(Silence::NoName),
                ResponseCode::NoError => Err(Silence::NoRecord),
                code => Err(Silence::Later(format!("the DNS server says {code}"))),
            },
            Ok(Err(NetError::Dns(DnsError::ResponseCode(code)))) => {
                Err(Silence::Later(format!("the DNS server says {code}")))
            }
            Ok(Err(fault)) => Err(Silence::Later(format!("no DNS server answers ({fault})"))),
            Err(_) => Err(Silence::Later(format!("no answer within {} ms", self.limit.as_millis()))),
        }
    }

    fn shuffle<T>(&self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            let other = self.chance.below(place as u64 + 1);
            items.swap(place, usize::try_from(other).expect("below a length"));
        }
    }
}

/// A name as people write it, without the dot at its end.
pub(super) fn plain(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_owned()
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    let connections = connections.map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}
