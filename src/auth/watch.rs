//! What a client claims in an exchange that somebody else leads: read along, so that failures can be counted.

use crate::auth::plain;
use crate::auth::scram::claimed;
use crate::auth::token;
use crate::auth::verifier::{Claim, Step};
use crate::smtp::mechanism::Mechanism;
use crate::smtp::secret::Secret;

/// Reads along. It judges no claim, but keeps from going on what it can't read as the other side would: who is counted and
/// named here must be who is asked about there.
#[derive(Debug)]
pub struct Watch {
    mechanism: Mechanism,
    /// Answers so far.
    answers: usize,
    user: String,
    shown: Secret,
}

impl Watch {
    /// Reads along with an exchange by `mechanism`.
    pub fn new(mechanism: Mechanism) -> Watch {
        Watch { mechanism, answers: 0, user: String::new(), shown: Secret::default() }
    }

    /// Reads the client's next answer; whether it may go on.
    ///
    /// It may not where the mechanism knows no such answer, or where the name in it would be another once it is prepared
    /// (RFC 4013): the other side may prepare it or may not.
    #[must_use]
    pub fn see(&mut self, answer: &Secret) -> bool {
        self.answers += 1;
        match (self.mechanism, self.answers) {
            (Mechanism::Plain, _) => {
                let Some(said) = plain::read(answer, plain::user_as_written) else { return false };
                (self.user, self.shown) = (said.user, said.password);
            }
            (Mechanism::Xoauth2 | Mechanism::OauthBearer, 1) => {
                let said = token::read(self.mechanism, answer, plain::user_as_written);
                let Some(said) = said else { return false };
                (self.user, self.shown) = (said.user, said.token);
            }
            (Mechanism::Login, 1) => return self.takes(plain::user_as_written(answer.octets())),
            (Mechanism::ScramSha256 | Mechanism::ScramSha256Plus, 1) => {
                return self.takes(claimed(answer));
            }
            (Mechanism::CramMd5, _) => {
                let name = answer.octets().rsplitn(2, |octet| *octet == b' ').nth(1).unwrap_or_default();
                self.shown = answer.clone();
                return self.takes(plain::user_as_written(name));
            }
            (Mechanism::Xoauth2 | Mechanism::OauthBearer, _) => {} // after the token come only regrets
            _ => self.shown = answer.clone(),
        }
        true
    }

    fn takes(&mut self, name: Option<String>) -> bool {
        self.user = name.unwrap_or_default();
        !self.user.is_empty()
    }

    /// What was claimed so far.
    pub fn claim(&self) -> Option<Claim<'_>> {
        let is_one = !(self.user.is_empty() && self.shown.is_empty());
        is_one.then(|| Claim { user: &self.user, secret: self.shown.octets() })
    }

    /// Who the client claims to be.
    pub fn user(&self) -> Option<&str> {
        Some(self.user.as_str()).filter(|user| !user.is_empty())
    }

    /// What a challenge means now: of a token that was shown already, that it doesn't count. RFC 7628 §3.2.3
    pub fn challenged(&self, challenge: Secret) -> Step {
        let is_token = matches!(self.mechanism, Mechanism::Xoauth2 | Mechanism::OauthBearer);
        match is_token && self.answers > 0 {
            true => Step::RefusedAfter(challenge),
            false => Step::Challenge(challenge),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claim_is_found_in_each_mechanism() {
        for (mechanism, answers, want) in [
            (Mechanism::Plain, &["\0ann\0pw"][..], Some(("ann", "pw"))),
            (Mechanism::Login, &["ann", "pw"], Some(("ann", "pw"))),
            (Mechanism::Login, &["ann"], Some(("ann", ""))),
            (Mechanism::Xoauth2, &["user=ann\x01auth=Bearer t\x01\x01"], Some(("ann", "t"))),
            // The second answer follows the server's no.
            (Mechanism::Xoauth2, &["user=ann\x01auth=Bearer t\x01\x01", ""], Some(("ann", "t"))),
            (Mechanism::OauthBearer, &["n,,\x01auth=Bearer t\x01\x01"], Some(("", "t"))), // the token says who it is
            (Mechanism::ScramSha256, &["n,,n=ann,r=x", "c=biws,r=y,p=z"], Some(("ann", "c=biws,r=y,p=z"))),
            (Mechanism::CramMd5, &["ann b913a602"], Some(("ann", "ann b913a602"))),
        ] {
            let mut watch = Watch::new(mechanism);
            answers.iter().for_each(|answer| assert!(watch.see(&Secret::from(*answer)), "{mechanism}"));
            let claim = watch.claim();
            let got = claim.map(|claim| (claim.user, std::str::from_utf8(claim.secret).unwrap()));
            assert_eq!(got, want, "{mechanism} {answers:?}");
        }
    }

    /// `\u{aa}nn` is ann for who prepares names, and somebody else for who doesn't.
    #[test]
    fn what_the_other_side_may_read_otherwise_does_not_go_on() {
        for (mechanism, answer) in [
            (Mechanism::Plain, "nonsense"),
            (Mechanism::Plain, ""),
            (Mechanism::Plain, "\0\u{aa}nn\0pw"),
            (Mechanism::Plain, "bob\0ann\0pw"),
            (Mechanism::Login, "\u{aa}nn"),
            (Mechanism::Login, ""),
            (Mechanism::Login, "a\nn"),
            (Mechanism::Xoauth2, "user=\u{aa}nn\x01auth=Bearer t\x01\x01"),
            (Mechanism::OauthBearer, "n,a=\u{aa}nn,\x01auth=Bearer t\x01\x01"),
            (Mechanism::OauthBearer, "nonsense"),
            (Mechanism::ScramSha256, "n,,n=\u{aa}nn,r=x"),
            (Mechanism::ScramSha256, "n,a=bob,n=ann,r=x"), // for somebody else
            (Mechanism::ScramSha256, "nonsense"),
            (Mechanism::CramMd5, "\u{aa}nn b913a602"),
            (Mechanism::CramMd5, "b913a602"),
        ] {
            let mut watch = Watch::new(mechanism);
            assert!(!watch.see(&Secret::from(answer)), "{mechanism} {answer:?}");
            assert!(watch.user().is_none(), "{mechanism} {answer:?}");
        }
    }

    /// A backend, too, says by a challenge that a token doesn't count. RFC 7628 §3.2.3
    #[test]
    fn a_challenge_after_a_token_is_its_refusal() {
        let challenge = || Secret::from("{}");
        let mut token = Watch::new(Mechanism::Xoauth2);
        assert!(matches!(token.challenged(challenge()), Step::Challenge(_)));
        assert!(token.see(&Secret::from("user=ann\x01auth=Bearer t\x01\x01")));
        assert!(matches!(token.challenged(challenge()), Step::RefusedAfter(_)));
        let mut login = Watch::new(Mechanism::Login);
        assert!(login.see(&Secret::from("ann")));
        assert!(matches!(login.challenged(challenge()), Step::Challenge(_)));
    }

    /// People type passwords where names belong, and where that is none, the next answer is no name either.
    #[test]
    fn of_login_only_the_first_answer_is_a_name() {
        let mut watch = Watch::new(Mechanism::Login);
        assert!(!watch.see(&Secret::from("a\u{7}b")));
        let _ = watch.see(&Secret::from("pencil"));
        assert!(watch.user().is_none());
    }
}
