//! Plain data as policies store it, and its octets: truths, numbers, strings of any octets, tables of these.

use bytes::Bytes;

use crate::store::error::StoreError;

/// A plain value. Integers and floats stay what they are; strings are octets.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// true or false
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A floating-point number, of any kind.
    Number(f64),
    /// A string of octets.
    Text(Bytes),
    /// A table's keys and values, in no order; keys are no tables.
    Table(Vec<(Value, Value)>),
}

/// A value in octets: a tag, then lengths as LEB128 and numbers little-endian.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Encoded(Bytes);

/// Octets of an encoded value.
pub const VALUE: usize = 64 << 10;
/// Tables in tables.
pub const DEPTH: usize = 16;

const FALSE: u8 = 0;
const TRUE: u8 = 1;
const INTEGER: u8 = 2;
const NUMBER: u8 = 3;
const TEXT: u8 = 4;
const TABLE: u8 = 5;

impl Value {
    /// Its octets.
    ///
    /// *Errors*: `TooLarge`: more than 64 KiB, or tables nested deeper than 16.
    pub fn encode(&self) -> Result<Encoded, StoreError> {
        let mut out = Vec::new();
        self.write(&mut out, DEPTH)?;
        Ok(Encoded(out.into()))
    }

    fn write(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), StoreError> {
        match self {
            Self::Boolean(truth) => out.push(if *truth { TRUE } else { FALSE }),
            Self::Integer(whole) => {
                out.push(INTEGER);
                out.extend_from_slice(&whole.to_le_bytes());
            }
            Self::Number(number) => {
                out.push(NUMBER);
                out.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            Self::Text(text) => {
                out.push(TEXT);
                write_length(out, text.len());
                // Looked at before it is copied.
                if out.len() + text.len() > VALUE {
                    return Err(StoreError::TooLarge);
                }
                out.extend_from_slice(text);
            }
            Self::Table(pairs) => {
                let depth = depth.checked_sub(1).ok_or(StoreError::TooLarge)?;
                out.push(TABLE);
                write_length(out, pairs.len());
                for (key, value) in pairs {
                    key.write(out, 0)?;
                    value.write(out, depth)?;
                }
            }
        }
        if out.len() > VALUE { Err(StoreError::TooLarge) } else { Ok(()) }
    }

    fn read(rest: &mut &[u8], depth: usize) -> Option<Self> {
        let (tag, after) = rest.split_first()?;
        *rest = after;
        Some(match *tag {
            FALSE => Self::Boolean(false),
            TRUE => Self::Boolean(true),
            INTEGER => Self::Integer(i64::from_le_bytes(read_number(rest)?)),
            NUMBER => Self::Number(f64::from_bits(u64::from_le_bytes(read_number(rest)?))),
            TEXT => {
                let length = read_length(rest)?;
                let (text, after) = rest.split_at_checked(length)?;
                *rest = after;
                Self::Text(Bytes::copy_from_slice(text))
            }
            TABLE => {
                let depth = depth.checked_sub(1)?;
                // Not trusted with an allocation: a pair takes two octets at least.
                let length = read_length(rest)?;
                let mut pairs = Vec::with_capacity(length.min(rest.len() / 2));
                for _ in 0..length {
                    pairs.push((Self::read(rest, 0)?, Self::read(rest, depth)?));
                }
                Self::Table(pairs)
            }
            _ => return None,
        })
    }
}

impl Encoded {
    /// The value; none if the octets are not what [`Value::encode`] wrote.
    pub fn decode(&self) -> Option<Value> {
        let mut rest = &*self.0;
        let value = Value::read(&mut rest, DEPTH)?;
        rest.is_empty().then_some(value)
    }

    /// Octets as they were kept.
    pub(super) fn from_octets(octets: Bytes) -> Self {
        Self(octets)
    }

    /// As it is kept.
    pub(super) fn as_octets(&self) -> &[u8] {
        &self.0
    }
}

fn write_length(out: &mut Vec<u8>, mut length: usize) {
    while let Some(rest) = std::num::NonZero::new(length >> 7) {
        out.push((length & 0x7f) as u8 | 0x80);
        length = rest.get();
    }
    out.push((length & 0x7f) as u8);
}

/// A length of at most 28 bits: more than any value has.
fn read_length(rest: &mut &[u8]) -> Option<usize> {
    let mut length = 0;
    for shift in [0, 7, 14, 21] {
        let (octet, after) = rest.split_first()?;
        *rest = after;
        length |= usize::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}

fn read_number(rest: &mut &[u8]) -> Option<[u8; 8]> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<bool>().prop_map(Value::Boolean),
            any::<i64>().prop_map(Value::Integer),
            (-1e300..1e300).prop_map(Value::Number),
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(|octets| Value::Text(octets.into())),
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        scalar().prop_recursive(4, 64, 8, |inner| {
            proptest::collection::vec((scalar(), inner), 0..8).prop_map(Value::Table)
        })
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(value in value()) {
            prop_assert_eq!(value.encode().unwrap().decode(), Some(value));
        }

        #[test]
        fn any_octets_are_decoded_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(value) = Encoded::from_octets(octets.into()).decode() {
                let again = value.encode().unwrap().decode();
                // Not the number, which may be none: its octets.
                prop_assert_eq!(format!("{again:?}"), format!("{:?}", Some(value)));
            }
        }
    }

    #[test]
    fn integers_and_floats_stay_what_they_are() {
        for (value, octets) in [
            (Value::Integer(1), vec![INTEGER, 1, 0, 0, 0, 0, 0, 0, 0]),
            (Value::Number(1.0), vec![NUMBER, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]),
            (Value::Text(Bytes::from_static(b"\xff\0")), vec![TEXT, 2, 0xff, 0]), // octets, not characters
        ] {
            let encoded = value.encode().unwrap();
            assert_eq!(encoded.as_octets(), octets, "{value:?}");
            assert_eq!(encoded.decode(), Some(value));
        }
    }

    #[test]
    fn what_is_too_large_or_too_deep_is_refused() {
        let text = |length: usize| Value::Text(vec![b'x'; length].into());
        assert!(text(VALUE - 4).encode().is_ok());
        assert_eq!(text(VALUE).encode(), Err(StoreError::TooLarge));
        let nested = |depth| {
            (0..depth).fold(Value::Integer(1), |inner, _| Value::Table(vec![(Value::Integer(1), inner)]))
        };
        assert!(nested(DEPTH).encode().is_ok());
        assert_eq!(nested(DEPTH + 1).encode(), Err(StoreError::TooLarge));
        let many = Value::Table((0..8000).map(|n| (Value::Integer(n), Value::Boolean(true))).collect());
        assert_eq!(many.encode(), Err(StoreError::TooLarge));
    }
}
