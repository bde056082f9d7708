//! The records of a name server on loopback, for the demo and for tests: a small table that can also be made to fail.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use parking_lot::Mutex;

use crate::lookup::answer::{Answers, RecordKind, collect};
use crate::lookup::error::LookupError;
use crate::names::network::reverse_name;

/// A line of a zone that says nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no record: {line:?}; a record is NAME TYPE VALUE, as in \"mail.example.org A 192.0.2.1\"")]
pub struct ZoneError {
    /// The line as it was written.
    pub line: String,
}

/// What the server does wrong when it is asked for a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// Says nothing at all.
    Drop,
    /// Answers REFUSED.
    Refuse,
    /// Answers SERVFAIL.
    ServFail,
    /// Over UDP, answers that the answer doesn't fit.
    Truncate,
    /// Answers, but so much later.
    Delay(Duration),
}

/// A table of records. A clone means the same table, so that it can be changed while it is served.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    /// By name, lower case and absolute.
    records: BTreeMap<Name, Vec<RData>>,
    troubles: HashMap<Name, Trouble>,
    asked: HashMap<(Name, RecordType), usize>,
    /// Seconds for which an answer, also a negative one, may be remembered, where that isn't the usual.
    ttl: Option<u32>,
}

impl Zone {
    /// A zone without records: whatever it is asked for does not exist.
    pub fn new() -> Self {
        Self::default()
    }

    /// The zone of the lines of `text`, each `NAME TYPE VALUE`; `#` begins a comment.
    ///
    /// The types are A, AAAA, CNAME, MX, NS, PTR, SRV, TXT; the name of a PTR may be written as an address; `*.NAME`
    /// stands for all below it. Instead of a record, DROP, REFUSE, SERVFAIL, TRUNCATE and `DELAY milliseconds`
    /// make the server misbehave for the name.
    pub fn parse(text: &str) -> Result<Self, ZoneError> {
        let zone = Self::new();
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        for line in lines.filter(|line| !line.is_empty()) {
            zone.add(line)?;
        }
        Ok(zone)
    }

    /// Adds one line.
    pub fn add(&self, line: &str) -> Result<(), ZoneError> {
        self.read(line).ok_or_else(|| ZoneError { line: line.to_owned() })
    }

    /// Takes away all records and the trouble of `name`.
    pub fn remove(&self, name: &str) {
        if let Some(name) = absolute(name) {
            let mut table = self.table.lock();
            table.records.remove(&name);
            table.troubles.remove(&name);
        }
    }

    /// Answers, also that there is none, may be remembered for so many seconds from now on.
    pub fn set_ttl(&self, seconds: u32) {
        self.table.lock().ttl = Some(seconds);
    }

    /// How often the server was asked for records of `kind` of `name`.
    pub fn asked(&self, name: &str, kind: RecordKind) -> usize {
        let key = absolute(name).map(|name| (name, kind.wire()));
        key.and_then(|key| self.table.lock().asked.get(&key).copied()).unwrap_or_default()
    }

    /// Adds a record with whatever data, also such as has no text.
    pub(in crate::lookup) fn insert(&self, name: Name, data: RData) {
        self.table.lock().records.entry(lower(&name)).or_default().push(data);
    }

    /// What a resolver would find that asked a server of this zone.
    pub(in crate::lookup) async fn look_up(
        &self,
        name: &Name,
        kind: RecordKind,
    ) -> Result<Answers, LookupError> {
        match self.ask(name, kind.wire()) {
            Some(Trouble::Drop) => std::future::pending().await,
            Some(Trouble::Refuse) => return Err(LookupError::Refused),
            Some(Trouble::ServFail) => return Err(LookupError::ServFail),
            Some(Trouble::Delay(pause)) => tokio::time::sleep(pause).await,
            Some(Trouble::Truncate) | None => {}
        }
        let (_, answers, _) = self.answer(name, kind.wire());
        collect(&answers, kind)
    }

    /// Counts the question and says what is wrong with `name`.
    pub(in crate::lookup) fn ask(&self, name: &Name, kind: RecordType) -> Option<Trouble> {
        let mut table = self.table.lock();
        let name = lower(name);
        if table.asked.len() < MAX_ASKED {
            *table.asked.entry((name.clone(), kind)).or_default() += 1;
        }
        table.troubles.get(&name).copied()
    }

    /// The records of `kind` that `name` has, the CNAMEs on the way first; if there are none, the code and the SOA that
    /// let a resolver remember it.
    pub(in crate::lookup) fn answer(
        &self,
        name: &Name,
        kind: RecordType,
    ) -> (ResponseCode, Vec<Record>, Vec<Record>) {
        let table = self.table.lock();
        let (mut answers, mut name) = (Vec::new(), lower(name));
        let ttl = table.ttl.unwrap_or(TTL);
        for _ in 0..MAX_CHAIN {
            let Some(records) = table.find(&name) else {
                return (ResponseCode::NXDomain, answers, vec![authority(ttl)]);
            };
            let of_kind = records.iter().filter(|data| data.record_type() == kind);
            answers.extend(of_kind.map(|data| Record::from_rdata(name.clone(), ttl, data.clone())));
            let alias = records
                .iter()
                .find_map(|data| if let RData::CNAME(to) = data { Some(lower(to)) } else { None });
            match alias {
                Some(target) if kind != RecordType::CNAME => {
                    answers.push(Record::from_rdata(name, ttl, RData::CNAME(CNAME(target.clone()))));
                    name = target;
                }
                _ => break,
            }
        }
        let authorities = if answers.is_empty() { vec![authority(ttl)] } else { Vec::new() };
        (ResponseCode::NoError, answers, authorities)
    }

    fn read(&self, line: &str) -> Option<()> {
        let (name, rest) = line.split_once(char::is_whitespace)?;
        let (kind, value) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        let (kind, value) = (kind.to_ascii_uppercase(), value.trim());
        let name = match name.parse::<IpAddr>() {
            Ok(address) if kind == "PTR" => absolute(&reverse_name(address))?,
            _ => absolute(name)?,
        };
        let trouble = match kind.as_str() {
            "DROP" => Some(Trouble::Drop),
            "REFUSE" => Some(Trouble::Refuse),
            "SERVFAIL" => Some(Trouble::ServFail),
            "TRUNCATE" => Some(Trouble::Truncate),
            "DELAY" => Some(Trouble::Delay(Duration::from_millis(value.parse().ok()?))),
            _ => None,
        };
        match trouble {
            Some(trouble) => {
                self.table.lock().troubles.insert(name, trouble);
            }
            None => self.insert(name, read_data(&kind, value)?),
        }
        Some(())
    }
}

impl Table {
    /// The records of `name` or of the nearest `*` above it; none at all if only names below it have records.
    fn find(&self, name: &Name) -> Option<&[RData]> {
        if let Some(records) = self.records.get(name) {
            return Some(records);
        }
        if self.records.keys().any(|other| name.zone_of(other)) {
            return Some(&[]);
        }
        let mut above = name.base_name();
        while !above.is_root() {
            if let Some(records) = above.prepend_label("*").ok().and_then(|wild| self.records.get(&wild)) {
                return Some(records);
            }
            above = above.base_name();
        }
        None
    }
}

fn read_data(kind: &str, value: &str) -> Option<RData> {
    let mut words = value.split_whitespace();
    Some(match kind {
        "A" => RData::A(A(value.parse::<Ipv4Addr>().ok()?)),
        "AAAA" => RData::AAAA(AAAA(value.parse::<Ipv6Addr>().ok()?)),
        "CNAME" => RData::CNAME(CNAME(absolute(value)?)),
        "NS" => RData::NS(NS(absolute(value)?)),
        "PTR" => RData::PTR(PTR(absolute(value)?)),
        "MX" => RData::MX(MX::new(words.next()?.parse().ok()?, absolute(words.next()?)?)),
        "SRV" => RData::SRV(SRV::new(
            words.next()?.parse().ok()?,
            words.next()?.parse().ok()?,
            words.next()?.parse().ok()?,
            absolute(words.next()?)?,
        )),
        "TXT" => {
            let text = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
            RData::TXT(TXT::from_bytes(text.as_bytes().chunks(MAX_STRING).collect()))
        }
        _ => return None,
    })
}

fn absolute(name: &str) -> Option<Name> {
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(lower(&name))
}

fn lower(name: &Name) -> Name {
    name.to_lowercase()
}

/// The SOA, whose minimum says how long "there is none" may be remembered (RFC 2308 §4).
fn authority(ttl: u32) -> Record {
    let zone = Name::root();
    let timer = i32::try_from(ttl).unwrap_or(i32::MAX);
    Record::from_rdata(
        zone.clone(),
        ttl,
        RData::SOA(SOA::new(zone.clone(), zone, 1, timer, timer, timer, ttl)),
    )
}

/// Seconds for which an answer, also a negative one, may be remembered.
const TTL: u32 = 300;

/// CNAMEs that are followed.
const MAX_CHAIN: usize = 8;

/// Octets of one string of a TXT record (RFC 1035 §3.3).
const MAX_STRING: usize = 255;

/// Different questions that are counted.
const MAX_ASKED: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(zone: &Zone, name: &str, kind: RecordKind) -> (ResponseCode, usize) {
        let (code, answers, _) = zone.answer(&absolute(name).expect("name"), kind.wire());
        (code, answers.len())
    }

    #[test]
    fn a_zone_answers_from_its_lines() {
        let zone = Zone::parse(
            "# hosts\n\
             Mail.example.org A 192.0.2.1   # the one\n\
             mail.example.org AAAA 2001:db8::1\n\
             example.org MX 10 mail.example.org\n\
             example.org TXT \"v=spf1 -all\"\n\
             www.example.org CNAME mail.example.org\n\
             192.0.2.1 PTR mail.example.org\n\
             *.wild.example A 127.0.0.2\n",
        )
        .expect("lines");
        for (name, kind, want) in [
            ("mail.EXAMPLE.org", RecordKind::A, (ResponseCode::NoError, 1)),
            ("www.example.org", RecordKind::A, (ResponseCode::NoError, 2)),
            ("www.example.org", RecordKind::Cname, (ResponseCode::NoError, 1)),
            ("example.org", RecordKind::A, (ResponseCode::NoError, 0)),
            ("org", RecordKind::A, (ResponseCode::NoError, 0)), // names below it exist
            ("example.net", RecordKind::A, (ResponseCode::NXDomain, 0)),
            ("1.2.0.192.in-addr.arpa", RecordKind::Ptr, (ResponseCode::NoError, 1)),
            ("a.b.wild.example", RecordKind::A, (ResponseCode::NoError, 1)),
        ] {
            assert_eq!(answer(&zone, name, kind), want, "{name} {}", kind.name());
        }
        zone.remove("mail.example.org");
        assert_eq!(answer(&zone, "mail.example.org", RecordKind::A), (ResponseCode::NXDomain, 0));
    }

    #[test]
    fn a_line_that_says_nothing_is_named() {
        for line in
            ["mail.example.org", "a A 192.0.2", "a MX mail", "a SPF x", "a..b A 192.0.2.1", "a DELAY soon"]
        {
            assert_eq!(Zone::parse(line).expect_err(line), ZoneError { line: line.into() });
        }
    }
}
