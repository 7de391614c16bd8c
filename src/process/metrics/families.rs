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
    pub config_reload: IntGaugeVec,
    pub up: IntGaugeVec,
    pub geoip_build: GaugeVec,
    pub input: InputFamilies,
    pub output: OutputFamilies,
    pub requests: RequestFamilies,
    pub cluster: ClusterFamilies,
}

impl Families {
    /// # Errors
    /// Never, since the names are right and there are no two of them.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let new = Registrar(&registry);
        let build = new.gauge("build_info", "The program, always 1.", &["version"])?;
        let build = build.with_label_values(&[env!("CARGO_PKG_VERSION")]);
        build.set(1.0);
        Ok(Self {
            config_reload: new.int_gauge(
                "config_last_reload_successful",
                "run: whether the configuration was good when it was read last.",
                &[],
            )?,
            up: new.int_gauge(
                "up",
                "Whether the source works (1), or fails or waits for its next attempt (0).",
                &[],
            )?,
            geoip_build: new.gauge(
                "geoip_database_build_timestamp_seconds",
                "When the GeoIP database was built.",
                &["database"],
            )?,
            input: InputFamilies::new(&new)?,
            output: OutputFamilies::new(&new)?,
            requests: RequestFamilies::new(&new)?,
            cluster: ClusterFamilies::new(&new)?,
            registry,
        })
    }
}

/// What is read.
#[derive(Debug)]
pub(super) struct InputFamilies {
    pub input_bytes: IntCounterVec,
    pub lost_bytes: IntCounterVec,
    pub lag_bytes: IntGaugeVec,
    pub lag_seconds: GaugeVec,
    pub files: IntGaugeVec,
    pub newest_event: GaugeVec,
}

impl InputFamilies {
    fn new(new: &Registrar<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            input_bytes: new.int_counter("input_bytes_total", "Bytes of input that were processed, decompressed: of log files, or of pages of the API.", &[])?,
            lost_bytes: new.int_counter("lost_bytes_total", "Bytes of log files that were gone before they were read.", &[])?,
            lag_bytes: new.int_gauge("lag_bytes", "Bytes of plain log files that are not at the output yet.", &[])?,
            lag_seconds: new.gauge("lag_seconds", "tail: how long what is not at the output has waited, 0 if nothing waits; fetch: the age of the saved position.", &[])?,
            files: new.int_gauge("files", "Log files that are known.", &["state"])?,
            newest_event: new.gauge("newest_event_timestamp_seconds", "Time of the newest event at the output.", &[])?,
        })
    }
}

/// What is written and saved.
#[derive(Debug)]
pub(super) struct OutputFamilies {
    pub records: IntCounterVec,
    pub events: IntCounterVec,
    pub bytes: IntCounterVec,
    pub blocked: CounterVec,
    pub last_save: GaugeVec,
    pub save_duration: HistogramVec,
}

impl OutputFamilies {
    fn new(new: &Registrar<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            records: new.int_counter("records_total", "Records that the output took.", &[])?,
            events: new.int_counter(
                "events_total",
                "Events that the output took; pipeline_error: of records that could not be mapped.",
                &["outcome"],
            )?,
            bytes: new.int_counter(
                "output_bytes_total",
                "Bytes of events that the output took.",
                &[],
            )?,
            blocked: new.counter(
                "output_blocked_seconds_total",
                "Time spent waiting for the output.",
                &[],
            )?,
            last_save: new.gauge(
                "last_save_timestamp_seconds",
                "When the state was saved last.",
                &[],
            )?,
            save_duration: new.save_duration()?,
        })
    }
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct RequestFamilies {
    pub requests: IntCounterVec,
    pub retries: IntCounterVec,
    pub last_success: GaugeVec,
    pub cursor: GaugeVec,
    pub grant_expiry: GaugeVec,
}

impl RequestFamilies {
    fn new(new: &Registrar<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            requests: new.int_counter(
                "requests_total",
                "HTTP requests by the status of the response; error: none came.",
                &["api", "status"],
            )?,
            retries: new.int_counter("retries_total", "Requests that were repeated.", &["api"])?,
            last_success: new.gauge(
                "fetch_last_success_timestamp_seconds",
                "When everything was fetched last.",
                &[],
            )?,
            cursor: new.gauge(
                "fetch_cursor_timestamp_seconds",
                "Up to when all records are at the output.",
                &[],
            )?,
            grant_expiry: new.gauge(
                "oauth_grant_expiry_timestamp_seconds",
                "When a new login is needed, unless the grant is used before.",
                &[],
            )?,
        })
    }
}

/// What becomes of events in a cluster.
#[derive(Debug)]
pub(super) struct ClusterFamilies {
    pub items: IntCounterVec,
    pub in_flight: IntGaugeVec,
    pub dead_letters: IntCounterVec,
}

impl ClusterFamilies {
    fn new(new: &Registrar<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            items: new.int_counter(
                "elasticsearch_items_total",
                "Events sent to the cluster, by what became of them; retried: sent once more.",
                &["outcome"],
            )?,
            in_flight: new.int_gauge(
                "elasticsearch_inflight_bytes",
                "Bytes of bulk requests without an answer.",
                &[],
            )?,
            dead_letters: new.int_counter(
                "dead_letters_total",
                "Events that were put into the dead letter file.",
                &[],
            )?,
        })
    }
}

/// Makes metrics and registers them.
struct Registrar<'a>(&'a Registry);

/// `source` and the others; of the program itself, only the others.
fn labels<'a>(name: &str, others: &[&'a str]) -> Vec<&'a str> {
    let is_of_process = matches!(name, "build_info" | "config_last_reload_successful");
    let source = (!is_of_process).then_some(SOURCE);
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
