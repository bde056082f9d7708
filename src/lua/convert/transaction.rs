//! `transaction`, as scripts see it: one object from `mail` to `outcome`.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use mlua::{Function, IntoLua, Lua, Table, Value};

use crate::lua::call::Call;
use crate::lua::caller::raise;
use crate::lua::convert::session::{SessionView, points};
use crate::lua::convert::subject;
use crate::lua::convert::vars::Tables;
use crate::lua::guard::Guard;
use crate::policy::event::{Outcome, Stage};
use crate::session::envelope::Transaction;
use crate::smtp::command::{Mail, Rcpt};
use crate::smtp::params::{MailParams, RcptParams};
use crate::smtp::path::{ForwardPath, ReversePath};

/// The table of one transaction.
#[derive(Debug)]
pub(in crate::lua) struct TransactionView {
    /// Counts the session's transactions, from 1.
    number: u64,
    table: Table,
    mail: Option<Table>,
    /// The recipients as they were last asked for, and their mark.
    recipients: Option<(u64, Table)>,
}

/// A transaction that has ended, for its `outcome` hooks: the session may have begun the next one by then.
#[derive(Debug)]
pub(in crate::lua) struct Past {
    outcome: Rc<Outcome>,
    view: RefCell<Option<TransactionView>>,
    pub(super) vars: RefCell<Tables>,
}

impl SessionView {
    /// Takes the transaction that has just ended out of the session.
    pub(in crate::lua) fn end_transaction(&self, outcome: &Rc<Outcome>) -> Rc<Past> {
        let vars = self.vars.borrow_mut().end_transaction();
        let view = RefCell::new(self.transaction.take());
        Rc::new(Past { outcome: Rc::clone(outcome), view, vars: RefCell::new(vars) })
    }

    /// The number of the open transaction, or of the one that the running `mail` hook is about.
    fn transaction_number(&self, call: &Call) -> Option<u64> {
        let session = self.session.borrow();
        match (session.transaction(), call.stage) {
            (Some(open), stage) if stage != Some(Stage::Mail) => Some(open.number),
            (_, Some(Stage::Mail)) => Some(session.counters().transactions + 1),
            _ => None,
        }
    }
}

/// The table of the transaction that is open or, in a `mail` hook, about to be; else nil.
pub(in crate::lua) fn current(view: &SessionView, call: &Call) -> mlua::Result<Value> {
    if let Some(past) = &call.past {
        return past_table(view, past);
    }
    let Some(number) = view.transaction_number(call) else { return Ok(Value::Nil) };
    if let Some(known) = view.transaction.borrow().as_ref().filter(|known| known.number == number) {
        return Ok(Value::Table(known.table.clone()));
    }
    let table: Table = view.kit.transaction.call(number)?;
    let made = TransactionView { number, table: table.clone(), mail: None, recipients: None };
    view.transaction.replace(Some(made));
    Ok(Value::Table(table))
}

/// The table of a transaction that has ended.
fn past_table(view: &SessionView, past: &Past) -> mlua::Result<Value> {
    let mut known = past.view.borrow_mut();
    if let Some(known) = &*known {
        return Ok(Value::Table(known.table.clone()));
    }
    let table: Table = view.kit.transaction.call(())?;
    *known = Some(TransactionView { number: 0, table: table.clone(), mail: None, recipients: None });
    Ok(Value::Table(table))
}

/// A fact of a transaction that has ended: as it was made before, else from the outcome.
fn past_fact(view: &SessionView, call: &Call, past: &Past, key: &[u8]) -> mlua::Result<Value> {
    let known = past.view.borrow();
    let known = known.as_ref();
    let table = match key {
        b"mail" => match known.and_then(|known| known.mail.clone()) {
            Some(mail) => mail,
            None => {
                let reverse_path = ReversePath::parse(&format!("<{}>", past.outcome.reverse_path), false);
                let reverse_path = reverse_path.unwrap_or(ReversePath::Null);
                subject::mail(&view.kit, &Mail { reverse_path, params: MailParams::default() })?
            }
        },
        b"recipients" => match known.and_then(|known| known.recipients.clone()) {
            Some((_, recipients)) => recipients,
            None => past_recipients(view, &past.outcome)?,
        },
        b"vars" => past.vars.borrow_mut().of(&view.kit.lua, call)?,
        b"score" => return past.outcome.score.into_lua(&view.kit.lua),
        _ => return Ok(Value::Nil),
    };
    Ok(Value::Table(table))
}

/// The recipients that were accepted.
fn past_recipients(view: &SessionView, outcome: &Outcome) -> mlua::Result<Table> {
    let list = view.kit.lua.create_table()?;
    for (at, recipient) in outcome.recipients.iter().enumerate().filter(|(_, one)| one.code.is_positive()) {
        let Ok(forward_path) = ForwardPath::parse(&format!("<{}>", recipient.address), false) else {
            continue;
        };
        let rcpt = Rcpt { forward_path, params: RcptParams::default() };
        list.raw_push(subject::rcpt(&view.kit, &rcpt, at + 1)?)?;
    }
    view.kit.view("recipients", list)
}

/// The function behind `transaction`.
pub(super) fn lazy(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<Function> {
    let guard = Rc::clone(guard);
    lua.create_function(move |lua, (_, key): (Table, Value)| {
        let Value::String(key) = key else { return Ok(Value::Nil) };
        let call = guard.call();
        let Some((call, view)) = call.as_ref().and_then(|call| Some((call, call.session.as_ref()?))) else {
            return Err(raise(lua, "transaction is gone"));
        };
        if let Some(past) = &call.past {
            return past_fact(view, call, past, &key.as_bytes());
        }
        let number = view.transaction_number(call);
        if view.transaction.borrow().as_ref().is_none_or(|known| Some(known.number) != number) {
            return Err(raise(lua, "transaction is gone"));
        }
        match &*key.as_bytes() {
            b"mail" => mail(view, call),
            b"size_declared" => match mail(view, call)? {
                Value::Table(mail) => mail.get::<Table>("params")?.get("SIZE"),
                _ => Ok(Value::Nil),
            },
            b"recipients" => recipients(view),
            b"vars" => {
                view.vars.borrow_mut().of_transaction(lua, call, number.unwrap_or_default()).map(Value::Table)
            }
            b"score" => {
                let session = view.session.borrow();
                (session.transaction().map_or(0.0, |open| open.standing.score()) + points(call)).into_lua(lua)
            }
            _ => Ok(Value::Nil),
        }
    })
}

/// `transaction.mail`: in a `mail` hook the subject itself.
fn mail(view: &SessionView, call: &Call) -> mlua::Result<Value> {
    if call.stage == Some(Stage::Mail) {
        return Ok(view.provisional.borrow().clone().map_or(Value::Nil, Value::Table));
    }
    if let Some(known) = view.transaction.borrow().as_ref().and_then(|known| known.mail.clone()) {
        return Ok(Value::Table(known));
    }
    let made = match view.session.borrow().transaction() {
        Some(open) => subject::mail(&view.kit, &open.mail)?,
        None => return Ok(Value::Nil),
    };
    if let Some(known) = view.transaction.borrow_mut().as_mut() {
        known.mail = Some(made.clone());
    }
    Ok(Value::Table(made))
}

/// A number that is another one when the recipients are.
fn mark(open: &Transaction) -> u64 {
    let mut hash = DefaultHasher::new();
    (open.recipients.len(), open.refused_recipients).hash(&mut hash);
    // Only policies put others in the place of some.
    if open.recipients_changed {
        open.recipients.iter().for_each(|recipient| recipient.rcpt.forward_path.as_str().hash(&mut hash));
    }
    hash.finish()
}

/// `transaction.recipients`: those that have not been refused, in order.
fn recipients(view: &SessionView) -> mlua::Result<Value> {
    let session = view.session.borrow();
    let open = session.transaction();
    let mark = open.map_or(0, mark);
    if let Some((made, table)) = view.transaction.borrow().as_ref().and_then(|known| known.recipients.clone())
        && made == mark
    {
        return Ok(Value::Table(table));
    }
    let list = view.kit.lua.create_table()?;
    for recipient in open.iter().flat_map(|open| &open.recipients) {
        list.raw_push(subject::rcpt(&view.kit, &recipient.rcpt, recipient.index)?)?;
    }
    let table = view.kit.view("recipients", list)?;
    if let Some(known) = view.transaction.borrow_mut().as_mut() {
        known.recipients = Some((mark, table.clone()));
    }
    Ok(Value::Table(table))
}
