//! All maps of one configuration, each read once: workers share them, and a reload reads them anew.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::lookup::http::client::HttpClient;
use crate::lookup::map::config::{MapConfig, Source};
use crate::lookup::map::error::MapError;
use crate::lookup::map::remote::RemoteMap;
use crate::lookup::map::table::{Kind, Table};
use crate::threads::helper::HelperHandle;

/// A handle to the maps; a clone is cheap and means the same maps.
#[derive(Clone, Debug, Default)]
pub struct Maps {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    named: BTreeMap<String, Map>,
    /// Those that scripts name by their files.
    files: Mutex<HashMap<(PathBuf, Kind), Arc<Table>>>,
}

/// One map.
#[derive(Clone, Debug)]
pub enum Map {
    /// Read from a file: it answers at once.
    Table(Arc<Table>),
    /// On a web server: asking it takes time.
    Remote(RemoteMap),
    /// Not asked here: on a web server, where none can be asked.
    Unasked,
}

/// Who asks web servers, and on which thread.
#[derive(Clone, Debug)]
pub struct Web {
    /// The client.
    pub http: HttpClient,
    /// The thread.
    pub helper: HelperHandle,
}

impl Maps {
    /// Reads the maps that `configs` describe; those on web servers are asked by `web`. Blocks.
    ///
    /// *Errors*: of each map that can't be used, its name and what is wrong.
    pub fn read(configs: &[MapConfig], web: Option<&Web>) -> Result<Self, Vec<(String, MapError)>> {
        let (mut named, mut wrong) = (BTreeMap::new(), Vec::new());
        for config in configs {
            match open(config, web) {
                Ok(map) => {
                    named.insert(config.name.clone(), map);
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
    pub fn get(&self, name: &str) -> Option<&Map> {
        self.inner.named.get(name)
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

fn open(config: &MapConfig, web: Option<&Web>) -> Result<Map, MapError> {
    let template = match (&config.source, web) {
        (Source::File(path), _) => {
            let table = Table::read(config.kind, path)?;
            tracing::debug!(map = config.name, entries = table.len(), "read");
            return Ok(Map::Table(Arc::new(table)));
        }
        (Source::Http(_), None) => return Ok(Map::Unasked),
        (Source::Http(template), Some(web)) => (template.clone(), web.clone()),
    };
    let (template, Web { http, helper }) = template;
    Ok(Map::Remote(RemoteMap::new(template, config.times, http, helper)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::map::config::Times;

    fn config(name: &str, path: &Path) -> MapConfig {
        let source = Source::File(path.to_owned());
        MapConfig { name: name.into(), source, kind: Kind::Hash, times: Times::default() }
    }

    fn read(configs: &[MapConfig]) -> Result<Maps, Vec<(String, MapError)>> {
        Maps::read(configs, None)
    }

    #[test]
    fn a_map_is_read_once_for_all_who_ask() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("map");
        std::fs::write(&path, "a one\n").expect("file");
        let maps = read(&[config("m", &path)]).expect("maps");
        let (first, second) =
            (maps.file(&path, Kind::Hash).expect("file"), maps.clone().file(&path, Kind::Hash));
        assert!(Arc::ptr_eq(&first, &second.expect("file")));
        std::fs::write(&path, "a two\n").expect("file");
        let value = |maps: &Maps| match maps.get("m") {
            Some(Map::Table(table)) => table.get("a").map(|value| value.into_owned()),
            other => panic!("{other:?}"),
        };
        assert_eq!(value(&maps), Ok("one".into()), "a map in use stays as it was");
        assert_eq!(
            value(&read(&[config("m", &path)]).expect("maps")),
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
        let errors = read(&[config("a", &gone), config("b", &wrong)]).expect_err("mistakes");
        let told: Vec<_> = errors.iter().map(|(name, error)| (name.as_str(), error.line)).collect();
        assert_eq!(told, [("a", None), ("b", Some(1))]);
    }

    #[test]
    fn a_map_on_a_web_server_is_there_where_none_can_be_asked() {
        let source = Source::Http("https://a.example/{key}".parse().expect("template"));
        let maps = read(&[MapConfig { source, ..config("m", Path::new("")) }]).expect("maps");
        assert!(matches!(maps.get("m"), Some(Map::Unasked)));
    }
}
