//! A message as the backend gets it: new fields and ranges of the content as received, in order.

use std::ops::Range;

use bytes::Bytes;

use crate::message::content::{Content, SpoolError, SpoolFile};
use crate::message::edit::{Edit, EditedHeader, Piece};
use crate::message::header::Header;
use crate::smtp::data_decoder::ContentFacts;

/// What goes out between DATA and the final dot, in wire form.
#[derive(Clone, Debug)]
pub struct Outgoing {
    segments: Vec<Segment>,
    content: Content,
    has_8bit: bool,
}

#[derive(Clone, Debug)]
enum Segment {
    New(Bytes),
    Original(Range<u64>),
}

impl Outgoing {
    /// `content`, of which `facts` tell, with `trace` (our Received field, in wire form, perhaps empty) on top.
    ///
    /// If the content has no header and begins with white space, an empty line parts it from the fields above: it
    /// would continue them, and what follows it would become a header that no policy has seen. Postfix does so too.
    pub fn untouched(content: Content, facts: &ContentFacts, mut trace: Vec<u8>) -> Self {
        part(&mut trace, &content);
        let all = 0..content.size();
        let has_8bit = facts.has_8bit || !trace.is_ascii();
        Outgoing { segments: vec![Segment::New(trace.into()), Segment::Original(all)], content, has_8bit }
    }

    /// `content`, of which `facts` tell and whose header is `header`, with `edits` made and `trace` on top, below
    /// prepended fields. New fields hold UTF-8 as it is if `utf8`, else encoded words.
    ///
    /// An empty line is put in as by `untouched`.
    pub fn edited(
        content: Content,
        facts: &ContentFacts,
        header: &Header,
        edits: &[Edit],
        trace: Vec<u8>,
        utf8: bool,
    ) -> Self {
        let edited = EditedHeader::new(header, edits);
        let pieces = edited.pieces(header, utf8);
        let mut top: Vec<u8> = edited.top.iter().flat_map(|field| field.encode(utf8)).collect();
        top.extend_from_slice(&trace);
        let mut segments = Vec::new();
        if header.fields().is_empty() {
            top.extend(pieces.into_iter().flat_map(|piece| match piece {
                Piece::New(octets) => octets,
                Piece::Original(_) => Vec::new(), // there is none
            }));
            part(&mut top, &content);
            segments.push(Segment::New(top.into()));
        } else {
            segments.push(Segment::New(top.into()));
            segments.extend(pieces.into_iter().map(|piece| match piece {
                Piece::New(octets) => Segment::New(octets.into()),
                Piece::Original(range) => Segment::Original(range.start as u64..range.end as u64),
            }));
        }
        segments.push(Segment::Original(header.end() as u64..content.size()));
        Outgoing { segments, content, has_8bit: false }.judged(facts, header)
    }

    /// The same, and whether any octet is above 127: in a new field, in one that stays, or behind the fields.
    fn judged(mut self, facts: &ContentFacts, header: &Header) -> Self {
        let is_8bit = |segment: &Segment| match segment {
            Segment::New(octets) => !octets.is_ascii(),
            Segment::Original(range) => {
                let end = usize::try_from(range.end).unwrap_or(usize::MAX).min(header.end());
                let start = usize::try_from(range.start).unwrap_or(usize::MAX);
                start < end && header.has_8bit(Some(start..end))
            }
        };
        self.has_8bit = facts.has_8bit_body || header.has_8bit(None) || self.segments.iter().any(is_8bit);
        self
    }

    /// Whether any of its octets is above 127. Source: RFC 6152.
    pub fn has_8bit(&self) -> bool {
        self.has_8bit
    }

    /// Octets of wire form: at least the size that the backend will count (RFC 1870 §5).
    pub fn size(&self) -> u64 {
        let size = |segment: &Segment| match segment {
            Segment::New(octets) => octets.len() as u64,
            Segment::Original(range) => range.end - range.start,
        };
        self.segments.iter().map(size).sum()
    }

    /// A reader at the message's start.
    pub fn reader(&self) -> Reader<'_> {
        Reader { outgoing: self, segment: 0, at: 0 }
    }
}

/// Ends `fields` with an empty line if `content` would continue them.
fn part(fields: &mut Vec<u8>, content: &Content) {
    if !fields.is_empty() && content.starts_with_blank() {
        fields.extend_from_slice(b"\r\n");
    }
}

/// Gives an outgoing message piece by piece, without copying what is in memory.
#[derive(Debug)]
pub struct Reader<'a> {
    outgoing: &'a Outgoing,
    segment: usize,
    /// Octets of the segment given so far.
    at: u64,
}

impl Reader<'_> {
    /// The next piece; nothing at the end. Never empty, at most 256 KiB.
    ///
    /// *Errors*: the spool can't be read.
    pub async fn next(&mut self) -> Result<Option<Bytes>, SpoolError> {
        while let Some(segment) = self.outgoing.segments.get(self.segment) {
            let piece = match segment {
                Segment::New(octets) if self.at == 0 => octets.clone(),
                Segment::New(_) => Bytes::new(),
                Segment::Original(range) => {
                    self.outgoing.content.piece(range.start + self.at..range.end).await?
                }
            };
            if !piece.is_empty() {
                self.at += piece.len() as u64;
                return Ok(Some(piece));
            }
            self.segment += 1;
            self.at = 0;
        }
        Ok(None)
    }

    /// What comes next, if that is in a file: to be sent from there, and counted by `sent`.
    pub fn in_file(&self) -> Option<FileRange> {
        let Segment::Original(range) = self.outgoing.segments.get(self.segment)? else { return None };
        let (file, offset, length) = self.outgoing.content.in_file(range.start + self.at)?;
        let length = length.min(range.end.saturating_sub(range.start + self.at));
        (length > 0).then(|| FileRange { file: file.clone(), offset, length })
    }

    /// Goes on behind the next `octets`, which were sent from the file.
    pub fn skip(&mut self, octets: u64) {
        self.at += octets;
    }
}

/// Octets of a message that are in a file.
#[derive(Clone, Debug)]
pub struct FileRange {
    /// The file.
    pub file: SpoolFile,
    /// Where they begin in it.
    pub offset: u64,
    /// How many they are.
    pub length: u64,
}

#[cfg(test)]
mod tests;
