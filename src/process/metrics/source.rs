//! What is measured of one source, and how it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use prometheus::{Counter, Histogram, IntCounter, IntGauge};

use super::families::Families;
use super::health::Health;
use crate::process::file_id::FileId;
use crate::process::pulse::Pulses;

/// An output that takes nothing for so long is not ready.
const BLOCKED: Duration = Duration::from_secs(5);

/// The metrics of one source, which go on while it is ended and begun anew; by default nothing is measured.
#[derive(Debug, Clone, Default)]
pub struct SourceMetrics(Option<Arc<Series>>);

/// What requests are made to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Api {
    /// A site, or Atlassian's gateway.
    #[default]
    Atlassian,
    /// An OAuth server.
    OAuth,
    /// Elasticsearch or OpenSearch.
    Elasticsearch,
}

impl Api {
    fn name(self) -> &'static str {
        match self {
            Self::Atlassian => "atlassian",
            Self::OAuth => "oauth",
            Self::Elasticsearch => "elasticsearch",
        }
    }
}

/// What became of an event that was sent to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Stored as it is.
    Created,
    /// It was there already.
    Duplicate,
    /// Stored in its plain form.
    PlainForm,
    /// In the dead letter file.
    DeadLetter,
    /// In the failure store.
    FailureStore,
    /// To be sent once more.
    Retried,
}

impl ItemOutcome {
    const ALL: [Self; 6] = [
        Self::Created,
        Self::Duplicate,
        Self::PlainForm,
        Self::DeadLetter,
        Self::FailureStore,
        Self::Retried,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Duplicate => "duplicate",
            Self::PlainForm => "plain_form",
            Self::DeadLetter => "dead_letter",
            Self::FailureStore => "failure_store",
            Self::Retried => "retried",
        }
    }
}

/// What is known of a log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// A plain file, which is read as it grows.
    Followed,
    /// A compressed file.
    Compressed,
    /// It was read, and is not there any more.
    Gone,
    /// Nothing is to be read of it.
    Ignored,
}

impl FileState {
    const ALL: [Self; 4] = [Self::Followed, Self::Compressed, Self::Gone, Self::Ignored];

    fn name(self) -> &'static str {
        match self {
            Self::Followed => "followed",
            Self::Compressed => "compressed",
            Self::Gone => "gone",
            Self::Ignored => "ignored",
        }
    }
}

/// A log file, and how much of it is at the output.
#[derive(Debug, Clone)]
pub struct FollowedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Which file that is.
    pub file_id: FileId,
    /// What is known of it.
    pub state: FileState,
    /// Whether it is plain, so that its bytes tell how much there is to read.
    pub is_read: bool,
    /// How long it was when it was looked at.
    pub size: u64,
    /// How much of it is at the output.
    pub offset: u64,
}

impl FollowedFile {
    /// Bytes that are not at the output, as the file is now.
    fn unread(&self) -> u64 {
        if !self.is_read {
            return 0;
        }
        // Where the output is blocked, nobody else looks.
        let metadata = std::fs::metadata(&self.path).ok();
        let metadata = metadata.filter(|it| FileId::of(it) == self.file_id);
        let size = metadata.map_or(self.size, |it| it.len());
        size.saturating_sub(self.offset)
    }
}

/// The metrics of a source that are used often.
#[derive(Debug)]
pub(super) struct Series {
    pub name: String,
    families: Arc<Families>,
    health: Arc<Health>,
    up: IntGauge,
    records: IntCounter,
    mapped: IntCounter,
    pipeline_errors: IntCounter,
    input_bytes: IntCounter,
    lost_bytes: IntCounter,
    output_bytes: IntCounter,
    output_blocked: Counter,
    save_duration: Histogram,
    now: Mutex<Now>,
}

/// How a source is.
#[derive(Debug, Default)]
struct Now {
    condition: Condition,
    /// It was taken out of the configuration.
    is_removed: bool,
    write: Option<Write>,
    /// Log files by their number; none if it follows none.
    files: Option<BTreeMap<u64, FollowedFile>>,
    unreadable: u64,
    /// Times in milliseconds since 1970.
    newest: Option<i64>,
    cursor: Option<i64>,
    /// When everything was at the output; before that, when it was begun.
    caught_up: Option<Instant>,
    was_caught_up: bool,
    lost_bytes: u64,
    lag: Lag,
}

#[derive(Debug, Default, Clone, Copy)]
struct Lag {
    bytes: Option<u64>,
    seconds: Option<f64>,
}

/// A wait for the output.
#[derive(Debug, Clone, Copy)]
struct Write {
    since: Instant,
    /// Up to when it is counted.
    counted: Instant,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Condition {
    #[default]
    Starting,
    Working,
    Failing(String),
    Ended,
}

impl Series {
    pub(super) fn new(name: &str, families: &Arc<Families>, health: &Arc<Health>) -> Self {
        let of = [name];
        let series = Self {
            name: name.to_owned(),
            up: families.up.with_label_values(&of),
            records: families.records.with_label_values(&of),
            mapped: families.events.with_label_values(&[name, "mapped"]),
            pipeline_errors: families.events.with_label_values(&[name, "pipeline_error"]),
            input_bytes: families.input_bytes.with_label_values(&of),
            lost_bytes: families.lost_bytes.with_label_values(&of),
            output_bytes: families.output_bytes.with_label_values(&of),
            output_blocked: families.output_blocked.with_label_values(&of),
            save_duration: families.save_duration.with_label_values(&of),
            families: Arc::clone(families),
            health: Arc::clone(health),
            now: Mutex::default(),
        };
        series.up.set(0);
        series
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_removed(&self) -> bool {
        self.now().is_removed
    }

    /// Brings up to date what time alone changes.
    pub(super) fn refresh(&self) {
        let mut now = self.now();
        if let Some(write) = &mut now.write {
            let until = Instant::now();
            let waited = until.saturating_duration_since(write.counted);
            write.counted = until;
            self.output_blocked.inc_by(waited.as_secs_f64());
        }
        now.measure_lag();
        let (families, of) = (&self.families, [&*self.name]);
        if let Some(bytes) = now.lag.bytes {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            families.lag_bytes.with_label_values(&of).set(bytes);
        }
        if let Some(seconds) = now.lag.seconds {
            families.lag_seconds.with_label_values(&of).set(seconds);
        }
        let Some(files) = &now.files else { return };
        let set = |state: &str, count: usize| {
            let gauge = families.files.with_label_values(&[of[0], state]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        for state in FileState::ALL {
            let count = files.values().filter(|file| file.state == state).count();
            set(state.name(), count);
        }
        set(
            "unreadable",
            usize::try_from(now.unreadable).unwrap_or(usize::MAX),
        );
    }

    /// Why it is not ready, if it is not.
    pub(super) fn unready(&self) -> Option<String> {
        let now = self.now();
        if now.is_removed {
            return None;
        }
        let why = match (&now.condition, &now.write) {
            (Condition::Starting, _) => "starting".to_owned(),
            (Condition::Failing(problem), _) => format!("failing: {problem}"),
            (Condition::Ended, _) => "ended".to_owned(),
            (Condition::Working, Some(write)) if write.since.elapsed() >= BLOCKED => {
                format!(
                    "the output has taken nothing for {}",
                    seconds(write.since.elapsed())
                )
            }
            (Condition::Working, _) => return None,
        };
        Some(format!("source `{}`: {why}", self.name))
    }

    fn summary(&self) -> String {
        let mut now = self.now();
        now.measure_lag();
        let mut text = format!("{} records", self.records.get());
        // Writing to a string cannot fail.
        if self.pipeline_errors.get() > 0 {
            let _ = write!(text, ", {} not mapped", self.pipeline_errors.get());
        }
        if let Some(files) = &now.files {
            let _ = write!(text, " of {} files", files.len());
        }
        if self.lost_bytes.get() > 0 {
            let _ = write!(text, ", {} bytes lost", self.lost_bytes.get());
        }
        match (now.lag.bytes, now.lag.seconds) {
            (Some(0), _) => {}
            (bytes, Some(late)) => {
                let late = seconds(Duration::try_from_secs_f64(late).unwrap_or_default());
                let bytes = bytes
                    .map(|bytes| format!("{bytes} bytes, "))
                    .unwrap_or_default();
                let _ = write!(text, ", {bytes}{late} behind");
            }
            (Some(bytes), None) => {
                let _ = write!(text, ", {bytes} bytes behind");
            }
            (None, None) => {}
        }
        if let Some(newest) = now.newest {
            let _ = write!(text, ", newest event {}", rfc3339(newest));
        }
        if let Some(write) = now.write.filter(|write| write.since.elapsed() >= BLOCKED) {
            let _ = write!(
                text,
                ", output blocked for {}",
                seconds(write.since.elapsed())
            );
        }
        if let Condition::Failing(problem) = &now.condition {
            let _ = write!(text, "; failing: {problem}");
        }
        text
    }
}

impl Now {
    fn measure_lag(&mut self) {
        let Some(files) = &self.files else {
            // Of a site, nothing but time tells.
            self.lag.seconds = self
                .cursor
                .map(|cursor| (now_millis() - cursor).max(0))
                .map(in_seconds);
            return;
        };
        let unread = files.values().map(FollowedFile::unread).sum();
        self.lag.bytes = Some(unread);
        if unread == 0 {
            self.caught_up = Some(Instant::now());
            self.was_caught_up = true;
            self.lag.seconds = Some(0.0);
            return;
        }
        // What is not at the output is not older than the newest that is, and came after all before it was.
        let waiting = self.caught_up.map(|at| at.elapsed().as_secs_f64());
        let age = self
            .newest
            .map(|newest| in_seconds((now_millis() - newest).max(0)));
        self.lag.seconds = match (waiting, age) {
            (Some(waiting), Some(age)) if self.was_caught_up => Some(waiting.min(age)),
            (_, Some(age)) => Some(age),
            (waiting, None) => waiting,
        };
    }
}

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
            now.condition = condition;
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
            self.set_time(|families| &families.newest_event, millis);
        }
    }

    /// The log files that are known at the start, and how many bytes were lost before.
    pub fn follows(&self, files: BTreeMap<u64, FollowedFile>, lost_bytes: u64) {
        if let Some(series) = &self.0 {
            let mut now = series.now();
            now.files = Some(files);
            now.lost_bytes = lost_bytes;
            now.caught_up = Some(Instant::now());
            now.was_caught_up = false;
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

    /// How many files or directories cannot be read.
    pub fn unreadable(&self, count: u64) {
        if let Some(series) = &self.0 {
            series.now().unreadable = count;
        }
    }

    /// All up to a time, in milliseconds since 1970, is at the output.
    pub fn cursor(&self, millis: Option<i64>) {
        let Some(series) = &self.0 else { return };
        series.now().cursor = millis;
        self.set_time(|families| &families.fetch_cursor, millis);
    }

    /// Everything was fetched.
    pub fn fetched(&self) {
        self.set_time(|families| &families.fetch_last_success, Some(now_millis()));
    }

    /// When a new login is needed, in milliseconds since 1970.
    pub fn grant_expiry(&self, millis: i64) {
        self.set_time(|families| &families.oauth_grant_expiry, Some(millis));
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
            counted: at,
        });
    }

    /// Output and state were saved.
    pub fn saved(&self, took: Duration) {
        if let Some(series) = &self.0 {
            series.save_duration.observe(took.as_secs_f64());
            self.set_time(|families| &families.last_save, Some(now_millis()));
        }
    }

    /// A response came with that status, or none.
    pub fn request(&self, api: Api, status: Option<u16>) {
        if let Some(series) = &self.0 {
            let status = status.map_or_else(|| "error".to_owned(), |status| status.to_string());
            let labels = [&*series.name, api.name(), &status];
            series.families.requests.with_label_values(&labels).inc();
        }
    }

    /// So many requests are repeated.
    pub fn retries(&self, api: Api, count: u64) {
        if let Some(series) = &self.0 {
            let labels = [&*series.name, api.name()];
            let retries = series.families.retries.with_label_values(&labels);
            retries.inc_by(count);
        }
    }

    /// It makes requests. What alerts look at begins at 0: a first increase is seen only so.
    pub fn asks(&self, api: Api) {
        self.retries(api, 0);
        if let Some(series) = &self.0 {
            for status in ["401", "403"] {
                let labels = [&*series.name, api.name(), status];
                series.families.requests.with_label_values(&labels);
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
            let items = series
                .families
                .elasticsearch_items
                .with_label_values(&labels);
            items.inc_by(count);
            if outcome == ItemOutcome::DeadLetter {
                let letters = series.families.dead_letters.with_label_values(&labels[..1]);
                letters.inc_by(count);
            }
        }
    }

    /// So many bytes more, or less, are on their way to the cluster.
    pub fn in_flight(&self, more: i64) {
        if let Some(series) = &self.0 {
            let labels = [&*series.name];
            let bytes = series
                .families
                .elasticsearch_inflight
                .with_label_values(&labels);
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

fn now_millis() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times have 43 bits for centuries"
)]
fn in_seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

/// A duration for people, in whole seconds.
fn seconds(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}

fn rfc3339(millis: i64) -> String {
    let since = Duration::from_millis(u64::try_from(millis).unwrap_or_default());
    let time = SystemTime::UNIX_EPOCH.checked_add(since);
    time.map(|time| humantime::format_rfc3339_seconds(time).to_string())
        .unwrap_or_default()
}
