//! Running under systemd: readiness, status and the watchdog (`sd_notify(3)`).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use sd_notify::NotifyState;

use super::metrics::{Metrics, SourceMetrics};
use super::pulse::{Pulse, Pulses};

/// How often the service manager is told the status, at least.
const STATUS_INTERVAL: Duration = Duration::from_secs(15);

/// The service manager, if there is one that wants to know; nothing is done without.
///
/// A process has one, which its work reports to; where it does several things side by side, each has a
/// [part](Self::part) of it: then the process is alive while all of them are, and whoever looks after the parts
/// says when it is ready, and what its status is.
#[derive(Debug)]
pub struct Service {
    pulse: Arc<Pulse>,
    pulses: Arc<Pulses>,
    part: Option<Arc<Part>>,
    metrics: SourceMetrics,
    /// Ends the watchdog thread when it is dropped.
    _watchdog: Option<Sender<()>>,
    /// Ends the thread that tells the status when it is dropped.
    _status: Option<Sender<()>>,
}

/// What a part of a service says of itself.
#[derive(Debug, Default)]
pub struct Part {
    is_ready: AtomicBool,
}

impl Part {
    /// Whether all is open, and the work has begun.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::SeqCst)
    }

    /// It begins anew.
    pub fn reset(&self) {
        self.is_ready.store(false, Ordering::SeqCst);
    }
}

impl Service {
    /// Finds the service manager by `NOTIFY_SOCKET`, and begins to feed its watchdog if
    /// `WATCHDOG_USEC` (and `WATCHDOG_PID`, this process) ask for it.
    #[must_use]
    pub fn start() -> Self {
        let pulse = Arc::new(Pulse::new());
        let pulses = Arc::new(Pulses::default());
        pulses.add(&pulse);
        let interval = sd_notify::watchdog_enabled()
            .filter(|interval| !interval.is_zero())
            .filter(|_| std::env::var_os("NOTIFY_SOCKET").is_some());
        let watchdog = interval.and_then(|interval| {
            let (alive, ended) = mpsc::channel();
            let pulses = Arc::clone(&pulses);
            let feed = move || feed_watchdog(&pulses, interval, &ended);
            let thread = thread::Builder::new().name("watchdog".to_owned());
            thread
                .spawn(feed)
                .inspect_err(|error| {
                    tracing::warn!(%error, "cannot start the thread that notifies systemd's watchdog");
                })
                .ok()?;
            Some(alive)
        });
        Self {
            pulse,
            pulses,
            part: None,
            metrics: SourceMetrics::default(),
            _watchdog: watchdog,
            _status: None,
        }
    }

    /// Lets the metrics tell whether all that the process does is alive.
    #[must_use]
    pub fn watched(self, metrics: &Metrics) -> Self {
        metrics.watch(&self.pulses);
        self
    }

    /// With the metrics of the source that the process is, by which its status is told from now on.
    #[must_use]
    pub fn measured(self, metrics: SourceMetrics) -> Self {
        metrics.watch(&self.pulses);
        let is_told = self.part.is_none() && std::env::var_os("NOTIFY_SOCKET").is_some();
        Self {
            _status: is_told.then(|| start_status(metrics.clone())).flatten(),
            metrics,
            ..self
        }
    }

    /// The metrics of the source that it serves.
    #[must_use]
    pub fn metrics(&self) -> &SourceMetrics {
        &self.metrics
    }

    /// A part of the process, which reports to `part` instead of the service manager.
    #[must_use]
    pub fn part(&self, part: &Arc<Part>, metrics: SourceMetrics) -> Self {
        let pulse = Arc::new(Pulse::new());
        self.pulses.add(&pulse);
        Self {
            pulse,
            pulses: Arc::clone(&self.pulses),
            part: Some(Arc::clone(part)),
            metrics,
            _watchdog: None,
            _status: None,
        }
    }

    /// All is open, the work begins.
    pub fn ready(&self) {
        self.beat();
        self.metrics.working();
        match &self.part {
            Some(part) => part.is_ready.store(true, Ordering::SeqCst),
            None => notify(&[NotifyState::Ready]),
        }
    }

    /// Whether somebody else speaks for it, as it is a part.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.part.is_some()
    }

    /// The end has begun: what was read is being finished.
    pub fn stopping(&self) {
        if self.part.is_none() {
            notify(&[NotifyState::Stopping]);
        }
    }

    /// Says in one line what is going on, for `systemctl status`. Of a part, whoever looks after it says that.
    pub fn status(&self, text: &str) {
        // A line feed would begin the next assignment.
        let line = text.replace(['\n', '\r'], " ");
        if self.part.is_none() {
            notify(&[NotifyState::Status(&line)]);
        }
    }

    /// Says what the metrics say, for `systemctl status`.
    pub fn tell_status(&self) {
        self.status(&self.metrics.summary());
    }

    /// The loop that does the work is alive. Cheap: to be called at every turn.
    pub fn beat(&self) {
        self.pulse.beat();
    }

    /// A thread of the loop begins to wait on purpose, for input or for an output that takes nothing, or ends that: it is
    /// no hang, and a restart would not mend it. Each beginning has its end.
    pub fn waiting(&self, waiting: bool) {
        self.beat();
        self.pulse.wait(waiting);
    }
}

/// Feeds the watchdog thrice an interval while the loop is alive, until the service is dropped.
fn feed_watchdog(pulses: &Pulses, interval: Duration, ended: &mpsc::Receiver<()>) {
    loop {
        if pulses.are_alive(interval) {
            notify(&[NotifyState::Watchdog]);
        }
        match ended.recv_timeout(interval / 3) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn start_status(metrics: SourceMetrics) -> Option<Sender<()>> {
    let (alive, ended) = mpsc::channel();
    let tell = move || tell_status(&metrics, &ended);
    let thread = thread::Builder::new().name("status".to_owned());
    let started = thread.spawn(tell).inspect_err(|error| {
        tracing::warn!(%error, "cannot start the thread that tells systemd the status");
    });
    started.is_ok().then_some(alive)
}

/// Tells the status again and again, whatever the work is waiting for, until the service is dropped.
fn tell_status(metrics: &SourceMetrics, ended: &mpsc::Receiver<()>) {
    while ended.recv_timeout(STATUS_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        notify(&[NotifyState::Status(&metrics.summary())]);
    }
}

/// Notifies the service manager, if there is one. A failure is only logged.
fn notify(state: &[NotifyState<'_>]) {
    let sent: io::Result<()> = sd_notify::notify(state);
    if let Err(error) = sent {
        tracing::debug!(%error, ?state, "cannot notify systemd");
    }
}
