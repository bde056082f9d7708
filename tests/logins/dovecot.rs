//! A real Dovecot behind `auth.verify = "dovecot:SOCKET"`.

use crate::client::{log_in, send};
use crate::front::{MECHANISMS, front};
use crate::support::client::Client;
use crate::support::dovecot::Dovecot;
use crate::support::gatepost::Gatepost;
use crate::support::postfix::{Options, PostfixBackend};

fn gatepost(postfix: &PostfixBackend, dovecot: &Dovecot) -> Gatepost {
    let verify = format!("dovecot:{}", dovecot.socket().display());
    Gatepost::start(&front(verify, MECHANISMS, postfix.address()))
}

#[test]
fn each_mechanism_goes_through_to_dovecot() {
    let dovecot = Dovecot::start(&[("ann@ours.example", "pencil")]);
    let postfix = PostfixBackend::start(&Options::default());
    let gatepost = gatepost(&postfix, &dovecot);
    let at = gatepost.address();
    gatepost.wait_for_offer(&["AUTH"]);
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"] {
        let said = send(at, mechanism, "ann@ours.example", "pencil", "ann@ours.example");
        assert!(said.starts_with("235 "), "{mechanism}: {said}");
        for (user, password) in [("ann@ours.example", "pen"), ("bob@ours.example", "pencil")] {
            let said = log_in(at, mechanism, user, password);
            assert!(said.starts_with("535 "), "{mechanism} {user}: {said}");
        }
    }
    assert_eq!(postfix.maildir("ann", 4).len(), 4);
    // Dovecot's name for the user is the one that counts.
    let said = log_in(at, "PLAIN", "ANN@ours.example", "pencil");
    assert!(said.starts_with("235 "), "{said}");
    gatepost.log_line(&["session ended", "auth=ann@ours.example"]);
    assert!(!gatepost.log_lines().iter().any(|line| line.contains("pencil")), "a secret is in the log");
}

#[test]
fn an_outage_of_dovecot_is_454_and_ends_with_it() {
    let mut dovecot = Dovecot::start(&[("ann", "pencil")]);
    let postfix = PostfixBackend::start(&Options::default());
    let gatepost = gatepost(&postfix, &dovecot);
    gatepost.wait_for_offer(&["AUTH"]);
    dovecot.stop();
    let said = log_in(gatepost.address(), "PLAIN", "ann", "pencil");
    assert!(said.starts_with("454 4.7.0 "), "{said}");
    gatepost.log_line(&["WARN", "login can't be checked"]);
    dovecot.start_again();
    let said = log_in(gatepost.address(), "PLAIN", "ann", "pencil");
    assert!(said.starts_with("235 "), "{said}");
    let mut client = Client::connect(gatepost.address());
    client.must("EHLO client.front.example", 250);
    client.quit();
}
