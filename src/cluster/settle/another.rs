//! Further targets of a cluster: whatever is of the cluster is shared, whatever is of a target is its own.

use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, OnceLock};

use super::{Settler, Spares};

impl Settler {
    /// Sends to another target of the same cluster.
    #[must_use]
    pub fn toward(&self, target: &str) -> Self {
        Self {
            client: Arc::clone(&self.client),
            target: target.to_owned(),
            query: self.query.clone(),
            pipeline: self.pipeline.clone(),
            dataset: self.dataset,
            dead_letters: Arc::clone(&self.dead_letters),
            largest: AtomicUsize::new(self.largest()),
            spares: Spares::default(),
            at_start: OnceLock::new(),
            written: Mutex::default(),
            tally: Arc::clone(&self.tally),
            metrics: self.metrics.clone(),
            untold: AtomicU64::new(0),
        }
    }
}
