//! Signs of life of the loops that do the work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Signs of life of one loop.
#[derive(Debug)]
pub(super) struct Pulse {
    since: Instant,
    /// When the last beat was, in milliseconds since `since`.
    beat: AtomicU64,
    waiting: AtomicBool,
}

/// The pulses of all that the process does.
#[derive(Debug, Default)]
pub(super) struct Pulses(Mutex<Vec<Weak<Pulse>>>);

impl Pulses {
    pub(super) fn add(&self, pulse: &Arc<Pulse>) {
        let mut pulses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pulses.retain(|pulse| pulse.strong_count() > 0);
        pulses.push(Arc::downgrade(pulse));
    }

    /// Whether each of them is alive; what has ended is not missed.
    pub(super) fn are_alive(&self, interval: Duration) -> bool {
        let pulses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut present = pulses.iter().filter_map(Weak::upgrade);
        present.all(|pulse| pulse.is_alive(interval))
    }
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            beat: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
        }
    }

    pub(super) fn beat(&self) {
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.beat.store(now, Ordering::Relaxed);
    }

    /// Whether the loop waits on purpose: that is no hang, however long it takes.
    pub(super) fn wait(&self, waiting: bool) {
        self.waiting.store(waiting, Ordering::Relaxed);
    }

    /// Of a loop whose last beat was so long ago.
    #[cfg(test)]
    pub(super) fn aged(ago: Duration) -> Self {
        let mut pulse = Self::new();
        pulse.since -= ago;
        pulse
    }

    fn is_alive(&self, interval: Duration) -> bool {
        let beat = Duration::from_millis(self.beat.load(Ordering::Relaxed));
        self.waiting.load(Ordering::Relaxed) || self.since.elapsed().saturating_sub(beat) < interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    #[test]
    fn a_loop_that_hangs_is_not_alive_until_it_beats() {
        assert!(Pulse::aged(INTERVAL / 2).is_alive(INTERVAL));
        let hanging = Pulse::aged(INTERVAL);
        assert!(!hanging.is_alive(INTERVAL));
        hanging.beat();
        assert!(hanging.is_alive(INTERVAL));
    }

    #[test]
    fn waiting_for_the_output_is_alive() {
        let pulse = Pulse::aged(INTERVAL);
        pulse.wait(true);
        assert!(pulse.is_alive(INTERVAL));
        pulse.beat();
        pulse.wait(false);
        assert!(pulse.is_alive(INTERVAL), "its end is a beat");
    }

    #[test]
    fn a_process_is_alive_while_all_its_parts_are_that_have_not_ended() {
        let pulses = Pulses::default();
        let (good, hanging) = (Arc::new(Pulse::new()), Arc::new(Pulse::aged(INTERVAL)));
        pulses.add(&good);
        pulses.add(&hanging);
        assert!(!pulses.are_alive(INTERVAL));
        drop(hanging);
        assert!(pulses.are_alive(INTERVAL));
    }
}
