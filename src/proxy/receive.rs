//! Content on its way in: judged as it comes, kept in wire form, or thrown away once it is refused.

use bytes::BytesMut;

use crate::backend::delivery::Ack;
use crate::message::content::{Intake, SpoolError};
use crate::message::edit::Edit;
use crate::proxy::config::BareNewline;
use crate::proxy::context::Context;
use crate::proxy::said::Said;
use crate::smtp::data_decoder::{ContentFacts, DataDecoder};
use crate::smtp::data_encoder::{Normalizer, Stuffer};
use crate::smtp::reply::Reply;

/// One content that is coming in.
pub(super) struct Receiving {
    /// What was kept; nothing once it is refused.
    pub(super) intake: Intake,
    form: Form,
    /// Why it will be refused at its end.
    pub(super) refusal: Option<Refusal>,
    /// What policies have changed in it so far.
    pub(super) edits: Vec<Edit>,
    /// Octets thrown away since it was refused.
    pub(super) discarded: u64,
    /// Whether policies were asked about the header.
    pub(super) is_header_judged: bool,
}

/// Why a content goes no further, said at its end.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) said: Said,
    /// Whether a policy throws the message away and the client hears 250.
    pub(super) is_discard: bool,
}

impl Refusal {
    /// A refusal of our own.
    pub(super) fn of_core(reply: Reply) -> Self {
        Refusal { said: Said::core(reply), is_discard: false }
    }

    /// What is said at the end of data, and the acknowledgement that a discard is.
    pub(super) fn answer(self) -> (Said, Option<Ack>) {
        (self.said, self.is_discard.then(Ack::of_discard))
    }
}

/// What of some octets goes on: a part from their start as it is, most often all, then what it was changed to.
struct Kept<'a> {
    octets: &'a [u8],
    same: usize,
    changed: Vec<u8>,
}

impl<'a> Kept<'a> {
    fn of(octets: &'a [u8]) -> Self {
        Kept { octets, same: 0, changed: Vec::new() }
    }

    /// Adds `piece`: a slice of the octets, or what stands in place of some.
    fn add(&mut self, piece: &[u8]) {
        let next = self.octets.get(self.same..).and_then(|rest| rest.get(..piece.len()));
        if self.changed.is_empty() && next.is_some_and(|next| std::ptr::eq(next, piece)) {
            self.same += piece.len();
        } else {
            self.changed.extend_from_slice(piece);
        }
    }
}

/// How content is framed.
enum Form {
    /// By the dot, kept as it comes.
    Dot(DataDecoder),
    /// By the dot, bare newlines mended.
    Mended(DataDecoder, Box<Normalizer>),
    /// By counted chunks.
    Chunks(Box<Stuffer>),
}

impl Form {
    /// Judges octets and tells `kept` what goes on; what follows the end of data goes to `rest`. Whether it was seen.
    fn judge(&mut self, kept: &mut Kept<'_>, rest: &mut BytesMut) -> bool {
        let octets = kept.octets;
        let (decoder, mut normalizer) = match self {
            Form::Dot(decoder) => (decoder, None),
            Form::Mended(decoder, normalizer) => (decoder, Some(normalizer)),
            Form::Chunks(stuffer) => {
                stuffer.feed(octets, |piece| kept.add(piece));
                return false;
            }
        };
        let progress = decoder.feed(octets);
        rest.extend_from_slice(octets.get(progress.consumed..).unwrap_or_default());
        for piece in [progress.before, progress.kept(octets)] {
            match normalizer.as_deref_mut() {
                Some(normalizer) => normalizer.feed(piece, |mended| kept.add(mended)),
                None => kept.add(piece),
            }
        }
        if let Some(normalizer) = normalizer.filter(|_| progress.end) {
            normalizer.clone().finish(|mended| kept.add(mended));
        }
        progress.end
    }
}

impl Receiving {
    /// Content after DATA.
    pub(super) fn after_data(context: &Context) -> Self {
        let form = match context.listener.bare_newline {
            BareNewline::Reject if context.rules.limits.max_line.is_some() => {
                Form::Dot(DataDecoder::measuring_lines())
            }
            BareNewline::Reject => Form::Dot(DataDecoder::new()),
            BareNewline::Normalize => Form::Mended(DataDecoder::new(), Box::default()),
        };
        Receiving::new(context, form)
    }

    /// Content in chunks.
    pub(super) fn in_chunks(context: &Context) -> Self {
        let stuffer = match context.listener.bare_newline {
            BareNewline::Reject => Stuffer::new(),
            BareNewline::Normalize => Stuffer::normalizing(),
        };
        Receiving::new(context, Form::Chunks(Box::new(stuffer)))
    }

    fn new(context: &Context, form: Form) -> Self {
        let intake = Intake::new(&context.spool, context.rules.limits.header_size.saturating_add(4));
        Receiving { intake, form, refusal: None, edits: Vec::new(), discarded: 0, is_header_judged: false }
    }

    /// What is known of the content so far.
    pub(super) fn facts(&self) -> ContentFacts {
        match &self.form {
            Form::Dot(decoder) => *decoder.facts(),
            // Sizes and places are those of the wire form that is kept.
            Form::Mended(_, normalizer) => ContentFacts { bare_newline: None, ..normalizer.facts() },
            Form::Chunks(stuffer) => stuffer.facts(),
        }
    }

    /// Whether the end of data was seen.
    pub(super) fn is_ended(&self) -> bool {
        match &self.form {
            Form::Dot(decoder) | Form::Mended(decoder, _) => decoder.is_ended(),
            Form::Chunks(_) => false,
        }
    }

    /// Whether octets can be read straight into the intake.
    pub(super) fn takes_directly(&self) -> bool {
        self.refusal.is_none()
    }

    /// Judges the octets of the intake's chunk from `start` on, which were read straight into it; whether the end of
    /// data is among them. What follows that is moved to `rest`.
    ///
    /// *Errors*: the spool's; `is_ended` tells whether the end was among them then.
    pub(super) async fn judge_chunk(
        &mut self,
        start: usize,
        rest: &mut BytesMut,
    ) -> Result<bool, SpoolError> {
        let chunk = self.intake.chunk();
        let mut kept = Kept::of(chunk.get(start..).unwrap_or_default());
        let is_end = self.form.judge(&mut kept, rest);
        let Kept { same, changed, .. } = kept;
        chunk.truncate(start + same);
        if changed.is_empty() {
            self.intake.settle().await?;
        } else {
            self.intake.append(&changed).await?;
        }
        Ok(is_end)
    }

    /// Takes octets of content from the front of `input`; whether the end of data was among them.
    ///
    /// *Errors*: the spool's; `is_ended` tells whether the end was among them then.
    pub(super) async fn take(&mut self, input: &mut BytesMut) -> Result<bool, SpoolError> {
        let octets = input.split();
        let mut kept = Kept::of(&octets);
        let is_end = self.form.judge(&mut kept, input);
        let Kept { same, changed, .. } = kept;
        self.keep(octets.get(..same).unwrap_or_default()).await?;
        self.keep(&changed).await?;
        Ok(is_end)
    }

    /// Ends content in chunks: a CRLF is added if it has none (RFC 3030 §4.1).
    ///
    /// *Errors*: the spool's.
    pub(super) async fn end_chunks(&mut self) -> Result<(), SpoolError> {
        let Form::Chunks(stuffer) = &mut self.form else { return Ok(()) };
        let mut wire = Vec::new();
        stuffer.clone().finish(|piece| wire.extend_from_slice(piece));
        stuffer.feed(b"", |_| {});
        self.keep(&wire).await
    }

    async fn keep(&mut self, octets: &[u8]) -> Result<(), SpoolError> {
        if self.refusal.is_some() {
            self.discarded += octets.len() as u64;
            return Ok(());
        }
        self.intake.append(octets).await
    }

    /// Refuses the content, at its end; what was kept is thrown away.
    pub(super) fn refuse(&mut self, refusal: Refusal, context: &Context) {
        if self.refusal.is_none() {
            self.refusal = Some(refusal);
            self.intake = Intake::new(&context.spool, 0);
        }
    }

    /// Refuses the content if it exceeds a limit already.
    pub(super) fn check_limits(&mut self, size_limit: u64, context: &Context) {
        let limits = &context.rules.limits;
        let facts = self.facts();
        let header = facts.header_end.unwrap_or(facts.wire_size);
        let is_long = |most: usize| facts.longest_line > most as u64;
        let reply = if facts.size > size_limit {
            Reply::MESSAGE_TOO_BIG
        } else if header > limits.header_size {
            Reply::HEADER_TOO_BIG
        } else if facts.bare_newline.is_some() && context.listener.bare_newline == BareNewline::Reject {
            Reply::BARE_NEWLINE_IN_CONTENT
        } else if limits.max_line.is_some_and(is_long) {
            Reply::CONTENT_LINE_TOO_LONG
        } else {
            return;
        };
        self.refuse(Refusal::of_core(reply), context);
    }

    /// Octets that may be thrown away before the client is cut off.
    pub(super) fn patience(size_limit: u64) -> u64 {
        size_limit.saturating_mul(2).max(10 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms() -> [Form; 4] {
        [
            Form::Dot(DataDecoder::new()),
            Form::Mended(DataDecoder::new(), Box::default()),
            Form::Chunks(Box::new(Stuffer::new())),
            Form::Chunks(Box::new(Stuffer::normalizing())),
        ]
    }

    #[test]
    fn canonical_content_stays_where_it_was_read() {
        let content = b"Subject: a\r\n\r\nno dot at a line's start. \xff\r\n".repeat(100);
        for mut form in forms() {
            for piece in content.chunks(content.len() / 4) {
                let mut kept = Kept::of(piece);
                assert!(!form.judge(&mut kept, &mut BytesMut::new()));
                assert_eq!((kept.same, kept.changed.capacity()), (piece.len(), 0));
            }
        }
    }

    #[test]
    fn what_is_changed_and_all_behind_it_is_put_beside() {
        let mut form = Form::Chunks(Box::new(Stuffer::new()));
        let mut kept = Kept::of(b"a\r\n.b\r\nc");
        form.judge(&mut kept, &mut BytesMut::new());
        assert_eq!((kept.same, &kept.changed[..]), (3, &b"..b\r\nc"[..]));
    }

    #[test]
    fn commands_behind_the_end_of_data_are_left() {
        let mut form = Form::Dot(DataDecoder::new());
        let mut rest = BytesMut::new();
        let mut kept = Kept::of(b"a\r\n.\r\nQUIT\r\n");
        assert!(form.judge(&mut kept, &mut rest));
        assert_eq!((kept.same, kept.changed.len(), &rest[..]), (3, 0, &b"QUIT\r\n"[..]));
    }
}
