//! What DNS says of a name, record by record, for who wants to look at more than the way of one letter.

use super::names::{Names, Silence, plain};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::net::IpAddr;

impl Names {
    /// The servers that take a domain's mail with their preferences, the preferred ones first; a null MX (RFC 7505) has
    /// an empty name.
    ///
    /// # Errors
    /// [`Silence`].
    pub async fn exchangers(&self, domain: &str) -> Result<Vec<(u16, String)>, Silence> {
        let records = self.ask(&name(domain)?, RecordType::MX).await?;
        let mut hosts: Vec<(u16, String)> = records
            .iter()
            .filter_map(|record| match record {
                RData::MX(mx) => Some((mx.preference, plain(&mx.exchange))),
                _ => None,
            })
            .collect();
        hosts.sort();
        found(hosts)
    }

    /// The texts of a name, each joined from its strings (RFC 7208 section 3.3).
    ///
    /// # Errors
    /// [`Silence`].
    pub async fn texts(&self, of: &str) -> Result<Vec<String>, Silence> {
        let records = self.ask(&name(of)?, RecordType::TXT).await?;
        let texts = records.iter().filter_map(|record| match record {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        });
        found(texts.collect())
    }

    /// The addresses of a host, IPv4 first.
    ///
    /// # Errors
    /// [`Silence`]; one family that nobody can be asked about does not hide the other.
    pub async fn ips(&self, host: &str) -> Result<Vec<IpAddr>, Silence> {
        let host = name(host)?;
        let (v4, v6) = tokio::join!(self.ask(&host, RecordType::A), self.ask(&host, RecordType::AAAA));
        let mut addresses = Vec::new();
        let mut silence = Silence::NoRecord;
        for answer in [v4, v6] {
            match answer {
                Ok(records) => addresses.extend(records.iter().filter_map(RData::ip_addr)),
                Err(Silence::NoRecord) => {}
                Err(other) => silence = other,
            }
        }
        addresses.sort();
        if addresses.is_empty() { Err(silence) } else { Ok(addresses) }
    }

    /// The names that an address leads back to (PTR).
    ///
    /// # Errors
    /// [`Silence`].
    pub async fn names_of(&self, address: IpAddr) -> Result<Vec<String>, Silence> {
        let records = self.ask(&Name::from(address), RecordType::PTR).await?;
        let names = records.iter().filter_map(|record| match record {
            RData::PTR(pointer) => Some(plain(&pointer.0)),
            _ => None,
        });
        found(names.collect())
    }
}

/// Where DNS keeps the name of an address.
pub(in crate::mail) fn reverse(address: IpAddr) -> String {
    plain(&Name::from(address))
}

fn name(text: &str) -> Result<Name, Silence> {
    Name::from_ascii(format!("{text}.")).map_err(|_| Silence::NoName)
}

fn found<T>(items: Vec<T>) -> Result<Vec<T>, Silence> {
    if items.is_empty() { Err(Silence::NoRecord) } else { Ok(items) }
}
