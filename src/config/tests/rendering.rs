//! How errors look, to the letter.

use proptest::prelude::*;

use super::{LEAST, bad, good, read};
use crate::config::report;

#[test]
fn all_errors_are_shown_at_once_with_line_and_caret() {
    let broken = bad(r#"hostnme = "mx.example.org"
[limits]
errors = 0
[[backend]]
address = "127.0.0.1"
pool = {}
[[listener]]
bind = "127.0.0.1:2525"
policies = ["access", "hello"]
vrfy = "neutrl"
"#);
    let text: Vec<String> = broken.text(false).lines().map(|line| line.trim_end().to_owned()).collect();
    let shown = text.join("\n");
    let errors = shown.get(shown.find("error: unknown key").unwrap_or(0)..).unwrap_or_default();
    assert_eq!(errors.trim(), ALL.trim());
}

#[test]
fn what_is_no_toml_is_shown_with_its_line() {
    let want = r#"
error: string values must be quoted
 --> gatepost.toml:2:10
  |
2 | errors = 5m
  |          ^^ expected literal string
"#;
    assert_eq!(bad("[limits]\nerrors = 5m\n").text(false).trim(), want.trim());
}

#[test]
fn a_clash_shows_both_places() {
    let broken = bad(r#"hostname = "mx.example.org"
relay.domains = "example.org"
[[backend]]
address = "127.0.0.1:10025"
[[listener]]
name = "outer"
bind = "127.0.0.1:25"
policies = "access"
[[listener]]
name = "inner"
bind = "127.0.0.1:25"
policies = "access"
"#);
    let want = r#"
error: 127.0.0.1:25 is bound twice
  --> gatepost.toml:11:8
   |
 7 | bind = "127.0.0.1:25"
   |        -------------- the first
...
11 | bind = "127.0.0.1:25"
   |        ^^^^^^^^^^^^^^ the same address and port
"#;
    assert_eq!(broken.text(false).trim(), want.trim());
}

#[test]
fn errors_as_json_have_their_place_and_parts() {
    let broken = bad("relay.domains = \"a.example\"\nlimits.hops = 3\nhostname = \"mx.example.org\"\n");
    let json = report::json(&broken.problems, &broken.sources);
    let unknown = json.as_array().unwrap().iter().find(|problem| problem["key"] == "limits.hops").unwrap();
    assert_eq!(unknown["severity"], "error");
    assert_eq!((unknown["line"].as_u64(), unknown["column"].as_u64()), (Some(2), Some(8)));
    assert_eq!(unknown["file"], "gatepost.toml");
    assert_eq!(unknown["found"], "not a key of [limits]");
    assert!(unknown["possible"].as_str().unwrap().contains("max_hops"));
}

#[test]
fn a_callers_own_complaint_can_be_shown_at_an_options_place() {
    let loaded = good(&format!("{}[policy.access]\nweight = \"ten\"\n", LEAST));
    let option = &loaded.config.policy[0].options[0];
    let complaint = crate::config::error::Diagnostic::error(
        "policy.access.weight",
        "`policy.access.weight` must be a number",
        Some(option.value.span.clone()),
    );
    let text = report::text(&[complaint.found("found \"ten\"")], &loaded.sources, false);
    assert!(text.contains("gatepost.toml:11:10") && text.contains("^^^^^ found \"ten\""), "{text}");
}

proptest! {
    /// Whatever stands in the file, it is read or refused, and the refusal can be shown.
    #[test]
    fn any_text_is_read_or_refused(before in "[\\[\\]=.\"{}a-z \n0-9é\t,]{0,40}", after in ".{0,20}", cut in 0usize..150) {
        let cut = (0..=cut.min(LEAST.len())).rev().find(|at| LEAST.is_char_boundary(*at)).unwrap_or(0);
        let (head, tail) = LEAST.split_at(cut);
        if let Err(broken) = read(&format!("{head}{before}{after}{tail}")) {
            prop_assert!(!broken.problems.is_empty());
            prop_assert!(broken.text(true).contains("error"));
            prop_assert!(report::json(&broken.problems, &broken.sources).is_array());
        }
    }
}

/// What `all_errors_are_shown_at_once_with_line_and_caret` expects.
const ALL: &str = r#"
error: unknown key `hostnme`
 --> gatepost.toml:1:1
  |
1 | hostnme = "mx.example.org"
  | ^^^^^^^ not known here
  |
  = note: possible: hostname, workers, include, listener, relay, limits, backend, tls, auth, policies, policy, map, store, dns, spool, log, metrics, service
  = help: did you mean `hostname`?

error: `limits.errors` can't be 0
 --> gatepost.toml:3:10
  |
3 | errors = 0
  |          ^ found the number 0
  |
  = note: possible: a whole number from 1 on, or "none"
  = help: 0 never means "no limit": write "none" if that is meant

error: `backend.address`: an address needs a port
 --> gatepost.toml:5:11
  |
5 | address = "127.0.0.1"
  |           ^^^^^^^^^^^ found "127.0.0.1"
  |
  = note: possible: addresses, each "HOST:PORT", "unix:PATH" or "maildir:PATH"

error: `backend.pool` is not in this version
 --> gatepost.toml:6:1
  |
6 | pool = {}
  | ^^^^ planned for a later version

error: `relay.domains` is missing
 --> gatepost.toml:7:1
  |
7 | [[listener]]
  | ^^^^^^^^^^^^ nothing says which domains mail is received for
  |
  = help: list your own: [relay] domains = ["example.org"]; mail to all others is refused
  = help: or leave it to a backend that speaks XCLIENT: [relay] domains = "backend"

error: there is no policy "hello"
 --> gatepost.toml:9:23
  |
9 | policies = ["access", "hello"]
  |                       ^^^^^^^ not known
  |
  = note: possible: access, dnsbl, helo
  = help: did you mean `helo`?

error: `listener.vrfy` must be "neutral" or "refuse"
  --> gatepost.toml:10:8
   |
10 | vrfy = "neutrl"
   |        ^^^^^^^^ found "neutrl"
   |
   = note: possible: "neutral" or "refuse"
   = help: did you mean `neutral`?
"#;
