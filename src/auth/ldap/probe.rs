//! Asks a directory whether logins could be checked in it: who is there, what it holds, whether we may search.

use tokio::time::timeout;

use crate::auth::ldap::config::Settings;
use crate::auth::ldap::prepare;
use crate::auth::probe::{Judgement, Step};
use crate::ldap::answer::Code;
use crate::ldap::dn::Dn;
use crate::ldap::line::{Line, Matches, Trouble};
use crate::ldap::server::Server;
use crate::ldap::words::{self, Scope, Search};
use crate::net::names::Names;
use crate::smtp::secret::Secret;

/// Connects to `server`, under TLS where it is spoken; binds as `search_dn` if there is one; looks whether there is an
/// entry below which users are found. It ends with the first step that fails.
pub async fn ask(server: &Server, settings: &Settings, names: &dyn Names) -> Vec<Step> {
    let mut steps = Vec::new();
    let asking = Asking { server, settings };
    let (password, mut line) = match asking.connect(names).await {
        Ok(open) => open,
        Err(step) => return vec![step],
    };
    steps.push(Step::well("connection", asking.way()));
    let held = asking.contexts(&mut line).await;
    if !held.is_empty() {
        steps.push(Step::well("holds", held.join("; ")));
    }
    match &settings.search {
        Some(search) => {
            if let Some((dn, _)) = &search.account {
                let step = asking.bind(&mut line, dn, &password).await;
                let is_bound = step.judgement == Judgement::Well;
                steps.push(step);
                if !is_bound {
                    return steps;
                }
            }
            steps.push(asking.base(&mut line, &search.base, &held).await);
        }
        None => {
            let tail = settings.bind_dn.as_ref().map(|template| template.tail()).unwrap_or_default();
            steps.extend(outside(&tail, &held, "ldap.bind_dn"));
        }
    }
    line.close();
    steps
}

struct Asking<'a> {
    server: &'a Server,
    settings: &'a Settings,
}

impl Asking<'_> {
    async fn connect(&self, names: &dyn Names) -> Result<(Secret, Line), Step> {
        let failed = |key, why: String| Step::failed("connection", key, why);
        let (password, back) =
            prepare(self.server, self.settings).map_err(|error| failed("ldap", error.to_string()))?;
        let starttls = self.settings.uses_starttls(self.server);
        let patience = self.settings.timeout;
        let open = Line::open(self.server, back.as_ref(), starttls, names, patience);
        let why = match self.within(open).await {
            Ok(line) => return Ok((password, line)),
            Err(why) => why,
        };
        let is_tls = why.starts_with("TLS");
        let step = failed(if is_tls { "ldap.ca" } else { "verify" }, why);
        Err(match (starttls, is_tls, &self.server) {
            (true, ..) if step.heard.starts_with("STARTTLS") => step.help(
                "it has no TLS there: verify = \"ldaps://…\" if it listens on 636, or give the directory a certificate",
            ),
            (_, true, _) => step.help("the certificate must have the name that `verify` says, from an authority that `ca` names"),
            (_, _, Server::Unix(_)) => step.help("it has to run, and gatepost's user has to be let in to the socket"),
            _ => step.help("it has to run, and listen there; `ldapsearch -x -H URL -b \"\" -s base` asks it by hand"),
        })
    }

    /// How it is spoken to.
    fn way(&self) -> &'static str {
        match (self.server, self.settings.uses_starttls(self.server)) {
            (Server::Unix(_), _) => "open, by a socket of this machine",
            (Server::Tcp { is_ldaps: true, .. }, _) => "open, under TLS",
            (_, true) => "open, under TLS by STARTTLS",
            _ => "open, in clear text",
        }
    }

    /// The DNs below which the directory holds entries, as far as it tells them to strangers. Source: RFC 4512 §5.1.
    async fn contexts(&self, line: &mut Line) -> Vec<String> {
        let filter = words::any_entry();
        let asked = Search { base: "", scope: Scope::Base, filter: &filter, attribute: Some(CONTEXTS) };
        match self.within(line.search(&asked, SECONDS)).await {
            Ok(Matches::One(root)) => root.values.into_iter().filter(|dn| is_plain(dn)).take(MOST).collect(),
            _ => Vec::new(),
        }
    }

    async fn bind(&self, line: &mut Line, dn: &str, password: &Secret) -> Step {
        let (what, key) = ("search_dn", "ldap.search_dn");
        let code = match self.within(line.bind(dn, password)).await {
            Ok(Code::SUCCESS) => return Step::well(what, format!("{dn} may bind")),
            Ok(code) => code,
            Err(why) => return Step::failed(what, key, why).help("the connection was good until then"),
        };
        let step = Step::failed(what, key, format!("the bind as {dn} was answered by {code}"));
        match code {
            Code::INVALID_CREDENTIALS => step.help(
                "there is no such account, or the first line of `search_password_file` is not its password",
            ),
            Code::INVALID_DN_SYNTAX => step.help("search_dn = \"cn=gatepost,dc=example,dc=org\""),
            Code(8 | 13) => step.help("the directory takes passwords under TLS alone: starttls = true"),
            _ => step.help("the directory's own log says more"),
        }
    }

    async fn base(&self, line: &mut Line, base: &str, held: &[String]) -> Step {
        let filter = words::any_entry();
        let asked = Search { base, scope: Scope::Base, filter: &filter, attribute: None };
        let shown = if base.is_empty() { "the root" } else { base };
        let why = match self.within(line.search(&asked, SECONDS)).await {
            Ok(Matches::None) => "it finds nothing".to_owned(),
            Ok(_) => return Step::well("base", format!("{shown} is there")),
            Err(why) => why,
        };
        if let Some(step) = outside(base, held, "ldap.base") {
            return Step { what: "base", judgement: Judgement::Failed, ..step };
        }
        let who = match self.settings.search.as_ref().and_then(|search| search.account.as_ref()) {
            Some((dn, _)) => format!("{dn} may not search there"),
            None => "strangers may not search there: give it `search_dn`".to_owned(),
        };
        Step::failed("base", "ldap.base", format!("{shown}: {why}"))
            .help(format!("there is no such entry, or {who}"))
    }

    /// What `answer` comes to in the time that a login may take.
    async fn within<T>(&self, answer: impl Future<Output = Result<T, Trouble>>) -> Result<T, String> {
        let patience = self.settings.timeout;
        match timeout(patience, answer).await {
            Ok(outcome) => outcome.map_err(|trouble| trouble.to_string()),
            Err(_) => Err(format!("no answer within {patience:?}")),
        }
    }
}

/// What there is to say if `dn` lies in nothing that the directory holds.
fn outside(dn: &str, held: &[String], key: &'static str) -> Option<Step> {
    let parsed: Dn = dn.parse().ok().filter(|_| !dn.is_empty())?;
    let known: Vec<Dn> = held.iter().filter_map(|one| one.parse().ok()).collect();
    let is_outside = !known.is_empty() && !known.iter().any(|one| parsed.is_within(one));
    is_outside.then(|| {
        Step::odd("users", key, format!("the directory holds nothing of {dn}"))
            .help(format!("it holds {}", held.join("; ")))
    })
}

/// Whether it can be shown.
fn is_plain(dn: &str) -> bool {
    dn.len() <= 200 && !dn.is_empty() && !dn.chars().any(char::is_control)
}

/// The attribute of the root by which it tells what it holds.
const CONTEXTS: &str = "namingContexts";
/// How many of them are looked at.
const MOST: usize = 10;
/// How long the directory may search.
const SECONDS: u32 = 10;
