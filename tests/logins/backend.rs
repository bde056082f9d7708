//! AUTH that goes through to a real Postfix, which asks a real Dovecot.

use crate::client::{log_in, send};
use crate::front::{MECHANISMS, front};
use crate::support::dovecot::Dovecot;
use crate::support::gatepost::Gatepost;
use crate::support::postfix::{Options, PostfixBackend};

#[test]
fn each_mechanism_goes_through_to_postfix_which_relays_for_its_users() {
    let dovecot = Dovecot::start(&[("ann@ours.example", "pencil")]);
    let main_cf = vec![
        "smtpd_sasl_auth_enable = yes".to_owned(),
        "smtpd_sasl_type = dovecot".to_owned(),
        format!("smtpd_sasl_path = {}", dovecot.socket().display()),
        "smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination".to_owned(),
    ];
    let postfix = PostfixBackend::start(&Options { xclient: true, main_cf, ..Options::default() });
    let toml = front("backend", MECHANISMS, postfix.address()) + "xclient = \"required\"\n";
    let gatepost = Gatepost::start(&toml);
    gatepost.wait_for_offer(&["AUTH"]);
    let at = gatepost.address();
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"] {
        let said = send(at, mechanism, "ann@ours.example", "pencil", &format!("{mechanism}@else.example"));
        assert!(said.starts_with("235 "), "{mechanism}: {said}");
        postfix.log_line(&[&format!("sasl_method={mechanism}"), "sasl_username=ann@ours.example"]);
        let to = format!("to=<{mechanism}@else.example>");
        postfix.log_line(&[&to, "status=sent"]);
        let said = log_in(at, mechanism, "ann@ours.example", "pen");
        assert!(said.starts_with("535 "), "{mechanism}: {said}");
    }
    gatepost.log_line(&["transaction ended", "auth=ann@ours.example", "relay_grant=relay.authenticated"]);
    assert!(!gatepost.log_lines().iter().any(|line| line.contains("pencil")), "a secret is in the log");
}
