//! How far a file is sent, on a terminal.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::process::logging;

/// The bar is drawn again after this time.
const INTERVAL: Duration = Duration::from_millis(100);

/// A bar over the bytes of all inputs; without a length, if that is not known.
pub struct SendProgress {
    bar: ProgressBar,
    began: Instant,
    shown: Instant,
}

impl SendProgress {
    /// A bar for those files.
    pub fn new(files: &[PathBuf]) -> Self {
        let length = files.iter().map(|file| {
            let metadata = std::fs::metadata(file).ok()?;
            metadata.is_file().then_some(metadata.len())
        });
        let (bar, template) = match length.sum::<Option<u64>>() {
            Some(length) => (
                ProgressBar::new(length),
                "{bar:30} {percent:>3}% {msg} {eta} left",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
        };
        let style = ProgressStyle::with_template(template);
        // The template is right, else the default one does.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let now = Instant::now();
        Self {
            bar: logging::bars().add(bar),
            began: now,
            shown: now,
        }
    }

    /// So many events and bytes of the inputs were read.
    pub fn show(&mut self, events: u64, bytes: u64) {
        if self.bar.is_hidden() || self.shown.elapsed() < INTERVAL {
            return;
        }
        self.shown = Instant::now();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate for people"
        )]
        let rate = (events as f64 / self.began.elapsed().as_secs_f64().max(0.001)) as u64;
        self.bar.set_position(bytes);
        self.bar.set_message(format!(
            "{} events, {}/s,",
            HumanCount(events),
            HumanCount(rate)
        ));
    }
}

impl Drop for SendProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
