//! The relay guard: whether a recipient is ours, or the client may name one that is not.
//!
//! It is always on, comes after the `rcpt` hooks and before the backend, and makes the only thing that the
//! backend takes: a `Permitted` path.

use std::net::IpAddr;

use crate::names::a_label;
use crate::session::relay::{Relay, RelayDomains};
use crate::smtp::path::{ForwardPath, Mailbox};
use crate::smtp::reply::Reply;

/// A forward-path that may go to the backend, octet for octet. Only the guard makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permitted(ForwardPath);

impl Permitted {
    /// The path, as the client or a policy gave it.
    pub fn path(&self) -> &ForwardPath {
        &self.0
    }
}

/// Why a client may name recipients that are not ours.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The client's address, for `relay.networks`; `None` for one that is only there to carry others.
    pub client: Option<IpAddr>,
    /// The words of a policy's grant for the session, the transaction or this recipient.
    pub granted: Option<&'a str>,
}

/// Permits `path`, or gives the reply that refuses it.
///
/// *Errors*: 550 5.7.1 for a recipient that is not ours without a claim, and for a local part that a backend
/// could take for a route; 553 5.6.7 for a domain without one clear A-label form.
/// Source: RFC 5321 §3.6.2, §4.1.1.3, §4.5.1; RFC 5891 §4.4.
pub fn judge(relay: &Relay, claim: Claim<'_>, path: ForwardPath) -> Result<Permitted, Reply> {
    let ForwardPath::Mailbox(mailbox) = &path else {
        return Ok(Permitted(path)); // <postmaster> is ours in any case
    };
    if is_ambiguous(mailbox) {
        return Err(Reply::DOMAIN_NOT_CANONICAL);
    }
    if claim.granted.is_some() || claim.client.is_some_and(|client| relay.networks.contains(client)) {
        return Ok(Permitted(path));
    }
    if hides_a_route(mailbox) || !is_ours(relay, mailbox) {
        return Err(Reply::RELAY_DENIED);
    }
    Ok(Permitted(path))
}

/// Whether mail for `mailbox` is what the listener is there for.
pub fn is_ours(relay: &Relay, mailbox: &Mailbox) -> bool {
    match &relay.domains {
        // The backend sees the real client and decides.
        RelayDomains::Backend => true,
        RelayDomains::Set(domains) => domains.contains(mailbox.domain().as_str()),
    }
}

/// Whether the domain could be read as another one than we read: then nobody should.
fn is_ambiguous(mailbox: &Mailbox) -> bool {
    let domain = mailbox.domain();
    !domain.is_literal() && a_label::to_ascii(domain.as_str()).is_err()
}

/// Whether the local part holds what old mailers take for a source route.
///
/// A Postfix that trusts our address would relay `user%else.example@ours` and its kin.
fn hides_a_route(mailbox: &Mailbox) -> bool {
    mailbox.unquoted_local_part().contains(['%', '!', '@', ':'])
}

#[cfg(test)]
mod tests;
