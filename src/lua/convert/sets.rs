//! Sets that scripts ask: of networks and of domains. One copy, however many look at it.

use std::sync::Arc;

use mlua::{LuaString, MetaMethod, UserData, UserDataMethods, Value};

use crate::lua::caller::raise;
use crate::lua::charge::taken;
use crate::names::domain_set::DomainSet;
use crate::names::network::parse_address;
use crate::names::network_set::NetworkSet;

/// A set of networks, as `ip.set` makes it and an option of the type `networks` is.
#[derive(Clone, Debug)]
pub struct NetworkSetObject(pub Arc<NetworkSet>);

/// A set of domains, as `domains.set` makes it and an option of the type `domains` is.
#[derive(Clone, Debug)]
pub struct DomainSetObject(pub Arc<DomainSet>);

impl UserData for NetworkSetObject {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("contains", |lua, set, address: LuaString| {
            let address = taken(lua, &address)?;
            Ok(parse_address(&address).is_some_and(|address| set.0.contains(address)))
        });
        methods.add_method("get", |lua, set, address: LuaString| {
            let address = taken(lua, &address)?;
            let Some(address) = parse_address(&address) else { return Ok((None, Some("invalid"))) };
            match set.0.matching(address) {
                Some(network) => Ok((Some(network.to_string()), None)),
                None => Ok((None, Some("none"))),
            }
        });
        methods.add_meta_method(MetaMethod::Len, |_, set, ()| Ok(set.0.len()));
        methods.add_meta_method(MetaMethod::NewIndex, |lua, _, _: (Value, Value)| -> mlua::Result<()> {
            Err(raise(lua, "a set is read-only"))
        });
    }
}

impl UserData for DomainSetObject {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods
            .add_method("contains", |lua, set, domain: LuaString| Ok(set.0.contains(&taken(lua, &domain)?)));
        methods.add_method("get", |lua, set, domain: LuaString| {
            match set.0.matching(&taken(lua, &domain)?) {
                Some(entry) => Ok((Some(entry.to_owned()), None)),
                None => Ok((None, Some("none"))),
            }
        });
        methods.add_meta_method(MetaMethod::Len, |_, set, ()| Ok(set.0.len()));
        methods.add_meta_method(MetaMethod::NewIndex, |lua, _, _: (Value, Value)| -> mlua::Result<()> {
            Err(raise(lua, "a set is read-only"))
        });
    }
}
