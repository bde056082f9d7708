//! What a machine in front of us may tell by XCLIENT and XFORWARD, and what becomes of the session then.

use std::net::{IpAddr, SocketAddr};

use crate::session::identity::Identity;
use crate::session::login::Login;
use crate::session::state::{Counters, Session};
use crate::smtp::mechanism::Mechanism;
use crate::smtp::particulars::{Particulars, ParticularsError, Value};
use crate::smtp::reply::Reply;
use crate::smtp::xclient::{Attribute, XCLIENT, XFORWARD};

impl Session {
    /// The attributes of XCLIENT that may be told now; none if it isn't offered.
    ///
    /// Only before the first one: after it a listed machine may have a stranger at its other end.
    pub fn xclient_attributes(&self) -> &'static [Attribute] {
        let identity = &self.identity;
        let is_listed = self.rules.trust.xclient_networks.contains(identity.client.ip());
        match self.rules.trust.xclient_login {
            _ if !is_listed || identity.is_introduced => &[],
            true => &XCLIENT,
            false => WITHOUT_LOGIN,
        }
    }

    /// The attributes of XFORWARD that may be told now; none if it isn't offered.
    pub fn xforward_attributes(&self) -> &'static [Attribute] {
        let identity = &self.identity;
        let is_listed = self.rules.trust.xforward_networks.contains(identity.client.ip());
        if is_listed && !identity.is_introduced { &XFORWARD } else { &[] }
    }

    /// The reply that refuses XCLIENT with the attributes `text`. Source: Postfix XCLIENT_README.
    pub(super) fn refuse_xclient(&self, text: &str) -> Option<Reply> {
        self.refuse_particulars(text, self.xclient_attributes())
    }

    /// The reply that refuses XFORWARD with the attributes `text`. Source: Postfix XFORWARD_README.
    pub(super) fn refuse_xforward(&self, text: &str) -> Option<Reply> {
        self.refuse_particulars(text, self.xforward_attributes())
    }

    fn refuse_particulars(&self, text: &str, offered: &[Attribute]) -> Option<Reply> {
        if offered.is_empty() {
            return Some(Reply::NOT_FOR_YOU);
        }
        if self.transaction.is_some() {
            return Some(Reply::IN_TRANSACTION);
        }
        Particulars::parse(text, offered).err().map(Reply::from)
    }

    /// Begins anew as the session of the client that XCLIENT has named: all is forgotten but what went wrong, and what
    /// the socket itself is.
    pub fn restart(&mut self, told: &Particulars) {
        let identity = introduced(self.identity.clone(), told);
        let Counters { commands, command_errors, .. } = self.counters;
        let counters = Counters { commands, command_errors, ..Counters::default() };
        let mut tls = self.tls.take();
        if let Some(tls) = &mut tls {
            // The machine's own, not the client's: they neither relay nor log anybody in.
            (tls.client_certificate, tls.channel_bindings) = (None, Vec::new());
        }
        let login = told.login.known().and_then(|user| Login::new(user, Mechanism::External));
        *self = Session { counters, tls, login, ..Session::new(self.rules.clone(), identity) };
    }

    /// Whose message the next one is, or the open transaction's, if XFORWARD has told.
    pub fn forwarded(&self) -> Option<&Particulars> {
        match &self.transaction {
            Some(transaction) => transaction.forwarded.as_deref(),
            None => self.forwarded.as_deref(),
        }
    }

    /// Notes what XFORWARD tells of the next message.
    pub(super) fn note_forwarded(&mut self, text: &str) {
        let Ok(told) = Particulars::parse(text, &XFORWARD) else { return };
        let before = self.forwarded.take().map_or_else(Particulars::default, |before| *before);
        self.forwarded = Some(Box::new(before.overlaid(told)));
    }
}

/// All but LOGIN.
const WITHOUT_LOGIN: &[Attribute] = &[
    Attribute::Name,
    Attribute::Addr,
    Attribute::Port,
    Attribute::Proto,
    Attribute::Helo,
    Attribute::DestAddr,
    Attribute::DestPort,
];

/// The identity of a connection of which XCLIENT has told. Without an address it stays that of whoever told.
fn introduced(identity: Identity, told: &Particulars) -> Identity {
    let client = end(identity.client, &told.address, &told.port);
    let server = end(identity.server, &told.destination_address, &told.destination_port);
    Identity { is_introduced: true, name: told.name.clone(), ..identity }.carrying(client, server)
}

/// An end of the connection as it was told; a port that was not is 0 where the address was.
fn end(known: SocketAddr, address: &Value<IpAddr>, port: &Value<u16>) -> SocketAddr {
    let port = port.known().copied();
    match address.known() {
        Some(address) => SocketAddr::new(*address, port.unwrap_or(0)),
        None => SocketAddr::new(known.ip(), port.unwrap_or(known.port())),
    }
}

/// The only place where attributes that can't be read get their answer.
impl From<ParticularsError> for Reply {
    fn from(error: ParticularsError) -> Reply {
        match error {
            ParticularsError::Form => Reply::ATTRIBUTE_FORM,
            ParticularsError::Name => Reply::ATTRIBUTE_NAME,
            ParticularsError::Value(_) => Reply::ATTRIBUTE_VALUE,
        }
    }
}
