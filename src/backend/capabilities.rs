//! What the usable addresses of a backend can do together, as learned from their EHLO replies.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use crate::smtp::extension::Capabilities;

/// What was learned, address by address, and the intersection that clients are offered.
#[derive(Debug)]
pub struct Learned {
    by_address: Mutex<Vec<Option<Arc<Capabilities>>>>,
    shared: ArcSwapOption<Capabilities>,
}

impl Learned {
    /// Nothing is known yet of `addresses` addresses.
    pub fn new(addresses: usize) -> Self {
        Learned { by_address: Mutex::new(vec![None; addresses]), shared: ArcSwapOption::empty() }
    }

    /// What all known addresses can do; none before the first EHLO.
    pub fn shared(&self) -> Option<Arc<Capabilities>> {
        self.shared.load_full()
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
        let shared = known.iter().flatten().fold(None::<Capabilities>, |shared, one| match shared {
            None => Some(one.as_ref().clone()),
            Some(shared) => Some(shared.intersect(one)),
        });
        if shared.is_some() {
            // When no address is left, what was last known stays: better than to promise less than before.
            self.shared.store(shared.map(Arc::new));
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
        assert!(learned.shared().is_none());
        learned.learn(0, &both);
        assert!(learned.shared().unwrap().smtputf8);
        learned.learn(1, &one);
        assert!(!learned.shared().unwrap().smtputf8);
        assert!(learned.shared().unwrap().dsn);
        learned.forget(1);
        assert!(learned.shared().unwrap().smtputf8, "only the usable ones count");
        learned.forget(0);
        assert!(learned.shared().unwrap().smtputf8, "the last known stays");
        learned.learn(7, &one);
    }
}
