//! Recipients and trace field as they stand when the message goes out.

use jiff::Timestamp;

use crate::backend::delivery::LeftOut;
use crate::message::trace;
use crate::net::names::ClientName;
use crate::observe::record::Paths;
use crate::policy::event::RecipientOutcome;
use crate::proxy::config::Received;
use crate::proxy::serve::Serve;
use crate::session::effects::RecipientChange;
use crate::session::envelope::Destination;
use crate::smtp::command::Verb;
use crate::smtp::path::ForwardPath;

impl Serve {
    /// Changes the recipients as policies asked at `stage`; what they add the relay guard judges.
    pub(super) fn change_recipients(&mut self, changes: &[RecipientChange], stage: &'static str) {
        if changes.is_empty() {
            return;
        }
        let mut permitted = Vec::new();
        for change in changes {
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
        if self.session.borrow_mut().commit_recipients(changes, permitted, stage) {
            self.link.reset();
        }
    }

    /// Notes the recipients that policies added and the backend has refused for good: in the log, the counts, the
    /// transaction's record. They are not asked for again.
    pub(super) fn note_left_out(&mut self) {
        for LeftOut { path, reply } in self.link.take_left_out() {
            let backend = &self.context.server.config.name;
            self.context.counters.added_recipients_refused.increase();
            tracing::warn!(
                session = %self.session.borrow().identity().id,
                %backend,
                forward_paths = %Paths(&[(&path, reply.code.get())]),
                %reply,
                "a recipient that a policy added is refused by the backend and left out"
            );
            self.session.borrow_mut().commit_left_out(&path);
            let most = self.most_noted();
            if let Some(record) = &mut self.record {
                let (code, status) = (reply.code, reply.enhanced);
                let backend = Some(self.context.server.config.name.clone());
                record.add_recipient(RecipientOutcome { address: path, backend, code, status }, most);
            }
        }
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
            with: trace::protocol(
                greeting.verb == Verb::Ehlo,
                transaction.mail.params.smtputf8,
                session.is_encrypted(),
                session.login().is_some(),
            ),
            id: identity.id.as_str(),
            recipient: only,
            cipher: session.tls().map(|tls| tls.cipher),
            at: Timestamp::now(),
        };
        field.encode()
    }
}
