//! One session's state: what was said so far, what it permits, and what hooks have left behind.

use std::net::IpAddr;
use std::sync::Arc;

use crate::names::fingerprint::Fingerprint;
use crate::session::effects::{Grant, Held, Score};
use crate::session::ehlo::Greeting;
use crate::session::envelope::Transaction;
use crate::session::grants::Standing;
use crate::session::identity::Identity;
use crate::session::login::Login;
use crate::session::rules::Rules;
use crate::session::tls::Tls;
use crate::smtp::particulars::Particulars;
use crate::smtp::reply::Reply;

/// The state of one session. Only `commit` changes it.
#[derive(Debug)]
pub struct Session {
    pub(super) rules: Arc<Rules>,
    pub(super) identity: Identity,
    /// Whether the banner was a 554: then only QUIT is heard. RFC 5321 §3.1.
    pub(super) is_turned_away: bool,
    /// The TLS that is spoken.
    pub(super) tls: Option<Box<Tls>>,
    /// What a policy said to the TLS; all commands but QUIT get it.
    pub(super) tls_refusal: Option<Reply>,
    pub(super) greeting: Option<Greeting>,
    /// What a policy said to the last EHLO; MAIL gets it until a better EHLO.
    pub(super) greeting_refusal: Option<Reply>,
    /// What XFORWARD has told of the next transaction.
    pub(super) forwarded: Option<Box<Particulars>>,
    pub(super) transaction: Option<Box<Transaction>>,
    pub(super) counters: Counters,
    pub(super) standing: Standing,
    pub(super) login: Option<Login>,
}

/// What a session has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Octets that came before the banner (RFC 5321 §3.1).
    pub talked_early: bool,
    /// Data sent behind a command that must end a batch (RFC 2920 §3.1).
    pub pipelining_violations: usize,
    /// Commands that could not be read or were out of order.
    pub command_errors: usize,
    /// Commands since the last acknowledged message that have brought none nearer.
    pub junk_commands: usize,
    /// RCPT commands that were refused, by anyone.
    pub recipients_refused: usize,
    /// Commands and messages that the backend refused.
    pub refused_by_backend: usize,
    /// Logins that failed.
    pub auth_failures: usize,
    /// Transactions begun.
    pub transactions: u64,
    /// Messages acknowledged.
    pub messages: usize,
    /// Octets of content taken.
    pub octets: u64,
    /// Commands seen.
    pub commands: usize,
}

impl Session {
    /// A session that has said nothing yet.
    pub fn new(rules: Arc<Rules>, identity: Identity) -> Self {
        Session {
            rules,
            identity,
            is_turned_away: false,
            tls: None,
            tls_refusal: None,
            greeting: None,
            greeting_refusal: None,
            forwarded: None,
            transaction: None,
            counters: Counters::default(),
            standing: Standing::default(),
            login: None,
        }
    }

    /// The rules of its listener.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Who is at the other end.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The TLS that is spoken; none in clear text.
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
    }

    /// Whether nobody on the way can read along.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// What a policy has said against the TLS.
    pub fn tls_refusal(&self) -> Option<&Reply> {
        self.tls_refusal.as_ref()
    }

    /// What policies have noted outside of transactions, for the log.
    pub fn notes(&self) -> &[(String, String)] {
        &self.standing.notes
    }

    /// The EHLO or HELO in force.
    pub fn greeting(&self) -> Option<&Greeting> {
        self.greeting.as_ref()
    }

    /// The open transaction.
    pub fn transaction(&self) -> Option<&Transaction> {
        self.transaction.as_deref()
    }

    /// What the client has done so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// All that stands now: of the session, of its EHLO, of its transaction.
    pub fn standings(&self) -> impl Iterator<Item = &Standing> {
        let greeting = self.greeting.as_ref().map(|greeting| &greeting.standing);
        let transaction = self.transaction.as_ref().map(|transaction| &transaction.standing);
        [Some(&self.standing), greeting, transaction].into_iter().flatten()
    }

    /// The first refusal held back that no login and no grant has lifted.
    pub fn held(&self) -> Option<&Held> {
        let is_lifted = self.login.is_some() || self.may_relay().is_some();
        let mut held = self.standings().filter_map(|standing| standing.held.as_ref());
        held.find(|held| !held.unless_auth || !is_lifted)
    }

    /// The grant by a policy that is in force.
    pub fn grant(&self) -> Option<&Grant> {
        self.standings().find_map(|standing| standing.grant.as_ref())
    }

    /// Why this client may name any recipient, or nothing.
    pub fn may_relay(&self) -> Option<&str> {
        if self.relay_client().is_some_and(|client| self.rules.relay.networks.contains(client)) {
            return Some("relay.networks");
        }
        self.granted()
    }

    /// Why this client may name any recipient wherever it is: its certificate, its login, a policy; or nothing.
    pub fn granted(&self) -> Option<&str> {
        let policy = || self.grant().map(|grant| grant.why.as_str());
        self.certificate_grant().or(self.login_grant()).or_else(policy)
    }

    /// Why a client with this certificate may relay; the certificate of a machine that speaks for others is not its own.
    pub fn certificate_grant(&self) -> Option<&'static str> {
        let shown = self.tls.as_ref()?.client_certificate.as_ref()?;
        let is_listed = |known: &Fingerprint| [shown.sha256, shown.key_sha256].contains(&known.0);
        let is_its_own = self.relay_client().is_some();
        (is_its_own && self.rules.relay.certificates.iter().any(is_listed)).then_some("relay.certificates")
    }

    /// The address by which the client may relay; `None` if it is only there to carry others.
    pub fn relay_client(&self) -> Option<IpAddr> {
        let client = self.identity.client.ip();
        (!self.rules.trust.is_intermediary(client)).then_some(client)
    }

    /// The sum of all points that stand.
    pub fn score(&self) -> f64 {
        self.standings().fold(0.0, |sum, standing| sum + standing.score())
    }

    /// All points that stand, in the order of the stages.
    pub fn scores(&self) -> impl Iterator<Item = &Score> {
        self.standings().flat_map(|standing| &standing.scores)
    }

    /// Whether policies are told to pass over `policy` (`skip`, or an `accept` of another policy).
    pub fn passes_over(&self, policy: &str) -> bool {
        self.standings().any(|standing| {
            standing.acceptance.as_ref().is_some_and(|acceptance| &*acceptance.policy != policy)
                || standing.skips.iter().any(|skip| &*skip.policy == policy)
        })
    }
}
