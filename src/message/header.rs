//! The header section of a message: which octets are which field. Parsed once, and only when somebody asks.

use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr, memmem};

/// A header section, in wire form, with the places of its fields.
#[derive(Clone, Debug, Default)]
pub struct Header {
    wire: Bytes,
    fields: Vec<Field>,
    end: usize,
}

/// One field and where it stands in the header's octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    name: Range<usize>,
    whole: Range<usize>,
}

impl Header {
    /// The fields of `wire`, which holds a message from its start to the end of its header section or further.
    ///
    /// The section ends at the first empty line, or at the first line that is neither a field nor the
    /// continuation of one: there Postfix and others begin the body. Source: RFC 5322 §2.2, §3.6.8.
    pub fn parse(wire: Bytes) -> Header {
        let mut fields: Vec<Field> = Vec::new();
        let mut start = 0;
        while let Some(rest) = wire.get(start..).filter(|rest| !rest.is_empty()) {
            let length = memmem::find(rest, b"\r\n").map_or(rest.len(), |at| at + 2);
            let line = rest.get(..length).unwrap_or_default();
            let whole = start..start + length;
            match (line.first(), fields.last_mut()) {
                (Some(b' ' | b'\t'), Some(field)) => field.whole.end = whole.end,
                _ => match field_name(line) {
                    Some(name) => fields.push(Field { name: start + name.start..start + name.end, whole }),
                    None => break,
                },
            }
            start += length;
        }
        Header { wire, fields, end: start }
    }

    /// The fields in their order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Where the last field ends, in octets of wire form from the start of the message.
    pub fn end(&self) -> usize {
        self.end
    }

    /// The name of `field`, as written.
    pub fn name(&self, field: &Field) -> &str {
        let octets = self.wire.get(field.name.clone()).unwrap_or_default();
        std::str::from_utf8(octets).unwrap_or_default()
    }

    /// The octets of `field` behind its colon, folds and last CRLF included, as sent.
    pub fn raw_value(&self, field: &Field) -> &[u8] {
        let rest = self.wire.get(field.name.end..field.whole.end).unwrap_or_default();
        let colon = memchr(b':', rest).map_or(rest.len(), |at| at + 1);
        rest.get(colon..).unwrap_or_default()
    }

    /// The octets of `field` from its name to its last CRLF, in wire form.
    pub fn wire_field(&self, field: &Field) -> &[u8] {
        self.wire.get(field.whole.clone()).unwrap_or_default()
    }

    /// Whether any octet of `range`, or of what is behind the last field, is above 127, as far as it was parsed.
    pub fn has_8bit(&self, range: Option<Range<usize>>) -> bool {
        let octets = self.wire.get(range.unwrap_or(self.end..self.wire.len()));
        !octets.unwrap_or_default().is_ascii()
    }

    /// The fields called `name`, in any case.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| self.name(field).eq_ignore_ascii_case(name))
    }
}

impl Field {
    /// Where the whole field stands, in octets of wire form from the start of the message.
    pub fn range(&self) -> Range<usize> {
        self.whole.clone()
    }
}

/// Where the name of the field that `line` begins stands in it; none if it begins no field.
///
/// A line that begins with a dot was stuffed, so that dot is not part of the name.
/// Source: RFC 5322 §2.2 (printable ASCII but colon; blanks before the colon are obsolete, §4.5).
fn field_name(line: &[u8]) -> Option<Range<usize>> {
    let start = usize::from(line.first() == Some(&b'.'));
    let colon = memchr(b':', line)?;
    let name = line.get(start..colon)?;
    let blanks = name.iter().rev().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    let name = start..colon - blanks;
    let is_name = line.get(name.clone())?.iter().all(|octet| matches!(octet, 33..=126));
    (is_name && !name.is_empty()).then_some(name)
}

/// `value` with its folds removed and without the white space at both ends. Source: RFC 5322 §2.2.3.
pub fn unfold(value: &[u8]) -> Vec<u8> {
    let mut line = value.to_vec();
    line.retain(|octet| !matches!(octet, b'\r' | b'\n'));
    line.trim_ascii().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_with_their_folds() {
        let text = b"Subject: a\r\n b\r\nX-One:c\r\nold : d\r\n..dot: e\r\n\r\nbody: no\r\n";
        let header = Header::parse(Bytes::from_static(text));
        let found: Vec<_> = header
            .fields()
            .iter()
            .map(|field| (header.name(field), String::from_utf8(unfold(header.raw_value(field))).unwrap()))
            .collect();
        let want = [("Subject", "a b"), ("X-One", "c"), ("old", "d"), (".dot", "e")];
        assert_eq!(found, want.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(&text[header.end()..], b"\r\nbody: no\r\n");
        assert_eq!(header.named("x-one").count(), 1);
    }

    #[test]
    fn the_section_ends_where_a_backend_would_end_it() {
        for (text, fields, end, why) in [
            (&b""[..], 0, 0, "an empty message"),
            (b"\r\nbody", 0, 0, "no header"),
            (b"no colon here\r\nA: b\r\n", 0, 0, "a body without a header"),
            (b"A: b\r\nno colon\r\nC: d\r\n", 1, 6, "a line that is no field begins the body"),
            (b" folded\r\nA: b\r\n", 0, 0, "a continuation of nothing"),
            (b"A b: c\r\n", 0, 0, "a blank inside a name"),
            (b"A: b", 1, 4, "a last line without its end"),
            (b": x\r\n", 0, 0, "an empty name"),
        ] {
            let header = Header::parse(Bytes::from_static(text));
            assert_eq!((header.fields().len(), header.end()), (fields, end), "{why}");
        }
    }
}
