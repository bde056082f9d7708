//! `domains`: domain names for scripts, compared as A-labels.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use mlua::{Lua, Table};

use crate::lua::api::Parts;
use crate::lua::api::module::{Module, OrKind, When};
use crate::lua::convert::sets::DomainSetObject;
use crate::lua::guard::Guard;
use crate::names::a_label::{ALabelError, to_ascii, to_unicode};
use crate::names::domain_set::{DomainSet, is_subdomain};
use crate::names::public_suffix::registrable;

/// Entries of one set that a script writes itself; longer lists come from an option.
const ENTRIES: usize = 100_000;

/// Opens the module `domains`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, _: &Parts) -> mlua::Result<Table> {
    let domains = Module::new(lua, guard, "domains")?;
    domains.function("set", When::Loading, |_, arguments| {
        let entries = arguments.texts(1, "a list of domains", ENTRIES)?;
        let set = DomainSet::parse(entries).map_err(|error| error.to_string())?;
        Ok(DomainSetObject(Arc::new(set)))
    })?;
    domains.function("registrable", When::Always, |_, arguments| {
        let domain = arguments.text(1, "a domain")?;
        Ok(OrKind(match registrable(&domain) {
            Ok(Some(registrable)) => Ok(registrable.into_owned()),
            Ok(None) => Err("none"),
            Err(_) => Err("invalid"),
        }))
    })?;
    for (name, write) in
        [("to_ascii", to_ascii as fn(&str) -> Result<Cow<'_, str>, ALabelError>), ("to_unicode", to_unicode)]
    {
        domains.function(name, When::Always, move |_, arguments| {
            let domain = arguments.text(1, "a domain")?;
            Ok(OrKind(write(&domain).map(Cow::into_owned).map_err(|_| "invalid")))
        })?;
    }
    domains.function("is_subdomain", When::Always, |_, arguments| {
        let (domain, parent) = (arguments.text(1, "a domain")?, arguments.text(2, "the domain above")?);
        Ok(OrKind(is_subdomain(&domain, &parent).map_err(|_| "invalid")))
    })?;
    Ok(domains.finish())
}
