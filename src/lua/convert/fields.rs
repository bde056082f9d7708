//! The fields of a header as scripts read them: with the edits that policies have made so far.

use mlua::{Function, Lua, Value};

use crate::message::edit::{Edit, EditedField, EditedHeader, name_of};
use crate::message::encoded_word;
use crate::message::header::Header;

/// One field after edits.
pub(super) struct Line {
    name: String,
    /// What stands behind the colon.
    raw: Vec<u8>,
    /// Counts the fields as received, from 1; 0 for a new one.
    number: usize,
}

/// What stands behind the colon in the fields called `name`, at most `most` of them.
pub(super) fn named(header: &Header, edits: &[Edit], name: &str, most: usize) -> Vec<Vec<u8>> {
    if edits.is_empty() {
        return header.named(name).take(most).map(|field| header.raw_value(field).to_vec()).collect();
    }
    let edited = EditedHeader::new(header, edits);
    let is_named = |field: &EditedField<'_>| name_of(header, field).eq_ignore_ascii_case(name);
    in_order(&edited).filter(is_named).take(most).map(|field| raw(header, &field)).collect()
}

/// All fields.
pub(super) fn all(header: &Header, edits: &[Edit]) -> Vec<Line> {
    let edited = EditedHeader::new(header, edits);
    let line = |field: EditedField<'_>| Line {
        name: name_of(header, &field).to_owned(),
        raw: raw(header, &field),
        number: match field {
            EditedField::New(_) => 0,
            EditedField::Original(at) => at + 1,
        },
    };
    in_order(&edited).map(line).collect()
}

/// The iterator that `message:fields()` gives.
pub(super) fn iterator(lua: &Lua, lines: Vec<Line>) -> mlua::Result<Function> {
    let mut lines = lines.into_iter();
    lua.create_function_mut(move |lua, _: (Value, Value)| {
        let Some(line) = lines.next() else { return Ok(Value::Nil) };
        let table = lua.create_table_with_capacity(0, 4)?;
        table.raw_set("name", line.name)?;
        table.raw_set("value", encoded_word::decode(&line.raw))?;
        table.raw_set("raw", lua.create_string(trimmed(&line.raw))?)?;
        table.raw_set("number", line.number)?;
        Ok(Value::Table(table))
    })
}

/// A raw value without its line end.
pub(super) fn trimmed(raw: &[u8]) -> &[u8] {
    raw.strip_suffix(b"\r\n").unwrap_or(raw)
}

fn in_order<'a>(edited: &'a EditedHeader<'a>) -> impl Iterator<Item = EditedField<'a>> {
    edited.top.iter().map(|field| EditedField::New(field)).chain(edited.fields.iter().cloned())
}

fn raw(header: &Header, field: &EditedField<'_>) -> Vec<u8> {
    match field {
        EditedField::New(field) => field.value().as_bytes().to_vec(),
        EditedField::Original(at) => {
            header.fields().get(*at).map(|field| header.raw_value(field).to_vec()).unwrap_or_default()
        }
    }
}
