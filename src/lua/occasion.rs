//! What a hook is called for: an event that asks, or a report that tells; and the table that shows it to scripts.

use std::rc::Rc;

use mlua::Value;

use crate::lua::call::Call;
use crate::lua::convert::session::SessionView;
use crate::lua::convert::transaction::Past;
use crate::lua::convert::{login, message, report, subject, transaction_facts};
use crate::message::view::MessageView;
use crate::policy::event::{Event, Report};

/// An event or a report.
pub(super) enum Occasion<'a> {
    /// It asks for a verdict.
    Event(Event<'a>),
    /// It tells what has happened, of a transaction that has ended for one.
    Report(Report, Option<Rc<Past>>),
}

impl Occasion<'_> {
    /// The message that it is about.
    pub(super) fn message(&self) -> Option<Rc<MessageView>> {
        match self {
            Occasion::Event(Event::Header(message) | Event::Message(message)) => Some(Rc::clone(message)),
            _ => None,
        }
    }

    /// The transaction that has ended.
    pub(super) fn past(&self) -> Option<Rc<Past>> {
        match self {
            Occasion::Report(_, past) => past.clone(),
            Occasion::Event(_) => None,
        }
    }

    /// The hook's second argument, where it is a table that the session has anyway.
    #[inline]
    pub(super) fn standing<'v>(&self, view: &'v SessionView) -> Option<mlua::Result<&'v Value>> {
        matches!(self, Occasion::Event(Event::Connect)).then(|| view.client())
    }

    /// The hook's second argument, made for it. `call` is the first hook call for it.
    pub(super) fn subject(&self, view: &SessionView, call: &Call) -> mlua::Result<Value> {
        let kit = &view.kit;
        let table = match self {
            Occasion::Event(Event::Connect) => return view.client().cloned(),
            Occasion::Event(Event::Tls) => return view.tls(),
            Occasion::Event(Event::Ehlo { verb, name }) => {
                let ehlo = subject::ehlo(kit, *verb, name)?;
                view.show(&ehlo);
                ehlo
            }
            Occasion::Event(Event::Verify(shown)) => login::credentials(kit, shown)?,
            Occasion::Event(Event::Auth(known)) => {
                let auth = login::auth(kit, known)?;
                view.show(&auth);
                auth
            }
            Occasion::Event(Event::Mail(command)) => {
                let mail = subject::mail(kit, command)?;
                view.show(&mail);
                mail
            }
            Occasion::Event(Event::Rcpt { rcpt, index }) => subject::rcpt(kit, rcpt, *index)?,
            Occasion::Event(Event::Data) => return transaction_facts::current(view, call),
            Occasion::Event(Event::Header(seen) | Event::Message(seen)) => message::table(kit, seen)?,
            Occasion::Event(Event::Command { verb, argument }) => subject::command(kit, verb, argument)?,
            Occasion::Event(Event::Reply(event)) => report::reply(kit, event)?,
            Occasion::Report(Report::Outcome(outcome), _) => report::outcome(kit, outcome)?,
            Occasion::Report(Report::Closed(ending), _) => report::ending(kit, ending)?,
        };
        Ok(Value::Table(table))
    }
}
