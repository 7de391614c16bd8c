//! `confluence-ecs tail`: lines of followed logs into events, with their state.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};

use super::normalize::{all_cores, output_file};
use super::ship::{self, Mapping, save};
use super::tail_again::{Again, Places};
use super::{Error, Exit, tail_start};
use crate::batch;
use crate::cli::{FromArg, TailArgs};
use crate::config;
use crate::event::Origin;
use crate::normalize::{Counts, Normalizer};
use crate::service::Service;
use crate::shown::Shown as _;
use crate::sink::{self, Durable};
use crate::state::{self, Store};
use crate::stop::Stop;
use crate::tail::discover::Discovery;
use crate::tail::follow::{Following, Reading};
use crate::tail::ledger::Ledger;
use crate::tail::log::LogId;
use crate::tail::pace::Pace;
use crate::tail::piece::{Change, TailPiece};
use crate::tail::recognise::FirstMeeting;
use crate::tail::{Follower, Schedule};

/// The name of the state's files.
pub const STATE: &str = "tail";
/// The state is saved at the latest after so many bytes of events.
const SAVE_BYTES: u64 = 8 << 20;
/// Files that are open besides the followed ones.
const OTHER_FILES: u64 = 32;

/// The events of a piece.
#[derive(Default)]
struct Events {
    lines: Vec<u8>,
    counts: Counts,
    log: Option<LogId>,
    changes: Vec<Change>,
    is_pause: bool,
}

/// Runs the command.
///
/// # Errors
/// When the configuration is wrong, or the output or the state fails.
pub fn run(arguments: &TailArgs) -> Result<Exit, Error> {
    let discovery = config::discovery(arguments)?;
    if arguments.list || arguments.status {
        return super::tail_report::run(arguments, discovery);
    }
    let mapping = Mapping::new(&arguments.mapping, &config::DEFAULT_TAGS)?;
    refuse_own_output(arguments, &discovery)?;
    let stop = Arc::new(Stop::on_signals_and_hangup()?);
    let service = Arc::new(Service::start());
    let started = start(arguments, discovery, &stop, &service);
    let shipped = started.and_then(|(mut follower, mut output)| {
        service.ready();
        let shipped = ship(arguments, &mapping, &mut follower, &mut output);
        service.stopping();
        shipped.map(|()| (follower, output))
    });
    let (follower, output) = match shipped {
        Ok(shipped) => shipped,
        Err(Error::Sink(sink::Error::Closed)) => return Ok(Exit::Done),
        Err(Error::Sink(sink::Error::GivenUp)) => {
            tracing::warn!(
                "ended while the output or the state took no more: what they did not take is read again at \
                 the next start"
            );
            return Ok(Exit::Done);
        }
        Err(error) => return Err(error),
    };
    if stop.is_requested() && stop.signal().is_none() {
        // Nobody reads the output any more.
        return Ok(Exit::Done);
    }
    output.summarise("done");
    Ok(
        if arguments.once && (output.is_missing || follower.has_troubles()) {
            Exit::Failed
        } else if arguments.mapping.strict && output.total.failed > 0 {
            Exit::Strict
        } else {
            Exit::Done
        },
    )
}

/// Takes the state, brings the output to what it says, and looks at all files for the first time.
fn start(
    arguments: &TailArgs,
    discovery: Discovery,
    stop: &Arc<Stop>,
    service: &Arc<Service>,
) -> Result<(Follower, Output), Error> {
    let directory = state::directory(arguments.state.state_dir.as_deref())?;
    let store = Store::open(&directory, STATE)?;
    let mut ledger: Ledger = store.load()?.unwrap_or_default();
    let before = Places::of(&ledger);
    tracing::info!("how far files were read is kept in {}", directory.shown());
    let mut following = following(arguments, discovery, &ledger);
    following.discovery.known.clone_from(&ledger.patterns);
    let schedule = Schedule {
        once: arguments.once,
        poll_interval: arguments.poll_interval,
        report_interval: arguments.report_interval,
    };
    let pace = Arc::<Pace>::default();
    let (to_end, to_beat) = (Arc::clone(stop), Arc::clone(service));
    let mut follower = Follower::start(following, schedule, to_end, to_beat, Arc::clone(&pace));
    let is_missing = tail_start::tell_missing(follower.following(), arguments.once);
    let known = ledger.logs.keys().copied().collect();
    tail_start::tell_nothing_new(follower.following(), &known, &directory);
    ledger.apply(follower.changes(), None, Counts::default());
    let again = Again::new(&before, &Places::of(&ledger));
    ship::settle(&directory, ledger.output.as_ref(), None, &mut |line, _| {
        again.tell(line)
    })?;
    if let Some(output) = &mut ledger.output {
        output.is_final = false;
    }
    // Before there is an output, and before anything is in it: what is rotated from here on is known
    // to be ours, and not even the first batch can be doubled.
    save(&store, &ledger, &directory, stop)?;
    let mut output = Output {
        sink: Durable::open(&arguments.output)?,
        store,
        directory,
        ledger,
        stop: Arc::clone(stop),
        service: Arc::clone(service),
        is_unsaved: true,
        is_final: false,
        unsaved_bytes: 0,
        saved: Instant::now(),
        pace,
        total: Counts::default(),
        reported: Instant::now(),
        report_interval: arguments.report_interval,
        is_missing,
    };
    output.save()?;
    follower.output = output.sink.pipe();
    Ok((follower, output))
}

/// Ships pieces until it is time to end, and saves.
fn ship(
    arguments: &TailArgs,
    mapping: &Mapping,
    follower: &mut Follower,
    output: &mut Output,
) -> Result<(), Error> {
    let threads = arguments.mapping.threads.unwrap_or_else(all_cores);
    let stop = Arc::clone(&output.stop);
    let mut result = Ok(());
    batch::in_order(
        threads,
        |piece: &mut TailPiece| {
            let is_more = follower.next_piece(piece);
            mapping.renew();
            is_more
        },
        || worker(mapping),
        |events: &mut Events| {
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
            output.ledger.apply(last, None, Counts::default());
        }
        // What was taken is not sent again; logs stand further on than that by now.
        Err(Error::Sink(sink::Error::Closed | sink::Error::GivenUp)) => {}
        Err(_) => return result,
    }
    output.is_final = true;
    output.save()?;
    result
}

/// What is followed, from where the ledger says.
pub(super) fn following(arguments: &TailArgs, discovery: Discovery, ledger: &Ledger) -> Following {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(1 << 16);
    let reading = Reading {
        meeting: FirstMeeting {
            from_end: arguments.from == FromArg::End,
            ignore_older: arguments.ignore_older,
        },
        max_line_bytes: arguments.mapping.max_line_bytes,
        most_open: usize::try_from(most.saturating_sub(OTHER_FILES).max(4)).unwrap_or(usize::MAX),
    };
    Following::new(discovery, ledger.logs(), reading)
}

/// Events that are followed again make events without end.
fn refuse_own_output(arguments: &TailArgs, discovery: &Discovery) -> Result<(), Error> {
    let output = &arguments.output;
    let is_named = output.as_os_str() != "-" && discovery.would_follow(output);
    let is_followed =
        output_file(output).is_some_and(|file| discovery.follows_node(file.st_dev, file.st_ino));
    if is_named || is_followed {
        return Err(Error::output_is_input(output));
    }
    Ok(())
}

fn worker(mapping: &Mapping) -> impl FnMut(&mut TailPiece, &mut Events) {
    let nowhere = Arc::new(Origin::stdin());
    let (mut generation, options) = mapping.current();
    let mut normalizer = Normalizer::new(options);
    move |piece, events| {
        if mapping.generation() != generation {
            let (newer, options) = mapping.current();
            generation = newer;
            normalizer = Normalizer::new(options);
        }
        events.lines.clear();
        events.lines.shrink_to(super::normalize::LINES_KEPT);
        let read = &mut piece.read;
        let origin = read.origin.as_ref().unwrap_or(&nowhere);
        let frames = std::mem::take(&mut read.frames);
        normalizer.frames(&mut events.lines, &read.text, read.offset, frames, origin);
        events.counts = normalizer.take_counts();
        events.log = piece.log;
        events.changes = std::mem::take(&mut piece.changes);
        events.is_pause = piece.is_pause;
    }
}

/// The output, and the state that says what is in it.
struct Output {
    sink: Durable,
    store: Store,
    directory: PathBuf,
    ledger: Ledger,
    stop: Arc<Stop>,
    service: Arc<Service>,
    is_unsaved: bool,
    /// Nothing more is written.
    is_final: bool,
    unsaved_bytes: u64,
    saved: Instant,
    pace: Arc<Pace>,
    total: Counts,
    reported: Instant,
    report_interval: Duration,
    /// A path that was to be followed did not exist at the start.
    is_missing: bool,
}

impl Output {
    /// Writes the events of a piece; saves when it is time.
    fn take(&mut self, events: &mut Events) -> Result<(), Error> {
        self.leave_out_handed(events);
        if !events.lines.is_empty() {
            self.know_places(events)?;
            if self.sink.is_moved() {
                // Into a file that is being compressed, nothing more is to be written.
                self.save()?;
                if self.sink.is_moved() {
                    self.reopen()?;
                }
            }
            let written = ship::write(&mut self.sink, &events.lines, &self.stop, &self.service);
            if let (Err(sink::Error::GivenUp), Some(log)) = (&written, events.log) {
                *self.ledger.handed.entry(log).or_default() += self.sink.handed() as u64;
            }
            written?;
            // What stdout took is nothing to sync: only time counts there.
            if matches!(self.sink, Durable::File(_)) {
                self.unsaved_bytes += events.lines.len() as u64;
            }
        }
        self.total += events.counts;
        let changes = std::mem::take(&mut events.changes);
        self.is_unsaved |= self.ledger.apply(changes, events.log, events.counts);
        let is_hangup = self.stop.take_hangup();
        let is_due = events.is_pause
            || self.unsaved_bytes >= SAVE_BYTES
            || self.saved.elapsed() >= self.pace.wait();
        if self.is_unsaved && is_due || is_hangup {
            self.save()?;
            if is_hangup || self.sink.is_moved() {
                self.reopen()?;
            }
        }
        if self.reported.elapsed() >= self.report_interval {
            self.reported = Instant::now();
            self.summarise("so far");
        }
        Ok(())
    }

    /// Saves logs that are new to the state, or at another place, before events from there are written:
    /// after a crash only what is known of a log tells which lines of the output are its own.
    fn know_places(&mut self, events: &mut Events) -> Result<(), Error> {
        let is_known = |change: &Change| match change {
            Change::Log(id, now) => self.ledger.logs.get(id).is_some_and(|row| {
                let then = &row.checkpoint;
                then.path == now.path && then.real == now.real
            }),
            Change::Forget(_) | Change::Pattern(_) | Change::Lost(_) => true,
        };
        if matches!(self.sink, Durable::Stdout(_)) || events.changes.iter().all(is_known) {
            return Ok(());
        }
        // The last change is that of the piece itself, which is not written yet.
        let read = events.changes.pop();
        let found = std::mem::replace(&mut events.changes, Vec::from_iter(read));
        self.ledger.apply(found, None, Counts::default());
        self.save()
    }

    /// Leaves out what a pipe was handed in an earlier run, which ended in the middle of a piece.
    fn leave_out_handed(&mut self, events: &mut Events) {
        let Some(log) = events.log else { return };
        let Some(handed) = self.ledger.handed.remove(&log) else {
            return;
        };
        let most = usize::try_from(handed).unwrap_or(usize::MAX);
        let mut ends = memchr::memchr_iter(b'\n', &events.lines).take(most);
        let (mut count, mut end) = (0, 0);
        for at in ends.by_ref() {
            count += 1;
            end = at + 1;
        }
        events.lines.drain(..end);
        if handed > count {
            self.ledger.handed.insert(log, handed - count);
        }
    }

    /// The output first, then the state: a crash between them repeats what is then cut away.
    fn save(&mut self) -> Result<(), Error> {
        self.service.waiting(true);
        let began = Instant::now();
        let saved = self.save_both();
        self.pace.saved(began.elapsed());
        self.service.waiting(false);
        self.is_unsaved = false;
        self.unsaved_bytes = 0;
        self.saved = Instant::now();
        saved
    }

    fn save_both(&mut self) -> Result<(), Error> {
        let before = self.ledger.output.take();
        self.ledger.output = self.sink.sync()?;
        if let Some(output) = &mut self.ledger.output {
            output.succeed(before);
            output.is_final = self.is_final;
        }
        save(&self.store, &self.ledger, &self.directory, &self.stop)
    }

    fn reopen(&mut self) -> Result<(), Error> {
        tracing::info!("opening the output anew");
        self.sink.reopen()?;
        self.save()
    }

    fn summarise(&self, when: &str) {
        let Counts { records, failed } = self.total;
        let files = self.ledger.logs.len();
        let lost_bytes = self.ledger.lost_bytes;
        self.service
            .status(&format!("{records} records of {files} files"));
        if failed > 0 || lost_bytes > 0 {
            tracing::warn!(records, failed, files, lost_bytes, "{when}");
        } else {
            tracing::info!(records, failed, files, lost_bytes, "{when}");
        }
    }
}
