//! What commands that read inputs to their end have in common: their names, and how many records they held.

use std::io::{IsTerminal as _, stdin};
use std::path::PathBuf;
use std::sync::Arc;

use crate::pipeline::event::Origin;
use crate::pipeline::normalize::Counts;
use crate::process::logging;

/// The inputs that were named, or stdin; says so where that is a terminal.
pub(super) fn or_stdin(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    if files.is_empty() {
        files.push("-".into());
    }
    if files.iter().any(|file| file.as_os_str() == "-") && stdin().is_terminal() {
        tracing::info!("reading records from the terminal: end with Ctrl-D, or pass files");
    }
    files
}

/// The counts of the inputs, one after the other.
#[derive(Default)]
pub(super) struct InputCounts {
    total: Counts,
    current: Counts,
    origin: Option<Arc<Origin>>,
}

impl InputCounts {
    /// Adds the counts of the next piece of input.
    pub fn add(&mut self, origin: Option<Arc<Origin>>, counts: Counts) {
        let is_same = match (&self.origin, &origin) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        if !is_same {
            self.end();
            self.origin = origin;
        }
        self.current += counts;
    }

    /// Ends the current input; all counts so far. An input without a single record is not what was
    /// meant, and is named however quiet the run is to be.
    pub fn end(&mut self) -> Counts {
        let counts = std::mem::take(&mut self.current);
        self.total += counts;
        if let Some(origin) = self.origin.take() {
            let Counts {
                records,
                failed,
                already_events,
            } = counts;
            logging::report_if_none_mapped(origin.name(), records, failed, already_events);
        }
        self.total
    }
}
