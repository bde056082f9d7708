//! Lists, whose one item may stand alone, and the files that a list may name: one item a line.

use std::fs;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use toml::de::DeValue;

use crate::backend::config::Address;
use crate::config::error::Diagnostic;
use crate::config::keys::key::{Item, Kind};
use crate::config::reader::{Given, Reader};
use crate::config::scalar;
use crate::config::section::{ItemAt, ItemValue};
use crate::lua::capability::CapabilityError;
use crate::lua::config::Span;
use crate::names::domain_set::DomainSet;
use crate::names::fingerprint::Fingerprint;
use crate::names::network::parse_network;
use crate::policy::mode::{Mode, PolicyUse};
use crate::smtp::mechanism::Mechanism;

impl Reader<'_> {
    /// The items of a list, those of the files that it names among them; `None` if it is no list.
    ///
    /// *Changes*: `problems`, and `sources` gets the files that it names.
    pub(super) fn list(&mut self, item: Item, kind: &Kind, given: &Given) -> Option<Vec<ItemAt>> {
        let alone = [given.toml];
        let values: Vec<_> = match given.toml.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            DeValue::String(_) => alone.to_vec(),
            DeValue::Table(_) if item == Item::PolicyUse => alone.to_vec(),
            _ => {
                self.wrong(given, "must be a list", kind.possible());
                return None;
            }
        };
        let mut items = Vec::new();
        for toml in values {
            let given = Given { path: given.path, toml };
            let span = self.span(toml.span());
            match toml.get_ref() {
                DeValue::String(text) => match text.strip_prefix("file:") {
                    Some(name) if has_files(item) => self.list_file(item, given.path, name, span, &mut items),
                    _ => items.extend(self.item(item, given.path, text, span)),
                },
                DeValue::Table(_) if item == Item::PolicyUse => items.extend(self.policy_use(&given, span)),
                _ => self.wrong(&given, "has an item of a wrong type", item.possible()),
            }
        }
        Some(items)
    }

    /// The items of a file: one a line; blank lines, and what follows a #, don't count.
    fn list_file(&mut self, item: Item, path: &str, name: &str, span: Span, items: &mut Vec<ItemAt>) {
        let file = self.path(name);
        let text: Arc<str> = match read_text(&file) {
            Ok(text) => text.into(),
            Err(error) => {
                let message = format!("`{path}`: {} can't be read: {error}", file.display());
                self.problems.push(Diagnostic::error(path, message, Some(span)).found("named here"));
                return;
            }
        };
        let number = self.sources.add(&file, Arc::clone(&text));
        let mut start = 0;
        let before = self.problems.len();
        for line in text.split_inclusive('\n') {
            let entry = line.split('#').next().unwrap_or("");
            let word = entry.trim();
            let begin = start + entry.len() - entry.trim_start().len();
            start += line.len();
            if self.problems.len() - before >= MOST_ERRORS {
                self.amend(|problem| problem.help("this file has many errors; the rest of it was not read"));
                return;
            }
            if !word.is_empty() {
                let span = Span { file: number, range: begin..begin + word.len() };
                items.extend(self.item(item, path, word, span));
            }
        }
    }

    fn item(&mut self, item: Item, path: &str, text: &str, span: Span) -> Option<ItemAt> {
        let value = match item {
            Item::Path | Item::Glob => Ok(ItemValue::Path(self.path(text))),
            Item::Socket => text.parse().map(ItemValue::Socket).map_err(|_| String::new()),
            Item::NameServer => name_server(text).map(ItemValue::Socket).ok_or_else(String::new),
            Item::Address => self.address(text).map(ItemValue::Address),
            Item::Network => parse_network(text).map(|_| text.into()).map_err(|error| error.to_string()),
            Item::Domain => {
                DomainSet::new().insert(text).map(|()| text.into()).map_err(|error| error.to_string())
            }
            Item::LocalPart if is_local_part(text) => Ok(text.to_ascii_lowercase().into()),
            Item::PolicyUse if scalar::is_name(text) => {
                Ok(ItemValue::PolicyUse(PolicyUse { name: text.to_owned(), mode: None }))
            }
            Item::Capability => {
                text.parse().map(ItemValue::Capability).map_err(|error: CapabilityError| error.to_string())
            }
            Item::Fingerprint => text
                .parse::<Fingerprint>()
                .map(|known| known.to_string().into())
                .map_err(|error| error.to_string()),
            Item::ServerName => server_name(text).map(ItemValue::Text).ok_or_else(String::new),
            Item::Mechanism => match Mechanism::parse(text) {
                Some(mechanism) => Ok(mechanism.as_str().into()),
                None => Err(String::new()),
            },
            Item::LocalPart | Item::PolicyUse => Err(String::new()),
        };
        match value {
            Ok(value) => Some(ItemAt { value, span }),
            Err(why) => {
                let message = if why.is_empty() {
                    format!("`{path}` has an item that is not possible")
                } else {
                    format!("`{path}`: {why}")
                };
                let problem = Diagnostic::error(path, message, Some(span));
                let shown: String = text.chars().take(60).collect();
                self.problems.push(problem.found(format!("found \"{shown}\"")).possible(item.possible()));
                None
            }
        }
    }

    fn policy_use(&mut self, given: &Given, span: Span) -> Option<ItemAt> {
        let table = given.toml.get_ref().as_table()?;
        let text = |key: &str| table.get(key).and_then(|value| value.get_ref().as_str());
        let known = |key: &str| matches!(key, "name" | "mode");
        let mode = match (table.contains_key("mode"), text("mode")) {
            (false, _) => Some(None),
            (true, Some("enforce")) => Some(Some(Mode::Enforce)),
            (true, Some("observe")) => Some(Some(Mode::Observe)),
            (true, _) => None,
        };
        let name = text("name").filter(|name| scalar::is_name(name));
        let (Some(name), Some(mode), true) = (name, mode, table.keys().all(|key| known(key.get_ref())))
        else {
            let possible = "{ name = \"NAME\" } or { name = \"NAME\", mode = \"enforce\" or \"observe\" }";
            self.wrong(given, "has a table that names no policy", possible);
            return None;
        };
        Some(ItemAt { value: ItemValue::PolicyUse(PolicyUse { name: name.to_owned(), mode }), span })
    }

    fn address(&self, text: &str) -> Result<Address, String> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Address::Unix(self.path(path)));
        }
        if let Some(path) = text.strip_prefix("maildir:").filter(|path| !path.is_empty()) {
            return Ok(Address::Maildir(self.path(path)));
        }
        if text.starts_with("mx:") || text.starts_with("lmtp:") {
            return Err("such addresses are not in this version".into());
        }
        let (host, port) =
            text.rsplit_once(':').filter(|_| !text.ends_with(']')).ok_or("an address needs a port")?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or("the port must be 1 to 65535")?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(host) if host.parse::<std::net::Ipv6Addr>().is_ok() => host.to_owned(),
            None if host.parse::<std::net::Ipv4Addr>().is_ok() || host == "localhost" => host.to_owned(),
            None if host.contains(':') => return Err("an IPv6 address needs brackets".into()),
            _ => scalar::host_or_label(host).ok_or("this is no host name")?,
        };
        Ok(Address::Tcp { host, port })
    }
}

impl From<String> for ItemValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for ItemValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A file's text.
///
/// *Errors*: it can't be read, isn't UTF-8, or has more than 64 MiB.
pub(super) fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|octets| octets <= LARGEST) {
        Ok(text)
    } else {
        Err(std::io::Error::other("it has more than 64 MiB"))
    }
}

fn has_files(item: Item) -> bool {
    matches!(item, Item::Network | Item::Domain | Item::LocalPart | Item::Fingerprint)
}

fn name_server(text: &str) -> Option<SocketAddr> {
    let address = |text: &str| text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 53));
    text.parse().ok().or_else(|| address(text))
}

/// A host's name in lower case, perhaps with `*.` before it.
fn server_name(text: &str) -> Option<String> {
    let (wildcard, host) = text.strip_prefix("*.").map_or(("", text), |host| ("*.", host));
    Some(format!("{wildcard}{}", scalar::host_or_label(host)?))
}

fn is_local_part(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.contains('@')
        && text.bytes().all(|octet| octet.is_ascii_graphic())
}

const LARGEST: u64 = 64 << 20;
const MOST_ERRORS: usize = 20;
