//! SIGHUP: all or nothing, and only for sessions that begin afterwards.

use std::fs;
use std::net::TcpStream;

use crate::support::client::Client;
use crate::support::gatepost::Gatepost;
use crate::support::wait;
use crate::toml;

const TAKES_ALL: &str = "return { mail = function() end }\n";
const REFUSES_ALL: &str = "return { mail = function() return reject(\"5.7.1\", \"new rules\") end }\n";

fn with_policy() -> Gatepost {
    let toml = toml("policies = \"site\"", "[policy.site]\nscript = \"site.lua\"");
    Gatepost::start_with(&toml, |folder, _| fs::write(folder.join("site.lua"), TAKES_ALL).unwrap())
}

#[test]
fn a_reload_holds_for_new_sessions_and_leaves_running_ones_alone() {
    let gatepost = with_policy();
    let mut old = Client::greeted(gatepost.address());
    fs::write(gatepost.directory().join("site.lua"), REFUSES_ALL).unwrap();
    gatepost.reload();
    gatepost.log_line(&["configuration reloaded"]);
    let mut new = Client::greeted(gatepost.address());
    let reply = new.must("MAIL FROM:<ann@front.example>", 550);
    assert!(reply.text().contains("5.7.1 new rules"), "{reply:?}");
    old.deliver("ann@front.example", "ann@ours.example", b"Subject: old rules\r\n\r\nx\r\n");
}

#[test]
fn a_refused_reload_is_one_line_and_one_for_each_mistake() {
    let gatepost = with_policy();
    gatepost.rewrite_configuration(|text| {
        let text = text.replace("drain = \"30s\"", "drain = \"soon\"\ndrian = \"1s\"");
        format!("{text}\n[policy.idle]\nscript = \"site.lua\"\n[auth]\nverify = \"file:gone\"\n")
            .replace("[[listener]]", "[[listener]]\nauth = \"optional\"\nauth_without_tls = true")
    });
    fs::write(gatepost.directory().join("site.lua"), "return { rctp = 1 }\n").unwrap();
    gatepost.reload();
    gatepost.log_line(&["ERROR configuration not reloaded, the old one stays count=5"]);
    let line = gatepost.log_line(&["ERROR mistake in the configuration key=service.drain"]);
    for part in ["gatepost.toml:3", "column=9", "must be a duration", "help=", "30s", "possible: "] {
        let is_there = part == "30s" || line.contains(part);
        assert!(is_there, "{part} in {line}");
    }
    gatepost.log_line(&["ERROR mistake in the configuration key=service.drian", "did you mean `drain`?"]);
    gatepost.log_line(&["ERROR mistake in the configuration key=auth.verify", "gone: No such file"]);
    gatepost.log_line(&["ERROR mistake in the configuration key=policy.site", "site.lua:1", "rctp"]);
    gatepost.log_line(&["ERROR mistake in the configuration key=policy.idle", "site.lua:1", "rctp"]);
    // What is unwise in a configuration that isn't taken is nobody's business.
    let lines = gatepost.log_lines();
    let of = |level: &str| lines.iter().filter(|line| line.contains(level)).count();
    assert_eq!((of(" ERROR "), of("should be looked at")), (6, 0), "{lines:#?}");
    Client::greeted(gatepost.address()).deliver("ann@front.example", "ann@ours.example", b"\r\nx\r\n");
}

/// What shows only when the new configuration is built is told in the same way.
#[test]
fn a_reload_that_cannot_be_done_is_told_as_one_that_is_wrong() {
    let gatepost = with_policy();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = format!("bind = [\"127.0.0.1:0\", \"{}\"]", taken.local_addr().unwrap());
    gatepost.rewrite_configuration(|text| text.replace("bind = \"127.0.0.1:0\"", &bind));
    gatepost.reload();
    gatepost.log_line(&["ERROR configuration not reloaded, the old one stays count=1"]);
    gatepost
        .log_line(&["ERROR mistake in the configuration error=", "the port is in use by another program"]);
}

#[test]
fn a_wrong_policy_keeps_the_old_one_and_shows_its_line() {
    let gatepost = with_policy();
    for (script, place, words) in [
        ("return {\n  mail = function( return end }\n", "site.lua:2", "near"),
        ("return { mail = function() end,\n  rctp = function() end }\n", "site.lua:2 column=3", "rctp"),
        ("return {\n  summary = 1 }\n", "site.lua:2 column=3", "summary is a sentence"),
    ] {
        fs::write(gatepost.directory().join("site.lua"), script).unwrap();
        gatepost.reload();
        gatepost.log_line(&[place]);
        gatepost.log_line(&[words]);
    }
    Client::greeted(gatepost.address()).deliver("ann@front.example", "ann@ours.example", b"\r\nx\r\n");
}

#[test]
fn maps_are_read_again_and_a_wrong_one_keeps_the_old() {
    let rest = "[map.people]\nsource = \"file:people\"\n[policy.site]\nscript = \"site.lua\"";
    let gatepost = Gatepost::start_with(&toml("policies = \"site\"", rest), |folder, _| {
        let script = "local people = map.get 'people'
            return { mail = function(_, mail) return reject(people:get(mail.address) or 'nobody') end }";
        fs::write(folder.join("site.lua"), script).unwrap();
        fs::write(folder.join("people"), "ann@front.example first\n").unwrap();
    });
    let says = |text: &str| {
        let reply = Client::greeted(gatepost.address()).must("MAIL FROM:<ann@front.example>", 550);
        assert!(reply.text().contains(text), "{reply:?}");
    };
    says("first");
    fs::write(gatepost.directory().join("people"), "ann@front.example second\n").unwrap();
    says("first");
    gatepost.reload();
    gatepost.log_line(&["configuration reloaded"]);
    says("second");
    fs::write(gatepost.directory().join("people"), "# wrong\nann@front.example\n").unwrap();
    gatepost.reload();
    gatepost.log_line(&["configuration not reloaded"]);
    gatepost.log_line(&["people:2 column=1"]);
    says("second");
}

#[test]
fn listeners_come_and_go_with_a_reload() {
    let gatepost = with_policy();
    let front = gatepost.address();
    let second = "[[listener]]\nname = \"second\"\nbind = \"127.0.0.1:0\"\n[[listener]]\nname = \"front\"";
    gatepost.rewrite_configuration(|text| text.replace("[[listener]]\nname = \"front\"", second));
    gatepost.reload();
    gatepost.log_line(&["listening", "second"]);
    let address = gatepost.address_of("second");
    // The new one stands before the old one: a session's listener is still the right one.
    fs::write(gatepost.directory().join("site.lua"), REFUSES_ALL).unwrap();
    gatepost.reload();
    gatepost.log_line(&["configuration reloaded"]);
    Client::greeted(address).deliver("ann@front.example", "ann@ours.example", b"\r\nx\r\n");
    assert_eq!(gatepost.address(), front);
    gatepost.rewrite_configuration(|text| text.replace(second, "[[listener]]\nname = \"front\""));
    gatepost.reload();
    gatepost.log_line(&["no longer listening", "second"]);
    wait::until("the second is closed", || TcpStream::connect(address).is_err().then_some(()));
    drop(Client::greeted(front));
}

#[test]
fn an_address_that_cannot_be_bound_leaves_all_as_it_was() {
    let gatepost = with_policy();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = format!("bind = [\"127.0.0.1:0\", \"{}\"]", taken.local_addr().unwrap());
    gatepost.rewrite_configuration(|text| text.replace("bind = \"127.0.0.1:0\"", &bind));
    gatepost.reload();
    gatepost.log_line(&["the port is in use by another program"]);
    drop(Client::greeted(gatepost.address()));
}

#[test]
fn what_needs_a_restart_is_told_while_it_differs_from_what_runs() {
    let gatepost = Gatepost::start(&format!("workers = 1\n{}", toml("", "")));
    let told = |reloads: usize, warnings: usize| {
        gatepost.reload();
        let count = |words: &str| gatepost.log_lines().iter().filter(|line| line.contains(words)).count();
        wait::until("the reload", || (count("configuration reloaded") == reloads).then_some(()));
        assert_eq!(count("changes only with a restart key=workers"), warnings);
    };
    gatepost.rewrite_configuration(|text| text.replace("workers = 1", "workers = 2"));
    told(1, 1);
    told(2, 2);
    gatepost.rewrite_configuration(|text| text.replace("workers = 2", "workers = 1"));
    told(3, 2);
}
