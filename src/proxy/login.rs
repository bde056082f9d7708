//! AUTH: the exchange between the client and the verifier, line by line, and what comes of it.

use tokio::select;
use tokio::time::{Duration, Instant, sleep_until};

use crate::auth::check::PASSWORDS_AND_TOKENS;
use crate::auth::coding;
use crate::auth::external::{self, External};
use crate::auth::scram::Channel;
use crate::auth::verifier::{Attempt, Claim, Exchange, Step, Tls};
use crate::names::network::client_network;
use crate::policy::event::Event;
use crate::policy::verdict::Verdict;
use crate::proxy::asked;
use crate::proxy::context::Verification;
use crate::proxy::ending::End;
use crate::proxy::passing::Passing;
use crate::proxy::said::Said;
use crate::proxy::serve::{Flow, Serve};
use crate::session::admit::Admitted;
use crate::session::effects::Effects;
use crate::session::login::Login;
use crate::session::state::Session;
use crate::session::tls::ChannelBinding;
use crate::smtp::command::{Command, Verb};
use crate::smtp::line_decoder::LineError;
use crate::smtp::mechanism::{Mechanism, Mechanisms};
use crate::smtp::reply::Reply;
use crate::smtp::secret::Secret;

/// How an exchange ends.
enum Ended {
    /// The verifier knows the client.
    Accepted(Login),
    /// It doesn't.
    Refused(Refusal),
    /// Nobody can tell.
    Unavailable(String),
    /// The client has not kept to the protocol, or has cancelled.
    Broken(Reply),
}

/// A login that is wrong.
struct Refusal {
    /// What the client hears, where that is not as ever.
    reply: Option<Reply>,
    /// Whether there were too many of these.
    is_too_many: bool,
    /// When the client had given the answer that was wrong.
    since: Instant,
}

/// Who leads an exchange.
enum Talk {
    /// A verifier of ours.
    Own(Box<dyn Exchange>),
    /// The backend.
    Backend(Passing),
}

impl Talk {
    fn claim(&self) -> Option<Claim<'_>> {
        match self {
            Talk::Own(exchange) => exchange.claim(),
            Talk::Backend(passing) => passing.claim(),
        }
    }
}

/// How long a verifier may take for one step.
const PATIENCE: Duration = Duration::from_secs(30);
/// Challenges of one exchange; no mechanism has as many.
const MOST_CHALLENGES: usize = 8;

impl Serve {
    /// What AUTH is offered for now.
    pub(super) fn offered_mechanisms(&self) -> Mechanisms {
        match &self.context.verifier {
            Some(verifier) if self.session.borrow().may_log_in() => {
                let known = match verifier {
                    Verification::By(verifier) => verifier.mechanisms(),
                    Verification::Policy => PASSWORDS_AND_TOKENS,
                    Verification::Backend => self.context.server.mechanisms(),
                };
                let offered = known.intersect(self.context.listener.auth.mechanisms);
                let session = self.session.borrow();
                let is_bound = self.may_be_bound(&session);
                let offered = if is_bound { offered } else { offered.without(Mechanism::ScramSha256Plus) };
                let is_known = !certificate(&session).is_empty();
                let is_wanted = self.context.listener.auth.mechanisms.contains(Mechanism::External);
                // The certificate is shown already: nobody else is needed to check it.
                match is_known && is_wanted {
                    true => offered.with(Mechanism::External),
                    false => offered.without(Mechanism::External),
                }
            }
            _ => Mechanisms::NONE,
        }
    }

    /// Whether logins are offered to be bound to the connection.
    fn may_be_bound(&self, session: &Session) -> bool {
        let known = session.tls().map(|tls| tls.channel_bindings.as_slice()).unwrap_or_default();
        let by_certificate = self.context.listener.auth.binds_to_certificate;
        known.iter().any(|binding| by_certificate || binding.kind == ChannelBinding::EXPORTER)
    }

    /// Takes AUTH to its end. Source: RFC 4954 §4.
    pub(super) async fn take_auth(&mut self, admitted: Admitted, text: &str) -> Flow {
        let Command::Auth(argument) = admitted.command() else { return Ok(()) };
        let Some(mechanism) = argument.mechanism().and_then(Mechanism::parse) else { return Ok(()) };
        let initial = match argument.initial() {
            None => Ok(None),
            Some("=") => Ok(Some(Secret::default())),
            Some(text) => coding::decode(text.as_bytes()).map(Some).ok_or(Reply::BAD_LOGIN_ANSWER),
        };
        let ended = match initial {
            Ok(initial) => self.exchange(mechanism, initial).await?,
            Err(reply) => Ended::Broken(reply),
        };
        self.end_login(admitted, ended, text).await
    }

    /// Leads the exchange to its end.
    async fn exchange(&mut self, mechanism: Mechanism, initial: Option<Secret>) -> Result<Ended, End> {
        let Some(verifier) = self.context.verifier.clone() else {
            return Ok(Ended::Unavailable("there is no verifier".to_owned()));
        };
        let attempt = self.attempt(mechanism);
        let mut talk = match mechanism {
            Mechanism::External => Talk::Own(Box::new(External::new(&attempt))),
            _ => match (verifier, &self.policies) {
                (Verification::By(verifier), _) => Talk::Own(verifier.begin(attempt)),
                (Verification::Backend, _) => Talk::Backend(Passing::new(mechanism)),
                (Verification::Policy, Some(policies)) => Talk::Own(asked::begin(policies, attempt)),
                (Verification::Policy, None) => {
                    return Ok(Ended::Unavailable("there is no policy".to_owned()));
                }
            },
        };
        let ended = self.lead(&mut talk, mechanism, initial).await;
        self.link.give_login_up(); // where it has ended before the backend's part in it has
        ended
    }

    async fn lead(
        &mut self,
        talk: &mut Talk,
        mechanism: Mechanism,
        initial: Option<Secret>,
    ) -> Result<Ended, End> {
        let mut answer = initial;
        let mut refusal: Option<Refusal> = None;
        for _ in 0..MOST_CHALLENGES {
            let since = Instant::now();
            let refused = |this: &Self, talk: &Talk| Refusal {
                reply: None,
                is_too_many: this.count_failure(talk.claim()),
                since,
            };
            let step = self.ask_verifier(talk, answer).await?;
            if matches!(step, Step::RefusedAfter(_)) && refusal.is_none() {
                refusal = Some(refused(self, talk)); // now: the client may leave, or cancel, when it hears this
            }
            match step {
                Step::Challenge(challenge) | Step::RefusedAfter(challenge) => {
                    match (self.ask_client(&challenge).await?, refusal.take()) {
                        (Ok(secret), known) => (answer, refusal) = (Some(secret), known),
                        (Err(reply), None) => return Ok(Ended::Broken(reply)),
                        (Err(reply), Some(known)) => {
                            return Ok(Ended::Refused(Refusal { reply: Some(reply), ..known }));
                        }
                    }
                }
                Step::Accepted(user) => {
                    let login = Login::new(&user, mechanism);
                    let nameless =
                        || Ended::Unavailable("the verifier's name for the user is none".to_owned());
                    return Ok(login.map_or_else(nameless, Ended::Accepted));
                }
                Step::Refused(reply) => {
                    let known = refusal.unwrap_or_else(|| refused(self, talk));
                    return Ok(Ended::Refused(Refusal { reply, ..known }));
                }
                Step::Unavailable(why) => return Ok(Ended::Unavailable(why)),
                Step::Malformed => return Ok(Ended::Broken(Reply::BAD_LOGIN_ANSWER)),
            }
        }
        Ok(Ended::Unavailable("the exchange has no end".to_owned()))
    }

    fn attempt(&self, mechanism: Mechanism) -> Attempt {
        let session = self.session.borrow();
        let identity = session.identity();
        let offered = session.greeting().map_or(Mechanisms::NONE, |greeting| greeting.offer.auth);
        let network = client_network(identity.client.ip());
        let failed = self.context.failures.of_network(&network, Instant::now());
        Attempt {
            mechanism,
            client: identity.client,
            session: identity.id.to_string(),
            server: identity.server,
            is_encrypted: session.is_encrypted(),
            channel: channel(&session, offered, mechanism),
            certificate: certificate(&session),
            listener: self.context.listener.name.clone(),
            is_suspect: failed >= self.context.listener.auth.max_failures,
            ehlo: session.greeting().map(|greeting| greeting.name.as_str().to_owned()),
            tls: session.tls().map(|tls| Tls {
                version: tls.version,
                cipher: tls.cipher,
                sni: tls.sni.clone(),
            }),
        }
    }

    /// What the verifier makes of the client's answer. A client that leaves meanwhile ends the session.
    async fn ask_verifier(&mut self, talk: &mut Talk, answer: Option<Secret>) -> Result<Step, End> {
        let introduction = match talk {
            Talk::Backend(_) => Some(self.introduction().await),
            Talk::Own(_) => None,
        };
        let asking = async {
            match (talk, &introduction) {
                (Talk::Backend(passing), Some(introduction)) => {
                    passing.pass(&mut self.link, introduction, answer).await
                }
                (Talk::Own(exchange), _) => exchange.take(answer).await,
                (Talk::Backend(_), None) => Step::Malformed,
            }
        };
        select! {
            biased;
            step = asking => Ok(step),
            () = self.wire.left() => Err(End::lost()),
            () = sleep_until(Instant::now() + PATIENCE) => {
                Ok(Step::Unavailable(format!("no answer within {PATIENCE:?}")))
            }
        }
    }

    /// The client's answer to `challenge`, or the reply to what is none. It has the time of a command for it.
    async fn ask_client(&mut self, challenge: &Secret) -> Result<Result<Secret, Reply>, End> {
        self.wire.push_challenge(&coding::encode(challenge.octets()));
        self.flush().await?;
        let since = Instant::now();
        loop {
            let answer = match self.wire.next_answer() {
                None => {
                    self.await_client(since).await?;
                    continue;
                }
                Some(Ok(line)) if line.octets() == b"*" => Err(Reply::LOGIN_CANCELLED),
                Some(Ok(line)) => coding::decode(line.octets()).ok_or(Reply::BAD_LOGIN_ANSWER),
                Some(Err(LineError::TooLong)) => Err(Reply::LOGIN_ANSWER_TOO_LONG),
                Some(Err(LineError::Nul)) => Err(Reply::BAD_LOGIN_ANSWER),
                Some(Err(LineError::BareLf | LineError::BareCr)) => {
                    // What follows can't be told from answers and commands any more.
                    self.close_with(Reply::BARE_NEWLINE, End::protocol()).await?;
                    Err(Reply::BARE_NEWLINE)
                }
            };
            return Ok(answer);
        }
    }

    /// Counts a failure and says so in the log; whether it is one too many, of this session or lately.
    fn count_failure(&self, claim: Option<Claim<'_>>) -> bool {
        self.context.counters.logins_refused.increase();
        self.note_failure();
        let (user, secret) = claim.map_or(("", &[][..]), |claim| (claim.user, claim.secret));
        let mut session = self.session.borrow_mut();
        session.count_auth_failure();
        let most = self.context.listener.auth.max_failures;
        let network = client_network(session.identity().client.ip());
        let lately = self.context.failures.note(&network, user, secret, Instant::now());
        session.counters().auth_failures >= most || lately.of_network >= most || lately.of_user >= most
    }

    /// Commits what has come of an AUTH, and says it.
    async fn end_login(&mut self, admitted: Admitted, ended: Ended, text: &str) -> Flow {
        let counters = &self.context.counters;
        let said = match ended {
            Ended::Accepted(login) => return self.take_login(admitted, login, text).await,
            Ended::Refused(Refusal { reply, is_too_many, since }) => {
                let reply = match is_too_many {
                    true => Reply::TOO_MANY_LOGIN_FAILURES,
                    false => reply.unwrap_or(Reply::LOGIN_REFUSED),
                };
                // From the client's answer on, so that how long the verifier took isn't seen.
                let delay = self.context.listener.auth.failure_delay.saturating_sub(since.elapsed());
                Said::core(reply).after(delay)
            }
            Ended::Unavailable(why) => {
                counters.logins_unavailable.increase();
                let session = self.session.borrow();
                tracing::warn!(session = %session.identity().id, error = %why, "login can't be checked");
                drop(session);
                // Whoever finds out what a verifier stumbles over doesn't fill the log with it: `limits.junk_commands`.
                let _ = self.session.borrow_mut().commit_error(Verb::Auth, &Reply::LOGIN_UNAVAILABLE);
                Said::core(Reply::LOGIN_UNAVAILABLE)
            }
            Ended::Broken(reply) => {
                self.session.borrow_mut().commit_login(admitted, None, Effects::default(), &reply);
                return self.say_error(Said::core(reply).answering(Verb::Auth, text), Verb::Auth).await;
            }
        };
        self.session.borrow_mut().commit_login(admitted, None, Effects::default(), &said.reply);
        self.say(said.answering(Verb::Auth, text)).await
    }

    /// Asks the `auth` policies about a login that is right, commits it unless they refuse it, and says so.
    async fn take_login(&mut self, admitted: Admitted, login: Login, text: &str) -> Flow {
        let mut decision = self.decide(Event::Auth(&login)).await;
        let effects = decision.take_effects();
        let delay = effects.delay;
        let said = match decision.verdict {
            Verdict::Refuse(reply) => {
                self.note_refusal("auth", &reply, decision.policy.as_ref());
                Said::policy(reply, decision.policy)
            }
            Verdict::Accept | Verdict::Discard { .. } => Said::core(Reply::LOGGED_IN),
        };
        let counters = &self.context.counters;
        let count = if said.reply.is_positive() { &counters.logins } else { &counters.logins_refused };
        count.increase();
        self.session.borrow_mut().commit_login(admitted, Some(login), effects, &said.reply);
        self.say(said.answering(Verb::Auth, text).after(delay)).await
    }

    /// Says in the log that a login has failed, and whence; not whose, for people type passwords in place of names.
    fn note_failure(&self) {
        let session = self.session.borrow();
        let identity = session.identity();
        tracing::info!(
            session = %identity.id,
            client_ip = %identity.client.ip(),
            listener = %self.context.listener.name,
            "login failed"
        );
    }
}

/// What a login by `mechanism`, of those `offered`, can be bound to.
fn channel(session: &Session, offered: Mechanisms, mechanism: Mechanism) -> Channel {
    let known = session.tls().map(|tls| tls.channel_bindings.as_slice()).unwrap_or_default();
    Channel {
        bindings: known.iter().map(|binding| (binding.kind, binding.data.clone())).collect(),
        is_bound: mechanism == Mechanism::ScramSha256Plus,
        is_offered: offered.contains(Mechanism::ScramSha256Plus),
    }
}

/// What the client's certificate stands for, if `tls.client_ca` stands for it.
fn certificate(session: &Session) -> Vec<String> {
    let shown = session.tls().and_then(|tls| tls.client_certificate.as_ref());
    let verified = shown.filter(|certificate| certificate.is_verified);
    verified.map(|shown| external::names(&shown.subject, &shown.names)).unwrap_or_default()
}
