//! `gatepost run`: serves until SIGTERM, reloads on SIGHUP.

use std::path::Path;
use std::process::ExitCode;

use crate::app::running::Running;
use crate::app::signals::{Signals, Told};
use crate::app::sockets;
use crate::cli::WRONG;
use crate::config::{self, Loaded};
use crate::lua::builtin;

/// Runs what `path` says, to the end; the exit code.
pub fn run(path: &Path) -> ExitCode {
    let loaded = match read(path) {
        Ok(loaded) => loaded,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(WRONG);
        }
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(serve(path, loaded)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    tracing::error!(error = format!("{error:#}"), "gatepost ends");
    ExitCode::FAILURE
}

fn read(path: &Path) -> Result<Loaded, String> {
    let names: Vec<&str> = builtin::POLICIES.iter().map(|(name, _)| *name).collect();
    config::load(path, &names).map_err(|broken| broken.text(false))
}

async fn serve(path: &Path, loaded: Loaded) -> anyhow::Result<()> {
    let mut signals = Signals::hear()?;
    let patience = loaded.config.service.drain;
    let doors = sockets::open(&loaded.config.listeners)?;
    let mut running = Running::start(loaded.config, doors).await?;
    loop {
        match signals.next().await {
            Told::End => break,
            Told::Reload => match read(path) {
                Err(text) => tracing::error!(error = %text, "configuration not reloaded"),
                Ok(loaded) => match running.reload(loaded.config).await {
                    Ok(()) => tracing::info!("configuration reloaded"),
                    Err(error) => tracing::error!(%error, "configuration not reloaded"),
                },
            },
        }
    }
    tracing::info!("draining");
    running.end(patience).await;
    tracing::info!("ended");
    Ok(())
}
