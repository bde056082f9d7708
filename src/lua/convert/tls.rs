//! `session.tls`, as scripts see it.

use mlua::Table;

use crate::lua::convert::kit::Kit;
use crate::session::tls::{ClientCertificate, Tls};

/// The table of `tls`.
pub(super) fn table(kit: &Kit, tls: &Tls) -> mlua::Result<Table> {
    let facts = kit.lua.create_table()?;
    facts.raw_set("version", tls.version)?;
    facts.raw_set("cipher", tls.cipher)?;
    facts.raw_set("sni", tls.sni.as_deref())?;
    facts.raw_set("alpn", tls.alpn.as_deref())?;
    let shown = tls.client_certificate.as_ref().map(|shown| certificate(kit, shown)).transpose()?;
    facts.raw_set("client_certificate", shown)?;
    kit.view("tls", facts)
}

fn certificate(kit: &Kit, shown: &ClientCertificate) -> mlua::Result<Table> {
    let names = kit.lua.create_sequence_from(shown.names.iter().map(String::as_str))?;
    let facts = kit.lua.create_table()?;
    facts.raw_set("subject", shown.subject.as_str())?;
    facts.raw_set("issuer", shown.issuer.as_str())?;
    facts.raw_set("names", kit.view("names", names)?)?;
    facts.raw_set("sha256", hex(&shown.sha256))?;
    facts.raw_set("key_sha256", hex(&shown.key_sha256))?;
    facts.raw_set("verified", shown.is_verified)?;
    kit.view("client_certificate", facts)
}

/// In lower case.
fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
