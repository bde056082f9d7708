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

/// How content is framed.
enum Form {
    /// By the dot, kept as it comes.
    Dot(DataDecoder),
    /// By the dot, bare newlines mended.
    Mended(DataDecoder, Box<Normalizer>),
    /// By counted chunks.
    Chunks(Box<Stuffer>),
}

impl Receiving {
    /// Content after DATA.
    pub(super) fn after_data(context: &Context) -> Self {
        let form = match context.listener.bare_newline {
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
        self.refusal.is_none() && matches!(self.form, Form::Dot(_))
    }

    /// Judges the octets of the intake's chunk from `start` on, which were read straight into it; whether the end of
    /// data is among them. What follows that is moved to `rest`.
    pub(super) fn judge_chunk(&mut self, start: usize, rest: &mut BytesMut) -> bool {
        let Form::Dot(decoder) = &mut self.form else { return false };
        let chunk = self.intake.chunk();
        let fresh = chunk.get(start..).unwrap_or_default();
        let progress = decoder.feed(fresh);
        rest.extend_from_slice(fresh.get(progress.consumed..).unwrap_or_default());
        if progress.before.is_empty() {
            chunk.truncate(start + progress.keep);
        } else {
            let kept = fresh.get(..progress.keep).unwrap_or_default().to_vec();
            chunk.truncate(start);
            chunk.extend_from_slice(progress.before);
            chunk.extend_from_slice(&kept);
        }
        progress.end
    }

    /// Takes octets of content after DATA from the front of `input`; whether the end of data was among them.
    ///
    /// *Errors*: the spool's; `is_ended` tells whether the end was among them then.
    pub(super) async fn take(&mut self, input: &mut BytesMut) -> Result<bool, SpoolError> {
        let octets = input.split();
        let mut mended = Vec::new();
        let (progress, normalizer) = match &mut self.form {
            Form::Dot(decoder) => (decoder.feed(&octets), None),
            Form::Mended(decoder, normalizer) => (decoder.feed(&octets), Some(normalizer)),
            Form::Chunks(_) => return Ok(false),
        };
        input.extend_from_slice(octets.get(progress.consumed..).unwrap_or_default());
        let kept = progress.kept(&octets);
        if let Some(normalizer) = normalizer {
            normalizer.feed(progress.before, |piece| mended.extend_from_slice(piece));
            normalizer.feed(kept, |piece| mended.extend_from_slice(piece));
            if progress.end {
                normalizer.clone().finish(|piece| mended.extend_from_slice(piece));
            }
            self.keep(&mended).await?;
        } else {
            self.keep(progress.before).await?;
            self.keep(kept).await?;
        }
        Ok(progress.end)
    }

    /// Takes the octets of a chunk; `is_last` ends the content with a CRLF if it has none.
    ///
    /// *Errors*: the spool's.
    pub(super) async fn take_chunk(&mut self, octets: &[u8]) -> Result<(), SpoolError> {
        let Form::Chunks(stuffer) = &mut self.form else { return Ok(()) };
        let mut wire = Vec::with_capacity(octets.len() + 16);
        stuffer.feed(octets, |piece| wire.extend_from_slice(piece));
        self.keep(&wire).await
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
