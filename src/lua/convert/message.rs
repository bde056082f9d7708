//! `message`, as scripts see it: its header, with the edits of policies laid over it, and its digest.

use std::fmt::Write;
use std::rc::Rc;

use mlua::{Function, IntoLua, Lua, Table, Value};

use crate::lua::api;
use crate::lua::call::Call;
use crate::lua::convert::kit::{Kit, Method};
use crate::lua::guard::Guard;
use crate::lua::sandbox::raise;
use crate::message::edit::{Edit, EditedField, EditedHeader, NewField, name_of};
use crate::message::encoded_word;
use crate::message::view::MessageView;
use crate::policy::event::Stage;

/// Edits of one message at most.
const EDITS: usize = 1000;
/// Methods of a later version.
const LATER: &[&str] = &["parts", "urls", "body", "find", "chunks", "authenticate", "sign", "seal", "append_text"];

/// The subject of `header` and `message`.
pub(in crate::lua) fn table(kit: &Kit, message: &MessageView) -> mlua::Result<Table> {
    kit.message.call((message.size, message.header_size))
}

/// The methods of `message`.
pub(super) fn methods(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<Table> {
    let methods = lua.create_table()?;
    let method = |name| Method { guard: Rc::clone(guard), class: "message", name };
    let get = method("header");
    methods.raw_set("header", lua.create_function(move |lua, (this, name): (Value, Value)| {
        let (message, call, name) = get.named(lua, &this, &name)?;
        let header = Lines::new(&message, &call);
        let found = header.named(&name).next().map(|line| encoded_word::decode(&line.raw));
        or_none(lua, found)
    })?)?;
    let get = method("headers");
    methods.raw_set("headers", lua.create_function(move |lua, (this, name): (Value, Value)| {
        let (message, call, name) = get.named(lua, &this, &name)?;
        let header = Lines::new(&message, &call);
        lua.create_sequence_from(header.named(&name).map(|line| encoded_word::decode(&line.raw)))
    })?)?;
    let get = method("raw_header");
    methods.raw_set("raw_header", lua.create_function(move |lua, (this, name): (Value, Value)| {
        let (message, _, name) = get.named(lua, &this, &name)?;
        let found = message.header.named(&name).next().map(|field| lua.create_string(as_sent(&message, field)));
        or_none(lua, found.transpose()?)
    })?)?;
    let get = method("fields");
    methods.raw_set("fields", lua.create_function(move |lua, this: Value| {
        let (message, call) = get.message(lua, &this)?;
        fields(lua, Lines::new(&message, &call).0)
    })?)?;
    for (name, edit) in [
        ("add_header", Edit::Add as fn(NewField) -> Edit),
        ("prepend_header", Edit::Prepend),
        ("replace_header", Edit::Replace),
    ] {
        let put = method(name);
        methods.raw_set(name, lua.create_function(move |lua, (this, name, value): (Value, Value, Value)| {
            let (_, call, name) = put.named(lua, &this, &name)?;
            let field = NewField::new(&name, &value_text(lua, &value)?).map_err(|error| raise(lua, &error.to_string()))?;
            push(lua, &call, edit(field))
        })?)?;
    }
    let remove = method("remove_header");
    methods.raw_set("remove_header", lua.create_function(move |lua, (this, which): (Value, Value)| {
        let (_, call) = remove.message(lua, &this)?;
        match which {
            Value::String(name) => push(lua, &call, Edit::RemoveNamed(name.to_string_lossy())),
            Value::Integer(number) => push(lua, &call, Edit::RemoveNumbered(usize::try_from(number).unwrap_or(usize::MAX))),
            _ => Err(raise(lua, "message:remove_header(name or number)")),
        }
    })?)?;
    methods.raw_set("sha256", sha256(lua, method("sha256"))?)?;
    for name in LATER {
        let later = move |lua: &Lua, ()| -> mlua::Result<()> { Err(raise(lua, &format!("message:{name} is not in this version"))) };
        methods.raw_set(*name, lua.create_function(later)?)?;
    }
    Ok(methods)
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
    fn named(&self, lua: &Lua, this: &Value, name: &Value) -> mlua::Result<(Rc<MessageView>, Rc<Call>, String)> {
        let (message, call) = self.message(lua, this)?;
        match name {
            Value::String(name) => Ok((message, call, name.to_string_lossy())),
            _ => Err(raise(lua, &format!("message:{}: a field's name is wanted", self.name))),
        }
    }
}

/// `message:sha256()`, which waits.
fn sha256(lua: &Lua, method: Method) -> mlua::Result<Function> {
    let method = Rc::new(method);
    lua.create_async_function(move |lua, this: Value| {
        let method = Rc::clone(&method);
        async move {
            let (message, call) = method.message(&lua, &this)?;
            if call.stage != Some(Stage::Message) {
                return Err(raise(&lua, "message:sha256 can be asked at message only"));
            }
            api::may_wait(&lua, &method.guard)?;
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

/// One field after edits.
struct Line {
    name: String,
    /// Behind the colon.
    raw: Vec<u8>,
    /// Counts the fields as received, from 1; 0 for a new one.
    number: usize,
}

/// The header after edits, in order.
struct Lines(Vec<Line>);

impl Lines {
    fn new(message: &MessageView, call: &Call) -> Lines {
        let edits = call.edits.borrow();
        let header = &message.header;
        let edited = EditedHeader::new(header, &edits);
        let top = edited.top.iter().map(|field| EditedField::New(field));
        let all = top.chain(edited.fields.iter().cloned());
        let line = |field: EditedField<'_>| Line {
            name: name_of(header, &field).to_owned(),
            raw: match &field {
                EditedField::New(field) => field.value().as_bytes().to_vec(),
                EditedField::Original(at) => {
                    header.fields().get(*at).map(|field| header.raw_value(field).to_vec()).unwrap_or_default()
                }
            },
            number: match field {
                EditedField::New(_) => 0,
                EditedField::Original(at) => at + 1,
            },
        };
        Lines(all.map(line).collect())
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Line> {
        self.0.iter().filter(move |line| line.name.eq_ignore_ascii_case(name))
    }
}

/// The iterator that `message:fields()` gives.
fn fields(lua: &Lua, lines: Vec<Line>) -> mlua::Result<Function> {
    let mut lines = lines.into_iter();
    lua.create_function_mut(move |lua, ()| {
        let Some(line) = lines.next() else { return Ok(Value::Nil) };
        let table = lua.create_table_with_capacity(0, 4)?;
        table.raw_set("name", line.name)?;
        table.raw_set("value", encoded_word::decode(&line.raw))?;
        table.raw_set("raw", lua.create_string(trimmed(&line.raw))?)?;
        table.raw_set("number", line.number)?;
        Ok(Value::Table(table))
    })
}

/// The value of a field as sent, without the line end.
fn as_sent<'a>(message: &'a MessageView, field: &crate::message::header::Field) -> &'a [u8] {
    trimmed(message.header.raw_value(field))
}

fn trimmed(raw: &[u8]) -> &[u8] {
    raw.strip_suffix(b"\r\n").unwrap_or(raw)
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
        Value::String(text) => Ok(text.to_string_lossy()),
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
