//! One session's link to its backend, whichever kind that is.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::backend::config::Address;
use crate::backend::delivery::{Answers, Delivery, LeftOut};
use crate::backend::envelope::Envelope;
use crate::backend::introduction::Introduction;
use crate::backend::maildir::Maildir;
use crate::backend::relay::Relay;
use crate::backend::server::Server;
use crate::backend::transmission::Message;
use crate::fault::{BackendFault, Fault};
use crate::smtp::mechanism::Mechanism;
use crate::smtp::reply::Reply;
use crate::smtp::reply_decoder::BackendReply;
use crate::smtp::secret::Secret;
use crate::threads::storage::StoragePool;

/// A session's link to its backend.
#[derive(Debug)]
pub enum Link {
    /// A mail server.
    Smtp(Box<Relay>),
    /// A folder.
    Maildir(Maildir),
}

impl Link {
    /// A link to `server`, not connected yet.
    pub fn new(server: &Arc<Server>, pool: &StoragePool) -> Self {
        match server.config.addresses.first() {
            Some(Address::Maildir(folder)) => {
                Link::Maildir(Maildir::new(folder.clone(), Arc::clone(&server.folders), pool.clone()))
            }
            _ => Link::Smtp(Box::new(Relay::new(Arc::clone(server)))),
        }
    }

    /// As `Relay::connect`.
    pub async fn connect(&mut self, introduction: &Introduction) -> Result<(), BackendFault> {
        match self {
            Link::Smtp(relay) => relay.connect(introduction).await,
            Link::Maildir(_) => Ok(()),
        }
    }

    /// As `Relay::ask`. A Maildir takes every recipient.
    pub async fn ask(
        &mut self,
        introduction: &Introduction,
        envelope: &Envelope,
        and_data: bool,
    ) -> Result<Answers, BackendFault> {
        match self {
            Link::Smtp(relay) => relay.ask(introduction, envelope, and_data).await,
            Link::Maildir(_) => {
                let asked = envelope.recipients.iter().filter(|told| !told.is_accepted);
                let recipients = asked.map(|_| Reply::FORWARD_PATH_OK).collect();
                Ok(Answers { mail: None, recipients, data: and_data.then_some(Reply::START_DATA) })
            }
        }
    }

    /// As `Relay::deliver`.
    pub async fn deliver(
        &mut self,
        introduction: &Introduction,
        envelope: &Envelope,
        message: Message<'_>,
    ) -> Result<Delivery, Fault> {
        match self {
            Link::Smtp(relay) => relay.deliver(introduction, envelope, message).await,
            Link::Maildir(maildir) => {
                let session = &introduction.ident;
                maildir.deliver(envelope, message.outgoing, session, message.deadline).await
            }
        }
    }

    /// As `Relay::begin_login`. A Maildir knows nobody.
    pub async fn begin_login(
        &mut self,
        introduction: &Introduction,
        mechanism: Mechanism,
        initial: Option<&Secret>,
    ) -> Result<BackendReply, BackendFault> {
        match self {
            Link::Smtp(relay) => relay.begin_login(introduction, mechanism, initial).await,
            Link::Maildir(_) => Err(BackendFault::Misconfigured("a Maildir knows no logins")),
        }
    }

    /// As `Relay::go_on_with_login`.
    pub async fn go_on_with_login(&mut self, answer: &Secret) -> Result<BackendReply, BackendFault> {
        match self {
            Link::Smtp(relay) => relay.go_on_with_login(answer).await,
            Link::Maildir(_) => Err(BackendFault::Misconfigured("a Maildir knows no logins")),
        }
    }

    /// As `Relay::give_login_up`.
    pub fn give_login_up(&mut self) {
        if let Link::Smtp(relay) = self {
            relay.give_login_up();
        }
    }

    /// As `Relay::take_left_out`.
    pub fn take_left_out(&mut self) -> Vec<LeftOut> {
        match self {
            Link::Smtp(relay) => relay.take_left_out(),
            Link::Maildir(_) => Vec::new(),
        }
    }

    /// As `Relay::reset`.
    pub fn reset(&mut self) {
        if let Link::Smtp(relay) = self {
            relay.reset();
        }
    }

    /// As `Relay::lend`.
    pub fn lend(&mut self) -> Option<Arc<Notify>> {
        match self {
            Link::Smtp(relay) => relay.lend(),
            Link::Maildir(_) => None,
        }
    }

    /// As `Relay::is_lent`.
    pub fn is_lent(&self) -> bool {
        matches!(self, Link::Smtp(relay) if relay.is_lent())
    }

    /// As `Relay::reclaim`.
    pub fn reclaim(&mut self) {
        if let Link::Smtp(relay) = self {
            relay.reclaim();
        }
    }

    /// As `Relay::is_idle`.
    pub fn is_idle(&self) -> bool {
        matches!(self, Link::Smtp(relay) if relay.is_idle())
    }

    /// As `Relay::close`.
    pub fn close(&mut self) {
        if let Link::Smtp(relay) = self {
            relay.close();
        }
    }
}
