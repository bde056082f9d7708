//! `gatepost run`: serves until SIGTERM, reloads on SIGHUP.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::select;

use crate::app::loading::{self, Wrong};
use crate::app::running::Running;
use crate::app::signals::{Signals, Told};
use crate::app::sockets::Sockets;
use crate::app::systemd::{self, State};
use crate::app::{descriptors, folders, memory, policies, rights};
use crate::cli::{WRONG, problem};
use crate::config::{self, Loaded};
use crate::observe::levels::Levels;
use crate::observe::log::LogHandle;
use crate::observe::metrics_page::MetricsPage;

/// Why the service did not start, or did not go on.
enum Failure {
    /// The configuration can't be used: the whole report.
    Wrong(String),
    /// All else.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Failed(error)
    }
}

/// Runs what `path` says, to the end; the exit code.
pub fn run(path: &Path) -> ExitCode {
    memory::take_small_pages();
    match start(path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Wrong(text)) => {
            eprintln!("{}", text.trim_end());
            ExitCode::from(WRONG)
        }
        Err(Failure::Failed(error)) => {
            eprintln!("gatepost: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// All that is done with the rights of whoever started it, in one thread; then serves.
fn start(path: &Path) -> Result<(), Failure> {
    let inherited = systemd::inherited()?; // before anything else opens a descriptor
    let styled = std::io::stderr().is_terminal();
    let loaded = config::load(path, &policies::built_in());
    let wrong = |wrong: Wrong| Failure::Wrong(wrong.text(styled));
    let loaded = loaded.map_err(|broken| wrong(loading::with_the_rest(*broken)))?;
    let config = &loaded.config;
    let allowed = descriptors::raise();
    let account = rights::Account::of(&config.service)?;
    let sockets = Sockets::open(&config.listeners, inherited).map_err(anyhow::Error::from)?;
    folders::make_state(config, account.as_ref())?;
    let page = config.metrics.listen.map(|address| {
        MetricsPage::bind(address).with_context(|| format!("metrics.listen: can't listen on {address}"))
    });
    let page = page.transpose()?;
    if let Some(account) = &account {
        account.take_on()?; // before there is a second thread
    }
    folders::test_spool(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("no runtime")?;
    let loaded = loading::look_inside(loaded).map_err(wrong)?;
    let log = LogHandle::install(&loaded.config.log).map_err(anyhow::Error::from)?;
    warn(&loaded, allowed);
    let served = runtime.block_on(serve(path, loaded, Opened { sockets, page, log }));
    runtime.shutdown_background(); // what still runs then was told to end at once
    Ok(served?)
}

/// What was opened before there was anything to serve.
struct Opened {
    sockets: Sockets,
    page: Option<MetricsPage>,
    log: LogHandle,
}

/// What somebody should look at, in the log.
fn warn(loaded: &Loaded, allowed: u64) {
    loaded.warnings.iter().for_each(|warning| problem::tell(warning, &loaded.sources));
    if let Some(warning) = descriptors::Need::of(&loaded.config).warning(allowed) {
        tracing::warn!(error = warning, "descriptors may run out");
    }
    if rights::is_root() {
        tracing::warn!("running as root: set user in [service] or in the systemd unit");
    }
}

async fn serve(path: &Path, loaded: Loaded, opened: Opened) -> anyhow::Result<()> {
    let mut signals = Signals::hear().context("signals can't be heard")?;
    let mut running = Running::start(loaded.config, opened.sockets).await?;
    if let Some(page) = opened.page {
        running.show_metrics(page, Arc::new(opened.log.dropped()));
    }
    systemd::tell(State::Ready("serving"));
    loop {
        match signals.next().await {
            Told::End => break,
            Told::Reload => {
                if let Err(error) = opened.log.reopen() {
                    tracing::error!(%error, "the log stays where it was");
                }
                reload(path, &mut running).await;
                opened.log.change_levels(Levels::from(running.house().config.log.level));
            }
        }
    }
    systemd::tell(State::Stopping);
    let patience = running.house().config.service.drain;
    tracing::info!(count = running.sessions(), "draining");
    match drain(running, patience, &mut signals).await {
        true => tracing::info!("ended"),
        false => tracing::warn!("ended at once: told twice"),
    }
    Ok(())
}

/// Whether it ended in its own time: a second signal ends it at once.
async fn drain(running: Running, patience: Duration, signals: &mut Signals) -> bool {
    let told_again = async { while signals.next().await != Told::End {} };
    select! {
        () = running.end(patience) => true,
        () = told_again => false,
    }
}

/// Reads the configuration again. If anything is wrong with it, all stays as it is, and the log says why.
async fn reload(path: &Path, running: &mut Running) {
    systemd::tell(State::Reloading);
    let status = match read_again(path, running).await {
        Ok(()) => {
            tracing::info!("configuration reloaded");
            "serving"
        }
        Err(wrong) => {
            let count = wrong.mistakes().count();
            tracing::error!(count, "configuration not reloaded, the old one stays");
            wrong.mistakes().for_each(|mistake| problem::tell(mistake, &wrong.sources));
            "serving the old configuration: the new one has mistakes, see the log"
        }
    };
    systemd::tell(State::Ready(status));
}

async fn read_again(path: &Path, running: &mut Running) -> Result<(), Wrong> {
    let Loaded { config, warnings, sources, .. } = loading::read(path)?;
    running.reload(config).await?;
    warnings.iter().for_each(|warning| problem::tell(warning, &sources));
    Ok(())
}
