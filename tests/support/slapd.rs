//! A real OpenLDAP from a private configuration: loopback and a socket of its own, a folder of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::postfix::sbin;
use super::{tls, wait};

/// Where everything is.
pub const SUFFIX: &str = "dc=ours,dc=example";

/// A running directory; stopped and removed on drop.
pub struct Slapd {
    child: Child,
    directory: tempfile::TempDir,
    ports: [u16; 2],
}

impl Slapd {
    /// A directory with the account `cn=search` (password "finder"), which alone may search, and with `people`: uid,
    /// mail, password.
    pub fn start(people: &[(&str, &str, &str)]) -> Self {
        let directory = tempfile::Builder::new().prefix("gatepost-slapd-").tempdir().unwrap();
        tls::write(directory.path());
        fs::create_dir(directory.path().join("db")).unwrap();
        fs::write(directory.path().join("slapd.conf"), configuration(directory.path())).unwrap();
        fs::write(directory.path().join("data.ldif"), entries(people)).unwrap();
        let loaded = Command::new(sbin("slapadd"))
            .args(["-f", "slapd.conf", "-l", "data.ldif"])
            .current_dir(directory.path())
            .output()
            .unwrap();
        assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
        for _ in 0..5 {
            let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
            let ports = ports.map(|free| free.local_addr().unwrap().port());
            if let Some(child) = launch(directory.path(), ports) {
                return Self { child, directory, ports };
            }
        }
        panic!(
            "slapd did not start: {}",
            fs::read_to_string(directory.path().join("log")).unwrap_or_default()
        )
    }

    /// `ldap://…`
    pub fn ldap(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.ports[0])
    }

    /// `ldaps://…`
    pub fn ldaps(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.ports[1])
    }

    /// `ldapi:…`
    pub fn ldapi(&self) -> String {
        format!("ldapi:{}", self.directory.path().join("ldapi").display())
    }

    /// Its folder, in which the certificates of `tls` are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Stops it and waits until it is gone.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Starts it again, where it was.
    pub fn start_again(&mut self) {
        self.child = launch(self.directory.path(), self.ports).unwrap();
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A process that listens; none if it ended instead, as when somebody else has taken a port.
fn launch(directory: &Path, [ldap, ldaps]: [u16; 2]) -> Option<Child> {
    let socket = directory.join("ldapi").display().to_string().replace('/', "%2F");
    let mut child = Command::new(sbin("slapd"))
        .args(["-d", "0", "-f", "slapd.conf", "-h"])
        .arg(format!("ldap://127.0.0.1:{ldap}/ ldaps://127.0.0.1:{ldaps}/ ldapi://{socket}/"))
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(directory.join("log")).unwrap())
        .spawn()
        .unwrap();
    let answers = |port| TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok();
    let came = wait::until_late(|| match child.try_wait().unwrap() {
        Some(_) => Some(false),
        None => (answers(ldap) && answers(ldaps)).then_some(true),
    });
    (came == Some(true)).then_some(child)
}

fn configuration(directory: &Path) -> String {
    let at = directory.display();
    format!(
        "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
         include /etc/ldap/schema/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
         pidfile {at}/pid\nargsfile {at}/args\n\
         TLSCACertificateFile {at}/ca.pem\nTLSCertificateFile {at}/backend.pem\n\
         TLSCertificateKeyFile {at}/backend.pem\n\
         access to dn.base=\"\" by * read\n\
         database mdb\nmaxsize 10485760\nsuffix \"{SUFFIX}\"\nrootdn \"cn=root,{SUFFIX}\"\ndirectory {at}/db\n\
         access to attrs=userPassword by anonymous auth by * none\n\
         access to * by dn.base=\"cn=search,{SUFFIX}\" read by self read by * none\n"
    )
}

fn entries(people: &[(&str, &str, &str)]) -> String {
    let mut ldif = format!(
        "dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: ours\no: ours\n\n\
         dn: ou=people,{SUFFIX}\nobjectClass: organizationalUnit\nou: people\n\n\
         dn: cn=search,{SUFFIX}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: search\n\
         userPassword: finder\n\n"
    );
    for (uid, mail, password) in people {
        let hidden: String = uid
            .bytes()
            .map(|octet| match octet {
                b'a'..=b'z' | b'0'..=b'9' => char::from(octet).to_string(),
                _ => format!("\\{octet:02x}"),
            })
            .collect();
        ldif += &format!(
            "dn: uid={hidden},ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: person\nsn: person\n\
             mail: {mail}\nuserPassword: {password}\n\n"
        );
    }
    ldif
}
