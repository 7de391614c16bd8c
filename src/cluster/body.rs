//! Bodies of bulk requests: for each event a line with its `_id`, then the event.

use std::sync::{Arc, Mutex, PoisonError};

use memchr::memchr;

use crate::pipeline::event::{BEFORE_ID, BEFORE_INDEX, write_action_of};

/// Buffers that wait for their next use, at most.
const MOST_SPARES: usize = 2;
/// What enormous records needed is given back.
const LARGEST_SPARE: usize = 16 << 20;

/// Events on their way, as the body of a request.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Bulk {
    /// Two lines for each event; shared with the request that sends them.
    pub body: Arc<Vec<u8>>,
    /// How many events.
    pub events: usize,
    /// They may be in the cluster already: an answer was lost, or a run was killed.
    pub doubt: Option<Doubt>,
    /// They were refused as they are, and are in their plain form.
    pub is_plain: bool,
}

/// Where events may be already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The backing index that took events when they were sent first; none: it was not known.
    pub since: Option<String>,
    /// Nothing is known of an earlier run: where there is one index, its answers say what is there.
    pub is_unrecorded: bool,
}

/// An event with its line, in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<'a> {
    /// Both lines, with their ends.
    pub text: &'a [u8],
    /// The event, without its line end.
    pub event: &'a [u8],
    /// Its `_id`.
    pub id: &'a str,
    /// The data stream that it is for, if it is not the one of most events.
    pub index: Option<&'a str>,
}

/// The events of a body that this program wrote.
pub fn pairs(body: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let action = memchr(b'\n', rest)? + 1;
        let end = action + memchr(b'\n', &rest[action..])?;
        let (text, behind) = rest.split_at(end + 1);
        let (id, index) = id_and_index(&text[..action]);
        let pair = Pair {
            text,
            event: &rest[action..end],
            id,
            index,
        };
        rest = behind;
        Some(pair)
    })
}

/// The `_id`, and the `_index` if there is one, in a line that [`crate::pipeline::event::write_action`] wrote.
fn id_and_index(line: &[u8]) -> (&str, Option<&str>) {
    let up_to_quote = |text| {
        let end = memchr(b'"', text).unwrap_or(text.len());
        let (text, rest) = text.split_at(end);
        (std::str::from_utf8(text).unwrap_or_default(), rest)
    };
    let (id, rest) = up_to_quote(line.strip_prefix(BEFORE_ID).unwrap_or_default());
    let index = rest.strip_prefix(BEFORE_INDEX);
    (id, index.map(|index| up_to_quote(index).0))
}

impl Bulk {
    /// Adds an event.
    pub fn push(&mut self, pair: Pair<'_>) {
        self.add(|body| {
            if pair.index.is_none() {
                body.extend_from_slice(pair.text);
                return;
            }
            // The request says where it goes; not every cluster lets an action say so.
            write_action_of(body, pair.id, "");
            body.extend_from_slice(pair.event);
            body.push(b'\n');
        });
    }

    /// Adds an event, which `write` writes with its line.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        // Nobody has a share of it yet: nothing is copied.
        write(Arc::make_mut(&mut self.body));
        self.events += 1;
    }

    /// Those of its events that `is_kept` says, by their place.
    #[must_use]
    pub fn retain(&self, mut is_kept: impl FnMut(usize, Pair<'_>) -> bool) -> Self {
        let mut kept = Self {
            doubt: self.doubt.clone(),
            is_plain: self.is_plain,
            ..Self::default()
        };
        for (place, pair) in pairs(&self.body).enumerate() {
            if is_kept(place, pair) {
                kept.push(pair);
            }
        }
        kept
    }

    /// Its first half and its second.
    #[must_use]
    pub fn halves(&self) -> (Self, Self) {
        let half = self.events / 2;
        (
            self.retain(|place, _| place < half),
            self.retain(|place, _| place >= half),
        )
    }
}

/// Buffers of bodies that are settled, for the next ones: where threads allocate and free blocks of this
/// size all the time, the heap keeps several times of what is in use.
#[derive(Debug, Default)]
pub struct Spares(Mutex<Vec<Vec<u8>>>);

impl Spares {
    /// An empty body.
    #[must_use]
    pub fn take(&self) -> Bulk {
        let mut spares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Bulk {
            body: Arc::new(spares.pop().unwrap_or_default()),
            ..Bulk::default()
        }
    }

    /// Takes back what is no longer needed.
    pub fn give(&self, bulk: Bulk) {
        let Some(mut body) = Arc::into_inner(bulk.body) else {
            return;
        };
        let mut spares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spares.len() < MOST_SPARES && (1..=LARGEST_SPARE).contains(&body.capacity()) {
            body.clear();
            spares.push(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::event::{IdSource, write_action};

    fn bulk(events: &[&str]) -> Bulk {
        let mut body = Vec::new();
        for (place, event) in events.iter().enumerate() {
            let id = IdSource::Events.id(place as u64, event.as_bytes());
            write_action(&mut body, &id, "");
            body.extend_from_slice(event.as_bytes());
            body.push(b'\n');
        }
        Bulk {
            body: Arc::new(body),
            events: events.len(),
            ..Bulk::default()
        }
    }

    #[test]
    fn a_body_is_taken_apart_into_events_with_their_ids() {
        let bulk = bulk(&["{\"a\":1}", "{}"]);
        let found: Vec<_> = pairs(&bulk.body).collect();
        assert_eq!(found[0].event, b"{\"a\":1}");
        assert_eq!(found[1].event, b"{}");
        assert_eq!(found[1].id, IdSource::Events.id(1, b"{}").as_str());
        assert_eq!([found[0].text, found[1].text].concat(), *bulk.body);
    }

    #[test]
    fn halves_are_the_whole() {
        let whole = bulk(&["{}", "{\"a\":1}", "{\"b\":1}"]);
        let (first, second) = whole.halves();
        assert_eq!((first.events, second.events), (1, 2));
        assert_eq!([&first.body[..], &second.body].concat(), *whole.body);
    }

    #[test]
    fn a_buffer_is_used_again_once_nobody_sends_it() {
        let spares = Spares::default();
        let whole = bulk(&["{}"]);
        let capacity = whole.body.capacity();
        let sent = Arc::clone(&whole.body);
        spares.give(whole.clone());
        assert_eq!(spares.take().body.capacity(), 0, "it is being sent");
        drop(sent);
        spares.give(whole);
        let next = spares.take();
        assert_eq!((next.body.capacity(), next.body.len()), (capacity, 0));
    }

    #[test]
    fn few_buffers_are_kept_and_no_enormous_ones() {
        let spares = Spares::default();
        let with_room = |bytes| Bulk {
            body: Arc::new(Vec::with_capacity(bytes)),
            ..Bulk::default()
        };
        spares.give(with_room(LARGEST_SPARE + 1));
        assert_eq!(spares.take().body.capacity(), 0);
        for _ in 0..=MOST_SPARES {
            spares.give(with_room(10));
        }
        let kept = (0..=MOST_SPARES).filter(|_| spares.take().body.capacity() > 0);
        assert_eq!(kept.count(), MOST_SPARES);
    }
}
