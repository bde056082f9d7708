//! An engine as a worker has it, with one policy, and sessions that ask it.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use gatepost::app::policies;
use gatepost::config;
use gatepost::lua::api::Parts;
use gatepost::lua::chain::Chain;
use gatepost::lua::clock::Clock;
use gatepost::lua::engine::Engine;
use gatepost::message::header::Header;
use gatepost::message::view::MessageView;
use gatepost::policy::door::{Policies, SessionPolicies};
use gatepost::policy::event::Event;
use gatepost::policy::mode::PolicyUse;
use gatepost::policy::verdict::Verdict;
use gatepost::session::identity::{Identity, SessionId};
use gatepost::session::relay::{Relay, RelayDomains};
use gatepost::session::rules::Rules;
use gatepost::session::state::Session;
use gatepost::smtp::command::{Command, Mail, Rcpt, Syntax, Verb};
use gatepost::smtp::host::Host;

/// The header of an ordinary message.
const HEADER: &str = "Received: from a.example (a.example [192.0.2.7])\r\n\tby b.example with ESMTPS id 4711\r\n\tfor <bob@ours.example>; Fri, 1 Aug 2025 12:00:00 +0000\r\nDKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s1; h=from:to:subject; bh=abcdef; b=abcdef\r\nDate: Fri, 1 Aug 2025 12:00:00 +0000\r\nFrom: Ann <ann@a.example>\r\nTo: Bob <bob@ours.example>\r\nSubject: The minutes of Tuesday\r\nMessage-ID: <4711@a.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nUser-Agent: Mail 1.0\r\nX-One: 1\r\nX-Two: 2\r\nReply-To: ann@a.example\r\n\r\n";

/// One policy, loaded, and the commands of a session.
pub(crate) struct Place {
    _engine: Rc<Engine>,
    chain: Chain,
    rules: Arc<Rules>,
    name: Host,
    mail: Mail,
    rcpt: Rcpt,
    message: Rc<MessageView>,
    _folder: tempfile::TempDir,
}

impl Place {
    /// The policy of this text, with these lines of `[policy.measured]`.
    pub(crate) fn new(text: &str, options: &str) -> Place {
        Place::often(1, text, options)
    }

    /// The same, with the policy so many times in the listener's list.
    pub(crate) fn often(times: usize, text: &str, options: &str) -> Place {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("measured.lua"), text).unwrap();
        let toml = format!(
            "hostname = \"mx.ours.example\"\n[relay]\ndomains = [\"ours.example\"]\n[[backend]]\naddress = \"127.0.0.1:25\"\n\
             [[listener]]\nbind = \"127.0.0.1:0\"\npolicies = [\"measured\"]\n[policy.measured]\nscript = \"measured.lua\"\n{options}\n"
        );
        let loaded = config::load_str(&toml, folder.path(), &[]).unwrap_or_else(|broken| panic!("{broken}"));
        let engine = Engine::load(&policies::plan(&loaded.config), &Parts::offline(), Clock::monotonic());
        let engine = engine.unwrap_or_else(|problems| panic!("{problems:?}"));
        let chain =
            Chain::new(&engine, &vec![PolicyUse { name: "measured".into(), mode: None }; times]).unwrap();
        let relay = Relay::new(RelayDomains::Set(Default::default()));
        let rules = Arc::new(Rules::new("25", "mx.ours.example", relay));
        let header = Header::parse(Bytes::from_static(HEADER.as_bytes()));
        let size = header.end() as u64;
        let message = MessageView { header, header_size: size, size, edits: Vec::new(), content: None };
        let Command::Ehlo(name) = parse("EHLO mail.a.example") else { panic!() };
        let Command::Mail(mail) = parse("MAIL FROM:<ann@a.example> SIZE=12345 BODY=8BITMIME") else {
            panic!()
        };
        let Command::Rcpt(rcpt) = parse("RCPT TO:<bob+lists@ours.example>") else { panic!() };
        Place {
            _engine: engine,
            chain,
            rules,
            name,
            mail: mail.clone(),
            rcpt: rcpt.clone(),
            message: Rc::new(message),
            _folder: folder,
        }
    }

    /// The policies of a new session.
    pub(crate) fn open(&self) -> Rc<dyn SessionPolicies> {
        let identity = Identity::direct(
            SessionId::new(7),
            SocketAddr::from(([192, 0, 2, 7], 4321)),
            SocketAddr::from(([127, 0, 0, 1], 25)),
        );
        self.chain.open(Rc::new(RefCell::new(Session::new(Arc::clone(&self.rules), identity))))
    }

    /// Five hooks, from connecting to the header; none of them objects.
    pub(crate) async fn session(&self) {
        let hooks = self.open();
        for event in [
            Event::Connect,
            Event::Ehlo { verb: Verb::Ehlo, name: &self.name },
            Event::Mail(&self.mail),
            Event::Rcpt { rcpt: &self.rcpt, index: 1 },
            Event::Header(Rc::clone(&self.message)),
        ] {
            let decision = hooks.decide(event).await;
            assert!(matches!(decision.verdict, Verdict::Accept), "{decision:?}");
        }
    }
}

fn parse(line: &str) -> Command {
    Command::parse(line.as_bytes(), Syntax { strict: false }).unwrap()
}

/// A runtime as a worker has it.
pub(crate) fn runtime() -> tokio::runtime::LocalRuntime {
    tokio::runtime::Builder::new_current_thread().enable_all().build_local(Default::default()).unwrap()
}
