//! From the configuration to a store: the same as before where nothing of it has changed.

use std::sync::Arc;

use crate::store::calls::Store;
use crate::store::clock::Clock;
use crate::store::config::{Config, Place};
use crate::store::file::{FILE, File};
use crate::store::keeper::Keeper;
use crate::store::memory::{MEMORY, Memory};
use crate::threads::storage::StoragePool;

/// Why the place that the configuration names can't be used.
#[derive(Debug, thiserror::Error)]
#[error("store.backend {place}: {why}")]
pub struct Unusable {
    place: String,
    why: String,
}

/// The store that `config` describes; `pool` reads its file. `before` is the one in use, with its configuration: it is
/// kept with what it holds if the place is the same.
///
/// Blocks: not for a worker. *Errors*: the place can't be used.
pub fn open(
    config: &Config,
    pool: &StoragePool,
    before: Option<(&Config, &Store)>,
) -> Result<Store, Unusable> {
    if let Some((_, store)) = before.filter(|(known, _)| known.place == config.place) {
        return Ok(store.with(&config.prefix, config.timeout));
    }
    let clock = Clock::system();
    let keeper: Arc<dyn Keeper> = match &config.place {
        Place::Memory => Arc::new(Memory::new(MEMORY, clock)),
        Place::File(path) => {
            let file = File::open(path, FILE, pool.clone(), clock);
            let wrong = |why: crate::store::file::OpenError| Unusable {
                place: config.place.to_string(),
                why: why.to_string(),
            };
            Arc::new(file.map_err(wrong)?)
        }
    };
    Ok(Store::new(keeper, &config.prefix, config.timeout))
}
