//! `auth.verify`: who checks logins, in one text.

use crate::auth::config::Place;
use crate::config::keys::key::Key;
use crate::config::reader::{Given, Reader};
use crate::config::section::Value;

/// The verifier that `given` names, or `None` if it is wrong.
///
/// *Changes*: the reader's problems.
pub(super) fn read(reader: &mut Reader, key: &Key, given: &Given) -> Option<Value> {
    const LATER: [&str; 4] = ["ldap", "ldaps", "http", "https"];
    let text = given.toml.get_ref().as_str().filter(|text| is_text(text)).unwrap_or_default();
    let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
    match scheme {
        "file" if !rest.is_empty() => Some(Value::Verifier(Place::File(reader.path(rest)))),
        "dovecot" if !rest.is_empty() => Some(Value::Verifier(Place::Dovecot(reader.path(rest)))),
        "backend" if rest.is_empty() && text == "backend" => Some(Value::Verifier(Place::Backend)),
        "policy" if is_name(rest) => Some(Value::Verifier(Place::Policy(rest.to_owned()))),
        _ if LATER.contains(&scheme) => {
            let span = reader.span(given.toml.span());
            reader.later(given.path, &format!("`{} = \"{scheme}…\"`", given.path), span);
            None
        }
        _ => {
            reader.wrong(given, "must say who checks logins", key.kind.possible());
            None
        }
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn is_text(text: &str) -> bool {
    (1..=255).contains(&text.len()) && !text.chars().any(char::is_control)
}
