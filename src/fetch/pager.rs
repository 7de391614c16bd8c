//! The thread that asks: page after page, slice after slice, a little ahead of who delivers.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::asker::{Asker, Error as AskError, PageResponse};
use super::page::Page;
use super::paging::{PageOutcome, Paging};
use super::record::Fingerprint;
use super::site::Api;
use super::user;
use super::window::Window;
use crate::pipeline::timestamp::Timestamp;
use crate::process::stop::Stop;

/// How often a slice is read again because its records moved while they were paged.
const MOST_MOVES: u32 = 10;

/// Why a range cannot be fetched to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The site gives no records.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// Its pages do not end.
    #[error(
        "{site} returned the same page twice, or an empty page with a next link, for {} to {}: stopped, to avoid \
         an endless loop; complete slices are delivered. Try another --page-size",
        window.from, window.to
    )]
    Repeats {
        /// Name of the site, as `state list` prints it.
        site: String,
        /// Time range of the slice.
        window: Window,
    },
    /// Its records do not stand still.
    #[error(
        "{site} inserted records between {} and {} during each of {MOST_MOVES} attempts to read them: try \
         a longer --settle, or a larger --page-size",
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
        let mut api = self.asker.site.api();
        for window in range.slices(slice) {
            let mut paging = Paging::new(self.page_size);
            let mut seen = None;
            let mut moves = 0;
            while let Some(moved) = self.slice(&mut api, window, paging)? {
                moves += 1;
                if moves == MOST_MOVES {
                    let site = self.asker.site.name();
                    return Err(Error::Moves { site, window }.into());
                }
                tracing::debug!(from = %window.from, to = %window.to, "records moved between pages: reading the slice again");
                self.send(FetchEvent::Moved)?;
                let is_same = seen.replace(moved) == Some(moved);
                paging = if is_same {
                    Paging::without_overlap(self.page_size)
                } else {
                    Paging::new(self.page_size)
                };
            }
            self.send(FetchEvent::Complete(window))?;
        }
        Ok(())
    }

    /// Asks for a slice, page by page. What was seen of a movement, if its records moved.
    fn slice(
        &self,
        api: &mut Api,
        window: Window,
        mut paging: Paging,
    ) -> Result<Option<Fingerprint>, Interrupted> {
        loop {
            let asked = self.page(api, window, &paging);
            let PageResponse { page, ahead } = asked.map_err(Error::from)?;
            let (known, is_last) = match paging.take(&page) {
                PageOutcome::More(known) => (known, false),
                PageOutcome::Last(known) => (known, true),
                PageOutcome::Moved(seen) => return Ok(Some(seen)),
                PageOutcome::Repeats => {
                    let site = self.asker.site.name();
                    return Err(Error::Repeats { site, window }.into());
                }
            };
            self.send(FetchEvent::Page {
                page,
                window,
                known,
                ahead,
            })?;
            if is_last {
                return Ok(None);
            }
        }
    }

    fn page(
        &self,
        api: &mut Api,
        window: Window,
        paging: &Paging,
    ) -> Result<PageResponse, AskError> {
        let count = || {
            // A dropped receiver is noticed with the page.
            let _ = self.send(FetchEvent::Asking(Timestamp::now()));
        };
        let ask = paging.ask();
        let refused = match self.asker.page(*api, window, &ask, &count) {
            Ok(asked) => return Ok(asked),
            Err(error) => error,
        };
        let Some(other) = Asker::fallback(*api, &refused) else {
            return Err(refused);
        };
        match self.asker.page(other, window, &ask, &count) {
            Ok(asked) => {
                *api = other;
                Ok(asked)
            }
            // If neither is there, what the first one said stands.
            Err(error) if error.is_about_place() => Err(refused),
            Err(error) => Err(error),
        }
    }
}
