//! `hash`: digests for scripts, written in hex unless they say otherwise.

use std::rc::Rc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mlua::{Lua, Table};

use crate::lua::api::Parts;
use crate::lua::api::module::{Arguments, Module, Octets, OrKind, When};
use crate::lua::charge::Rate;
use crate::lua::guard::Guard;

/// Octets of a text: what takes longer would hold up other sessions.
const LONGEST: usize = 256 << 10;

/// Opens the module `hash`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, _: &Parts) -> mlua::Result<Table> {
    let hash = Module::new(lua, guard, "hash")?.taking(Rate::DIGESTED);
    for (name, algorithm) in [
        // For what others have defined so, as fingerprints and old interfaces; nothing new should be.
        ("sha1", &digest::SHA1_FOR_LEGACY_USE_ONLY),
        ("sha256", &digest::SHA256),
        ("sha384", &digest::SHA384),
        ("sha512", &digest::SHA512),
    ] {
        hash.function(name, When::Always, move |_, arguments| {
            let text = arguments.octets(1, "a text")?;
            let form = Form::read(arguments, 2)?;
            let digest = bounded(&text).map(|text| form.write(digest::digest(algorithm, text).as_ref()));
            Ok(OrKind(digest))
        })?;
    }
    Ok(hash.finish())
}

/// How a digest is written.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Hex,
    Base64,
    Raw,
}

impl Form {
    pub(super) fn read(arguments: &Arguments, place: usize) -> Result<Self, String> {
        if arguments.at(place).is_nil() {
            return Ok(Self::Hex);
        }
        match arguments.text(place, "\"hex\", \"base64\" or \"raw\"")?.as_str() {
            "hex" => Ok(Self::Hex),
            "base64" => Ok(Self::Base64),
            "raw" => Ok(Self::Raw),
            other => Err(format!("'{other}' is none of hex, base64, raw")),
        }
    }

    /// The digest in this form.
    pub(super) fn write(self, digest: &[u8]) -> Octets {
        Octets(match self {
            Self::Hex => digest.iter().flat_map(|octet| format!("{octet:02x}").into_bytes()).collect(),
            Self::Base64 => STANDARD.encode(digest).into_bytes(),
            Self::Raw => digest.to_vec(),
        })
    }
}

/// `text`, if it isn't too long.
pub(super) fn bounded(text: &[u8]) -> Result<&[u8], &'static str> {
    if text.len() > LONGEST { Err("too_large") } else { Ok(text) }
}
