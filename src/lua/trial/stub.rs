//! What a test says of names, of web servers and of maps on servers, read; and what web servers were asked, for a test to read.

use mlua::{Lua, Table, Value};

use crate::lookup::error::LookupError;
use crate::lua::api::json;
use crate::lua::trial::visit::article;
use crate::lua::trial::world::{Asked, Page, Records, Stub};

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
        Value::String(word) => {
            return trouble("http.stub", &TROUBLES, &word.to_string_lossy()).map(Page::Trouble);
        }
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

/// What `map.stub` says of one map: a table of keys and values, or a word.
pub(super) fn values(value: &Value) -> Result<Stub, String> {
    let wrong = || "map.stub: a map's keys and values are wanted, or a word such as \"timeout\"".to_owned();
    match value {
        Value::String(word) => {
            let known = [&TROUBLES[..], &[LookupError::ServFail]].concat();
            trouble("map.stub", &known, &word.to_string_lossy()).map(Stub::Trouble)
        }
        Value::Table(table) => {
            let pairs = table.pairs::<String, String>();
            let pairs: mlua::Result<_> = pairs.collect();
            pairs.map(Stub::Values).map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}

fn trouble(call: &str, known: &[LookupError], word: &str) -> Result<LookupError, String> {
    let found = known.iter().find(|error| error.kind() == word);
    found.copied().ok_or_else(|| {
        let words: Vec<&str> = known.iter().map(|error| error.kind()).collect();
        format!("{call}: '{word}' is none of {}", words.join(", "))
    })
}

/// What goes wrong with any server.
const TROUBLES: [LookupError; 6] = [
    LookupError::Timeout,
    LookupError::Refused,
    LookupError::Unreachable,
    LookupError::Invalid,
    LookupError::TooLarge,
    LookupError::Unavailable,
];

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
