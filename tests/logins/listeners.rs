//! Listeners whose users are in different places.

use crate::client::log_in;
use crate::support::gatepost::{Gatepost, LISTENER};
use crate::support::slapd::{SUFFIX, Slapd};
use crate::support::web::Web;

#[test]
fn each_listener_knows_its_own_users() {
    let slapd = Slapd::start(&[("ann", "ann@ours.example", "of the directory")]);
    let web = Web::start(false);
    let listener = |name: &str, logins: &str| {
        format!(
            "[[listener]]\nname = \"{name}\"\nbind = \"127.0.0.1:0\"\nauth = \"required\"\n\
             auth_without_tls = true\n{logins}\n"
        )
    };
    let directory = format!(
        "logins.verify = \"{}\"\nlogins.ldap.bind_dn = \"uid={{user}},ou=people,{SUFFIX}\"",
        slapd.ldap()
    );
    let server = format!("logins = {{ verify = \"{}\", mechanisms = \"PLAIN\" }}", web.url("/login"));
    let toml = format!(
        "hostname = \"proxy.front.example\"\n[relay]\ndomains = [\"ours.example\"]\n\
         [auth]\nverify = \"file:users\"\nfailure_delay = \"10ms\"\nmax_failures = 60\n{}{}{}\
         [[backend]]\naddress = \"127.0.0.1:1\"\n",
        listener(LISTENER, ""),
        listener("directory", &directory),
        listener("web", &server),
    );
    let hash = "ann:$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n"; // "U*U"
    let gatepost =
        Gatepost::start_with(&toml, |folder, _| std::fs::write(folder.join("users"), hash).unwrap());
    let passwords = [(LISTENER, "U*U"), ("directory", "of the directory"), ("web", "pencil")];
    for (listener, _) in passwords {
        for (of, password) in passwords {
            let said = log_in(gatepost.address_of(listener), "PLAIN", "ann", password);
            let code = if of == listener { "235 " } else { "535 " };
            assert!(said.starts_with(code), "the password of {of} at {listener}: {said}");
        }
    }
    let said = log_in(gatepost.address_of("web"), "LOGIN", "ann", "pencil");
    assert!(said.starts_with("0 not offered"), "{said}");
}
