//! Who owns which address, as a map of the configuration says.

use std::future::ready;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context as _;

use crate::lookup::error::LookupError;
use crate::lookup::map::maps::{Map, Maps};
use crate::lookup::map::remote::RemoteMap;
use crate::lookup::map::table::Table;
use crate::proxy::config::Listener;
use crate::proxy::owners::{Known, Owners, Pending};

/// A map from addresses to logins, in a file.
struct InFile(Arc<Table>);

/// The same on a server.
struct OnServer(RemoteMap);

/// The same where nothing is asked.
struct Nobody;

/// Who owns which address on `listener`; nothing if anybody may send as anybody there.
///
/// *Errors*: the map that it names is not there.
pub fn open(listener: &Listener, maps: &Maps) -> anyhow::Result<Option<Rc<dyn Owners>>> {
    let Some(name) = &listener.owners else { return Ok(None) };
    Ok(Some(match maps.get(name).with_context(|| format!("there is no map \"{name}\""))? {
        Map::Table(table) => Rc::new(InFile(Arc::clone(table))),
        Map::Remote(map) => Rc::new(OnServer(map.clone())),
        Map::Unasked => Rc::new(Nobody),
    }))
}

impl Owners for InFile {
    fn owners<'a>(&'a self, key: &'a str) -> Pending<'a> {
        Box::pin(ready(logins(self.0.get(key).as_deref().map_err(|error| *error))))
    }
}

impl Owners for OnServer {
    fn owners<'a>(&'a self, key: &'a str) -> Pending<'a> {
        Box::pin(async move { logins(self.0.get(key).await.as_deref().map_err(|error| *error)) })
    }
}

impl Owners for Nobody {
    fn owners<'a>(&'a self, _: &'a str) -> Pending<'a> {
        Box::pin(ready(Err(LookupError::Unavailable.to_string())))
    }
}

/// The logins that a map's value lists.
fn logins(found: Result<&str, LookupError>) -> Known {
    match found {
        Ok(logins) => {
            let words = logins.split([',', ' ', '\t']).filter(|word| !word.is_empty());
            Ok(Some(words.map(str::to_owned).collect()))
        }
        Err(LookupError::Absent | LookupError::Invalid) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}
