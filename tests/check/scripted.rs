//! A backend that says what a test tells it to, and remembers what it was told.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What it answers; the rest is 250.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// The greeting, with CRLF.
    pub greeting: &'static str,
    /// Whether it offers XCLIENT.
    pub xclient: bool,
    /// To RCPT from gatepost itself.
    pub plain: &'static str,
    /// To RCPT from a client told by XCLIENT without a login.
    pub stranger: &'static str,
    /// To RCPT from one with a login.
    pub login: &'static str,
}

pub const REFUSED: &str = "554 5.7.1 Relay access denied";
pub const TAKEN: &str = "250 2.1.5 Ok";

impl Default for Script {
    fn default() -> Self {
        let greeting = "220 mta.ours.example ESMTP Postfix\r\n";
        Script { greeting, xclient: true, plain: REFUSED, stranger: REFUSED, login: TAKEN }
    }
}

/// The backend; it serves until the test's process ends.
pub struct Scripted {
    pub address: SocketAddr,
    told: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&told);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&stream.unwrap(), script, &lines);
            }
        });
        Self { address, told }
    }

    /// All commands so far.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

fn serve(mut stream: &TcpStream, script: Script, told: &Mutex<Vec<String>>) {
    let mut answer = script.plain;
    stream.write_all(script.greeting.as_bytes()).unwrap();
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { return };
        let verb = line.split(' ').next().unwrap_or_default().to_owned();
        let reply = match verb.as_str() {
            "EHLO" if script.xclient => {
                "250-mta\r\n250-XCLIENT NAME ADDR PROTO HELO LOGIN\r\n250 DSN".to_owned()
            }
            "EHLO" => "250-mta\r\n250 DSN".to_owned(),
            "XCLIENT" => {
                answer = if line.contains("LOGIN=ann") { script.login } else { script.stranger };
                "220 mta ESMTP".to_owned()
            }
            "RCPT" => answer.to_owned(),
            "QUIT" => "221 2.0.0 Bye".to_owned(),
            _ => "250 2.0.0 Ok".to_owned(),
        };
        told.lock().unwrap().push(line);
        if stream.write_all(format!("{reply}\r\n").as_bytes()).is_err() || verb == "QUIT" {
            return;
        }
    }
}
