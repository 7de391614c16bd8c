//! The names, labels and meanings of all metrics (docs/monitoring.md).

use prometheus::{
    CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
};

/// What all names begin with.
const NAMESPACE: &str = "confluence_ecs";
/// The label that says which source it is.
const SOURCE: &str = "source";
/// Upper bounds of how long a save takes, in seconds.
const SAVE_BUCKETS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
];

/// The metrics of a process, each for all of its sources.
#[derive(Debug)]
pub(super) struct Families {
    pub registry: Registry,
    pub up: IntGaugeVec,
    pub records: IntCounterVec,
    pub events: IntCounterVec,
    pub input_bytes: IntCounterVec,
    pub lost_bytes: IntCounterVec,
    pub lag_bytes: IntGaugeVec,
    pub lag_seconds: GaugeVec,
    pub files: IntGaugeVec,
    pub newest_event: GaugeVec,
    pub last_save: GaugeVec,
    pub save_duration: HistogramVec,
    pub output_bytes: IntCounterVec,
    pub output_blocked: CounterVec,
    pub requests: IntCounterVec,
    pub retries: IntCounterVec,
    pub fetch_last_success: GaugeVec,
    pub fetch_cursor: GaugeVec,
    pub elasticsearch_items: IntCounterVec,
    pub elasticsearch_inflight: IntGaugeVec,
    pub dead_letters: IntCounterVec,
    pub oauth_grant_expiry: GaugeVec,
    pub geoip_build: GaugeVec,
}

impl Families {
    /// # Errors
    /// Never, since the names are right and there are no two of them.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let new = Registrar(&registry);
        let build = new.gauge("build_info", "The program, always 1.", &["version"])?;
        build
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1.0);
        Ok(Self {
            up: new.int_gauge(
                "up",
                "Whether the source works (1), or fails or waits for its next attempt (0).",
                &[],
            )?,
            records: new.int_counter("records_total", "Records that the output took.", &[])?,
            events: new.int_counter(
                "events_total",
                "Events that the output took; pipeline_error: of records that could not be mapped.",
                &["outcome"],
            )?,
            input_bytes: new.int_counter(
                "input_bytes_total",
                "Bytes of input that were processed, decompressed: of log files, or of pages of the API.",
                &[],
            )?,
            lost_bytes: new.int_counter(
                "lost_bytes_total",
                "Bytes of log files that were gone before they were read.",
                &[],
            )?,
            lag_bytes: new.int_gauge(
                "lag_bytes",
                "Bytes of plain log files that are not at the output yet.",
                &[],
            )?,
            lag_seconds: new.gauge(
                "lag_seconds",
                "tail: how long the oldest record has waited that is not at the output, 0 if there is none; fetch: the age of the saved position.",
                &[],
            )?,
            files: new.int_gauge("files", "Log files that are known.", &["state"])?,
            newest_event: new.gauge(
                "newest_event_timestamp_seconds",
                "Time of the newest event at the output.",
                &[],
            )?,
            last_save: new.gauge(
                "last_save_timestamp_seconds",
                "When the state was saved last.",
                &[],
            )?,
            save_duration: new.save_duration()?,
            output_bytes: new.int_counter(
                "output_bytes_total",
                "Bytes of events that the output took.",
                &[],
            )?,
            output_blocked: new.counter(
                "output_blocked_seconds_total",
                "Time spent waiting for the output.",
                &[],
            )?,
            requests: new.int_counter(
                "requests_total",
                "HTTP requests by the status of the response; error: none came.",
                &["api", "status"],
            )?,
            retries: new.int_counter(
                "retries_total",
                "Requests that were repeated.",
                &["api"],
            )?,
            fetch_last_success: new.gauge(
                "fetch_last_success_timestamp_seconds",
                "When everything was fetched last.",
                &[],
            )?,
            fetch_cursor: new.gauge(
                "fetch_cursor_timestamp_seconds",
                "Up to when all records are at the output.",
                &[],
            )?,
            elasticsearch_items: new.int_counter(
                "elasticsearch_items_total",
                "Events sent to the cluster, by what became of them; retried: sent once more.",
                &["outcome"],
            )?,
            elasticsearch_inflight: new.int_gauge(
                "elasticsearch_inflight_bytes",
                "Bytes of bulk requests without an answer.",
                &[],
            )?,
            dead_letters: new.int_counter(
                "dead_letters_total",
                "Events that were put into the dead letter file.",
                &[],
            )?,
            oauth_grant_expiry: new.gauge(
                "oauth_grant_expiry_timestamp_seconds",
                "When a new login is needed, unless the grant is used before.",
                &[],
            )?,
            geoip_build: new.gauge(
                "geoip_database_build_timestamp_seconds",
                "When the GeoIP database was built.",
                &["database"],
            )?,
            registry,
        })
    }
}

/// Makes metrics and registers them.
struct Registrar<'a>(&'a Registry);

/// `source` and the others; of the program itself, only the others.
fn labels<'a>(name: &str, others: &[&'a str]) -> Vec<&'a str> {
    let source = (name != "build_info").then_some(SOURCE);
    source.into_iter().chain(others.iter().copied()).collect()
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace(NAMESPACE)
}

impl Registrar<'_> {
    fn int_counter(
        &self,
        name: &str,
        help: &str,
        others: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        let family = IntCounterVec::new(opts(name, help), &labels(name, others))?;
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }

    fn counter(&self, name: &str, help: &str, others: &[&str]) -> prometheus::Result<CounterVec> {
        let family = CounterVec::new(opts(name, help), &labels(name, others))?;
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }

    fn int_gauge(
        &self,
        name: &str,
        help: &str,
        others: &[&str],
    ) -> prometheus::Result<IntGaugeVec> {
        let family = IntGaugeVec::new(opts(name, help), &labels(name, others))?;
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }

    fn gauge(&self, name: &str, help: &str, others: &[&str]) -> prometheus::Result<GaugeVec> {
        let family = GaugeVec::new(opts(name, help), &labels(name, others))?;
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }

    fn save_duration(&self) -> prometheus::Result<HistogramVec> {
        let help = "How long a save takes: the output synced, then the state written.";
        let opts = HistogramOpts::new("save_duration_seconds", help).namespace(NAMESPACE);
        let family = HistogramVec::new(opts.buckets(SAVE_BUCKETS.to_vec()), &[SOURCE])?;
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }
}
