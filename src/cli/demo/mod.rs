//! `gatepost demo`: a whole set-up in one process on loopback, which sends itself good and bad mail and says what came
//! of it.

mod attempts;
mod client;
mod outcome;
mod place;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::app::running::Running;
use crate::app::signals::{Signals, Told};
use crate::app::sockets::Sockets;
use crate::app::{descriptors, loading, policies};
use crate::cli::demo::outcome::Outcome;
use crate::cli::demo::place::Place;
use crate::config;
use crate::lookup::name_server::NameServer;
use crate::lookup::zone::Zone;
use crate::observe::log::LogHandle;

/// What `demo` is asked.
#[derive(Args, Debug)]
pub struct Demo {
    /// End when all has been tried, instead of listening on.
    #[arg(long)]
    once: bool,
}

/// The demo's names: the clients', and the one address that the block list knows.
const ZONE: &str = "\
    127.0.0.2 PTR client.outside.example\n\
    client.outside.example A 127.0.0.2\n\
    127.0.0.5 PTR bot.outside.example\n\
    bot.outside.example A 127.0.0.5\n\
    5.0.0.127.bl.demo.example A 127.0.0.2\n\
    outside.example MX 10 client.outside.example\n";

impl Demo {
    /// Runs it; the exit code: 1 if an outcome is not the expected.
    pub fn run(&self) -> ExitCode {
        descriptors::raise();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let done = runtime.context("no runtime").and_then(|runtime| {
            let done = runtime.block_on(self.show());
            runtime.shutdown_background();
            done
        });
        match done {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => {
                println!("Not all of it went as it should.");
                ExitCode::FAILURE
            }
            Err(error) => {
                eprintln!("gatepost: {error:#}");
                ExitCode::FAILURE
            }
        }
    }

    /// Whether every outcome was the expected.
    async fn show(&self) -> anyhow::Result<bool> {
        let mut signals = Signals::hear().context("signals can't be heard")?;
        let zone = Zone::parse(ZONE).context("the demo's names")?;
        let names = NameServer::start(zone).await.context("a name server on loopback")?;
        let place = Place::make().context("a folder for the demo")?;
        let (running, address, _log) = self.start(&place, names.address()).await?;
        let outcomes = attempts::all(address).await;
        let all_well = self.tell(&place, address, &outcomes);
        if !self.once {
            println!("\nListening on {address}, until Ctrl-C. Try it yourself:");
            println!(
                "  swaks --server {address} --ehlo client.outside.example --from ann@outside.example --to you@demo.example"
            );
            while signals.next().await != Told::End {}
        }
        running.end(Duration::from_secs(1)).await;
        Ok(all_well)
    }

    /// The proxy, where it listens, and its log.
    async fn start(
        &self,
        place: &Place,
        names: SocketAddr,
    ) -> anyhow::Result<(Running, SocketAddr, LogHandle)> {
        // A port that one can remember, if nobody else has it; a test doesn't care.
        let usual = if self.once { None } else { Some(SocketAddr::from(([127, 0, 0, 1], 2525))) };
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        for bind in usual.into_iter().chain([free]) {
            let file = place.write(bind, names).context("the demo's files")?;
            let loaded = config::load(&file, &policies::built_in());
            let loaded = loaded.map_err(|broken| anyhow!("{}", broken.text(false)))?;
            let sockets = match Sockets::open(&loaded.config.listeners, Vec::new()) {
                Ok(sockets) => sockets,
                Err(_) if bind != free => continue,
                Err(error) => return Err(error.into()),
            };
            let loaded = loading::look_inside(loaded).map_err(|wrong| anyhow!(wrong.text(false)))?;
            let log = LogHandle::install(&loaded.config.log)?;
            let address = sockets.address_of("demo").context("no socket")?;
            let running = Running::start(loaded.config, sockets).await?;
            return Ok((running, address, log));
        }
        Err(anyhow!("no free port on 127.0.0.1"))
    }

    /// Prints the outcomes and where the mail lies; whether all is as it should be.
    fn tell(&self, place: &Place, address: SocketAddr, outcomes: &[Outcome]) -> bool {
        println!(
            "gatepost on {address}: mail for demo.example goes to a Maildir, by the rules of three policies.\n"
        );
        print!("{}", outcome::table(outcomes));
        let delivered = place.delivered();
        let taken = outcomes.iter().filter(|one| one.is_taken()).count();
        println!("\nDelivered mail, {delivered} messages: {}", place.new_mail().display());
        println!("Set-up, policies and log:   {}", place.folder().display());
        let is_all_there = delivered == taken;
        if !is_all_there {
            println!("{taken} messages were acknowledged, but {delivered} are there.");
        }
        is_all_there && outcomes.iter().all(Outcome::is_expected)
    }
}
