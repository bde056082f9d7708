//! `transaction`, as scripts see it: one object from `mail` to `outcome`.

use std::rc::Rc;

use mlua::{Function, IntoLua, Lua, Table, Value};

use crate::lua::call::Call;
use crate::lua::convert::session::{SessionView, points};
use crate::lua::convert::subject;
use crate::lua::guard::Guard;
use crate::lua::sandbox::raise;
use crate::policy::event::Stage;

/// The table of one transaction.
#[derive(Debug)]
pub(in crate::lua) struct TransactionView {
    /// Counts the session's transactions, from 1.
    number: u64,
    table: Table,
    mail: Option<Table>,
    /// The recipients as they were last asked for, and how many commands and answers had come by then.
    recipients: Option<(usize, Table)>,
}

impl SessionView {
    /// The number of the open transaction, or of the one that the running `mail` hook is about.
    fn transaction_number(&self, call: &Call) -> Option<u64> {
        let session = self.session.borrow();
        match (session.transaction(), call.stage) {
            (Some(open), stage) if stage != Some(Stage::Mail) => Some(open.number),
            (_, Some(Stage::Mail)) => Some(session.counters().transactions + 1),
            // The transaction has ended; its table is still there for `outcome`.
            (_, Some(Stage::Outcome)) => self.transaction.borrow().as_ref().map(|view| view.number),
            _ => None,
        }
    }
}

/// The table of the transaction that is open or, in a `mail` hook, about to be; else nil.
pub(in crate::lua) fn current(view: &SessionView, call: &Call) -> mlua::Result<Value> {
    let Some(number) = view.transaction_number(call) else { return Ok(Value::Nil) };
    if let Some(known) = view.transaction.borrow().as_ref().filter(|known| known.number == number) {
        return Ok(Value::Table(known.table.clone()));
    }
    let declared = view.session.borrow().transaction().and_then(|open| open.mail.params.size);
    let table: Table = view.kit.transaction.call((number, declared.and_then(|size| i64::try_from(size).ok())))?;
    let made = TransactionView { number, table: table.clone(), mail: None, recipients: None };
    view.transaction.replace(Some(made));
    Ok(Value::Table(table))
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
        let number = view.transaction_number(call);
        if view.transaction.borrow().as_ref().is_none_or(|known| Some(known.number) != number) {
            return Err(raise(lua, "transaction is gone"));
        }
        match &*key.as_bytes() {
            b"mail" => mail(view, call),
            b"recipients" => recipients(view),
            b"vars" => view.vars.borrow_mut().of_transaction(lua, call, number.unwrap_or_default()).map(Value::Table),
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

/// `transaction.recipients`: those that have not been refused, in order.
fn recipients(view: &SessionView) -> mlua::Result<Value> {
    let session = view.session.borrow();
    let open = session.transaction();
    let mark = open.map_or(0, |open| open.recipients.len() * 4096 + open.refused_recipients);
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
