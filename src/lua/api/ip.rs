//! `ip`: addresses and networks for scripts. Addresses are text; a v4-mapped one is its IPv4.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use mlua::{Lua, Table};

use crate::lua::api::Parts;
use crate::lua::api::module::{Arguments, Module, OrKind, When};
use crate::lua::convert::sets::NetworkSetObject;
use crate::lua::guard::Guard;
use crate::names::network::{is_loopback, is_private, network, parse_address};
use crate::names::network_set::NetworkSet;

/// Entries of one set that a script writes itself; longer lists come from an option.
const ENTRIES: usize = 100_000;

/// Opens the module `ip`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, _: &Parts) -> mlua::Result<Table> {
    let ip = Module::new(lua, guard, "ip")?;
    ip.function("set", When::Loading, |_, arguments| {
        let entries = arguments.texts(1, "a list of networks", ENTRIES)?;
        let set = NetworkSet::parse(entries).map_err(|error| error.to_string())?;
        Ok(NetworkSetObject(Arc::new(set)))
    })?;
    ip.function("network", When::Always, |_, arguments| {
        let (v4_bits, v6_bits) = (arguments.bits(2, 32, 24)?, arguments.bits(3, 128, 64)?);
        let found = address(arguments)?.and_then(|address| network(address, v4_bits, v6_bits));
        Ok(OrKind(found.map(|network| network.to_string()).ok_or("invalid")))
    })?;
    ip.function("is_private", When::Always, |_, arguments| {
        Ok(OrKind(address(arguments)?.map(is_private).ok_or("invalid")))
    })?;
    ip.function("is_loopback", When::Always, |_, arguments| {
        Ok(OrKind(address(arguments)?.map(is_loopback).ok_or("invalid")))
    })?;
    ip.function("valid", When::Always, |_, arguments| Ok(address(arguments)?.is_some()))?;
    Ok(ip.finish())
}

/// The first argument as an address; none if the text is none.
fn address(arguments: &Arguments) -> Result<Option<IpAddr>, String> {
    Ok(parse_address(&arguments.text(1, "an address")?))
}
