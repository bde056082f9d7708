//! haproxy in tcp mode: moves octets, knows nothing of SMTP. Threads are its default, one a core.

use std::process::Command;

use anyhow::Result;

use super::Place;

/// The command that runs it in the foreground.
pub(super) fn command(place: &Place) -> Result<Command> {
    let Place { port, sink, .. } = place;
    let tls = place.pem.as_ref().map(|pem| format!(" ssl crt {} ssl-min-ver TLSv1.3", pem.display()));
    let tls = tls.unwrap_or_default();
    let file = place.file(
        "haproxy.cfg",
        &format!(
            "global\n    maxconn 9000\n\
             defaults\n    mode tcp\n    timeout connect 5s\n    timeout client 5m\n    timeout server 5m\n\
             frontend smtp\n    bind 127.0.0.1:{port} backlog 4096{tls}\n    default_backend sink\n\
             backend sink\n    server sink 127.0.0.1:{sink}\n"
        ),
    )?;
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(file);
    Ok(command)
}
