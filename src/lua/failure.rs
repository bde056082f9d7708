//! A hook or a task that has failed, told in the log: what went wrong, and at which line of the script.

use crate::lua::call::Call;
use crate::lua::listing::Listing;

/// Logs `problem`, the words of an error and behind them the traceback, of `hook` on behalf of `call`.
pub(super) fn log(call: &Call, hook: &str, problem: &str, listing: &Listing) {
    let session = call.session.as_ref().map(|view| view.session.borrow().identity().id.to_string());
    let (error, traceback) = problem.split_once("\nstack traceback:\n").unwrap_or((problem, ""));
    let error = error.strip_prefix("runtime error: ").unwrap_or(error);
    let excerpt = listing.excerpt(problem);
    let source = excerpt.as_ref().map(|excerpt| excerpt.text.as_str());
    let column = excerpt.as_ref().map(|excerpt| excerpt.column);
    tracing::warn!(policy = %call.policy, hook, session, error, source, column, traceback, "policy failed");
}
