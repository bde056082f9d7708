//! An AUTH exchange that goes through to the backend: its replies as steps, and who the client claims to be.

use crate::auth::coding;
use crate::auth::verifier::{Claim, Step};
use crate::auth::watch::Watch;
use crate::backend::introduction::Introduction;
use crate::backend::link::Link;
use crate::backend::screen::shown;
use crate::fault::BackendFault;
use crate::smtp::mechanism::Mechanism;
use crate::smtp::reply_decoder::BackendReply;
use crate::smtp::secret::Secret;

/// One exchange.
pub(super) struct Passing {
    mechanism: Mechanism,
    watch: Watch,
    is_begun: bool,
}

impl Passing {
    /// An exchange by `mechanism`, of which nothing was said yet.
    pub(super) fn new(mechanism: Mechanism) -> Passing {
        Passing { mechanism, watch: Watch::new(mechanism), is_begun: false }
    }

    /// Who the client claims to be.
    pub(super) fn claim(&self) -> Option<Claim<'_>> {
        self.watch.claim()
    }

    /// Passes the client's answer on; what the backend makes of it.
    pub(super) async fn pass(
        &mut self,
        link: &mut Link,
        introduction: &Introduction,
        answer: Option<Secret>,
    ) -> Step {
        if let Some(answer) = &answer {
            let is_read = self.watch.see(answer);
            // The backend would say that it is right, and nobody here would know who that is.
            let is_nobodys = self.mechanism.is_plain_text() && self.watch.user().is_none();
            if !is_read || is_nobodys {
                return Step::Malformed;
            }
        }
        let line = answer.map(|answer| coding::encode(answer.octets()));
        let replied = match (self.is_begun, &line) {
            (false, line) => {
                self.is_begun = true;
                link.begin_login(introduction, self.mechanism, line.as_ref()).await
            }
            (true, Some(line)) => link.go_on_with_login(line).await,
            (true, None) => return Step::Malformed,
        };
        match replied {
            Ok(reply) => self.step(&reply),
            Err(fault @ (BackendFault::Lost(_) | BackendFault::Confused(_))) => {
                link.close();
                Step::Unavailable(format!("backend: {fault}"))
            }
            Err(fault) => Step::Unavailable(format!("backend: {fault}")),
        }
    }

    /// What `reply` means. Its words are not passed on: they are meant for us. Source: RFC 4954 §6.
    fn step(&self, reply: &BackendReply) -> Step {
        match (reply.code.get(), reply.code.class()) {
            (235, _) => match self.watch.user() {
                Some(user) => Step::Accepted(user.to_owned()),
                None => Step::Unavailable("nobody knows who has logged in".to_owned()),
            },
            (334, _) => {
                let challenge = reply.lines().next().filter(|_| reply.lines().count() == 1);
                match challenge.and_then(coding::decode) {
                    Some(challenge) => self.watch.challenged(challenge),
                    None => Step::Unavailable("the backend's challenge is no base64".to_owned()),
                }
            }
            (535, _) => Step::Refused(None),
            (501, _) => Step::Malformed,
            _ => Step::Unavailable(format!("the backend says {}", shown(reply))),
        }
    }
}
