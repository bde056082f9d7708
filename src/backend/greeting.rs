//! The first words with a backend: TLS as the configuration wants it, and never less; its greeting; what it offers.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use crate::backend::config::Address;
use crate::backend::conversation::{Commands, Conversation};
use crate::backend::dial::dial;
use crate::backend::screen::shown;
use crate::backend::server::Server;
use crate::backend::tls_counts::Outcome;
use crate::fault::BackendFault;
use crate::net::stream::Stream;
use crate::net::tls::back::Back;
use crate::net::tls::config::Level;
use crate::smtp::extension::Capabilities;
use crate::smtp::reply_decoder::BackendReply;

/// A backend that has greeted us.
#[derive(Debug)]
pub struct Greeted {
    /// The connection.
    pub conversation: Conversation,
    /// Its greeting.
    pub greeting: BackendReply,
    /// What it offers, under TLS if that is spoken.
    pub capabilities: Capabilities,
}

/// Why a backend has not greeted us.
enum Trouble {
    /// Without TLS it would be the same.
    Fault(BackendFault),
    /// TLS, which may be done without where it is not required.
    Tls(String),
}

impl From<BackendFault> for Trouble {
    fn from(fault: BackendFault) -> Trouble {
        Trouble::Fault(fault)
    }
}

/// Connects to `address`, begins TLS, hears the greeting and says EHLO.
///
/// *Errors*: `Unreachable`, also where the TLS that is required can't be had; `Confused`, `Lost`.
pub async fn greet(server: &Server, address: &Address) -> Result<Greeted, BackendFault> {
    let level = server.config.tls.level;
    match attempt(server, address, level).await {
        Ok(greeted) => Ok(greeted),
        Err(Trouble::Fault(fault)) => Err(fault),
        Err(Trouble::Tls(error)) if level == Level::Opportunistic => {
            tracing::warn!(backend = %server.config.name, %address, %error, "no TLS to the backend, it goes without");
            attempt(server, address, Level::None).await.map_err(|trouble| match trouble {
                Trouble::Fault(fault) => fault,
                Trouble::Tls(error) => BackendFault::Unreachable(error),
            })
        }
        Err(Trouble::Tls(error)) => Err(BackendFault::Unreachable(format!("TLS: {error}"))),
    }
}

async fn attempt(server: &Server, address: &Address, level: Level) -> Result<Greeted, Trouble> {
    let (timeouts, is_implicit) = (&server.config.timeouts, server.config.tls.is_implicit);
    let back = match level {
        Level::None => None,
        _ => Some(server.tls.load_full().ok_or_else(|| Trouble::Tls("it is not set up".to_owned()))?),
    };
    let mut stream = dial(server, address).await?;
    if let Some(back) = back.as_ref().filter(|_| is_implicit) {
        stream = secure(server, address, back, stream).await?;
    }
    let mut conversation = Conversation::new(stream);
    let greeting = conversation.reply(Instant::now() + timeouts.greeting).await?;
    if greeting.code != 220 {
        return Err(refused("greeting", &greeting).into());
    }
    let mut capabilities = ehlo(&mut conversation, server).await?;
    if let Some(back) = back.as_ref().filter(|_| !is_implicit) {
        match start_tls(&mut conversation, server, &capabilities).await {
            Ok(()) => {
                let stream = secure(server, address, back, conversation.into_silent_stream()?).await?;
                conversation = Conversation::new(stream);
                capabilities = ehlo(&mut conversation, server).await?;
            }
            Err(Trouble::Tls(error)) if level == Level::Opportunistic => {
                tracing::debug!(backend = %server.config.name, %address, %error, "the backend has no TLS");
            }
            Err(trouble) => return Err(trouble),
        }
    }
    // RFC 8689 §4.2.1: only of a server that we know for certain.
    capabilities.requiretls &= level == Level::Verified;
    Ok(Greeted { conversation, greeting, capabilities })
}

/// Says STARTTLS; done, the handshake is due. Source: RFC 3207 §4.
async fn start_tls(
    conversation: &mut Conversation,
    server: &Server,
    capabilities: &Capabilities,
) -> Result<(), Trouble> {
    let none = |error| {
        server.tls_counts.count(Outcome::Refused);
        Err(Trouble::Tls(error))
    };
    if !capabilities.starttls {
        return none("it offers no STARTTLS".to_owned());
    }
    let reply = ask(conversation, "STARTTLS", server).await?;
    match (reply.code.get(), reply.code.class()) {
        (220, _) => Ok(()),
        (421, _) | (..=3, _) => Err(refused("STARTTLS", &reply).into()),
        (_, 4 | 5) => none(format!("STARTTLS: {}", shown(&reply))),
        _ => Err(refused("STARTTLS", &reply).into()),
    }
}

/// The handshake, within the time of a greeting.
async fn secure(
    server: &Server,
    address: &Address,
    back: &Arc<Back>,
    stream: Stream,
) -> Result<Stream, Trouble> {
    let host = match address {
        Address::Tcp { host, .. } => host,
        Address::Unix(_) | Address::Maildir(_) => "localhost",
    };
    let limit = server.config.timeouts.greeting;
    let secured = match timeout_at(Instant::now() + limit, back.connect(stream, host)).await {
        Ok(secured) => secured,
        Err(_) => Err(format!("no handshake within {limit:?}")),
    };
    server.tls_counts.count(match &secured {
        Ok(stream) if stream.is_resumed() => Outcome::Resumed,
        Ok(_) => Outcome::Full,
        Err(_) => Outcome::Failed,
    });
    secured.map_err(Trouble::Tls)
}

/// Says EHLO; what is offered.
///
/// *Errors*: it is refused.
pub(super) async fn ehlo(
    conversation: &mut Conversation,
    server: &Server,
) -> Result<Capabilities, BackendFault> {
    ehlo_as(conversation, &server.ehlo_name, server).await
}

/// The same, as `name`.
pub(super) async fn ehlo_as(
    conversation: &mut Conversation,
    name: &str,
    server: &Server,
) -> Result<Capabilities, BackendFault> {
    let reply = ask(conversation, &format!("EHLO {name}"), server).await?;
    if reply.code != 250 {
        return Err(refused("EHLO", &reply));
    }
    Ok(Capabilities::parse(reply.lines()))
}

/// The fault that `reply`, which is not what was due to `what`, shows.
pub(super) fn refused(what: &str, reply: &BackendReply) -> BackendFault {
    let said = format!("{what}: {}", shown(reply));
    if reply.code.class() < 4 { BackendFault::Confused(said) } else { BackendFault::Unreachable(said) }
}

/// Says `line`, within the time of a command; the reply.
pub(super) async fn ask(
    conversation: &mut Conversation,
    line: &str,
    server: &Server,
) -> Result<BackendReply, BackendFault> {
    let deadline = Instant::now() + server.config.timeouts.command;
    let mut commands = Commands::default();
    commands.push(line)?;
    conversation.write(&commands, deadline).await?;
    conversation.reply(deadline).await
}
