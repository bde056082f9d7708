//! A real Dovecot that does nothing but check logins, from a private configuration and a passwd-file of its own.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use super::postfix::sbin;
use super::wait;

/// A running Dovecot; stopped and removed on drop.
pub struct Dovecot {
    child: Child,
    directory: tempfile::TempDir,
}

impl Dovecot {
    /// A Dovecot that knows `users`, each with its password as it is.
    pub fn start(users: &[(&str, &str)]) -> Self {
        let directory = tempfile::Builder::new().prefix("gatepost-dovecot-").tempdir().unwrap();
        // Its processes, and Postfix's, run as other users.
        fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let lines: Vec<String> =
            users.iter().map(|(user, password)| format!("{user}:{{PLAIN}}{password}\n")).collect();
        fs::write(directory.path().join("users"), lines.concat()).unwrap();
        fs::write(directory.path().join("dovecot.conf"), configuration(directory.path())).unwrap();
        let child = Self::launch(directory.path());
        let dovecot = Self { child, directory };
        dovecot.wait();
        dovecot
    }

    /// Its socket for auth clients.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("auth")
    }

    /// Stops it and waits until it is gone.
    pub fn stop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
        // With its processes: they serve those who are connected a while longer.
        let _ = kill_process_group(pid, Signal::TERM);
        self.child.wait().unwrap();
        let _ = fs::remove_file(self.socket());
    }

    /// Starts it again.
    pub fn start_again(&mut self) {
        self.child = Self::launch(self.directory.path());
        self.wait();
    }

    fn launch(directory: &Path) -> Child {
        let mut command = Command::new(sbin("dovecot"));
        command.arg("-F").arg("-c").arg(directory.join("dovecot.conf"));
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn wait(&self) {
        let log = || fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let found = wait::until_late(|| std::os::unix::net::UnixStream::connect(self.socket()).ok());
        assert!(found.is_some(), "Dovecot did not start: {}", log());
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

fn configuration(directory: &Path) -> String {
    let at = directory.display();
    format!(
        "base_dir = {at}/run\nstate_dir = {at}/run\nlog_path = {at}/log\nprotocols =\nssl = no\n\
         default_internal_user = root\ndefault_login_user = nobody\ndefault_internal_group = root\n\
         auth_mechanisms = plain login cram-md5 scram-sha-256\n\
         disable_plaintext_auth = no\nauth_failure_delay = 0\nauth_username_format = %Lu\n\
         passdb {{\n driver = passwd-file\n args = scheme=PLAIN username_format=%u {at}/users\n}}\n\
         userdb {{\n driver = static\n args = uid=nobody gid=nogroup home=/nonexistent\n}}\n\
         service auth {{\n user = root\n unix_listener {at}/auth {{\n mode = 0666\n }}\n}}\n\
         service stats {{\n unix_listener stats-writer {{\n mode = 0666\n }}\n}}\n"
    )
}
