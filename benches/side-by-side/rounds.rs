//! The measurements, phase by phase. Memory is measured with one peer alone, load with all in turns.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::arguments::{Arguments, Phase, size_in_words};
use crate::calls;
use crate::cpu::Usage;
use crate::figures::{self, Figures, HANDSHAKE_SIZE, median};
use crate::load::{Load, Pace, idle, percentile};
use crate::memory;
use crate::message::Filler;
use crate::peers::{Peer, Running};
use crate::tls::{Handshake, Identity, Tls};

/// What all phases need.
pub(crate) struct Rounds<'a> {
    pub(crate) arguments: &'a Arguments,
    /// For the peers' files.
    pub(crate) folder: &'a Path,
    pub(crate) filler: Filler,
}

impl Rounds<'_> {
    /// Runs the phases that the command line asks for.
    ///
    /// Errors: a peer that can't be started, or a message lost, altered or doubled.
    pub(crate) fn run(&self) -> Result<Vec<Figures>> {
        let mut rows = Vec::new();
        for peer in &self.arguments.peers {
            let mut row = Figures::new(*peer, &self.arguments.sizes);
            if *peer != Peer::Direct {
                self.alone(&mut row).with_context(|| row.title)?;
            }
            rows.push(row);
        }
        if self.arguments.measures(Phase::Load) {
            self.in_turns(&mut rows)?;
        }
        if self.arguments.measures(Phase::Tls) {
            self.handshakes(&mut rows)?;
        }
        figures::compare(&mut rows);
        Ok(rows)
    }

    fn alone(&self, row: &mut Figures) -> Result<()> {
        let arguments = self.arguments;
        if arguments.measures(Phase::Start) {
            self.start(row)?;
        }
        if arguments.measures(Phase::Idle) {
            self.idle(row)?;
        }
        if arguments.measures(Phase::Large) {
            row.large = Some(self.large(row, Duration::ZERO)?);
            row.large_stalled = Some(self.large(row, Duration::from_secs(arguments.stall))?);
        }
        if arguments.measures(Phase::Calls) {
            row.calls = Some(self.calls(row)?);
        }
        Ok(())
    }

    fn start(&self, row: &mut Figures) -> Result<()> {
        for _ in 0..self.arguments.repetitions.max(5) {
            let running = row.peer.start(self.folder)?;
            row.start_ms.push(milliseconds(running.to_banner));
            if row.rest.is_none() {
                settle();
                row.rest = Some(memory::resident(&running.ids())?);
                row.rest_with_shared = Some(memory::resident_with_shared(&running.ids())?);
            }
        }
        say(row, &format!("greets after {:.0} ms", median(&row.start_ms).unwrap_or_default()));
        Ok(())
    }

    fn idle(&self, row: &mut Figures) -> Result<()> {
        let running = row.peer.start(self.folder)?;
        settle();
        let before = memory::resident(&running.ids())?;
        let after = idle(running.address, self.arguments.idle, || {
            settle();
            memory::resident(&running.ids())
        })?;
        let each = float(after.saturating_sub(before)) / float(self.arguments.idle);
        row.idle_session = Some(each);
        say(row, &format!("{each:.0} octets an idle session"));
        Ok(())
    }

    /// Growth at the peak while 20 clients send 50 MB each; the sink doesn't read for the first `stall`.
    fn large(&self, row: &Figures, stall: Duration) -> Result<u64> {
        let running = row.peer.start(self.folder)?;
        let load = self.load(&running, LARGE, LARGE_CLIENTS, LARGE_CLIENTS);
        settle();
        let ids = running.ids();
        let before = memory::resident(&ids)?;
        let (most, _) = memory::peak(&ids, || {
            running.sink.stall(!stall.is_zero());
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(stall);
                    running.sink.stall(false);
                });
                load.run()
            })
        })?;
        let growth = most.saturating_sub(before);
        say(row, &format!("grows by {} kB under large messages, sink stalled {stall:?}", growth / 1000));
        Ok(growth)
    }

    fn calls(&self, row: &Figures) -> Result<f64> {
        let running = row.peer.start(self.folder)?;
        self.load(&running, 1000, 100, self.arguments.clients).run()?; // not the first message's calls
        let calls = calls::count(&running.ids(), || {
            self.load(&running, 1000, CALLS_MESSAGES, self.arguments.clients).run().map(drop)
        })?;
        Ok(float(calls) / float(CALLS_MESSAGES))
    }

    fn in_turns(&self, rows: &mut [Figures]) -> Result<()> {
        let mut peers = Vec::new();
        for row in rows.iter() {
            let running = row.peer.start(self.folder)?;
            self.load(&running, 1000, 200, self.arguments.clients).run().with_context(|| row.title)?;
            peers.push(running);
        }
        for repetition in 0..self.arguments.repetitions {
            for size in &self.arguments.sizes {
                let mut turns: Vec<_> = rows.iter_mut().zip(&peers).collect();
                turns.rotate_left(repetition % peers.len().max(1)); // nobody always goes first
                for (row, running) in turns {
                    let what = size_in_words(*size);
                    let messages = self.arguments.messages_of(*size);
                    let load = self.load(running, *size, messages, self.arguments.clients);
                    let figures = row.loads.iter_mut().find(|figures| figures.size == *size);
                    figures
                        .map_or(Ok(()), |figures| once(figures, running, &load, &what))
                        .with_context(|| format!("{}, {what}, repetition {repetition}", running.title))?;
                }
            }
        }
        Ok(())
    }

    /// Messages of 1 kB under TLS, each on a connection of its own.
    fn handshakes(&self, rows: &mut [Figures]) -> Result<()> {
        let mut peers = Vec::new();
        let mut rows: Vec<_> = rows.iter_mut().filter(|row| row.peer.speaks_tls()).collect();
        let identity = Identity::new(self.folder)?;
        for row in &rows {
            let running = row.peer.start_with(self.folder, Some(&identity))?;
            let mut clients = Vec::new();
            for handshake in Handshake::ALL {
                let all = (0..self.arguments.clients).map(|_| identity.client(handshake));
                let tls: Arc<[Tls]> = all.collect::<Result<Vec<_>>>()?.into();
                let warm_up = self.load_under(&tls, &running, 200);
                warm_up.run().with_context(|| format!("{} under TLS", row.title))?;
                clients.push((handshake, tls));
            }
            peers.push((running, clients));
        }
        for repetition in 0..self.arguments.repetitions {
            let mut turns: Vec<_> = rows.iter_mut().zip(&peers).collect();
            turns.rotate_left(repetition % peers.len().max(1));
            for (row, (running, clients)) in turns {
                for (handshake, tls) in clients {
                    let load = self.load_under(tls, running, self.arguments.messages);
                    let what = format!("TLS, {handshake:?}");
                    once(row.tls(*handshake), running, &load, &what)
                        .with_context(|| format!("{}, {what}, repetition {repetition}", running.title))?;
                }
            }
        }
        Ok(())
    }

    fn load_under(&self, tls: &Arc<[Tls]>, running: &Running, messages: usize) -> Load {
        let load = self.load(running, HANDSHAKE_SIZE, messages, self.arguments.clients);
        Load { kept: 1, tls: Arc::clone(tls), ..load }
    }

    fn load(&self, running: &Running, size: usize, messages: usize, clients: usize) -> Load {
        Load {
            address: running.address,
            ledger: running.sink.ledger.clone(),
            filler: self.filler.clone(),
            size,
            messages,
            clients,
            kept: self.arguments.kept,
            pipelined: self.arguments.pipelined,
            tls: Arc::default(),
        }
    }
}

/// Runs `load`, which is `what` it is called, against `running` and adds what came of it to `figures`.
fn once(figures: &mut figures::Load, running: &Running, load: &Load, what: &str) -> Result<()> {
    let ids = running.ids();
    let before = Usage::of(&ids)?;
    let Pace { elapsed, latencies } = load.run()?;
    thread::sleep(Duration::from_millis(150)); // closing the last connections counts
    let used = Usage::of(&ids)?.since(before);
    let count = float(load.messages);
    let cpu = used.cpu.as_secs_f64() * 1000.0 / count;
    let pace = count / elapsed.as_secs_f64();
    eprintln!("{}: {what}: {cpu:.3} s for 1,000, {pace:.0} messages/s", running.title);
    figures.cpu.push(cpu);
    figures.messages_per_second.push(pace);
    figures.p50_ms.push(milliseconds(percentile(&latencies, 50)));
    figures.p99_ms.push(milliseconds(percentile(&latencies, 99)));
    figures.switches.push(float(used.switches) / count);
    Ok(())
}

fn say(row: &Figures, what: &str) {
    eprintln!("{}: {what}", row.title);
}

fn settle() {
    thread::sleep(Duration::from_millis(700));
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// A count as a number to divide.
#[allow(clippy::cast_precision_loss)]
fn float(count: impl TryInto<u64>) -> f64 {
    count.try_into().map_or(f64::NAN, |count| count as f64)
}

/// Octets of a large message, as in the goal.
const LARGE: usize = 50_000_000;
const LARGE_CLIENTS: usize = 20;
const CALLS_MESSAGES: usize = 400;
