//! Many reloads under load: nothing is dropped, and old rules go with the last session that began under them.
//!
//! 40 reloads in the suite; `GATEPOST_SOAK=N` makes N.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::observe::metrics;
use crate::support::client::Client;
use crate::support::gatepost::Gatepost;
use crate::support::wait;
use crate::toml;

const MESSAGE: &[u8] = b"Subject: under load\r\n\r\nx\r\n";
/// Clients that send all the time.
const CLIENTS: usize = 4;
/// Reloads before memory is looked at for the first time.
const WARM_UP: usize = 10;
/// What may grow meanwhile, in kB; a generation that stays takes 100 or more on each worker.
const GROWTH: u64 = 3 * 1024;

/// Ends the load when it goes, also when a test fails before.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Rules that are known by their number, and whose Lua state is not small.
fn rules(number: usize) -> String {
    format!(
        "local ballast = {{}}\nfor n = 1, 2000 do ballast[n] = \"{number}.\" .. n end\n\
         return {{ rcpt = function(session, rcpt)\n  if rcpt.local_part == \"which\" then \
         return reject(\"5.7.1\", \"rules \" .. ballast[1]) end\nend }}\n"
    )
}

/// Sends messages one after the other until `is_over`; how many. Fails at the first that isn't accepted.
fn load(address: SocketAddr, is_over: &AtomicBool) -> usize {
    let mut sent = 0;
    while !is_over.load(Ordering::Relaxed) {
        let mut client = Client::greeted(address);
        for _ in 0..3 {
            client.deliver("ann@front.example", "bob@ours.example", MESSAGE);
            sent += 1;
        }
        client.quit();
    }
    sent
}

/// The number of the rules that a session is under.
fn rules_of(client: &mut Client) -> String {
    client.must("MAIL FROM:<ann@front.example>", 250);
    let reply = client.must("RCPT TO:<which@ours.example>", 550).text();
    client.must("RSET", 250);
    reply.split("rules ").nth(1).unwrap().split('.').next().unwrap().to_owned()
}

/// Reloads with rules of that number and waits until they hold.
fn reload(gatepost: &Gatepost, number: usize) {
    fs::write(gatepost.directory().join("site.lua"), rules(number)).unwrap();
    gatepost.reload();
    wait::until("a reload", || {
        let lines = gatepost.log_lines();
        let done = lines.iter().filter(|line| line.contains("configuration reloaded")).count();
        (done >= number).then_some(())
    });
}

/// Lua states that the process holds: one a worker, and one for each generation there that a session is still under.
fn states(gatepost: &Gatepost) -> usize {
    let page = metrics(gatepost);
    let count = page.lines().find_map(|line| line.strip_prefix("gatepost_policy_states "));
    count.unwrap_or_else(|| panic!("{page}")).parse().unwrap()
}

/// Resident memory of the process, in kB.
fn resident(gatepost: &Gatepost) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gatepost.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn reloads_under_load_drop_nothing_and_leave_nothing_behind() {
    let reloads = std::env::var("GATEPOST_SOAK").ok().and_then(|count| count.parse().ok()).unwrap_or(40);
    let more = "[policy.site]\nscript = \"site.lua\"\n[limits]\nconnection_rate = \"none\"\n\
                [metrics]\nlisten = \"127.0.0.1:0\"";
    let gatepost = Gatepost::start_with(&toml("policies = \"site\"", more), |folder, _| {
        fs::write(folder.join("site.lua"), rules(0)).unwrap();
    });
    let is_over = AtomicBool::new(false);
    let mut grown = 0;
    let workers = states(&gatepost);
    assert!(workers > 0);
    let mut oldest = Client::greeted(gatepost.address());
    let sent: usize = thread::scope(|scope| {
        let over = Over(&is_over);
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| load(gatepost.address(), &is_over))).collect();
        for number in 1..=WARM_UP {
            reload(&gatepost, number);
        }
        let before = resident(&gatepost);
        for number in WARM_UP + 1..=WARM_UP + reloads {
            reload(&gatepost, number);
            assert_eq!(rules_of(&mut Client::greeted(gatepost.address())), number.to_string());
        }
        grown = resident(&gatepost).saturating_sub(before);
        drop(over);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    wait::until("all generations gone but two", || (states(&gatepost) == workers + 1).then_some(()));
    assert_eq!(rules_of(&mut oldest), "0", "a session keeps the rules that it began under");
    oldest.quit();
    wait::until("the oldest gone with its session", || (states(&gatepost) == workers).then_some(()));
    let arrived = fs::read_dir(gatepost.directory().join("Maildir/new")).unwrap().count();
    assert_eq!(arrived, sent, "messages in the Maildir, and acknowledged");
    assert!(grown < GROWTH, "{grown} kB more after {reloads} reloads");
}
