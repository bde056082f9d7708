//! A set-up of policies from their texts, and a session that asks them.

use std::cell::RefCell;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::lookup::name_server::NameServer;
use crate::lua::api::Parts;
use crate::lua::chain::Chain;
use crate::lua::clock::Clock;
use crate::lua::config::{
    OnError, OptionData, OptionEntry, OptionValue, Policies as Common, Policy, Script, Span,
};
use crate::lua::engine::{Engine, Plan};
use crate::lua::problem::Problem;
use crate::names::domain_set::DomainSet;
use crate::policy::door::{Policies, SessionPolicies, SharedSession};
use crate::policy::event::Event;
use crate::policy::mode::{Mode, PolicyUse};
use crate::policy::verdict::{Decision, Verdict};
use crate::session::effects::Effects;
use crate::session::ehlo::Offer;
use crate::session::envelope::Destination;
use crate::session::identity::{Identity, SessionId, Told, ToldTls};
use crate::session::relay::{Relay, RelayDomains};
use crate::session::rules::Rules;
use crate::session::state::Session;
use crate::smtp::command::{Command, Mail, Rcpt, Syntax, Verb};
use crate::smtp::reply::Reply;

/// The processor time of a hook in tests that measure it.
pub(super) const BUDGET: Duration = Duration::from_millis(10);
/// What a hook may take beyond its budget.
pub(super) const BEYOND: Duration = Duration::from_millis(20);

/// Runs `test` as a worker does, on a clock of its own.
pub(in crate::lua) fn worker<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build_local(Default::default())
        .unwrap()
        .block_on(test)
}

/// Policies that are about to be loaded.
pub(super) struct Setup {
    folder: tempfile::TempDir,
    pub(super) plan: Plan,
    pub(super) parts: Parts,
}

impl Setup {
    pub(super) fn new() -> Setup {
        let folder = tempfile::tempdir().unwrap();
        let general = Common { paths: vec![folder.path().to_owned()], ..Common::default() };
        Setup {
            folder,
            plan: Plan { general, policies: Vec::new(), backends: vec!["mta1".into()] },
            parts: Parts::offline(),
        }
    }

    /// The same, with `server` to ask for names; both live on the runtime of the caller.
    pub(super) fn asking(mut self, server: &NameServer) -> Setup {
        self.parts = Parts::new(server.resolver());
        self
    }

    /// One of the policies in the binary, with these options.
    pub(super) fn built_in(mut self, name: &str, options: Vec<OptionEntry>) -> Setup {
        self.plan.policies.push(Policy { options, ..self.plain(name) });
        self
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// One more file in the policies' folder.
    pub(super) fn file(self, name: &str, text: &str) -> Setup {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    /// One more policy from its text.
    pub(super) fn policy(self, name: &str, text: &str) -> Setup {
        self.configured(name, text, |_| {})
    }

    /// The same, with a change of its configuration.
    pub(super) fn configured(mut self, name: &str, text: &str, change: impl FnOnce(&mut Policy)) -> Setup {
        let path = self.folder.path().join(format!("{name}.lua"));
        std::fs::write(path, text).unwrap();
        let mut policy = self.plain(name);
        change(&mut policy);
        self.plan.policies.push(policy);
        self
    }

    fn plain(&self, name: &str) -> Policy {
        Policy {
            name: name.into(),
            span: span(1000),
            script: Script::Name(name.into()),
            mode: Mode::Enforce,
            on_error: OnError::Defer,
            required: false,
            budget: self.plan.general.budget,
            allow: None,
            options: Vec::new(),
        }
    }

    pub(super) fn load(&self) -> Result<Rc<Engine>, Vec<Problem>> {
        Engine::load(&self.plan, &self.parts, Clock::counted())
    }

    /// By the machine's clock: the engine, and the chain of the policy `p`.
    pub(super) fn timed(&self) -> (Rc<Engine>, Rc<Chain>) {
        let engine = Engine::load(&self.plan, &self.parts, Clock::monotonic());
        let engine = engine.unwrap_or_else(|problems| panic!("{problems:?}"));
        let chain = Chain::new(&engine, &[PolicyUse { name: "p".into(), mode: None }]).unwrap();
        (engine, Rc::new(chain))
    }

    /// What is wrong, with the folder's name left out.
    pub(super) fn problems(&self) -> String {
        let problems = self.load().expect_err("the policies loaded");
        let texts: Vec<String> = problems.iter().map(Problem::to_string).collect();
        texts.join("\n").replace(&format!("{}/", self.folder.path().display()), "")
    }

    /// A new session of a listener that uses every policy.
    pub(super) fn client(&self) -> Client {
        self.client_at("192.0.2.7")
    }

    /// The same for a client at `address`.
    pub(super) fn client_at(&self, address: &str) -> Client {
        let engine = self.load().unwrap_or_else(|problems| panic!("{problems:?}"));
        let uses: Vec<PolicyUse> = self
            .plan
            .policies
            .iter()
            .map(|policy| PolicyUse { name: policy.name.clone(), mode: None })
            .collect();
        Client::at(address, Rc::new(Chain::new(&engine, &uses).unwrap()))
    }
}

/// What this thread has had of the processor: what other tests take meanwhile is not in it.
pub(super) fn processor() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

pub(super) fn span(start: usize) -> Span {
    Span { file: 0, range: start..start + 1 }
}

/// An option as the configuration says it; its key stands at `at`, its value at `at + 10`.
pub(super) fn option(key: &str, at: usize, data: OptionData) -> OptionEntry {
    let value = OptionValue { data, span: span(at + 10) };
    OptionEntry { key: key.into(), key_span: span(at), value, directory: Arc::from(Path::new(".")) }
}

/// One session and its policies.
pub(super) struct Client {
    pub(super) policies: Rc<dyn Policies>,
    pub(super) session: SharedSession,
    pub(super) hooks: Rc<dyn SessionPolicies>,
}

impl Client {
    pub(super) fn new(policies: Rc<dyn Policies>) -> Client {
        Client::at("192.0.2.7", policies)
    }

    /// A session of the client at `address`.
    pub(super) fn at(address: &str, policies: Rc<dyn Policies>) -> Client {
        let relay = Relay::new(RelayDomains::Set(DomainSet::parse(["ours.example"]).unwrap()));
        let rules = Rules::new("25", "mx.ours.example", relay);
        let peer = SocketAddr::new(address.parse().unwrap(), 4321);
        let mut identity = Identity::direct(SessionId::new(7), peer, "127.0.0.1:25".parse().unwrap());
        identity.told = Some(Arc::new(told()));
        let session: SharedSession = Rc::new(RefCell::new(Session::new(Arc::new(rules), identity)));
        let hooks = policies.open(Rc::clone(&session));
        Client { policies, session, hooks }
    }

    pub(super) async fn connect(&self) -> Decision {
        self.decide(Event::Connect, |session, decision| {
            session.commit_banner(effects_of(decision), &reply_of(decision, 220));
        })
        .await
    }

    pub(super) async fn ehlo(&self, name: &str) -> Decision {
        let command = parse(&format!("EHLO {name}"));
        let Command::Ehlo(host) = &command else { panic!("{command:?}") };
        let event = Event::Ehlo { verb: Verb::Ehlo, name: host };
        self.decide(event, |session, decision| commit(session, command.clone(), decision)).await
    }

    pub(super) async fn mail(&self, arguments: &str) -> Decision {
        let command = parse(&format!("MAIL FROM:{arguments}"));
        let Command::Mail(mail) = &command else { panic!("{command:?}") };
        let mail: &Mail = mail;
        self.decide(Event::Mail(mail), |session, decision| commit(session, command.clone(), decision)).await
    }

    pub(super) async fn rcpt(&self, arguments: &str) -> Decision {
        let command = parse(&format!("RCPT TO:{arguments}"));
        let Command::Rcpt(rcpt) = &command else { panic!("{command:?}") };
        let rcpt: &Rcpt = rcpt;
        let index = self.session.borrow().transaction().map_or(1, |open| open.next_index());
        let event = Event::Rcpt { rcpt, index };
        self.decide(event, |session, decision| {
            let reply = reply_of(decision, 250);
            let admitted = session.admit(command.clone()).unwrap();
            if !reply.is_positive() {
                session.commit(admitted, Offer::plain(session.rules()), effects_of(decision), &reply);
                return;
            }
            let destination =
                Destination::Discarded { policy: "test".into(), why: String::new(), stage: "rcpt" };
            let assumed = session.assume(admitted, effects_of(decision), destination).unwrap();
            session.settle(assumed, &reply);
        })
        .await
    }

    pub(super) async fn data(&self) -> Decision {
        self.decide(Event::Data, |session, decision| {
            session.commit_content_verdict(effects_of(decision), &reply_of(decision, 354));
        })
        .await
    }

    /// Asks, and commits the answer.
    pub(super) async fn decide(
        &self,
        event: Event<'_>,
        commit: impl FnOnce(&mut Session, &Decision),
    ) -> Decision {
        let decision = self.hooks.decide(event).await;
        commit(&mut self.session.borrow_mut(), &decision);
        decision
    }

    /// EHLO and MAIL, which nobody refuses.
    pub(super) async fn begin(&self) {
        assert_eq!(self.ehlo("client.example").await.verdict, Verdict::Accept);
        assert_eq!(self.mail("<ann@a.example>").await.verdict, Verdict::Accept);
    }
}

/// What the client would hear.
pub(super) fn said(decision: &Decision) -> String {
    match &decision.verdict {
        Verdict::Accept => "accept".to_owned(),
        Verdict::Discard { why } => format!("discard {why}"),
        Verdict::Refuse(reply) => {
            let mut out = Vec::new();
            reply.encode(&mut out);
            String::from_utf8(out).unwrap().trim_end().replace("\r\n", "|")
        }
    }
}

/// What the hooks asked for.
pub(super) fn effects_of(decision: &Decision) -> Effects {
    decision.clone().take_effects()
}

/// The final reply that follows from `decision`; `code` if nobody objects.
fn reply_of(decision: &Decision, code: u16) -> Reply {
    match &decision.verdict {
        Verdict::Refuse(reply) => reply.clone(),
        _ => Reply::plain(code, "Ok"),
    }
}

fn commit(session: &mut Session, command: Command, decision: &Decision) {
    let admitted = session.admit(command).unwrap();
    let offer = Offer::extended(session.rules(), None, true);
    session.commit(admitted, offer, effects_of(decision), &reply_of(decision, 250));
}

pub(super) fn parse(line: &str) -> Command {
    Command::parse(line.as_bytes(), Syntax { strict: false }).unwrap()
}

/// What a balancer may have told of a connection.
fn told() -> Told {
    let text = |text: &str| Some(text.to_owned());
    let tls = ToldTls {
        version: text("TLSv1.3"),
        cipher: text("TLS_AES_128_GCM_SHA256"),
        subject: text("ann"),
        is_verified: true,
    };
    Told {
        authority: text("mx.ours.example"),
        alpn: text("smtp"),
        unique_id: text("7F000001:1234"),
        tls: Some(tls),
    }
}
