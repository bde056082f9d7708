//! How much one session, one client and the whole listener may ask of us: the table `[limits]`.

use std::time::Duration;

/// How much may be asked of us. `None` is the configuration's `"none"`: no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Content of one message, in octets, dots unstuffed; told to the client as SIZE (RFC 1870).
    pub message_size: u64,
    /// The header section of one message, in octets; past it 552 5.3.4.
    pub header_size: u64,
    /// Forward-paths of one transaction, 100 or more (RFC 5321 §4.5.3.1.8); past it 452 4.5.3.
    pub recipients: usize,
    /// Transactions of one session (MAILMAX of RFC 9422); past it 421 4.7.0.
    pub messages: Option<usize>,
    /// Bad commands of one session; at that many 421 4.7.0 and close.
    pub errors: Option<usize>,
    /// Commands between two messages that bring none nearer; past that many 421 4.7.0 and close.
    pub junk_commands: Option<usize>,
    /// Refused forward-paths of one session; at that many 421 4.7.0 and close.
    pub rejected_recipients: Option<usize>,
    /// Sessions at once over all workers; past it 421 4.3.2.
    pub connections: usize,
    /// Sessions at once from one client network, a /32 or a /64.
    pub connections_per_client: Option<usize>,
    /// Connections within a minute from one client network, a /32 or a /64.
    pub connection_rate: Option<usize>,
    /// From the end of our reply to the end of the client's next command (RFC 5321 §4.5.3.2.7).
    pub command_timeout: Duration,
    /// From the accepted connection to its end.
    pub session_timeout: Option<Duration>,
    /// One line of content, in octets without its CRLF; past it 550 5.6.0.
    pub max_line: Option<usize>,
    /// Received fields in a message (RFC 5321 §6.3); past it 554 5.4.6.
    pub max_hops: usize,
}

impl Default for Limits {
    /// The documented defaults.
    fn default() -> Self {
        Self {
            message_size: 50_000_000,
            header_size: 256 << 10,
            recipients: 1000,
            messages: None,
            errors: Some(20),
            junk_commands: Some(100),
            rejected_recipients: Some(50),
            connections: 10_000,
            connections_per_client: Some(100),
            connection_rate: Some(60),
            command_timeout: Duration::from_secs(300),
            session_timeout: Some(Duration::from_secs(3600)),
            max_line: None,
            max_hops: 100,
        }
    }
}
