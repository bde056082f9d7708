//! What a chat needs: configuration, policies, zone, and how its octets are cut.

use std::net::SocketAddr;
use std::path::Path;

use toml::{Table, Value};

use crate::support::tls;

/// What a chat needs.
#[derive(Clone, Debug)]
pub struct Setup {
    config: Vec<String>,
    policies: Vec<Policy>,
    /// Files beside the configuration, by name, and their lines.
    files: Vec<(String, String)>,
    /// The backend's addresses.
    pub backends: usize,
    /// Lines of the zone that the name server knows; none if there is no name server.
    pub zone: String,
    /// Sizes of the pieces in which octets are sent, one for each playing; 0 is in one piece.
    pub cuts: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Policy {
    name: String,
    source: String,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            config: Vec::new(),
            policies: Vec::new(),
            files: Vec::new(),
            backends: 1,
            zone: String::new(),
            cuts: vec![0, 1],
        }
    }
}

impl Setup {
    /// Takes `line` if it belongs to the setup; whether it does.
    ///
    /// *Errors*: what is wrong with it.
    pub fn take(&mut self, line: &str) -> Result<bool, String> {
        if let Some(source) = line.strip_prefix('|') {
            let policy = self.policies.last_mut().ok_or("a policy's line without a policy")?;
            policy.source.push_str(source.strip_prefix(' ').unwrap_or(source));
            policy.source.push('\n');
            return Ok(true);
        }
        let Some((directive, rest)) = line.split_once(' ') else { return Ok(false) };
        match directive {
            "@config" => {
                rest.parse::<Table>().map_err(|error| error.message().to_owned())?;
                self.config.push(rest.to_owned());
            }
            "@policy" => {
                let (name, source) = rest.split_once(' ').unwrap_or((rest, ""));
                self.policies.push(Policy { name: name.to_owned(), source: source.to_owned() });
            }
            "@file" => {
                let (name, line) = rest.split_once(' ').ok_or("no line")?;
                self.files.push((name.to_owned(), format!("{line}\n")));
            }
            "@backends" => self.backends = rest.trim().parse().map_err(|_| "no number")?,
            "@zone" => {
                self.zone.push_str(rest);
                self.zone.push('\n');
            }
            "@cut" => {
                self.cuts = match rest.trim() {
                    "none" => vec![0],
                    "each" => vec![1],
                    size => vec![size.parse().map_err(|_| "no number")?],
                };
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The whole configuration for backends at `addresses` and a name server, policies being written to `folder`.
    pub fn toml(&self, addresses: &[SocketAddr], names: Option<SocketAddr>, folder: &Path) -> String {
        let mut config: Table = BASE.parse().unwrap();
        let mut lay = |text: &str| merge(&mut config, text.parse().unwrap());
        let addresses: Vec<String> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
        lay(&format!("backend.address = [{}]", addresses.join(", ")));
        lay(&format!("spool.directory = \"{}\"", folder.display()));
        if let Some(names) = names {
            lay(&format!("dns.servers = [\"{names}\"]"));
        }
        if !self.policies.is_empty() {
            let names: Vec<String> =
                self.policies.iter().map(|policy| format!("\"{}\"", policy.name)).collect();
            lay(&format!("listener.policies = [{}]", names.join(", ")));
        }
        for Policy { name, source } in &self.policies {
            std::fs::write(folder.join(format!("{name}.lua")), source).unwrap();
            lay(&format!("policy.{name}.script = \"{name}.lua\""));
        }
        for (name, line) in &self.files {
            let file = std::fs::File::options().append(true).create(true).open(folder.join(name));
            std::io::Write::write_all(&mut file.unwrap(), line.as_bytes()).unwrap();
        }
        for line in &self.config {
            if line.contains(".pem") {
                tls::write(folder);
            }
            lay(&fingerprints(line));
        }
        config.to_string()
    }
}

/// `line` with the fingerprint of FILE for each `@fingerprint(FILE)`.
fn fingerprints(line: &str) -> String {
    let Some((before, rest)) = line.split_once("@fingerprint(") else { return line.to_owned() };
    let (file, after) = rest.split_once(')').unwrap_or((rest, ""));
    format!("{before}{}{}", tls::fingerprint(file), fingerprints(after))
}

/// Lays `over` over `under`; a table over a list of tables is laid over its first.
fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (Some(Value::Array(list)), Value::Table(above)) => {
                if let Some(Value::Table(below)) = list.first_mut() {
                    merge(below, above);
                }
            }
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

const BASE: &str = r#"
hostname = "mx.b.example"
workers = 1

[relay]
domains = ["b.example"]

[dns]
servers = ["127.0.0.1:9"]

[[backend]]
name = "mta1"

[[listener]]
name = "mx"
bind = "127.0.0.1:25"
client_name = false
"#;
