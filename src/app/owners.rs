//! Who owns which address, as a map of the configuration says.

use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::lookup::error::LookupError;
use crate::lookup::map::maps::{Map, Maps};
use crate::lookup::map::table::Table;
use crate::proxy::config::Listener;
use crate::proxy::owners::Owners;

/// A map from addresses to logins.
struct OwnersMap(Arc<Table>);

/// Who owns which address on `listener`; nothing if anybody may send as anybody there.
///
/// *Errors*: the map that it names is not there, or not in a file.
pub fn open(listener: &Listener, maps: &Maps) -> anyhow::Result<Option<Rc<dyn Owners>>> {
    let Some(name) = &listener.owners else { return Ok(None) };
    match maps.get(name).with_context(|| format!("there is no map \"{name}\""))? {
        Map::Table(table) => Ok(Some(Rc::new(OwnersMap(Arc::clone(table))))),
        // Asked in the midst of a command, where nothing waits.
        Map::Remote(_) | Map::Unasked => {
            bail!("map \"{name}\" is on a web server: who owns an address stands in a file")
        }
    }
}

impl Owners for OwnersMap {
    fn owners(&self, key: &str) -> Result<Option<Vec<String>>, String> {
        match self.0.get(key) {
            Ok(logins) => {
                let words = logins.split([',', ' ', '\t']).filter(|word| !word.is_empty());
                Ok(Some(words.map(str::to_owned).collect()))
            }
            Err(LookupError::Absent | LookupError::Invalid) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}
