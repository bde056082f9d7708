//! GNU SASL's client: a login bound to its TLS connection, as others write it.

use std::process::Command;

use crate::file::passwd;
use crate::support::gatepost::Gatepost;
use crate::support::tls;

fn started() -> Gatepost {
    let toml = "hostname = \"mx.b.example\"\n[relay]\ndomains = [\"b.example\"]\n[tls]\ncertificate = \"mx.pem\"\n\
        [auth]\nverify = \"file:users\"\nfailure_delay = \"10ms\"\n[[backend]]\naddress = \"127.0.0.1:9\"\n\
        [[listener]]\nname = \"front\"\nbind = \"127.0.0.1:0\"\nauth = \"required\"\nclient_name = false\n";
    Gatepost::start_with(toml, |folder, _| {
        tls::write(folder);
        std::fs::write(folder.join("users"), passwd(&["--scram", "ann"], "pencil")).unwrap();
    })
}

/// What gsasl and the server said to each other.
fn log_in(gatepost: &Gatepost, mechanism: &str, password: &str, options: &[&str]) -> String {
    let mut command = Command::new("gsasl");
    // The certificate is nobody's that gsasl knows.
    command.args(["--smtp", "--x509-ca-file=", "--verbose", "--authentication-id=ann"]);
    command.arg(format!("--connect={}", gatepost.address())).arg(format!("--mechanism={mechanism}"));
    command.arg(format!("--password={password}")).args(options);
    let done = command.stdin(std::process::Stdio::null()).output().expect("gsasl; tests/needs installs it");
    String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned()
}

#[test]
fn gsasl_logs_in_bound_to_its_connection() {
    let gatepost = started();
    for (mechanism, password, options, code) in [
        ("SCRAM-SHA-256-PLUS", "pencil", &[][..], "235 2.7.0"),
        ("SCRAM-SHA-256-PLUS", "pen", &[], "535 5.7.8"),
        ("SCRAM-SHA-256", "pencil", &["--no-cb"], "235 2.7.0"),
        ("SCRAM-SHA-256", "pencil", &["--no-cb", "--priority=NORMAL:-VERS-TLS1.3"], "235 2.7.0"),
    ] {
        let said = log_in(&gatepost, mechanism, password, options);
        assert!(said.contains(&format!("\n{code} ")), "{mechanism} {options:?}: {said}");
    }
}
