//! Users in a file, made by `gatepost passwd`.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::client::{log_in, send};
use crate::front::front;
use crate::support::gatepost::{Gatepost, binary};
use crate::support::postfix::{Options, PostfixBackend};

/// The line that `gatepost passwd` makes.
pub fn passwd(arguments: &[&str], password: &str) -> String {
    let mut command: Command = binary();
    command.arg("passwd").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    String::from_utf8(done.stdout).unwrap()
}

fn gatepost(postfix: &PostfixBackend, users: &str) -> Gatepost {
    let toml = front("file:users", "", postfix.address());
    Gatepost::start_with(&toml, |folder, _| std::fs::write(folder.join("users"), users).unwrap())
}

#[test]
fn users_made_by_passwd_log_in_by_each_mechanism() {
    let postfix = PostfixBackend::start(&Options { xclient: true, ..Options::default() });
    let users = passwd(&["--scram", "ann"], "secret one") + &passwd(&["bob"], "secret two");
    let gatepost = gatepost(&postfix, &users);
    let at = gatepost.address();
    for (mechanism, user, password, code) in [
        ("PLAIN", "ann", "secret one", "235 "),
        ("LOGIN", "ann", "secret one", "235 "),
        ("SCRAM-SHA-256", "ann", "secret one", "235 "),
        ("PLAIN", "bob", "secret two", "235 "),
        ("LOGIN", "bob", "secret two", "235 "),
        ("PLAIN", "bob", "secret one", "535 "),
        ("SCRAM-SHA-256", "ann", "secret two", "535 "),
        ("SCRAM-SHA-256", "nobody", "secret one", "535 "),
        ("PLAIN", "nobody", "secret one", "535 "),
        ("CRAM-MD5", "ann", "secret one", "0 "),
    ] {
        let said = log_in(at, mechanism, user, password);
        assert!(said.starts_with(code), "{mechanism} {user}: {said}");
    }
    assert!(!gatepost.log_lines().iter().any(|line| line.contains("secret")), "a secret is in the log");
}

/// Towards a real Postfix: LOGIN by XCLIENT relays where Postfix has `smtpd_sasl_auth_enable = yes`.
#[test]
fn a_login_relays_through_a_postfix_that_trusts_logins_alone() {
    let lines = [
        "smtpd_sasl_auth_enable = yes",
        "smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination",
    ];
    let main_cf = lines.map(str::to_owned).to_vec();
    let postfix = PostfixBackend::start(&Options { xclient: true, main_cf, ..Options::default() });
    let gatepost = gatepost(&postfix, &passwd(&["ann@ours.example"], "secret"));
    let said = send(gatepost.address(), "PLAIN", "ann@ours.example", "secret", "someone@else.example");
    assert!(said.starts_with("235 "), "{said}");
    postfix.log_line(&["sasl_username=ann@ours.example"]);
    postfix.log_line(&["to=<someone@else.example>", "status=sent"]);
    gatepost.log_line(&["transaction ended", "auth=ann@ours.example", "relay_grant=relay.authenticated"]);
}
