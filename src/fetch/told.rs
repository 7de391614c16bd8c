//! What is told of the runs of a process to `status`.

use std::sync::atomic::Ordering;

use super::asker::Asker;
use super::delivery::Fetched;
use super::error::Error;
use crate::ship::Shipper;

/// A run ended, by an error or not.
pub fn run_ended(shipper: &Shipper<Fetched>, asker: &Asker, error: Option<&Error>) {
    let problem = error.map(ToString::to_string);
    let retries = asker.client.repeated.load(Ordering::Relaxed);
    shipper.service.facts().set(|known| {
        known.problem = problem;
        known.retries = retries;
    });
}
