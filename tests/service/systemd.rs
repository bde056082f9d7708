//! systemd's side: readiness, reloads and the end are told, and sockets are taken over.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use crate::support::client::Client;
use crate::support::gatepost::Gatepost;
use crate::support::wait;
use crate::toml;

#[test]
fn systemd_is_told_how_the_service_fares() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(wait::PATIENCE)).unwrap();
    let told = || {
        let mut message = [0; 1024];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let mut gatepost = Gatepost::start_with(&toml("", ""), |_, command| {
        command.env("NOTIFY_SOCKET", &path);
    });
    assert!(told().starts_with("READY=1\n"));
    gatepost.reload();
    let reloading = told();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}"); // sd_notify(3)
    assert!(told().starts_with("READY=1\nSTATUS=serving\n"));
    gatepost.rewrite_configuration(|text| text.replace("[relay]", "[relai]"));
    gatepost.reload();
    assert!(told().starts_with("RELOADING=1\n"));
    assert!(told().contains("STATUS=serving the old configuration"));
    gatepost.terminate();
    assert!(told().starts_with("STOPPING=1\n"));
    assert_eq!(gatepost.ended().code(), Some(0));
}

#[test]
fn a_socket_of_systemds_is_taken_over_by_the_listener_of_its_name() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    // What the listener would bind itself, it can't.
    let toml = toml("", "").replace("127.0.0.1:0", "192.0.2.77:25");
    let gatepost = Gatepost::start_with(&toml, |_, command| {
        let (program, arguments) = (command.get_program().to_owned(), command.get_args());
        let mut shell = Command::new("sh");
        let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=front exec \"$@\"";
        shell.args(["-c", script, "sh"]).arg(program).args(arguments);
        shell.stdin(OwnedFd::from(socket)).stdout(Stdio::null()).stderr(Stdio::piped());
        *command = shell;
    });
    assert_eq!(gatepost.address(), address);
    Client::greeted(address).deliver("ann@front.example", "ann@ours.example", b"\r\nx\r\n");
    gatepost.reload();
    gatepost.log_line(&["configuration reloaded"]);
    drop(Client::greeted(address));
}
