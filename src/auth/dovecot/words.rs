//! The words of Dovecot's auth protocol, version 1: lines of fields with tabs between them.
//!
//! Source: Dovecot's documentation, "Dovecot Authentication Protocol".

use crate::auth::coding;
use crate::auth::verifier::Attempt;
use crate::smtp::mechanism::{Mechanism, Mechanisms};
use crate::smtp::secret::Secret;

/// Octets of a line that we take. Source: AUTH_CLIENT_MAX_LINE_LENGTH, 8192, of which a challenge is a part.
pub(super) const MAX_LINE: usize = 16 * 1024;

/// What the server says in its handshake.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// Its major version.
    Version(u32),
    /// It knows this mechanism.
    Mechanism(Mechanism),
    /// That was all.
    Done,
    /// What doesn't matter to us.
    Other,
}

/// What the server says to a request.
#[derive(Debug)]
pub(super) enum Answer {
    /// It is this user.
    Ok(String),
    /// The client has to answer this.
    Continue(Secret),
    /// It is not.
    Fail,
    /// The server can't tell now; why, as far as it says.
    Unavailable(String),
}

impl Greeting {
    /// What `line` says.
    pub(super) fn parse(line: &str) -> Greeting {
        let mut fields = line.split('\t');
        match (fields.next(), fields.next()) {
            (Some("VERSION"), Some(major)) => Greeting::Version(major.parse().unwrap_or(0)),
            (Some("MECH"), Some(name)) => Mechanism::parse(name).map_or(Greeting::Other, Greeting::Mechanism),
            (Some("DONE"), _) => Greeting::Done,
            _ => Greeting::Other,
        }
    }
}

/// What of the server's mechanisms can be passed on: what would authenticate us, or binds another channel, can't.
pub(super) fn passable(known: Mechanisms) -> Mechanisms {
    known.without(Mechanism::External).without(Mechanism::ScramSha256Plus)
}

/// What `line` answers, and to which request; nothing if it is no answer.
pub(super) fn answer(line: &str) -> Option<(u32, Answer)> {
    let mut fields = line.split('\t');
    let (verb, id) = (fields.next()?, fields.next()?.parse().ok()?);
    let answer = match verb {
        "OK" => {
            let user = fields.find_map(|field| field.strip_prefix("user="));
            user.map_or_else(
                || Answer::Unavailable("no user in its OK".to_owned()),
                |user| Answer::Ok(unescaped(user)),
            )
        }
        "CONT" => match coding::decode(fields.next().unwrap_or_default().as_bytes()) {
            Some(challenge) => Answer::Continue(challenge),
            None => Answer::Unavailable("a challenge that is no base64".to_owned()),
        },
        "FAIL" => {
            let is_its_fault = |field: &str| field == "temp" || field == "code=temp_fail";
            if fields.any(is_its_fault) {
                Answer::Unavailable("an internal failure of its own".to_owned())
            } else {
                Answer::Fail
            }
        }
        _ => return None,
    };
    Some((id, answer))
}

/// The handshake of a client that calls itself `number`.
pub(super) fn handshake(number: u32) -> Secret {
    Secret::from(format!("VERSION\t1\t1\nCPID\t{number}\n").as_str())
}

/// The request of `attempt` with that id, and the client's first answer if it has given one.
pub(super) fn request(id: u32, attempt: &Attempt, initial: Option<&Secret>) -> Secret {
    let secured = if attempt.is_encrypted { "\tsecured" } else { "" };
    let (client, server) = (attempt.client, attempt.server);
    let text = format!(
        "AUTH\t{id}\t{}\tservice=smtp\tnologin\tlip={}\trip={}\tlport={}\trport={}\tsession={}{secured}",
        attempt.mechanism,
        server.ip(),
        client.ip(),
        server.port(),
        client.port(),
        attempt.session,
    );
    let mut line = Secret::from(text.as_str());
    if let Some(initial) = initial {
        line.push(b"\tresp=");
        line.push(coding::encode(initial.octets()).octets());
    }
    line.push(b"\n");
    line
}

/// The client's next answer to the request with that id.
pub(super) fn continued(id: u32, answer: &Secret) -> Secret {
    let mut line = Secret::from(format!("CONT\t{id}\t").as_str());
    line.push(coding::encode(answer.octets()).octets());
    line.push(b"\n");
    line
}

/// Gives up the request with that id.
pub(super) fn cancelled(id: u32) -> Secret {
    Secret::from(format!("CANCEL\t{id}\n").as_str())
}

/// A value with its escapes undone.
fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match c {
            '\x01' => text.push(match rest.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('0') => '\0',
                _ => '\x01',
            }),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        for (line, want) in [
            ("OK\t7\tuser=ann@a.example\tnologin", Some((7, "ok ann@a.example"))),
            ("OK\t7\tuser=a\x01tb", Some((7, "ok a\tb"))),
            ("OK\t7", Some((7, "unavailable"))),
            ("CONT\t7\tVXNlcm5hbWU6", Some((7, "continue Username:"))),
            ("CONT\t7\t", Some((7, "continue "))),
            ("CONT\t7\t!", Some((7, "unavailable"))),
            ("FAIL\t7\tuser=ann", Some((7, "fail"))),
            ("FAIL\t7\tuser=ann\ttemp", Some((7, "unavailable"))),
            ("FAIL\t7\tuser=ann\tcode=temp_fail", Some((7, "unavailable"))),
            ("FAIL\tx", None),
            ("SPID\t7", None),
            ("", None),
        ] {
            let got = answer(line).map(|(id, answer)| {
                let text = match answer {
                    Answer::Ok(user) => format!("ok {user}"),
                    Answer::Continue(challenge) => format!("continue {}", challenge.text().unwrap()),
                    Answer::Fail => "fail".to_owned(),
                    Answer::Unavailable(_) => "unavailable".to_owned(),
                };
                (id, text)
            });
            assert_eq!(got, want.map(|(id, text)| (id, text.to_owned())), "{line:?}");
        }
    }

    #[test]
    fn requests_are_one_line_each() {
        let at = "192.0.2.1:25".parse().unwrap();
        let attempt = Attempt::new(Mechanism::Plain, at);
        let line = request(3, &attempt, Some(&Secret::from("\0ann\nX\0p")));
        let text = line.text().unwrap();
        assert!(text.starts_with("AUTH\t3\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1\t"), "{text}");
        assert!(text.ends_with("\tresp=AGFubgpYAHA=\n") && text.matches('\n').count() == 1, "{text}");
        assert_eq!(continued(3, &Secret::default()).text(), Some("CONT\t3\t\n"));
    }

    #[test]
    fn the_greeting_tells_version_and_mechanisms() {
        for (line, want) in [
            ("VERSION\t1\t2", Greeting::Version(1)),
            ("VERSION\tx", Greeting::Version(0)),
            ("MECH\tPLAIN\tplaintext", Greeting::Mechanism(Mechanism::Plain)),
            ("MECH\tGSSAPI", Greeting::Other),
            ("SPID\t12", Greeting::Other),
            ("DONE", Greeting::Done),
        ] {
            assert_eq!(Greeting::parse(line), want, "{line}");
        }
        assert!(!passable(Mechanisms::ALL).contains(Mechanism::External));
    }
}
