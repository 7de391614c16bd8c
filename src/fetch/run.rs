//! The runs: one, or one every interval, from the state to the state.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use super::asker::{Asker, Error as AskError};
use super::checkpoint::SiteCheckpoint;
use super::clock::Clock;
use super::connect::CloudIds;
use super::delivery::Delivery;
use super::error::Error;
use super::fetched::{self, Fetched};
use super::measure;
use super::outside::OutsideRecords;
use super::pager::{self, FetchEvent, Pager};
use super::plan::{self, FetchOptions, FirstRun, LocalTimes, Plan};
use super::repeat::{self, FetchOutcome, RunOutcome, Runs};
use super::resume;
use super::slices::{IsRight, Slices};
use super::start;
use super::states;
use super::window::Window;
use crate::pipeline::timestamp::Timestamp;
use crate::process::advice;
use crate::process::service::Service;
use crate::process::stop::Stop;
use crate::ship::{self, Mapping, Shipper};
use crate::sink::Destination;
use crate::state;

/// Pages that may have come, but are not taken yet.
const PAGES_AHEAD: usize = 1;
/// A first run over a range at least this long that returns no records is warned about.
const SUSPICIOUS: Duration = Duration::from_secs(12 * 60 * 60);

/// Fetches and delivers until everything is there, or it is time to end; none if nobody reads the output
/// any more.
///
/// # Errors
/// When the site, the output or the state fails.
pub fn run(
    options: &FetchOptions,
    destination: Destination,
    mapping: &Mapping,
    (asker, cloud_ids): (Asker, &CloudIds),
    stop: &Arc<Stop>,
    service: &Arc<Service>,
) -> Result<Option<FetchOutcome>, Error> {
    let process = Timestamp::now();
    let (delivery, begun) = open(
        options,
        destination,
        mapping,
        &asker,
        cloud_ids,
        (stop, service),
        process,
    )?;
    let mut fetching = Fetching {
        options,
        asker: Arc::new(asker),
        delivery,
        clock: Clock::default(),
        begun,
        process,
        outside: OutsideRecords::default(),
        emptiness_told: false,
        has_succeeded: false,
    };
    fetching.delivery.note_cursor();
    measure::note_grant(service.metrics(), &fetching.asker);
    service.ready();
    let ended = repeat::run(&mut fetching, options.interval);
    fetching.leave_unbegun(ended.as_ref().err());
    let Some(ended) = repeat::conclude(ended, service)? else {
        return Ok(None);
    };
    fetched::end(&mut fetching.delivery.shipper)?;
    measure::summarise(&fetching.delivery.shipper, &fetching.asker.client);
    Ok(Some(FetchOutcome {
        is_stopped: ended == RunOutcome::Stopped,
        counts: fetching.delivery.shipper.total,
    }))
}

/// Of the first run of a site and query, while there is no answer.
struct Begun {
    directory: PathBuf,
    /// The name of the state.
    file: String,
    first: FirstRun,
    /// Names under which its start may be kept.
    starts: Vec<String>,
    is_over: bool,
}

/// Takes the state, and brings the output to what it says.
fn open<'a>(
    options: &FetchOptions,
    destination: Destination,
    mapping: &'a Mapping,
    asker: &Asker,
    cloud_ids: &CloudIds,
    (stop, service): (&Arc<Stop>, &Arc<Service>),
    process: Timestamp,
) -> Result<(Delivery<'a>, Begun), ship::Error> {
    let directory = state::directory(options.state_dir.as_deref())?;
    let search = asker.search.as_deref();
    let all = states::all_quietly(&directory);
    let mut identity = asker.site.identity();
    states::identify(&mut identity, &asker.site.base, search, &all, cloud_ids);
    let mut opened = states::open(&directory, &all, &identity, search, &options.output)?;
    let kept = states::kept_start(&directory, &opened);
    let first = resume::first_run(options, kept, process);
    let begun = Begun {
        directory: directory.clone(),
        file: opened.file.clone(),
        starts: opened.starts.clone(),
        is_over: opened.checkpoint.is_begun(),
        first,
    };
    resume::report(
        options,
        (&directory, &all),
        &opened,
        (!begun.is_over).then_some(&begun.first),
    );
    if !begun.is_over {
        let kept = begun.first.start.save(&directory, &opened.file);
        kept.map_err(|source| ship::Error::Save {
            directory: directory.clone(),
            source,
        })?;
    }
    opened.checkpoint.first = None;
    opened.checkpoint.raw = Some(options.raw);
    if options.has_ids || matches!(destination, Destination::Cluster(_)) {
        let site = || identity.key().to_owned();
        opened.checkpoint.ids_of.get_or_insert_with(site);
    }
    let shares_output = states::is_written_to(&directory, &options.output);
    let saved = (directory, opened.store, opened.file.as_str());
    let progress = (opened.checkpoint, options.overlap, shares_output);
    let shipper = fetched::open(destination, saved, progress, (stop, service))?;
    let delivery = Delivery {
        mapping,
        threads: options.threads,
        raw: options.raw,
        has_ids: options.has_ids || shipper.is_cluster(),
        dialect: None,
        own_user: options.exclude_own_searches.then(Vec::new),
        pipe: shipper.sink().pipe(),
        shipper,
    };
    Ok((delivery, begun))
}

/// The runs of this process.
struct Fetching<'a> {
    options: &'a FetchOptions,
    asker: Arc<Asker>,
    delivery: Delivery<'a>,
    clock: Clock,
    begun: Begun,
    /// When this process began, by this machine's clock.
    process: Timestamp,
    outside: OutsideRecords,
    emptiness_told: bool,
    has_succeeded: bool,
}

impl Runs for Fetching<'_> {
    type State = SiteCheckpoint;

    /// Anew, if the server's clock shows that it is another range.
    fn run(&mut self) -> Result<RunOutcome, Error> {
        let ended = self.run_range();
        let metrics = self.delivery.shipper.service.metrics();
        measure::run_ended(metrics, &ended);
        measure::note_grant(metrics, &self.asker);
        ended
    }

    fn is_last(&self, began: Timestamp) -> bool {
        let until = plan::until(self.options, &self.clock, self.process);
        let settled = self.clock.earlier(began).minus(self.options.settle);
        until.is_some_and(|until| until <= settled)
    }

    fn may_pass(&self, error: &Error) -> bool {
        let Error::Fetch(error) = error else {
            return false;
        };
        match error {
            // A proxy, while Confluence starts behind it.
            pager::Error::Ask(error @ AskError::Refused(_)) => {
                error.is_about_place() && self.has_succeeded
            }
            // The grant has ended, or its server is out of reach.
            pager::Error::Ask(AskError::Auth(error)) => error.is_outage(),
            pager::Error::Ask(AskError::Unanswered { .. })
            | pager::Error::Endless { .. }
            | pager::Error::Moves { .. } => true,
        }
    }

    /// Without an end that was given, a run comes as far as any before it.
    fn succeeded(&mut self) {
        self.has_succeeded = true;
        if self.options.until.is_none() {
            self.delivery.shipper.progress.is_caught_up = true;
        }
    }

    fn shipper(&mut self) -> &mut Shipper<Fetched<SiteCheckpoint>> {
        &mut self.delivery.shipper
    }

    fn pipe(&self) -> Option<&OwnedFd> {
        self.delivery.pipe.as_ref()
    }
}

impl Fetching<'_> {
    fn run_range(&mut self) -> Result<RunOutcome, Error> {
        let local = LocalTimes {
            process: self.process,
            run: Timestamp::now(),
        };
        for is_asked in [false, true] {
            let plan = plan::plan(
                self.options,
                self.delivery.checkpoint(),
                &self.begun.first,
                (&self.clock, is_asked),
                local,
            );
            if let (Some(since), Some(now)) = (plan.first, plan.too_early) {
                return Err(Error::future(since, now, &self.clock));
            }
            self.correct(plan, local);
            let Some(range) = plan.range else {
                self.report_nothing(plan);
                break;
            };
            if let Some(outcome) = self.run_plan(plan, range, local, is_asked)? {
                return Ok(outcome);
            }
            tracing::debug!("the server's clock is another: planning again");
        }
        Ok(RunOutcome::Done)
    }

    /// Goes back from a position in the future.
    fn correct(&mut self, plan: Plan, local: LocalTimes) {
        let checkpoint = &mut self.delivery.shipper.progress.checkpoint;
        let (Some(to), Some(cursor)) = (plan.correction, checkpoint.cursor) else {
            return;
        };
        let name = checkpoint.name();
        tracing::warn!(
            "the saved position, {cursor}, is in the future, as a wrong clock saved it (the server's says {}): \
             continuing from {to}. Records since the last run may be older: `{}` goes back further",
            self.clock.at_server(local.run),
            advice::command(&[
                "state",
                "set",
                &name,
                "--since",
                &to.minus(SUSPICIOUS).to_string()
            ])
        );
        checkpoint.go_back(to);
    }

    fn report_nothing(&self, plan: Plan) {
        match (plan.first, self.delivery.checkpoint().cursor) {
            (Some(first), _) => {
                tracing::warn!("--until is before --since ({first}): nothing to fetch");
            }
            (None, Some(cursor)) => {
                tracing::info!("nothing to fetch: everything up to {cursor} was fetched before");
            }
            (None, None) => {}
        }
    }

    /// Fetches a range; none if it is not the right one by the server's clock, where that was not asked yet.
    fn run_plan(
        &mut self,
        plan: Plan,
        range: Window,
        local: LocalTimes,
        is_asked: bool,
    ) -> Result<Option<RunOutcome>, Error> {
        tracing::debug!(from = %range.from, to = %range.to, "fetching");
        let events = self.begin(range);
        let (options, first_run) = (self.options, &self.begun.first);
        let is_right: Option<IsRight<'_>> = (!is_asked).then(|| {
            let is_right: IsRight<'_> = Box::new(move |checkpoint, clock| {
                let other = plan::plan(options, checkpoint, first_run, (clock, true), local);
                !other.differs(&plan)
            });
            is_right
        });
        let mut run = Slices::new(
            &mut self.delivery,
            (&mut self.clock, is_right),
            &mut self.outside,
            options.settle,
            events,
            (range, plan.first),
            local.run,
        );
        let ended = run.run();
        let is_empty = run.is_empty();
        // Requests that were made cause records, whatever came of them.
        run.note_requests();
        drop(run);
        self.outside.report(self.delivery.checkpoint());
        self.forget_start();
        // Not after a failure of the output, which is to be given up as it is.
        if matches!(ended, Ok(Some(RunOutcome::Stopped)) | Err(Error::Fetch(_))) {
            self.save_requests();
        }
        if is_empty && matches!(ended, Ok(Some(RunOutcome::Done))) {
            self.warn_if_empty(range);
        }
        ended
    }

    /// There is a state now.
    fn forget_start(&mut self) {
        if !self.begun.is_over && self.delivery.checkpoint().is_begun() {
            self.begun.is_over = true;
            start::remove(&self.begun.directory, &self.begun.starts);
        }
    }

    /// Of a site that never answered, no state is left; of a place without one, not even when it was asked first.
    fn leave_unbegun(&self, error: Option<&Error>) {
        let Begun {
            directory,
            file,
            starts,
            is_over,
            ..
        } = &self.begun;
        if *is_over {
            return;
        }
        states::leave_unbegun(directory, file);
        if error.is_some_and(Error::is_about_order) {
            start::remove(directory, starts);
        }
    }

    /// Credentials can be accepted, and see nothing.
    fn warn_if_empty(&mut self, range: Window) {
        let is_long = range.from.plus(SUSPICIOUS) <= range.to;
        let checkpoint = self.delivery.checkpoint();
        if checkpoint.events > 0 || checkpoint.search.is_some() || !is_long || self.emptiness_told {
            return;
        }
        self.emptiness_told = true;
        tracing::warn!(
            "{} returned no records for {} to {}: run `confluence-ecs check` with the same options to see \
             whether the account may read them; if not, fetch them afterwards with `{}`",
            checkpoint.site,
            range.from,
            range.to,
            advice::command(&[
                "state",
                "set",
                &checkpoint.site,
                "--since",
                &range.from.to_string()
            ])
        );
    }

    /// Starts the thread that fetches the pages of a range.
    fn begin(&self, range: Window) -> Receiver<FetchEvent> {
        let (sender, events) = mpsc::sync_channel(PAGES_AHEAD);
        let asker = Arc::clone(&self.asker);
        let page_size = self.options.page_size;
        let mut pager = Pager::new(
            asker,
            page_size,
            sender,
            Arc::clone(&self.delivery.shipper.stop),
        );
        if self.delivery.own_user.as_ref().is_some_and(Vec::is_empty) {
            pager = pager.asking_user();
        }
        let slice = self.options.slice;
        // Not joined: it may be waiting for the network when it is time to end.
        let span = tracing::Span::current();
        std::thread::spawn(move || span.in_scope(|| pager.run(range, slice)));
        events
    }

    fn save_requests(&mut self) {
        if self.delivery.own_user.is_some()
            && self.delivery.checkpoint().cursor.is_some()
            && let Err(error) = self.delivery.shipper.save()
        {
            tracing::debug!("{error}");
        }
    }
}
