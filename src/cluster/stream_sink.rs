//! Takes the events of one data stream, hands them to the threads that send them, and says when all of them
//! are settled.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::body::{Bulk, Doubt, pairs};
use super::client::Setback;
use super::settle::Settler;

/// Events of one request at most, whatever their length.
const MOST_EVENTS: usize = 10_000;
/// Bodies that wait for a thread. With those being filled and sent, they are all that is in memory.
const MOST_READY: usize = 1;
/// A body that is not full is sent after this time.
const MOST_AGE: Duration = Duration::from_secs(1);
/// How often someone who waits looks whether it is time to end.
const LOOK: Duration = Duration::from_millis(50);
/// Events are settled, and the state is saved, at the latest after so many bytes: a save waits for all
/// answers, so fewer are faster; after a crash so much is sent again.
pub const SAVE_BYTES: usize = 64 << 20;
/// Bytes that a killed run may have sent after its last save, at most: with room for what was read
/// beyond [`SAVE_BYTES`], and for events that are longer than before.
const MOST_IN_DOUBT: u64 = 2 * SAVE_BYTES as u64;

/// What is recorded of a data stream: where events may be that were sent after this was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamCheckpoint {
    /// Data stream, alias or index.
    pub target: String,
    /// The backing index that took events when all events before were settled; none: there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Bytes that an earlier run may have sent, and that were not looked for yet.
    #[serde(default)]
    pub in_doubt: u64,
    /// Nothing was sent after this: the program ended, and saved last.
    #[serde(default)]
    pub is_final: bool,
}

impl StreamCheckpoint {
    /// What is to be recorded of it as long as no event comes for it; nothing if nothing is in doubt.
    pub(super) fn left_over(self, is_past_doubt: bool) -> Option<Self> {
        let in_doubt = self.still_in_doubt(is_past_doubt);
        let left = Self {
            in_doubt,
            is_final: false,
            ..self
        };
        (in_doubt > 0).then_some(left)
    }

    /// How many bytes of what that run sent may be in the cluster without a record of it.
    fn still_in_doubt(&self, is_past_doubt: bool) -> u64 {
        if is_past_doubt {
            0
        } else if self.is_final {
            self.in_doubt
        } else {
            self.in_doubt.max(MOST_IN_DOUBT)
        }
    }
}

/// A sink for events of one data stream with their `_id`, as bodies for `_bulk`.
#[derive(Debug)]
pub struct StreamSink {
    shared: Arc<Shared>,
    /// What an earlier run recorded.
    recorded: Option<StreamCheckpoint>,
    /// The index to look in first, for events that may be in the cluster already.
    doubt_since: Option<String>,
    /// How many bytes of such events are still to come, at most.
    in_doubt: u64,
    /// What is written next was not there to be sent before.
    is_next_new: bool,
    /// Nothing is recorded of earlier runs.
    is_unrecorded: bool,
}

#[derive(Debug)]
struct Shared {
    settler: Settler,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug)]
struct Queue {
    stage: Stage,
    filling: Bulk,
    /// When the first event of `filling` came.
    began: Option<Instant>,
    ready: VecDeque<Bulk>,
    in_flight: usize,
    /// What is filled is sent now.
    is_flushing: bool,
    is_ended: bool,
    failure: Option<Setback>,
}

/// Nothing is sent before the state says which index takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The cluster is asked which index takes the writes.
    Looking,
    /// It is known, and to be recorded.
    Looked,
    /// It is recorded.
    Sending,
}

impl StreamSink {
    /// Begins to connect, with so many requests in flight later.
    #[must_use]
    pub fn open(settler: Settler, concurrency: NonZeroUsize) -> Self {
        let shared = Arc::new(Shared {
            settler,
            queue: Mutex::new(Queue {
                stage: Stage::Looking,
                filling: Bulk::default(),
                began: None,
                ready: VecDeque::new(),
                in_flight: 0,
                is_flushing: false,
                is_ended: false,
                failure: None,
            }),
            changed: Condvar::new(),
        });
        for place in 0..concurrency.get() {
            let shared = Arc::clone(&shared);
            let span = tracing::Span::current();
            thread::spawn(move || span.in_scope(|| shared.run(place == 0)));
        }
        Self {
            shared,
            recorded: None,
            doubt_since: None,
            in_doubt: 0,
            is_next_new: false,
            is_unrecorded: false,
        }
    }

    /// Data stream, alias or index.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.shared.settler.target
    }

    /// Takes over what an earlier run recorded, before anything is written. `is_past_doubt`: nothing is left to
    /// be read that it may have sent.
    pub fn resume(&mut self, recorded: StreamCheckpoint, is_past_doubt: bool) {
        let in_doubt = recorded.still_in_doubt(is_past_doubt);
        if recorded.target == self.target() {
            self.in_doubt = in_doubt;
            self.doubt_since.clone_from(&recorded.since);
        } else {
            self.leave(&recorded, is_past_doubt);
        }
        // It is saved again if the cluster is not reached: what is in doubt stays in doubt.
        self.recorded = Some(StreamCheckpoint {
            in_doubt,
            is_final: false,
            ..recorded
        });
    }

    /// Warns of what an earlier run may have sent elsewhere.
    pub fn leave(&self, recorded: &StreamCheckpoint, is_past_doubt: bool) {
        if recorded.still_in_doubt(is_past_doubt) > 0 {
            tracing::warn!(
                "events went to {} before, and that run ended without saving: what it sent last may be there, and is \
                 sent to {} again",
                recorded.target,
                self.target()
            );
        }
    }

    /// Whether what is written next was not there to be sent before.
    pub fn expect_new(&mut self, is_new: bool) {
        self.is_next_new = is_new;
    }

    /// All that an earlier run may have sent was written: with the next [`Self::sync`], nothing is in doubt.
    pub fn end_doubt(&mut self) {
        self.in_doubt = 0;
    }

    /// From here on, any event may be in the cluster already, in any index behind the target.
    pub fn expect_stored(&mut self) {
        self.doubt_since = None;
        self.in_doubt = u64::MAX;
    }

    /// The same, but where there is one index behind the target, its answers are enough.
    pub fn expect_earlier_runs(&mut self) {
        self.expect_stored();
        self.is_unrecorded = true;
    }

    /// Waits until the cluster was reached for the first time. Whether that was now: then the state is
    /// to be saved before anything is written.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn prepare(&mut self, give_up: &dyn Fn() -> bool) -> Result<bool, Setback> {
        let queue = self
            .shared
            .wait(give_up, |queue| queue.stage == Stage::Looking)?;
        Ok(queue.stage == Stage::Looked)
    }

    /// Takes events, waiting for room.
    ///
    /// # Errors
    /// When `give_up` says so, or there is no cluster.
    pub fn write(&mut self, body: &[u8], give_up: &dyn Fn() -> bool) -> Result<(), Setback> {
        let mut queue = self.shared.lock();
        for pair in pairs(body) {
            let largest = self.shared.settler.largest();
            let length = queue.filling.body.len() + pair.text.len();
            let is_full = length > largest || queue.filling.events >= MOST_EVENTS;
            if is_full && queue.filling.events > 0 {
                drop(queue);
                queue = self
                    .shared
                    .wait(give_up, |queue| queue.ready.len() >= MOST_READY)?;
                queue.close(&self.shared.settler);
                self.shared.changed.notify_all();
            }
            if queue.filling.events == 0 {
                queue.began = Some(Instant::now());
                self.shared.changed.notify_all();
            }
            if self.in_doubt > 0 && !self.is_next_new {
                queue.filling.doubt.get_or_insert_with(|| self.doubt());
                self.in_doubt = self.in_doubt.saturating_sub(pair.text.len() as u64);
            }
            queue.filling.push(pair);
        }
        match &queue.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    fn doubt(&self) -> Doubt {
        Doubt {
            since: self.doubt_since.clone(),
            is_unrecorded: self.is_unrecorded,
        }
    }

    /// Waits until every event is settled. What is to be recorded then; nothing while the cluster was
    /// never reached.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn sync(
        &mut self,
        give_up: &dyn Fn() -> bool,
    ) -> Result<Option<StreamCheckpoint>, Setback> {
        let mut queue = self.shared.lock();
        if queue.stage == Stage::Looking {
            return Ok(self.recorded.clone());
        }
        queue.is_flushing = true;
        drop(queue);
        self.shared.changed.notify_all();
        let mut queue = self.shared.wait(give_up, |queue| {
            queue.filling.events > 0 || !queue.ready.is_empty() || queue.in_flight > 0
        })?;
        queue.is_flushing = false;
        queue.stage = Stage::Sending;
        drop(queue);
        self.shared.changed.notify_all();
        let since = if self.in_doubt > 0 {
            self.doubt_since.clone()
        } else {
            self.shared.settler.written()
        };
        self.recorded = Some(StreamCheckpoint {
            target: self.shared.settler.target.clone(),
            since,
            in_doubt: self.in_doubt,
            is_final: false,
        });
        Ok(self.recorded.clone())
    }
}

impl Drop for StreamSink {
    fn drop(&mut self) {
        self.shared.lock().is_ended = true;
        self.shared.settler.client.stop();
        self.shared.settler.tell_rest();
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while something holds.
    fn wait(
        &self,
        give_up: &dyn Fn() -> bool,
        holds: impl Fn(&Queue) -> bool,
    ) -> Result<MutexGuard<'_, Queue>, Setback> {
        let mut queue = self.lock();
        loop {
            if let Some(failure) = &queue.failure {
                return Err(failure.clone());
            }
            // Who gave up once left events behind: nothing is in flight any more, and nothing is settled.
            if queue.is_ended {
                return Err(Setback::Stopped);
            }
            if !holds(&queue) {
                return Ok(queue);
            }
            if give_up() {
                queue.is_ended = true;
                self.settler.client.stop();
                self.changed.notify_all();
                return Err(Setback::Stopped);
            }
            let waited = self.changed.wait_timeout(queue, LOOK);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A thread that sends; the first also learns which index takes the writes.
    fn run(&self, is_first: bool) {
        let mut is_working = true;
        if is_first {
            let result = self.settler.look();
            is_working = self.report(result, |queue| queue.stage = Stage::Looked);
        }
        while is_working && let Some(bulk) = self.take() {
            let bytes = i64::try_from(bulk.body.len()).unwrap_or(i64::MAX);
            self.settler.metrics.in_flight(bytes);
            let result = self.settler.settle(bulk);
            self.settler.metrics.in_flight(-bytes);
            is_working = self.report(result, |queue| queue.in_flight -= 1);
        }
    }

    /// Says that something is over, together with its failure: at no time do events that were not settled seem
    /// to be. Whether it was a success.
    fn report(&self, result: Result<(), Setback>, change: impl FnOnce(&mut Queue)) -> bool {
        let mut queue = self.lock();
        change(&mut queue);
        let is_success = result.is_ok();
        if let Err(failure) = result {
            queue.failure.get_or_insert(failure);
        }
        drop(queue);
        self.changed.notify_all();
        is_success
    }

    /// The next body, when there is one; none at the end.
    fn take(&self) -> Option<Bulk> {
        let mut queue = self.lock();
        loop {
            if queue.is_ended {
                return None;
            }
            let mut wait = None;
            if queue.stage == Stage::Sending {
                let age = queue.began.map(|began| began.elapsed());
                let is_due = queue.is_flushing || age.is_some_and(|age| age >= MOST_AGE);
                if queue.ready.is_empty() && is_due {
                    queue.close(&self.settler);
                }
                if let Some(bulk) = queue.ready.pop_front() {
                    queue.in_flight += 1;
                    drop(queue);
                    self.changed.notify_all();
                    return Some(bulk);
                }
                wait = age.map(|age| MOST_AGE.saturating_sub(age));
            }
            queue = match wait {
                Some(wait) => {
                    let waited = self.changed.wait_timeout(queue, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .changed
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl Queue {
    /// What was filled is ready.
    fn close(&mut self, settler: &Settler) {
        self.began = None;
        if self.filling.events > 0 {
            let filled = std::mem::replace(&mut self.filling, settler.spares.take());
            self.ready.push_back(filled);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::PathBuf;

    use url::Url;

    use super::*;
    use crate::cluster::client::ClusterClient;
    use crate::cluster::dead_letter::DeadLetters;
    use crate::http::{Client, Settings, Trust};
    use crate::process::metrics::RequestMetrics;

    /// What sends to an address where nobody listens.
    pub fn settler() -> Settler {
        let http = Client::new(&Settings {
            timeout: MOST_AGE,
            connect_timeout: MOST_AGE,
            retries: 0,
            proxy: None,
            proxy_password: None,
            trust: Trust::default(),
            user_agent: String::new(),
            longest_wait: MOST_AGE,
            metrics: RequestMetrics::default(),
        });
        let url = Url::parse("http://127.0.0.1:1").unwrap();
        let client = Arc::new(ClusterClient::new(http.unwrap(), &[url], None));
        let letters = DeadLetters::new(PathBuf::new());
        Settler::new(client, "audit".to_owned(), None, letters, 1 << 20)
    }

    /// A sink as it is while it sends.
    fn sink() -> StreamSink {
        let sink = StreamSink::open(settler(), NonZeroUsize::MIN);
        sink.shared.lock().stage = Stage::Sending;
        sink
    }

    #[test]
    fn what_is_not_in_flight_any_more_is_not_settled_once_somebody_gave_up() {
        let mut sink = sink();
        sink.shared.lock().in_flight = 1;
        assert_eq!(sink.sync(&|| true), Err(Setback::Stopped));
        // As the thread leaves it that had the events.
        sink.shared.lock().in_flight = 0;
        assert_eq!(sink.sync(&|| true), Err(Setback::Stopped));
    }

    #[test]
    fn a_failure_is_there_when_nothing_is_in_flight_any_more() {
        let mut sink = sink();
        sink.shared.lock().in_flight = 1;
        let is_success = sink
            .shared
            .report(Err(Setback::Stopped), |queue| queue.in_flight -= 1);
        assert!(!is_success);
        assert_eq!(sink.sync(&|| false), Err(Setback::Stopped));
    }
}
