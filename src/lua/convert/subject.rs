//! What hooks receive as their second argument at ehlo, mail and rcpt.

use std::borrow::Cow;

use mlua::{IntoLua, Lua, LuaString, Table, Value};

use crate::lua::convert::kit::Kit;
use crate::names::a_label;
use crate::names::network::{client_network, parse_address};
use crate::session::effects::Score;
use crate::smtp::command::{Mail, Rcpt, Verb};
use crate::smtp::host::Host;
use crate::smtp::params::{Param, Params};
use crate::smtp::path::{ForwardPath, Mailbox, ReversePath};

/// `ehlo`.
pub(in crate::lua) fn ehlo(kit: &Kit, verb: Verb, name: &Host) -> mlua::Result<Table> {
    kit.ehlo.call((name.as_str(), verb.as_str(), name.is_literal()))
}

/// `command`.
pub(in crate::lua) fn command(kit: &Kit, verb: &str, argument: &str) -> mlua::Result<Table> {
    let facts = kit.lua.create_table()?;
    facts.raw_set("verb", verb)?;
    facts.raw_set("argument", argument)?;
    kit.view("command", facts)
}

/// `mail`.
pub(in crate::lua) fn mail(kit: &Kit, mail: &Mail) -> mlua::Result<Table> {
    let path = &mail.reverse_path;
    let parts = Parts::new(path.mailbox());
    let is_null = matches!(path, ReversePath::Null);
    let params = as_sent(&mail.params.all);
    kit.mail.call((&*parts.address, parts.local_part(), parts.domain(), path.as_str(), &*params, is_null))
}

/// `rcpt`.
pub(in crate::lua) fn rcpt(kit: &Kit, rcpt: &Rcpt, index: usize) -> mlua::Result<Table> {
    let path = &rcpt.forward_path;
    let parts = match path {
        ForwardPath::Postmaster(name) => Parts { address: name.clone(), at: name.len() },
        ForwardPath::Mailbox(mailbox) => Parts::new(Some(mailbox)),
    };
    let params = as_sent(&rcpt.params.all);
    kit.rcpt.call((&*parts.address, parts.local_part(), parts.domain(), path.as_str(), &*params, index))
}

/// An address as scripts compare it; empty for `<>`.
struct Parts {
    address: String,
    /// Where the domain's `@` stands; the end if there is no domain.
    at: usize,
}

impl Parts {
    fn new(mailbox: Option<&Mailbox>) -> Parts {
        let Some(mailbox) = mailbox else { return Parts { address: String::new(), at: 0 } };
        // Quoted only where needed; behind it the domain as it was sent, in lower case.
        let mut address = mailbox.address();
        let at = address.rfind('@').unwrap_or(address.len());
        // What can't be A-labels (the guard will refuse it) stays as it is.
        if !mailbox.domain().is_literal()
            && let Ok(Cow::Owned(ascii)) = a_label::to_ascii(address.get(at + 1..).unwrap_or_default())
        {
            address.truncate(at + 1);
            address.push_str(&ascii);
        }
        Parts { address, at }
    }

    fn local_part(&self) -> &str {
        self.address.get(..self.at).unwrap_or_default()
    }

    fn domain(&self) -> &str {
        self.address.get(self.at + 1..).unwrap_or_default()
    }
}

/// Parameters as the client sent them, with spaces between.
fn as_sent(params: &Params) -> Cow<'_, str> {
    let mut sent = params.iter().map(Param::raw);
    match (sent.next(), sent.next()) {
        (None, _) => Cow::Borrowed(""),
        (Some(only), None) => Cow::Borrowed(only),
        (Some(first), Some(second)) => {
            let mut all = format!("{first} {second}");
            for more in sent {
                all.push(' ');
                all.push_str(more);
            }
            Cow::Owned(all)
        }
    }
}

/// `params` from the text that `as_sent` gave: upper-case keys; strings, SIZE a number, true where there is no value.
pub(in crate::lua) fn params(lua: &Lua, sent: LuaString) -> mlua::Result<Table> {
    let params = Params::parse(&sent.to_string_lossy(), false).unwrap_or_default();
    let table = lua.create_table_with_capacity(0, params.len())?;
    for param in &params {
        let value = match (param.keyword(), param.value()) {
            (_, None) => Value::Boolean(true),
            ("SIZE", Some(size)) => Value::Integer(size.parse().unwrap_or(i64::MAX)),
            ("ENVID" | "ORCPT" | "AUTH", Some(text)) => decoded(text).into_lua(lua)?,
            (_, Some(text)) => text.into_lua(lua)?,
        };
        table.raw_set(param.keyword(), value)?;
    }
    Ok(table)
}

/// `client.network` for `client.ip`.
pub(in crate::lua) fn network(_: &Lua, ip: LuaString) -> mlua::Result<Option<String>> {
    Ok(parse_address(&ip.to_string_lossy()).map(client_network))
}

/// `text` with its xtext decoded; as it is when it is none.
fn decoded(text: &str) -> mlua::BString {
    match crate::smtp::xtext::decode(text) {
        Some(octets) => octets.into(),
        None => text.into(),
    }
}

/// One entry of `symbols`.
pub(in crate::lua) fn score(kit: &Kit, score: &Score) -> mlua::Result<Table> {
    let table = kit.lua.create_table_with_capacity(0, 3)?;
    table.raw_set("symbol", score.symbol.as_str())?;
    table.raw_set("points", score.points)?;
    table.raw_set("policy", &*score.policy)?;
    kit.view("symbol", table)
}
