//! The parameters behind the address of MAIL and RCPT: SIZE, BODY, NOTIFY and their like.

use crate::smtp::host::is_beyond_ascii;
use crate::smtp::xtext;

/// The parameters of a command in the order in which they came; each keyword stands at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<Param>);

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    raw: String,
    /// In upper case; none if it was sent so.
    folded: Option<String>,
}

/// Why parameters can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// The syntax of a parameter, or the value of one that we know.
    #[error("bad parameter")]
    Bad,
    /// A keyword that stands twice.
    #[error("parameter given twice")]
    Duplicate,
}

/// How content is encoded. Source: RFC 6152, RFC 3030 §3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// `7BIT`
    SevenBit,
    /// `8BITMIME`
    EightBitMime,
    /// `BINARYMIME`
    BinaryMime,
}

/// What a delivery report gives back. Source: RFC 3461 §4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ret {
    /// `FULL`: the message.
    Full,
    /// `HDRS`: its header.
    Header,
}

/// Who submitted the message first, by `AUTH=`. Source: RFC 4954 §5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitter {
    /// `<>`: nobody that is vouched for.
    Unknown,
    /// The mailbox, decoded.
    Mailbox(String),
}

/// When the recipient's delivery is reported. Source: RFC 3461 §4.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// When it was delivered.
    pub success: bool,
    /// When it could not be.
    pub failure: bool,
    /// When it takes long.
    pub delay: bool,
}

/// The recipient as it was first given. Source: RFC 3461 §4.2, RFC 6533 §3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginalRecipient {
    /// In lower case, such as `rfc822`.
    pub address_type: String,
    /// Decoded from xtext; of the type `utf-8` as it was sent.
    pub address: String,
}

/// What MAIL carries beside its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailParams {
    /// In octets; what doesn't fit in 64 bits is the highest number. RFC 1870 §3.
    pub size: Option<u64>,
    /// RFC 6152.
    pub body: Option<Body>,
    /// RFC 6531 §3.4.
    pub smtputf8: bool,
    /// RFC 3461 §4.3.
    pub ret: Option<Ret>,
    /// Decoded, printable ASCII. RFC 3461 §4.4.
    pub envid: Option<String>,
    /// RFC 4954 §5.
    pub auth: Option<Submitter>,
    /// RFC 8689 §2.
    pub requiretls: bool,
    /// Whether the value of one that we know can't be read. One that was not offered may mean something else.
    pub is_unreadable: bool,
    /// All of them, those that we don't know too.
    pub all: Params,
}

/// What RCPT carries beside its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RcptParams {
    /// RFC 3461 §4.1; all false for `NEVER`.
    pub notify: Option<Notify>,
    /// RFC 3461 §4.2.
    pub orcpt: Option<OriginalRecipient>,
    /// Whether the value of one that we know can't be read.
    pub is_unreadable: bool,
    /// All of them, those that we don't know too.
    pub all: Params,
}

/// More parameters than anyone defined.
const MAX_PARAMS: usize = 32;
/// Digits of SIZE. Source: RFC 1870 §3.
const MAX_SIZE_DIGITS: usize = 20;
/// Characters of ENVID as sent. Source: RFC 3461 §5.4.
const MAX_ENVID: usize = 100;
/// Characters of ORCPT as sent. Source: RFC 3461 §5.4.
const MAX_ORCPT: usize = 500;

impl Params {
    /// The parameters in `text`, with a space between one and the next; more than one unless `strict`.
    ///
    /// Source: RFC 5321 §4.1.2 (Mail-parameters), RFC 6531 §3.3.
    pub fn parse(text: &str, strict: bool) -> Result<Params, ParamsError> {
        let mut params = Params::default();
        if text.is_empty() {
            return Ok(params);
        }
        for word in text.split(' ') {
            if word.is_empty() && !strict {
                continue;
            }
            let param = Param::parse(word, strict)?;
            if params.get(param.keyword()).is_some() {
                return Err(ParamsError::Duplicate);
            }
            if params.0.len() >= MAX_PARAMS {
                return Err(ParamsError::Bad);
            }
            params.0.push(param);
        }
        Ok(params)
    }

    /// The parameters in the order in which they came.
    pub fn iter(&self) -> std::slice::Iter<'_, Param> {
        self.0.iter()
    }

    /// The parameter with that keyword, in any case.
    pub fn get(&self, keyword: &str) -> Option<&Param> {
        self.0.iter().find(|param| param.keyword().eq_ignore_ascii_case(keyword))
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'a> IntoIterator for &'a Params {
    type Item = &'a Param;
    type IntoIter = std::slice::Iter<'a, Param>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Param {
    fn parse(word: &str, strict: bool) -> Result<Param, ParamsError> {
        let (keyword, value) = match word.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (word, None),
        };
        let is_keyword = keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
            && keyword.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        // `=` in a value is against the RFC, and common in ORCPT.
        let is_fit = |c: char| c.is_ascii_graphic() && (c != '=' || !strict) || is_beyond_ascii(c);
        let is_value = value.is_none_or(|value| !value.is_empty() && value.chars().all(is_fit));
        if !is_keyword || !is_value {
            return Err(ParamsError::Bad);
        }
        let is_upper = !keyword.bytes().any(|b| b.is_ascii_lowercase());
        let folded = (!is_upper).then(|| keyword.to_ascii_uppercase());
        Ok(Param { raw: word.to_owned(), folded })
    }

    /// In upper case.
    pub fn keyword(&self) -> &str {
        let sent = self.raw.split_once('=').map_or(&*self.raw, |(keyword, _)| keyword);
        self.folded.as_deref().unwrap_or(sent)
    }

    /// What stands after `=`, as it was sent.
    pub fn value(&self) -> Option<&str> {
        self.raw.split_once('=').map(|(_, value)| value)
    }

    /// The whole of it, as it was sent.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    fn needed(&self) -> Result<&str, ParamsError> {
        self.value().ok_or(ParamsError::Bad)
    }

    fn alone(&self) -> Result<bool, ParamsError> {
        if self.value().is_none() { Ok(true) } else { Err(ParamsError::Bad) }
    }
}

impl MailParams {
    /// Reads what we know among `all`.
    pub fn read(all: Params) -> MailParams {
        let mut mail = MailParams::default();
        for param in &all {
            mail.is_unreadable |= mail.take(param).is_err();
        }
        mail.all = all;
        mail
    }

    fn take(&mut self, param: &Param) -> Result<(), ParamsError> {
        match param.keyword() {
            "SIZE" => self.size = Some(size(param.needed()?)?),
            "BODY" => self.body = Some(body(param.needed()?)?),
            "SMTPUTF8" => self.smtputf8 = param.alone()?,
            "RET" => self.ret = Some(ret(param.needed()?)?),
            "ENVID" => self.envid = Some(envid(param.needed()?)?),
            "AUTH" => self.auth = Some(submitter(param.needed()?)?),
            "REQUIRETLS" => self.requiretls = param.alone()?,
            _ => {}
        }
        Ok(())
    }
}

impl RcptParams {
    /// Reads what we know among `all`.
    pub fn read(all: Params) -> RcptParams {
        let mut rcpt = RcptParams::default();
        for param in &all {
            rcpt.is_unreadable |= rcpt.take(param).is_err();
        }
        rcpt.all = all;
        rcpt
    }

    fn take(&mut self, param: &Param) -> Result<(), ParamsError> {
        match param.keyword() {
            "NOTIFY" => self.notify = Some(notify(param.needed()?)?),
            "ORCPT" => self.orcpt = Some(original_recipient(param.needed()?)?),
            _ => {}
        }
        Ok(())
    }
}

impl Body {
    /// The value of `BODY=`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Body::SevenBit => "7BIT",
            Body::EightBitMime => "8BITMIME",
            Body::BinaryMime => "BINARYMIME",
        }
    }
}

fn size(value: &str) -> Result<u64, ParamsError> {
    if value.len() > MAX_SIZE_DIGITS || !value.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ParamsError::Bad);
    }
    // Only a number past 64 bits fails here.
    Ok(value.parse().unwrap_or(u64::MAX))
}

fn body(value: &str) -> Result<Body, ParamsError> {
    [Body::SevenBit, Body::EightBitMime, Body::BinaryMime]
        .into_iter()
        .find(|body| value.eq_ignore_ascii_case(body.as_str()))
        .ok_or(ParamsError::Bad)
}

fn ret(value: &str) -> Result<Ret, ParamsError> {
    match value {
        _ if value.eq_ignore_ascii_case("FULL") => Ok(Ret::Full),
        _ if value.eq_ignore_ascii_case("HDRS") => Ok(Ret::Header),
        _ => Err(ParamsError::Bad),
    }
}

fn envid(value: &str) -> Result<String, ParamsError> {
    let envid = decoded(value)?;
    if value.len() > MAX_ENVID || !envid.is_ascii() {
        return Err(ParamsError::Bad);
    }
    Ok(envid)
}

fn submitter(value: &str) -> Result<Submitter, ParamsError> {
    if value == "<>" {
        return Ok(Submitter::Unknown);
    }
    decoded(value).map(Submitter::Mailbox)
}

fn notify(value: &str) -> Result<Notify, ParamsError> {
    let mut notify = Notify::default();
    if value.eq_ignore_ascii_case("NEVER") {
        return Ok(notify);
    }
    for word in value.split(',') {
        match word {
            _ if word.eq_ignore_ascii_case("SUCCESS") => notify.success = true,
            _ if word.eq_ignore_ascii_case("FAILURE") => notify.failure = true,
            _ if word.eq_ignore_ascii_case("DELAY") => notify.delay = true,
            _ => return Err(ParamsError::Bad),
        }
    }
    Ok(notify)
}

fn original_recipient(value: &str) -> Result<OriginalRecipient, ParamsError> {
    let (address_type, address) = value.split_once(';').ok_or(ParamsError::Bad)?;
    let is_atom = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.';
    if value.len() > MAX_ORCPT || address_type.is_empty() || !address_type.bytes().all(is_atom) {
        return Err(ParamsError::Bad);
    }
    let address_type = address_type.to_ascii_lowercase();
    let address = if address_type == "utf-8" { address.to_owned() } else { decoded(address)? };
    if address.is_empty() {
        return Err(ParamsError::Bad);
    }
    Ok(OriginalRecipient { address_type, address })
}

/// What xtext stands for, if it is text without controls: +0D+0A must not become a line's end later.
fn decoded(value: &str) -> Result<String, ParamsError> {
    let text = xtext::decode(value).and_then(|octets| String::from_utf8(octets).ok());
    text.filter(|text| !text.chars().any(char::is_control)).ok_or(ParamsError::Bad)
}

#[cfg(test)]
mod tests;
