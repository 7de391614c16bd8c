//! The thread of a source: runs it, and again when it failed.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::pause::Pauses;
use super::told::Told;
use crate::commands::{Error, fetch, tail};
use crate::config::source::{Source, SourceArgs};
use crate::exit::Exit;
use crate::pipeline::timestamp::Timestamp;
use crate::process::metrics::SourceMetrics;
use crate::process::service::{Part, Service};
use crate::process::stop::Stop;
use crate::process::{setting_names, source_name};

/// How a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It opens its files, or looks for its site.
    Starting,
    /// It is at work.
    Running,
    /// It failed, and is tried again at that time.
    Failing {
        /// Why.
        problem: String,
        /// Whether there is something to mend here before it can work at all.
        is_unusable: bool,
        /// When it is tried again.
        retry_at: Timestamp,
    },
    /// It is over, as it was told to, or because nobody reads what it writes.
    Ended,
}

/// A source that runs in a thread of its own.
pub struct Worker {
    /// What it is.
    pub source: Source,
    /// What ends it.
    pub stop: Arc<Stop>,
    part: Arc<Part>,
    told: Told,
    metrics: SourceMetrics,
    condition: Arc<Mutex<Condition>>,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Begins a source; `supervisor` is woken whenever its condition changes.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        source: Source,
        (service, metrics): (&Arc<Service>, SourceMetrics),
        supervisor: &Arc<Stop>,
    ) -> io::Result<Self> {
        let stop = Arc::new(Stop::new()?);
        let part = Arc::<Part>::default();
        metrics.begins(source.kind.name());
        let told = Told::of(&source, &metrics);
        let condition = Arc::new(Mutex::new(Condition::Starting));
        let attempts = Attempts {
            source: source.clone(),
            stop: Arc::clone(&stop),
            part: Arc::clone(&part),
            metrics: metrics.clone(),
            service: Arc::clone(service),
            condition: Arc::clone(&condition),
            supervisor: Arc::clone(supervisor),
        };
        let thread = std::thread::Builder::new().name(source.name.clone());
        let thread = thread.spawn(move || attempts.run())?;
        Ok(Self {
            source,
            stop,
            part,
            told,
            metrics,
            condition,
            thread,
        })
    }

    /// How it is.
    pub fn condition(&self) -> Condition {
        match self
            .condition
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
        {
            Condition::Starting if self.part.is_ready() => Condition::Running,
            condition => condition,
        }
    }

    /// What it says of itself, in one line.
    pub fn status(&self) -> String {
        match self.condition() {
            Condition::Starting => "starting".to_owned(),
            Condition::Running => self.metrics.summary(),
            Condition::Failing { problem, .. } => format!("failing: {problem}"),
            Condition::Ended => "ended".to_owned(),
        }
    }

    /// Tells reports how it is.
    pub fn tell(&mut self) {
        let mut known = self.metrics.known();
        let retry_at = match self.condition() {
            Condition::Starting | Condition::Running => None,
            Condition::Failing {
                problem, retry_at, ..
            } => {
                known.is_ready = false;
                known.problem = Some(problem);
                Some(retry_at)
            }
            // Of one that was told to end, the supervisor says whether it is replaced or removed.
            Condition::Ended if self.is_ending() => return,
            Condition::Ended => return self.told.end(),
        };
        self.told.tell(known, retry_at);
    }

    /// What reports were told last stays: it is why the process ends.
    pub fn keep_told(&mut self) {
        self.tell();
        self.told.keep();
    }

    /// Waits until it has saved everything. One that has not begun has nothing to save, and may be waiting for
    /// the network: it is left behind. What is still configured keeps its name in reports; of anything else they say that
    /// it is removed.
    pub fn join(mut self, is_configured: bool) {
        if self.condition() == Condition::Running {
            // It does not panic.
            let _ = self.thread.join();
        }
        if is_configured {
            self.told.keep();
        } else {
            self.told.remove();
        }
        self.metrics.ended();
    }

    /// It is over, and not in the configuration any more.
    pub fn remove(&mut self) {
        self.told.remove();
        self.metrics.removed();
    }

    /// Reports are told no more: its successor does that.
    pub fn end_told(&mut self) {
        self.told.end();
    }

    /// Whether it was told to end.
    pub fn is_ending(&self) -> bool {
        self.stop.signal().is_some()
    }

    /// Whether its thread is over.
    pub fn is_over(&self) -> bool {
        self.thread.is_finished()
    }
}

/// The attempts of a source to run.
struct Attempts {
    source: Source,
    stop: Arc<Stop>,
    part: Arc<Part>,
    metrics: SourceMetrics,
    service: Arc<Service>,
    condition: Arc<Mutex<Condition>>,
    supervisor: Arc<Stop>,
}

impl Attempts {
    fn run(self) {
        let span = source_name::span(&self.source.name);
        let _entered = span.enter();
        let mut pauses = Pauses::default();
        loop {
            self.part.reset();
            self.metrics.starting();
            self.set(Condition::Starting);
            let began = Instant::now();
            let error = match self.attempt() {
                Ok(_) => break,
                Err(error) if error.is_quiet() => break,
                Err(error) => error,
            };
            if self.is_ending() {
                tracing::error!("{error}");
                break;
            }
            // Its own threads were asked to end, not the source.
            self.stop.take_back();
            // Waiting for a site that does not answer is not being well.
            let ran = if self.part.is_ready() {
                began.elapsed()
            } else {
                Duration::ZERO
            };
            let pause = pauses.next(ran, error.is_refused());
            tracing::error!(
                "{error}; trying again in {}",
                humantime::format_duration(pause)
            );
            let problem = setting_names::named(&error.to_string()).into_owned();
            self.metrics.failing(&problem);
            self.set(Condition::Failing {
                problem,
                is_unusable: error.is_unusable(),
                retry_at: Timestamp::now().plus(pause),
            });
            self.wait(pause);
            if self.is_ending() {
                break;
            }
        }
        // One that is replaced shares them with its successor.
        if !self.is_ending() {
            tracing::info!("nobody reads the output any more: the source has ended");
            self.metrics.ended();
        }
        self.set(Condition::Ended);
    }

    fn is_ending(&self) -> bool {
        self.stop.signal().is_some()
    }

    fn attempt(&self) -> Result<Exit, Error> {
        let begin = || {
            let service = self.service.part(&self.part, self.metrics.clone());
            Ok((Arc::clone(&self.stop), Arc::new(service)))
        };
        match self.source.arguments()? {
            SourceArgs::Tail(arguments) => tail::follow(&arguments, &self.metrics, begin),
            SourceArgs::Fetch(arguments) => fetch::fetch(&arguments, &self.metrics, begin),
        }
    }

    /// Waits; a SIGHUP is a reason to try again at once.
    fn wait(&self, pause: Duration) {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let is_hung_up = self.stop.take_hangup();
            if left.is_zero() || is_hung_up || self.is_ending() {
                return;
            }
            if self.stop.wait_for(left, None).is_err() {
                std::thread::sleep(left.min(Duration::from_secs(1)));
            }
        }
    }

    fn set(&self, condition: Condition) {
        *self
            .condition
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = condition;
        self.supervisor.wake();
    }
}
