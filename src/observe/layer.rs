//! From events to lines: what tracing hands over becomes octets here and goes to the queue.

use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::RwLock;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::observe::config::Format;
use crate::observe::fields::TARGET;
use crate::observe::levels::Levels;
use crate::observe::line::Line;
use crate::observe::queue::Queue;

/// Writes events to `queue`, with the fields of the spans they are in.
pub(super) struct Lines {
    pub(super) form: Format,
    /// Read when tracing first meets a line of code, and again after a change: not for each event.
    pub(super) levels: Arc<RwLock<Levels>>,
    pub(super) queue: Arc<Queue>,
}

/// The fields of a span, each in its final form.
struct SpanFields {
    form: Format,
    fields: Vec<(&'static str, Line)>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.levels.read().covers(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.levels.read().covers(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.levels.read().most())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = SpanFields { form: self.form, fields: Vec::new() };
        attributes.record(&mut fields);
        span.extensions_mut().replace(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<SpanFields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let span = context.event_span(event);
        let mut line = Line::new(self.form, span.is_some());
        event.record(&mut line);
        for span in span.iter().flat_map(|span| span.scope()) {
            let extensions = span.extensions();
            for (name, field) in extensions.get::<SpanFields>().iter().flat_map(|fields| &fields.fields) {
                // The innermost says it best.
                if !line.has(name) {
                    line.take(name, field);
                }
            }
        }
        if *metadata.level() >= Level::DEBUG || !metadata.target().starts_with("gatepost") {
            line.text(TARGET, metadata.target());
        }
        self.queue.push(&line.finish(*metadata.level(), SystemTime::now()));
    }
}

impl SpanFields {
    /// Puts a field in, in place of one of the same name.
    fn set(&mut self, field: &Field, record: impl FnOnce(&mut Line)) {
        let mut line = Line::new(self.form, false);
        record(&mut line);
        self.fields.retain(|(name, _)| *name != field.name());
        self.fields.push((field.name(), line));
    }
}

impl Visit for SpanFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, |line| line.record_str(field, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, |line| line.record_u64(field, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, |line| line.record_i64(field, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, |line| line.record_bool(field, value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, |line| line.record_f64(field, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.set(field, |line| line.record_debug(field, value));
    }
}
