//! What `tail` follows, and how.

use std::collections::{BTreeMap, BTreeSet};

use super::threads;
use crate::cli::{FromArg, TailArgs};
use crate::tail::Schedule;
use crate::tail::discover::Discovery;
use crate::tail::recognise::FirstMeeting;
use crate::tail::run::TailOptions;
use crate::tail::states;

/// What `tail` is to follow, and what not.
#[must_use]
pub fn discovery(arguments: &TailArgs) -> Discovery {
    Discovery {
        patterns: arguments.paths.clone(),
        exclude: arguments.exclude.clone(),
        known: BTreeSet::new(),
        left: BTreeMap::new(),
    }
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
