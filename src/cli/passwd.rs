//! `gatepost passwd`: makes a line for the file that `auth.verify = "file:PATH"` names.

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;

use clap::Args;

use crate::auth::file::hash::Hash;
use crate::auth::file::users::Users;
use crate::auth::prepared::can_be_prepared;
use crate::cli::WRONG;
use crate::smtp::secret::Secret;

/// Makes a line `USER:HASH` from a password, which is asked for twice at a terminal, else the first line of standard input.
#[derive(Debug, Args)]
pub struct Passwd {
    /// The user, as it will log in.
    user: String,
    /// Make a record for SCRAM-SHA-256, with which PLAIN and LOGIN are possible too; without it the hash is argon2id.
    #[arg(long)]
    scram: bool,
}

/// What is said of two that aren't the same.
const DIFFER: &str = "the two passwords differ: no line was made, try again";
/// Octets of a password.
const MOST: usize = 1024;

impl Passwd {
    /// Reads the password and prints the line.
    pub fn run(self) -> ExitCode {
        let line = read_password()
            .map_err(|error| format!("no password could be read: {error}"))
            .and_then(|read| read.ok_or_else(|| DIFFER.to_owned()))
            .and_then(|password| self.line(&password));
        match line {
            Ok(line) => match writeln!(io::stdout(), "{line}") {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            },
            Err(wrong) => {
                let _ = writeln!(io::stderr(), "error: {wrong}"); // nobody is left to be told
                ExitCode::from(WRONG)
            }
        }
    }

    fn line(&self, password: &Secret) -> Result<String, String> {
        if self.user.contains(':') || self.user.starts_with('#') || self.user.trim() != self.user {
            return Err("a user has no colon, no # at its start, and no blanks around it".to_owned());
        }
        let is_text = password.text().is_some_and(|text| !text.chars().any(char::is_control));
        if password.is_empty() || password.octets().len() > MOST || !is_text {
            return Err(format!("a password is text of 1 to {MOST} octets, without controls"));
        }
        if self.scram && !can_be_prepared(password) {
            return Err("with --scram a password has none of the characters that RFC 4013 forbids, nor any \
                        that is younger than Unicode 3.2, as emoji are: not all clients would send the same"
                .to_owned());
        }
        let hash = if self.scram { Hash::scram(password) } else { Hash::argon2id(password) };
        let line = format!("{}:{}", self.user, hash.map_err(|error| error.to_string())?);
        // What can't be read back would lock everybody out.
        Users::parse(&line, [0; 32]).map_err(|error| error.why.to_string())?;
        Ok(line)
    }
}

/// The password, asked for twice without an echo at a terminal, else the first line of standard input; none where what was
/// typed the second time is another.
fn read_password() -> io::Result<Option<Secret>> {
    let input = io::stdin();
    if !input.is_terminal() {
        return read_line(&mut input.lock()).map(Some);
    }
    let password = ask(&input, "Password: ")?;
    if password.is_empty() {
        return Ok(Some(password)); // which is refused anyway
    }
    // Nobody sees what is typed, and whoever it is for would be locked out by a slip.
    let again = ask(&input, "The same again: ")?;
    Ok(Some(password).filter(|password| password.octets() == again.octets()))
}

/// What is typed behind `prompt`, without an echo.
fn ask(input: &io::Stdin, prompt: &str) -> io::Result<Secret> {
    let mut out = io::stderr();
    let before = rustix::termios::tcgetattr(input)?;
    let mut silent = before.clone();
    silent.local_modes.remove(rustix::termios::LocalModes::ECHO);
    // Before anything is asked: who types at once is not shown either.
    rustix::termios::tcsetattr(input, rustix::termios::OptionalActions::Now, &silent)?;
    let line = write!(out, "{prompt}").and_then(|()| out.flush()).and_then(|()| read_line(&mut input.lock()));
    rustix::termios::tcsetattr(input, rustix::termios::OptionalActions::Now, &before)?;
    writeln!(out)?;
    line
}

fn read_line(input: &mut impl BufRead) -> io::Result<Secret> {
    let mut line = Vec::with_capacity(2 * MOST);
    io::Read::take(input, 2 * MOST as u64).read_until(b'\n', &mut line)?;
    let end = line.iter().position(|octet| matches!(octet, b'\r' | b'\n')).unwrap_or(line.len());
    let mut secret = Secret::new(line);
    secret.truncate(end);
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_one_that_the_file_takes() {
        for scram in [false, true] {
            let passwd = Passwd { user: "ann@a.example".to_owned(), scram };
            let line = passwd.line(&Secret::from("correct horse")).unwrap();
            let users = Users::parse(&line, [0; 32]).unwrap();
            let (hash, is_own) = users.hash("ann@a.example").unwrap();
            assert!(is_own && hash.is_of(&Secret::from("correct horse")) && users.has_records() == scram);
        }
    }

    #[test]
    fn a_record_is_of_the_password_as_clients_prepare_it() {
        let passwd = Passwd { user: "jose\u{301}".to_owned(), scram: true };
        let users = Users::parse(&passwd.line(&Secret::from("cafe\u{301}")).unwrap(), [0; 32]).unwrap();
        let (hash, is_own) = users.hash("jos\u{e9}").unwrap();
        assert!(is_own && hash.is_of(&Secret::from("caf\u{e9}")));
    }

    #[test]
    fn what_would_make_a_wrong_line_is_refused() {
        for (user, password) in [("a:b", "x"), ("#a", "x"), (" a", "x"), ("", "x"), ("a", ""), ("a", "x\ty")]
        {
            let passwd = Passwd { user: user.to_owned(), scram: true };
            assert!(passwd.line(&Secret::from(password)).is_err(), "{user:?} {password:?}");
        }
        let passwd = Passwd { user: "a".to_owned(), scram: true };
        assert!(passwd.line(&Secret::from("pass\u{1f600}")).is_err());
    }

    #[test]
    fn the_password_is_the_first_line_without_its_end() {
        for (input, want) in [("abc\r\nd\n", "abc"), ("abc", "abc"), ("", "")] {
            assert_eq!(read_line(&mut input.as_bytes()).unwrap().text(), Some(want), "{input:?}");
        }
    }
}
