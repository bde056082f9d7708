//! gatepost itself, as this cargo run built it. It resolves no names here, for haproxy resolves none either.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::Place;

/// The command that runs it in the foreground.
pub(super) fn command(place: &Place, policy: bool, xclient: bool) -> Result<Command> {
    let file = place.file("gatepost.toml", &settings(place, policy, xclient))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
    command.arg("run").arg("-c").arg(file);
    Ok(command)
}

/// All the load comes from one address: limits by client are off. Idle sessions stay below four fifths of
/// `connections`, from where on a client network would keep few of them.
fn settings(place: &Place, policy: bool, xclient: bool) -> String {
    let Place { port, sink, folder, pem } = place;
    let folder = folder.display();
    let (certificate, tls) = match pem {
        Some(pem) => (format!("[tls]\ncertificate = \"{}\"\n", pem.display()), "implicit"),
        None => (String::new(), "none"),
    };
    let policies = if policy { r#"["small"]"# } else { "[]" };
    let xclient = if xclient { "required" } else { "off" };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/small.lua");
    let script = if policy {
        format!(
            "[policy.small]\nscript = \"{}\"\nblocked = [{BLOCKED}]\nlargest = \"60 MB\"\n",
            script.display()
        )
    } else {
        String::new()
    };
    format!(
        r#"hostname = "gatepost.bench.example"

[relay]
domains = ["bench.example"]

[limits]
message_size = "60 MB"
connections = 12000
connections_per_client = "none"
connection_rate = "none"

[spool]
directory = "{folder}"
memory = "1 MiB"

[log]
level = "info"
file = "{folder}/gatepost.log"

[service]
state_directory = "{folder}"

[[backend]]
address = "127.0.0.1:{sink}"
xclient = "{xclient}"
xforward = "off"

[[listener]]
bind = "127.0.0.1:{port}"
client_name = false
tls = "{tls}"
policies = {policies}

{certificate}
{script}"#
    )
}

/// A set to look the client up in, without the client.
const BLOCKED: &str =
    r#""192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "100.64.0.0/10""#;
