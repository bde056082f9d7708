//! `gatepost check --probe`: asks a backend whether it would relay for whoever comes through us. Nothing is sent.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::time::Instant;

use crate::app::build;
use crate::app::names::ResolverNames;
use crate::app::tls;
use crate::backend::config::{Address, Backend, Xclient};
use crate::backend::conversation::{Commands, Conversation};
use crate::backend::greeting::{Greeted, greet};
use crate::backend::introduction::Introduction;
use crate::backend::screen::shown;
use crate::backend::server::Server;
use crate::config::Config;
use crate::fault::BackendFault;
use crate::lookup::dns::Resolver;
use crate::net::names::{ClientName, Names};
use crate::net::tls::config::Level;
use crate::proxy::config::Listener;
use crate::session::login::Demand;
use crate::smtp::extension::Capabilities;
use crate::smtp::reply_decoder::BackendReply;
use crate::smtp::xclient::Attribute;

/// What one address of a backend said.
#[derive(Clone, Debug)]
pub struct Probed {
    /// The backend's name.
    pub backend: String,
    /// The address.
    pub address: Address,
    /// The recipient that was asked for.
    pub recipient: String,
    /// Asked as ourselves; an error if it can't be reached.
    pub plain: Result<Heard, String>,
    /// Asked by XCLIENT as a client that nobody knows; `None` where it doesn't take XCLIENT from us.
    pub stranger: Option<Result<Heard, String>>,
    /// Asked by XCLIENT as a client with a grant, by `relay_login`, or by any login where logins relay.
    pub grantee: Option<Result<Heard, String>>,
    /// Whether that was by `relay_login`.
    pub is_relay_login: bool,
}

/// One conversation.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The greeting, its lines joined.
    pub greeting: String,
    /// Lines of the greeting: postscreen says one in advance.
    pub greeting_lines: usize,
    /// What is offered after EHLO.
    pub capabilities: Capabilities,
    /// The answer to RCPT, or the refusal of MAIL.
    pub answer: String,
    /// Whether the recipient was taken.
    pub is_taken: bool,
    /// Our end of the connection, over TCP.
    pub from: Option<SocketAddr>,
}

/// A client from a network that is nobody's (RFC 5737).
const STRANGER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 25_252);
/// Domains that are not ours and have mail servers, in the order in which they are tried.
const FOREIGN: &[&str] = &["ietf.org", "iana.org", "debian.org"];

/// Asks every address of every backend; `recipient` is an outside address, or one is chosen.
pub async fn all(config: &Config, resolver: &Resolver, recipient: Option<&str>) -> Vec<Probed> {
    let names: Arc<dyn Names> = Arc::new(ResolverNames::new(resolver.clone()));
    let recipient = match recipient {
        Some(recipient) => recipient.trim_matches(['<', '>']).to_owned(),
        None => outside(resolver).await,
    };
    let mut probed = Vec::new();
    for backend in &config.backends {
        let server = build::server(config, backend, &names);
        for address in backend.addresses.iter().filter(|address| !matches!(address, Address::Maildir(_))) {
            let login = login_of(config, backend);
            let asking = Asking { server: &server, address, recipient: &recipient, login };
            probed.push(asking.ask(backend).await);
        }
    }
    probed
}

/// postmaster at a foreign domain that can be found, or at the first if none can.
async fn outside(resolver: &Resolver) -> String {
    for domain in FOREIGN {
        if resolver.mx(domain).await.is_ok_and(|found| !found.is_empty()) {
            return format!("postmaster@{domain}");
        }
    }
    format!("postmaster@{}", FOREIGN.first().copied().unwrap_or("example.net"))
}

/// The login by which a backend is to relay: `relay_login`, or any where logins relay; nothing if none is told.
fn login_of(config: &Config, backend: &Backend) -> Option<String> {
    let relays = |listener: &&Listener| {
        listener.backend == backend.name
            && listener.relay.authenticated
            && (listener.logins.demand != Demand::Off || listener.trust.xclient_login)
    };
    let any = || config.listeners.iter().find(relays).map(|_| ANY_LOGIN.to_owned());
    backend.relay_login.clone().or_else(any)
}

/// Who is said to have logged in.
const ANY_LOGIN: &str = "gatepost-probe";

struct Asking<'a> {
    server: &'a Server,
    address: &'a Address,
    recipient: &'a str,
    /// Who is said to have logged in, if anybody is.
    login: Option<String>,
}

impl Asking<'_> {
    async fn ask(&self, backend: &Backend) -> Probed {
        let plain = self.converse(None).await;
        let takes_xclient =
            plain.as_ref().is_ok_and(|heard| heard.capabilities.xclient.contains(&Attribute::Addr));
        let (mut stranger, mut grantee) = (None, None);
        if takes_xclient && backend.xclient != Xclient::Off {
            stranger = Some(self.converse(Some(None)).await);
            if let Some(login) = &self.login {
                grantee = Some(self.converse(Some(Some(login.clone()))).await);
            }
        }
        let recipient = self.recipient.to_owned();
        Probed {
            backend: backend.name.clone(),
            address: self.address.clone(),
            recipient,
            plain,
            stranger,
            grantee,
            is_relay_login: backend.relay_login.is_some(),
        }
    }

    /// One connection; as a client by XCLIENT, with that login, if `client` is there.
    async fn converse(&self, client: Option<Option<String>>) -> Result<Heard, String> {
        self.talk(client).await.map_err(|fault| fault.to_string())
    }

    async fn talk(&self, client: Option<Option<String>>) -> Result<Heard, BackendFault> {
        if self.server.config.tls.level != Level::None && self.server.tls.load().is_none() {
            let back = tls::back(&self.server.config)
                .map_err(|error| BackendFault::Unreachable(format!("{error:#}")))?;
            self.server.tls.store(back);
        }
        let ehlo = format!("EHLO {}", self.server.ehlo_name);
        let Greeted { mut conversation, greeting, mut capabilities } =
            greet(self.server, self.address).await?;
        let from = conversation.local_address();
        if let Some(login) = client {
            let line = self.introduction(login, from).xclient(&capabilities);
            let reply = self.say(&mut conversation, &line.unwrap_or_default()).await?;
            if reply.code != 220 {
                return Err(BackendFault::Misconfigured("XCLIENT was offered and is refused"));
            }
            capabilities = self.greet(&mut conversation, &ehlo).await?;
        }
        let mut answer = self.say(&mut conversation, "MAIL FROM:<>").await?;
        let mut is_taken = false;
        if answer.code.is_positive() {
            answer = self.say(&mut conversation, &format!("RCPT TO:<{}>", self.recipient)).await?;
            is_taken = answer.code.is_positive();
            self.say(&mut conversation, "RSET").await?;
        }
        conversation.quit();
        let lines: Vec<_> = greeting.lines().map(|line| String::from_utf8_lossy(line)).collect();
        Ok(Heard {
            greeting: lines.join(" / ").chars().filter(|c| !c.is_control()).collect(),
            greeting_lines: greeting.lines().count(),
            capabilities,
            answer: shown(&answer),
            is_taken,
            from,
        })
    }

    fn introduction(&self, login: Option<String>, from: Option<SocketAddr>) -> Introduction {
        Introduction {
            forwarded: None,
            name: ClientName::None,
            client: STRANGER,
            server: from.unwrap_or(STRANGER),
            protocol: "ESMTP",
            helo: Some(self.server.ehlo_name.clone()),
            login,
            ident: "probe".to_owned(),
        }
    }

    async fn greet(&self, conversation: &mut Conversation, line: &str) -> Result<Capabilities, BackendFault> {
        let reply = self.say(conversation, line).await?;
        if reply.code != 250 {
            return Err(BackendFault::Unreachable(format!("EHLO refused: {}", shown(&reply))));
        }
        Ok(Capabilities::parse(reply.lines()))
    }

    async fn say(&self, conversation: &mut Conversation, line: &str) -> Result<BackendReply, BackendFault> {
        let deadline = Instant::now() + self.server.config.timeouts.command;
        let mut commands = Commands::default();
        commands.push(line)?;
        conversation.write(&commands, deadline).await?;
        conversation.reply(deadline).await
    }
}
