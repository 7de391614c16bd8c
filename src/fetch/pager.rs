//! The thread that asks: page after page, slice after slice, a little ahead of who delivers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::asker::{Asker, Error as AskError, PageResponse};
use super::page::Page;
use super::paging::Endless;
use super::reading::{Failure, Pages, SliceReader};
use super::readings::MOST_READINGS;
use super::record::Fingerprint;
use super::site::{Api, Ask};
use super::user;
use super::window::Window;
use crate::pipeline::timestamp::Timestamp;
use crate::process::stop::Stop;

/// Why a range cannot be fetched to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The site gives no records.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// Its pages do not end.
    #[error(
        "{site} returned {why} for {} to {}: stopped, to avoid an endless loop or missing records; complete \
         slices are delivered. Try another --page-size, and if that does not help, ask the site without a \
         proxy or cache in between",
        window.from, window.to
    )]
    Endless {
        /// Name of the site, as `state list` prints it.
        site: String,
        /// Time range of the slice.
        window: Window,
        /// What is wrong with them.
        why: Endless,
    },
    /// Its records do not stand still.
    #[error(
        "the records of {site} from {} to {} changed between its pages during each of {MOST_READINGS} attempts \
         to read them, or pages that should have some had none: try a longer --settle, a larger --page-size, or, if \
         the server gives nothing so far into a list, a shorter --window",
        window.from, window.to
    )]
    Moves {
        /// Name of the site, as `state list` prints it.
        site: String,
        /// Time range of the slice.
        window: Window,
    },
}

/// Events that the request thread sends.
#[derive(Debug)]
pub enum FetchEvent {
    /// The names of the requesting user; empty if unknown.
    User(Vec<String>),
    /// A request is about to be sent, at that time.
    Asking(Timestamp),
    /// A page of a slice arrived; its first `known` records were in the page before.
    Page {
        /// The page, parsed from the response.
        page: Page,
        /// Time range of its slice.
        window: Window,
        /// How many of its records are not new.
        known: usize,
        /// How far our clock is ahead of the server's, in seconds.
        ahead: Option<i64>,
    },
    /// Records moved: discard what arrived of the slice, it is read again.
    Moved,
    /// Of these records of an instant of the slice there are so many, however many arrived.
    Counted(Timestamp, HashMap<Fingerprint, usize>),
    /// The slice is complete.
    Complete(Window),
    /// The end: all slices are complete, or one failed.
    End(Result<(), Error>),
}

/// Requests the slices of a range, page by page, and sends them through a bounded channel.
pub struct Pager {
    asker: Arc<Asker>,
    page_size: usize,
    events: SyncSender<FetchEvent>,
    stop: Arc<Stop>,
    asks_user: bool,
}

/// The receiver was dropped: no more requests are needed.
struct Gone;

enum Interrupted {
    Gone,
    Error(Error),
}

impl From<Gone> for Interrupted {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

impl From<Error> for Interrupted {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Pager {
    /// A pager that wakes `stop` whenever it has sent an event.
    #[must_use]
    pub fn new(
        asker: Arc<Asker>,
        page_size: usize,
        events: SyncSender<FetchEvent>,
        stop: Arc<Stop>,
    ) -> Self {
        Self {
            asker,
            page_size,
            events,
            stop,
            asks_user: false,
        }
    }

    /// The same, which first asks under which names it asks.
    #[must_use]
    pub fn asking_user(self) -> Self {
        Self {
            asks_user: true,
            ..self
        }
    }

    /// Asks for everything, to the end.
    pub fn run(self, range: Window, slice: Duration) {
        let end = match self.slices(range, slice) {
            Ok(()) => Ok(()),
            Err(Interrupted::Error(error)) => Err(error),
            Err(Interrupted::Gone) => return,
        };
        // Nobody there to hear it is no trouble.
        let _ = self.send(FetchEvent::End(end));
    }

    fn send(&self, event: FetchEvent) -> Result<(), Gone> {
        self.events.send(event).map_err(|_| Gone)?;
        self.stop.wake();
        Ok(())
    }

    fn slices(&self, range: Window, slice: Duration) -> Result<(), Interrupted> {
        if self.asks_user {
            self.send(FetchEvent::User(user::names(&self.asker)))?;
        }
        let mut pages = SitePages {
            pager: self,
            api: self.asker.site.api(),
        };
        for window in range.slices(slice) {
            let mut reader = SliceReader {
                pages: &mut pages,
                page_size: self.page_size,
            };
            reader.read(window).map_err(|failure| {
                let site = self.asker.site.name();
                match failure {
                    Failure::Pages(interrupted) => interrupted,
                    Failure::Endless(window, why) => Error::Endless { site, window, why }.into(),
                    Failure::Moves(window) => Error::Moves { site, window }.into(),
                }
            })?;
            self.send(FetchEvent::Complete(window))?;
        }
        Ok(())
    }

    fn page(&self, api: &mut Api, window: Window, ask: &Ask<'_>) -> Result<PageResponse, AskError> {
        let count = || {
            // A dropped receiver is noticed with the page.
            let _ = self.send(FetchEvent::Asking(Timestamp::now()));
        };
        let refused = match self.asker.page(*api, window, ask, &count) {
            Ok(asked) => return Ok(asked),
            Err(error) => error,
        };
        let Some(other) = Asker::fallback(*api, &refused) else {
            return Err(refused);
        };
        match self.asker.page(other, window, ask, &count) {
            Ok(asked) => {
                *api = other;
                if self.asks_user {
                    tracing::warn!(
                        "--exclude-own-searches has no effect: {} is a Server of before 7.5, which does not record \
                         searches of its audit log",
                        self.asker.site.name()
                    );
                }
                Ok(asked)
            }
            // If neither is there, what the first one said stands.
            Err(error) if error.is_about_place() => Err(refused),
            Err(error) => Err(error),
        }
    }
}

/// The pages of the site, which are sent as events.
struct SitePages<'a> {
    pager: &'a Pager,
    /// The API that is there.
    api: Api,
}

impl Pages for SitePages<'_> {
    type Error = Interrupted;

    fn ask(&mut self, window: Window, ask: &Ask<'_>) -> Result<PageResponse, Interrupted> {
        let asked = self.pager.page(&mut self.api, window, ask);
        Ok(asked.map_err(Error::from)?)
    }

    fn take(
        &mut self,
        response: PageResponse,
        window: Window,
        known: usize,
    ) -> Result<(), Interrupted> {
        let PageResponse { page, ahead } = response;
        self.pager.send(FetchEvent::Page {
            page,
            window,
            known,
            ahead,
        })?;
        Ok(())
    }

    fn discard(&mut self, window: Window) -> Result<(), Interrupted> {
        tracing::debug!(from = %window.from, to = %window.to, "records moved between pages: reading the slice again");
        Ok(self.pager.send(FetchEvent::Moved)?)
    }

    fn count(
        &mut self,
        time: Timestamp,
        counts: HashMap<Fingerprint, usize>,
    ) -> Result<(), Interrupted> {
        tracing::debug!(%time, records = counts.values().sum::<usize>(), "equal records on several pages: counted");
        Ok(self.pager.send(FetchEvent::Counted(time, counts))?)
    }
}
