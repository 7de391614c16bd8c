//! What has arrived, against what was written.

use std::path::PathBuf;

use serde_json::Value;

use crate::outputs::Outputs;
use crate::series::Series;
use crate::support::binary::lines;
use crate::support::place;

/// What has arrived.
pub struct Arrivals {
    pub outputs: Outputs,
    /// For each series, the number of the record that is next, behind those that stand in the output
    /// for good.
    next: Vec<usize>,
    /// What followers wrote was checked up to this byte.
    checked: usize,
}

impl Arrivals {
    pub fn new(output: PathBuf) -> Self {
        Self {
            outputs: Outputs::new(output),
            next: Vec::new(),
            checked: 0,
        }
    }

    /// The number of the record of a series that is next.
    pub fn next(&self, index: usize) -> usize {
        self.next.get(index).copied().unwrap_or_default()
    }

    /// What was added to the outputs since the last check.
    fn unchecked(&self) -> Vec<u8> {
        self.outputs.text().split_off(self.checked)
    }

    /// After a clean end the output is final: every event in it is the next one of its series.
    pub fn check(&mut self, all: &[Series]) {
        let text = self.unchecked();
        self.next.resize(all.len(), 0);
        let mut is_action = false;
        for event in lines(&text) {
            let was_action = std::mem::replace(&mut is_action, is_action_line(&event));
            if is_action {
                assert!(!was_action, "an action line without its event");
                continue;
            }
            if is_half_a_line(&event, all) {
                continue;
            }
            let (name, number) = place::identity(&event);
            let index = all.iter().position(|series| series.name == name);
            let index = index.unwrap_or_else(|| panic!("an unknown series: {event}"));
            let (series, next) = (&all[index], &mut self.next[index]);
            while (*next as u64) < number && series.is_optional(*next) {
                *next += 1;
            }
            assert_eq!(
                number, *next as u64,
                "the next record of {name} is {next}, this is {number}: {event}"
            );
            assert_eq!(place::original(&event), series.lines[*next]);
            *next += 1;
            let unfinished = *next > series.complete() && !series.lacks_only_the_line_end();
            assert!(!unfinished, "half a line: {event}");
        }
        assert!(!is_action, "an action line without its event");
        self.checked += text.len();
        self.outputs.has_all_foreign_lines();
    }

    /// Whether the last record of every series has arrived, for good or not.
    pub fn is_at_the_end(&self, all: &[Series]) -> bool {
        let mut reached: Vec<_> = (0..all.len()).map(|index| self.next(index)).collect();
        let mut text = self.unchecked();
        let whole = memchr::memrchr(b'\n', &text).map_or(0, |end| end + 1);
        text.truncate(whole);
        // A line that a kill cut off stands there until the next follower has looked at the output.
        let whole = text.split(|byte| *byte == b'\n');
        for event in whole.filter_map(|line| serde_json::from_slice(line).ok()) {
            if is_action_line(&event) || is_half_a_line(&event, all) {
                continue;
            }
            let (name, number) = place::identity(&event);
            if let Some(index) = all.iter().position(|series| series.name == name) {
                reached[index] = usize::try_from(number).expect("small") + 1;
            }
        }
        let mut all = all.iter().zip(reached);
        all.all(|(series, reached)| series.is_all_among(reached))
    }

    /// All that is promised stands in the output.
    pub fn must_be_complete(&self, all: &[Series], when: &str) {
        for (index, series) in all.iter().enumerate() {
            let (name, next) = (&series.name, self.next(index));
            assert!(
                series.is_all_among(next),
                "{when}: of {name}, {next} of {} records have arrived",
                series.complete()
            );
        }
    }
}

/// Whether a line is the action of a bulk request, which the event follows.
fn is_action_line(line: &Value) -> bool {
    line["create"]["_id"].is_string()
}

/// Whether an event tells of a line that was not finished when its file was truncated or removed: that
/// is an event of its own, unless the line comes whole.
fn is_half_a_line(event: &Value, all: &[Series]) -> bool {
    event["event"]["kind"] == "pipeline_error"
        && all.iter().any(|series| {
            let mut lines = series.lines_that_may_be_torn();
            // It may end inside a character.
            let half = place::original(event).trim_end_matches('\u{FFFD}');
            lines.any(|line| line.starts_with(half))
        })
}
