//! Every example loads: no error, no warning, every policy set up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use gatepost::app::policies;
use gatepost::config::{self, report};
use gatepost::lua::builtin;
use gatepost::lua::chain::Chain;

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.map(|folder| folder.join("gatepost.toml")).collect();
    files.sort();
    files
}

#[test]
fn every_example_loads_without_a_warning() {
    let examples = examples();
    assert!(examples.len() >= 3, "the examples were not found");
    for path in examples {
        let name = path.display();
        let mut loaded =
            config::load(&path, &builtin::names()).unwrap_or_else(|broken| panic!("{name}:\n{broken}"));
        assert!(loaded.warnings.is_empty(), "{name}: {:?}", loaded.warnings);
        let engine =
            policies::load(&loaded.config, &loaded.places, &mut loaded.sources).unwrap_or_else(|mistakes| {
                panic!("{name}:\n{}", report::text(&mistakes, &loaded.sources, false))
            });
        assert!(engine.warnings().is_empty(), "{name}: {:?}", engine.warnings());
        for listener in &loaded.config.listeners {
            Chain::new(&engine, &listener.policies).map(drop).unwrap();
        }
    }
}
