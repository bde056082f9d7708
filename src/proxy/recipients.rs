//! Recipients and trace field as they stand when the message goes out.

use jiff::Timestamp;

use crate::message::trace;
use crate::net::names::ClientName;
use crate::proxy::config::Received;
use crate::proxy::serve::Serve;
use crate::session::effects::RecipientChange;
use crate::session::envelope::Destination;
use crate::smtp::command::Verb;
use crate::smtp::path::ForwardPath;

impl Serve {
    /// Changes the recipients as policies asked; what they add the relay guard judges.
    pub(super) async fn change_recipients(&mut self, changes: Vec<RecipientChange>) {
        if changes.is_empty() {
            return;
        }
        let mut permitted = Vec::new();
        for change in &changes {
            let RecipientChange::Add(mailbox) = change else { continue };
            match self.permit_with(ForwardPath::Mailbox(mailbox.clone()), None) {
                Ok(path) => permitted.push(path),
                Err(reply) => tracing::warn!(
                    session = %self.session.borrow().identity().id,
                    reply = %reply,
                    "a recipient that a policy adds is refused"
                ),
            }
        }
        self.session.borrow_mut().commit_recipients(&changes, permitted);
        self.link.reset();
    }

    /// Our Received field, in wire form; empty if the listener writes none.
    pub(super) async fn trace_field(&mut self) -> Vec<u8> {
        let style = self.context.listener.received;
        if style == Received::None {
            return Vec::new();
        }
        let name = match self.name.now() {
            ClientName::Known(name) => Some(name.clone()),
            ClientName::None | ClientName::Unknown => None,
        };
        let session = self.session.borrow();
        let (Some(greeting), Some(transaction)) = (session.greeting(), session.transaction()) else {
            return Vec::new();
        };
        let identity = session.identity();
        let only = match transaction.recipients.as_slice() {
            [one] if matches!(one.destination, Destination::Backend(_)) => {
                Some(one.rcpt.forward_path.as_str())
            }
            _ => None,
        };
        let from = trace::From {
            helo: greeting.name.as_str(),
            name: name.as_deref(),
            address: identity.client.ip(),
        };
        let field = trace::Received {
            from: (style == Received::Full).then_some(from),
            by: &self.context.rules.hostname,
            with: match greeting.verb {
                Verb::Helo => "SMTP",
                _ if transaction.mail.params.smtputf8 => "UTF8SMTP",
                _ => "ESMTP",
            },
            id: identity.id.as_str(),
            recipient: only,
            at: Timestamp::now(),
        };
        field.encode()
    }
}
