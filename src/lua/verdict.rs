//! Verdicts as scripts make them: `reject`, `defer`, `disconnect`, `accept`, `discard`.

use std::rc::Rc;

use mlua::{Lua, Table, UserData, Value, Variadic};

use crate::lua::call::Call;
use crate::lua::caller::{line_of_script, raise};
use crate::lua::charge::{self, Rate, given};
use crate::lua::guard::Guard;
use crate::lua::ruling::{Made, Ruling};
use crate::policy::event::Stage;
use crate::policy::verdict::Verified;
use crate::session::effects::Scope;
use crate::smtp::reply::{Code, EnhancedCode, Reply, printable};

/// What a script holds in its hands: the number of a verdict of the call that `call` points to.
struct Handle {
    call: *const Call,
    number: usize,
}

impl UserData for Handle {}

/// The three refusals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Reject,
    Defer,
    Disconnect,
}

/// Text of a refusal in octets at most; what a sender could have put into it is longer than any reader wants.
const LONGEST: usize = 2048;
/// Lines of a refusal at most.
const LINES: usize = 20;

/// Puts the verdicts' functions into `base`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, base: &Table) -> mlua::Result<()> {
    for refusal in [Refusal::Reject, Refusal::Defer, Refusal::Disconnect] {
        let guard = Rc::clone(guard);
        let make = move |lua: &Lua, arguments: Variadic<Value>| {
            guard.charge(lua, given(&arguments), Rate::COPIED)?;
            let call = deciding(lua, &guard, refusal.name())?;
            let ruling = refusal.rule(&call, &arguments).map_err(|message| raise(lua, &message))?;
            made(lua, &call, ruling)
        };
        base.raw_set(refusal.name(), lua.create_function(make)?)?;
    }
    let watching = Rc::clone(guard);
    let accept = move |lua: &Lua, scope: Value| {
        let call = deciding(lua, &watching, "accept")?;
        let ruling = accept(&call, &scope).map_err(|message| raise(lua, &message))?;
        made(lua, &call, ruling)
    };
    base.raw_set("accept", lua.create_function(accept)?)?;
    let watching = Rc::clone(guard);
    let discard = move |lua: &Lua, why: Value| {
        let call = deciding(lua, &watching, "discard")?;
        if !matches!(call.stage, Some(Stage::Rcpt | Stage::Header | Stage::Message)) {
            return Err(raise(lua, "discard can be said at rcpt, header and message"));
        }
        let Value::String(why) = why else {
            return Err(raise(lua, "discard(\"why\"): the reason is missing"));
        };
        made(lua, &call, Ruling::Discard(short(&why.as_bytes(), true)))
    };
    base.raw_set("discard", lua.create_function(discard)?)
}

/// The call that may decide now.
fn deciding(lua: &Lua, guard: &Guard, name: &str) -> mlua::Result<Rc<Call>> {
    match guard.call() {
        Some(call) if call.is_task => Err(raise(lua, &format!("{name}: a task decides nothing"))),
        Some(call) if call.stage == Some(Stage::Verify) => Err(raise(
            lua,
            &format!("{name}: a verify hook returns true, the user's name, false, or nil and why"),
        )),
        Some(call) if matches!(call.stage, Some(Stage::Outcome | Stage::Closed)) => {
            Err(raise(lua, &format!("{name}: nothing is left to decide in this hook")))
        }
        Some(call) if call.stage == Some(Stage::Reply) && name != "disconnect" => {
            Err(raise(lua, &format!("{name}: a reply hook may only disconnect")))
        }
        Some(call) if call.stage == Some(Stage::Command) && name == "accept" => Err(raise(
            lua,
            "accept: a command hook may reject, defer or disconnect; nothing leaves the listener's answer",
        )),
        Some(call) if call.stage.is_some() => Ok(call),
        _ => Err(raise(lua, &format!("{name}: verdicts are made inside a hook"))),
    }
}

/// Takes note of a verdict and gives the script its handle.
fn made(lua: &Lua, call: &Rc<Call>, ruling: Ruling) -> mlua::Result<Handle> {
    let line = line_of_script(lua).map_or_else(|| "?".to_owned(), |(file, line)| format!("{file}:{line}"));
    let mut made = call.made.borrow_mut();
    if made.len() >= 64 {
        return Err(raise(lua, "more than 64 verdicts in one hook"));
    }
    made.push(Made { line, ruling });
    Ok(Handle { call: Rc::as_ptr(call), number: made.len() - 1 })
}

/// The verdict that `returned` is; none for no opinion.
///
/// *Errors*: it is something else, or a verdict was made and not returned.
pub(super) fn ruling(call: &Rc<Call>, returned: &Value) -> Result<Option<Box<Ruling>>, String> {
    if call.stage == Some(Stage::Verify) {
        return verified(returned).map(|verified| Some(Box::new(Ruling::Verified(verified))));
    }
    let made = call.made.borrow();
    let number = match returned {
        Value::Nil => None,
        Value::UserData(handle) => match handle.borrow::<Handle>() {
            Ok(handle) if std::ptr::eq(handle.call, Rc::as_ptr(call)) => Some(handle.number),
            Ok(_) => return Err("the verdict it returned was made by an earlier hook call".to_owned()),
            Err(_) => return Err("it returned a userdata, which is no verdict".to_owned()),
        },
        other => {
            return Err(format!("it returned a {}; a hook returns a verdict or nothing", other.type_name()));
        }
    };
    let forgotten = made.iter().enumerate().find(|(at, _)| Some(*at) != number);
    if let Some((_, made)) = forgotten {
        return Err(format!("the verdict made at {} was not returned", made.line));
    }
    Ok(number.and_then(|number| made.get(number)).map(|made| Box::new(made.ruling.clone())))
}

/// What a `verify` hook has returned. Nothing but `true` and a name logs anyone in.
///
/// *Errors*: it is something else.
fn verified(returned: &Value) -> Result<Verified, String> {
    match returned {
        Value::Boolean(true) => Ok(Verified::Claimed),
        Value::Boolean(false) => Ok(Verified::Nobody),
        Value::Nil => Ok(Verified::Unknown),
        Value::String(user) => match user.to_str() {
            Ok(user) => Ok(Verified::User(user.to_owned())),
            Err(_) => Err("the user's name that it returned is no text".to_owned()),
        },
        other => Err(format!(
            "it returned a {}; a verify hook returns true, the user's name, false, or nil and why",
            other.type_name()
        )),
    }
}

fn accept(call: &Call, scope: &Value) -> Result<Ruling, String> {
    let scope = match scope {
        Value::Nil => return Ok(Ruling::Accept(None)),
        Value::String(scope) => scope.as_bytes(),
        _ => return Err("accept(): nothing, \"transaction\" or \"session\"".to_owned()),
    };
    match &*scope {
        b"session" => Ok(Ruling::Accept(Some(Scope::Session))),
        b"transaction"
            if matches!(call.stage, Some(Stage::Connect | Stage::Tls | Stage::Ehlo | Stage::Auth)) =>
        {
            Err("accept(\"transaction\"): there is none before mail".to_owned())
        }
        b"transaction" => Ok(Ruling::Accept(Some(Scope::Transaction))),
        other => {
            let said = String::from_utf8_lossy(other.get(..64).unwrap_or(other));
            Err(format!("accept('{said}'): it is \"transaction\" or \"session\""))
        }
    }
}

/// The parts of a refusal as a script gave them.
#[derive(Default)]
struct Parts {
    code: Option<u16>,
    status: Option<String>,
    text: Option<Vec<u8>>,
    is_held: bool,
    unless_auth: bool,
}

impl Refusal {
    fn name(self) -> &'static str {
        match self {
            Refusal::Reject => "reject",
            Refusal::Defer => "defer",
            Refusal::Disconnect => "disconnect",
        }
    }

    /// The verdict that `arguments` ask for.
    fn rule(self, call: &Call, arguments: &[Value]) -> Result<Ruling, String> {
        let parts = self.parts(arguments)?;
        let stage = call.stage.unwrap_or(Stage::Rcpt);
        if parts.is_held && !matches!(stage, Stage::Connect | Stage::Tls | Stage::Ehlo | Stage::Mail) {
            return Err(format!(
                "at = \"rcpt\" can be said at connect, tls, ehlo and mail, not at {}",
                stage.as_str()
            ));
        }
        let code = self.code(parts.code, if parts.is_held { Stage::Rcpt } else { stage })?;
        let status = self.status(parts.status.as_deref(), code)?;
        let utf8 = call.session.as_ref().is_some_and(|session| session.takes_utf8());
        let text = parts.text.unwrap_or_else(|| self.default_text().as_bytes().to_vec());
        let reply = Reply::multiline(code.get(), Some(status), lines(&text, utf8));
        Ok(Ruling::Refuse { reply, is_held: parts.is_held, unless_auth: parts.unless_auth })
    }

    fn parts(self, arguments: &[Value]) -> Result<Parts, String> {
        let name = self.name();
        let bare = Parts { unless_auth: true, ..Parts::default() };
        match arguments {
            [] | [Value::Nil] => Ok(bare),
            [Value::String(text)] | [Value::String(text), Value::Nil] => {
                Ok(Parts { text: Some(text.as_bytes().to_vec()), ..bare })
            }
            [Value::String(status), Value::String(text)] => {
                let status = Some(charge::name(status));
                Ok(Parts { status, text: Some(text.as_bytes().to_vec()), ..bare })
            }
            [Value::Table(table)] => self.table_parts(table),
            [Value::Integer(_) | Value::Number(_), ..] => Err(format!(
                "{name}: the first argument is a text or a status; a code is given as {name} {{ code = … }}"
            )),
            _ => Err(format!("{name}(\"text\"), {name}(\"status\", \"text\") or {name} {{ … }}")),
        }
    }

    fn table_parts(self, table: &Table) -> Result<Parts, String> {
        let name = self.name();
        let mut parts = Parts { unless_auth: true, ..Parts::default() };
        for (key, value) in table.pairs::<Value, Value>().flatten() {
            let key = key.as_string().map(charge::name).unwrap_or_default();
            match (key.as_str(), value) {
                ("code", Value::Integer(code)) => parts.code = Some(u16::try_from(code).unwrap_or_default()),
                ("status", Value::String(status)) => parts.status = Some(charge::name(&status)),
                ("text", Value::String(text)) => parts.text = Some(text.as_bytes().to_vec()),
                ("at", Value::String(at)) if at == "rcpt" => parts.is_held = true,
                ("unless_auth", Value::Boolean(unless)) => parts.unless_auth = unless,
                ("code" | "status" | "text" | "at" | "unless_auth", _) => {
                    return Err(format!("{name}: {key} has a wrong value"));
                }
                _ => return Err(format!("{name}: '{key}' is none of code, status, text, at, unless_auth")),
            }
        }
        Ok(parts)
    }

    /// The code at `stage`: the given one if it fits, else the stage's own. Source: smtp.md, "Default codes by stage".
    fn code(self, given: Option<u16>, stage: Stage) -> Result<Code, String> {
        // What is said to a TLS may have to stand in place of the banner.
        let is_banner = matches!(stage, Stage::Connect | Stage::Tls);
        let own = match self {
            Refusal::Disconnect => 421,
            Refusal::Reject if is_banner => 554,
            // RFC 4954 §6.
            Refusal::Reject if stage == Stage::Auth => 535,
            Refusal::Defer if stage == Stage::Auth => 454,
            Refusal::Reject => 550,
            // No 45z is among the replies to a greeting. RFC 5321 §4.3.2.
            Refusal::Defer if is_banner || stage == Stage::Ehlo => 421,
            Refusal::Defer => 451,
        };
        let number = given.unwrap_or(own);
        let fits = match (self, is_banner) {
            (Refusal::Disconnect, _) | (Refusal::Defer, true) => number == 421,
            (Refusal::Reject, true) => matches!(number, 521 | 554),
            (Refusal::Defer, false) => matches!(number, 450..=452 | 455),
            (Refusal::Reject, false) => matches!(number, 521 | 550..=554 | 556),
        };
        Code::new(number)
            .filter(|_| fits || number == own)
            .ok_or_else(|| format!("{}: the code {number} doesn't fit here", self.name()))
    }

    fn status(self, given: Option<&str>, code: Code) -> Result<EnhancedCode, String> {
        let text = given.unwrap_or(match self {
            Refusal::Reject => "5.7.1",
            Refusal::Defer => "4.7.1",
            Refusal::Disconnect => "4.7.0",
        });
        let status = EnhancedCode::parse(text).ok_or_else(|| {
            format!("{}: '{}' is no status; one reads \"5.7.1\"", self.name(), short(text.as_bytes(), true))
        })?;
        match status.class() == code.class() {
            true => Ok(status),
            false => Err(format!("{}: the status {status} doesn't fit the code {code}", self.name())),
        }
    }

    fn default_text(self) -> &'static str {
        match self {
            Refusal::Reject => "Refused by policy",
            Refusal::Defer => "Refused for now, try again later",
            Refusal::Disconnect => "Closing connection",
        }
    }
}

/// The lines of a refusal's text, printable. A text never fails: the sender may have had a hand in it.
fn lines(text: &[u8], utf8: bool) -> Vec<String> {
    let text = text.get(..LONGEST).unwrap_or(text);
    let lines = text.split(|octet| *octet == b'\n').take(LINES);
    lines.map(|line| printable(line.strip_suffix(b"\r").unwrap_or(line), utf8).into_owned()).collect()
}

/// A text for the log.
fn short(text: &[u8], utf8: bool) -> String {
    printable(text.get(..256).unwrap_or(text), utf8).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgotten_verdict_is_named_with_its_line() {
        let call = Call::load("p".into(), None);
        let ruling_made = Ruling::Accept(None);
        call.made.borrow_mut().push(Made { line: "p.lua:7".into(), ruling: ruling_made });
        let problem = ruling(&Rc::new(call), &Value::Nil).unwrap_err();
        assert_eq!(problem, "the verdict made at p.lua:7 was not returned");
    }
}
