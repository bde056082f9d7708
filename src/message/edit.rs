//! Changes that policies make to a header, laid over the original without touching the rest.

use std::ops::Range;

use crate::message::encoded_word;
use crate::message::header::Header;

/// One change of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A field at the end of the header.
    Add(NewField),
    /// A field on top, above our Received.
    Prepend(NewField),
    /// A field in the place of the first one of its name; at the end if there is none.
    Replace(NewField),
    /// No field of this name, in any case.
    RemoveNamed(String),
    /// Not the field of this number, counted from 1 in the header as received.
    RemoveNumbered(usize),
}

/// A field that a policy wrote: a legal name, and a value that is safe to put on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewField {
    name: String,
    value: String,
}

/// A field name that RFC 5322 §3.6.8 does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a field name is printable ASCII without a colon, at most 76 characters")]
pub struct IllegalName;

impl NewField {
    /// The field `name: value`. Controls in the value become spaces; the value is folded when written.
    ///
    /// *Errors*: `IllegalName` if the name is none.
    pub fn new(name: &str, value: &str) -> Result<NewField, IllegalName> {
        let is_legal =
            (1..=76).contains(&name.len()) && name.bytes().all(|b| matches!(b, 33..=57 | 59..=126));
        if !is_legal {
            return Err(IllegalName);
        }
        let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Ok(NewField { name: name.to_owned(), value: value.trim().to_owned() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value, on one line.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The field in wire form, folded at white space to lines of 78 where that is possible and of 998 octets
    /// in any case. What is not ASCII in it is in encoded words, unless `utf8`: then it stands there as it is.
    /// Source: RFC 5322 §2.1.1, §2.2.3; RFC 2047; RFC 6532.
    pub fn encode(&self, utf8: bool) -> Vec<u8> {
        let encoded =
            (!utf8 && !self.value.is_ascii()).then(|| encoded_word::encode(&self.name, &self.value));
        let value = encoded.as_deref().unwrap_or(&self.value);
        let mut out = Vec::with_capacity(self.name.len() + self.value.len() + 4);
        if self.name.starts_with('.') {
            out.push(b'.'); // dots are stuffed in wire form
        }
        out.extend_from_slice(self.name.as_bytes());
        out.push(b':');
        let mut width = out.len();
        for word in value.split(' ').filter(|word| !word.is_empty()) {
            if width + 1 + word.len() > 78 && width > self.name.len() + 2 {
                out.extend_from_slice(b"\r\n");
                width = 0;
            }
            for (position, piece) in pieces(word, 900).enumerate() {
                if position > 0 {
                    out.extend_from_slice(b"\r\n");
                    width = 0;
                }
                out.push(b' ');
                out.extend_from_slice(piece.as_bytes());
                width += 1 + piece.len();
            }
        }
        out.extend_from_slice(b"\r\n");
        out
    }
}

/// `word` in pieces of at most `most` octets, cut between characters.
fn pieces(word: &str, most: usize) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = rest.floor_char_boundary(most);
        let (piece, tail) = rest.split_at_checked(if cut == 0 { rest.len() } else { cut })?;
        rest = tail;
        Some(piece)
    })
}

/// One line of a header after edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditedField<'a> {
    /// The original's field of this number, counted from 0.
    Original(usize),
    /// A new one.
    New(&'a NewField),
}

/// A header with edits laid over it.
#[derive(Debug)]
pub struct EditedHeader<'a> {
    /// New fields for the top, the last one prepended first.
    pub top: Vec<&'a NewField>,
    /// What stands below our Received, in order.
    pub fields: Vec<EditedField<'a>>,
}

impl<'a> EditedHeader<'a> {
    /// `header` after `edits`, in their order.
    pub fn new(header: &Header, edits: &'a [Edit]) -> Self {
        let originals = (0..header.fields().len()).map(EditedField::Original);
        let mut edited = EditedHeader { top: Vec::new(), fields: originals.collect() };
        for edit in edits {
            edited.apply(header, edit);
        }
        edited
    }

    fn apply(&mut self, header: &Header, edit: &'a Edit) {
        match edit {
            Edit::Add(field) => self.fields.push(EditedField::New(field)),
            Edit::Prepend(field) => self.top.insert(0, field),
            Edit::Replace(field) => self.replace(header, field),
            Edit::RemoveNamed(name) => {
                self.top.retain(|field| !field.name.eq_ignore_ascii_case(name));
                self.fields.retain(|field| !name_of(header, field).eq_ignore_ascii_case(name));
            }
            Edit::RemoveNumbered(number) => {
                self.fields.retain(|field| !matches!(field, EditedField::Original(at) if at + 1 == *number));
            }
        }
    }

    fn replace(&mut self, header: &Header, field: &'a NewField) {
        let is_it = |name: &str| name.eq_ignore_ascii_case(&field.name);
        if let Some(place) = self.top.iter_mut().find(|known| is_it(&known.name)) {
            *place = field;
        } else if let Some(place) = self.fields.iter_mut().find(|known| is_it(name_of(header, known))) {
            *place = EditedField::New(field);
        } else {
            self.fields.push(EditedField::New(field));
        }
    }

    /// The fields below our Received as ranges of the original and new octets, neighbours joined; new ones with UTF-8
    /// as it is if `utf8`.
    pub fn pieces(&self, header: &Header, utf8: bool) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for field in &self.fields {
            match field {
                EditedField::New(field) => pieces.push(Piece::New(field.encode(utf8))),
                EditedField::Original(at) => {
                    let Some(range) = header.fields().get(*at).map(|field| field.range()) else { continue };
                    match pieces.last_mut() {
                        Some(Piece::Original(last)) if last.end == range.start => last.end = range.end,
                        _ => pieces.push(Piece::Original(range)),
                    }
                }
            }
        }
        pieces
    }
}

/// A run of octets of an edited header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// These octets of the original, in wire form.
    Original(Range<usize>),
    /// New ones, in wire form.
    New(Vec<u8>),
}

/// The name of an edited field.
pub fn name_of<'a>(header: &'a Header, field: &EditedField<'a>) -> &'a str {
    match field {
        EditedField::New(field) => &field.name,
        EditedField::Original(at) => header.fields().get(*at).map_or("", |field| header.name(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn field(name: &str, value: &str) -> NewField {
        NewField::new(name, value).unwrap()
    }

    fn edited(edits: &[Edit]) -> String {
        let wire = b"A: 1\r\nB: 2\r\nA: 3\r\n";
        let header = Header::parse(Bytes::from_static(wire));
        let edited = EditedHeader::new(&header, edits);
        let mut out: Vec<u8> = edited.top.iter().flat_map(|field| field.encode(false)).collect();
        for piece in edited.pieces(&header, false) {
            match piece {
                Piece::Original(range) => out.extend_from_slice(&wire[range]),
                Piece::New(octets) => out.extend(octets),
            }
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn edits_leave_the_rest_alone() {
        for (edits, want) in [
            (vec![], "A: 1\r\nB: 2\r\nA: 3\r\n"),
            (vec![Edit::Add(field("C", "4"))], "A: 1\r\nB: 2\r\nA: 3\r\nC: 4\r\n"),
            (vec![Edit::Prepend(field("C", "4"))], "C: 4\r\nA: 1\r\nB: 2\r\nA: 3\r\n"),
            (vec![Edit::Replace(field("a", "9"))], "a: 9\r\nB: 2\r\nA: 3\r\n"),
            (vec![Edit::Replace(field("N", "9"))], "A: 1\r\nB: 2\r\nA: 3\r\nN: 9\r\n"),
            (vec![Edit::RemoveNamed("a".into())], "B: 2\r\n"),
            (vec![Edit::RemoveNumbered(3)], "A: 1\r\nB: 2\r\n"),
            (vec![Edit::RemoveNumbered(4)], "A: 1\r\nB: 2\r\nA: 3\r\n"),
            (vec![Edit::Add(field("C", "4")), Edit::RemoveNamed("C".into())], "A: 1\r\nB: 2\r\nA: 3\r\n"),
        ] {
            assert_eq!(edited(&edits), want, "{edits:?}");
        }
    }

    #[test]
    fn new_fields_are_safe_on_the_wire() {
        let smuggled = field("X", "a\r\nB: c").encode(false);
        assert_eq!(smuggled, b"X: a B: c\r\n", "a line end can't be smuggled in");
        assert_eq!(field(".X", "a").encode(false), b"..X: a\r\n");
        assert_eq!(field("X", "").encode(false), b"X:\r\n");
        for name in ["", "a b", "a:", "a\r", "ä"] {
            assert_eq!(NewField::new(name, "x"), Err(IllegalName), "{name:?}");
        }
        let long = field("X-Long", &"word ".repeat(400)).encode(false);
        assert!(long.split(|octet| *octet == b'\n').all(|line| line.len() <= 79));
        let solid = field("X-Solid", &"é".repeat(3000)).encode(true);
        assert!(solid.split(|octet| *octet == b'\n').all(|line| line.len() <= 998));
        let encoded = field("X-Solid", &"é".repeat(3000)).encode(false);
        assert!(encoded.split(|octet| *octet == b'\n').all(|line| line.len() <= 78));
        assert!(encoded.is_ascii());
    }
}
