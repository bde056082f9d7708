//! What a message that people submit may lack, and is given here. Source: RFC 6409 §8.

use jiff::Timestamp;

use crate::message::edit::{Edit, NewField};
use crate::message::header::Header;
use crate::message::trace;
use crate::proxy::serve::Serve;

impl Serve {
    /// Adds Date and Message-ID where they are missing. *Changes* `edits`, and notes the Message-ID for the log.
    pub(super) fn add_missing(&mut self, header: &Header, edits: &mut Vec<Edit>) {
        let lacks = |name| header.named(name).next().is_none();
        let mut add = |name, value: &str| edits.extend(NewField::new(name, value).ok().map(Edit::Add));
        if lacks("date") {
            add("Date", &trace::date(Timestamp::now()));
        }
        if lacks("message-id") {
            let session = self.session.borrow();
            let number = session.transaction().map_or(0, |transaction| transaction.number);
            let id = format!("<{}.{number}@{}>", session.identity().id, self.context.rules.hostname);
            add("Message-ID", &id);
            if let Some(record) = &mut self.record {
                record.message_id = Some(id);
            }
        }
    }
}
