//! EXTERNAL: the client has shown a certificate already, and says at most which of its names it means.

use crate::auth::plain;
use crate::auth::verifier::{Attempt, Claim, Exchange, Pending, Step};
use crate::smtp::secret::Secret;

/// An exchange by EXTERNAL. Source: RFC 4422 appendix A.
pub struct External {
    /// What the certificate stands for, the first the most.
    names: Vec<String>,
    claimed: String,
}

impl External {
    /// An exchange of a client whose verified certificate stands for the names in `attempt`.
    pub fn new(attempt: &Attempt) -> External {
        External { names: attempt.certificate.clone(), claimed: String::new() }
    }

    fn judge(&mut self, answer: Option<Secret>) -> Step {
        let Some(answer) = answer else { return Step::Challenge(Secret::default()) };
        if answer.is_empty() {
            return self.names.first().map_or(Step::Refused(None), |name| Step::Accepted(name.clone()));
        }
        let Some(claimed) = answer.text().filter(|name| plain::is_name(name)) else { return Step::Malformed };
        self.claimed = claimed.to_owned();
        let is_meant = self.names.contains(&self.claimed);
        if is_meant { Step::Accepted(self.claimed.clone()) } else { Step::Refused(None) }
    }
}

impl Exchange for External {
    fn take(&mut self, answer: Option<Secret>) -> Pending<'_, Step> {
        let step = self.judge(answer);
        Box::pin(async move { step })
    }

    fn claim(&self) -> Option<Claim<'_>> {
        (!self.claimed.is_empty()).then_some(Claim { user: &self.claimed, secret: b"" })
    }
}

/// The names that a certificate with that subject (as RFC 4514 writes it) and those alternative names stands for: the
/// common name first.
pub fn names(subject: &str, alternative: &[String]) -> Vec<String> {
    let first = subject_name(subject).filter(|name| plain::is_name(name));
    let mut names: Vec<String> = first.into_iter().collect();
    names.extend(alternative.iter().filter(|name| plain::is_name(name)).cloned());
    names
}

/// The common name in a subject; nothing if it has none, or one with an escape in it.
fn subject_name(subject: &str) -> Option<String> {
    let mut rest = subject;
    loop {
        let end = rest.char_indices().scan(false, |escaped, (at, c)| {
            let is_end = matches!(c, ',' | '+') && !*escaped;
            *escaped = c == '\\' && !*escaped;
            Some((at, is_end))
        });
        let end = end.filter(|(_, is_end)| *is_end).map(|(at, _)| at).next().unwrap_or(rest.len());
        let (part, behind) = rest.split_at_checked(end)?;
        if let Some((key, value)) = part.trim().split_once('=')
            && key.eq_ignore_ascii_case("CN")
        {
            return (!value.contains(['\\', '"', '#'])).then(|| value.to_owned());
        }
        rest = behind.get(1..).filter(|rest| !rest.is_empty())?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::mechanism::Mechanism;

    #[test]
    fn the_subject_name_is_found_and_no_other() {
        for (subject, want) in [
            ("CN=ann@a.example", Some("ann@a.example")),
            ("O=A\\, CN=root,CN=ann", Some("ann")), // a comma that is no end
            ("O=A\\\\,CN=ann", Some("ann")),
            ("O=A+CN=ann", Some("ann")),
            ("O=CN\\=root", None),
            ("CN=a\\,b", None),
            ("", None),
        ] {
            assert_eq!(subject_name(subject).as_deref(), want, "{subject}");
        }
    }

    #[tokio::test]
    async fn a_client_is_who_its_certificate_says() {
        let at = "192.0.2.1:25".parse().unwrap();
        let certificate = names("CN=ann", &["mail.a.example".to_owned()]);
        let attempt = Attempt { certificate, ..Attempt::new(Mechanism::External, at) };
        for (answer, want) in [
            ("", Some("ann")),
            ("ann", Some("ann")),
            ("mail.a.example", Some("mail.a.example")),
            ("root", None),
        ] {
            let step = External::new(&attempt).take(Some(Secret::from(answer))).await;
            let got = if let Step::Accepted(user) = step { Some(user) } else { None };
            assert_eq!(got.as_deref(), want, "{answer}");
        }
        let nobody = Attempt::new(Mechanism::External, at);
        assert!(matches!(External::new(&nobody).take(Some(Secret::default())).await, Step::Refused(None)));
    }
}
