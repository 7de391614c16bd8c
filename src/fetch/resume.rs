//! What a run says at its start of the runs before it: where it goes on, and what is different now.

use std::path::Path;
use std::time::Duration;

use super::identity::SiteIdentity;
use super::plan::{FetchOptions, FirstRun};
use super::start::Start;
use super::states::{self, Named, Opened};
use super::time_spec::TimeSpec;
use crate::pipeline::timestamp::Timestamp;
use crate::process::advice;
use crate::process::shown::Shown as _;
use crate::sink::OutputCheckpoint;

/// How far back is advised where no time is known.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the very first run begins, however long it takes until there is an answer: where one before was to, as
/// it `kept` it, unless it gets another order.
#[must_use]
pub fn first_run(options: &FetchOptions, kept: Option<Start>, process: Timestamp) -> FirstRun {
    let order = |since: TimeSpec| Start(since.to_string(), since.at(process));
    let given = options.since.map(order);
    match (kept, given) {
        (Some(kept), given) if given.as_ref().is_none_or(|given| given.0 == kept.0) => FirstRun {
            start: kept,
            is_kept: true,
        },
        (_, given) => FirstRun {
            start: given.unwrap_or_else(|| order(TimeSpec::DEFAULT_SINCE)),
            is_kept: false,
        },
    }
}

/// Says it, in one line.
pub fn report(
    options: &FetchOptions,
    (directory, all): (&Path, &[Named]),
    opened: &Opened,
    first_run: Option<&FirstRun>,
) {
    match first_run {
        None => continuing(options, directory, opened),
        Some(first_run) => beginning(options, (directory, all), opened, first_run),
    }
}

fn continuing(options: &FetchOptions, directory: &Path, opened: &Opened) {
    let checkpoint = &opened.checkpoint;
    let Some(cursor) = checkpoint.cursor else {
        return;
    };
    let path = states::path(directory, &opened.file);
    let begins = format!("continuing from {cursor} (state {})", path.shown());
    let name = checkpoint.name();
    let set = |since: String| advice::command(&["state", "set", &name, "--since", &since]);
    let before = Before {
        events: checkpoint.events,
        output: checkpoint.output.as_ref(),
        raw: checkpoint.raw,
    };
    match (difference(options, &before), options.since) {
        (Some(difference), since) => {
            let back = match since {
                Some(TimeSpec::Time(since)) if since < cursor => since,
                Some(_) | None => cursor.minus(A_DAY),
            };
            tracing::warn!(
                "{begins}, but {difference}; `{}` goes back that far to fetch them again",
                set(back.to_string())
            );
        }
        (None, Some(since)) => tracing::info!(
            "{begins}; --since applies to the first run only: `{}` moves the position",
            set(since.to_string())
        ),
        (None, None) => tracing::info!("{begins}"),
    }
    if let Some(since) = checkpoint.short_of(options.overlap) {
        tracing::warn!(
            "--overlap reaches back to {}, but which records were delivered is known from {since} on only, as earlier \
             runs had a shorter one: records of before that which arrived late are not fetched, and the whole \
             --overlap holds once the position is {}; `{}` fetches what is older again, with what was delivered",
            cursor.minus(options.overlap),
            since.plus(options.overlap),
            set(cursor.minus(options.overlap).to_string())
        );
    }
}

/// What a state says of the records before.
pub struct Before<'a> {
    /// How many there are.
    pub events: u64,
    /// The file that they are in.
    pub output: Option<&'a OutputCheckpoint>,
    /// Whether they were written as they came.
    pub raw: Option<bool>,
}

/// What is not as it was when the records before were written.
pub fn difference(options: &FetchOptions, before: &Before<'_>) -> Option<String> {
    if before.events == 0 {
        return None;
    }
    let output = states::real_path(&options.output);
    let now = match &output {
        Some(output) => output.shown().to_string(),
        None if options.output.as_os_str() == "-" => "standard output".to_owned(),
        None => options.output.shown().to_string(),
    };
    match (before.output, &output) {
        (Some(recorded), Some(output)) if recorded.path == *output => {
            // Not being able to look is no reason to say that it is gone.
            if recorded.length > 0 && matches!(recorded.is_found(), Ok(false)) {
                return Some(format!("{now} is gone, with records from before that time"));
            }
        }
        (Some(recorded), _) => {
            return Some(format!(
                "records from before that time are in {}, not in {now}",
                recorded.path.shown()
            ));
        }
        (None, Some(_)) => {
            return Some(format!(
                "records from before that time went to standard output or a pipe, not to {now}"
            ));
        }
        (None, None) => {}
    }
    let form = |raw| {
        if raw {
            "the original records (--raw)"
        } else {
            "events"
        }
    };
    let before = before.raw.filter(|before| *before != options.raw)?;
    let (before, now) = (form(before), form(options.raw));
    Some(format!(
        "those from before that time were written as {before}, not as {now}"
    ))
}

fn beginning(
    options: &FetchOptions,
    (directory, all): (&Path, &[Named]),
    opened: &Opened,
    first_run: &FirstRun,
) {
    let identity = opened.checkpoint.identity();
    warn_of_shared_output(options, directory, opened, &identity, all);
    let is_query = |(_, other): &&Named| other.is_begun() && other.identity().is(&identity);
    if let Some((_, other)) = all.iter().find(is_query) {
        tracing::info!(
            "first run of {}, from --since {} on: the position of {} is one of its own",
            opened.checkpoint.name(),
            first_run.start.0,
            other.name()
        );
    }
}

/// The same site by another address that nothing tells is its own, perhaps: its records come twice then.
fn warn_of_shared_output(
    options: &FetchOptions,
    directory: &Path,
    opened: &Opened,
    identity: &SiteIdentity,
    all: &[Named],
) {
    let is_another = |(file, other): &&Named| {
        *file != opened.file
            && other.search == opened.checkpoint.search
            && other.output.is_some()
            && states::is_output(other.output.as_ref(), &options.output)
            && !other.identity().is_not(identity)
    };
    let Some((file, other)) = all.iter().find(is_another) else {
        return;
    };
    let Some(cursor) = other.cursor else { return };
    let name = opened.checkpoint.name();
    tracing::warn!(
        "{} is written for {} too (state {}), and this is the first run for {name} (state {}): if both are \
         addresses of one site, stop this run and use the first address again, or records come twice; to change \
         the address, fetch with --since {} (where the first address ended, less --overlap, so that what arrives late \
         is not lost: what was delivered of that time comes again), after `{}` if this run saved a state",
        options.output.shown(),
        other.name(),
        states::path(directory, file).shown(),
        states::path(directory, &opened.file).shown(),
        cursor.minus(options.overlap),
        advice::command(&["state", "forget", &name]),
    );
}
