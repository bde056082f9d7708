//! `http`: requests to web servers, for scripts. No judgement here: arguments in, `lookup::http`, values out.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mlua::{Lua, Table, UserData, UserDataFields, UserDataMethods, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::lookup::error::LookupError;
use crate::lookup::http::request::{Access, HeaderError, Permit, Reply, Request, add_header};
use crate::lookup::http::url::Url;
use crate::lua::api::Parts;
use crate::lua::api::json;
use crate::lua::api::module::{Arguments, Module, OrKind, When, duration};
use crate::lua::budget::LONGEST_TEXT;
use crate::lua::capability::Need;
use crate::lua::charge::{self, Rate};
use crate::lua::guard::Guard;
use crate::lua::units;
use crate::names::reach::{Reach, reach};

/// Redirects that a request may ask to be followed.
const MOST_REDIRECTS: i64 = 5;
/// Octets of a reply's body that a request may ask for.
const MOST_OCTETS: u64 = LONGEST_TEXT as u64;
/// Octets of a body that is sent.
const MOST_SENT: usize = 1 << 20;
/// Pairs of a form.
const MOST_PAIRS: usize = 1000;

/// Opens the module `http`, which asks the client of `parts`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table> {
    let http = Module::new(lua, guard, "http")?;
    for (name, method) in [("get", "GET"), ("post", "POST")] {
        let asked = parts.clone();
        http.waiting(name, move |arguments| {
            let url = arguments.text(1, "a URL")?;
            let options = arguments.named(2, "the options of the request")?;
            Ok(answer(asked.clone(), request(arguments, Some(url), method, options)?))
        })?;
    }
    let asked = parts.clone();
    http.waiting("request", move |arguments| {
        let options = arguments.named(1, "{ method = …, url = … }")?;
        Ok(answer(asked.clone(), request(arguments, None, "GET", options)?))
    })?;
    let asked = parts.clone();
    http.function("send", When::Hooks, move |_, arguments| {
        let options = arguments.named(1, "{ url = … }")?;
        let request = request(arguments, None, "POST", options)?;
        Ok(OrKind(request.and_then(|request| match asked.http() {
            Ok(client) if client.send(request) => Ok(true),
            _ => Err(LookupError::Unavailable.kind()),
        })))
    })?;
    Ok(http.finish())
}

/// What the server says, or the kind why it says nothing.
async fn answer(parts: Parts, request: Result<Request, &'static str>) -> OrKind<Answer> {
    let request = match request {
        Ok(request) => request,
        Err(kind) => return OrKind(Err(kind)),
    };
    let asked = match parts.http() {
        Ok(client) => client.ask(request).await,
        Err(error) => Err(error),
    };
    OrKind::looked_up(asked.map(Answer))
}

/// The request that a script describes; a kind for what the world may have put into it, as a URL that is none.
///
/// *Errors*: misuse, in words, and the capability that is missing.
fn request(
    arguments: &Arguments,
    url: Option<String>,
    method: &str,
    options: Vec<(String, Value)>,
) -> Result<Result<Request, &'static str>, String> {
    let is_general = url.is_none();
    let mut url = url;
    let mut method = method.to_owned();
    let mut rest = Vec::new();
    for (name, value) in options {
        match (name.as_str(), &value) {
            ("url", Value::String(text)) if is_general => url = Some(charge::name(text)),
            ("method", Value::String(text)) if is_general => method = charge::name(text),
            ("url" | "method", _) if is_general => return Err(format!("{name} is a text")),
            _ => rest.push((name, value)),
        }
    }
    let Ok(url) = url.ok_or("url is wanted")?.parse::<Url>() else {
        return Ok(Err(LookupError::Invalid.kind()));
    };
    let mut request = Request::get(url, permit(arguments));
    may_ask(arguments, &request)?;
    if !request.set_method(&method) {
        return Err(format!("'{method}' is none of {}", Request::METHODS.join(", ")));
    }
    for (name, value) in &rest {
        if let Err(kind) = option(arguments, &mut request, name, value)? {
            return Ok(Err(kind));
        }
    }
    Ok(Ok(request))
}

/// Where the policy's requests may lead.
fn permit(arguments: &Arguments) -> Permit {
    match arguments.call().and_then(|call| call.capabilities.clone()) {
        Some(capabilities) => Arc::new(move |url: &Url| capabilities.access(url)),
        None => Arc::new(|_: &Url| Access::Public),
    }
}

/// Nothing, if the policy may ask this server as far as its URL tells; a name's address is judged when it is known.
fn may_ask(arguments: &Arguments, request: &Request) -> Result<(), String> {
    let need = Need::Http(&request.url);
    arguments.allow(&need)?;
    let is_inside = request.url.address().is_some_and(|address| reach(address) == Reach::Site);
    match (request.permit)(&request.url) {
        Access::Public if is_inside => Err(need.refusal()),
        _ => Ok(()),
    }
}

/// Takes one option of a request.
fn option(
    arguments: &Arguments,
    request: &mut Request,
    name: &str,
    value: &Value,
) -> Result<Result<(), &'static str>, String> {
    match (name, value) {
        ("headers", Value::Table(table)) => return headers(request, table),
        ("timeout", value) => {
            request.timeout = duration("timeout", value)?;
            if request.timeout == Duration::ZERO {
                return Err("timeout is more than nothing".to_owned());
            }
        }
        ("redirects", Value::Integer(count)) if (0..=MOST_REDIRECTS).contains(count) => {
            request.redirects = usize::try_from(*count).unwrap_or_default();
        }
        ("redirects", _) => return Err(format!("redirects is a number from 0 to {MOST_REDIRECTS}")),
        ("max_size", value) => request.largest = size(value)?,
        ("body", Value::String(text)) => return Ok(body(request, None, text.as_bytes().to_vec())),
        ("json", value) => {
            let text = json::encode(arguments.lua(), value).map_err(|error| error.to_string())?;
            return Ok(text.and_then(|text| body(request, Some("application/json"), text.into_bytes())));
        }
        ("form", Value::Table(table)) => {
            let Some(text) = form(arguments, table)? else { return Ok(Err(LookupError::TooLarge.kind())) };
            return Ok(body(request, Some("application/x-www-form-urlencoded"), text.into_bytes()));
        }
        ("headers" | "form", _) => return Err(format!("{name} is a table")),
        ("body", _) => return Err("body is a text".to_owned()),
        _ => return Err(format!("'{name}' is none of {OPTIONS}")),
    }
    Ok(Ok(()))
}

const OPTIONS: &str = "headers, timeout, redirects, max_size, json, form, body";

/// Adds the headers that `table` names.
fn headers(request: &mut Request, table: &Table) -> Result<Result<(), &'static str>, String> {
    for pair in table.pairs::<Value, Value>().flatten() {
        let (Value::String(name), Some(value)) = (&pair.0, text(&pair.1)) else {
            return Err("headers are texts by name".to_owned());
        };
        let name = charge::name(name);
        match add_header(&mut request.headers, &name, &value) {
            Ok(()) => {}
            // What the client sent may be in it: no error of the policy's.
            Err(HeaderError::Value) => return Ok(Err(LookupError::Invalid.kind())),
            Err(HeaderError::TooLarge) => return Ok(Err(LookupError::TooLarge.kind())),
            Err(error) => return Err(format!("header '{name}': {error}")),
        }
    }
    Ok(Ok(()))
}

/// Gives the request a body, of `kind` unless a header says otherwise.
fn body(request: &mut Request, kind: Option<&str>, octets: Vec<u8>) -> Result<(), &'static str> {
    if octets.len() > MOST_SENT {
        return Err(LookupError::TooLarge.kind());
    }
    if let Some(kind) = kind
        && !request.headers.contains_key("content-type")
    {
        // Neither can fail: the name and the value are ours, and the headers have room for one more.
        let _ = add_header(&mut request.headers, "content-type", kind.as_bytes());
    }
    request.body = Bytes::from(octets);
    Ok(())
}

/// The pairs of `table` as a form, by name; nothing if it is more than may be sent.
fn form(arguments: &Arguments, table: &Table) -> Result<Option<String>, String> {
    let (mut pairs, mut octets) = (Vec::new(), 0_usize);
    for (name, value) in table.pairs::<Value, Value>().flatten() {
        let (Value::String(name), Some(value)) = (&name, text(&value)) else {
            return Err("a form is texts and numbers by name".to_owned());
        };
        if pairs.len() >= MOST_PAIRS {
            return Err(format!("a form of more than {MOST_PAIRS} pairs"));
        }
        let length = name.as_bytes().len().saturating_add(value.len());
        octets = octets.saturating_add(length);
        if octets > MOST_SENT {
            return Ok(None);
        }
        arguments.charge(length, Rate::READ)?;
        let name = percent_encode(&name.as_bytes(), ESCAPED).to_string();
        pairs.push(format!("{name}={}", percent_encode(&value, ESCAPED)));
    }
    pairs.sort();
    Ok(Some(pairs.join("&")))
}

/// All but what a URL may hold anywhere (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text, or a number as one.
fn text(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Integer(whole) => Some(whole.to_string().into_bytes()),
        Value::Number(number) => Some(number.to_string().into_bytes()),
        Value::Boolean(truth) => Some(truth.to_string().into_bytes()),
        _ => None,
    }
}

/// The octets that a reply may have.
fn size(value: &Value) -> Result<usize, String> {
    let octets = match value {
        Value::Integer(octets) => u64::try_from(*octets).ok(),
        Value::String(words) => units::size(&charge::name(words)),
        _ => None,
    };
    let octets = octets
        .filter(|octets| (1..=MOST_OCTETS).contains(octets))
        .and_then(|octets| usize::try_from(octets).ok());
    octets.ok_or_else(|| "max_size is a size of at most 2 MiB".to_owned())
}

/// What a server has said, as scripts have it.
struct Answer(Reply);

impl UserData for Answer {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("status", |_, answer| Ok(answer.0.status.as_u16()));
        fields.add_field_method_get("body", |lua, answer| {
            charge::octets(lua, answer.0.body.len(), Rate::COPIED)?;
            lua.create_string(&answer.0.body)
        });
        fields.add_field_method_get("headers", |lua, answer| {
            let headers = lua.create_table()?;
            for name in answer.0.headers.keys() {
                let values: Vec<&[u8]> =
                    answer.0.headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
                headers.raw_set(name.as_str(), lua.create_string(values.join(&b", "[..]))?)?;
            }
            Ok(headers)
        });
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("json", |lua, answer, ()| Ok(OrKind(json::decode(lua, &answer.0.body)?)));
    }
}
