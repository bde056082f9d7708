//! No descriptors left: whoever comes hears so, those who are there are served on, and it passes.

use std::process::{Command, Stdio};

use crate::support::client::Client;
use crate::support::gatepost::Gatepost;
use crate::support::wait;
use crate::toml;

/// Descriptors that the process may have: enough to start, and for some clients.
const ALLOWED: usize = 80;

#[test]
fn without_descriptors_clients_hear_421_and_the_others_are_served_on() {
    let toml =
        format!("workers = 1\n{}", toml("client_name = false", "[limits]\nconnection_rate = \"none\""));
    let gatepost = Gatepost::start_with(&toml, |_, command| {
        let (program, arguments) = (command.get_program().to_owned(), command.get_args());
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -n $0; exec \"$@\"", &ALLOWED.to_string()]).arg(program).args(arguments);
        shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        *command = shell;
    });
    gatepost.log_line(&["WARN descriptors may run out", &format!("{ALLOWED} descriptors may be open")]);
    let mut clients = Vec::new();
    let turned_away = loop {
        assert!(clients.len() < ALLOWED, "more clients than descriptors");
        let client = Client::connect(gatepost.address());
        if client.greeting.code != 220 {
            break client.greeting;
        }
        clients.push(client);
    };
    assert_eq!(turned_away.text(), "421 4.3.2 Too busy, try again later");
    assert!(clients.len() > 10, "it has room for {} only", clients.len());
    gatepost.log_line(&["WARN no descriptors left, pausing for 100 ms", "error="]);

    // The reserve is there again after the pause: the next one hears it too.
    assert_eq!(Client::connect(gatepost.address()).greeting.code, 421);
    for client in &mut clients {
        client.must("EHLO client.front.example", 250);
    }
    let said = gatepost.log_lines().iter().filter(|line| line.contains("no descriptors left")).count();
    assert_eq!(said, 1, "one line a while, not one a client");

    // A descriptor for the message's file, and it passes; enough of them, and the next client is greeted.
    clients.truncate(clients.len() - 5);
    wait::until("a client is greeted again", || {
        (Client::connect(gatepost.address()).greeting.code == 220).then_some(())
    });
    clients[0].deliver("ann@front.example", "ann@ours.example", b"\r\nx\r\n");
}
