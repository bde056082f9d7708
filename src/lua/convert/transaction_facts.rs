//! `transaction`, as scripts see it while a hook runs: one object from `mail` to `outcome`.

use std::rc::Rc;

use mlua::{Function, IntoLua, Lua, Table, Value};

use crate::lua::call::Call;
use crate::lua::caller::raise;
use crate::lua::convert::session::SessionView;
use crate::lua::convert::subject;
use crate::lua::convert::transaction::TransactionView;
use crate::lua::guard::Guard;
use crate::policy::event::Stage;

/// The function behind `transaction`.
pub(in crate::lua) fn lazy(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<Function> {
    let guard = Rc::clone(guard);
    lua.create_function(move |lua, (_, key): (Table, Value)| {
        let Value::String(key) = key else { return Ok(Value::Nil) };
        let call = guard.call();
        let Some((call, view)) = call.as_ref().and_then(|call| Some((call, call.session.as_ref()?))) else {
            return Err(raise(lua, "transaction is gone"));
        };
        if let Some(past) = &call.past {
            return match &*key.as_bytes() {
                b"vars" => past.vars.borrow_mut().of(lua, call.touch_vars()).map(Value::Table),
                key => past.fact(&view.kit, key),
            };
        }
        let number = transaction_number(view, call);
        if view.transaction.borrow().as_ref().is_none_or(|known| known.number != number) {
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
                let mut vars = view.vars.borrow_mut();
                vars.of_transaction(lua, call.touch_vars(), number.unwrap_or_default()).map(Value::Table)
            }
            b"score" => {
                let session = view.session.borrow();
                (session.transaction().map_or(0.0, |open| open.standing.score()) + call.points())
                    .into_lua(lua)
            }
            _ => Ok(Value::Nil),
        }
    })
}

/// The number of the open transaction, or of the one that the running `mail` hook is about.
fn transaction_number(view: &SessionView, call: &Call) -> Option<u64> {
    let session = view.session.borrow();
    match (session.transaction(), call.stage) {
        (Some(open), stage) if stage != Some(Stage::Mail) => Some(open.number),
        (_, Some(Stage::Mail)) => Some(session.counters().transactions + 1),
        _ => None,
    }
}

/// The table of the transaction that is open or, in a `mail` hook, about to be; else nil.
pub(in crate::lua) fn current(view: &SessionView, call: &Call) -> mlua::Result<Value> {
    if let Some(past) = &call.past {
        return past.table(&view.kit).map(Value::Table);
    }
    let number = transaction_number(view, call);
    if number.is_none() {
        return Ok(Value::Nil);
    }
    if let Some(known) = view.transaction.borrow().as_ref().filter(|known| known.number == number) {
        return Ok(Value::Table(known.table.clone()));
    }
    let made = TransactionView::new(&view.kit, number)?;
    let table = made.table.clone();
    view.transaction.replace(Some(made));
    Ok(Value::Table(table))
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
    match &mut *view.transaction.borrow_mut() {
        Some(known) => known.recipients(&view.kit, session.transaction()).map(Value::Table),
        None => Ok(Value::Nil),
    }
}
