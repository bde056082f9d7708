//! Verdicts that a script makes and doesn't return, as far as its source shows that: they would let mail through.

use crate::lua::problem::Problem;
use crate::lua::scan::uses::{Level, walk};
use crate::lua::script::Source;
use crate::lua::types::GLOBALS;

/// Each call in `source` that makes a verdict for nobody: one that stands alone as a statement.
///
/// At the top of a file nothing is decided; there Lua itself says what is wrong.
pub(super) fn problems(policy: &str, source: &Source) -> Vec<Problem> {
    let mut found = Vec::new();
    walk(&source.text, &mut |used| {
        let name = used.token.text();
        let is_verdict = used.is_global && GLOBALS.iter().any(|verdict| verdict.name == name);
        if is_verdict && used.is_statement && used.level == Level::Function {
            let place = (used.token.line, used.token.columns(&source.text));
            let message = format!("the verdict of '{name}' is made and not returned");
            let problem = Problem::at(policy, &source.name, place, message);
            found.push(problem.suggest(Some(format!("write: return {name}(…)"))));
        }
    });
    found
}
