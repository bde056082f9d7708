//! Certificates that change while they are in service: their files are looked at, and what is good in them is taken.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use crate::net::tls::certificates::{Certificates, Keyring};
use crate::net::tls::config::Tls;
use crate::net::tls::front::provider;
use crate::threads::helper::HelperHandle;

/// How often the files are looked at.
const PAUSE: Duration = Duration::from_secs(10);

/// The files of a keyring, as they were last seen.
#[derive(Debug)]
pub struct Watch {
    config: Tls,
    seen: Vec<Stamp>,
    /// What was wrong at the last look; then every look reads them.
    wrong: Option<String>,
}

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
    /// Watches the files of `config`, which were read just now.
    pub fn new(config: Tls) -> Watch {
        let seen = stamps(&config);
        Watch { config, seen, wrong: None }
    }

    /// Looks at the files, and takes certificates that are new into `keyring`.
    ///
    /// A file that is half written, or a certificate whose key is not there yet, is wrong now and is looked at again.
    pub fn look(&mut self, keyring: &Keyring) -> Look {
        let stamps = stamps(&self.config);
        if stamps == self.seen && self.wrong.is_none() {
            return Look::Same;
        }
        self.seen = stamps;
        match Certificates::read(&self.config, &provider()) {
            Ok(Some(read)) => {
                self.wrong = None;
                if read.shown == keyring.certificates().shown {
                    return Look::Same;
                }
                keyring.change(read);
                Look::Changed
            }
            Ok(None) => Look::Same,
            Err(error) => {
                let error = error.to_string();
                if self.wrong.as_ref() == Some(&error) {
                    return Look::Same; // it was told
                }
                self.wrong = Some(error.clone());
                Look::Wrong(error)
            }
        }
    }
}

/// Looks at the files of `config` from time to time and takes what is new into `keyring`, as long as `life` is there.
///
/// The keyring itself may outlive that: sessions have it to their end.
pub fn follow(config: Tls, keyring: &Arc<Keyring>, life: Weak<()>, helper: &HelperHandle) {
    let mut watch = Watch::new(config);
    let keyring: Weak<Keyring> = Arc::downgrade(keyring);
    helper.leave(move || async move {
        loop {
            tokio::time::sleep(PAUSE).await;
            let (Some(_), Some(keyring)) = (life.upgrade(), keyring.upgrade()) else { return };
            // A disk that hangs must not hold up the look-ups.
            let looked = tokio::task::spawn_blocking(move || (watch.look(&keyring), watch)).await;
            let Ok((look, back)) = looked else { return };
            watch = back;
            match look {
                Look::Same => {}
                Look::Changed => tracing::info!("certificates read again: their files have changed"),
                Look::Wrong(error) => {
                    tracing::error!(%error, "certificates not read again, the old ones stay");
                }
            }
        }
    });
}

fn stamps(config: &Tls) -> Vec<Stamp> {
    let pairs = config.own.iter().chain(config.hosts.iter().map(|host| &host.pair));
    pairs.flat_map(|pair| [stamp(&pair.certificate), stamp(&pair.key)]).collect()
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
        let keyring = Keyring::new(Certificates::read(&config, &provider()).unwrap().unwrap());
        let shown = || keyring.certificates().shown[0].certificate.sha256;
        let before = shown();
        let mut watch = Watch::new(config);
        assert_eq!(watch.look(&keyring), Look::Same);

        write(&certificate, second.0.get(..300).unwrap(), 1); // half written
        assert!(matches!(watch.look(&keyring), Look::Wrong(why) if why.contains("mx.pem")));
        assert_eq!(watch.look(&keyring), Look::Same, "it is said once");
        write(&certificate, &second.0, 2); // the key is still the old one
        let wrong = watch.look(&keyring);
        assert!(matches!(&wrong, Look::Wrong(why) if why.contains("not the key")), "{wrong:?}");
        assert_eq!(shown(), before);

        write(&key, &second.1, 1);
        assert_eq!(watch.look(&keyring), Look::Changed);
        assert_ne!(shown(), before);
        fs::remove_file(&certificate).unwrap();
        assert!(matches!(watch.look(&keyring), Look::Wrong(_)));
        assert_ne!(shown(), before);
    }
}
