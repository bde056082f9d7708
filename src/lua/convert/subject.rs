//! What hooks receive as their second argument at ehlo, mail and rcpt.

use mlua::{IntoLua, Table, Value};

use crate::lua::convert::kit::Kit;
use crate::session::effects::Score;
use crate::smtp::command::{Mail, Rcpt, Verb};
use crate::smtp::host::Host;
use crate::smtp::params::Params;
use crate::smtp::path::{ForwardPath, Mailbox, ReversePath};

/// `ehlo`.
pub(in crate::lua) fn ehlo(kit: &Kit, verb: Verb, name: &Host) -> mlua::Result<Table> {
    kit.ehlo.call((name.as_str(), verb.as_str(), name.is_literal()))
}

/// `mail`.
pub(in crate::lua) fn mail(kit: &Kit, mail: &Mail) -> mlua::Result<Table> {
    let path = &mail.reverse_path;
    let (address, local_part, domain) = parts(path.mailbox());
    let params = params(kit, &mail.params.all)?;
    let is_null = matches!(path, ReversePath::Null);
    kit.mail.call((address, local_part, domain, path.as_str(), params, is_null))
}

/// `rcpt`.
pub(in crate::lua) fn rcpt(kit: &Kit, rcpt: &Rcpt, index: usize) -> mlua::Result<Table> {
    let path = &rcpt.forward_path;
    let (address, local_part, domain) = match path {
        ForwardPath::Postmaster(name) => (name.clone(), name.clone(), String::new()),
        ForwardPath::Mailbox(mailbox) => parts(Some(mailbox)),
    };
    let params = params(kit, &rcpt.params.all)?;
    kit.rcpt.call((address, local_part, domain, path.as_str(), params, index))
}

/// Address, local part and domain as scripts compare them; empty for `<>`.
fn parts(mailbox: Option<&Mailbox>) -> (String, String, String) {
    let Some(mailbox) = mailbox else { return Default::default() };
    let domain = mailbox.domain().as_str();
    // A-labels; what can't be one (the guard will refuse it) stays as it is.
    let domain = match crate::names::a_label::to_ascii(domain) {
        Ok(ascii) if !mailbox.domain().is_literal() => ascii.into_owned(),
        _ => domain.to_ascii_lowercase(),
    };
    // Quoted only where needed; behind it the domain as it was sent.
    let mut local_part = mailbox.address();
    local_part.truncate(local_part.rfind('@').unwrap_or(local_part.len()));
    (format!("{local_part}@{domain}"), local_part, domain)
}

/// `params`, or nil if there are none: upper-case keys; strings, SIZE a number, true where there is no value.
fn params(kit: &Kit, params: &Params) -> mlua::Result<Value> {
    if params.is_empty() {
        return Ok(Value::Nil);
    }
    let table = kit.lua.create_table_with_capacity(0, params.len())?;
    for param in params {
        let value = match (param.keyword(), param.value()) {
            (_, None) => Value::Boolean(true),
            ("SIZE", Some(size)) => Value::Integer(size.parse().unwrap_or(i64::MAX)),
            ("ENVID" | "ORCPT" | "AUTH", Some(text)) => decoded(text).into_lua(&kit.lua)?,
            (_, Some(text)) => text.into_lua(&kit.lua)?,
        };
        table.raw_set(param.keyword(), value)?;
    }
    Ok(Value::Table(table))
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
