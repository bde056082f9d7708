//! Files of TLS that change while they are in service: they are looked at, and what is good in them is taken.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use crate::app::tls;
use crate::backend::server::Server;
use crate::net::tls::certificates::{Certificates, Keyring};
use crate::net::tls::config::{Level, Tls};
use crate::net::tls::files;
use crate::net::tls::front::{Front, provider};
use crate::threads::helper::HelperHandle;

/// How often the files are looked at.
const PAUSE: Duration = Duration::from_secs(10);

/// Files that belong together, as they were last seen.
pub struct Watch {
    /// What they are, for the log.
    what: String,
    files: Vec<PathBuf>,
    seen: Vec<Stamp>,
    /// What was wrong at the last look; then every look reads them.
    wrong: Option<String>,
    take: Take,
}

/// Reads the files and takes what is in them into service; whether that is something else than before.
type Take = Box<dyn FnMut() -> Result<bool, String> + Send>;

/// By what a change shows.
type Stamp = Option<(SystemTime, u64)>;

/// What a look at the files came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing is new.
    Same,
    /// Others are in service now.
    Changed,
    /// What is there can't be taken, in words; the old ones stay.
    Wrong(String),
}

impl Watch {
    /// Watches the certificates of `config`, which were read into `keyring` just now.
    pub fn certificates(config: Tls, keyring: &Arc<Keyring>) -> Watch {
        let pairs = config.own.iter().chain(config.hosts.iter().map(|host| &host.pair));
        let files = pairs.flat_map(|pair| [pair.certificate.clone(), pair.key.clone()]).collect();
        let keyring = Arc::clone(keyring);
        Watch::new("tls.certificate".to_owned(), files, move || {
            let read = Certificates::read(&config, &provider()).map_err(|error| error.to_string())?;
            let Some(read) = read.filter(|read| !read.is_same_as(&keyring.certificates())) else {
                return Ok(false);
            };
            keyring.change(read);
            Ok(true)
        })
    }

    /// Watches the authorities for clients' certificates at `path`, which `fronts` have.
    pub fn authorities(path: &Path, fronts: Vec<Arc<Front>>) -> Watch {
        let files = vec![path.to_owned()];
        let path = path.to_owned();
        Watch::new("tls.client_ca".to_owned(), files, move || {
            let roots = files::authorities(&path).map_err(|error| error.to_string())?;
            let mut is_new = false;
            for front in &fronts {
                is_new |= front.renew(Some(roots.clone()))?;
            }
            Ok(is_new)
        })
    }

    /// Watches the files of TLS to `server`; none if it has none.
    pub fn backend(server: &Arc<Server>) -> Option<Watch> {
        let config = &server.config.tls;
        let pair = config.client_certificate.iter().flat_map(|pair| [&pair.certificate, &pair.key]);
        let files: Vec<PathBuf> = config.ca.iter().chain(pair).cloned().collect();
        if files.is_empty() || config.level == Level::None {
            return None;
        }
        let server = Arc::clone(server);
        Some(Watch::new(format!("backend {}", server.config.name), files, move || {
            server.tls.store(tls::back(&server.config).map_err(|error| format!("{error:#}"))?);
            Ok(true)
        }))
    }

    fn new(
        what: String,
        files: Vec<PathBuf>,
        take: impl FnMut() -> Result<bool, String> + Send + 'static,
    ) -> Watch {
        let seen = stamps(&files);
        Watch { what, files, seen, wrong: None, take: Box::new(take) }
    }

    /// Looks at the files, and takes what is new in them into service.
    ///
    /// A file that is half written, or a certificate whose key is not there yet, is wrong now and is looked at again.
    pub fn look(&mut self) -> Look {
        let stamps = stamps(&self.files);
        if stamps == self.seen && self.wrong.is_none() {
            return Look::Same;
        }
        self.seen = stamps;
        match (self.take)() {
            Ok(is_new) => {
                self.wrong = None;
                if is_new { Look::Changed } else { Look::Same }
            }
            Err(error) if self.wrong.as_ref() == Some(&error) => Look::Same, // it was told
            Err(error) => {
                self.wrong = Some(error.clone());
                Look::Wrong(error)
            }
        }
    }

    /// The same, and says what came of it.
    fn look_and_tell(&mut self) {
        let what = &self.what.clone();
        match self.look() {
            Look::Same => {}
            Look::Changed => tracing::info!(%what, "certificates read again: their files have changed"),
            Look::Wrong(error) => {
                tracing::error!(%what, %error, "certificates not read again, the old ones stay");
            }
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("what", &self.what).field("files", &self.files).finish_non_exhaustive()
    }
}

/// Looks at the files of `watches` from time to time, as long as `life` is there.
pub fn follow(mut watches: Vec<Watch>, life: Weak<()>, helper: &HelperHandle) {
    if watches.is_empty() {
        return;
    }
    helper.leave(move || async move {
        loop {
            tokio::time::sleep(PAUSE).await;
            if life.upgrade().is_none() {
                return;
            }
            // A disk that hangs must not hold up the look-ups.
            let looked = tokio::task::spawn_blocking(move || {
                watches.iter_mut().for_each(Watch::look_and_tell);
                watches
            });
            let Ok(back) = looked.await else { return };
            watches = back;
        }
    });
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    files.iter().map(|path| stamp(path)).collect()
}

/// Links are followed: what they lead to is what changes.
fn stamp(path: &Path) -> Stamp {
    let known = std::fs::metadata(path).ok()?;
    Some((known.modified().ok()?, known.len()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;
    use crate::net::tls::config::Pair;

    /// A new certificate and its key, as PEM.
    fn pair() -> (String, String) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["mx.b.example".to_owned()]).unwrap();
        (cert.pem(), signing_key.serialize_pem())
    }

    #[test]
    fn a_broken_certificate_leaves_the_old_one_in_service_until_it_is_good() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("mx.pem"), folder.path().join("mx.key"));
        let own = Some(Pair { certificate: certificate.clone(), key: key.clone() });
        let config = Tls { own, ..Tls::default() };
        // Each file has another length than before, for the clock of files may be coarse.
        let write = |path: &Path, text: &str, mark: usize| {
            fs::write(path, format!("{}{text}", "#\n".repeat(mark))).unwrap();
        };
        let (first, second) = (pair(), pair());
        write(&certificate, &first.0, 0);
        write(&key, &first.1, 0);
        let keyring = Arc::new(Keyring::new(Certificates::read(&config, &provider()).unwrap().unwrap()));
        let shown = || keyring.certificates().shown[0].certificate.sha256;
        let before = shown();
        let mut watch = Watch::certificates(config, &keyring);
        assert_eq!(watch.look(), Look::Same);

        write(&certificate, second.0.get(..300).unwrap(), 1); // half written
        assert!(matches!(watch.look(), Look::Wrong(why) if why.contains("mx.pem")));
        assert_eq!(watch.look(), Look::Same, "it is said once");
        write(&certificate, &second.0, 2); // the key is still the old one
        let wrong = watch.look();
        assert!(matches!(&wrong, Look::Wrong(why) if why.contains("not the key")), "{wrong:?}");
        assert_eq!(shown(), before);

        write(&key, &second.1, 1);
        assert_eq!(watch.look(), Look::Changed);
        assert_ne!(shown(), before);
        fs::remove_file(&certificate).unwrap();
        assert!(matches!(watch.look(), Look::Wrong(_)));
        assert_ne!(shown(), before);
    }
}
