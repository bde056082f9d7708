//! AUTH that goes through to the backend, line by line: it knows the users, and the connection is theirs then.

use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};
use tokio::time::{Instant, timeout};

use crate::backend::config::Address;
use crate::backend::conversation::Commands;
use crate::backend::introduction::Introduction;
use crate::backend::relay::{PATIENCE, Relay, overdue};
use crate::backend::server::Server;
use crate::fault::BackendFault;
use crate::net::tls::config::Level;
use crate::smtp::mechanism::{Mechanism, Mechanisms};
use crate::smtp::reply_decoder::BackendReply;
use crate::smtp::secret::Secret;

/// How far the login of a session at its backend has come.
#[derive(Debug, Default)]
pub(super) enum Login {
    /// There is none.
    #[default]
    None,
    /// An exchange is under way. The connection is one of those that sessions without a login may have.
    Begun(#[allow(dead_code, reason = "held until the exchange has ended")] OwnedSemaphorePermit),
    /// The connection is the user's, and no other will do.
    Done,
}

impl Server {
    /// What clients can log in to the backend by: what it offers, but what would authenticate us, or is bound to
    /// another channel; and passwords as they are only where nobody listens.
    pub fn mechanisms(&self) -> Mechanisms {
        let Some(offered) = self.capabilities() else { return Mechanisms::NONE };
        let known = offered.auth.iter().filter_map(|name| Mechanism::parse(name));
        let passed = known.filter(|mechanism| {
            !matches!(mechanism, Mechanism::External | Mechanism::ScramSha256Plus)
                && (!mechanism.is_plain_text() || self.may_carry_secrets())
        });
        passed.collect()
    }

    /// Whether what is said to the backend may be private; each connection is looked at again.
    fn may_carry_secrets(&self) -> bool {
        let is_here = |address: &Address| match address {
            Address::Unix(_) | Address::Maildir(_) => true,
            Address::Tcp { host, .. } => {
                host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
            }
        };
        self.config.tls.level != Level::None || self.config.addresses.iter().all(is_here)
    }
}

impl Relay {
    /// Says `AUTH` with `mechanism` and the client's first answer, in base64, if it has given one.
    ///
    /// *Errors*: as `ask`; `Busy` where half of the connections have no login; `Misconfigured` where somebody could
    /// listen to a password.
    pub async fn begin_login(
        &mut self,
        introduction: &Introduction,
        mechanism: Mechanism,
        initial: Option<&Secret>,
    ) -> Result<BackendReply, BackendFault> {
        let strangers = self.server.strangers.clone();
        let permit = strangers.try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits | TryAcquireError::Closed => BackendFault::Busy,
        })?;
        match timeout(PATIENCE, self.ready(introduction)).await {
            Ok(ready) => ready?,
            Err(_) => return Err(overdue()),
        }
        let is_private = self.line.as_ref().is_some_and(|line| line.opened.conversation.is_private());
        if mechanism.is_plain_text() && !is_private {
            return Err(BackendFault::Misconfigured("a password would go to the backend in clear text"));
        }
        self.login = Login::Begun(permit);
        let mut line = Secret::from(format!("AUTH {mechanism}").as_str());
        if let Some(initial) = initial {
            line.push(b" ");
            line.push(if initial.is_empty() { b"=" } else { initial.octets() });
        }
        self.go_on_with_login(&line).await
    }

    /// Says the client's next answer, in base64.
    ///
    /// *Errors*: `Lost`, `Confused`.
    pub async fn go_on_with_login(&mut self, answer: &Secret) -> Result<BackendReply, BackendFault> {
        let deadline = Instant::now() + self.server.config.timeouts.command;
        let line = self.line.as_mut().ok_or_else(|| BackendFault::Lost("no connection".to_owned()))?;
        let commands = Commands::secret(answer)?;
        let conversation = &mut line.opened.conversation;
        conversation.write(&commands, deadline).await?;
        let reply = conversation.reply(deadline).await?;
        match reply.code.get() {
            334 => {}
            235 => self.login = Login::Done,
            _ => self.login = Login::None,
        }
        Ok(reply)
    }

    /// Ends an exchange in its midst: the backend still waits for an answer, so the connection is closed.
    pub fn give_login_up(&mut self) {
        if matches!(self.login, Login::Begun(_)) {
            (self.line, self.login) = (None, Login::None);
        }
    }

    /// Whether the connection can't be given to others, or closed while it is idle.
    pub(super) fn is_held(&self) -> bool {
        !matches!(self.login, Login::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::config::Backend;
    use crate::net::names::{ClientName, Names, Pending};

    struct Nobody;

    impl Names for Nobody {
        fn client_name(&self, _: std::net::IpAddr) -> Pending<ClientName> {
            Box::pin(async { ClientName::None })
        }

        fn addresses(&self, _: &str, _: u16) -> Pending<Result<Vec<std::net::SocketAddr>, String>> {
            Box::pin(async { Ok(Vec::new()) })
        }
    }

    /// smtp.md, "AUTH": what is passed on.
    #[test]
    fn offered_is_what_the_backend_can_check_and_nobody_can_overhear() {
        let all = ["b", "AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 SCRAM-SHA-256-PLUS EXTERNAL GSSAPI XOAUTH2"];
        for (host, level, want) in [
            ("127.0.0.1", Level::None, "SCRAM-SHA-256 PLAIN LOGIN XOAUTH2 CRAM-MD5"),
            ("192.0.2.1", Level::None, "SCRAM-SHA-256 CRAM-MD5"),
            ("192.0.2.1", Level::Required, "SCRAM-SHA-256 PLAIN LOGIN XOAUTH2 CRAM-MD5"),
        ] {
            let mut backend = Backend::new("b", vec![Address::Tcp { host: host.to_owned(), port: 25 }]);
            backend.tls.level = level;
            let server = Server::new(backend, "mx.a.example", false, std::sync::Arc::new(Nobody));
            assert!(server.mechanisms().is_empty(), "nothing is known yet");
            server.note_success(0, &crate::smtp::extension::Capabilities::parse(&all));
            let names: Vec<&str> = server.mechanisms().iter().map(Mechanism::as_str).collect();
            assert_eq!(names.join(" "), want, "{host} {level:?}");
        }
    }
}
