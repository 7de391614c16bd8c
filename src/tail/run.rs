//! The run: pieces of followed logs into events, until it is time to end.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::process::{Resource, getrlimit};

use super::again::{Again, Places};
use super::checkpoints::Checkpoints;
use super::discover::Discovery;
use super::follow::{ReadOptions, TailReader};
use super::output::{EventBatch, Output, Tailed};
use super::pace::Pace;
use super::piece::TailPiece;
use super::recognise::FirstMeeting;
use super::unsettled::{self, Unsettled};
use super::{FollowLoop, Schedule, measure, start};
use crate::pipeline::event::Origin;
use crate::pipeline::normalize::{Counts, Normalizer};
use crate::process::batch;
use crate::process::service::Service;
use crate::process::shown::Shown as _;
use crate::process::stop::Stop;
use crate::ship::{self, LINES_KEPT, Mapping, Shipper};
use crate::sink::{self, Destination};
use crate::state::{self, Store};

/// The name of the state's files, of which a source of a service has its own: `tail-NAME`.
pub const STATE: &str = "tail";
/// Files that are open besides the followed ones.
const OTHER_FILES: u64 = 32;

/// How logs are followed, and where their events go.
#[derive(Debug)]
pub struct TailOptions {
    /// When the follower looks, and ends.
    pub schedule: Schedule,
    /// What is read of files that are met for the first time.
    pub meeting: FirstMeeting,
    /// The longest record, in bytes.
    pub max_line_bytes: usize,
    /// The name of the state's files.
    pub state: String,
    /// The directory of the state, where it is not the usual one.
    pub state_dir: Option<PathBuf>,
    /// Events are written with their ids, as a cluster's bulk request has them.
    pub has_ids: bool,
    /// Number of worker threads.
    pub threads: NonZeroUsize,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct TailOutcome {
    /// A path that was to be followed did not exist at the start.
    pub is_missing: bool,
    /// Some file could not be read.
    pub has_read_errors: bool,
    /// Records and failures of this run.
    pub counts: Counts,
}

/// Follows logs until it is time to end; none if the output took no more, or nobody reads it any more.
///
/// # Errors
/// When the output or the state fails.
pub fn run(
    options: &TailOptions,
    discovery: Discovery,
    destination: Destination,
    mapping: &Mapping,
    stop: &Arc<Stop>,
    service: &Arc<Service>,
) -> Result<Option<TailOutcome>, ship::Error> {
    let started = start(options, discovery, destination, stop, service);
    let shipped = started.and_then(|(mut follower, mut output)| {
        service.ready();
        let shipped = ship(options, mapping, &mut follower, &mut output);
        service.stopping();
        shipped.map(|()| (follower, output))
    });
    let (follower, output) = match shipped {
        Ok(shipped) => shipped,
        Err(ship::Error::Sink(sink::Error::Closed)) => return Ok(None),
        Err(ship::Error::Sink(sink::Error::GivenUp)) => {
            tracing::warn!(
                "stopped while the output or the state was blocked: what was not written is read again at \
                 the next start"
            );
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if stop.is_requested() && stop.signal().is_none() {
        // Nobody reads the output any more.
        return Ok(None);
    }
    output.summarise("done", false);
    let read_errors = follower.read_errors();
    if options.schedule.once {
        output.report_failed_logs();
        // They were warned of, but a run that fails says why however quiet it is.
        if !tracing::enabled!(tracing::Level::WARN) {
            for error in &read_errors {
                tracing::error!("{error}");
            }
        }
    }
    Ok(Some(TailOutcome {
        is_missing: output.is_missing,
        has_read_errors: !read_errors.is_empty() || follower.following().logs.has_refused,
        counts: output.shipper.total,
    }))
}

/// Takes the state, brings the output to what it says, and looks at all files for the first time.
fn start(
    options: &TailOptions,
    discovery: Discovery,
    destination: Destination,
    stop: &Arc<Stop>,
    service: &Arc<Service>,
) -> Result<(FollowLoop, Output), ship::Error> {
    let directory = state::directory(options.state_dir.as_deref())?;
    let store = Store::open(&directory, &options.state)?;
    let loaded = store.load()?;
    let is_first = loaded.is_none();
    let mut checkpoints: Checkpoints = loaded.unwrap_or_default();
    let before = Places::of(&checkpoints);
    let gone = unsettled::gone(&checkpoints);
    tracing::info!("read positions are saved in {}", directory.shown());
    let mut following = following(options, discovery, &checkpoints);
    following.discovery.known.clone_from(&checkpoints.patterns);
    let pace = Arc::<Pace>::default();
    let (to_end, to_beat) = (Arc::clone(stop), Arc::clone(service));
    let mut follower = FollowLoop::start(
        following,
        options.schedule,
        to_end,
        to_beat,
        Arc::clone(&pace),
    );
    let is_missing = start::report_missing(follower.following(), options.schedule.once);
    let known = checkpoints.logs.keys().copied().collect();
    start::report_nothing_new(follower.following(), &known, &directory);
    checkpoints.apply(follower.changes(), None, Counts::default());
    let again = Again::new(&before, &Places::of(&checkpoints));
    ship::cut_back(
        &directory,
        checkpoints.output.as_ref(),
        None,
        &mut |line, _| again.classify(line),
    )?;
    if let Some(output) = &mut checkpoints.output {
        output.is_final = false;
    }
    // Before there is an output, and before anything is in it: what is rotated from here on is known
    // to be ours, and not even the first batch can be doubled.
    ship::save(&store, &checkpoints, &directory, (stop, service.metrics()))?;
    measure::begin(service.metrics(), &checkpoints);
    let tailed = Tailed {
        checkpoints,
        is_first,
        pace,
        is_unsaved: true,
        unsettled: Unsettled::new(&follower.following().logs, &gone),
    };
    let saved = (directory, store);
    let shipper = Shipper::open(destination, saved, tailed, stop, service)?;
    follower.output = shipper.sink().pipe();
    let report_interval = options.schedule.report_interval;
    Ok((follower, Output::new(shipper, report_interval, is_missing)))
}

/// Ships pieces until it is time to end, and saves.
fn ship(
    options: &TailOptions,
    mapping: &Mapping,
    follower: &mut FollowLoop,
    output: &mut Output,
) -> Result<(), ship::Error> {
    let stop = Arc::clone(&output.shipper.stop);
    let has_ids = options.has_ids || output.shipper.is_cluster();
    let mut result = Ok(());
    batch::in_order(
        options.threads,
        |piece: &mut TailPiece| {
            let is_more = follower.next_piece(piece);
            mapping.renew();
            is_more
        },
        || worker(mapping, has_ids),
        |events: &mut EventBatch| {
            result = output.take(events);
            if result.is_err() {
                stop.request();
            }
            result.is_ok()
        },
    );
    match &result {
        Ok(()) => {
            let last = follower.changes();
            output.apply(last, None, Counts::default());
        }
        // What was taken is not sent again; logs stand further on than that by now.
        Err(error) if error.is_end() => {}
        Err(_) => return result,
    }
    output.shipper.end()?;
    result
}

/// What is followed, from where the checkpoints say.
pub fn following(
    options: &TailOptions,
    discovery: Discovery,
    checkpoints: &Checkpoints,
) -> TailReader {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(1 << 16);
    let reading = ReadOptions {
        meeting: options.meeting,
        max_line_bytes: options.max_line_bytes,
        most_open: usize::try_from(most.saturating_sub(OTHER_FILES).max(4)).unwrap_or(usize::MAX),
    };
    TailReader::new(discovery, checkpoints.logs(), reading)
}

fn worker(mapping: &Mapping, has_ids: bool) -> impl FnMut(&mut TailPiece, &mut EventBatch) {
    let nowhere = Arc::new(Origin::stdin());
    let (mut generation, options) = mapping.current();
    let mut normalizer = Normalizer::new(options).with_ids(has_ids);
    move |piece, events| {
        if mapping.generation() != generation {
            let (newer, options) = mapping.current();
            generation = newer;
            normalizer = Normalizer::new(options).with_ids(has_ids);
        }
        events.lines.clear();
        events.lines.shrink_to(LINES_KEPT);
        let read = &mut piece.read;
        let origin = read.origin.as_ref().unwrap_or(&nowhere);
        let frames = std::mem::take(&mut read.frames);
        normalizer.frames(&mut events.lines, &read.text, read.offset, frames, origin);
        events.counts = normalizer.take_counts();
        events.newest = normalizer.take_newest();
        events.input_bytes = read.text.len();
        events.log = piece.log;
        events.offset = read.offset;
        events.changes = std::mem::take(&mut piece.changes);
        events.is_pause = piece.is_pause;
    }
}
