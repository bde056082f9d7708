//! Other people's mail clients, each run to its end within a bounded time: swaks, Python's smtplib, smtp-source.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread;

use super::postfix::sbin;
use super::wait;

/// How a program ended and what it said.
#[derive(Debug)]
pub struct Run {
    /// Exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Run {
    /// Whether it ended with exit code 0.
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// All it said, standard output first.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned() + &String::from_utf8_lossy(&self.stderr)
    }
}

/// Runs `command` with `input`; kills it and fails the test when it takes longer than `wait::PATIENCE`.
pub fn run(mut command: Command, input: &[u8]) -> Run {
    let name = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|fault| panic!("{name}: {fault}; tests/needs installs what the tests run"));
    let mut stdin = child.stdin.take().unwrap();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    thread::scope(|scope| {
        // A program that ends without reading its input is judged by its exit code.
        scope.spawn(move || drop(stdin.write_all(input)));
        let said = scope.spawn(move || all_of(&mut stdout));
        let complained = scope.spawn(move || all_of(&mut stderr));
        let Some(status) = wait::until_late(|| child.try_wait().unwrap()) else {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{name} did not end within {:?}", wait::PATIENCE);
        };
        Run { code: status.code(), stdout: said.join().unwrap(), stderr: complained.join().unwrap() }
    })
}

/// swaks against `server` with `arguments`.
pub fn swaks(server: SocketAddr, arguments: &[&str]) -> Run {
    let mut swaks = Command::new("swaks");
    swaks.args([
        "--server",
        &server.ip().to_string(),
        "--port",
        &server.port().to_string(),
        "--timeout",
        "30",
    ]);
    swaks.args(arguments);
    run(swaks, &[])
}

/// A Python script with smtplib at hand. It finds an `smtplib.SMTP` connected to `server` as `smtp`, what is given as
/// `message` in `message` (bytes), `arguments` in `sys.argv[1:]`, and prints each reply with `said(reply)`.
pub fn smtplib(server: SocketAddr, script: &str, arguments: &[&str], message: &[u8]) -> Run {
    let whole = format!(
        "import smtplib, sys\n\
         message = sys.stdin.buffer.read()\n\
         def said(reply):\n\
         \x20   print(reply[0], reply[1].decode('utf-8', 'replace'))\n\
         \x20   return reply\n\
         smtp = smtplib.SMTP('{}', {}, local_hostname='client.front.example', timeout=50)\n\
         {script}\n",
        server.ip(),
        server.port(),
    );
    let mut python = Command::new("python3");
    python.args(["-c", &whole]).args(arguments).env("PYTHONIOENCODING", "utf-8");
    run(python, message)
}

/// Postfix's own load generator against `server`.
pub fn smtp_source(server: SocketAddr, arguments: &[&str]) -> Run {
    let mut source = Command::new(sbin("smtp-source"));
    source.args(arguments).arg(format!("inet:{}:{}", server.ip(), server.port()));
    run(source, &[])
}

fn all_of(pipe: &mut impl Read) -> Vec<u8> {
    let mut octets = Vec::new();
    pipe.read_to_end(&mut octets).unwrap();
    octets
}
