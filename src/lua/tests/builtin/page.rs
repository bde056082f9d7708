//! What every policy in the binary owes its reader.

use crate::lua::builtin::{POLICIES, find};
use crate::lua::config::Script;
use crate::lua::library::describe;

#[test]
fn each_says_what_it_does_and_what_its_options_are_for() {
    for (name, source) in POLICIES {
        let policy = describe(&Script::Name((*name).into()), &[]).unwrap();
        assert!(policy.summary.is_some_and(|summary| summary.ends_with('.')), "{name} has no summary");
        assert!(source.lines().count() <= 120, "{name} is long: two concerns?");
        for option in &policy.options {
            let help = option.help.as_deref().unwrap_or_default();
            assert!(help.ends_with('.'), "{name}.{} has no help", option.name);
        }
        assert_eq!(find(name), Some(*source));
    }
    assert!(POLICIES.is_sorted(), "by name");
}
