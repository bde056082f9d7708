//! The fuzz targets' committed corpus, through the same bodies: what was found once stays mended.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

use gatepost::{ldap, lookup, net, smtp};

#[path = "fuzz/bodies.rs"]
mod bodies;
#[path = "fuzz/script.rs"]
mod script;

/// The targets and what they do.
fn targets() -> impl Iterator<Item = (&'static str, bodies::Body)> {
    bodies::ALL.into_iter().chain([("script", script::script as bodies::Body)])
}

#[test]
fn every_corpus_file_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    for (target, body) in targets() {
        let files: Vec<_> =
            fs::read_dir(corpus.join(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 5, "{target} has a corpus");
        for file in files {
            println!("{}", file.display()); // shown if the body panics
            body(&fs::read(&file).unwrap());
        }
    }
}

#[test]
fn every_corpus_folder_has_a_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    for folder in fs::read_dir(fuzz.join("corpus")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(targets().any(|(target, _)| target == name), "{name}");
        assert!(fuzz.join(format!("fuzz_targets/{name}.rs")).exists(), "{name}");
    }
}
