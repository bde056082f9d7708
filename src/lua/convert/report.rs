//! What hooks receive at reply, outcome and closed.

use mlua::{IntoLua, Table, Value};

use crate::lua::convert::kit::Kit;
use crate::lua::convert::subject;
use crate::policy::event::{Ending, Origin, Outcome, ReplyEvent};
use crate::smtp::reply::Reply;

/// `reply`.
pub(in crate::lua) fn reply(kit: &Kit, event: &ReplyEvent) -> mlua::Result<Table> {
    let facts = facts_of(kit, &event.reply)?;
    facts.raw_set("verb", event.verb.as_str())?;
    facts.raw_set("argument", event.argument.as_str())?;
    facts.raw_set("from", event.from.as_str())?;
    if let Origin::Policy(policy) = &event.from {
        facts.raw_set("policy", &**policy)?;
    }
    kit.view("reply", facts)
}

/// `outcome`.
pub(in crate::lua) fn outcome(kit: &Kit, outcome: &Outcome) -> mlua::Result<Table> {
    let facts = kit.lua.create_table_with_capacity(0, 10)?;
    facts.raw_set("disposition", outcome.disposition.as_str())?;
    facts.raw_set("stage", outcome.stage)?;
    facts.raw_set("policy", outcome.policy.as_deref())?;
    if let Some(reply) = &outcome.reply {
        facts.raw_set("reply", kit.view("reply", facts_of(kit, reply)?)?)?;
    }
    facts.raw_set("size", outcome.size)?;
    facts.raw_set("reverse_path", outcome.reverse_path.as_str())?;
    let recipients = kit.lua.create_table_with_capacity(outcome.recipients.len(), 0)?;
    for recipient in &outcome.recipients {
        let one = kit.lua.create_table_with_capacity(0, 4)?;
        one.raw_set("address", recipient.address.as_str())?;
        one.raw_set("backend", recipient.backend.as_deref())?;
        one.raw_set("code", recipient.code.get())?;
        one.raw_set("status", recipient.status.map(|status| status.to_string()))?;
        recipients.raw_push(kit.view("recipient", one)?)?;
    }
    facts.raw_set("recipients", kit.view("recipients", recipients)?)?;
    facts.raw_set("score", outcome.score)?;
    let symbols = kit.lua.create_table_with_capacity(outcome.symbols.len(), 0)?;
    for score in &outcome.symbols {
        symbols.raw_push(subject::score(kit, score)?)?;
    }
    facts.raw_set("symbols", kit.view("symbols", symbols)?)?;
    kit.view("outcome", facts)
}

/// `ending`.
pub(in crate::lua) fn ending(kit: &Kit, ending: &Ending) -> mlua::Result<Table> {
    let facts = kit.lua.create_table_with_capacity(0, 6)?;
    facts.raw_set("reason", ending.reason)?;
    facts.raw_set("by", ending.by)?;
    facts.raw_set("last_verb", ending.last_verb.as_deref())?;
    facts.raw_set("seconds", ending.duration.as_secs_f64())?;
    facts.raw_set("messages", ending.messages)?;
    facts.raw_set("octets", ending.octets)?;
    kit.view("ending", facts)
}

/// `code`, `status` and `text` of a reply.
fn facts_of(kit: &Kit, reply: &Reply) -> mlua::Result<Table> {
    let facts = kit.lua.create_table_with_capacity(0, 8)?;
    facts.raw_set("code", reply.code.get())?;
    let status = match reply.enhanced {
        Some(status) => status.to_string().into_lua(&kit.lua)?,
        None => Value::Nil,
    };
    facts.raw_set("status", status)?;
    facts.raw_set("text", reply.text())?;
    Ok(facts)
}
