//! `base64`: octets as text, and back, for scripts.

use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mlua::{Lua, Table, Value};

use crate::lua::api::Parts;
use crate::lua::api::hash::bounded;
use crate::lua::api::module::{Arguments, Module, Octets, OrKind, When};
use crate::lua::charge::Rate;
use crate::lua::guard::Guard;

/// Opens the module `base64`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, _: &Parts) -> mlua::Result<Table> {
    let base64 = Module::new(lua, guard, "base64")?.taking(Rate::WRITTEN);
    base64.function("encode", When::Always, |_, arguments| {
        let octets = arguments.octets(1, "a text")?;
        let is_url = is_url(arguments)?;
        Ok(OrKind(bounded(&octets).map(|octets| match is_url {
            true => URL_SAFE_NO_PAD.encode(octets),
            false => STANDARD.encode(octets),
        })))
    })?;
    base64.function("decode", When::Always, |_, arguments| {
        let mut text = arguments.octets(1, "a text")?;
        let is_url = is_url(arguments)?;
        // Mail breaks it into lines.
        text.retain(|octet| !octet.is_ascii_whitespace());
        Ok(OrKind(bounded(&text).and_then(|text| {
            let decoded = if is_url { URL_SAFE_NO_PAD.decode(text) } else { STANDARD.decode(text) };
            decoded.map(Octets).map_err(|_| "invalid")
        })))
    })?;
    Ok(base64.finish())
}

/// Whether the second argument asks for the alphabet of URLs.
fn is_url(arguments: &Arguments) -> Result<bool, String> {
    match arguments.at(2) {
        Value::Nil => Ok(false),
        Value::String(word) if word == "url" => Ok(true),
        _ => Err("the second argument is \"url\" or nothing".to_owned()),
    }
}
