//! Every example loads: no error, no warning, every policy set up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use gatepost::config;
use gatepost::lookup::dns::Resolver;
use gatepost::lua::api::Parts;
use gatepost::lua::builtin;
use gatepost::lua::clock::Clock;
use gatepost::lua::engine::{Engine, Plan};
use gatepost::threads::helper::HelperRuntime;

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
    let helper = HelperRuntime::start().unwrap();
    for path in examples {
        let name = path.display();
        let loaded =
            config::load(&path, &builtin::names()).unwrap_or_else(|broken| panic!("{name}:\n{broken}"));
        assert!(loaded.warnings.is_empty(), "{name}: {:?}", loaded.warnings);
        let config = loaded.config;
        let parts = Parts::new(Resolver::new(&config.dns, helper.handle()).unwrap());
        let plan = Plan {
            common: config.policies.clone(),
            policies: config.policy.clone(),
            backends: config.backends.iter().map(|backend| backend.name.clone()).collect(),
        };
        let engine = Engine::load(&plan, &parts, Clock::monotonic());
        let engine = engine.unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        for listener in &config.listeners {
            engine.chain(&listener.policies).map(drop).unwrap();
        }
    }
}
