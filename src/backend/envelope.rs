//! The envelope of a transaction as the backend is told of it: MAIL and its RCPTs.

use std::borrow::Cow;
use std::fmt::Write;

use crate::fault::BackendFault;
use crate::session::ehlo::OUR_FIELDS;
use crate::session::envelope::{Recipient, Transaction};
use crate::session::relay_guard::Permitted;
use crate::smtp::extension::Capabilities;
use crate::smtp::params::{Body, Param};

/// The envelope of one transaction, ready to be told, and to be told anew on another connection.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The transaction's number in its session.
    pub number: u64,
    /// The recipients: first those that the backend has accepted, then those that it has not been asked for.
    pub recipients: Vec<Told>,
    /// Octets of the message with our fields, once they are known.
    pub real_size: Option<u64>,
    /// Whether the message has octets above 127, once it is known: then it is said.
    pub has_8bit: bool,
    /// Whether the client asked for SMTPUTF8: replies may then hold more than ASCII.
    pub utf8: bool,
    reverse_path: String,
    params: Vec<Param>,
    declared_size: Option<u64>,
    body: Option<Body>,
    needs_dsn: bool,
    /// RFC 8689.
    needs_tls: bool,
    is_vouched_for: bool,
}

/// One recipient of an envelope.
#[derive(Clone, Debug)]
pub struct Told {
    line: String,
    /// Octets of the path in it.
    path: usize,
    /// Whether the backend has accepted it.
    pub is_accepted: bool,
    /// Counts the transaction's RCPT commands, from 1; 0 for one that a policy added.
    pub index: usize,
    /// Whether a policy added it beside all that the client named.
    is_copy: bool,
}

impl Envelope {
    /// The envelope of `transaction` as it stands.
    pub fn new(transaction: &Transaction) -> Self {
        let params = &transaction.mail.params;
        let is_dsn = |param: &Param| matches!(param.keyword(), "NOTIFY" | "ORCPT" | "RET" | "ENVID");
        let all = transaction.recipients.iter().flat_map(|recipient| recipient.rcpt.params.all.iter());
        let adds_copies = transaction.adds_copies();
        let told = |(recipient, path): (&Recipient, &Permitted)| Told::new(recipient, path, adds_copies);
        Envelope {
            number: transaction.number,
            recipients: transaction.permitted().map(told).collect(),
            real_size: None,
            has_8bit: false,
            utf8: params.smtputf8,
            reverse_path: transaction.reverse_path().as_str().to_owned(),
            params: params.all.iter().cloned().collect(),
            declared_size: params.size,
            body: params.body,
            needs_dsn: all.chain(params.all.iter()).any(is_dsn),
            needs_tls: params.requiretls,
            is_vouched_for: false,
        }
    }

    /// The same, of a client that has logged in, if `is_vouched_for`: what it says in `AUTH=` counts then.
    pub fn vouched_for(self, is_vouched_for: bool) -> Self {
        Envelope { is_vouched_for, ..self }
    }

    /// Whether new fields of the message may hold UTF-8 as it is: the client has asked for SMTPUTF8, which the backend
    /// then has, and has said that the content is 8-bit. Source: RFC 6531 §3.1, §3.6.
    pub fn takes_utf8_fields(&self) -> bool {
        self.utf8 && self.body == Some(Body::EightBitMime)
    }

    /// The MAIL command for a backend that offers `capabilities`.
    ///
    /// SIZE is the real size once it is known, else the declared one and room for our fields. A BODY that the backend
    /// does not know is left out: what the content really holds is looked at before it is sent.
    /// *Errors*: `Misconfigured` if the backend no longer has an extension that the client was offered and used.
    pub fn mail(&self, capabilities: &Capabilities) -> Result<String, BackendFault> {
        if self.utf8 && !capabilities.smtputf8 {
            return Err(BackendFault::Misconfigured("SMTPUTF8 was offered and is gone"));
        }
        if self.needs_dsn && !capabilities.dsn {
            return Err(BackendFault::Misconfigured("DSN was offered and is gone"));
        }
        if self.needs_tls && !capabilities.requiretls {
            return Err(BackendFault::Misconfigured("REQUIRETLS was offered and is gone"));
        }
        let mut line = String::with_capacity(self.reverse_path.len() + USUAL_PARAMS);
        // Writing to a String doesn't fail.
        let _ = write!(line, "MAIL FROM:<{}>", self.reverse_path);
        if capabilities.size.is_some() {
            let declared = self.declared_size.map(|size| size.saturating_add(OUR_FIELDS));
            if let Some(size) = self.real_size.or(declared) {
                let _ = write!(line, " SIZE={size}");
            }
        }
        let body = if self.has_8bit { Some(Body::EightBitMime) } else { self.body };
        if let Some(body) = body.filter(|_| capabilities.eight_bit_mime) {
            line.push_str(" BODY=");
            line.push_str(body.as_str());
        }
        for param in self.params.iter().filter(|param| !matches!(param.keyword(), "SIZE" | "BODY")) {
            match param.keyword() {
                "AUTH" if capabilities.auth.is_empty() => {}
                // RFC 4954 §5: who has not logged in can't say who has submitted a message.
                "AUTH" if !self.is_vouched_for => line.push_str(" AUTH=<>"),
                _ => {
                    line.push(' ');
                    line.push_str(param.raw());
                }
            }
        }
        Ok(line)
    }

    /// The fields that a final delivery puts on top of a message. Source: RFC 5321 §4.4.
    pub fn delivery_fields(&self) -> String {
        let mut fields = format!("Return-Path: <{}>\r\n", self.reverse_path);
        for told in &self.recipients {
            fields.push_str(&format!("Delivered-To: {}\r\n", told.path()));
        }
        fields
    }
}

/// Octets of MAIL besides its path, as it usually is.
const USUAL_PARAMS: usize = 64;
/// What comes before the path of a recipient.
const RCPT: &str = "RCPT TO:<";

impl Told {
    fn new(recipient: &Recipient, path: &Permitted, adds_copies: bool) -> Self {
        let path = path.path().as_str();
        let mut line = String::with_capacity(RCPT.len() + path.len() + 1);
        line.push_str(RCPT);
        line.push_str(path);
        line.push('>');
        for param in &recipient.rcpt.params.all {
            line.push(' ');
            line.push_str(param.raw());
        }
        let index = recipient.index;
        let is_copy = adds_copies && index == 0;
        Told { line, path: path.len(), is_accepted: recipient.is_answered, index, is_copy }
    }

    /// The path that the backend is told, without brackets.
    pub fn path(&self) -> &str {
        self.line.get(RCPT.len()..).and_then(|rest| rest.get(..self.path)).unwrap_or_default()
    }

    /// The RCPT command for a backend that offers `capabilities`.
    ///
    /// What becomes of a copy later is no business of the client's, who doesn't know of it: it is told to nobody, where
    /// that can be said. RFC 3461 §4.1
    pub fn line(&self, capabilities: &Capabilities) -> Cow<'_, str> {
        match self.is_copy && capabilities.dsn {
            true => Cow::Owned(format!("{} NOTIFY=NEVER", self.line)),
            false => Cow::Borrowed(&self.line),
        }
    }
}
