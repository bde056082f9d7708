//! `source` of `[map.NAME]`: where a map is, in one text.

use crate::config::keys::key::{Key, Kind};
use crate::config::reader::{Given, Reader};
use crate::config::section::Value;
use crate::config::verifier;
use crate::ldap::server::Server;
use crate::lookup::host::split_host_port;
use crate::lookup::map::config::Source;
use crate::lookup::map::field::FieldError;
use crate::lookup::map::socketmap::{self, Place};

/// The source that `given` names, or `None` if it is wrong.
///
/// *Changes*: the reader's problems.
pub(super) fn read(reader: &mut Reader, given: &Given) -> Option<Value> {
    let text = given.toml.get_ref().as_str().unwrap_or_default();
    let source = match text.split_once(':').unwrap_or_default() {
        ("file", path) if is_text(path) => Ok(Source::File(reader.path(path))),
        ("mmdb", path) if is_text(path) => Ok(Source::Mmdb(reader.path(path), None)),
        ("http" | "https", _) => {
            text.parse().map(Source::Http).map_err(|error| format!("can't be asked: {error}"))
        }
        ("socketmap", rest) if is_text(rest) => socketmap(reader, rest),
        (scheme @ ("ldap" | "ldaps"), rest) if rest.starts_with("//") && is_text(rest) => {
            let server = verifier::directory(reader, given, scheme == "ldaps", rest, "in keys of their own");
            return server.map(Value::MapServer);
        }
        ("ldapi", rest) if is_text(rest) => {
            return Some(Value::MapServer(Server::Unix(reader.path(&verifier::socket(rest)))));
        }
        _ => Err("must say where the map is".to_owned()),
    };
    match source {
        Ok(source) => Some(Value::MapSource(source)),
        Err(must_be) => {
            reader.wrong(given, &must_be, Kind::MapSource.possible());
            None
        }
    }
}

/// The field of a database's records that `given` names, or `None` if it is wrong.
///
/// *Changes*: the reader's problems.
pub(super) fn field(reader: &mut Reader, key: &Key, given: &Given) -> Option<Value> {
    let text = given.toml.get_ref().as_str().unwrap_or_default();
    match text.parse() {
        Ok(field) => Some(Value::Field(field)),
        Err(FieldError) => {
            reader.wrong(given, "names no field", key.kind.possible());
            None
        }
    }
}

/// The server and the map's name there, of what stands behind the scheme. Source: Postfix's socketmap_table(5).
fn socketmap(reader: &Reader, rest: &str) -> Result<Source, String> {
    const FORM: &str = "must be \"socketmap:inet:HOST:PORT:NAME\" or \"socketmap:unix:PATH:NAME\"";
    let (server, name) = rest.rsplit_once(':').unwrap_or_default();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(FORM.to_owned());
    }
    let server = match server.split_once(':').unwrap_or_default() {
        ("unix", path) if !path.is_empty() => socketmap::Server::Unix(reader.path(path)),
        ("inet", place) => {
            let (host, port) = split_host_port(place).ok_or(FORM)?;
            socketmap::Server::Inet { host: host.to_owned(), port }
        }
        _ => return Err(FORM.to_owned()),
    };
    Ok(Source::Socketmap(Place { server, name: name.to_owned() }))
}

fn is_text(text: &str) -> bool {
    (1..=255).contains(&text.len()) && !text.chars().any(char::is_control)
}
