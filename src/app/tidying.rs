//! Closes the spool's spare files when no mail has wanted them for a while.

use std::sync::Arc;
use std::time::Duration;

use crate::message::spool::Spool;
use crate::threads::helper::HelperHandle;

/// How long a file that nobody wants is kept at least; twice that at most.
const PAUSE: Duration = Duration::from_secs(30);

/// Looks after `spool` as long as it is there.
pub(super) fn follow(spool: &Arc<Spool>, helper: &HelperHandle) {
    let spool = Arc::downgrade(spool);
    helper.leave(move || async move {
        loop {
            tokio::time::sleep(PAUSE).await;
            let Some(spool) = spool.upgrade() else { return };
            spool.tidy();
        }
    });
}
