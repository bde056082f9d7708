//! What a client claims in an exchange that somebody else leads: read along, so that failures can be counted.

use crate::auth::plain;
use crate::auth::scram::claimed;
use crate::auth::token;
use crate::auth::verifier::Claim;
use crate::smtp::mechanism::Mechanism;
use crate::smtp::secret::Secret;

/// Reads along. It judges nothing: an answer that makes no sense says nothing.
#[derive(Debug)]
pub struct Watch {
    mechanism: Mechanism,
    user: String,
    shown: Secret,
}

impl Watch {
    /// Reads along with an exchange by `mechanism`.
    pub fn new(mechanism: Mechanism) -> Watch {
        Watch { mechanism, user: String::new(), shown: Secret::default() }
    }

    /// Reads the client's next answer.
    pub fn see(&mut self, answer: &Secret) {
        match self.mechanism {
            Mechanism::Plain => {
                if let Some(said) = plain::read(answer) {
                    (self.user, self.shown) = (said.user, said.password);
                }
            }
            Mechanism::Xoauth2 | Mechanism::OauthBearer => {
                if let Some(said) = token::read(self.mechanism, answer) {
                    (self.user, self.shown) = (said.user, said.token);
                }
            }
            Mechanism::Login if self.user.is_empty() => {
                self.user = plain::user(answer.octets()).unwrap_or_default();
            }
            Mechanism::ScramSha256 | Mechanism::ScramSha256Plus if self.user.is_empty() => {
                self.user = claimed(answer).unwrap_or_default();
            }
            Mechanism::CramMd5 => {
                let name = answer.octets().rsplitn(2, |octet| *octet == b' ').nth(1);
                self.user = name.and_then(plain::user).unwrap_or_default();
                self.shown = answer.clone();
            }
            _ => self.shown = answer.clone(),
        }
    }

    /// What was claimed so far.
    pub fn claim(&self) -> Option<Claim<'_>> {
        (!self.user.is_empty()).then(|| Claim { user: &self.user, secret: self.shown.octets() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claim_is_found_in_each_mechanism() {
        for (mechanism, answers, want) in [
            (Mechanism::Plain, &["\0ann\0pw"][..], Some(("ann", "pw"))),
            (Mechanism::Plain, &["nonsense"], None),
            (Mechanism::Login, &["ann", "pw"], Some(("ann", "pw"))),
            (Mechanism::Login, &["ann"], Some(("ann", ""))),
            (Mechanism::Xoauth2, &["user=ann\x01auth=Bearer t\x01\x01"], Some(("ann", "t"))),
            (Mechanism::ScramSha256, &["n,,n=ann,r=x", "c=biws,r=y,p=z"], Some(("ann", "c=biws,r=y,p=z"))),
            (Mechanism::CramMd5, &["ann b913a602"], Some(("ann", "ann b913a602"))),
        ] {
            let mut watch = Watch::new(mechanism);
            answers.iter().for_each(|answer| watch.see(&Secret::from(*answer)));
            let claim = watch.claim();
            let got = claim.map(|claim| (claim.user, std::str::from_utf8(claim.secret).unwrap()));
            assert_eq!(got, want, "{mechanism} {answers:?}");
        }
    }
}
