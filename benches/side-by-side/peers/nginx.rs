//! nginx's mail module as an SMTP proxy without authentication: reads the envelope, sees no message.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::Result;

use super::Place;

/// The command that runs it in the foreground, a master and a worker a core.
pub(super) fn command(place: &Place, auth: SocketAddr, xclient: bool) -> Result<Command> {
    let port = place.port;
    let xclient = if xclient { "on" } else { "off" };
    let module = ["/usr/lib/nginx/modules/ngx_mail_module.so", "/usr/lib64/nginx/modules/ngx_mail_module.so"]
        .into_iter()
        .find(|path| fs::exists(path).unwrap_or(false))
        .map_or(String::new(), |path| format!("load_module {path};\n"));
    let folder = place.folder.display();
    let file = place.file(
        "nginx.conf",
        &format!(
            "{module}daemon off;\nworker_processes auto;\nworker_rlimit_nofile 20000;\n\
             pid {folder}/nginx.pid;\nerror_log {folder}/error.log error;\n\
             events {{ worker_connections 9000; }}\n\
             mail {{\n    server_name nginx.bench.example;\n    auth_http {auth}/;\n    xclient {xclient};\n    \
             timeout 5m;\n    \
             server {{\n        listen 127.0.0.1:{port} backlog=4096;\n        protocol smtp;\n        \
             smtp_auth none;\n        \
             smtp_capabilities PIPELINING \"SIZE 104857600\" ENHANCEDSTATUSCODES 8BITMIME;\n    }}\n}}\n"
        ),
    )?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(&place.folder).arg("-c").arg(file).arg("-e").arg(place.folder.join("error.log"));
    Ok(command)
}
