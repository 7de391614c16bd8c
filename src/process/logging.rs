//! Diagnostics on stderr, through `tracing`, and progress bars beside them.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal as _, Write, stderr};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::source_name::{SourceNames, source_name};
use super::{setting_names, style};

static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::hidden()));

/// Whether a run that went well says so.
static SUMMARY: AtomicBool = AtomicBool::new(false);

/// Whether what was done is logged where nothing went wrong: on a terminal, and with `-v`.
#[must_use]
pub fn shows_summary() -> bool {
    SUMMARY.load(Ordering::Relaxed)
}

/// Seconds since then, to the millisecond, for a summary.
#[must_use]
pub fn seconds_since(began: Instant) -> f64 {
    (began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}

/// Where progress bars go: nowhere, unless stderr is a terminal and people are to read it.
#[must_use]
pub(crate) fn bars() -> &'static MultiProgress {
    &BARS
}

/// The form of diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Human-readable lines.
    Text,
    /// One JSON object a line.
    Json,
}

/// How diagnostics are written.
#[derive(Debug, Clone, Copy)]
pub struct LogSettings {
    /// Least severe level that is logged.
    pub level: LevelFilter,
    /// Format of each log line.
    pub format: LogFormat,
}

/// Whether only errors are logged (`--quiet`).
#[must_use]
pub fn is_quiet() -> bool {
    !tracing::enabled!(Level::WARN)
}

/// Sends what is traced from here on to stderr.
pub fn start(settings: LogSettings) {
    let LogSettings { level, format } = settings;
    let is_summary_shown = stderr().is_terminal() || level > LevelFilter::INFO;
    SUMMARY.store(is_summary_shown, Ordering::Relaxed);
    let is_for_people = level > LevelFilter::ERROR && format == LogFormat::Text;
    if is_for_people && stderr().is_terminal() {
        BARS.set_draw_target(ProgressDrawTarget::stderr());
    }
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        // To whom, where stderr is closed or full?
        .log_internal_errors(false)
        .with_writer(|| AboveBars);
    match format {
        LogFormat::Text => lines
            .without_time()
            .with_ansi(style::stderr_has_colors())
            .event_format(TextLine)
            .finish()
            .with(SourceNames)
            .init(),
        LogFormat::Json => lines
            .fmt_fields(JsonFields::new())
            .event_format(JsonLine::new())
            .finish()
            .with(SourceNames)
            .init(),
    }
}

/// Names an input of which not a single line is a record: not what was meant, and told however quiet the run is to
/// be. If all of them are events, so is that.
pub fn report_if_none_mapped(name: &str, records: u64, failed: u64, already_events: u64) {
    if records == 0 || failed < records {
        return;
    }
    if already_events == records {
        tracing::error!(
            "{name}: holds ECS events already, not raw audit records: `report`, `explain`, `send` and `schema validate` take \
             events"
        );
    } else if records == 1 {
        tracing::error!("{name}: its only line is not an audit record");
    } else {
        tracing::error!("{name}: none of {records} lines is an audit record");
    }
}

/// Reports wrong usage, whatever found it, in one form.
pub fn usage_error(error: &dyn fmt::Display, format: LogFormat) {
    match format {
        // The exit code says it, too.
        LogFormat::Text => {
            let error = error.to_string();
            drop(writeln!(
                stderr(),
                "error: {}",
                setting_names::named(&error)
            ));
        }
        LogFormat::Json => tracing::error!("{error}"),
    }
}

/// A line of text: level, message and fields.
struct TextLine;

impl<S, N> FormatEvent<S, N> for TextLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        if line.has_ansi_escapes() {
            let color = match level {
                Level::ERROR => 31,
                Level::WARN => 33,
                Level::INFO => 32,
                Level::DEBUG => 34,
                _ => 35,
            };
            write!(line, "\x1b[{color}m{level}\x1b[0m ")?;
        } else {
            write!(line, "{level} ")?;
        }
        if let Some(source) = source_name(context) {
            write!(line, "{source}: ")?;
        }
        let mut text = String::new();
        context.format_fields(Writer::new(&mut text), event)?;
        if !setting_names::names_keys() {
            return writeln!(line, "{text}");
        }
        // The message comes first; the values of fields are not the program's words.
        let mut message = Message::default();
        event.record(&mut message);
        match text.strip_prefix(&message.0) {
            Some(fields) => writeln!(line, "{}{fields}", setting_names::named(&message.0)),
            None => writeln!(line, "{text}"),
        }
    }
}

/// The message of an event, without its fields.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// A JSON object, with the name of the source as `source`.
struct JsonLine(Format<Json>);

impl JsonLine {
    fn new() -> Self {
        let format = tracing_subscriber::fmt::format().with_target(false).json();
        let format = format.flatten_event(true);
        Self(format.with_current_span(false).with_span_list(false))
    }
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut object = String::new();
        self.0
            .format_event(context, Writer::new(&mut object), event)?;
        let object = with_named_settings(object);
        let source = source_name(context).map(serde_json::Value::from);
        match source.zip(object.strip_prefix('{')) {
            Some((source, rest)) => write!(line, "{{\"source\":{source},{rest}"),
            None => line.write_str(&object),
        }
    }
}

/// A JSON object whose message names settings as this process does.
fn with_named_settings(object: String) -> String {
    if !setting_names::names_keys() {
        return object;
    }
    let Ok(parsed) = serde_json::from_str::<serde_json::Value>(&object) else {
        return object;
    };
    let message = parsed["message"].as_str().unwrap_or_default();
    match setting_names::named(message) {
        Cow::Borrowed(_) => object,
        Cow::Owned(named) => {
            let text = |message: &str| serde_json::Value::from(message).to_string();
            object.replacen(&text(message), &text(&named), 1)
        }
    }
}

/// Stderr, with the bars out of the way while a line is written.
struct AboveBars;

impl Write for AboveBars {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        BARS.suspend(|| stderr().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}
