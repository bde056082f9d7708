//! What a test says of names and of web servers, read; and what web servers were asked, for a test to read.

use mlua::{Lua, Table, Value};

use crate::lookup::error::LookupError;
use crate::lua::api::json;
use crate::lua::trial::visit::article;
use crate::lua::trial::world::{Asked, Page, Records};

/// What `dns.stub` says of one name: an array of { type, value }, or a word.
pub(super) fn records(value: &Value) -> Result<Records, String> {
    let table = match value {
        Value::String(word) => return Ok(Records::Trouble(word.to_string_lossy())),
        Value::Table(table) => table,
        other => {
            return Err(format!(
                "records or a word such as \"timeout\" are wanted, this is {}",
                article(other.type_name())
            ));
        }
    };
    let mut records = Vec::new();
    for pair in table.sequence_values::<Table>() {
        let pair = pair.map_err(|error| error.to_string())?;
        let text = |at: usize| pair.raw_get::<String>(at).map_err(|error| error.to_string());
        records.push((text(1)?, text(2)?));
    }
    Ok(Records::Known(records))
}

/// What `http.stub` says of one URL: a table { status, headers, body or json }, or a word.
pub(super) fn page(lua: &Lua, value: &Value) -> Result<Page, String> {
    let table = match value {
        Value::String(word) => return trouble(&word.to_string_lossy()).map(Page::Trouble),
        Value::Table(table) => table,
        other => {
            return Err(format!(
                "http.stub: a table or a word such as \"timeout\" is wanted, this is {}",
                article(other.type_name())
            ));
        }
    };
    let (mut status, mut headers, mut body) = (200, Vec::new(), Vec::new());
    for pair in table.pairs::<String, Value>() {
        match pair.map_err(|error| error.to_string())? {
            (key, Value::Integer(code)) if key == "status" => {
                status = u16::try_from(code).map_err(|_| format!("http.stub: {code} is no status"))?;
            }
            (key, Value::String(text)) if key == "body" => body = text.as_bytes().to_vec(),
            (key, Value::Table(fields)) if key == "headers" => {
                for field in fields.pairs::<String, String>() {
                    headers.push(field.map_err(|error| error.to_string())?);
                }
            }
            (key, value) if key == "json" => {
                let text = json::encode(lua, &value).map_err(|error| error.to_string())?;
                body = text.map_err(|kind| format!("http.stub: json: {kind}"))?.into_bytes();
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            (key, _) => {
                return Err(format!("http.stub takes status, headers, body and json; not '{key}' so"));
            }
        }
    }
    Ok(Page::Reply { status, headers, body })
}

fn trouble(word: &str) -> Result<LookupError, String> {
    let known = [
        LookupError::Timeout,
        LookupError::Refused,
        LookupError::Unreachable,
        LookupError::Invalid,
        LookupError::TooLarge,
        LookupError::Unavailable,
    ];
    let found = known.into_iter().find(|error| error.kind() == word);
    found.ok_or_else(|| format!("http.stub: '{word}' is none of {}", known.map(LookupError::kind).join(", ")))
}

/// A request as a table.
pub(super) fn request(lua: &Lua, asked: Asked) -> mlua::Result<Table> {
    let request = lua.create_table()?;
    request.raw_set("method", asked.method)?;
    request.raw_set("url", asked.url)?;
    request.raw_set("body", lua.create_string(asked.body)?)?;
    let headers = lua.create_table()?;
    for (name, value) in asked.headers {
        headers.raw_set(name, value)?;
    }
    request.raw_set("headers", headers)?;
    Ok(request)
}
