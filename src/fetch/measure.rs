//! What is measured of the runs.

use super::asker::Asker;
use super::error::Error;
use super::slices::RunOutcome;
use crate::auth::authorization::Authorization;
use crate::process::metrics::SourceMetrics;

/// Takes note of how a run ended, and of how long the grant that it used lasts.
pub fn run_ended(metrics: &SourceMetrics, asker: &Asker, ended: &Result<RunOutcome, Error>) {
    match ended {
        Ok(RunOutcome::Done) => {
            metrics.working();
            metrics.fetched();
        }
        Ok(RunOutcome::Stopped) => {}
        Err(error) => metrics.failing(&error.to_string()),
    }
    note_grant(metrics, asker);
}

/// Takes note of how long the grant lasts that is used.
pub fn note_grant(metrics: &SourceMetrics, asker: &Asker) {
    if let Authorization::OAuth(session) = &*asker.authorization {
        let token_set = session.token_set();
        let ends = token_set.refused_at.or(token_set.refresh_ends());
        metrics.grant_expiry(ends.unwrap_or(token_set.ends()).millis());
    }
}
