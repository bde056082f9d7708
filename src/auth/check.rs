//! Who can say whether a password or a token is right; our own mechanisms do the talking for it.

use crate::auth::scram::Record;
use crate::auth::verifier::{Attempt, Pending};
use crate::smtp::mechanism::{Mechanism, Mechanisms};
use crate::smtp::secret::Secret;

/// What anybody can check who knows whether a password is right.
pub const PASSWORDS: Mechanisms = Mechanisms::NONE.with(Mechanism::Plain).with(Mechanism::Login);
/// The same of who also knows whose a token is.
pub const PASSWORDS_AND_TOKENS: Mechanisms = PASSWORDS.with(Mechanism::OauthBearer).with(Mechanism::Xoauth2);

/// Whether the claim is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is, and this is the user's name as it is known here.
    User(String),
    /// It is not; whether there is such a user is not said.
    Nobody,
    /// Nobody can tell now; why, for the log.
    Unavailable(String),
}

/// Who knows passwords or tokens.
pub trait Check {
    /// What it can check now.
    fn mechanisms(&self) -> Mechanisms;

    /// Whether `password` is that of `user`.
    fn password<'a>(
        &'a self,
        attempt: &'a Attempt,
        user: &'a str,
        password: &'a Secret,
    ) -> Pending<'a, Found>;

    /// Under which name a failure of `user` counts: one for all that mean the same user.
    fn counted_as<'a>(&self, user: &'a str) -> &'a str {
        user
    }

    /// Whose `token` it is; `user` is who the client says it is.
    fn token<'a>(&'a self, _: &'a Attempt, _user: &'a str, _token: &'a Secret) -> Pending<'a, Found> {
        Box::pin(async { Found::Nobody })
    }

    /// What SCRAM needs to know of `user`; made up for a user that is not known, always the same.
    ///
    /// *Errors*: nobody can tell now; why, for the log.
    fn record<'a>(&'a self, _user: &'a str) -> Pending<'a, Result<Record, String>> {
        Box::pin(async { Err("no records".to_owned()) })
    }
}
