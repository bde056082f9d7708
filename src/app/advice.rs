//! What `gatepost check` finds in the set-up's surroundings: files, sockets, folders, addresses that can't be right.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use rustix::fs::{Access, access};

use crate::app::{folders, sockets};
use crate::backend::config::{Address, Backend};
use crate::config::Config;
use crate::config::error::Diagnostic;
use crate::config::places::Places;
use crate::lookup::map::config::{MapConfig, Source};
use crate::lua::config::Span;
use crate::names::public_suffix::registrable;
use crate::secret_file;
use crate::session::relay::RelayDomains;
use crate::store::config::Place;

/// Whether the addresses of the listeners can be bound, by whoever asks now. What is bound is closed at once.
pub fn binds(config: &Config) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let all =
        config.listeners.iter().flat_map(|one| one.bind.iter().map(move |address| (&one.name, *address)));
    let page = config.metrics.listen.map(|address| ("metrics.listen".to_owned(), address));
    let all = all.map(|(name, address)| (format!("listener \"{name}\""), address)).chain(page);
    for (what, address) in all {
        let Err(error) = sockets::bind(address) else { continue };
        let wrong = |message: String| Diagnostic::error("listener.bind", message, None);
        let unwise = |message: String| Diagnostic::warning("listener.bind", message, None);
        found.push(match error.kind() {
            io::ErrorKind::AddrInUse => {
                unwise(format!("{what}: {address} is in use: by a running gatepost, or by another program"))
                    .help(format!("`ss -ltnp 'sport = :{}'` shows by which", address.port()))
            }
            io::ErrorKind::PermissionDenied => unwise(format!(
                "{what}: whether {address} can be bound is not known: it takes the rights of root"
            )),
            io::ErrorKind::AddrNotAvailable => {
                unwise(format!("{what}: this machine does not have the address {}", address.ip()))
            }
            _ => wrong(format!("{what}: {address} can't be bound: {error}")),
        });
    }
    found
}

/// Whether the files, folders and sockets that `config` names, at `places`, can be used, by whoever asks now.
pub fn files(config: &Config, places: &Places) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let wrong = |key: &str, message: String| Diagnostic::error(key, message, None);
    if let Err(error) = folders::test_state(config) {
        found.push(Diagnostic::error(folders::STATE, format!("{error:#}"), state_place(places)));
    }
    // Messages that wait in the state directory have been spoken of with it.
    if folders::spool_key(config) != folders::STATE
        && let Err(error) = folders::test_spool(config)
    {
        let problem = Diagnostic::error(folders::SPOOL, format!("{error:#}"), spool_place(places));
        found.push(match config.spool.directory {
            Some(_) => problem,
            None => problem.help("`spool.directory` says another"),
        });
    }
    if let Place::File(file) = &config.store.place
        && let Err(error) = folders::test_store(file)
    {
        found.push(wrong("store.backend", format!("{error:#}")));
    }
    if let Some(Err(error)) = config.log.file.as_deref().map(test_file) {
        let file = config.log.file.as_deref().unwrap_or(Path::new("")).display();
        found.push(wrong("log.file", format!("log.file {file} can't be written: {error}")));
    }
    for backend in &config.backends {
        for address in &backend.addresses {
            let tested = match address {
                Address::Tcp { .. } => continue,
                Address::Unix(path) => access(path, Access::WRITE_OK).map_err(io::Error::from),
                Address::Maildir(path) => test_file(path),
            };
            if let Err(error) = tested {
                let message = format!("backend \"{}\": {address} can't be used: {error}", backend.name);
                found.push(wrong("backend.address", message));
            }
        }
    }
    found
}

/// Whether `path` can be written, or made if it isn't there.
fn test_file(path: &Path) -> io::Result<()> {
    if path.exists() {
        return access(path, Access::WRITE_OK).map_err(io::Error::from);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from)
}

fn spool_place(places: &Places) -> Option<Span> {
    places.of_key("spool", "directory")
}

fn state_place(places: &Places) -> Option<Span> {
    places.of_key("service", "state_directory")
}

/// That everybody can read the secret at `path`, which the key `key` names, if so.
pub fn open(key: &str, path: &Path) -> Option<Diagnostic> {
    secret_file::is_open(path).then(|| {
        let message = format!("{key}: everybody on this machine can read {}", path.display());
        Diagnostic::warning(key, message, None).help("chmod o= takes that right away")
    })
}

/// The password of a directory that `map` is in, if everybody can read it.
fn open_map(map: &MapConfig) -> Option<Diagnostic> {
    let Source::Ldap(directory) = &map.source else { return None };
    let (_, path) = directory.access.account.as_ref()?;
    open(&format!("map.{}.search_password_file", map.name), path)
}

/// What is possible, but hardly meant, in `config`, whose keys stand at `places`.
pub fn unwise(config: &Config, places: &Places) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let spool = folders::spool(config);
    if folders::is_in_memory(&spool) {
        let key = folders::spool_key(config);
        let place = if key == folders::STATE { state_place(places) } else { spool_place(places) };
        let message = format!("{key} {} lies in memory (tmpfs)", spool.display());
        let warning = Diagnostic::warning(folders::SPOOL, message, place);
        found.push(warning.help("large messages would take the memory that the spool is there to spare"));
    }
    for backend in &config.backends {
        if let Some(listener) =
            config.listeners.iter().find(|one| one.bind.iter().any(|at| is_itself(backend, *at)))
        {
            let message =
                format!("backend \"{}\" is gatepost's own listener \"{}\"", backend.name, listener.name);
            found.push(
                Diagnostic::warning("backend.address", message, None).help("mail would go round in a circle"),
            );
        }
    }
    for listener in &config.listeners {
        let RelayDomains::Set(domains) = &listener.relay.domains else { continue };
        for entry in domains.entries() {
            let name = entry.trim_start_matches('.');
            if entry.starts_with('.') && registrable(name).is_ok_and(|found| found.is_none()) {
                let message = format!("relay.domains has \"{entry}\": every domain below a public suffix");
                let warning = Diagnostic::warning("relay.domains", message, None);
                found.push(warning.help("mail to anybody's domain there would be taken"));
            }
        }
    }
    found.extend(config.maps.iter().filter_map(|named| open_map(&named.map)));
    found.dedup();
    found
}

/// Whether `backend` has an address that `bind` answers at.
fn is_itself(backend: &Backend, bind: SocketAddr) -> bool {
    let here = |host: &str| match host.parse::<IpAddr>() {
        Ok(ip) => ip == bind.ip() || bind.ip().is_unspecified() && ip.is_loopback(),
        Err(_) => host == "localhost" && (bind.ip().is_loopback() || bind.ip().is_unspecified()),
    };
    backend.addresses.iter().any(|address| match address {
        Address::Tcp { host, port } => *port == bind.port() && here(host),
        Address::Unix(_) | Address::Maildir(_) => false,
    })
}
