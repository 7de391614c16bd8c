//! What `tail` follows, and how.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use super::{Error, threads};
use crate::cli::{FromArg, TailArgs};
use crate::tail::Schedule;
use crate::tail::discover::Discovery;
use crate::tail::exclusion::Exclusion;
use crate::tail::pattern::PathPattern;
use crate::tail::recognise::FirstMeeting;
use crate::tail::run::TailOptions;
use crate::tail::states;

/// Reads what `tail` is to follow, and what not.
///
/// # Errors
/// When a path or glob cannot be used.
pub fn discovery(arguments: &TailArgs) -> Result<Discovery, Error> {
    let path = |path: &PathBuf| PathPattern::parse(path).map_err(Error::Path);
    let glob = |glob: &OsString| Exclusion::parse(glob).map_err(Error::Exclude);
    Ok(Discovery {
        patterns: arguments.paths.iter().map(path).collect::<Result<_, _>>()?,
        exclude: arguments
            .exclude
            .iter()
            .map(glob)
            .collect::<Result<_, _>>()?,
        known: BTreeSet::new(),
        left: BTreeMap::new(),
    })
}

/// Options of the `tail` loop, from its arguments.
#[must_use]
pub fn tail(arguments: &TailArgs) -> TailOptions {
    TailOptions {
        schedule: Schedule {
            once: arguments.once,
            poll_interval: arguments.poll_interval,
            report_interval: arguments.report_interval,
        },
        meeting: FirstMeeting {
            from_end: arguments.from == FromArg::End,
            ignore_older: arguments.ignore_older,
        },
        max_line_bytes: arguments.mapping.max_line_bytes,
        state: states::name(arguments.source.as_deref()),
        state_dir: arguments.state.state_dir.clone(),
        has_ids: arguments.format.is_bulk(),
        threads: threads(&arguments.mapping),
    }
}
