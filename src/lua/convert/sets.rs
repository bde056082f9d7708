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
            Ok(or_none(set.0.matching(address).map(|network| network.to_string())))
        });
        read_only(methods, |set| set.0.len());
    }
}

impl UserData for DomainSetObject {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods
            .add_method("contains", |lua, set, domain: LuaString| Ok(set.0.contains(&taken(lua, &domain)?)));
        methods.add_method("get", |lua, set, domain: LuaString| {
            Ok(or_none(set.0.matching(&taken(lua, &domain)?).map(str::to_owned)))
        });
        read_only(methods, |set| set.0.len());
    }
}

/// The entry that was found, or nil and that there is none.
fn or_none(found: Option<String>) -> (Option<String>, Option<&'static str>) {
    let kind = found.is_none().then_some("none");
    (found, kind)
}

/// `#set`, and that nothing can be put into one.
fn read_only<T: 'static>(methods: &mut impl UserDataMethods<T>, length: fn(&T) -> usize) {
    methods.add_meta_method(MetaMethod::Len, move |_, set, ()| Ok(length(set)));
    methods.add_meta_method(MetaMethod::NewIndex, |lua, _, _: (Value, Value)| -> mlua::Result<()> {
        Err(raise(lua, "a set is read-only"))
    });
}
