//! How far a backfill is, on a terminal.

use std::time::Instant;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::fetch::window::Window;
use crate::pipeline::timestamp::Timestamp;
use crate::process::logging;

/// A bar from the beginning of a range to its end.
pub struct FetchProgress {
    bar: ProgressBar,
    range: Window,
    records: u64,
    since: Instant,
}

impl FetchProgress {
    /// A bar for a range.
    pub fn new(range: Window) -> Self {
        let length = range.to.millis().abs_diff(range.from.millis());
        let style =
            ProgressStyle::with_template("{prefix} {bar:30} {percent:>3}% {msg} {eta} left");
        let bar = ProgressBar::new(length);
        // The template is right, else the default one does.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self {
            bar: logging::bars().add(bar),
            range,
            records: 0,
            since: Instant::now(),
        }
    }

    /// So many more records came.
    pub fn records(&mut self, more: usize) {
        self.records += more as u64;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate for people"
        )]
        let rate = (self.records as f64 / self.since.elapsed().as_secs_f64().max(0.001)) as u64;
        self.bar.set_message(format!(
            "{} records, {}/s,",
            HumanCount(self.records),
            HumanCount(rate)
        ));
    }

    /// All up to a time is delivered.
    pub fn reached(&self, time: Timestamp) {
        let done = time.millis().saturating_sub(self.range.from.millis());
        self.bar
            .set_position(u64::try_from(done).unwrap_or_default());
        self.bar.set_prefix(time.to_string());
    }
}

impl Drop for FetchProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
