//! What is told of the runs: as metrics, and in the log.

use std::sync::atomic::Ordering;

use super::asker::Asker;
use super::error::Error;
use super::fetched::{Checkpoint, Fetched};
use super::repeat::RunOutcome;
use crate::auth::authorization::Authorization;
use crate::http::Client;
use crate::pipeline::normalize::Counts;
use crate::process::logging;
use crate::process::metrics::{Api, SourceMetrics};
use crate::ship::Shipper;

/// Takes note of how a run ended.
pub fn run_ended(metrics: &SourceMetrics, ended: &Result<RunOutcome, Error>) {
    match ended {
        Ok(RunOutcome::Done) => {
            metrics.working();
            metrics.fetched();
        }
        Ok(RunOutcome::Stopped) => {}
        Err(error) => metrics.failing(&error.to_string()),
    }
}

/// Takes note of how long the grant lasts that is used.
pub fn note_grant(metrics: &SourceMetrics, asker: &Asker) {
    if let Authorization::OAuth(session) = &*asker.authorization {
        metrics.asks(Api::OAuth);
        let token_set = session.token_set();
        let ends = token_set.refused_at.or(token_set.refresh_ends());
        metrics.grant_expiry(ends.unwrap_or(token_set.ends()).millis());
    }
}

/// Logs what came of all runs: if something went wrong, or if people look on.
pub fn summarise<C: Checkpoint>(shipper: &Shipper<Fetched<C>>, client: &Client) {
    let Counts {
        records, failed, ..
    } = shipper.total;
    let requests = client.requests.load(Ordering::Relaxed);
    let repeated = client.repeated.load(Ordering::Relaxed);
    let (bytes, seconds) = shipper.volume();
    if records > 0 && failed == records {
        tracing::error!(
            "{}: none of {records} records can be mapped: each became a pipeline_error event; compare one of them \
             (--raw keeps them as they came) with docs/mapping.md",
            shipper.progress.checkpoint.name()
        );
    }
    if failed > 0 {
        tracing::warn!(records, failed, requests, repeated, bytes, seconds, "done");
    } else if logging::shows_summary() {
        tracing::info!(records, failed, requests, repeated, bytes, seconds, "done");
    }
}
