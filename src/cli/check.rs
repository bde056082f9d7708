//! `gatepost check`: loads everything, tests what can be tested, tells all mistakes at once and what the set-up comes to.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::app::descriptors::Need;
use crate::app::probe::{self as probing, Probed};
use crate::app::probe_logins::{self as asking, Asked};
use crate::app::probe_maps::{self, AskedMap};
use crate::app::rights::{self, Account};
use crate::app::{advice, loading, named_files, policies, tls, verifiers};
use crate::cli::{CONFIGURATION, WRONG, probe, probe_logins, probe_maps as told_of_maps};
use crate::config::error::{Diagnostic, Severity};
use crate::config::places::Places;
use crate::config::sources::Sources;
use crate::config::{self, Config, effective::Effective, report};
use crate::policy::event::{Stage, Stages};

/// What `check` is asked.
#[derive(Args, Debug)]
pub struct Check {
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = CONFIGURATION)]
    config: PathBuf,
    /// Also ask the backends, without sending anything, whether they would relay, and who checks logins, without any login.
    #[arg(long)]
    probe: bool,
    /// The outside address that the backends are asked for; postmaster at a foreign domain if not given.
    #[arg(long, value_name = "ADDRESS", requires = "probe")]
    probe_recipient: Option<String>,
    /// Print what is wrong or unwise, and nothing else.
    #[arg(short, long)]
    quiet: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// All that was found.
#[derive(Default)]
struct Findings {
    problems: Vec<Diagnostic>,
    sources: Sources,
    config: Option<Config>,
    effective: Option<Effective>,
    places: Option<Places>,
    policies: Vec<(String, String, String)>,
    probed: Vec<Probed>,
    asked: Vec<Asked>,
    maps: Vec<AskedMap>,
}

impl Check {
    /// Checks; the exit code: 2 with a mistake, 1 if a backend or who checks logins fails the probe.
    pub fn run(&self) -> ExitCode {
        let mut findings = Findings::default();
        findings.read(&self.config);
        if let (Some(config), Some(places)) = (findings.config.clone(), findings.places.clone()) {
            findings.problems.extend(advice::binds(&config));
            self.become_user(&config, &mut findings);
            findings.problems.extend(advice::files(&config, &places));
            findings.problems.extend(advice::unwise(&config, &places));
            findings.problems.extend(tls::advice(&config));
            findings.problems.extend(verifiers::advice(&config));
        }
        let failed = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(self.look_inside(&mut findings)),
            Err(error) => {
                findings.problems.push(Diagnostic::error("", format!("no runtime: {error}"), None));
                false
            }
        };
        let mistakes = findings.count(Severity::Error);
        report::sort(&mut findings.problems);
        self.print(&findings);
        match (failed, mistakes) {
            (true, _) => ExitCode::FAILURE,
            (false, 0) => ExitCode::SUCCESS,
            (false, _) => ExitCode::from(WRONG),
        }
    }

    /// From here on files are seen as the service will see them.
    fn become_user(&self, config: &Config, findings: &mut Findings) {
        let wrong = |error: anyhow::Error| Diagnostic::error("service.user", format!("{error:#}"), None);
        match Account::of(&config.service) {
            Ok(None) => {}
            Err(error) => findings.problems.push(wrong(error)),
            Ok(Some(account)) if rights::is_root() => match account.take_on() {
                Ok(()) => {
                    // Again, and now as that user: a list that only root can read is a mistake.
                    let kept = std::mem::take(&mut findings.problems);
                    findings.read(&self.config);
                    let seen = |one: &Diagnostic| findings.problems.contains(one);
                    let kept: Vec<Diagnostic> = kept.into_iter().filter(|one| !seen(one)).collect();
                    findings.problems.extend(kept);
                }
                Err(error) => findings.problems.push(wrong(error)),
            },
            Ok(Some(account)) if account.is_in_force() => {}
            Ok(Some(account)) => {
                let message =
                    format!("files are not tested as service.user {}: that takes root", account.name);
                findings.problems.push(Diagnostic::warning("service.user", message, None));
            }
        }
    }

    /// Reads the files that are named, loads the policies, and probes the backends and who checks logins; whether one of them fails the probe.
    async fn look_inside(&self, findings: &mut Findings) -> bool {
        let (Some(config), Some(places)) = (findings.config.clone(), findings.places.clone()) else {
            return false;
        };
        findings.problems.extend(named_files::mistakes(&config, &places, &mut findings.sources));
        match policies::load(&config, &places, &mut findings.sources) {
            Ok(engine) => {
                let warnings = policies::diagnostics(engine.warnings(), &mut findings.sources);
                findings.problems.extend(warnings);
                let described = engine.policies().iter();
                findings.policies = described
                    .map(|policy| (policy.name.to_string(), policy.file.clone(), hooks(policy.stages())))
                    .collect();
            }
            Err(mistakes) => loading::add_policies(&mut findings.problems, mistakes),
        }
        // With a mistake in it, what would be asked may not be what is meant.
        if !self.probe || findings.count(Severity::Error) > 0 {
            return false;
        }
        let resolver = match policies::resolver(&config) {
            Ok(resolver) => resolver,
            Err(error) => {
                findings.problems.push(Diagnostic::error("dns", error, None));
                return false;
            }
        };
        findings.probed = probing::all(&config, &resolver, self.probe_recipient.as_deref()).await;
        findings.asked = asking::all(&config, &resolver).await;
        findings.maps = probe_maps::all(&config, &resolver).await;
        let backends = findings.probed.iter().flat_map(|one| probe::judge(one, &config));
        let logins = findings.asked.iter().flat_map(probe_logins::judge);
        let maps = findings.maps.iter().filter_map(told_of_maps::judge);
        let judged: Vec<Diagnostic> = backends.chain(logins).chain(maps).collect();
        let failed = judged.iter().any(|one| one.severity == Severity::Error);
        findings.problems.extend(judged);
        failed
    }

    fn print(&self, findings: &Findings) {
        let file = self.config.display();
        let (mistakes, warnings) = (findings.count(Severity::Error), findings.count(Severity::Warning));
        if self.json {
            println!("{:#}", findings.json(mistakes == 0));
            return;
        }
        if !self.quiet {
            print!("{}", findings.text());
        }
        let styled = std::io::stderr().is_terminal();
        eprint!("{}", report::text(&findings.problems, &findings.sources, styled));
        if !self.quiet {
            println!("{file}: {}, {}", counted(mistakes, "mistake"), counted(warnings, "warning"));
        }
    }
}

impl Findings {
    fn read(&mut self, path: &std::path::Path) {
        match config::load(path, &policies::built_in()) {
            Ok(loaded) => {
                self.problems = loaded.warnings;
                self.sources = loaded.sources;
                self.effective = Some(loaded.effective);
                self.places = Some(loaded.places);
                self.config = Some(loaded.config);
            }
            Err(broken) => {
                self.problems = broken.problems;
                self.sources = broken.sources;
                self.effective = None;
                self.places = broken.places;
                self.config = broken.config.map(|config| *config);
            }
        }
    }

    fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|one| one.severity == severity).count()
    }

    /// The set-up, as a TOML file with comments.
    fn text(&self) -> String {
        let Some(effective) = &self.effective else { return String::new() };
        let mut out = effective.text();
        if !self.policies.is_empty() {
            out.push_str("\n# policies, and the hooks that they have\n");
        }
        for (name, file, hooks) in &self.policies {
            out.push_str(&format!("# {name:<20} {file}: {hooks}\n"));
        }
        if let Some(config) = &self.config {
            let need = Need::of(config).total();
            out.push_str(&format!("\n# descriptors that may be needed: {need} (systemd: LimitNOFILE)\n"));
        }
        for probed in &self.probed {
            out.push_str(&probe::text(probed));
        }
        for asked in &self.asked {
            out.push_str(&probe_logins::text(asked));
        }
        for asked in &self.maps {
            out.push_str(&told_of_maps::text(asked));
        }
        out.push('\n');
        out
    }

    fn json(&self, is_usable: bool) -> Value {
        let policy = |(name, file, hooks): &(String, String, String)| json!({ "name": name, "file": file, "hooks": hooks.split(' ').collect::<Vec<_>>() });
        json!({
            "usable": is_usable,
            "problems": report::json(&self.problems, &self.sources),
            "tables": self.effective.as_ref().map(Effective::json),
            "policies": self.policies.iter().map(policy).collect::<Vec<_>>(),
            "descriptors": self.config.as_ref().map(|config| Need::of(config).total()),
            "probe": self.probed.iter().map(probe::json).collect::<Vec<_>>(),
            "logins": self.asked.iter().map(probe_logins::json).collect::<Vec<_>>(),
            "maps": self.maps.iter().map(told_of_maps::json).collect::<Vec<_>>(),
        })
    }
}

/// The names of hooks, in the order in which they are called.
pub fn hooks(stages: Stages) -> String {
    let names: Vec<&str> =
        Stage::ALL.iter().filter(|stage| stages.contains(**stage)).map(|stage| stage.as_str()).collect();
    names.join(" ")
}

fn counted(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
