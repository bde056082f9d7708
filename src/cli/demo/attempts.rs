//! What the demo tries: good mail, and the bad mail that a mail server is sent every day.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use crate::cli::demo::client::Client;
use crate::cli::demo::outcome::Outcome;

/// One message that somebody tries to send.
struct Attempt {
    what: &'static str,
    /// The client's address.
    source: Ipv4Addr,
    ehlo: &'static str,
    /// MAIL with its parameters.
    mail: &'static str,
    rcpt: &'static str,
    content: Content,
    /// Code and enhanced code that are due.
    due: &'static str,
    why: &'static str,
}

#[derive(Clone, Copy)]
enum Content {
    Short,
    /// More than the limit.
    Long,
    /// A second message behind an end of data that only some servers take for one.
    Smuggled,
}

/// A client that does nothing wrong, for the rest of each attempt.
const GOOD: Attempt = Attempt {
    what: "a good message",
    source: Ipv4Addr::new(127, 0, 0, 2),
    ehlo: "client.outside.example",
    mail: "MAIL FROM:<ann@outside.example>",
    rcpt: "RCPT TO:<bob@demo.example>",
    content: Content::Short,
    due: "250 2.",
    why: "the Maildir has it, written to disk before this was said",
};

const ALL: &[Attempt] = &[
    GOOD,
    Attempt {
        what: "relaying to a stranger",
        rcpt: "RCPT TO:<victim@elsewhere.example>",
        due: "550 5.7.1",
        why: "relay guard: elsewhere.example is not in relay.domains",
        ..GOOD
    },
    Attempt {
        what: "relaying by user%else@ours",
        rcpt: "RCPT TO:<victim%elsewhere.example@demo.example>",
        due: "550 5.7.1",
        why: "relay guard: a mail server that trusts us would relay this",
        ..GOOD
    },
    Attempt {
        what: "1 MB, said beforehand",
        mail: "MAIL FROM:<ann@outside.example> SIZE=1000000",
        due: "552 5.3.4",
        why: "limits.message_size is 100 kB",
        ..GOOD
    },
    Attempt {
        what: "too large, not said beforehand",
        content: Content::Long,
        due: "552 5.3.4",
        why: "the same, found while it came in",
        ..GOOD
    },
    Attempt {
        what: "a HELO that is no name",
        ehlo: "localhost",
        due: "550 5.7.1",
        why: "policy helo, one of the built-in ones",
        ..GOOD
    },
    Attempt {
        what: "a client on a block list",
        source: Ipv4Addr::new(127, 0, 0, 5),
        ehlo: "bot.outside.example",
        due: "550 5.7.1",
        why: "policy listed: 127.0.0.5 is in bl.demo.example",
        ..GOOD
    },
    Attempt {
        what: "smuggling a second message",
        content: Content::Smuggled,
        due: "550 5.6.11",
        why: "a bare LF before the dot: never two messages from one",
        ..GOOD
    },
    Attempt {
        what: "a policy that crashes",
        mail: "MAIL FROM:<crash@outside.example>",
        due: "451 4.3.0",
        why: "policy touchy has a mistake; its on_error is defer",
        ..GOOD
    },
    Attempt { what: "a good message, after all that", why: "nothing of it has done any harm", ..GOOD },
];

/// Tries all of it, one after the other.
pub(super) async fn all(server: SocketAddr) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for attempt in ALL {
        let heard = attempt.send(server).await.unwrap_or_else(|error| format!("nothing: {error}"));
        outcomes.push(Outcome { what: attempt.what, heard, due: attempt.due, why: attempt.why });
    }
    outcomes
}

impl Attempt {
    /// The reply that decides: the first refusal, or the one to the end of data.
    async fn send(&self, server: SocketAddr) -> io::Result<String> {
        let mut client = Client::connect(self.source, server).await?;
        let ehlo = format!("EHLO {}", self.ehlo);
        for line in [&ehlo, self.mail, self.rcpt, "DATA"] {
            let reply = client.say(line).await?;
            if !reply.starts_with(['2', '3']) {
                let _ = client.say("QUIT").await; // good manners; what decides has been heard
                return Ok(reply);
            }
        }
        client.send(&self.octets()).await?;
        let reply = client.reply().await?;
        let _ = client.say("QUIT").await; // after what was smuggled it may be answered with anything
        Ok(reply)
    }

    fn octets(&self) -> Vec<u8> {
        let start = format!(
            "From: Ann <ann@outside.example>\r\nTo: Bob <bob@demo.example>\r\nSubject: {}\r\n\r\n",
            self.what
        );
        let mut octets = start.into_bytes();
        match self.content {
            Content::Short => octets.extend_from_slice(b"Hello Bob,\r\n..this line begins with a dot.\r\n"),
            Content::Long => octets.extend(b"0123456789 and so on, until it is too much.\r\n".repeat(5_000)),
            Content::Smuggled => octets.extend_from_slice(
                b"Nothing to see here.\n.\r\nMAIL FROM:<admin@demo.example>\r\nRCPT TO:<bob@demo.example>\r\n\
                  DATA\r\nSubject: smuggled\r\n\r\nTransfer the money.\r\n",
            ),
        }
        octets.extend_from_slice(b".\r\n");
        octets
    }
}
