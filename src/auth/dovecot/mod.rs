//! `dovecot:SOCKET`: Dovecot knows the users; exchanges go through to it as they are.

mod connection;
pub mod probe;
mod words;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::mpsc::{Sender, UnboundedReceiver, channel, unbounded_channel};
use tokio::time::timeout;

use crate::auth::dovecot::connection::Job;
use crate::auth::dovecot::words::Answer;
use crate::auth::verifier::{Attempt, Claim, Exchange, PATIENCE, Pending, Step, Verifier};
use crate::auth::watch::Watch;
use crate::smtp::mechanism::Mechanisms;
use crate::smtp::secret::Secret;
use crate::threads::helper::HelperHandle;

/// A Dovecot, common to all workers.
pub struct Dovecot {
    jobs: Sender<Job>,
    offered: Arc<ArcSwap<Mechanisms>>,
    numbers: AtomicU32,
}

/// Lines that may wait to be written.
const QUEUE: usize = 1024;

impl Dovecot {
    /// The Dovecot at the socket `path`; the connection is `helper`'s, made now and anew when it is lost.
    pub fn start(path: &Path, helper: &HelperHandle) -> Dovecot {
        let (jobs, queue) = channel(QUEUE);
        let offered = Arc::new(ArcSwap::from_pointee(Mechanisms::NONE));
        let (path, told) = (path.to_owned(), Arc::clone(&offered));
        helper.leave(move || connection::keep(path, queue, told));
        Dovecot { jobs, offered, numbers: AtomicU32::new(1) }
    }

    fn say(&self, job: Job) -> Result<(), String> {
        self.jobs.try_send(job).map_err(|_| "too many logins at once".to_owned())
    }
}

impl Verifier for Arc<Dovecot> {
    fn mechanisms(&self) -> Mechanisms {
        **self.offered.load()
    }

    fn begin(&self, attempt: Attempt) -> Box<dyn Exchange> {
        let (watch, id) = (Watch::new(attempt.mechanism), self.numbers.fetch_add(1, Ordering::Relaxed));
        Box::new(Passed { dovecot: Arc::clone(self), attempt, watch, id, answers: None })
    }
}

/// An exchange that goes through to Dovecot.
struct Passed {
    dovecot: Arc<Dovecot>,
    attempt: Attempt,
    watch: Watch,
    id: u32,
    /// What Dovecot says; none before the request.
    answers: Option<UnboundedReceiver<Answer>>,
}

impl Exchange for Passed {
    fn take(&mut self, answer: Option<Secret>) -> Pending<'_, Step> {
        Box::pin(self.pass(answer))
    }

    fn claim(&self) -> Option<Claim<'_>> {
        self.watch.claim()
    }
}

impl Passed {
    async fn pass(&mut self, answer: Option<Secret>) -> Step {
        if answer.as_ref().is_some_and(|answer| !self.watch.see(answer)) {
            return Step::Malformed;
        }
        let job = match (&self.answers, &answer) {
            (None, _) => {
                let (tell, answers) = unbounded_channel();
                self.answers = Some(answers);
                Job::Begin(self.id, words::request(self.id, &self.attempt, answer.as_ref()), tell)
            }
            (Some(_), Some(answer)) => Job::Continue(words::continued(self.id, answer)),
            (Some(_), None) => return Step::Malformed,
        };
        if let Err(why) = self.dovecot.say(job) {
            return Step::Unavailable(why);
        }
        let Some(answers) = &mut self.answers else { return Step::Malformed };
        // It holds back a refusal for two seconds and more.
        match timeout(PATIENCE, answers.recv()).await {
            Ok(Some(Answer::Ok(user))) => Step::Accepted(user),
            Ok(Some(Answer::Continue(challenge))) => self.watch.challenged(challenge),
            Ok(Some(Answer::Fail)) => Step::Refused(None),
            Ok(Some(Answer::Unavailable(why))) => Step::Unavailable(format!("Dovecot: {why}")),
            Ok(None) => Step::Unavailable("Dovecot: the connection is lost".to_owned()),
            Err(_) => Step::Unavailable(format!("Dovecot: no answer within {PATIENCE:?}")),
        }
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        if self.answers.is_some() {
            let _ = self.dovecot.say(Job::Forget(self.id)); // where that is too much, its answer finds nobody
        }
    }
}

#[cfg(test)]
mod tests;
