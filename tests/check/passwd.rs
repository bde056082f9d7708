//! `gatepost passwd` at a terminal and without one.

use std::process::Command;

use crate::support::drive::{self, Run};
use crate::support::gatepost::binary;

/// Types `lines` at a terminal, each when something is asked; the line that is made comes on standard output.
const TERMINAL: &str = r#"
import os, pty, sys
lines = sys.argv[2:]
made, write = os.pipe()
pid, terminal = pty.fork()
if pid == 0:
    os.dup2(write, 1)
    os.execv(sys.argv[1], [sys.argv[1], "passwd", "ann"])
os.close(write)
seen, typed = b"", 0
while True:
    try: more = os.read(terminal, 1000)
    except OSError: break
    if not more: break
    seen += more
    if typed < len(lines) and seen.count(b": ") > typed and not b"error" in seen:
        os.write(terminal, lines[typed].encode() + b"\n")
        typed += 1
_, status = os.waitpid(pid, 0)
sys.stderr.write(seen.decode())
sys.stdout.write(os.read(made, 1000).decode())
sys.exit(os.waitstatus_to_exitcode(status))
"#;

fn at_terminal(lines: &[&str]) -> Run {
    let mut python = Command::new("python3");
    python.args(["-c", TERMINAL]).arg(binary().get_program()).args(lines);
    drive::run(python, &[])
}

#[test]
fn a_terminal_is_asked_twice_and_told_when_the_two_differ() {
    let run = at_terminal(&["pencil", "pencil"]);
    let (stdout, text) = (String::from_utf8_lossy(&run.stdout).into_owned(), run.text());
    assert_eq!(run.code, Some(0), "{text}");
    assert!(stdout.starts_with("ann:$argon2id$") && stdout.lines().count() == 1, "{text}");
    assert!(text.contains("Password: ") && text.contains("The same again: "), "{text}");
    assert!(!text.contains("pencil"), "it is shown: {text}");

    let run = at_terminal(&["pencil", "pencli"]);
    let text = run.text();
    assert_eq!(run.code, Some(2), "{text}");
    assert!(text.contains("error: the two passwords differ") && run.stdout.is_empty(), "{text}");
}

#[test]
fn without_a_terminal_the_first_line_is_enough() {
    let mut command = binary();
    command.args(["passwd", "ann"]);
    let run = drive::run(command, b"pencil\nanother\n");
    assert_eq!((run.code, run.stderr.as_slice()), (Some(0), &b""[..]), "{}", run.text());
    assert!(run.stdout.starts_with(b"ann:$argon2id$"), "{}", run.text());
}
