//! Whether a client may log in now, and what holds once it has.

use crate::session::admit::Admitted;
use crate::session::effects::{Effects, Scope};
use crate::session::login::{Demand, Login};
use crate::session::state::Session;
use crate::smtp::auth_argument::AuthArgument;
use crate::smtp::command::{Command, Verb};
use crate::smtp::mechanism::Mechanism;
use crate::smtp::reply::Reply;

impl Session {
    /// The login in force.
    pub fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// Why a login lets this client name any recipient, or nothing.
    pub fn login_grant(&self) -> Option<&str> {
        (self.login.is_some() && self.rules.relay.authenticated).then_some("relay.authenticated")
    }

    /// Whether AUTH may be offered to this client as the connection is now.
    pub fn may_log_in(&self) -> bool {
        let logins = self.rules.logins;
        logins.demand != Demand::Off && (logins.without_tls || self.is_encrypted())
    }

    /// Refuses AUTH in the present state, or gives nothing. Source: RFC 4954 §4, §6.
    pub(super) fn refuse_auth(&self, argument: &AuthArgument) -> Option<Reply> {
        if self.rules.logins.demand == Demand::Off {
            return Some(Reply::NOT_OFFERED);
        }
        let offered = match &self.greeting {
            Some(greeting) if greeting.verb == Verb::Ehlo && self.greeting_refusal.is_none() => {
                greeting.offer.auth
            }
            _ => return Some(Reply::HELO_FIRST),
        };
        if self.login.is_some() {
            return Some(Reply::LOGGED_IN_ALREADY);
        }
        if self.transaction.is_some() {
            return Some(Reply::AUTH_IN_TRANSACTION);
        }
        if !self.may_log_in() {
            return Some(Reply::LOGIN_NEEDS_TLS);
        }
        let Some(name) = argument.mechanism() else { return Some(Reply::AUTH_SYNTAX) };
        if argument.initial().is_some_and(|initial| initial.contains(' ')) {
            return Some(Reply::AUTH_SYNTAX);
        }
        let is_offered = Mechanism::parse(name).is_some_and(|mechanism| offered.contains(mechanism));
        (!is_offered).then_some(Reply::UNKNOWN_MECHANISM)
    }

    /// Refuses what needs a login where logins are required, or gives nothing. Source: RFC 4954 §6, code 530.
    pub(super) fn refuse_stranger(&self, command: &Command) -> Option<Reply> {
        let is_stranger = self.rules.logins.demand == Demand::Required && self.login.is_none();
        let needs_login = matches!(
            command,
            Command::Mail(_)
                | Command::Rcpt(_)
                | Command::Data
                | Command::Bdat { .. }
                | Command::Vrfy(_)
                | Command::Expn(_)
                | Command::Etrn(_)
        );
        // Who has not said EHLO hears of that first, for it will learn of AUTH there.
        (is_stranger && needs_login && self.greeting.is_some()).then_some(Reply::LOGIN_REQUIRED)
    }

    /// Commits an AUTH: `login` if it succeeded and `reply` says so, with what its hooks asked for.
    pub fn commit_login(&mut self, _: Admitted, login: Option<Login>, mut effects: Effects, reply: &Reply) {
        self.counters.commands += 1;
        if !reply.is_positive() {
            effects = effects.of_refusal();
        }
        self.standing.take_exemptions(&mut effects, Scope::Session);
        self.standing.take(&mut effects);
        if reply.is_positive() {
            self.login = login;
        }
    }

    /// Counts a login that failed.
    pub fn count_auth_failure(&mut self) {
        self.counters.auth_failures += 1;
    }
}

#[cfg(test)]
mod tests;
