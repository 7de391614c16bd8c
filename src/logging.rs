//! Diagnostics on stderr, through `tracing`.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::filter::LevelFilter;

use crate::cli::{LogFormat, LoggingArgs};

/// Sends what is traced from here on to stderr, as the flags ask.
pub fn start(arguments: &LoggingArgs) {
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_writer(stderr);
    match arguments.log_format {
        LogFormat::Text => lines
            .without_time()
            .with_ansi(stderr().is_terminal())
            .init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}
