//! Colors of what is printed for people. Reports are written with them; on anything but a terminal, and where
//! `NO_COLOR` says so, the stream of [`stdout`] takes them out again.

use std::fmt;
use std::io::{Stdout, StdoutLock};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// As it should be, or added.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// To be seen to.
pub const WARNING: Style = AnsiColor::Yellow.on_default();
/// Wrong, or removed.
pub const BAD: Style = AnsiColor::Red.on_default();
/// Of less weight.
pub const FAINT: Style = Style::new().dimmed();
/// Headings.
pub const HEADING: Style = Style::new().bold();
/// Where a hunk of a diff stands.
pub const PLACE: Style = AnsiColor::Cyan.on_default();

/// A text in a style.
#[derive(Debug, Clone, Copy)]
pub struct Styled<T>(pub Style, pub T);

impl<T: fmt::Display> fmt::Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(style, text) = self;
        write!(f, "{style}{text}{style:#}")
    }
}

/// Stdout for a report with colors. `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` are heeded.
#[must_use]
pub fn stdout() -> AutoStream<Stdout> {
    AutoStream::auto(std::io::stdout())
}

/// The same, locked.
#[must_use]
pub fn locked_stdout() -> AutoStream<StdoutLock<'static>> {
    AutoStream::auto(std::io::stdout().lock())
}

/// Whether what goes to stderr may be colored.
#[must_use]
pub fn stderr_has_colors() -> bool {
    AutoStream::choice(&std::io::stderr()) != ColorChoice::Never
}
