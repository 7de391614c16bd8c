//! What a run says at its start of the runs before it.

use std::time::Duration;

use super::checkpoint::OrgCheckpoint;
use crate::fetch::plan::FetchOptions;
use crate::fetch::resume::{Before, difference};
use crate::process::advice;

/// Says where the run goes on, and what is different now, in one line.
pub fn report(options: &FetchOptions, checkpoint: &OrgCheckpoint) {
    let Some(until) = checkpoint.fetched_until() else {
        return;
    };
    let id = &checkpoint.organization;
    let set = |since: String| advice::command(&["state", "set", id, "--since", &since]);
    let before = Before {
        events: checkpoint.events,
        output: checkpoint.output.as_ref(),
        raw: checkpoint.raw,
    };
    let begins = format!("organization {id}: continuing from {until}");
    match (difference(options, &before), options.since) {
        (Some(difference), _) => tracing::warn!(
            "{begins}, but {difference}; `{}` goes back, to fetch them again",
            set("TIME".to_owned())
        ),
        (None, Some(since)) => tracing::info!(
            "{begins}; --since applies to the first run only: `{}` moves the position",
            set(since.to_string())
        ),
        (None, None) => tracing::info!("{begins}"),
    }
}

/// Says that it waits, since an earlier process was told to.
pub fn report_pause(id: &str, wait: Duration) {
    let wait = humantime::format_duration(Duration::from_secs(wait.as_secs() + 1));
    tracing::warn!(
        "organization {id} told an earlier run to wait before the next request; {wait} left"
    );
}
