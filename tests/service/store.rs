//! What policies store outlives the process, and hooks that wait too long keep new clients out.

use std::fs;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::path::Path;

use crate::support::client::Client;
use crate::support::drive;
use crate::support::gatepost::{Gatepost, binary};
use crate::toml;

const COUNTS: &str = "return { mail = function()\n  local n = store.incr(\"n\", 1, \"1h\")\n\
                      return reject(\"5.7.1\", \"number \" .. tostring(n))\nend }\n";

fn counting(file: &Path) -> Gatepost {
    let rest =
        format!("[policy.site]\nscript = \"site.lua\"\n[store]\nbackend = \"file:{}\"", file.display());
    let toml = toml("policies = \"site\"", &rest);
    Gatepost::start_with(&toml, |folder, _| fs::write(folder.join("site.lua"), COUNTS).unwrap())
}

fn hears(gatepost: &Gatepost, number: u32) {
    let reply = Client::greeted(gatepost.address()).must("MAIL FROM:<ann@front.example>", 550);
    assert!(reply.text().contains(&format!("number {number} ")), "{reply:?}");
}

#[test]
fn what_policies_store_outlives_a_reload_and_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.redb");
    let mut gatepost = counting(&file);
    hears(&gatepost, 1);
    gatepost.rewrite_configuration(|text| text.replace("drain = \"30s\"", "drain = \"29s\""));
    gatepost.reload();
    gatepost.log_line(&["configuration reloaded"]);
    hears(&gatepost, 2);
    gatepost.rewrite_configuration(|text| text.replace("[store]\n", "[store]\nprefix = \"other\"\n"));
    gatepost.reload();
    crate::support::wait::until("the second reload", || {
        let said = gatepost.log_lines();
        (said.iter().filter(|line| line.contains("configuration reloaded")).count() == 2).then_some(())
    });
    hears(&gatepost, 1); // other entries
    gatepost.terminate();
    assert!(gatepost.ended().success());
    hears(&counting(&file), 3);
}

#[test]
fn a_store_that_another_process_has_open_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.redb");
    let gatepost = counting(&file);
    let mut command = binary();
    command.args(["run", "-c"]).arg(gatepost.directory().join("gatepost.toml"));
    let run = drive::run(command, &[]);
    assert_eq!(run.code, Some(1), "{}", run.text());
    let want = format!("store.backend file:{}: it is in use already", file.display());
    assert!(run.text().contains(&want), "{}", run.text());
    hears(&gatepost, 1);
}

#[test]
fn new_clients_are_turned_away_while_too_many_hooks_wait() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let servers = format!("servers = [\"{}\"]", silent.local_addr().unwrap());
    let waits = "return { connect = function(session) dns.a(\"never.example\") end }\n";
    let rest = "[policies]\nwaiting = 1\n[policy.site]\nscript = \"site.lua\"";
    let toml = toml("policies = \"site\"\nclient_name = false", rest);
    let gatepost = Gatepost::start_with(&toml, |folder, _| {
        fs::write(folder.join("site.lua"), waits).unwrap();
        let file = folder.join("gatepost.toml");
        let text = fs::read_to_string(&file).unwrap();
        let (before, after) = text.split_once("servers = ").unwrap();
        let (_, after) = after.split_once('\n').unwrap();
        fs::write(&file, format!("{before}{servers}\n{after}")).unwrap();
    });
    let _first = TcpStream::connect(gatepost.address()).unwrap();
    let mut query = [0; 512];
    let (length, _) = silent.recv_from(&mut query).unwrap();
    assert!(query[..length].windows(5).any(|part| part == b"never"), "the hook asks, and waits from now on");
    let greeting = Client::connect(gatepost.address()).greeting;
    assert!(greeting.text().starts_with("421 4.3.2"), "{greeting:?}");
    gatepost.log_line(&["connection refused", "code=421"]);
}
