//! All maps of one configuration, each read once: workers share them, and a reload reads them anew.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::lookup::map::config::{MapConfig, Source};
use crate::lookup::map::error::MapError;
use crate::lookup::map::table::{Kind, Table};

/// A handle to the maps; a clone is cheap and means the same maps.
#[derive(Clone, Debug, Default)]
pub struct Maps {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    named: BTreeMap<String, Arc<Table>>,
    /// Those that scripts name by their files.
    files: Mutex<HashMap<(PathBuf, Kind), Arc<Table>>>,
}

impl Maps {
    /// Reads the maps that `configs` describe. Blocks.
    ///
    /// *Errors*: of each map that can't be used, its name and what is wrong.
    pub fn read(configs: &[MapConfig]) -> Result<Self, Vec<(String, MapError)>> {
        let (mut named, mut wrong) = (BTreeMap::new(), Vec::new());
        for config in configs {
            let Source::File(path) = &config.source;
            match Table::read(config.kind, path) {
                Ok(table) => {
                    tracing::debug!(map = config.name, entries = table.len(), "read");
                    named.insert(config.name.clone(), Arc::new(table));
                }
                Err(error) => wrong.push((config.name.clone(), error)),
            }
        }
        if wrong.is_empty() {
            Ok(Self { inner: Arc::new(Inner { named, files: Mutex::default() }) })
        } else {
            Err(wrong)
        }
    }

    /// The map `[map.NAME]`.
    pub fn get(&self, name: &str) -> Option<Arc<Table>> {
        self.inner.named.get(name).cloned()
    }

    /// The names of all maps, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.inner.named.keys().map(String::as_str)
    }

    /// The map of the kind `kind` in the file at `path`, read when it is first asked for. Blocks then.
    ///
    /// *Errors*: as [`Table::read`].
    pub fn file(&self, path: &Path, kind: Kind) -> Result<Arc<Table>, MapError> {
        let key = (path.to_owned(), kind);
        if let Some(table) = self.inner.files.lock().get(&key) {
            return Ok(Arc::clone(table));
        }
        let table = Arc::new(Table::read(kind, path)?);
        Ok(Arc::clone(self.inner.files.lock().entry(key).or_insert(table)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, path: &Path) -> MapConfig {
        MapConfig { name: name.into(), source: Source::File(path.to_owned()), kind: Kind::Hash }
    }

    #[test]
    fn a_map_is_read_once_for_all_who_ask() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("map");
        std::fs::write(&path, "a one\n").expect("file");
        let maps = Maps::read(&[config("m", &path)]).expect("maps");
        let (first, second) =
            (maps.file(&path, Kind::Hash).expect("file"), maps.clone().file(&path, Kind::Hash));
        assert!(Arc::ptr_eq(&first, &second.expect("file")));
        std::fs::write(&path, "a two\n").expect("file");
        let value = |maps: &Maps| maps.get("m").expect("a map").get("a").map(|value| value.into_owned());
        assert_eq!(value(&maps), Ok("one".into()), "a map in use stays as it was");
        assert_eq!(
            value(&Maps::read(&[config("m", &path)]).expect("maps")),
            Ok("two".into()),
            "a reload reads anew"
        );
        assert!(maps.get("other").is_none());
        assert_eq!(maps.names().collect::<Vec<_>>(), ["m"]);
    }

    #[test]
    fn every_map_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().expect("folder");
        let (gone, wrong) = (folder.path().join("gone"), folder.path().join("wrong"));
        std::fs::write(&wrong, "key\n").expect("file");
        let errors = Maps::read(&[config("a", &gone), config("b", &wrong)]).expect_err("mistakes");
        let told: Vec<_> = errors.iter().map(|(name, error)| (name.as_str(), error.line)).collect();
        assert_eq!(told, [("a", None), ("b", Some(1))]);
    }
}
