//! All maps of one configuration, each read once: workers share them, and a reload reads them anew.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::ldap::access::LdapError;
use crate::lookup::http::client::HttpClient;
use crate::lookup::map::config::{MapConfig, Source};
use crate::lookup::map::directory::{Directory, Searched};
use crate::lookup::map::error::MapError;
use crate::lookup::map::field::Field;
use crate::lookup::map::kept::Kept;
use crate::lookup::map::oracle::Oracle;
use crate::lookup::map::played::Stubs;
use crate::lookup::map::remote::RemoteMap;
use crate::lookup::map::socketmap::Socketmap;
use crate::lookup::map::table::{Kind, Table};
use crate::lookup::map::web::Web;
use crate::net::names::Names;
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
    files: Mutex<HashMap<Named, Arc<Table>>>,
}

/// How a script names a map by its file.
type Named = (PathBuf, Kind, Option<Field>);

/// One map.
#[derive(Clone, Debug)]
pub enum Map {
    /// Read from a file: it answers at once.
    Table(Arc<Table>),
    /// On a server: asking it takes time.
    Remote(RemoteMap),
    /// Not asked here: on a server, where none can be asked.
    Unasked,
}

/// How servers are asked, and on which thread.
#[derive(Clone)]
pub struct Reach {
    /// The client that asks web servers.
    pub http: HttpClient,
    /// Who finds the others.
    pub names: Arc<dyn Names>,
    /// The thread.
    pub helper: HelperHandle,
    /// What a test has the servers say; then no server is reached but those that `http` plays.
    pub stubs: Option<Stubs>,
}

impl Maps {
    /// Reads the maps that `configs` describe; those on servers are asked as `reach` says. Blocks.
    ///
    /// *Errors*: of each map that can't be used, its name and what is wrong.
    pub fn read(configs: &[MapConfig], reach: Option<&Reach>) -> Result<Self, Vec<(String, MapError)>> {
        let (mut named, mut wrong) = (BTreeMap::new(), Vec::new());
        for config in configs {
            match open(config, reach) {
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

    /// The map of the kind `kind` in the file at `path`, read when it is first asked for; of a MaxMind DB, with `field` of
    /// its records. Blocks then.
    ///
    /// *Errors*: as [`Table::read`].
    pub fn file(&self, path: &Path, kind: Kind, field: Option<Field>) -> Result<Arc<Table>, MapError> {
        let key = (path.to_owned(), kind, field);
        if let Some(table) = self.inner.files.lock().get(&key) {
            return Ok(Arc::clone(table));
        }
        let table = Arc::new(Table::read(kind, path, key.2.as_ref())?);
        Ok(Arc::clone(self.inner.files.lock().entry(key).or_insert(table)))
    }
}

fn open(config: &MapConfig, reach: Option<&Reach>) -> Result<Map, MapError> {
    let read = match &config.source {
        Source::File(path) => Some(Table::read(config.kind, path, None)?),
        Source::Mmdb(path, field) => Some(Table::read(Kind::Mmdb, path, field.as_ref())?),
        Source::Http(_) | Source::Ldap(_) | Source::Socketmap(_) => None,
    };
    if let Some(table) = read {
        tracing::debug!(map = config.name, entries = table.len(), "read");
        return Ok(Map::Table(Arc::new(table)));
    }
    let Some(reach) = reach else {
        if let Source::Ldap(directory) = &config.source {
            directory.access.prepare().map_err(|error| wrong(directory, error))?;
        }
        return Ok(Map::Unasked);
    };
    let real = match &config.source {
        Source::Ldap(_) | Source::Socketmap(_) if reach.stubs.is_some() => None,
        source => server(source, config, reach)?,
    };
    let oracle = match &reach.stubs {
        Some(stubs) => Some(stubs.oracle(&config.name, config.bounds.timeout, real)),
        None => real,
    };
    let map = oracle.map(|oracle| RemoteMap::new(oracle, config.times, reach.helper.clone()));
    Ok(map.map_or(Map::Unasked, Map::Remote))
}

/// The server that `source` names; nothing for a file.
///
/// *Errors*: a file that it takes to ask it can't be used.
fn server(source: &Source, config: &MapConfig, reach: &Reach) -> Result<Option<Arc<dyn Oracle>>, MapError> {
    let timeout = config.bounds.timeout;
    Ok(Some(match source {
        Source::File(_) | Source::Mmdb(..) => return Ok(None),
        Source::Ldap(directory) => {
            let searched = Searched::new(directory, Arc::clone(&reach.names), timeout);
            Arc::new(Kept::new(
                &config.name,
                searched.map_err(|error| wrong(directory, error))?,
                config.bounds,
            ))
        }
        Source::Http(template) => {
            Arc::new(Web { template: template.clone(), http: reach.http.clone(), timeout })
        }
        Source::Socketmap(place) => {
            let names = Arc::clone(&reach.names);
            let server = Socketmap { place: place.clone(), names, patience: timeout };
            Arc::new(Kept::new(&config.name, server, config.bounds))
        }
    }))
}

/// `error`, with the file that it is about.
fn wrong(directory: &Directory, error: LdapError) -> MapError {
    match error {
        LdapError::Password(error) => MapError::whole(&error.path, error.why),
        LdapError::Tls(error) => {
            let ca = directory.access.security.ca.clone();
            MapError::whole(
                &ca.unwrap_or_else(|| directory.access.server.to_string().into()),
                error.to_string(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::map::bounds::Bounds;
    use crate::lookup::map::config::Times;
    use crate::lookup::map::socketmap::{Place, Server};

    fn config(name: &str, path: &Path) -> MapConfig {
        let source = Source::File(path.to_owned());
        let (times, bounds) = (Times::default(), Bounds::default());
        MapConfig { name: name.into(), source, kind: Kind::Hash, times, bounds }
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
            (maps.file(&path, Kind::Hash, None).expect("file"), maps.clone().file(&path, Kind::Hash, None));
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
    fn a_map_on_a_server_is_there_where_none_can_be_asked() {
        let place = Place { server: Server::Unix("gone".into()), name: "m".into() };
        for source in
            [Source::Http("https://a.example/{key}".parse().expect("template")), Source::Socketmap(place)]
        {
            let maps = read(&[MapConfig { source, ..config("m", Path::new("")) }]).expect("maps");
            assert!(matches!(maps.get("m"), Some(Map::Unasked)));
        }
    }
}
