//! What whatever works for a source tells of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::families::Families;
use super::now::{Condition, Write, in_seconds, now_millis};
use super::series::Series;
use super::values::{Api, FollowedFile, ItemOutcome};
use crate::process::known::Known;
use crate::process::pulse::Pulses;

/// The metrics of one source, which go on while it is ended and begun anew; by default nothing is measured.
#[derive(Debug, Clone, Default)]
pub struct SourceMetrics(Option<Arc<Series>>);

/// How it is.
impl SourceMetrics {
    pub(super) fn of(series: Arc<Series>) -> Self {
        Self(Some(series))
    }

    /// Says whose loops are to be alive.
    pub(in crate::process) fn watch(&self, pulses: &Arc<Pulses>) {
        if let Some(series) = &self.0 {
            series.health.watch(pulses);
        }
    }

    fn enter(&self, condition: Condition) {
        if let Some(series) = &self.0 {
            series.up.set(i64::from(condition == Condition::Working));
            let mut now = series.now();
            now.is_removed = false;
            match condition {
                Condition::Working => now.is_open = true,
                Condition::Failing(_) => {}
                Condition::Starting | Condition::Ended => now.is_open = false,
            }
            now.condition = condition;
        }
    }

    /// A source of that name and kind is begun. If the one before was of another kind, only what was counted goes on.
    pub fn begins(&self, kind: &'static str) {
        if let Some(series) = &self.0 {
            series.begin(kind);
        }
    }

    /// It opens its files, or looks for its site.
    pub fn starting(&self) {
        self.enter(Condition::Starting);
    }

    /// It is at work.
    pub fn working(&self) {
        self.enter(Condition::Working);
    }

    /// It failed, and is tried again.
    pub fn failing(&self, problem: &str) {
        self.enter(Condition::Failing(problem.replace(['\n', '\r'], " ")));
    }

    /// It is over.
    pub fn ended(&self) {
        self.enter(Condition::Ended);
    }

    /// It was taken out of the configuration: nothing is said of it until it begins again.
    pub fn removed(&self) {
        if let Some(series) = &self.0 {
            series.up.set(0);
            series.now().is_removed = true;
        }
    }

    /// Says what it is about: its state, its site, its output.
    pub fn describe(&self, describe: impl FnOnce(&mut Known)) {
        if let Some(series) = &self.0 {
            describe(&mut series.now().known);
        }
    }

    /// What reports are told.
    #[must_use]
    pub fn known(&self) -> Known {
        let series = self.0.as_ref();
        series
            .map(|series| series.now().known())
            .unwrap_or_default()
    }

    /// What is going on, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let series = self.0.as_ref();
        series.map(|series| series.summary()).unwrap_or_default()
    }
}

/// What it reads.
impl SourceMetrics {
    /// So many bytes of input were processed.
    pub fn read(&self, bytes: usize) {
        if let Some(series) = &self.0 {
            series.input_bytes.inc_by(bytes as u64);
        }
    }

    /// The newest of some events was of that time, in milliseconds since 1970.
    pub fn newest_event(&self, millis: Option<i64>) {
        let (Some(series), Some(_)) = (&self.0, millis) else {
            return;
        };
        let mut now = series.now();
        if millis > now.newest {
            now.newest = millis;
            self.set_time(|families| &families.input.newest_event, millis);
        }
    }

    /// The log files that are known at the start, and how many bytes were lost before.
    pub fn follows(&self, files: BTreeMap<u64, FollowedFile>, lost_bytes: u64) {
        if let Some(series) = &self.0 {
            let mut now = series.now();
            now.files = Some(files);
            now.lost_bytes = lost_bytes;
            // What waits goes on waiting while its source fails and is begun anew.
            now.caught_up.get_or_insert_with(Instant::now);
        }
    }

    /// A log file is new, or stands elsewhere; none: it is forgotten.
    pub fn follow(&self, log: u64, file: Option<FollowedFile>) {
        let Some(series) = &self.0 else { return };
        let mut now = series.now();
        let files = now.files.get_or_insert_default();
        match file {
            Some(file) => files.insert(log, file),
            None => files.remove(&log),
        };
    }

    /// How many bytes were lost, since the state was begun.
    pub fn lost(&self, all: u64) {
        if let Some(series) = &self.0 {
            let mut now = series.now();
            series.lost_bytes.inc_by(all.saturating_sub(now.lost_bytes));
            now.lost_bytes = now.lost_bytes.max(all);
        }
    }

    /// How many files or directories cannot be read, and why the first of them cannot.
    pub fn unreadable(&self, count: u64, because: Option<String>) {
        self.describe(|known| {
            known.unreadable = count;
            known.unreadable_because = because;
        });
    }

    /// All up to a time, in milliseconds since 1970, is at the output.
    pub fn cursor(&self, millis: Option<i64>) {
        let Some(series) = &self.0 else { return };
        series.now().cursor = millis;
        self.set_time(|families| &families.requests.cursor, millis);
    }

    /// Everything was fetched.
    pub fn fetched(&self) {
        self.set_time(
            |families| &families.requests.last_success,
            Some(now_millis()),
        );
    }

    /// When a new login is needed, in milliseconds since 1970.
    pub fn grant_expiry(&self, millis: i64) {
        self.set_time(|families| &families.requests.grant_expiry, Some(millis));
    }

    /// When a GeoIP database was built, in seconds since 1970.
    pub fn geoip_build(&self, database: &str, seconds: u64) {
        if let Some(series) = &self.0 {
            let labels = [&*series.name, database];
            let gauge = series.families.geoip_build.with_label_values(&labels);
            #[expect(
                clippy::cast_precision_loss,
                reason = "seconds have 34 bits for centuries"
            )]
            gauge.set(seconds as f64);
        }
    }

    fn set_time(&self, family: impl Fn(&Families) -> &prometheus::GaugeVec, millis: Option<i64>) {
        if let (Some(series), Some(millis)) = (&self.0, millis) {
            let gauge = family(&series.families).with_label_values(&[&series.name]);
            gauge.set(in_seconds(millis));
        }
    }
}

/// What it writes.
impl SourceMetrics {
    /// So many records are at the output, of which some could not be mapped.
    pub fn records(&self, records: u64, failed: u64) {
        if let Some(series) = &self.0 {
            series.records.inc_by(records);
            series.pipeline_errors.inc_by(failed);
            series.mapped.inc_by(records.saturating_sub(failed));
        }
    }

    /// So many records are at the output as they came.
    pub fn raw_records(&self, records: u64) {
        if let Some(series) = &self.0 {
            series.records.inc_by(records);
        }
    }

    /// The output took so many bytes.
    pub fn wrote(&self, bytes: usize) {
        if let Some(series) = &self.0 {
            series.output_bytes.inc_by(bytes as u64);
        }
    }

    /// It begins to wait for the output, or ends.
    pub fn waiting(&self, is_waiting: bool) {
        let Some(series) = &self.0 else { return };
        let mut now = series.now();
        let at = Instant::now();
        if let Some(write) = now.write.take() {
            let waited = at.saturating_duration_since(write.counted);
            series.output_blocked.inc_by(waited.as_secs_f64());
        }
        now.write = is_waiting.then_some(Write {
            since: at,
            began: now_millis(),
            counted: at,
            because: None,
        });
    }

    /// What keeps the output, or the state, from taking more until it takes some.
    pub fn blocked_by(&self, because: &dyn fmt::Display) {
        if let Some(series) = &self.0
            && let Some(write) = &mut series.now().write
        {
            write.because = Some(because.to_string().replace(['\n', '\r'], " "));
        }
    }

    /// Output and state were saved.
    pub fn saved(&self, took: Duration) {
        if let Some(series) = &self.0 {
            series.save_duration.observe(took.as_secs_f64());
            self.set_time(|families| &families.output.last_save, Some(now_millis()));
        }
    }

    /// A response came with that status, or none.
    pub fn request(&self, api: Api, status: Option<u16>) {
        if let Some(series) = &self.0 {
            let status = status.map_or_else(|| "error".to_owned(), |status| status.to_string());
            let labels = [&*series.name, api.name(), &status];
            series
                .families
                .requests
                .requests
                .with_label_values(&labels)
                .inc();
        }
    }

    /// So many requests are repeated.
    pub fn retries(&self, api: Api, count: u64) {
        if let Some(series) = &self.0 {
            let labels = [&*series.name, api.name()];
            let retries = series.families.requests.retries.with_label_values(&labels);
            retries.inc_by(count);
            series.now().known.retries += count;
        }
    }

    /// It makes requests. What alerts look at begins at 0: a first increase is seen only so.
    pub fn asks(&self, api: Api) {
        self.retries(api, 0);
        if let Some(series) = &self.0 {
            // OAuth servers refuse a grant with 400 (RFC 6749, 5.2).
            let grant = (api == Api::OAuth).then_some("400");
            for status in ["401", "403"].into_iter().chain(grant) {
                let labels = [&*series.name, api.name(), status];
                series.families.requests.requests.with_label_values(&labels);
            }
        }
    }

    /// It sends to a cluster.
    pub fn sends(&self) {
        for outcome in ItemOutcome::ALL {
            self.items(outcome, 0);
        }
        self.in_flight(0);
    }

    /// So many events came to that in the cluster.
    pub fn items(&self, outcome: ItemOutcome, count: u64) {
        if let Some(series) = &self.0 {
            let labels = [&*series.name, outcome.name()];
            let items = series.families.cluster.items.with_label_values(&labels);
            items.inc_by(count);
            if outcome == ItemOutcome::DeadLetter {
                let letters = series
                    .families
                    .cluster
                    .dead_letters
                    .with_label_values(&labels[..1]);
                letters.inc_by(count);
            }
        }
    }

    /// So many bytes more, or less, are on their way to the cluster.
    pub fn in_flight(&self, more: i64) {
        if let Some(series) = &self.0 {
            let labels = [&*series.name];
            let bytes = series.families.cluster.in_flight.with_label_values(&labels);
            bytes.add(more);
        }
    }
}

/// What is measured of the requests to one server.
#[derive(Debug, Clone, Default)]
pub struct RequestMetrics {
    /// Whose requests they are.
    pub source: SourceMetrics,
    /// What they are made to, but for those to an OAuth server.
    pub api: Api,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::process::metrics::{Metrics, MetricsOptions};

    #[test]
    fn what_waits_goes_on_waiting_when_its_source_is_begun_anew() {
        let metrics = Metrics::start(&MetricsOptions::default()).unwrap();
        let source = metrics.source("wiki");
        let begun = || {
            source.begins("tail");
            source.follows(BTreeMap::new(), 0);
            source.0.as_ref().unwrap().now().caught_up
        };
        let first = begun();
        assert!(first.is_some());
        assert_eq!(begun(), first);
    }
}
