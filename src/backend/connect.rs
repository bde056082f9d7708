//! A new connection to a backend: connect, greeting, EHLO, and who the client is.

use crate::backend::config::{Address, Xclient};
use crate::backend::conversation::Conversation;
use crate::backend::greeting::{ask, ehlo_as, greet, refused};
use crate::backend::introduction::Introduction;
use crate::backend::screen::shown;
use crate::backend::server::Server;
use crate::fault::BackendFault;
use crate::smtp::extension::Capabilities;
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
    let (mut conversation, mut capabilities) = match greet(server, address).await {
        Ok(greeted) => (greeted.conversation, greeted.capabilities),
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
                let introduced = introduce(&mut conversation, &line, name, server).await;
                let introduced = introduced.map_err(|fault| at(address, fault))?;
                let requiretls = introduced.requiretls && capabilities.requiretls;
                capabilities = Capabilities { requiretls, ..introduced };
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
    server: &Server,
) -> Result<Capabilities, BackendFault> {
    let reply = ask(conversation, line, server).await?;
    match (reply.code.get(), reply.code.class()) {
        (220, _) => ehlo_as(conversation, name, server).await,
        (421, _) | (_, 3) => Err(refused("XCLIENT", &reply)),
        _ => {
            tracing::warn!(reply = %shown(&reply), "the backend refuses XCLIENT");
            Err(BackendFault::Misconfigured("XCLIENT was offered and is refused"))
        }
    }
}
