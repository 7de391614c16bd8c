//! A slice's records to the output, and the state that says so.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::checkpoint::SiteCheckpoint;
use super::dedupe::{Counted, Filter, Item};
use super::error::Error;
use super::fetched::{self, Fetched};
use super::lines::LineMaker;
use super::own_searches::OwnSearches;
use super::record;
use super::spill::{Merge, Spill};
use crate::pipeline::dialect::Dialect;
use crate::pipeline::event::{IdSource, Origin};
use crate::pipeline::json::Reader;
use crate::pipeline::normalize::Counts;
use crate::pipeline::timestamp::Timestamp;
use crate::process::batch;
use crate::ship::{self, Mapping, Shipper};
use crate::sink;

/// Records are handed to the threads in pieces of about so many bytes.
const PIECE: usize = 128 << 10;
/// What stdout took is saved at the latest after this time.
const SAVE_AFTER: Duration = Duration::from_millis(200);

/// From a slice's records to the output.
pub struct Delivery<'a> {
    /// How records are mapped.
    pub mapping: &'a Mapping,
    /// The threads for it.
    pub threads: NonZeroUsize,
    /// Whether the records are written as they came.
    pub raw: bool,
    /// Whether events are written with their ids, as a cluster's bulk request has them.
    pub has_ids: bool,
    /// The dialect of the records, where the API tells it.
    pub dialect: Option<Dialect>,
    /// Under which names we ask, if our own searches are left out; none while that is not known.
    pub own_user: Option<Vec<String>>,
    /// The output, if it is a pipe: when its reader closes it, waiting ends.
    pub pipe: Option<OwnedFd>,
    /// The output and the state.
    pub shipper: Shipper<Fetched<SiteCheckpoint>>,
}

/// A batch of records for a worker.
#[derive(Default)]
struct DeliveryPiece {
    text: Vec<u8>,
    records: Vec<(Range<usize>, RecordKey)>,
    note: Note,
}

/// What a record's id is made of.
struct RecordKey {
    item: Item,
    ordinal: u64,
}

impl RecordKey {
    fn id_parts(&self) -> (u64, Vec<u8>) {
        let mut name = self.item.fingerprint.bytes().to_vec();
        if self.item.is_timeless {
            name.extend_from_slice(self.item.time.to_string().as_bytes());
        }
        (self.ordinal, name)
    }
}

/// What the checkpoint is to know when they are written.
#[derive(Default)]
struct Note {
    items: Vec<Item>,
    last: Option<Timestamp>,
    /// Own requests whose records came.
    requests: Vec<Timestamp>,
}

/// The output lines of a batch.
#[derive(Default)]
struct LineBuffer {
    text: Vec<u8>,
    counts: Counts,
    note: Note,
}

impl Delivery<'_> {
    /// Writes the new records of a slice, in the order of time. `asked` is when it was fetched. Of those
    /// that are counted no more are written than there are.
    /// Returns whether all of them are written: not if it is time to end.
    ///
    /// # Errors
    /// When the output or the state fails, or the records cannot be read back.
    pub fn deliver(
        &mut self,
        spill: &mut Spill,
        counted: Counted,
        asked: Timestamp,
    ) -> Result<bool, Error> {
        let mut filling = Filling {
            merge: spill.merge(),
            filter: Filter::new(self.checkpoint().delivered.clone(), counted),
            own: self.checkpoint().own_searches.clone(),
            own_user: self.own_user.clone(),
            reader: Reader::default(),
            is_done: false,
        };
        let (mapping, raw, threads) = (self.mapping, self.raw, self.threads);
        let dialect = self.dialect;
        let ids = self.id_source();
        let stop = Arc::clone(&self.shipper.stop);
        let origin = Origin::api(asked);
        let (mut filled, mut written) = (Ok(()), Ok(()));
        mapping.renew();
        batch::in_order(
            threads,
            |piece: &mut DeliveryPiece| {
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
            || worker(LineMaker::new(mapping, &origin, dialect, raw, ids.clone())),
            |lines: &mut LineBuffer| {
                written = self.take(lines);
                written.is_ok()
            },
        );
        let is_done = filling.is_done;
        match written {
            Ok(()) => {}
            // What was taken is not handed over again.
            Err(Error::Ship(error)) if error.is_end() => {
                self.shipper.save()?;
                return Err(error.into());
            }
            Err(error) => return Err(error),
        }
        if let Err(source) = filled {
            let directory = self.shipper.directory().to_owned();
            return Err(Error::Spill { directory, source });
        }
        if !is_done {
            self.shipper.save()?;
        }
        Ok(is_done)
    }

    fn take(&mut self, lines: &mut LineBuffer) -> Result<(), Error> {
        let shipper = &mut self.shipper;
        shipper.service.beat();
        if !lines.text.is_empty() {
            shipper.leave_moved()?;
            if shipper.is_file() {
                shipper.progress.written.note(&lines.text);
            }
            let written = shipper.write(&lines.text);
            if matches!(written, Err(ship::Error::Sink(sink::Error::GivenUp))) {
                self.note_handed(&lines.note.items);
            }
            written?;
        }
        let Note {
            items,
            last,
            requests,
        } = std::mem::take(&mut lines.note);
        let shipper = &mut self.shipper;
        let Fetched {
            checkpoint,
            overlap,
            ..
        } = &mut shipper.progress;
        checkpoint.add(&items, last, lines.counts);
        // Now and not only with the save: a slice may have any number of records.
        checkpoint.forget(*overlap);
        for request in requests {
            checkpoint.own_searches.remove(request);
        }
        shipper.count(lines.counts, self.raw);
        let newest = last.map(Timestamp::millis);
        shipper.service.metrics().newest_event(newest);
        // A file is cut back to what was saved, a cluster knows ids; a pipe knows nothing.
        let is_due = match shipper.save_bytes() {
            None => shipper.last_save().elapsed() >= SAVE_AFTER,
            Some(_) => shipper.is_full(),
        };
        if is_due {
            shipper.save()?;
        }
        Ok(())
    }

    /// Of a write that was given up, a pipe has the first lines.
    fn note_handed(&mut self, items: &[Item]) {
        let handed = self.shipper.sink().handed();
        // Where own searches are left out, lines are not items.
        if self.own_user.is_some() {
            return;
        }
        let items = items.get(..handed).unwrap_or_default();
        let counts = Counts {
            records: items.len() as u64,
            ..Counts::default()
        };
        let checkpoint = &mut self.shipper.progress.checkpoint;
        checkpoint.add(items, items.last().map(|item| item.time), counts);
    }

    /// What ids are made of, if events are sent with one.
    fn id_source(&self) -> Option<IdSource> {
        let site = self.checkpoint().ids_of.clone();
        site.filter(|_| self.has_ids).map(IdSource::Api)
    }

    /// The state that is saved.
    pub fn checkpoint(&self) -> &SiteCheckpoint {
        &self.shipper.progress.checkpoint
    }

    /// Waits for an event, a signal, or the end of the output.
    ///
    /// # Errors
    /// When the system does not let it wait.
    pub fn wait(&self, most: Duration) -> Result<(), Error> {
        Ok(fetched::wait(&self.shipper, self.pipe.as_ref(), most)?)
    }

    /// Saves: all up to a time is delivered.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn commit(&mut self, reached: Timestamp) -> Result<(), Error> {
        self.shipper.progress.checkpoint.reached(reached);
        self.shipper.save()?;
        self.note_cursor();
        Ok(self.shipper.follow_moved()?)
    }

    /// Takes note of how far everything is saved, for the metrics.
    pub fn note_cursor(&self) {
        let cursor = self.checkpoint().cursor.map(Timestamp::millis);
        self.shipper.service.metrics().cursor(cursor);
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
    fn fill(&mut self, piece: &mut DeliveryPiece) -> std::io::Result<bool> {
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
            let Some(ordinal) = self.filter.ordinal(head.item) else {
                piece.text.truncate(start);
                continue;
            };
            piece.note.items.push(head.item);
            if head.is_search
                && let Some(request) = self.own_request(head.item.time, &piece.text[start..])
            {
                piece.note.requests.push(request);
                piece.text.truncate(start);
                continue;
            }
            let item = head.item;
            let key = RecordKey { item, ordinal };
            piece.records.push((start..piece.text.len(), key));
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

fn worker(mut maker: LineMaker) -> impl FnMut(&mut DeliveryPiece, &mut LineBuffer) {
    move |piece, lines| {
        lines.text.clear();
        lines.note = std::mem::take(&mut piece.note);
        let records = std::mem::take(&mut piece.records);
        maker.write(&mut lines.text, &piece.text, records, RecordKey::id_parts);
        lines.counts = maker.take_counts();
    }
}
