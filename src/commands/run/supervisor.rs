//! Looks after the sources: begins, ends and replaces them, and speaks for them all.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::worker::{Condition, Worker};
use crate::cli::GivenFlag;
use crate::commands::Error;
use crate::config::layers::Setting;
use crate::config::service::Configuration;
use crate::config::source::Source;
use crate::exit::Exit;
use crate::process::metrics::Metrics;
use crate::process::service::Service;
use crate::process::signal_guard;
use crate::process::stop::Stop;

/// How often the status is told, at least.
const STATUS_INTERVAL: Duration = Duration::from_secs(15);
/// How often the sources are looked at when nothing wakes us.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The signal that ends a source whose configuration changed.
const SIGTERM: u8 = 15;

/// The sources of a process.
pub struct Supervisor {
    path: PathBuf,
    given: Vec<GivenFlag>,
    stop: Arc<Stop>,
    service: Arc<Service>,
    metrics: Metrics,
    /// What the configuration said of metrics at the start.
    metrics_settings: Vec<Option<Setting>>,
    workers: Vec<Worker>,
    /// Sources that begin when the one that they replace is over.
    successors: Vec<Source>,
    is_ready: bool,
}

impl Supervisor {
    /// Takes over the signals of the process.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub fn new(path: PathBuf, given: Vec<GivenFlag>, metrics: Metrics) -> Result<Self, Error> {
        Ok(Self {
            path,
            given,
            stop: Arc::new(Stop::on_signals_and_hangup()?),
            service: Arc::new(Service::start().watched(&metrics)),
            metrics,
            metrics_settings: Vec::new(),
            workers: Vec::new(),
            successors: Vec::new(),
            is_ready: false,
        })
    }

    /// Runs the sources until a signal ends them all.
    ///
    /// # Errors
    /// When every source is unusable at the start, or the system gives no thread.
    pub fn run(mut self, configuration: Configuration) -> Result<Exit, Error> {
        self.metrics_settings = metrics_settings(&configuration);
        for source in configuration.sources {
            self.start(source)?;
        }
        let mut told: Option<Instant> = None;
        while !self.stop.is_requested() {
            self.service.beat();
            self.begin_successors()?;
            if self.workers.iter().all(Worker::is_over) && self.successors.is_empty() {
                break;
            }
            if !self.is_ready {
                self.tell_ready()?;
            }
            if self.stop.take_hangup() {
                self.reload();
                continue;
            }
            if told.is_none_or(|told| told.elapsed() >= STATUS_INTERVAL) {
                told = Some(Instant::now());
                self.service.status(&self.status());
            }
            self.stop.wait_for(LOOK_INTERVAL, None)?;
        }
        self.end();
        Ok(Exit::Done)
    }

    fn start(&mut self, source: Source) -> Result<(), Error> {
        tracing::info!("starting source `{}` ({})", source.name, source.kind.name());
        let metrics = self.metrics.source(&source.name);
        let worker = Worker::start(source, (&self.service, metrics), &self.stop)?;
        self.workers.push(worker);
        Ok(())
    }

    /// Ready when each source has begun, or has shown that it cannot yet.
    fn tell_ready(&mut self) -> Result<(), Error> {
        let conditions: Vec<_> = self.workers.iter().map(Worker::condition).collect();
        if conditions.contains(&Condition::Starting) {
            return Ok(());
        }
        let is_unusable = |condition: &Condition| {
            matches!(
                condition,
                Condition::Failing {
                    is_unusable: true,
                    ..
                }
            )
        };
        if !conditions.is_empty() && conditions.iter().all(is_unusable) {
            self.end();
            return Err(Error::NoUsableSource);
        }
        self.is_ready = true;
        self.service.ready();
        Ok(())
    }

    fn status(&self) -> String {
        let of_source = |worker: &Worker| format!("{}: {}", worker.source.name, worker.status());
        let lines: Vec<_> = self.workers.iter().map(of_source).collect();
        lines.join("; ")
    }

    /// Reads the configuration again: what is unchanged goes on with its output opened anew, what changed
    /// is ended with everything saved and begun anew.
    fn reload(&mut self) {
        let loaded = Configuration::load(&self.path, &self.given).and_then(|configuration| {
            for source in &configuration.sources {
                source.arguments()?;
            }
            Ok(configuration)
        });
        let configuration = match loaded {
            Ok(configuration) => configuration,
            Err(error) => {
                tracing::error!("{error}; going on with the configuration as it was");
                self.reopen(|_| true);
                return;
            }
        };
        if metrics_settings(&configuration) != self.metrics_settings {
            tracing::warn!("metrics_file or metrics_listen was changed: that takes a restart");
        }
        let wanted = configuration.sources;
        let is_wanted = |source: &Source| wanted.iter().any(|other| other.is_same(source));
        for worker in &self.workers {
            if !is_wanted(&worker.source) {
                tracing::info!(
                    "stopping source `{}`: it was changed or removed",
                    worker.source.name
                );
                worker.stop.end_by(SIGTERM);
            }
        }
        self.reopen(|source| is_wanted(source));
        let runs = |source: &Source| {
            let same =
                |worker: &Worker| worker.source.is_same(source) && !worker.stop.is_requested();
            self.workers.iter().any(same)
        };
        let successors = wanted.into_iter().filter(|source| !runs(source)).collect();
        self.successors = successors;
        tracing::info!("configuration read again");
    }

    fn reopen(&self, is_meant: impl Fn(&Source) -> bool) {
        let meant = self
            .workers
            .iter()
            .filter(|worker| is_meant(&worker.source));
        for worker in meant {
            worker.stop.hang_up();
        }
    }

    /// Begins sources whose predecessors are over; the others go on meanwhile.
    fn begin_successors(&mut self) -> Result<(), Error> {
        let is_ending = |worker: &Worker| worker.stop.is_requested();
        let successors = &self.successors;
        let is_over = |worker: &Worker| is_ending(worker) && worker.is_over();
        for worker in self.workers.iter().filter(|worker| is_over(worker)) {
            let name = &worker.source.name;
            if !successors.iter().any(|source| source.name == *name) {
                self.metrics.source(name).removed();
            }
        }
        self.workers.retain(|worker| !is_over(worker));
        if self.successors.is_empty() {
            return Ok(());
        }
        // Of another name, it may still be what held the same output or state.
        if self.workers.iter().any(is_ending) {
            return Ok(());
        }
        for source in std::mem::take(&mut self.successors) {
            self.start(source)?;
        }
        Ok(())
    }

    /// Ends all sources, each with everything saved.
    fn end(&mut self) {
        self.service.stopping();
        let signal = self.stop.signal().unwrap_or(SIGTERM);
        for worker in &self.workers {
            worker.stop.end_by(signal);
        }
        // The watchdog is to look at the sources, not at who waits for them.
        self.service.waiting(true);
        for worker in self.workers.drain(..) {
            worker.join();
        }
        signal_guard::wait(signal_guard::PATIENCE);
    }
}

/// What a configuration says of metrics, which are told for all sources.
fn metrics_settings(configuration: &Configuration) -> Vec<Option<Setting>> {
    let setting = |name: &str| {
        let assignment = configuration.shared.get(name)?;
        Some(assignment.setting.clone())
    };
    ["metrics_file", "metrics_listen"].map(setting).into()
}
