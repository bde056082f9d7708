//! Logins that a policy checks: our own mechanisms talk to the client, its `verify` hook says whether it is right.

use std::rc::Rc;

use crate::auth::check::{Check, Found, PASSWORDS_AND_TOKENS};
use crate::auth::sasl::Sasl;
use crate::auth::verifier::{Attempt, Exchange, Pending, Verifier};
use crate::policy::door::SessionPolicies;
use crate::policy::event::Credentials;
use crate::policy::verdict::Verified;
use crate::smtp::mechanism::Mechanisms;
use crate::smtp::secret::Secret;

/// Begins an exchange that `policies` judge.
pub(super) fn begin(policies: &Rc<dyn SessionPolicies>, attempt: Attempt) -> Box<dyn Exchange> {
    Sasl::new(Rc::new(Asked(Rc::clone(policies)))).begin(attempt)
}

/// The policies of a session, one of which checks logins.
struct Asked(Rc<dyn SessionPolicies>);

impl Asked {
    async fn ask(&self, credentials: Credentials<'_>) -> Found {
        match self.0.verify(&credentials).await {
            // What is typed beside a token is shown by nothing.
            Verified::Claimed if credentials.is_token => {
                Found::Unavailable("the policy says `true` of a token, and not whose it is".to_owned())
            }
            Verified::Claimed => Found::User(credentials.user.to_owned()),
            Verified::User(user) => Found::User(user),
            Verified::Nobody => Found::Nobody,
            Verified::Unknown => Found::Unavailable("the policy can't tell".to_owned()),
        }
    }
}

impl Check for Asked {
    fn mechanisms(&self) -> Mechanisms {
        PASSWORDS_AND_TOKENS
    }

    fn password<'a>(
        &'a self,
        attempt: &'a Attempt,
        user: &'a str,
        password: &'a Secret,
    ) -> Pending<'a, Found> {
        let mechanism = attempt.mechanism;
        Box::pin(self.ask(Credentials { mechanism, user, secret: password, is_token: false }))
    }

    fn token<'a>(&'a self, attempt: &'a Attempt, user: &'a str, token: &'a Secret) -> Pending<'a, Found> {
        let mechanism = attempt.mechanism;
        Box::pin(self.ask(Credentials { mechanism, user, secret: token, is_token: true }))
    }
}
