//! A new connection to a backend: connect, greeting, EHLO, and who the client is.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::backend::config::{Address, Xclient};
use crate::backend::conversation::{Commands, Conversation};
use crate::backend::introduction::Introduction;
use crate::backend::screen::shown;
use crate::backend::server::Server;
use crate::fault::BackendFault;
use crate::net::stream::Stream;
use crate::smtp::extension::Capabilities;
use crate::smtp::reply_decoder::BackendReply;
use crate::smtp::xclient::Attribute;

/// A connection that is ready for MAIL.
#[derive(Debug)]
pub struct Opened {
    /// The connection.
    pub conversation: Conversation,
    /// What it offers.
    pub capabilities: Capabilities,
    /// Whether the client was introduced by XCLIENT.
    pub is_introduced: bool,
}

/// Opens a connection to the address of that number, for the client of `introduction` or, without one, for us.
///
/// *Errors*: `Unreachable` if it can't be connected, doesn't greet us or refuses EHLO; `Misconfigured` without the
/// XCLIENT that is required; `Confused`.
pub async fn open(
    server: &Server,
    number: usize,
    introduction: Option<&Introduction>,
) -> Result<Opened, BackendFault> {
    let address =
        server.address(number).ok_or_else(|| BackendFault::Unreachable("no such address".to_owned()))?;
    let timeouts = &server.config.timeouts;
    let (mut conversation, mut capabilities) = match greet(server, address).await {
        Ok(greeted) => greeted,
        Err(fault) => {
            server.note_failure(number, &fault.to_string());
            return Err(at(address, fault));
        }
    };
    server.note_success(number, &capabilities);
    let mut is_introduced = false;
    let is_spoken = server.requires_xclient || server.config.xclient != Xclient::Off;
    if let Some(introduction) = introduction.filter(|_| is_spoken) {
        // One that is not told the address would judge its client by ours.
        let tells_too_little = server.requires_xclient && !capabilities.xclient.contains(&Attribute::Addr);
        match introduction.xclient(&capabilities).filter(|_| !tells_too_little) {
            Some(line) => {
                let name = introduction.helo.as_deref().unwrap_or(&server.ehlo_name);
                let introduced = introduce(&mut conversation, &line, name, timeouts.command).await;
                capabilities = introduced.map_err(|fault| at(address, fault))?;
                is_introduced = true;
            }
            None if server.requires_xclient => {
                tracing::warn!(%address, "the backend offers no XCLIENT ADDR and would judge the wrong client");
                return Err(BackendFault::Misconfigured("XCLIENT ADDR is required and not offered"));
            }
            None => {}
        }
    }
    Ok(Opened { conversation, capabilities, is_introduced })
}

/// Asks each address of `server` what it offers, one after the other.
///
/// Its connections count among those that there may be. Where none is free, nothing is asked: the sessions that have
/// them learn it.
pub async fn learn(server: &Server) {
    for number in 0..server.config.addresses.len() {
        if matches!(server.address(number), Some(Address::Maildir(_))) {
            continue;
        }
        let Some(_slot) = server.ceiling.acquire().await else { return };
        if let Ok(opened) = open(server, number, None).await {
            opened.conversation.quit();
        }
    }
}

/// `fault` as what it is when no connection comes about: one that is lost is none that could be had.
fn at(address: &Address, fault: BackendFault) -> BackendFault {
    match fault {
        BackendFault::Confused(why) => BackendFault::Confused(format!("{address}: {why}")),
        BackendFault::Misconfigured(why) => BackendFault::Misconfigured(why),
        fault => BackendFault::Unreachable(format!("{address}: {fault}")),
    }
}

/// Says XCLIENT and, as a new session begins with it, EHLO again; what is offered then.
async fn introduce(
    conversation: &mut Conversation,
    line: &str,
    name: &str,
    limit: Duration,
) -> Result<Capabilities, BackendFault> {
    let reply = ask(conversation, line, Instant::now() + limit).await?;
    match (reply.code.get(), reply.code.class()) {
        (220, _) => ehlo(conversation, name, limit).await,
        (421, _) | (_, 3) => Err(refused("XCLIENT", &reply)),
        _ => {
            tracing::warn!(reply = %shown(&reply), "the backend refuses XCLIENT");
            Err(BackendFault::Misconfigured("XCLIENT was offered and is refused"))
        }
    }
}

/// Connects, waits for the greeting and says EHLO.
async fn greet(server: &Server, address: &Address) -> Result<(Conversation, Capabilities), BackendFault> {
    let timeouts = &server.config.timeouts;
    let stream = dial(server, address).await?;
    let mut conversation = Conversation::new(stream);
    let greeting = conversation.reply(Instant::now() + timeouts.greeting).await?;
    if greeting.code != 220 {
        return Err(refused("greeting", &greeting));
    }
    let capabilities = ehlo(&mut conversation, &server.ehlo_name, timeouts.command).await?;
    Ok((conversation, capabilities))
}

/// A connection to `address`, over which nothing has been said yet.
///
/// *Errors*: `Unreachable`.
pub async fn dial(server: &Server, address: &Address) -> Result<Stream, BackendFault> {
    let unreachable = |error: &dyn std::fmt::Display| BackendFault::Unreachable(error.to_string());
    if let Some(dial) = &server.played {
        return Ok(dial());
    }
    let limit = server.config.timeouts.connect;
    let connected = match address {
        Address::Unix(path) => timeout(limit, Stream::connect_unix(path)).await,
        Address::Tcp { host, port } => {
            let addresses = match host.parse() {
                Ok(ip) => vec![SocketAddr::new(ip, *port)],
                Err(_) => server.names.addresses(host, *port).await.map_err(|error| unreachable(&error))?,
            };
            Ok(connect_any(&addresses, limit).await)
        }
        Address::Maildir(_) => return Err(BackendFault::Unreachable("a Maildir is no server".to_owned())),
    };
    match connected {
        Ok(stream) => stream.map_err(|error| unreachable(&error)),
        Err(_) => Err(BackendFault::Unreachable(format!("no connection within {limit:?}"))),
    }
}

/// The first of `addresses` that can be connected; each has `limit`, so that a silent one doesn't hide the next.
async fn connect_any(addresses: &[SocketAddr], limit: Duration) -> std::io::Result<Stream> {
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for address in addresses {
        match timeout(limit, Stream::connect(*address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn ehlo(
    conversation: &mut Conversation,
    name: &str,
    limit: Duration,
) -> Result<Capabilities, BackendFault> {
    let reply = ask(conversation, &format!("EHLO {name}"), Instant::now() + limit).await?;
    if reply.code != 250 {
        return Err(refused("EHLO", &reply));
    }
    Ok(Capabilities::parse(reply.lines()))
}

/// The fault that `reply`, which is not what was due to `what`, shows.
fn refused(what: &str, reply: &BackendReply) -> BackendFault {
    let said = format!("{what}: {}", shown(reply));
    if reply.code.class() < 4 { BackendFault::Confused(said) } else { BackendFault::Unreachable(said) }
}

async fn ask(
    conversation: &mut Conversation,
    line: &str,
    deadline: Instant,
) -> Result<BackendReply, BackendFault> {
    let mut commands = Commands::default();
    commands.push(line)?;
    conversation.write(&commands, deadline).await?;
    conversation.reply(deadline).await
}
