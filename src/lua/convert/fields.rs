//! The fields of a header as scripts read them: with the edits that policies have made so far.

use std::rc::Rc;

use mlua::{Function, Lua, Table};

use crate::lua::charge::{self, Rate};
use crate::message::edit::{Edit, EditedField, EditedHeader, name_of};
use crate::message::encoded_word;
use crate::message::header::Header;
use crate::message::view::MessageView;

/// One field after edits.
struct Line {
    name: String,
    /// What stands behind the colon.
    raw: Vec<u8>,
    /// Counts the fields as received, from 1; 0 for a new one.
    number: usize,
}

/// What stands behind the colon in the fields called `name`, at most `most` of them.
///
/// *Errors*: the hook has no time left for that.
pub(super) fn named(
    lua: &Lua,
    header: &Header,
    edits: &[Edit],
    name: &str,
    most: usize,
) -> mlua::Result<Vec<Vec<u8>>> {
    charge_walk(lua, header, edits)?;
    let found: Vec<Vec<u8>> = if edits.is_empty() {
        header.named(name).take(most).map(|field| header.raw_value(field).to_vec()).collect()
    } else {
        let edited = EditedHeader::new(header, edits);
        let is_named = |field: &EditedField<'_>| name_of(header, field).eq_ignore_ascii_case(name);
        in_order(&edited).filter(is_named).take(most).map(|field| raw(header, &field)).collect()
    };
    // They are about to be decoded.
    charge::octets(lua, found.iter().map(Vec::len).sum(), Rate::READ)?;
    Ok(found)
}

/// Charges what looking at all fields takes: each edit before may look at all of them, too.
pub(super) fn charge_walk(lua: &Lua, header: &Header, edits: &[Edit]) -> mlua::Result<()> {
    let fields = header.fields().len();
    charge::steps(lua, fields.saturating_mul(FIELD + edits.len()))
}

/// Steps that looking at a field's name takes.
const FIELD: usize = 4;
/// Steps that giving it to a script takes.
const GIVEN: usize = 40;

/// The fields of a message in their order, for `message:fields()`.
struct Walk {
    message: Rc<MessageView>,
    /// The fields after edits; none if there were no edits, then the message's own are walked.
    edited: Option<Vec<Line>>,
}

impl Walk {
    fn new(message: Rc<MessageView>, edits: &[Edit]) -> Walk {
        let edited = (!edits.is_empty()).then(|| lines(&message.header, edits));
        Walk { message, edited }
    }

    /// What stands behind the colon of the field at `place`, from 1.
    fn raw(&self, place: usize) -> Option<&[u8]> {
        let at = place.checked_sub(1)?;
        if let Some(lines) = &self.edited {
            return lines.get(at).map(|line| line.raw.as_slice());
        }
        let header = &self.message.header;
        header.fields().get(at).map(|field| header.raw_value(field))
    }
}

/// What is behind `message:fields()`: the names; a function; and the numbers, if there were edits.
///
/// The function gives the value and the raw value of the field at this place, counted from 1: few fields are read.
pub(super) fn walk(
    lua: &Lua,
    message: Rc<MessageView>,
    edits: &[Edit],
) -> mlua::Result<(Table, Function, Option<Table>)> {
    charge_walk(lua, &message.header, edits)?;
    charge::steps(lua, message.header.fields().len().saturating_mul(GIVEN))?;
    let walk = Walk::new(message, edits);
    let header = &walk.message.header;
    let (names, numbers) = match &walk.edited {
        Some(lines) => (
            lua.create_sequence_from(lines.iter().map(|line| line.name.as_str()))?,
            Some(lua.create_sequence_from(lines.iter().map(|line| line.number))?),
        ),
        None => (lua.create_sequence_from(header.fields().iter().map(|field| header.name(field)))?, None),
    };
    let read = lua.create_function(move |lua, place: usize| match walk.raw(place) {
        None => Ok((None, None)),
        Some(raw) => {
            charge::octets(lua, raw.len(), Rate::READ)?;
            let value = lua.create_string(encoded_word::decode(raw).as_bytes())?;
            Ok((Some(value), Some(lua.create_string(trimmed(raw))?)))
        }
    })?;
    Ok((names, read, numbers))
}

fn lines(header: &Header, edits: &[Edit]) -> Vec<Line> {
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
