//! `session.auth` and `credentials`, as scripts see them.

use mlua::Table;

use crate::lua::convert::kit::Kit;
use crate::policy::event::Credentials;
use crate::session::login::Login;

/// The table of `session.auth`.
pub(in crate::lua) fn auth(kit: &Kit, login: &Login) -> mlua::Result<Table> {
    let facts = kit.lua.create_table()?;
    facts.raw_set("user", &*login.user)?;
    facts.raw_set("mechanism", login.mechanism.as_str())?;
    kit.view("auth", facts)
}

/// The table of `credentials`. What is in it lives until the garbage collector has been there.
pub(in crate::lua) fn credentials(kit: &Kit, shown: &Credentials<'_>) -> mlua::Result<Table> {
    let facts = kit.lua.create_table()?;
    facts.raw_set("mechanism", shown.mechanism.as_str())?;
    facts.raw_set("user", shown.user)?;
    let name = if shown.is_token { "token" } else { "password" };
    facts.raw_set(name, kit.lua.create_string(shown.secret.octets())?)?;
    kit.view("credentials", facts)
}
