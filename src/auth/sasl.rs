//! Our own mechanisms, over whoever knows passwords or tokens.

use std::rc::Rc;

use crate::auth::check::{Check, Found};
use crate::auth::plain::{self, NameAndPassword};
use crate::auth::scram::{First, Open, Shown};
use crate::auth::token::{self, NameAndToken};
use crate::auth::verifier::{Attempt, Claim, Exchange, Pending, Step, Verifier};
use crate::smtp::mechanism::{Mechanism, Mechanisms};
use crate::smtp::secret::Secret;

/// A verifier that talks by our own mechanisms and asks `check` whether what was said is right.
pub struct Sasl {
    check: Rc<dyn Check>,
}

impl Sasl {
    /// A verifier over `check`.
    pub fn new(check: Rc<dyn Check>) -> Sasl {
        Sasl { check }
    }
}

impl Verifier for Sasl {
    fn mechanisms(&self) -> Mechanisms {
        self.check.mechanisms()
    }

    fn begin(&self, attempt: Attempt) -> Box<dyn Exchange> {
        let check = Rc::clone(&self.check);
        Box::new(Dialogue {
            check,
            attempt,
            state: State::Begun,
            user: String::new(),
            shown: Secret::default(),
        })
    }
}

/// One exchange by one of our own mechanisms.
struct Dialogue {
    check: Rc<dyn Check>,
    attempt: Attempt,
    state: State,
    /// Who the client says it is; empty as long as it hasn't.
    user: String,
    /// What it has shown.
    shown: Secret,
}

/// How far an exchange has come.
enum State {
    /// Nothing was said yet.
    Begun,
    /// LOGIN: the name was asked for.
    NameAsked,
    /// LOGIN: the password was asked for.
    PasswordAsked,
    /// The client was told that its token doesn't count.
    TokenRefused,
    /// SCRAM: the client was told nonce and salt.
    Salted(Box<Open>),
    /// SCRAM: the client is right and was told that we are.
    Shown,
}

impl Exchange for Dialogue {
    fn take(&mut self, answer: Option<Secret>) -> Pending<'_, Step> {
        Box::pin(self.go_on(answer))
    }

    fn claim(&self) -> Option<Claim<'_>> {
        let is_one = !(self.user.is_empty() && self.shown.is_empty());
        is_one.then(|| Claim { user: self.check.counted_as(&self.user), secret: self.shown.octets() })
    }
}

impl Dialogue {
    async fn go_on(&mut self, answer: Option<Secret>) -> Step {
        match (std::mem::replace(&mut self.state, State::Begun), answer) {
            (State::Begun, None) if self.attempt.mechanism == Mechanism::Login => self.ask_name(),
            // The client is to speak first: an empty challenge lets it. RFC 4954 §4.
            (State::Begun, None) => Step::Challenge(Secret::default()),
            (State::Begun, Some(answer)) => self.begin(answer).await,
            (State::NameAsked, Some(answer)) => self.take_name(&answer),
            (State::PasswordAsked, Some(answer)) => match plain::password(answer.octets()) {
                Some(password) => self.ask_password(password).await,
                None => Step::Malformed,
            },
            (State::TokenRefused, Some(_)) => Step::Refused(None),
            (State::Salted(open), Some(answer)) => self.take_proof(&open, &answer),
            (State::Shown, Some(answer)) if answer.is_empty() => Step::Accepted(self.user.clone()),
            (_, _) => Step::Malformed,
        }
    }

    async fn begin(&mut self, answer: Secret) -> Step {
        match self.attempt.mechanism {
            Mechanism::Plain => match plain::read(&answer, plain::user) {
                Some(NameAndPassword { user, password }) => {
                    self.user = user;
                    self.ask_password(password).await
                }
                None => Step::Malformed,
            },
            Mechanism::Login => self.take_name(&answer),
            Mechanism::OauthBearer | Mechanism::Xoauth2 => self.take_token(&answer).await,
            Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => self.take_first(&answer).await,
            Mechanism::External | Mechanism::CramMd5 => {
                Step::Unavailable("a mechanism that was not to be offered".to_owned())
            }
        }
    }

    fn ask_name(&mut self) -> Step {
        self.state = State::NameAsked;
        Step::Challenge(Secret::from("Username:"))
    }

    fn take_name(&mut self, answer: &Secret) -> Step {
        let Some(user) = plain::user(answer.octets()) else { return Step::Malformed };
        self.user = user;
        self.state = State::PasswordAsked;
        Step::Challenge(Secret::from("Password:"))
    }

    async fn ask_password(&mut self, password: Secret) -> Step {
        self.shown = password;
        let found = self.check.password(&self.attempt, &self.user, &self.shown).await;
        ended(found)
    }

    async fn take_token(&mut self, answer: &Secret) -> Step {
        let mechanism = self.attempt.mechanism;
        let Some(NameAndToken { user, token }) = token::read(mechanism, answer, plain::user) else {
            return Step::Malformed;
        };
        (self.user, self.shown) = (user, token);
        match self.check.token(&self.attempt, &self.user, &self.shown).await {
            Found::Nobody => {
                self.state = State::TokenRefused;
                Step::RefusedAfter(token::refusal(mechanism))
            }
            found => ended(found),
        }
    }

    async fn take_first(&mut self, answer: &Secret) -> Step {
        let channel = self.attempt.channel.clone();
        let Some(first) = First::read(answer, &channel) else { return Step::Malformed };
        self.user.clone_from(&first.user);
        let record = match self.check.record(&self.user).await {
            Ok(record) => record,
            Err(why) => return Step::Unavailable(why),
        };
        let Some(open) = Open::new(first, record, channel) else {
            return Step::Unavailable("no randomness".to_owned());
        };
        let challenge = open.challenge();
        self.state = State::Salted(Box::new(open));
        Step::Challenge(challenge)
    }

    fn take_proof(&mut self, open: &Open, answer: &Secret) -> Step {
        self.shown = answer.clone();
        match open.judge(answer) {
            None => Step::Malformed,
            Some(Shown::Wrong) => Step::Refused(None),
            Some(Shown::Right(last)) => {
                self.state = State::Shown;
                Step::Challenge(last)
            }
        }
    }
}

/// How an exchange ends with what was found.
fn ended(found: Found) -> Step {
    match found {
        Found::User(user) => Step::Accepted(user),
        Found::Nobody => Step::Refused(None),
        Found::Unavailable(why) => Step::Unavailable(why),
    }
}

#[cfg(test)]
mod tests;
