//! The line that each session and each transaction leaves in the log when it ends.

use std::fmt::{self, Write};
use std::net::{IpAddr, SocketAddr};

use tracing::field::{DisplayValue, display};

use crate::observe::fields;
use crate::observe::line::{KEY_END, LIST_LIMIT, NOTE_END};

/// A session, as it ended. What is `None` or empty is left out of the line.
#[derive(Clone, Debug, Default)]
pub struct SessionRecord<'a> {
    /// Its id.
    pub session: &'a str,
    /// The listener's name.
    pub listener: Option<&'a str>,
    /// The client's address.
    pub client_ip: Option<IpAddr>,
    /// The client's port.
    pub client_port: Option<u16>,
    /// The client's forward-confirmed name.
    pub client_name: Option<&'a str>,
    /// Where the connection came from, if that is not the client.
    pub peer: Option<SocketAddr>,
    /// The balancer's name for the connection.
    pub unique_id: Option<&'a str>,
    /// The name given in EHLO.
    pub ehlo: Option<&'a str>,
    /// Version and cipher.
    pub tls: Option<&'a str>,
    /// The user logged in.
    pub auth: Option<&'a str>,
    /// Where the client was refused last, outside of transactions.
    pub stage: Option<&'a str>,
    /// The code of that refusal.
    pub code: Option<u16>,
    /// The policy that refused.
    pub policy: Option<&'a str>,
    /// The words of that reply.
    pub reply: Option<&'a str>,
    /// Why it ended.
    pub reason: Option<&'a str>,
    /// Who ended it.
    pub by: Option<&'a str>,
    /// The last command.
    pub last_verb: Option<&'a str>,
    /// Commands read.
    pub commands: Option<usize>,
    /// Commands that could not be read or were out of order.
    pub errors: Option<usize>,
    /// Transactions begun.
    pub transactions: Option<u64>,
    /// Messages acknowledged.
    pub messages: Option<usize>,
    /// Octets of content taken.
    pub octets: Option<u64>,
    /// From accept to close, in milliseconds.
    pub elapsed_ms: Option<u64>,
    /// The sum of the points.
    pub score: Option<f64>,
    /// What policies noted: keys and values.
    pub notes: &'a [(String, String)],
}

impl SessionRecord<'_> {
    /// Writes `session ended` with these fields, at info.
    pub fn log(&self) {
        tracing::info!(
            target: "gatepost::session",
            {
                { fields::SESSION } = self.session,
                { fields::LISTENER } = self.listener,
                { fields::CLIENT_IP } = self.client_ip.map(display),
                { fields::CLIENT_PORT } = self.client_port,
                { fields::CLIENT_NAME } = self.client_name,
                { fields::PEER_IP } = self.peer.map(|peer| display(peer.ip())),
                { fields::PEER_PORT } = self.peer.map(|peer| peer.port()),
                { fields::UNIQUE_ID } = self.unique_id,
                { fields::EHLO } = self.ehlo,
                { fields::TLS } = self.tls,
                { fields::AUTH } = self.auth,
                { fields::STAGE } = self.stage,
                { fields::CODE } = self.code,
                { fields::POLICY } = self.policy,
                { fields::REPLY } = self.reply,
                { fields::REASON } = self.reason,
                { fields::BY } = self.by,
                { fields::LAST_VERB } = self.last_verb,
                { fields::COMMANDS } = self.commands,
                { fields::ERRORS } = self.errors,
                { fields::TRANSACTIONS } = self.transactions,
                { fields::MESSAGES } = self.messages,
                { fields::OCTETS } = self.octets,
                { fields::ELAPSED_MS } = self.elapsed_ms,
                { fields::SCORE } = self.score,
                { fields::NOTES_FIELD } = Notes::unless_empty(self.notes),
            },
            "session ended"
        );
    }
}

/// A transaction, as it ended. What is `None` or empty is left out of the line.
///
/// Source: the design's "The log line of a transaction".
#[derive(Clone, Debug, Default)]
pub struct TransactionRecord<'a> {
    /// The session's id.
    pub session: &'a str,
    /// Its number in the session, from 1.
    pub transaction: u64,
    /// The client's address.
    pub client_ip: Option<IpAddr>,
    /// The client's forward-confirmed name.
    pub client_name: Option<&'a str>,
    /// Where the connection came from, if that is not the client.
    pub peer: Option<SocketAddr>,
    /// The address of the client whose message this one carries.
    pub forwarded_ip: Option<IpAddr>,
    /// That client's name.
    pub forwarded_name: Option<&'a str>,
    /// The name of the message there.
    pub forwarded_ident: Option<&'a str>,
    /// The name given in EHLO.
    pub ehlo: Option<&'a str>,
    /// Version and cipher.
    pub tls: Option<&'a str>,
    /// The user logged in.
    pub auth: Option<&'a str>,
    /// MAIL FROM as sent; the line puts it in brackets, so that the null reverse-path is seen.
    pub reverse_path: Option<&'a str>,
    /// Each RCPT TO as sent, put in brackets as well, and the code of its reply.
    pub forward_paths: &'a [(&'a str, u16)],
    /// The Message-ID field.
    pub message_id: Option<&'a str>,
    /// Content as received.
    pub octets: Option<u64>,
    /// What became of it, in a word.
    pub disposition: &'a str,
    /// The stage that decided.
    pub stage: Option<&'a str>,
    /// The last reply's code.
    pub code: Option<u16>,
    /// The policy that decided.
    pub policy: Option<&'a str>,
    /// Each RCPT TO for which a policy lets the message go nowhere, and that policy.
    pub discarded: &'a [(&'a str, &'a str)],
    /// Why the message or those recipients were discarded.
    pub why: Option<&'a str>,
    /// Why the client may relay.
    pub relay_grant: Option<&'a str>,
    /// The backend's name.
    pub backend: Option<&'a str>,
    /// The backend's last reply: code and text.
    pub backend_reply: Option<&'a str>,
    /// From MAIL to the reply, in milliseconds.
    pub elapsed_ms: Option<u64>,
    /// The sum of the points.
    pub score: Option<f64>,
    /// What policies noted: keys and values.
    pub notes: &'a [(String, String)],
}

impl TransactionRecord<'_> {
    /// Writes `transaction ended` with these fields, at info.
    pub fn log(&self) {
        tracing::info!(
            target: "gatepost::transaction",
            {
                { fields::SESSION } = self.session,
                { fields::TRANSACTION } = self.transaction,
                { fields::STAGE } = self.stage,
                { fields::CODE } = self.code,
                { fields::DISPOSITION } = self.disposition,
                { fields::POLICY } = self.policy,
                { fields::WHY } = self.why,
                { fields::CLIENT_IP } = self.client_ip.map(display),
                { fields::CLIENT_NAME } = self.client_name,
                { fields::PEER_IP } = self.peer.map(|peer| display(peer.ip())),
                { fields::FORWARDED_IP } = self.forwarded_ip.map(display),
                { fields::FORWARDED_NAME } = self.forwarded_name,
                { fields::FORWARDED_IDENT } = self.forwarded_ident,
                { fields::EHLO } = self.ehlo,
                { fields::TLS } = self.tls,
                { fields::AUTH } = self.auth,
                { fields::RELAY_GRANT } = self.relay_grant,
                { fields::REVERSE_PATH } = self.reverse_path.map(|path| display(Bracketed(path))),
                { fields::MESSAGE_ID } = self.message_id,
                { fields::OCTETS } = self.octets,
                { fields::BACKEND } = self.backend,
                { fields::BACKEND_REPLY } = self.backend_reply,
                { fields::ELAPSED_MS } = self.elapsed_ms,
                { fields::SCORE } = self.score,
                { fields::FORWARD_PATHS } = Paths::unless_empty(self.forward_paths),
                { fields::DISCARDED } = Paths::unless_empty(self.discarded),
                { fields::NOTES_FIELD } = Notes::unless_empty(self.notes),
            },
            "transaction ended"
        );
    }
}

/// Notes as one value of an event; the log makes fields of them, `note.KEY=value`.
///
/// For an event of one's own: `tracing::info!(notes = %Notes(&notes), "…")`.
#[derive(Clone, Copy, Debug)]
pub struct Notes<'a>(pub &'a [(String, String)]);

impl<'a> Notes<'a> {
    fn unless_empty(notes: &'a [(String, String)]) -> Option<DisplayValue<Self>> {
        (!notes.is_empty()).then_some(display(Self(notes)))
    }
}

impl fmt::Display for Notes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plain = |text: &str, end: char| {
            for (number, piece) in text.split([KEY_END, NOTE_END]).enumerate() {
                f.write_str(if number > 0 { "?" } else { "" })?;
                f.write_str(piece)?;
            }
            f.write_char(end)
        };
        for (key, value) in self.0 {
            plain(key, KEY_END)?;
            plain(value, NOTE_END)?;
        }
        Ok(())
    }
}

/// A path as RFC 5321 §4.1.2 writes it: `<ann@a.example>`, `<>`.
struct Bracketed<'a>(&'a str);

impl fmt::Display for Bracketed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('<')?;
        f.write_str(self.0)?;
        f.write_char('>')
    }
}

/// Forward-paths with their codes: `<a@b.example>:250,<c@d.example>:550`, as many as a line holds. Or with another word.
#[derive(Clone, Copy, Debug)]
pub struct Paths<'a, T = u16>(pub &'a [(&'a str, T)]);

impl<'a, T: fmt::Display> Paths<'a, T> {
    fn unless_empty(paths: &'a [(&'a str, T)]) -> Option<DisplayValue<Self>> {
        (!paths.is_empty()).then_some(display(Self(paths)))
    }
}

impl<T: fmt::Display> fmt::Display for Paths<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut room = LIST_LIMIT - ROOM_FOR_MORE;
        for (number, (path, word)) in self.0.iter().enumerate() {
            let word = word.to_string();
            // ",", "<", ">:" and, at worst, a backslash before each octet.
            let need = path.len() * 2 + word.len() + 4;
            if need > room {
                return write!(f, ",...+{}", self.0.len() - number);
            }
            room -= need;
            if number > 0 {
                f.write_char(',')?;
            }
            if path.contains([',', '\\']) {
                // A quoted local part may hold commas: it must not pass for two recipients.
                f.write_char('<')?;
                for c in path.chars() {
                    if matches!(c, ',' | '\\') {
                        f.write_char('\\')?;
                    }
                    f.write_char(c)?;
                }
                f.write_char('>')?;
            } else {
                write!(f, "{}", Bracketed(path))?;
            }
            write!(f, ":{word}")?;
        }
        Ok(())
    }
}

/// `,...+N`
const ROOM_FOR_MORE: usize = 24;

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
