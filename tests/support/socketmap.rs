//! A server of socketmaps that knows what a test says, and `mta-sts-daemon`, which a site would run.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use super::wait;

/// A server on loopback; it refuses everything after `stop`.
pub struct Socketmap {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Whole replies, by request: "people ann" has "OK friend".
    replies: HashMap<String, String>,
    asked: Vec<String>,
    open: Vec<TcpStream>,
    is_down: bool,
}

impl Socketmap {
    /// One that says "NOTFOUND " to every other request than those of `replies`.
    pub fn start(replies: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let replies = replies.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let state = Arc::new(Mutex::new(State { replies: replies.collect(), ..State::default() }));
        let server = Self { address: listener.local_addr().unwrap(), state: Arc::clone(&state) };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut now = state.lock().unwrap();
                if now.is_down {
                    continue;
                }
                now.open.push(stream.try_clone().unwrap());
                let state = Arc::clone(&state);
                thread::spawn(move || serve(stream, &state));
            }
        });
        server
    }

    /// `inet:HOST:PORT:NAME`, behind `socketmap:`.
    pub fn table(&self, name: &str) -> String {
        format!("socketmap:inet:{}:{name}", self.address)
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    /// From now on it says this, too.
    pub fn put(&self, request: &str, reply: &str) {
        self.state.lock().unwrap().replies.insert(request.to_owned(), reply.to_owned());
    }

    /// Closes all connections, and each new one at once.
    pub fn stop(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_down = true;
        for stream in state.open.drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    while let Some(request) = hear(&mut stream) {
        let reply = {
            let mut state = state.lock().unwrap();
            state.asked.push(request.clone());
            state.replies.get(&request).cloned().unwrap_or_else(|| "NOTFOUND ".to_owned())
        };
        if stream.write_all(format!("{}:{reply},", reply.len()).as_bytes()).is_err() {
            return;
        }
    }
}

/// What is in the next netstring; nothing at the end.
fn hear(stream: &mut TcpStream) -> Option<String> {
    let mut octet = [0];
    let mut digits = String::new();
    loop {
        stream.read_exact(&mut octet).ok()?;
        match octet {
            [b':'] => break,
            [digit] => digits.push(char::from(digit)),
        }
    }
    let mut text = vec![0; digits.parse().unwrap()];
    stream.read_exact(&mut text).ok()?;
    stream.read_exact(&mut octet).ok()?;
    assert_eq!(octet, [b',']);
    Some(String::from_utf8(text).unwrap())
}

/// Debian's postfix-mta-sts-resolver: what mail servers of other domains want of TLS. It reads what it was told before,
/// and asks nobody.
pub struct MtaSts {
    child: Child,
    directory: tempfile::TempDir,
}

const CACHE: &str = r#"
import json, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
db.execute("create table sts_policy_cache (domain text, ts integer, pol_id text, pol_body text)")
body = {"version": "STSv1", "mode": "enforce", "max_age": 86400, "mx": sys.argv[3:]}
db.execute("insert into sts_policy_cache values (?, ?, ?, ?)", (sys.argv[2], int(time.time()), "1", json.dumps(body)))
db.commit()
"#;

impl MtaSts {
    /// A daemon that knows that `domain` has this mail server.
    pub fn start(domain: &str, server: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("gatepost-sts-").tempdir().unwrap();
        let at = directory.path().display();
        let made = Command::new("python3")
            .args(["-c", CACHE, &format!("{at}/cache"), domain, server])
            .status()
            .unwrap();
        assert!(made.success());
        let settings = format!(
            "path: {at}/socket\ncache_grace: 86400\ncache:\n  type: sqlite\n  options:\n    filename: \"{at}/cache\"\n"
        );
        fs::write(directory.path().join("settings"), settings).unwrap();
        let child = Command::new("mta-sts-daemon")
            .args(["-c", &format!("{at}/settings")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let daemon = Self { child, directory };
        wait::until("mta-sts-daemon answers", || UnixStream::connect(daemon.socket()).ok());
        daemon
    }

    /// `socketmap:unix:PATH:NAME`.
    pub fn table(&self) -> String {
        format!("socketmap:unix:{}:postfix", self.socket().display())
    }

    /// Its folder.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }
}

impl Drop for MtaSts {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
