//! The TLS of a client in a test, read: `session { tls = { … } }`.

use mlua::{FromLua, Lua, Table, Value};

use crate::lua::problem::did_you_mean;
use crate::names::fingerprint::Fingerprint;
use crate::session::tls::{ClientCertificate, Tls};

/// The keys that there are.
const TLS: &[&str] = &["version", "sni", "alpn", "client_certificate"];
const CERTIFICATE: &[&str] = &["subject", "issuer", "names", "sha256", "key_sha256", "verified"];

/// The TLS that `table` describes, as if there had been a handshake.
///
/// *Errors*: what is wrong with it, as a sentence.
pub(super) fn tls(lua: &Lua, table: &Table) -> Result<Tls, String> {
    known(table, "tls", TLS)?;
    let version: Option<String> = get(lua, table, "version")?;
    let (version, cipher) = match version.as_deref() {
        None | Some("TLSv1.3") => ("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
        Some("TLSv1.2") => ("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        Some(other) => return Err(format!("version: '{other}' is neither \"TLSv1.2\" nor \"TLSv1.3\"")),
    };
    let shown: Option<Table> = get(lua, table, "client_certificate")?;
    Ok(Tls {
        version,
        cipher,
        sni: get(lua, table, "sni")?,
        alpn: get(lua, table, "alpn")?,
        client_certificate: shown.map(|shown| certificate(lua, &shown)).transpose()?,
        ..Tls::default()
    })
}

fn certificate(lua: &Lua, table: &Table) -> Result<ClientCertificate, String> {
    known(table, "client_certificate", CERTIFICATE)?;
    let digest = |name| -> Result<[u8; 32], String> {
        let text: Option<String> = get(lua, table, name)?;
        let parsed = text.map(|text| text.parse::<Fingerprint>()).transpose();
        Ok(parsed.map_err(|error| format!("{name}: {error}"))?.unwrap_or_default().0)
    };
    let names: Option<Vec<String>> = get(lua, table, "names")?;
    let verified: Option<bool> = get(lua, table, "verified")?;
    Ok(ClientCertificate {
        subject: get::<Option<String>>(lua, table, "subject")?.unwrap_or_default(),
        issuer: get::<Option<String>>(lua, table, "issuer")?.unwrap_or_default(),
        names: names.unwrap_or_default(),
        sha256: digest("sha256")?,
        key_sha256: digest("key_sha256")?,
        is_verified: verified.unwrap_or(false),
    })
}

fn known(table: &Table, what: &str, keys: &[&str]) -> Result<(), String> {
    for (key, _) in table.pairs::<Value, Value>().flatten() {
        let key = key.as_string().map(mlua::LuaString::to_string_lossy).unwrap_or_default();
        if !keys.contains(&key.as_str()) {
            let nearest = did_you_mean(&key, keys.iter().copied());
            let nearest = nearest.unwrap_or_else(|| format!("it takes {}", keys.join(", ")));
            return Err(format!("{what} takes no '{key}'; {nearest}"));
        }
    }
    Ok(())
}

fn get<T: FromLua>(lua: &Lua, table: &Table, name: &str) -> Result<T, String> {
    let value: Value = table.raw_get(name).map_err(|error| error.to_string())?;
    let kind = value.type_name();
    T::from_lua(value, lua).map_err(|_| format!("{name}: this is a {kind}, which it can't be"))
}
