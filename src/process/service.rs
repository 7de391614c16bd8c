//! Running under systemd: readiness, status and the watchdog (`sd_notify(3)`).

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use super::facts::Facts;

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
    facts: Arc<Facts>,
    /// Ends the watchdog thread when it is dropped.
    _watchdog: Option<Sender<()>>,
}

/// What a part of a service says of itself.
#[derive(Debug, Default)]
pub struct Part {
    is_ready: AtomicBool,
    status: Mutex<String>,
    facts: Arc<Facts>,
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
        self.facts.reset();
        self.status
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// What only it knows of its work.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What is going on, in one line; empty at first.
    #[must_use]
    pub fn status(&self) -> String {
        let status = self.status.lock();
        status.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Signs of life of the loop that does the work.
#[derive(Debug)]
struct Pulse {
    since: Instant,
    /// When the last beat was, in milliseconds since `since`.
    beat: AtomicU64,
    waiting: AtomicBool,
}

/// The pulses of all that the process does.
#[derive(Debug, Default)]
struct Pulses(Mutex<Vec<Weak<Pulse>>>);

impl Pulses {
    fn add(&self, pulse: &Arc<Pulse>) {
        let mut pulses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.retain(|pulse| pulse.strong_count() > 0);
        pulses.push(Arc::downgrade(pulse));
    }

    /// Whether each of them is alive; what has ended is not missed.
    fn are_alive(&self, interval: Duration) -> bool {
        let pulses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut present = pulses.iter().filter_map(Weak::upgrade);
        present.all(|pulse| pulse.is_alive(interval))
    }
}

impl Pulse {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            beat: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
        }
    }

    fn beat(&self) {
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.beat.store(now, Ordering::Relaxed);
    }

    fn is_alive(&self, interval: Duration) -> bool {
        let beat = Duration::from_millis(self.beat.load(Ordering::Relaxed));
        self.waiting.load(Ordering::Relaxed) || self.since.elapsed().saturating_sub(beat) < interval
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
            facts: Arc::default(),
            _watchdog: watchdog,
        }
    }

    /// A part of the process, which reports to `part` instead of the service manager.
    #[must_use]
    pub fn part(&self, part: &Arc<Part>) -> Self {
        let pulse = Arc::new(Pulse::new());
        self.pulses.add(&pulse);
        Self {
            pulse,
            pulses: Arc::clone(&self.pulses),
            part: Some(Arc::clone(part)),
            facts: Arc::clone(&part.facts),
            _watchdog: None,
        }
    }

    /// All is open, the work begins.
    pub fn ready(&self) {
        self.beat();
        self.facts.set(|known| known.is_ready = true);
        match &self.part {
            Some(part) => part.is_ready.store(true, Ordering::SeqCst),
            None => notify(&[NotifyState::Ready]),
        }
    }

    /// What only this process knows of the work.
    #[must_use]
    pub fn facts(&self) -> &Arc<Facts> {
        &self.facts
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

    /// Says in one line what is going on, for `systemctl status`.
    pub fn status(&self, text: &str) {
        // A line feed would begin the next assignment.
        let line = text.replace(['\n', '\r'], " ");
        match &self.part {
            Some(part) => {
                *part.status.lock().unwrap_or_else(PoisonError::into_inner) = line;
            }
            None => notify(&[NotifyState::Status(&line)]),
        }
    }

    /// The loop that does the work is alive. Cheap: to be called at every turn.
    pub fn beat(&self) {
        self.pulse.beat();
    }

    /// Whether the loop is blocked on purpose, by an output that takes nothing: that is no hanging,
    /// and a restart would not mend it.
    pub fn waiting(&self, waiting: bool) {
        self.beat();
        self.pulse.waiting.store(waiting, Ordering::Relaxed);
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

/// Notifies the service manager, if there is one. A failure is only logged.
fn notify(state: &[NotifyState<'_>]) {
    let sent: io::Result<()> = sd_notify::notify(state);
    if let Err(error) = sent {
        tracing::debug!(%error, ?state, "cannot notify systemd");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    /// A loop whose last beat was so long ago.
    fn pulse(ago: Duration) -> Pulse {
        let mut pulse = Pulse::new();
        pulse.since -= ago;
        pulse
    }

    #[test]
    fn a_loop_that_hangs_is_not_alive_until_it_beats() {
        assert!(pulse(INTERVAL / 2).is_alive(INTERVAL));
        let hanging = pulse(INTERVAL);
        assert!(!hanging.is_alive(INTERVAL));
        hanging.beat();
        assert!(hanging.is_alive(INTERVAL));
    }

    #[test]
    fn waiting_for_the_output_is_alive() {
        let service = Service {
            pulse: Arc::new(pulse(INTERVAL)),
            pulses: Arc::default(),
            part: None,
            facts: Arc::default(),
            _watchdog: None,
        };
        service.pulse.waiting.store(true, Ordering::Relaxed);
        assert!(service.pulse.is_alive(INTERVAL));
        service.waiting(false);
        assert!(service.pulse.is_alive(INTERVAL), "its end is a beat");
    }

    #[test]
    fn a_process_is_alive_while_all_its_parts_are_that_have_not_ended() {
        let pulses = Pulses::default();
        let (good, hanging) = (Arc::new(Pulse::new()), Arc::new(pulse(INTERVAL)));
        pulses.add(&good);
        pulses.add(&hanging);
        assert!(!pulses.are_alive(INTERVAL));
        drop(hanging);
        assert!(pulses.are_alive(INTERVAL));
    }
}
