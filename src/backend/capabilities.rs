//! What the usable addresses of a backend can do together, as learned from their EHLO replies.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use crate::smtp::extension::Capabilities;

/// What was learned, address by address, and the intersection that clients are offered.
#[derive(Debug)]
pub struct Learned {
    by_address: Mutex<Vec<Option<Arc<Capabilities>>>>,
    common: ArcSwapOption<Capabilities>,
}

impl Learned {
    /// Nothing is known yet of `addresses` addresses.
    pub fn new(addresses: usize) -> Self {
        Learned { by_address: Mutex::new(vec![None; addresses]), common: ArcSwapOption::empty() }
    }

    /// What all known addresses can do; none before the first EHLO.
    pub fn common(&self) -> Option<Arc<Capabilities>> {
        self.common.load_full()
    }

    /// Notes what the address of this number has just offered.
    pub fn learn(&self, address: usize, offered: &Capabilities) {
        self.update(address, Some(offered));
    }

    /// Forgets the address of this number: it is not usable now.
    pub fn forget(&self, address: usize) {
        self.update(address, None);
    }

    fn update(&self, address: usize, offered: Option<&Capabilities>) {
        let mut known = self.by_address.lock();
        let Some(place) = known.get_mut(address) else { return };
        if place.as_deref() == offered {
            return;
        }
        *place = offered.cloned().map(Arc::new);
        let common = known.iter().flatten().fold(None::<Capabilities>, |common, one| match common {
            None => Some(one.as_ref().clone()),
            Some(common) => Some(common.intersect(one)),
        });
        if common.is_some() {
            // When no address is left, what was last known stays: better than to promise less than before.
            self.common.store(common.map(Arc::new));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_offered_what_all_addresses_can_do() {
        let both = Capabilities { dsn: true, smtputf8: true, ..Capabilities::default() };
        let one = Capabilities { dsn: true, ..Capabilities::default() };
        let learned = Learned::new(2);
        assert!(learned.common().is_none());
        learned.learn(0, &both);
        assert!(learned.common().unwrap().smtputf8);
        learned.learn(1, &one);
        assert!(!learned.common().unwrap().smtputf8);
        assert!(learned.common().unwrap().dsn);
        learned.forget(1);
        assert!(learned.common().unwrap().smtputf8, "only the usable ones count");
        learned.forget(0);
        assert!(learned.common().unwrap().smtputf8, "the last known stays");
        learned.learn(7, &one);
    }
}
