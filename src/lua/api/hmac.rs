//! `hmac`: codes over a text and a key, for scripts that sign what they send or check what they get.

use std::rc::Rc;

use aws_lc_rs::{constant_time, hmac};
use mlua::{Lua, Table};

use crate::lua::api::Parts;
use crate::lua::api::hash::{Form, bounded};
use crate::lua::api::module::{Module, OrKind, When};
use crate::lua::charge::Rate;
use crate::lua::guard::Guard;

/// Opens the module `hmac`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, _: &Parts) -> mlua::Result<Table> {
    let module = Module::new(lua, guard, "hmac")?.taking(Rate::DIGESTED);
    for (name, algorithm) in [
        ("sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        ("sha256", hmac::HMAC_SHA256),
        ("sha384", hmac::HMAC_SHA384),
        ("sha512", hmac::HMAC_SHA512),
    ] {
        module.function(name, When::Always, move |_, arguments| {
            let (key, text) = (arguments.octets(1, "a key")?, arguments.octets(2, "a text")?);
            let form = Form::read(arguments, 3)?;
            let key = hmac::Key::new(algorithm, bounded(&key).map_err(|_| "the key is too long")?);
            Ok(OrKind(bounded(&text).map(|text| form.write(hmac::sign(&key, text).as_ref()))))
        })?;
    }
    module.function("equal", When::Always, |_, arguments| {
        let (one, other) = (arguments.octets(1, "a text")?, arguments.octets(2, "another text")?);
        Ok(constant_time::verify_slices_are_equal(&one, &other).is_ok())
    })?;
    Ok(module.finish())
}
