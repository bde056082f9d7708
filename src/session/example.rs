//! An example session for the tests: a listener that takes mail for `ours.example`, and a way to talk to it.

use std::rc::Rc;
use std::sync::Arc;

use crate::names::domain_set::DomainSet;
use crate::names::network_set::NetworkSet;
use crate::session::effects::{Effects, Grant, Held, PolicyName, Score};
use crate::session::ehlo::Offer;
use crate::session::envelope::Destination;
use crate::session::identity::{Identity, SessionId};
use crate::session::relay::{Relay, RelayDomains};
use crate::session::relay_guard::{Claim, judge};
use crate::session::rules::Rules;
use crate::session::state::Session;
use crate::smtp::command::{Command, Syntax};
use crate::smtp::extension::Capabilities;
use crate::smtp::reply::Reply;

/// The rules of the listener.
pub(super) fn rules() -> Rules {
    let ours = RelayDomains::Set(DomainSet::parse(["ours.example"]).unwrap());
    let networks = NetworkSet::parse(["192.0.2.0/24"]).unwrap();
    Rules::new("25", "mx.ours.example", Relay { networks, ..Relay::new(ours) })
}

/// A backend that can do all.
pub(super) fn backend() -> Capabilities {
    let lines =
        ["b.example", "PIPELINING", "SIZE 0", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "BINARYMIME"];
    Capabilities::parse(&lines)
}

/// A session of `rules` with a client at `client`.
pub(super) fn session_from(rules: Rules, client: &str) -> Session {
    let peer = std::net::SocketAddr::new(client.parse().unwrap(), 40_000);
    let server = "198.51.100.25:25".parse().unwrap();
    Session::new(Arc::new(rules), Identity::direct(SessionId::new(7), peer, server))
}

/// A session of the example's rules with a stranger.
pub(super) fn session() -> Session {
    session_from(rules(), "203.0.113.9")
}

/// The command that `line` is.
pub(super) fn command(line: &str) -> Command {
    Command::parse(line.as_bytes(), Syntax::default()).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// What the session answers to `line` before anyone is asked: the refusal, or 250 for "admitted".
pub(super) fn admission(session: &Session, line: &str) -> Reply {
    session.admit(command(line)).map_or_else(|refusal| refusal, |_| Reply::OK)
}

/// Takes `line` through all steps as the proxy does, with `effects` of the hooks and with `reply` from whoever
/// answers; gives the reply that the client gets.
pub(super) fn say_with(session: &mut Session, line: &str, effects: Effects, reply: &Reply) -> Reply {
    let command = command(line);
    let verb = command.verb();
    let admitted = match session.admit(command.clone()) {
        Ok(admitted) => admitted,
        Err(refusal) => return session.commit_error(verb, &refusal).unwrap_or(refusal),
    };
    let offer = match command {
        Command::Helo(_) => Offer::plain(session.rules()),
        _ => Offer::extended(session.rules(), Some(&backend()), false),
    };
    let Command::Rcpt(rcpt) = command else {
        session.commit(admitted, offer, effects, reply);
        return reply.clone();
    };
    if !reply.is_positive() {
        session.commit(admitted, offer, effects, reply);
        return reply.clone();
    }
    let granted = effects.grant.as_ref().or(session.grant()).map(|grant| grant.why.clone());
    let claim = Claim { client: session.relay_client(), granted: granted.as_deref() };
    match judge(&session.rules().relay, claim, rcpt.forward_path) {
        Err(refusal) => {
            session.commit(admitted, offer, effects, &refusal);
            refusal
        }
        Ok(permitted) => {
            let assumed = session.assume(admitted, effects, Destination::Backend(permitted)).unwrap();
            session.settle(assumed, reply);
            reply.clone()
        }
    }
}

/// As `say_with`, without hooks.
pub(super) fn say(session: &mut Session, line: &str, reply: &Reply) -> Reply {
    say_with(session, line, Effects::default(), reply)
}

/// A session after these lines, each answered 250.
pub(super) fn session_after(lines: &[&str]) -> Session {
    let mut session = session();
    for line in lines {
        say(&mut session, line, &Reply::OK);
    }
    session
}

/// The recipients that the session holds now.
pub(super) fn recipients(session: &Session) -> Vec<String> {
    let transaction = session.transaction().into_iter();
    transaction.flat_map(|open| &open.recipients).map(|known| known.rcpt.forward_path.to_string()).collect()
}

/// Some policy's name.
pub(super) fn policy() -> PolicyName {
    Rc::from("some")
}

/// Effects that grant.
pub(super) fn grant(why: &str) -> Effects {
    Effects { grant: Some(Grant { policy: policy(), why: why.to_owned() }), ..Effects::default() }
}

/// Effects that hold a refusal back.
pub(super) fn held(text: &'static str, unless_auth: bool) -> Effects {
    let reply = Reply::fixed(550, (5, 7, 1), text);
    Effects { held: Some(Held { reply, unless_auth, policy: policy() }), ..Effects::default() }
}

/// Effects that give points.
pub(super) fn score(points: f64) -> Effects {
    let score = Score { symbol: "S".to_owned(), points, policy: policy() };
    Effects { scores: vec![score], ..Effects::default() }
}
