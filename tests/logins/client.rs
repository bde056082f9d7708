//! A mail client that logs in by any mechanism: Python's smtplib, and SCRAM written out for it.

use std::net::SocketAddr;

use crate::support::drive::{Run, smtplib};
use crate::support::gatepost::Gatepost;

const LOG_IN: &str = r#"
import base64, hashlib, hmac, os
def b(octets): return base64.b64encode(octets).decode()
def scram(user, password):
    nonce = b(os.urandom(12))
    bare = "n=%s,r=%s" % (user, nonce)
    code, text = smtp.docmd("AUTH", "SCRAM-SHA-256 " + b(("n,," + bare).encode()))
    if code != 334: return code, text
    first = base64.b64decode(text).decode()
    parts = dict(part.split("=", 1) for part in first.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(parts["s"]), int(parts["i"]))
    key = hmac.new(salted, b"Client Key", "sha256").digest()
    without = "c=biws,r=" + parts["r"]
    spoken = ",".join([bare, first, without]).encode()
    signature = hmac.new(hashlib.sha256(key).digest(), spoken, "sha256").digest()
    proof = bytes(x ^ y for x, y in zip(key, signature))
    code, text = smtp.docmd(b((without + ",p=" + b(proof)).encode()))
    if code != 334: return code, text
    server = hmac.new(salted, b"Server Key", "sha256").digest()
    assert base64.b64decode(text) == b"v=" + b(hmac.new(server, spoken, "sha256").digest()).encode(), text
    return smtp.docmd("")
def log_in(mechanism, user, password):
    smtp.ehlo()
    smtp.user, smtp.password = user, password
    if mechanism not in smtp.esmtp_features.get("auth", "").split(): return 0, b"not offered"
    if mechanism == "SCRAM-SHA-256": return scram(user, password)
    try:
        if mechanism == "CRAM-MD5": return smtp.auth(mechanism, smtp.auth_cram_md5, initial_response_ok=False)
        if mechanism == "LOGIN": return smtp.auth(mechanism, smtp.auth_login, initial_response_ok=False)
        return smtp.auth(mechanism, smtp.auth_plain)
    except smtplib.SMTPAuthenticationError as refused:
        return refused.smtp_code, refused.smtp_error
mechanism, user, password, message_to = (sys.argv[1:] + [""] * 4)[:4]
code, text = log_in(mechanism, user, password)
said((code, text))
if code == 235 and message_to:
    smtp.sendmail("ann@ours.example", message_to, b"Subject: logged in\r\n\r\nx\r\n")
smtp.close()
"#;

/// What a login at `server` by `mechanism` came to: the reply, or "0 not offered".
pub fn log_in(server: SocketAddr, mechanism: &str, user: &str, password: &str) -> String {
    run(server, &[mechanism, user, password]).text()
}

/// Who logs in, with what, and the code of the reply, by each mechanism that shows the password.
pub fn try_all(gatepost: &Gatepost, logins: &[(&str, &str, &str)]) {
    for (user, password, code) in logins {
        for mechanism in ["PLAIN", "LOGIN"] {
            let said = log_in(gatepost.address(), mechanism, user, password);
            assert!(said.starts_with(code), "{mechanism} {user} {password}: {said}");
        }
    }
}

/// As `log_in`; then a message goes to `forward_path`.
pub fn send(server: SocketAddr, mechanism: &str, user: &str, password: &str, forward_path: &str) -> String {
    run(server, &[mechanism, user, password, forward_path]).text()
}

fn run(server: SocketAddr, arguments: &[&str]) -> Run {
    smtplib(server, LOG_IN, arguments, b"")
}
