//! What hooks may ask for besides a verdict: the methods of `session`, `mail`, `rcpt` and `transaction`.
//!
//! Nothing is done here: each call adds to the effects of the running hook, which count if it ends well.

use std::rc::Rc;
use std::time::Duration;

use mlua::{Lua, Table, Value, Variadic};

use crate::lua::call::Call;
use crate::lua::caller::raise;
use crate::lua::charge::{self, Rate, given};
use crate::lua::guard::Guard;
use crate::lua::method::Method;
use crate::lua::units;
use crate::message::edit::NewField;
use crate::policy::event::Stage;
use crate::session::effects::{Grant, RecipientChange, Scope, Score, Skip};
use crate::smtp::path::{ForwardPath, Mailbox, ReversePath};

/// Entries of one kind that one hook may ask for.
const MOST: usize = 256;
/// The longest delay in all of one stage.
const LONGEST_DELAY: Duration = Duration::from_secs(300);
/// Octets of a note's key and value, of a reason, of a symbol.
const TEXT: usize = 1024;

const ANY: &[Stage] = &Stage::ALL;
const BEFORE_DATA: &[Stage] =
    &[Stage::Connect, Stage::Tls, Stage::Ehlo, Stage::Auth, Stage::Mail, Stage::Rcpt];
const WITH_RECIPIENTS: &[Stage] = &[Stage::Rcpt, Stage::Data, Stage::Header, Stage::Message];
const WITH_MAIL: &[Stage] = &[Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Header, Stage::Message];

/// A method that is being defined.
struct Methods<'a> {
    lua: &'a Lua,
    guard: &'a Rc<Guard>,
    class: &'static str,
    table: Table,
}

impl<'a> Methods<'a> {
    fn new(lua: &'a Lua, guard: &'a Rc<Guard>, class: &'static str) -> mlua::Result<Self> {
        Ok(Methods { lua, guard, class, table: lua.create_table()? })
    }

    /// `object:name(…)`, which may be called at `stages` and does `act` with the arguments behind the object.
    fn method(
        &self,
        name: &'static str,
        stages: &'static [Stage],
        act: impl Fn(&Call, &[Value]) -> Result<(), String> + 'static,
    ) -> mlua::Result<()> {
        let method = Method { guard: Rc::clone(self.guard), class: self.class, name };
        self.table.raw_set(
            name,
            self.lua.create_function(move |lua, arguments: Variadic<Value>| {
                let (this, arguments) = arguments.split_first().unwrap_or((&Value::Nil, &[]));
                method.guard.charge(lua, given(arguments), Rate::COPIED)?;
                method.check(lua, this)?;
                let call = method.guard.call();
                if call.as_ref().is_some_and(|call| call.is_task) {
                    let (class, name) = (method.class, method.name);
                    return Err(raise(lua, &format!("{class}:{name} can't be called in a task")));
                }
                let Some(call) = call.filter(|call| call.stage.is_some_and(|stage| stages.contains(&stage)))
                else {
                    return Err(raise(lua, &method.wrong_stage(stages)));
                };
                // The subject of an earlier stage can be read but not acted upon.
                let is_subject = matches!(method.class, "mail" | "rcpt");
                if is_subject && stages.len() == 1 && !std::ptr::eq(call.subject.get(), this.to_pointer()) {
                    return Err(raise(lua, &format!("this {} is gone", method.class)));
                }
                act(&call, arguments)
                    .map_err(|message| raise(lua, &format!("{}:{}: {message}", method.class, method.name)))
            })?,
        )
    }

    /// A method of a later version.
    fn later(&self, name: &'static str) -> mlua::Result<()> {
        let class = self.class;
        let later = move |lua: &Lua, _: Variadic<Value>| -> mlua::Result<()> {
            Err(raise(lua, &format!("{class}:{name} is not in this version")))
        };
        self.table.raw_set(name, self.lua.create_function(later)?)
    }
}

/// The methods of `session`.
pub(super) fn session(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<Table> {
    let methods = Methods::new(lua, guard, "session")?;
    methods.method("permit_relay", &[Stage::Connect, Stage::Tls, Stage::Ehlo, Stage::Auth], permit_relay)?;
    methods.method("skip", BEFORE_DATA, |call, policies| skip(call, policies, Scope::Session))?;
    methods.method("delay", ANY, delay)?;
    methods.method("add_score", ANY, add_score)?;
    methods.method("note", ANY, note)?;
    methods.later("spf")?;
    Ok(methods.table)
}

/// The methods of `mail`.
pub(super) fn mail(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<Table> {
    let methods = Methods::new(lua, guard, "mail")?;
    methods.method("permit_relay", &[Stage::Mail], permit_relay)?;
    methods.method("skip", &[Stage::Mail, Stage::Rcpt], |call, policies| {
        skip(call, policies, Scope::Transaction)
    })?;
    methods.method("rewrite", &[Stage::Mail], |call, arguments| {
        let address = text(arguments.first(), "an address")?;
        let path =
            if address.is_empty() { ReversePath::Null } else { ReversePath::Mailbox(mailbox(&address)?) };
        call.ask(|effects| effects.reverse_path = Some(path));
        Ok(())
    })?;
    methods.later("route")?;
    Ok(methods.table)
}

/// The methods of `rcpt`.
pub(super) fn rcpt(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<Table> {
    let methods = Methods::new(lua, guard, "rcpt")?;
    methods.method("permit_relay", &[Stage::Rcpt], permit_relay)?;
    methods.method("rewrite", &[Stage::Rcpt], |call, arguments| {
        let address = text(arguments.first(), "an address")?;
        let path = ForwardPath::Mailbox(mailbox(&address)?);
        call.ask(|effects| effects.forward_path = Some(path));
        Ok(())
    })?;
    methods.later("route")?;
    Ok(methods.table)
}

/// The methods of `transaction`.
pub(super) fn transaction(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<Table> {
    let methods = Methods::new(lua, guard, "transaction")?;
    methods.method("add_recipient", WITH_RECIPIENTS, |call, arguments| {
        let added = mailbox(&text(arguments.first(), "an address")?)?;
        call.ask(|effects| bounded(&mut effects.recipients, RecipientChange::Add(added)))
    })?;
    methods.method("remove_recipient", WITH_RECIPIENTS, |call, arguments| {
        let gone = mailbox(&text(arguments.first(), "an address")?)?;
        let change = RecipientChange::Remove(gone, call.policy.clone());
        call.ask(|effects| bounded(&mut effects.recipients, change))
    })?;
    methods.method("add_header", WITH_MAIL, |call, arguments| {
        let name = text(arguments.first(), "a field's name")?;
        let value = text(arguments.get(1), "a field's value")?;
        let field = NewField::new(&name, &value).map_err(|error| error.to_string())?;
        let header = (field.name().to_owned(), field.value().to_owned());
        call.ask(|effects| bounded(&mut effects.headers, header))
    })?;
    Ok(methods.table)
}

fn permit_relay(call: &Call, arguments: &[Value]) -> Result<(), String> {
    let why = text(arguments.first(), "the reason")?;
    call.ask(|effects| effects.grant = Some(Grant { policy: call.policy.clone(), why }));
    Ok(())
}

fn skip(call: &Call, policies: &[Value], scope: Scope) -> Result<(), String> {
    if policies.is_empty() {
        return Err("which policies?".to_owned());
    }
    for policy in policies {
        let policy = text(Some(policy), "a policy's name")?.into();
        call.ask(|effects| bounded(&mut effects.skips, Skip { policy, scope }))?;
    }
    Ok(())
}

fn delay(call: &Call, arguments: &[Value]) -> Result<(), String> {
    let wish =
        arguments.first().and_then(duration).ok_or("seconds or a duration such as \"5s\" is wanted")?;
    call.ask(|effects| effects.delay = effects.delay.saturating_add(wish).min(LONGEST_DELAY));
    Ok(())
}

fn add_score(call: &Call, arguments: &[Value]) -> Result<(), String> {
    let points = match arguments.first() {
        Some(Value::Integer(whole)) => *whole as f64,
        Some(Value::Number(number)) if number.is_finite() => *number,
        _ => return Err("(points, symbol): points is a number".to_owned()),
    };
    let symbol = text(arguments.get(1), "a symbol")?;
    let score = Score { symbol, points, policy: call.policy.clone() };
    call.ask(|effects| bounded(&mut effects.scores, score))
}

fn note(call: &Call, arguments: &[Value]) -> Result<(), String> {
    let key = text(arguments.first(), "a key")?;
    let value = text(arguments.get(1), "a value")?;
    call.ask(|effects| bounded(&mut effects.notes, (key, value)))
}

/// Seconds as a number, or a duration in words.
pub(super) fn duration(value: &Value) -> Option<Duration> {
    match value {
        Value::Integer(whole) => u64::try_from(*whole).ok().map(Duration::from_secs),
        Value::Number(number) => Duration::try_from_secs_f64(*number).ok(),
        Value::String(words) => units::duration(&charge::name(words)),
        _ => None,
    }
}

/// A text of a bounded length; numbers and booleans are written out.
fn text(value: Option<&Value>, what: &str) -> Result<String, String> {
    let mut text = match value {
        Some(Value::String(text)) => charge::name(text),
        Some(Value::Integer(whole)) => whole.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Boolean(truth)) => truth.to_string(),
        _ => return Err(format!("{what} is wanted")),
    };
    text.truncate(text.floor_char_boundary(TEXT));
    Ok(text)
}

fn mailbox(address: &str) -> Result<Mailbox, String> {
    Mailbox::parse(address, false).map_err(|error| format!("'{address}' is no address: {error}"))
}

fn bounded<T>(list: &mut Vec<T>, item: T) -> Result<(), String> {
    if list.len() >= MOST {
        return Err(format!("more than {MOST} in one hook"));
    }
    list.push(item);
    Ok(())
}
