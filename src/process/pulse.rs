//! Signs of life of the loops that do the work.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Signs of life of one loop.
#[derive(Debug)]
pub(super) struct Pulse {
    since: Instant,
    /// When the last beat was, in milliseconds since `since`.
    beat: AtomicU64,
    /// How many of its threads wait on purpose.
    waiting: AtomicUsize,
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
            waiting: AtomicUsize::new(0),
        }
    }

    pub(super) fn beat(&self) {
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.beat.store(now, Ordering::Relaxed);
    }

    /// A thread of the loop begins to wait on purpose, or ends that: it is no hang, however long it takes.
    ///
    /// One thread may read and another write. While the output takes nothing, the first waits for its turn, and only the
    /// second knows that this is no hang.
    pub(super) fn wait(&self, waiting: bool) {
        if waiting {
            self.waiting.fetch_add(1, Ordering::Relaxed);
        } else {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
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
        self.waiting.load(Ordering::Relaxed) > 0
            || self.since.elapsed().saturating_sub(beat) < interval
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
    fn waiting_for_the_output_is_alive_while_another_thread_waits_for_files_and_ends_that() {
        let pulse = Pulse::aged(INTERVAL);
        pulse.wait(true);
        pulse.wait(true);
        pulse.wait(false);
        assert!(pulse.is_alive(INTERVAL));
        pulse.wait(false);
        assert!(!pulse.is_alive(INTERVAL));
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
