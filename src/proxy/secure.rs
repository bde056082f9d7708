//! From clear text to TLS: STARTTLS, or the first octets of a session; what policies make of it.

use std::rc::Rc;
use std::time::Duration;

use tokio::select;
use tokio::time::{Instant, sleep_until};

use crate::net::tls::handshake::{Facts, Failure, Reason};
use crate::policy::event::Event;
use crate::policy::verdict::{Decision, Verdict};
use crate::proxy::drain::Phase;
use crate::proxy::ending::End;
use crate::proxy::said::Said;
use crate::proxy::serve::{Flow, Serve};
use crate::session::admit::Admitted;
use crate::session::effects::Effects;
use crate::session::ehlo::Offer;
use crate::session::tls::{ChannelBinding, ClientCertificate, Tls};
use crate::smtp::reply::Reply;

/// How long a handshake may take, the wait for its turn included.
const PATIENCE: Duration = Duration::from_secs(30);

impl Serve {
    /// The same session, over whose TLS a test has decided: as if the handshake had been the first thing.
    pub fn playing(self, tls: Option<Tls>) -> Self {
        if let Some(tls) = tls {
            self.session.borrow_mut().note_tls(tls);
        }
        self
    }

    /// Takes STARTTLS: says 220, forgets what was said in clear text, takes the handshake. Source: RFC 3207 §4.
    pub(super) async fn take_starttls(&mut self, admitted: Admitted) -> Flow {
        let reply = self.session.borrow().answer(&admitted);
        let offer = Offer::plain(&self.context.rules);
        let ended = self.session.borrow_mut().commit(admitted, offer, Effects::default(), &reply);
        self.after_end(ended);
        self.say(Said::core(reply)).await?;
        self.flush().await?;
        let mut decision = Box::pin(self.secure()).await?;
        let delay = decision.delay();
        let refusal = refusal(&decision);
        if let Some(reply) = &refusal {
            self.note_refusal("tls", reply, decision.policy.as_ref());
        }
        self.session.borrow_mut().commit_tls(decision.take_effects(), refusal);
        self.hold_back(delay).await;
        Ok(())
    }

    /// Takes the handshake that comes before the banner. What the policies say to it is said there, where `decision`, which
    /// they made of the connection, lets the client in; else that stands.
    pub(super) async fn secure_first(&mut self, mut decision: Decision) -> Result<Decision, End> {
        let mut judged = self.secure().await?;
        let refusal = refusal(&judged);
        let delay = decision.delay().max(judged.delay());
        if !delay.is_zero() {
            decision.effects.get_or_insert_default().delay = delay;
        }
        self.session.borrow_mut().commit_tls(judged.take_effects(), refusal.clone());
        if let (Some(_), Verdict::Accept) = (refusal, &decision.verdict) {
            decision.verdict = judged.verdict;
            decision.policy = judged.policy;
        }
        Ok(decision)
    }

    /// Takes the client's handshake, and asks the `tls` policies. Without one the session ends.
    pub(super) async fn secure(&mut self) -> Result<Decision, End> {
        if self.session.borrow().is_encrypted() {
            return Ok(self.decide(Event::Tls).await); // a test plays it
        }
        let Some(front) = self.context.tls.clone() else { return Err(End::tls()) };
        let deadline = self.within_session(Instant::now() + PATIENCE.min(self.patience()));
        let context = Rc::clone(&self.context);
        let handshake = async {
            select! {
                biased;
                () = self.draining.reach(Phase::Ending) => None,
                outcome = self.wire.secure(&front, &context.turnstile) => Some(outcome),
                () = sleep_until(deadline) => Some(Err(Failure::of(Reason::Timeout))),
            }
        };
        match handshake.await {
            None => Err(End::drain()),
            Some(Err(failure)) => Err(self.give_up(failure).await),
            Some(Ok(facts)) => {
                self.context.counters.count_handshake(facts.is_resumed);
                self.session.borrow_mut().note_tls(told(facts));
                Ok(self.decide(Event::Tls).await)
            }
        }
    }

    /// Logs and counts a handshake that has failed; a client that speaks clear text is told so.
    async fn give_up(&mut self, failure: Failure) -> End {
        let identity = self.session.borrow().identity().clone();
        if identity.is_probe {
            return End::tls(); // it asked only whether we are well
        }
        self.context.counters.count_failed_handshake(failure.reason);
        tracing::info!(
            session = %identity.id,
            client_ip = %identity.client.ip(),
            listener = %self.context.listener.name,
            reason = failure.reason.as_str(),
            error = %failure.error,
            "TLS handshake failed"
        );
        if failure.reason == Reason::NotTls && !self.wire.is_gone() {
            let _ = self.close_with(Reply::TLS_ONLY, End::tls()).await; // whether or not it hears that
        }
        End::tls()
    }
}

/// What policies have said against the TLS of a client.
fn refusal(decision: &Decision) -> Option<Reply> {
    match &decision.verdict {
        Verdict::Refuse(reply) => Some(reply.clone()),
        Verdict::Accept | Verdict::Discard { .. } => None,
    }
}

/// The facts of a handshake as the session keeps them.
fn told(facts: Facts) -> Tls {
    let is_verified = facts.is_verified;
    let certificate = facts.certificate.map(|shown| ClientCertificate {
        subject: shown.subject,
        issuer: shown.issuer,
        names: shown.names,
        sha256: shown.sha256,
        key_sha256: shown.key_sha256,
        is_verified,
    });
    let exporter =
        facts.exporter.map(|data| ChannelBinding { kind: ChannelBinding::EXPORTER, data: data.to_vec() });
    let end_point =
        facts.server_end_point.map(|data| ChannelBinding { kind: ChannelBinding::SERVER_END_POINT, data });
    let bindings = exporter.into_iter().chain(end_point).collect();
    Tls {
        version: facts.version,
        cipher: facts.cipher,
        sni: facts.sni,
        alpn: facts.alpn,
        is_resumed: facts.is_resumed,
        client_certificate: certificate,
        channel_bindings: bindings,
    }
}
