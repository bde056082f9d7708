//! `auth.verify`: who checks logins, in one text.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::auth::config::Place;
use crate::config::keys::key::Key;
use crate::config::reader::{Given, Reader};
use crate::config::section::Value;
use crate::ldap::server::Server;
use crate::lookup::host::split_host_port;
use crate::names::a_label::to_ascii;
use crate::names::host_name::is_host_name;
use crate::names::suggest;

/// The verifier that `given` names, or `None` if it is wrong.
///
/// *Changes*: the reader's problems.
pub(super) fn read(reader: &mut Reader, key: &Key, given: &Given) -> Option<Value> {
    let text = given.toml.get_ref().as_str().filter(|text| is_text(text)).unwrap_or_default();
    let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
    match scheme {
        "file" if !rest.is_empty() => Some(Value::Verifier(Place::File(reader.path(rest)))),
        "dovecot" if !rest.is_empty() => Some(Value::Verifier(Place::Dovecot(reader.path(rest)))),
        "backend" if rest.is_empty() && text == "backend" => Some(Value::Verifier(Place::Backend)),
        "ldap" | "ldaps" if rest.starts_with("//") => {
            let server = directory(reader, given, scheme == "ldaps", rest, "in [auth.ldap]");
            server.map(|server| Value::Verifier(Place::Ldap(server)))
        }
        "ldapi" if !rest.is_empty() => {
            Some(Value::Verifier(Place::Ldap(Server::Unix(reader.path(&socket(rest))))))
        }
        "policy" if is_name(rest) => Some(Value::Verifier(Place::Policy(rest.to_owned()))),
        "http" | "https" => match text.parse() {
            Ok(url) => Some(Value::Verifier(Place::Http(url))),
            Err(error) => {
                reader.wrong(given, &format!("can't be asked: {error}"), key.kind.possible());
                let help = meant(text).filter(|meant| meant != text);
                reader.amend(|problem| problem.nearest(help.as_deref()));
                None
            }
        },
        _ => {
            reader.wrong(given, "must say who checks logins", key.kind.possible());
            let help = meant(text);
            reader.amend(|problem| problem.nearest(help.as_deref()));
            None
        }
    }
}

/// What was probably meant by `text`, which names no verifier: a scheme was forgotten, or written with a slip.
fn meant(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
    let is_path = |text: &str| text.starts_with(['/', '.']);
    let bare = rest.trim_start_matches('/');
    let known = SCHEMES.into_iter().chain(["backend"]);
    match (scheme, suggest::nearest(if scheme.is_empty() { text } else { scheme }, known)) {
        _ if rest.is_empty() => match scheme {
            "" => None,
            "file" => Some("file:/etc/gatepost/users".to_owned()),
            "dovecot" => Some("dovecot:/run/dovecot/auth-client".to_owned()),
            _ => None,
        },
        ("", Some("backend")) => Some("backend".to_owned()),
        ("", _) if rest.contains("dovecot") => Some(format!("dovecot:{rest}")),
        ("", _) if rest.contains("ldapi") && is_path(rest) => Some(format!("ldapi:{rest}")),
        ("", _) if rest.starts_with("ldap") && rest.contains('.') => Some(format!("ldap://{rest}")),
        ("", _) => Some(format!("file:{rest}")),
        (_, Some("backend") | None) => None,
        (_, Some("ldap")) if is_path(rest) && bare.contains('/') => Some(format!("ldapi:/{bare}")),
        (_, Some(known @ ("ldap" | "ldaps" | "http" | "https"))) => Some(format!("{known}://{bare}")),
        (_, Some("policy")) if !is_name(rest) => None,
        (_, Some(known)) => Some(format!("{known}:{rest}")),
    }
}

/// What stands before the colon.
const SCHEMES: [&str; 8] = ["file", "dovecot", "ldaps", "ldap", "ldapi", "policy", "https", "http"];

/// The directory server at `rest`, which is what stands behind the scheme; all else about it stands `elsewhere`.
pub(super) fn directory(
    reader: &mut Reader,
    given: &Given,
    is_ldaps: bool,
    rest: &str,
    elsewhere: &str,
) -> Option<Server> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (place, below) = rest.split_once('/').unwrap_or((rest, ""));
    if !below.is_empty() || place.contains('?') {
        let possible = "a host, and a port where it is another than LDAP's";
        let more = format!("names more than a server: the DN and the filter stand {elsewhere}");
        reader.wrong(given, &more, possible);
        return None;
    }
    let port = if is_ldaps { 636 } else { 389 };
    let with_port = format!("{place}:{port}");
    let (host, port) = split_host_port(place).or_else(|| split_host_port(&with_port)).unwrap_or(("", 0));
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host = match bare.parse::<IpAddr>() {
        Ok(address) => Some(address.to_string()),
        Err(_) => to_ascii(host).ok().filter(|name| is_host_name(name)).map(Cow::into_owned),
    };
    let Some(host) = host else {
        reader.wrong(given, "names no server", "a host name or an address, as \"ldap://ldap.example.org\"");
        return None;
    };
    Some(Server::Tcp { host, port, is_ldaps })
}

/// The path of a socket, which OpenLDAP writes `//%2Frun%2Fslapd%2Fldapi`, with its slashes hidden.
pub(super) fn socket(rest: &str) -> String {
    match rest.strip_prefix("//") {
        Some(hidden) if !hidden.starts_with('/') => {
            hidden.trim_end_matches('/').replace("%2F", "/").replace("%2f", "/")
        }
        _ => rest.to_owned(),
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn is_text(text: &str) -> bool {
    (1..=255).contains(&text.len()) && !text.chars().any(char::is_control)
}
