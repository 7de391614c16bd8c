//! Looks after the sources: begins, ends and replaces them, and speaks for them all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::worker::{Condition, Worker};
use crate::cli::GivenFlag;
use crate::commands::Error;
use crate::config::arguments;
use crate::config::effective::changed_of_process;
use crate::config::service::Configuration;
use crate::config::source::Source;
use crate::exit::Exit;
use crate::process::metrics::Metrics;
use crate::process::service::Service;
use crate::process::signal_guard;
use crate::process::stop::Stop;

/// How often the status is told, at least; when it changes, it is told then.
const STATUS_INTERVAL: Duration = Duration::from_secs(15);
/// How often the sources are looked at when nothing wakes us.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Readiness waits for a source to begin so long at most: systemd ends a start after 90 seconds, and the others are not
/// to end with one whose site does not answer.
const START_PATIENCE: Duration = Duration::from_secs(45);
/// The signal that ends a source whose configuration changed.
const SIGTERM: u8 = 15;

/// The sources of a process.
pub struct Supervisor {
    /// The one that the process was started with.
    configuration: Configuration,
    given: Vec<GivenFlag>,
    stop: Arc<Stop>,
    service: Arc<Service>,
    metrics: Metrics,
    workers: Vec<Worker>,
    /// Sources that begin when the one that they replace is over.
    successors: Vec<Source>,
    /// Why the configuration could not be used when it was read last, if so.
    refused: Option<String>,
    is_ready: bool,
    began: Instant,
}

impl Supervisor {
    /// Takes over the signals of the process.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub fn new(
        configuration: Configuration,
        given: Vec<GivenFlag>,
        metrics: Metrics,
    ) -> Result<Self, Error> {
        Ok(Self {
            configuration,
            given,
            stop: Arc::new(Stop::on_signals_and_hangup()?),
            service: Arc::new(Service::start().watched(&metrics)),
            metrics,
            workers: Vec::new(),
            successors: Vec::new(),
            refused: None,
            is_ready: false,
            began: Instant::now(),
        })
    }

    /// Runs the sources until a signal ends them all.
    ///
    /// # Errors
    /// When every source is unusable at the start, or the system gives no thread.
    pub fn run(mut self) -> Result<Exit, Error> {
        for source in self.configuration.sources.clone() {
            self.start(source)?;
        }
        let mut told: Option<(Instant, String)> = None;
        while !self.stop.is_requested() {
            self.service.beat();
            self.begin_successors()?;
            self.workers.iter_mut().for_each(Worker::tell);
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
            let status = self.status();
            let is_told =
                |(at, told): &(Instant, String)| at.elapsed() < STATUS_INTERVAL && *told == status;
            if !told.as_ref().is_some_and(is_told) {
                self.service.status(&status);
                told = Some((Instant::now(), status));
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
        let wanted = self.workers.iter().filter(|worker| !worker.is_ending());
        let conditions: Vec<_> = wanted.map(Worker::condition).collect();
        if conditions.contains(&Condition::Starting) && self.began.elapsed() < START_PATIENCE {
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
            self.workers.iter_mut().for_each(Worker::keep_told);
            self.end();
            return Err(Error::NoUsableSource);
        }
        self.is_ready = true;
        self.service.ready();
        Ok(())
    }

    fn status(&self) -> String {
        let of_source = |worker: &Worker| format!("{}: {}", worker.source.name, worker.status());
        let refused = self.refused.iter();
        let refused = refused.map(|error| format!("configuration not reloaded: {error}"));
        let lines: Vec<_> = refused.chain(self.workers.iter().map(of_source)).collect();
        lines.join("; ")
    }

    /// Reads the configuration again: what is unchanged goes on with its output opened anew, what changed
    /// is ended with everything saved and begun anew.
    fn reload(&mut self) {
        let loaded =
            Configuration::load(&self.configuration.path, &self.given).and_then(|configuration| {
                configuration.check_arguments()?;
                arguments::check_shared(&configuration)?;
                Ok(configuration)
            });
        let configuration = match loaded {
            Ok(configuration) => configuration,
            Err(error) => {
                tracing::error!(
                    "{error}; going on with the configuration as it was: mend the file and reload again, as a restart \
                     would end with this error"
                );
                self.metrics.config_loaded(false);
                self.refused = Some(error.to_string());
                self.reopen(|_| true);
                return;
            }
        };
        self.metrics.config_loaded(true);
        self.refused = None;
        for warning in &configuration.warnings {
            tracing::warn!("{warning}");
        }
        for key in changed_of_process(&self.configuration, &configuration) {
            tracing::warn!("{key} has changed: that takes effect when the service is restarted");
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
            let same = |worker: &Worker| worker.source.is_same(source) && !worker.is_ending();
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
        let is_over = |worker: &Worker| worker.is_ending() && worker.is_over();
        let (over, going_on) = std::mem::take(&mut self.workers)
            .into_iter()
            .partition(is_over);
        self.workers = going_on;
        for mut worker in over {
            if !self.is_configured(&worker.source.name) {
                worker.remove();
            }
        }
        if self.successors.is_empty() {
            return Ok(());
        }
        // Of another name, it may still be what holds the same output or site; one that never began, and waits for its
        // site, holds neither.
        let holds =
            |worker: &Worker| worker.is_ending() && worker.condition() == Condition::Running;
        let must_wait = |source: &Source| {
            let mut holding = self.workers.iter().filter(|worker| holds(worker));
            holding.any(|worker| worker.source.is_at_odds_with(source))
        };
        let (waiting, free) = std::mem::take(&mut self.successors)
            .into_iter()
            .partition(must_wait);
        self.successors = waiting;
        for source in free {
            // It speaks under the same name.
            let predecessors = self.workers.iter_mut();
            predecessors
                .filter(|worker| worker.is_ending() && worker.source.name == source.name)
                .for_each(Worker::end_told);
            self.start(source)?;
        }
        Ok(())
    }

    /// Whether a source of that name runs, or is about to.
    fn is_configured(&self, name: &str) -> bool {
        let goes_on = |worker: &Worker| !worker.is_ending() && worker.source.name == name;
        let is_successor = |source: &Source| source.name == name;
        self.workers.iter().any(goes_on) || self.successors.iter().any(is_successor)
    }

    /// Ends all sources, each with everything saved.
    fn end(&mut self) {
        self.service.stopping();
        let signal = self.stop.signal().unwrap_or(SIGTERM);
        let names = self.workers.iter().map(|worker| &worker.source.name);
        let configured: Vec<bool> = names.map(|name| self.is_configured(name)).collect();
        let workers: Vec<_> = self.workers.drain(..).zip(configured).collect();
        for (worker, _) in &workers {
            worker.stop.end_by(signal);
        }
        // The watchdog is to look at the sources, not at who waits for them.
        self.service.waiting(true);
        for (worker, is_configured) in workers {
            worker.join(is_configured);
        }
        signal_guard::wait(signal_guard::PATIENCE);
    }
}
