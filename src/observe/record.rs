//! The two lines that each session leaves in the log.

use std::net::IpAddr;

use crate::net::names::ClientName;

/// One transaction's line.
#[expect(missing_docs, reason = "the fields are named as in the log")]
#[derive(Debug)]
pub struct TransactionRecord<'a> {
    pub session: &'a str,
    pub transaction: u64,
    pub code: Option<u16>,
    pub client_ip: IpAddr,
    pub client_name: &'a ClientName,
    pub ehlo: Option<&'a str>,
    pub reverse_path: &'a str,
    pub forward_paths: &'a [(&'a str, u16)],
    pub message_id: Option<&'a str>,
    pub octets: u64,
    pub disposition: &'static str,
    pub stage: &'static str,
    pub policy: Option<&'a str>,
    pub relay_grant: Option<&'a str>,
    pub backend: &'a str,
    pub backend_reply: Option<&'a str>,
    pub elapsed_ms: u64,
    pub score: f64,
    pub notes: &'a [(String, String)],
}

impl TransactionRecord<'_> {
    /// Writes it.
    pub fn log(&self) {
        tracing::info!(target: "gatepost::transaction", record = ?self, "transaction ended");
    }
}

/// One session's line.
#[expect(missing_docs, reason = "the fields are named as in the log")]
#[derive(Debug)]
pub struct SessionRecord<'a> {
    pub session: &'a str,
    pub listener: &'a str,
    pub client_ip: IpAddr,
    pub client_port: u16,
    pub client_name: &'a ClientName,
    pub ehlo: Option<&'a str>,
    pub reason: &'static str,
    pub by: &'static str,
    pub last_verb: Option<&'a str>,
    pub commands: usize,
    pub errors: usize,
    pub transactions: u64,
    pub messages: usize,
    pub octets: u64,
    pub elapsed_ms: u64,
}

impl SessionRecord<'_> {
    /// Writes it.
    pub fn log(&self) {
        tracing::info!(target: "gatepost::session", record = ?self, "session ended");
    }
}
