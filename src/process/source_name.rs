//! Which source of a service a line of the log is about: that of the span that it is in.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The span of a source; what is logged in it, names that.
///
/// Threads do not inherit it: whoever begins one enters [`Span::current`] there.
#[must_use]
pub fn span(name: &str) -> Span {
    // An error's span: spans of a lower level are not there with `--quiet`.
    tracing::error_span!("source", source = name)
}

/// Keeps the names of sources with their spans.
pub(super) struct SourceNames;

struct SourceName(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SourceNames {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut found = FoundName(None);
        attributes.record(&mut found);
        if let (Some(name), Some(span)) = (found.0, context.span(id)) {
            span.extensions_mut().insert(SourceName(name));
        }
    }
}

/// The source that an event is about, if it is about one.
pub(super) fn source_name<S, N>(context: &FmtContext<'_, S, N>) -> Option<String>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> tracing_subscriber::fmt::FormatFields<'a> + 'static,
{
    context.event_scope()?.find_map(|span| {
        let extensions = span.extensions();
        extensions.get::<SourceName>().map(|name| name.0.clone())
    })
}

struct FoundName(Option<String>);

impl Visit for FoundName {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "source" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
