//! Whether the process is alive, and its sources ready.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::process::pulse::Pulses;

/// A loop that gives no sign of life for so long hangs.
const HANGS: Duration = Duration::from_secs(60);

/// What the process does, once it does something.
#[derive(Debug, Default)]
pub(super) struct Health(OnceLock<Arc<Pulses>>);

impl Health {
    /// Those loops are to be alive.
    pub fn watch(&self, pulses: &Arc<Pulses>) {
        // The first is that of the process, which all others are added to.
        let _ = self.0.set(Arc::clone(pulses));
    }

    /// Why the process is not alive, if it is not.
    pub fn problem(&self) -> Option<String> {
        let is_alive = self.0.get().is_none_or(|pulses| pulses.are_alive(HANGS));
        let why = || format!("no progress for {} seconds", HANGS.as_secs());
        (!is_alive).then(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::pulse::Pulse;

    #[test]
    fn a_loop_that_hangs_is_a_problem_until_it_beats() {
        let health = Health::default();
        assert_eq!(health.problem(), None, "nothing has begun");
        let pulses = Arc::<Pulses>::default();
        let pulse = Arc::new(Pulse::aged(HANGS));
        pulses.add(&pulse);
        health.watch(&pulses);
        let problem = health.problem();
        assert_eq!(problem.as_deref(), Some("no progress for 60 seconds"));
        pulse.beat();
        assert_eq!(health.problem(), None);
    }
}
