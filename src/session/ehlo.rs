//! What a session is offered at EHLO, and what follows from it for parameters.

use crate::session::grants::Standing;
use crate::session::rules::Rules;
use crate::session::state::Session;
use crate::smtp::command::Verb;
use crate::smtp::extension::{Capabilities, CommandLimits, Extension};
use crate::smtp::host::Host;
use crate::smtp::mechanism::Mechanisms;
use crate::smtp::params::{Body, MailParams, Param, RcptParams};
use crate::smtp::reply::Reply;
use crate::smtp::xclient::Attribute;

/// The EHLO or HELO in force. What it offered is frozen for the session.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// EHLO or HELO.
    pub verb: Verb,
    /// The name that the client gave.
    pub name: Host,
    /// What was offered to it.
    pub offer: Offer,
    /// What hooks have set at `ehlo`.
    pub standing: Standing,
}

/// The extensions that one EHLO reply offers. Source: RFC 5321 §4.1.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Whether there are any: not to HELO.
    pub is_extended: bool,
    /// Octets of the largest message (RFC 1870).
    pub size: u64,
    /// RFC 6152.
    pub eight_bit_mime: bool,
    /// RFC 6531.
    pub smtputf8: bool,
    /// RFC 3461.
    pub dsn: bool,
    /// The attributes of XCLIENT; none if it isn't offered.
    pub xclient: &'static [Attribute],
    /// The attributes of XFORWARD; none if it isn't offered.
    pub xforward: &'static [Attribute],
    /// RFC 4954: what can be logged in by; none if nothing can.
    pub auth: Mechanisms,
    /// RFC 3207.
    pub starttls: bool,
    /// RFC 8689.
    pub requiretls: bool,
}

impl Session {
    /// What EHLO offers in the present state; else as `Offer::extended`.
    pub fn offer(&self, backend: Option<&Capabilities>, passes_8bit: bool) -> Offer {
        Offer {
            xclient: self.xclient_attributes(),
            xforward: self.xforward_attributes(),
            // RFC 3207 §4.2: not again under TLS.
            starttls: self.rules.tls.has_starttls() && !self.is_encrypted(),
            // RFC 8689 §4.2.1: only where it holds on both sides.
            requiretls: self.is_encrypted() && backend.is_some_and(|known| known.requiretls),
            ..Offer::extended(&self.rules, backend, passes_8bit)
        }
    }
}

/// Octets that we add to a message at most: the backend's SIZE is lowered by as much.
pub const OUR_FIELDS: u64 = 16 * 1024;

impl Offer {
    /// What EHLO offers when the usable backends can do `backend`, or when nothing is known of them.
    ///
    /// `passes_8bit` says that 8-bit content is passed on to a backend without 8BITMIME as well.
    pub fn extended(rules: &Rules, backend: Option<&Capabilities>, passes_8bit: bool) -> Offer {
        let ours = rules.limits.message_size;
        let theirs = backend.and_then(|known| known.size.flatten()).filter(|size| *size > 0);
        let eight_bit_mime = passes_8bit || backend.is_none_or(|known| known.eight_bit_mime);
        Offer {
            is_extended: true,
            // Never 0, which would mean "no limit" (RFC 1870 §4).
            size: theirs.map_or(ours, |size| ours.min(size.saturating_sub(OUR_FIELDS))).max(1),
            eight_bit_mime,
            // RFC 6531 §3.1: SMTPUTF8 only together with 8BITMIME.
            smtputf8: eight_bit_mime && backend.is_some_and(|known| known.smtputf8),
            dsn: backend.is_some_and(|known| known.dsn),
            xclient: &[],
            xforward: &[],
            starttls: false,
            requiretls: false,
            auth: Mechanisms::NONE,
        }
    }

    /// The same with AUTH, for `mechanisms`. Source: RFC 4954 §3.
    pub fn with_auth(self, mechanisms: Mechanisms) -> Offer {
        Offer { auth: mechanisms, ..self }
    }

    /// What HELO offers: nothing.
    pub fn plain(rules: &Rules) -> Offer {
        let size = rules.limits.message_size;
        Offer {
            is_extended: false,
            size,
            eight_bit_mime: false,
            smtputf8: false,
            dsn: false,
            xclient: &[],
            xforward: &[],
            starttls: false,
            requiretls: false,
            auth: Mechanisms::NONE,
        }
    }

    /// The reply to the greeting. Source: RFC 5321 §4.1.1.1; RFC 2920, 1870, 2034, 3030, 6152, 6531, 3461, 9422.
    pub fn reply(&self, rules: &Rules) -> Reply {
        if !self.is_extended {
            return Reply::plain(250, rules.hostname.clone());
        }
        let limits = CommandLimits {
            rcpt_max: sayable_limit(rules.limits.recipients),
            mail_max: rules.limits.messages.and_then(sayable_limit),
            rcpt_domain_max: None,
        };
        let capabilities = Capabilities {
            pipelining: true,
            size: Some(Some(self.size)),
            eight_bit_mime: self.eight_bit_mime,
            smtputf8: self.smtputf8,
            enhanced_status_codes: true,
            chunking: true,
            dsn: self.dsn,
            xclient: self.xclient.to_vec(),
            xforward: self.xforward.to_vec(),
            starttls: self.starttls,
            requiretls: self.requiretls,
            auth: self.auth.iter().map(|mechanism| mechanism.as_str().to_owned()).collect(),
            limits,
            ..Capabilities::default()
        };
        capabilities.ehlo_reply(rules.hostname.clone())
    }

    /// The reply that refuses MAIL with `mail`, if it has a parameter that was not offered, one that can't be read, or asks
    /// for more than was offered.
    ///
    /// Source: RFC 5321 §4.1.1.11, RFC 1870 §6.1.
    pub fn refuse_mail(&self, mail: &MailParams) -> Option<Reply> {
        let is_offered =
            |param: &Param| Extension::of_mail_parameter(param.keyword()).is_some_and(|e| self.offers(e));
        if !mail.all.iter().all(is_offered) || mail.body == Some(Body::BinaryMime) {
            return Some(Reply::UNKNOWN_PARAMETER);
        }
        if mail.is_unreadable {
            return Some(Reply::BAD_PARAMETER);
        }
        mail.size.filter(|size| *size > self.size).map(|_| Reply::MESSAGE_TOO_BIG)
    }

    /// The reply that refuses RCPT with `rcpt`, if it has a parameter that was not offered, or one that can't be read.
    ///
    /// Source: RFC 5321 §4.1.1.11.
    pub fn refuse_rcpt(&self, rcpt: &RcptParams) -> Option<Reply> {
        let is_offered =
            |param: &Param| Extension::of_rcpt_parameter(param.keyword()).is_some_and(|e| self.offers(e));
        if !rcpt.all.iter().all(is_offered) {
            return Some(Reply::UNKNOWN_PARAMETER);
        }
        rcpt.is_unreadable.then_some(Reply::BAD_PARAMETER)
    }

    /// Whether parameters of `extension` may be used.
    fn offers(&self, extension: Extension) -> bool {
        match extension {
            Extension::Size => self.is_extended,
            Extension::EightBitMime => self.eight_bit_mime,
            Extension::SmtpUtf8 => self.smtputf8,
            Extension::Dsn => self.dsn,
            Extension::RequireTls => self.requiretls,
            Extension::Auth => !self.auth.is_empty(),
            _ => false,
        }
    }
}

/// `limit` as LIMITS can say it: one to six digits, not zero (RFC 9422 §3).
fn sayable_limit(limit: usize) -> Option<u32> {
    u32::try_from(limit).ok().filter(|limit| (1..=999_999).contains(limit))
}

#[cfg(test)]
mod tests;
