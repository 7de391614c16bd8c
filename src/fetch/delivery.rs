//! A slice's records to the output, and the state that says so.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::written::Written;
use crate::commands::Error;
use crate::fetch::dedupe::{Filter, Item};
use crate::fetch::ledger::Ledger;
use crate::fetch::own_searches::OwnSearches;
use crate::fetch::record;
use crate::fetch::spill::{Merge, Spill};
use crate::pipeline::dialect::Dialect;
use crate::pipeline::event::Origin;
use crate::pipeline::frame::Frame;
use crate::pipeline::json::{Reader, one_line};
use crate::pipeline::normalize::{Counts, Normalizer};
use crate::pipeline::timestamp::Timestamp;
use crate::process::batch;
use crate::process::service::Service;
use crate::process::stop::Stop;
use crate::ship::{self, Mapping};
use crate::sink::{self, Durable};
use crate::state::Store;

/// Records are handed to the threads in pieces of about so many bytes.
const PIECE: usize = 128 << 10;
/// What stdout took is saved at the latest after this time.
const SAVE_AFTER: Duration = Duration::from_millis(200);

/// And in any case after so many bytes.
const SAVE_BYTES: usize = 8 << 20;

/// The output, and the state that says what is in it.
pub struct Delivery<'a> {
    /// How records are mapped.
    pub mapping: &'a Mapping<'a>,
    /// The threads for it.
    pub threads: NonZeroUsize,
    /// Whether the records are written as they came.
    pub raw: bool,
    /// The dialect of the records, where the API tells it.
    pub dialect: Option<Dialect>,
    /// How far back later runs look.
    pub overlap: Duration,
    /// Under which names we ask, if our own searches are left out; none while that is not known.
    pub own_user: Option<Vec<String>>,
    /// Where events go.
    pub sink: Durable,
    /// Where the state goes.
    pub store: Store,
    /// Which lines went to the output since then.
    pub written: Written,
    /// Its directory.
    pub directory: PathBuf,
    /// The state.
    pub ledger: Ledger,
    /// Nothing more is written.
    pub is_final: bool,
    /// Whether it is time to end.
    pub stop: Arc<Stop>,
    /// Who watches over us.
    pub service: Arc<Service>,
    /// All events of this process.
    pub total: Counts,
    /// When the state was saved last.
    pub saved: Instant,
    /// Bytes written since.
    pub unsaved_bytes: usize,
}

/// Some records.
#[derive(Default)]
struct Piece {
    text: Vec<u8>,
    records: Vec<Range<usize>>,
    note: Note,
}

/// What the ledger is to know when they are written.
#[derive(Default)]
struct Note {
    items: Vec<Item>,
    last: Option<Timestamp>,
    /// Own requests whose records came.
    requests: Vec<Timestamp>,
}

/// Their lines.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    counts: Counts,
    note: Note,
}

impl Delivery<'_> {
    /// Writes the new records of a slice, in the order of time. `asked` is when it was fetched.
    /// Returns whether all of them are written: not if it is time to end.
    ///
    /// # Errors
    /// When the output or the state fails, or the records cannot be read back.
    pub fn deliver(&mut self, spill: &mut Spill, asked: Timestamp) -> Result<bool, Error> {
        let mut filling = Filling {
            merge: spill.merge(),
            filter: Filter::new(self.ledger.delivered.clone()),
            own: self.ledger.own_searches.clone(),
            own_user: self.own_user.clone(),
            reader: Reader::default(),
            is_done: false,
        };
        let (mapping, raw, threads) = (self.mapping, self.raw, self.threads);
        let dialect = self.dialect;
        let stop = Arc::clone(&self.stop);
        let origin = Origin::api(asked);
        let (mut filled, mut written) = (Ok(()), Ok(()));
        mapping.renew();
        batch::in_order(
            threads,
            |piece: &mut Piece| {
                if stop.is_requested() {
                    return false;
                }
                match filling.fill(piece) {
                    Ok(is_more) => is_more,
                    Err(error) => {
                        filled = Err(error);
                        false
                    }
                }
            },
            || worker(mapping, &origin, raw, dialect),
            |lines: &mut Lines| {
                written = self.take(lines);
                written.is_ok()
            },
        );
        let is_done = filling.is_done;
        match written {
            Ok(()) => {}
            // What was taken is not handed over again.
            Err(Error::Sink(error @ (sink::Error::Closed | sink::Error::GivenUp))) => {
                self.save()?;
                return Err(error.into());
            }
            Err(error) => return Err(error),
        }
        if let Err(source) = filled {
            let directory = self.directory.clone();
            return Err(Error::Spill { directory, source });
        }
        if !is_done {
            self.save()?;
        }
        Ok(is_done)
    }

    fn take(&mut self, lines: &mut Lines) -> Result<(), Error> {
        self.service.beat();
        if !lines.text.is_empty() {
            if self.sink.is_moved() {
                // Into a file that is being compressed, nothing more is to be written.
                self.save()?;
                self.follow_moved_output()?;
            }
            if matches!(self.sink, Durable::File(_)) {
                self.written.note(&lines.text);
            }
            let written = ship::write(&mut self.sink, &lines.text, &self.stop, &self.service);
            if matches!(written, Err(sink::Error::GivenUp)) {
                self.note_handed(&lines.note.items);
            }
            written?;
            self.unsaved_bytes += lines.text.len();
        }
        let Note {
            items,
            last,
            requests,
        } = std::mem::take(&mut lines.note);
        self.ledger.add(&items, last, lines.counts);
        // Now and not only with the save: a slice may have any number of records.
        self.ledger.forget(self.overlap);
        for request in requests {
            self.ledger.own_searches.remove(request);
        }
        self.total += lines.counts;
        // A file is cut back to what was saved; a pipe is not.
        if matches!(self.sink, Durable::Stdout(_)) && self.saved.elapsed() >= SAVE_AFTER
            || self.unsaved_bytes >= SAVE_BYTES
        {
            self.save()?;
        }
        Ok(())
    }

    /// Of a write that was given up, a pipe has the first lines.
    fn note_handed(&mut self, items: &[Item]) {
        let handed = self.sink.handed();
        // Where own searches are left out, lines are not items.
        if self.own_user.is_some() {
            return;
        }
        let items = items.get(..handed).unwrap_or_default();
        let counts = Counts {
            records: items.len() as u64,
            failed: 0,
        };
        self.ledger
            .add(items, items.last().map(|item| item.time), counts);
    }

    /// Saves: all up to a time is delivered.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn commit(&mut self, reached: Timestamp) -> Result<(), Error> {
        self.ledger.reached(reached);
        self.save()?;
        self.follow_moved_output()
    }

    /// Saves a last time.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn end(&mut self) -> Result<(), Error> {
        self.is_final = true;
        match self.save() {
            Err(Error::Sink(sink::Error::GivenUp)) => Ok(()),
            saved => saved,
        }
    }

    /// Opens the output anew if it was moved away, or a SIGHUP asks for it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn follow_moved_output(&mut self) -> Result<(), Error> {
        if self.stop.take_hangup() || self.sink.is_moved() {
            tracing::info!("opening the output anew");
            self.sink.reopen()?;
            self.save()?;
        }
        Ok(())
    }

    /// The output first, then the state: a crash between them repeats what is then cut away.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn save(&mut self) -> Result<(), Error> {
        self.ledger.forget(self.overlap);
        self.service.waiting(true);
        let synced = self.sink.sync();
        let saved = synced.map_err(Error::from).and_then(|recorded| {
            let before = std::mem::replace(&mut self.ledger.output, recorded);
            if let Some(output) = &mut self.ledger.output {
                output.succeed(before);
                output.is_final = self.is_final;
            }
            ship::save(&self.store, &self.ledger, &self.directory, &self.stop)
        });
        if saved.is_ok() {
            self.written.clear();
        }
        self.service.waiting(false);
        self.saved = Instant::now();
        self.unsaved_bytes = 0;
        saved
    }
}

/// Takes the new records out of a slice, piece by piece.
struct Filling<'a> {
    merge: Merge<'a>,
    filter: Filter,
    own: OwnSearches,
    own_user: Option<Vec<String>>,
    reader: Reader,
    is_done: bool,
}

impl Filling<'_> {
    /// False at the end.
    fn fill(&mut self, piece: &mut Piece) -> std::io::Result<bool> {
        piece.text.clear();
        piece.records.clear();
        piece.note = Note::default();
        while piece.text.len() < PIECE && piece.note.items.len() < PIECE {
            let start = piece.text.len();
            let Some(head) = self.merge.next(&mut piece.text)? else {
                self.is_done = true;
                return Ok(piece.note.last.is_some());
            };
            piece.note.last = Some(head.item.time);
            if !self.filter.is_new(head.item) {
                piece.text.truncate(start);
                continue;
            }
            piece.note.items.push(head.item);
            if head.is_search
                && let Some(request) = self.own_request(head.item.time, &piece.text[start..])
            {
                piece.note.requests.push(request);
                piece.text.truncate(start);
                continue;
            }
            piece.records.push(start..piece.text.len());
        }
        Ok(true)
    }

    fn own_request(&mut self, time: Timestamp, text: &[u8]) -> Option<Timestamp> {
        let user = self.own_user.as_ref()?;
        let text = std::str::from_utf8(text).ok()?;
        let searcher = record::searcher(&mut self.reader, text);
        self.own.take(time, &searcher, user)
    }
}

fn worker(
    mapping: &Mapping<'_>,
    origin: &Origin,
    raw: bool,
    dialect: Option<Dialect>,
) -> impl FnMut(&mut Piece, &mut Lines) {
    let (_, options) = mapping.current();
    // What the flag says counts, whatever the API.
    let dialect = options.dialect.or(dialect);
    let mut normalizer = Normalizer::new(options);
    normalizer.force_dialect(dialect);
    let origin = origin.clone();
    move |piece, lines| {
        lines.text.clear();
        lines.note = std::mem::take(&mut piece.note);
        if raw {
            lines.counts = Counts {
                records: piece.records.len() as u64,
                failed: 0,
            };
            for range in &piece.records {
                one_line(&mut lines.text, &piece.text[range.clone()]);
                lines.text.push(b'\n');
            }
            return;
        }
        let frame = |range: Range<usize>| Frame::Record {
            range,
            line_offset: 0,
        };
        let frames = piece.records.drain(..).map(frame).collect();
        normalizer.frames(&mut lines.text, &piece.text, 0, frames, &origin);
        lines.counts = normalizer.take_counts();
    }
}
