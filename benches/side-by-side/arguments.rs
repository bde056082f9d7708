//! The command line of the benchmark.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use crate::peers::Peer;

/// Compares gatepost with haproxy and nginx, all with the same load, in the same run.
#[derive(Parser)]
#[command(name = "side-by-side")]
pub(crate) struct Arguments {
    /// What to compare; ratios need haproxy among them.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "direct,haproxy,nginx,gatepost,gatepost-policy,gatepost-xclient,gatepost-both"
    )]
    pub(crate) peers: Vec<Peer>,
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "start,idle,large,load,tls")]
    pub(crate) phases: Vec<Phase>,
    /// Sizes of messages in the load phase.
    #[arg(long, value_parser = size, value_delimiter = ',', default_value = "1kB,100kB,5MB")]
    pub(crate) sizes: Vec<usize>,
    /// Messages of up to 10 kB in one measurement; half as many up to 1 MB, a fiftieth above.
    #[arg(long, default_value_t = 4000)]
    pub(crate) messages: usize,
    /// Measurements of each peer and size, in turns; the table has their medians.
    #[arg(long, default_value_t = 3)]
    pub(crate) repetitions: usize,
    /// Clients at once.
    #[arg(long, default_value_t = 20)]
    pub(crate) clients: usize,
    /// Messages of one connection.
    #[arg(long, value_name = "MESSAGES", default_value_t = 1, num_args = 0..=1, default_missing_value = "100")]
    pub(crate) kept: usize,
    /// Clients send MAIL, RCPT and DATA in one write.
    #[arg(long)]
    pub(crate) pipelined: bool,
    /// Sessions in the idle phase, at most 8,500: what the peers are set up for.
    #[arg(long, default_value_t = 8000, value_parser = idle)]
    pub(crate) idle: usize,
    /// Seconds for which the sink stops reading in the large phase.
    #[arg(long, default_value_t = 5)]
    pub(crate) stall: u64,
    /// A first look: 800 messages, one repetition, 1,000 idle sessions.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Exit with 1 if a figure of gatepost misses what it has to reach.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Also write every figure to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A part of the benchmark.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Phase {
    /// From start to banner, and memory at rest.
    Start,
    /// Memory of idle sessions.
    Idle,
    /// Memory while 20 clients send 50 MB each, also to a sink that stops reading.
    Large,
    /// Processor time, pace and latency.
    Load,
    /// The same under TLS, of haproxy and gatepost: a connection a message of 1 kB, with full and with resumed handshakes.
    Tls,
    /// System calls of a message of 1 kB, counted with strace.
    Calls,
}

impl Arguments {
    /// What the command line says.
    pub(crate) fn read() -> Self {
        let mut arguments = Self::parse();
        if arguments.quick {
            arguments.messages = arguments.messages.min(800);
            arguments.repetitions = 1;
            arguments.idle = arguments.idle.min(1000);
            arguments.stall = arguments.stall.min(2);
        }
        arguments.kept = arguments.kept.max(1);
        arguments.repetitions = arguments.repetitions.max(1);
        arguments
    }

    /// How many messages of `size` octets one measurement takes.
    pub(crate) fn messages_of(&self, size: usize) -> usize {
        let share = match size {
            ..=10_000 => 1,
            10_001..=1_000_000 => 2,
            _ => 50,
        };
        (self.messages / share).max(self.clients)
    }

    /// Whether `phase` is wanted.
    pub(crate) fn measures(&self, phase: Phase) -> bool {
        self.phases.contains(&phase)
    }
}

fn idle(text: &str) -> Result<usize> {
    let count = text.parse()?;
    anyhow::ensure!((1..=8500).contains(&count), "idle sessions are 1 to 8500");
    Ok(count)
}

/// Octets of `text`, such as `100kB`.
fn size(text: &str) -> Result<usize> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        _ => anyhow::bail!("a size is a number with B, kB or MB"),
    };
    Ok(number.parse::<usize>().context("a size begins with a number")? * factor)
}

/// The other way round, for the table.
pub(crate) fn size_in_words(octets: usize) -> String {
    match octets {
        1_000_000.. if octets.is_multiple_of(1_000_000) => format!("{} MB", octets / 1_000_000),
        1_000.. if octets.is_multiple_of(1_000) => format!("{} kB", octets / 1000),
        _ => format!("{octets} B"),
    }
}
