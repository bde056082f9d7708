//! Compares gatepost with haproxy and nginx: the same load through each, in the same run.
//!
//! Run it with `benches/run`, which installs the two, or `cargo bench --bench side-by-side -- --help`.

mod arguments;
mod calls;
mod content;
mod cpu;
mod dialogue;
mod figures;
mod goals;
mod ledger;
mod load;
mod memory;
mod message;
mod peers;
mod process;
mod rounds;
mod sink;
mod table;
mod tls;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use arguments::Arguments;
use message::Filler;
use rounds::Rounds;

fn main() -> ExitCode {
    // `cargo test --all-targets` runs benchmarks too, without this word: it is not meant.
    if !std::env::args().any(|argument| argument == "--bench" || argument == "--help") {
        eprintln!("side-by-side: runs with `cargo bench` only");
        return ExitCode::SUCCESS;
    }
    match compare(&Arguments::read()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("side-by-side: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

/// False if a figure misses its goal and the command line is strict about it.
fn compare(arguments: &Arguments) -> Result<bool> {
    // Idle sessions take a descriptor at the client's end and one at the sink's; peers inherit the limit.
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("side-by-side-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let rows = Rounds { arguments, folder: &folder, filler: Filler::new() }.run();
    let rows = rows.with_context(|| format!("the peers' files are in {}", folder.display()))?;
    fs::remove_dir_all(&folder)?;

    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&rows)?;
        fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    let (goals, reached) = goals::judge(&rows, arguments.kept);
    println!("CPU: seconds of user and system time of all the proxy's processes for 1,000 messages.\n");
    let sizes = &arguments.sizes;
    for table in [
        table::costs(&rows, sizes),
        table::paces(&rows, sizes),
        table::handshakes(&rows),
        table::bounds(&rows),
        goals,
    ] {
        print!("{}", table.markdown());
    }
    Ok(reached || !arguments.strict)
}
