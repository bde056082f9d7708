//! `message`, as scripts see it: its header, with the edits of policies laid over it, and its digest.

use std::fmt::Write;
use std::rc::Rc;

use mlua::{Function, IntoLua, Lua, LuaString, Table, Value};

use crate::lua::call::Call;
use crate::lua::caller::raise;
use crate::lua::charge::{self, Rate, taken};
use crate::lua::convert::fields;
use crate::lua::convert::kit::Kit;
use crate::lua::guard::Guard;
use crate::lua::method::Method;
use crate::lua::suspend;
use crate::message::edit::{Edit, NewField};
use crate::message::encoded_word;
use crate::message::view::MessageView;
use crate::policy::event::Stage;

/// Edits of one message at most.
const EDITS: usize = 1000;
/// Methods of a later version.
const LATER: &[&str] =
    &["parts", "urls", "body", "find", "chunks", "authenticate", "sign", "seal", "append_text"];

/// The subject of `header` and `message`.
pub(in crate::lua) fn table(kit: &Kit, message: &MessageView) -> mlua::Result<Table> {
    kit.message.call((message.size, message.header_size))
}

/// The methods of `message`.
pub(in crate::lua) fn methods(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<Table> {
    let methods = lua.create_table()?;
    let method = |name| Method { guard: Rc::clone(guard), class: "message", name };
    readers(lua, &methods, method)?;
    writers(lua, &methods, method)?;
    methods.raw_set("sha256", sha256(lua, method("sha256"))?)?;
    for name in LATER {
        let later = move |lua: &Lua, ()| -> mlua::Result<()> {
            Err(raise(lua, &format!("message:{name} is not in this version")))
        };
        methods.raw_set(*name, lua.create_function(later)?)?;
    }
    Ok(methods)
}

/// Fields of a message that a later version brings raise; others are nil.
pub(in crate::lua) fn later_facts(lua: &Lua, (_, key): (Table, Value)) -> mlua::Result<Value> {
    const LATER: &[&str] = &["from", "to", "cc", "reply_to", "subject", "message_id", "date", "limits_hit"];
    let key = key.as_string().map(LuaString::to_string_lossy).unwrap_or_default();
    match LATER.contains(&key.as_str()) {
        true => Err(raise(lua, &format!("message.{key} is not in this version"))),
        false => Ok(Value::Nil),
    }
}

/// The methods that read the header.
fn readers(lua: &Lua, methods: &Table, method: impl Fn(&'static str) -> Method) -> mlua::Result<()> {
    let get = method("header");
    let header = move |lua: &Lua, (this, name): (Value, Value)| {
        let (message, call, name) = get.named(lua, &this, &name)?;
        let found = fields::named(lua, &message.header, &call.edits.borrow(), &name, 1)?;
        or_none(lua, found.first().map(|raw| encoded_word::decode(raw).into_owned()))
    };
    methods.raw_set("header", lua.create_function(header)?)?;
    let get = method("headers");
    let headers = move |lua: &Lua, (this, name): (Value, Value)| {
        let (message, call, name) = get.named(lua, &this, &name)?;
        let found = fields::named(lua, &message.header, &call.edits.borrow(), &name, usize::MAX)?;
        lua.create_sequence_from(found.iter().map(|raw| encoded_word::decode(raw).into_owned()))
    };
    methods.raw_set("headers", lua.create_function(headers)?)?;
    let get = method("raw_header");
    let raw_header = move |lua: &Lua, (this, name): (Value, Value)| {
        let (message, _, name) = get.named(lua, &this, &name)?;
        fields::charge_walk(lua, &message.header, &[])?;
        let found = message.header.named(&name).next().map(|field| message.header.raw_value(field));
        or_none(lua, found.map(|raw| lua.create_string(fields::trimmed(raw))).transpose()?)
    };
    methods.raw_set("raw_header", lua.create_function(raw_header)?)?;
    let get = method("fields");
    let all = move |lua: &Lua, this: Value| {
        let (message, call) = get.message(lua, &this)?;
        fields::walk(lua, message, &call.edits.borrow())
    };
    // `prelude/objects.lua` makes the iterator of it: tables are made there for a fraction of the price.
    methods.raw_set("walk_fields", lua.create_function(all)?)
}

/// The methods that edit the header.
fn writers(lua: &Lua, methods: &Table, method: impl Fn(&'static str) -> Method) -> mlua::Result<()> {
    for (name, edit) in [
        ("add_header", Edit::Add as fn(NewField) -> Edit),
        ("prepend_header", Edit::Prepend),
        ("replace_header", Edit::Replace),
    ] {
        let put = method(name);
        let write = move |lua: &Lua, (this, name, value): (Value, Value, Value)| {
            let (_, call, name) = put.named(lua, &this, &name)?;
            let field = NewField::new(&name, &value_text(lua, &value)?);
            push(lua, &call, edit(field.map_err(|error| raise(lua, &error.to_string()))?))
        };
        methods.raw_set(name, lua.create_function(write)?)?;
    }
    let get = method("remove_header");
    let remove = move |lua: &Lua, (this, which): (Value, Value)| {
        let (_, call) = get.message(lua, &this)?;
        match which {
            Value::String(name) => push(lua, &call, Edit::RemoveNamed(taken(lua, &name)?)),
            Value::Integer(number) => {
                push(lua, &call, Edit::RemoveNumbered(usize::try_from(number).unwrap_or(usize::MAX)))
            }
            _ => Err(raise(lua, "message:remove_header(name or number)")),
        }
    };
    methods.raw_set("remove_header", lua.create_function(remove)?)
}

impl Method {
    /// The message that `this` is, while its stage lasts.
    fn message(&self, lua: &Lua, this: &Value) -> mlua::Result<(Rc<MessageView>, Rc<Call>)> {
        self.check(lua, this)?;
        let call = self.guard.call().filter(|call| std::ptr::eq(call.subject.get(), this.to_pointer()));
        match call.as_ref().and_then(|call| call.message.clone()).zip(call) {
            Some(found) => Ok(found),
            None => Err(raise(lua, "message is gone")),
        }
    }

    /// The same with a field's name.
    fn named(
        &self,
        lua: &Lua,
        this: &Value,
        name: &Value,
    ) -> mlua::Result<(Rc<MessageView>, Rc<Call>, String)> {
        let (message, call) = self.message(lua, this)?;
        match name {
            Value::String(name) => Ok((message, call, taken(lua, name)?)),
            _ => Err(raise(lua, &format!("message:{}: a field's name is wanted", self.name))),
        }
    }
}

/// `message:sha256()`, which waits.
fn sha256(lua: &Lua, method: Method) -> mlua::Result<Function> {
    let method = Rc::new(method);
    suspend::function(lua, &Rc::clone(&method.guard), move |lua, this: Value| {
        let method = Rc::clone(&method);
        async move {
            let (message, call) = method.message(&lua, &this)?;
            if call.stage != Some(Stage::Message) {
                return Err(raise(&lua, "message:sha256 can be asked at message only"));
            }
            suspend::may_wait(&lua, &method.guard)?;
            match message.sha256().await {
                Some(Ok(digest)) => {
                    let mut hex = String::with_capacity(64);
                    for octet in digest {
                        let _ = write!(hex, "{octet:02x}");
                    }
                    or_none(&lua, Some(hex))
                }
                // The spool fails: nobody knows the digest now.
                Some(Err(_)) | None => Ok((Value::Nil, Some("unavailable"))),
            }
        }
    })
}

fn push(lua: &Lua, call: &Call, edit: Edit) -> mlua::Result<()> {
    let mut edits = call.edits.borrow_mut();
    if edits.len() >= EDITS {
        return Err(raise(lua, "more than 1000 edits of one message"));
    }
    edits.push(edit);
    Ok(())
}

/// What a script gives as a field's value; numbers and booleans as text.
fn value_text(lua: &Lua, value: &Value) -> mlua::Result<String> {
    match value {
        Value::String(text) => {
            charge::octets(lua, text.as_bytes().len(), Rate::READ)?;
            Ok(text.to_string_lossy())
        }
        Value::Integer(whole) => Ok(whole.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Boolean(truth) => Ok(truth.to_string()),
        other => Err(raise(lua, &format!("text is wanted, this is a {}", other.type_name()))),
    }
}

/// The value, or `nil, "none"`.
fn or_none(lua: &Lua, value: Option<impl IntoLua>) -> mlua::Result<(Value, Option<&'static str>)> {
    match value {
        Some(value) => Ok((value.into_lua(lua)?, None)),
        None => Ok((Value::Nil, Some("none"))),
    }
}
