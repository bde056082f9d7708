//! `regex` as scripts use it: compiled at load, linear, and bounded.

use crate::lua::tests::modules::heard;
use crate::lua::tests::support::Setup;

#[test]
fn patterns_are_made_at_load_and_asked_in_hooks() {
    let top = r#"local address = regex.new [[^(?<local>[^@]+)@(?<domain>[^@]+)$]]
local word = regex.new "(?i)viagra"
local optional = regex.new "a(b)?(c)"
local octet = regex.new "(?-u)\\xff""#;
    for (expression, want) in [
        ("word:matches('Buy VIAGRA now')", "true"),
        ("word:matches('nothing')", "false"),
        ("word:find('Buy VIAGRA now')", "[5,10]"), // as string.find counts
        ("word:find('nothing')", "[null,\"none\"]"),
        ("address:captures('ann@a.example').domain", "\"a.example\""),
        ("address:captures('ann@a.example')[0]", "\"ann@a.example\""),
        ("address:captures('ann@a.example')[1]", "\"ann\""),
        ("address:captures('ann')", "[null,\"none\"]"),
        ("optional:captures('ac')[1], optional:captures('ac')[2]", "[null,\"c\"]"),
        ("octet:matches('a\\xffb')", "true"),
        ("word:matches(('x'):rep(300000))", "[null,\"too_large\"]"), // not known, and no "no"
        ("word:find(('x'):rep(300000))", "[null,\"too_large\"]"),
        ("word:captures(('x'):rep(300000))", "[null,\"too_large\"]"),
        ("select(2, pcall(function() word.x = 1 end)):find('read%-only') ~= nil", "true"),
        ("select(2, pcall(regex.new, 'a')):find('is made once') ~= nil", "true"), // no pattern from a client's text
    ] {
        let body = format!("return reject(show({expression}))");
        assert_eq!(heard(Setup::new(), top, &body), want, "{expression}");
    }
}

#[test]
fn a_pattern_that_is_none_is_told_at_its_line() {
    for (pattern, want) in [
        ("(", "p.lua:2: regex.new: unclosed group"),
        ("(a)\\\\1", "p.lua:2: regex.new: backreferences are not supported"),
        ("a(?=b)", "p.lua:2: regex.new: look-around"),
        ("(a{1000}){1000}", "p.lua:2: regex.new: Compiled regex exceeds size limit"),
    ] {
        let text = format!("\nlocal r = regex.new \"{pattern}\"\nreturn {{}}");
        let problems = Setup::new().policy("p", &text).problems();
        assert!(problems.contains(want), "{pattern}: {problems}");
    }
}

#[test]
fn what_explodes_elsewhere_takes_no_time() {
    // The same pattern and text keep a backtracking matcher busy for longer than the universe has been there. Budgets
    // are counted by instructions here, so that only a hang would show: this test would not end.
    let top = "local evil = regex.new '^(a+)+$'";
    let body = "return reject(show(evil:matches(('a'):rep(100000) .. 'b')))";
    assert_eq!(heard(Setup::new(), top, body), "false");
}
