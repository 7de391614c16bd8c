//! What `tail` says at its start: where its state is, what is not there, and that there is nothing new.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use crate::process::advice;
use crate::process::shown::Shown as _;
use crate::tail::follow::TailReader;
use crate::tail::log::{Condition, LogId};

/// Says what there is not to follow; returns whether a path that was named is missing. It is waited for,
/// unless it is read once.
pub fn report_missing(following: &TailReader, once: bool) -> bool {
    let mut is_failure = false;
    for pattern in &following.discovery.patterns {
        let Some(missing) = pattern.missing() else {
            continue;
        };
        is_failure |= missing.is_failure();
        if once && missing.is_failure() {
            tracing::error!("{missing}");
        } else if once {
            tracing::warn!("{missing}");
        } else {
            tracing::warn!("{missing}: waiting for one");
        }
    }
    is_failure
}

/// Says that all was read already, if that is so; `known` are the logs of the state.
pub fn report_nothing_new(following: &TailReader, known: &BTreeSet<LogId>, directory: &Path) {
    let logs = following.logs.all.iter();
    let mut followed = logs.filter(|(_, log)| {
        let is_there = log.gone.is_none() && !log.is_unfollowed;
        is_there && log.checkpoint.condition != Condition::Ignored
    });
    let mut read = Vec::new();
    let is_all_read = followed.all(|(id, log)| {
        read.push(log.checkpoint.path.as_path());
        known.contains(id) && !log.has_more()
    });
    if !is_all_read {
        return;
    }
    let directory = directory.shown();
    let again = |path: &OsStr| {
        let forget = [OsStr::new("state"), OsStr::new("forget"), path];
        format!("use `{}` to read", advice::command(&forget))
    };
    match read.as_slice() {
        [] => {}
        [path] => tracing::info!(
            "nothing new in {}, already read to the end (state {directory}); {} it again",
            path.shown(),
            again(path.as_os_str())
        ),
        paths => tracing::info!(
            "nothing new in {} files, already read to the end (state {directory}); {} one again",
            paths.len(),
            again(OsStr::new("PATH"))
        ),
    }
}
