//! A real web server that knows users: Python's, with TLS or without, as a site would write it in an afternoon.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::tls;

/// A running web server; stopped and removed on drop.
pub struct Web {
    child: Child,
    directory: tempfile::TempDir,
    port: u16,
    is_secure: bool,
}

const SERVER: &str = r#"
import http.server, json, ssl, sys
port, certificate = int(sys.argv[1]), sys.argv[2]
class Login(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open("asked", "a") as file: file.write(json.dumps([self.headers["Authorization"], asked]) + "\n")
        status, answer = 200, {"ok": False}
        if self.path == "/closed": status = 503
        elif self.path == "/forbidden": status = 403
        elif self.path == "/moved": status = 302
        elif (asked["user"], asked.get("password")) == ("ann", "pencil") or asked.get("token") == "tok":
            answer = {"ok": True, "user": "ann@ours.example"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        if status == 302: self.send_header("Location", "/login")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Login)
if certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

impl Web {
    /// A server that knows ann, whose password is "pencil" and whose token is "tok".
    pub fn start(is_secure: bool) -> Self {
        let directory = tempfile::Builder::new().prefix("gatepost-web-").tempdir().unwrap();
        tls::write(directory.path());
        let (child, port) = launch(directory.path(), 0, is_secure);
        Self { child, directory, port, is_secure }
    }

    /// The URL of `path`.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }

    /// Its folder, in which the certificates of `tls` are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What it was asked, a line for each question: the Authorization header, and the body.
    pub fn asked(&self) -> String {
        fs::read_to_string(self.directory.path().join("asked")).unwrap_or_default()
    }

    /// Stops it and waits until it is gone.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Starts it again, where it was.
    pub fn start_again(&mut self) {
        self.child = launch(self.directory.path(), self.port, self.is_secure).0;
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A process, and the port at which it listens.
fn launch(directory: &Path, port: u16, is_secure: bool) -> (Child, u16) {
    let mut child = Command::new("python3")
        .args(["-c", SERVER, &port.to_string(), if is_secure { "backend.pem" } else { "" }])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.trim().parse().expect("the web server did not start");
    (child, port)
}
