//! What came out at the other end, held octet by octet against what was sent.

/// The way a message took: which fields stand before its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Client to Postfix.
    Direct,
    /// Client to gatepost to Postfix.
    ThroughGatepost,
}

/// A message as Postfix delivered or queued it, taken apart: the fields put before it on the way, and its content.
#[derive(Debug)]
pub struct Arrived {
    /// Name and value (folding kept, lines ending in LF) of each leading field, the last one added first.
    pub added: Vec<(String, String)>,
    /// All that follows, lines ending in LF.
    pub content: Vec<u8>,
}

impl Arrived {
    /// Takes a delivered message apart. Fails the test unless it begins with exactly the fields that delivery, Postfix
    /// and (on that way) gatepost document, each once and in this order.
    pub fn delivered(octets: &[u8], way: Path) -> Self {
        Self::take_apart(octets, &["Return-Path", "X-Original-To", "Delivered-To"], way)
    }

    /// The same for a message in the queue, which has no fields of delivery yet.
    pub fn queued(octets: &[u8], way: Path) -> Self {
        Self::take_apart(octets, &[], way)
    }

    /// Value of the field `name` that was added on the way; of two, the later one's.
    pub fn value(&self, name: &str) -> &str {
        let found = self.added.iter().find(|(added, _)| added == name);
        &found.unwrap_or_else(|| panic!("no {name} added: {:?}", self.added)).1
    }

    /// The `Received` that gatepost added.
    pub fn received_by_gatepost(&self) -> &str {
        let ours = self.added.iter().find(|(name, value)| name == "Received" && !value.contains(POSTFIX));
        &ours.unwrap_or_else(|| panic!("no Received of gatepost's: {:?}", self.added)).1
    }

    /// Fails the test unless the content is `sent` (lines ending in CRLF, dots not stuffed), octet by octet.
    ///
    /// Postfix stores CRLF as LF, so that is the one difference taken out.
    pub fn assert_is(&self, sent: &[u8]) {
        let want = stored_form(sent);
        if self.content == want {
            return;
        }
        let common = self.content.iter().zip(&want).take_while(|(got, wanted)| got == wanted).count();
        let around = |octets: &[u8]| {
            let end = octets.len().min(common + 60);
            octets[common.saturating_sub(20).min(end)..end].escape_ascii().to_string()
        };
        panic!(
            "content differs at octet {common}: {} octets sent, {} arrived\n   sent: …{}…\narrived: …{}…",
            want.len(),
            self.content.len(),
            around(&want),
            around(&self.content),
        );
    }

    fn take_apart(octets: &[u8], by_delivery: &[&str], way: Path) -> Self {
        let hops = if way == Path::ThroughGatepost { 2 } else { 1 };
        let mut added = Vec::new();
        let mut rest = octets;
        for name in by_delivery.iter().copied().chain(std::iter::repeat_n("Received", hops)) {
            let Some((value, after)) = field(name, rest) else {
                panic!("no {name} after {:?}; next: {}", added, rest[..rest.len().min(200)].escape_ascii());
            };
            added.push((name.to_owned(), value));
            rest = after;
        }
        let received: Vec<bool> = added
            .iter()
            .filter(|(name, _)| name == "Received")
            .map(|(_, value)| value.contains(POSTFIX))
            .collect();
        let wanted: &[bool] = if hops == 2 { &[true, false] } else { &[true] };
        assert_eq!(received, wanted, "whose Received is whose, the last hop first: {added:?}");
        Self { added, content: rest.to_vec() }
    }
}

/// `sent` as Postfix stores it: each CRLF an LF, all else as it was.
fn stored_form(sent: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(sent.len());
    let mut octets = sent.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        if octet == b'\r' && octets.peek() == Some(&b'\n') {
            continue;
        }
        stored.push(octet);
    }
    stored
}

/// Value of the field `name` at the very start of `octets`, and what follows it; its folded lines are its own.
fn field<'a>(name: &str, octets: &'a [u8]) -> Option<(String, &'a [u8])> {
    let value = octets.strip_prefix(name.as_bytes())?.strip_prefix(b": ")?;
    let mut end = 0;
    loop {
        end += value[end..].iter().position(|octet| *octet == b'\n')? + 1;
        if !matches!(value.get(end), Some(b' ' | b'\t')) {
            let text = String::from_utf8_lossy(&value[..end - 1]).into_owned();
            return Some((text, &value[end..]));
        }
    }
}

/// What marks a Received field as Postfix's.
const POSTFIX: &str = "(Postfix)";
