//! Events to the cluster, until each of them is settled: stored, there already, stored in its plain form,
//! or in the dead letter file (docs/elasticsearch.md, "Answers").

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::body::{Bulk, Doubt, Pair, pairs};
use super::client::{Call, ClusterClient, Setback};
use super::dead_letter::DeadLetters;
use super::lookup;
use super::notices::Topic;
use super::plain::{Keep, plain_form};
use super::template;
use super::verdict::{Refusal, Verdict, verdicts};
use crate::http::retry::{backoff, random};
use crate::http::{Answer, Upload};
use crate::process::shown::Shown as _;

/// What an answer holds: all that is needed, and no more.
const FILTER: &str = "filter_path=errors,took,error,items.*.status,items.*.error.type,items.*.error.reason,\
     items.*._index,items.*.failure_store";
/// A cluster that takes nothing as it is is asked again after this time.
const BLOCKED_WAIT: Duration = Duration::from_secs(20);
/// A body that is lost so often in a row is sent in halves: it may be too large for something on the way.
const LOST_WHOLE: u32 = 4;

/// What became of events.
#[derive(Debug, Default)]
pub struct Tally {
    /// Stored by this program.
    pub stored: AtomicU64,
    /// There already.
    pub there: AtomicU64,
    /// Of those stored, in their plain form.
    pub plain: AtomicU64,
    /// Of those stored, in the failure store.
    pub failure_store: AtomicU64,
    /// In the dead letter file.
    pub dead: AtomicU64,
}

/// Sends events to one data stream, alias or index of a cluster.
#[derive(Debug)]
pub struct Settler {
    /// The cluster.
    pub client: ClusterClient,
    /// Data stream, alias or index.
    pub target: String,
    /// Query of bulk requests.
    query: String,
    /// Where events go that the cluster takes in no form.
    dead_letters: DeadLetters,
    /// The largest body, in bytes; less once the cluster refused one for its size.
    largest: AtomicUsize,
    /// The backing index that took events last.
    written: Mutex<Option<String>>,
    /// What became of all events.
    pub tally: Tally,
}

/// An event that was refused, and why.
struct RefusedEvent {
    id: String,
    event: Vec<u8>,
    refusal: Refusal,
    /// How much of it the plain form keeps.
    keep: Keep,
}

/// What a request came to.
enum Outcome {
    /// A verdict on each event: [`verdicts`] reads it.
    Verdicts(Answer),
    /// The whole body is refused: in halves it may not be.
    Whole(Refusal),
    /// The cluster takes nothing as it is.
    Blocked(Refusal),
    /// Nobody knows.
    Lost,
}

impl Settler {
    /// Sends to `target`.
    #[must_use]
    pub fn new(
        client: ClusterClient,
        target: String,
        pipeline: Option<&str>,
        dead_letters: DeadLetters,
        largest: usize,
    ) -> Self {
        let pipeline: String =
            url::form_urlencoded::byte_serialize(pipeline.unwrap_or("_none").as_bytes()).collect();
        Self {
            client,
            target,
            query: format!("{FILTER}&pipeline={pipeline}"),
            dead_letters,
            largest: AtomicUsize::new(largest),
            written: Mutex::default(),
            tally: Tally::default(),
        }
    }

    /// The backing index that took events last, or the last one behind the target.
    #[must_use]
    pub fn written(&self) -> Option<String> {
        self.written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The largest body to send, in bytes.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.largest.load(Ordering::Relaxed)
    }

    /// Learns which index takes the writes, before anything is sent; warns of a template that does not fit.
    ///
    /// # Errors
    /// When it is time to end, or there is no cluster.
    pub fn look(&self) -> Result<(), Setback> {
        let indices = lookup::indices(&self.client, &self.target)?;
        self.note_written(indices.unwrap_or_default().pop());
        template::compare(&self.client, &self.target)
    }

    fn note_written(&self, index: Option<String>) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) =
            index.filter(|index| !index.is_empty() && written.as_ref() != Some(index))
        {
            *written = Some(index);
        }
    }

    /// Sends events until each of them is settled.
    ///
    /// # Errors
    /// When it is time to end, or there is no cluster.
    pub fn settle(&self, bulk: Bulk) -> Result<(), Setback> {
        let mut refused = Vec::new();
        self.deliver(bulk, &mut |event| refused.push(event))?;
        if refused.is_empty() {
            return Ok(());
        }
        self.note_refused(&refused);
        let mut plain = Bulk::default();
        let mut whole = HashMap::new();
        for refused in refused {
            self.add_plain(&mut plain, &refused);
            whole.insert(refused.id.clone(), refused);
        }
        let mut dead = Vec::new();
        self.deliver(plain, &mut |again| dead.push(again))?;
        self.tally
            .plain
            .fetch_add((whole.len() - dead.len()) as u64, Ordering::Relaxed);
        for again in dead {
            let Some(original) = whole.get(&again.id) else {
                continue;
            };
            self.bury(original, &again.refusal)?;
        }
        // What was cut from the index for its length is kept whole here.
        for original in whole
            .values()
            .filter(|refused| refused.keep == Keep::Nothing)
        {
            self.bury(original, &original.refusal)?;
        }
        Ok(())
    }

    fn add_plain(&self, plain: &mut Bulk, refused: &RefusedEvent) {
        plain.body.extend_from_slice(br#"{"create":{"_id":""#);
        plain.body.extend_from_slice(refused.id.as_bytes());
        plain.body.extend_from_slice(b"\"}}\n");
        plain
            .body
            .extend_from_slice(&plain_form(&refused.event, &refused.refusal, refused.keep));
        plain.body.push(b'\n');
        plain.events += 1;
    }
}

/// One body, until there is a verdict on each of its events.
impl Settler {
    fn deliver(&self, mut bulk: Bulk, refuse: &mut dyn FnMut(RefusedEvent)) -> Result<(), Setback> {
        let sent_first = Doubt {
            since: self.written(),
        };
        let (mut lost, mut busy) = (0, 0);
        while bulk.events > 0 {
            let looked = self.leave_out_stored(&mut bulk)?;
            if bulk.events == 0 {
                break;
            }
            match self.send(&bulk, lost > 0)? {
                Outcome::Verdicts(answer) => {
                    lost = 0;
                    busy += 1;
                    bulk = self.sort(&bulk, &answer, &looked, refuse, busy)?;
                }
                Outcome::Whole(refusal) if bulk.events == 1 => {
                    for pair in pairs(&bulk.body) {
                        refuse(RefusedEvent::new(pair, &refusal));
                    }
                    break;
                }
                Outcome::Whole(refusal) => {
                    self.shrink(&refusal, &bulk);
                    let (first, second) = bulk.halves();
                    bulk = second;
                    self.deliver(first, refuse)?;
                }
                Outcome::Blocked(refusal) => {
                    self.note_blocked(&refusal);
                    self.client.pause(BLOCKED_WAIT)?;
                }
                Outcome::Lost => {
                    lost += 1;
                    bulk.doubt.get_or_insert_with(|| sent_first.clone());
                    // The cluster answered the look before: something on the way does not take this body.
                    if lost % LOST_WHOLE == 0 && bulk.events > 1 {
                        let (first, second) = bulk.halves();
                        bulk = second;
                        self.deliver(first, refuse)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn leave_out_stored(&self, bulk: &mut Bulk) -> Result<Vec<String>, Setback> {
        let before = bulk.events;
        let looked = lookup::leave_out_stored(&self.client, &self.target, bulk)?;
        let there = (before - bulk.events) as u64;
        self.tally.there.fetch_add(there, Ordering::Relaxed);
        Ok(looked)
    }

    fn send(&self, bulk: &Bulk, asks_first: bool) -> Result<Outcome, Setback> {
        let (body, is_gzip) = self.client.packed(&bulk.body);
        let call = Call {
            path: format!("{}/_bulk", self.target),
            query: self.query.clone(),
            upload: Some(Upload {
                method: ureq::http::Method::POST,
                content_type: "application/x-ndjson",
                is_gzip,
                asks_first,
                body,
            }),
        };
        let reply = match self.client.ask(&call) {
            Ok(reply) => reply,
            Err(Setback::Lost(_)) => return Ok(Outcome::Lost),
            Err(setback) => return Err(setback),
        };
        let answer = &reply.answer;
        let refusal = Refusal::of_request(answer.status, &answer.body);
        Ok(match (answer.status, refusal) {
            (200..=299, _) if verdicts(&answer.body, bulk.events).is_some() => {
                Outcome::Verdicts(reply.answer)
            }
            (413, refusal) => Outcome::Whole(refusal.unwrap_or_else(|| Refusal {
                status: 413,
                kind: "content_too_long".to_owned(),
                reason: "the cluster takes no request of this size".to_owned(),
            })),
            (400, Some(refusal)) if !refusal.is_of_cluster() => Outcome::Whole(refusal),
            (400 | 402..=499, Some(refusal)) => Outcome::Blocked(refusal),
            (status, _) => {
                self.client.reject(
                    &reply,
                    &format!("no answer to a bulk request (status {status})"),
                );
                Outcome::Lost
            }
        })
    }

    /// What is left of a body after its answer.
    fn sort(
        &self,
        bulk: &Bulk,
        answer: &Answer,
        looked: &[String],
        refuse: &mut dyn FnMut(RefusedEvent),
        busy: u32,
    ) -> Result<Bulk, Setback> {
        let verdicts = verdicts(&answer.body, bulk.events).unwrap_or_default();
        let mut rest = Bulk::default();
        let (mut is_blocked, mut is_in_doubt) = (None, false);
        let mut elsewhere = Vec::new();
        let mut counts = Counts::default();
        for (pair, verdict) in pairs(&bulk.body).zip(&verdicts) {
            match verdict {
                Verdict::Stored(index) => {
                    counts.stored += 1;
                    if counts.index != Some(index) {
                        counts.index = Some(index);
                        self.note_written(Some(index.clone().into_owned()));
                    }
                    if bulk.doubt.is_some() && !looked.iter().any(|looked| looked == index) {
                        elsewhere.push((pair.id, &**index));
                    }
                }
                Verdict::AlreadyThere => counts.there += 1,
                Verdict::FailureStore => counts.failure_store += 1,
                Verdict::Again(refusal) => {
                    is_in_doubt |= refusal.status >= 500;
                    rest.push(pair);
                }
                Verdict::Blocked(refusal) => {
                    is_blocked = Some(refusal);
                    rest.push(pair);
                }
                Verdict::Refused(refusal) => refuse(RefusedEvent::new(pair, refusal)),
            }
        }
        self.count(&counts);
        lookup::undo_second_copies(&self.client, looked, &elsewhere)?;
        if is_in_doubt {
            rest.doubt = bulk.doubt.clone().or_else(|| {
                Some(Doubt {
                    since: self.written(),
                })
            });
        }
        if let Some(refusal) = is_blocked {
            self.note_blocked(refusal);
            self.client.pause(BLOCKED_WAIT)?;
        } else if rest.events > 0 {
            self.client.pause(backoff(busy, random()))?;
        } else if self.client.notices.is_over(Topic::Blocked) {
            tracing::info!("{} takes events again", self.target);
        }
        Ok(rest)
    }

    fn count(&self, counts: &Counts<'_>) {
        let add = |tally: &AtomicU64, count| {
            tally.fetch_add(count, Ordering::Relaxed);
        };
        add(&self.tally.stored, counts.stored + counts.failure_store);
        add(&self.tally.there, counts.there);
        add(&self.tally.failure_store, counts.failure_store);
        if counts.failure_store > 0 && self.client.notices.is_due(Topic::FailureStore) {
            tracing::warn!(
                "{}: {} events went into the failure store of the data stream: its pipeline or mapping refused them; \
                 GET {}::failures/_search shows why",
                self.target,
                counts.failure_store,
                self.target
            );
        }
    }
}

/// Verdicts of one answer.
#[derive(Default)]
struct Counts<'a> {
    stored: u64,
    there: u64,
    failure_store: u64,
    index: Option<&'a str>,
}

impl RefusedEvent {
    fn new(pair: Pair<'_>, refusal: &Refusal) -> Self {
        Self {
            id: pair.id.to_owned(),
            event: pair.event.to_vec(),
            keep: if refusal.status == 413 {
                Keep::Nothing
            } else {
                Keep::Original
            },
            refusal: refusal.clone(),
        }
    }
}

/// What is said, and what is kept elsewhere.
impl Settler {
    fn shrink(&self, refusal: &Refusal, bulk: &Bulk) {
        if refusal.status != 413 {
            return;
        }
        let largest = bulk.body.len() / 2;
        self.largest.fetch_min(largest, Ordering::Relaxed);
        if self.client.notices.is_due(Topic::TooLarge) {
            tracing::warn!(
                "{} takes no request of {} bytes (413): sending at most {largest} from now on; --bulk-bytes sets \
                 that from the start",
                self.client.name(),
                bulk.body.len()
            );
        }
    }

    fn note_blocked(&self, refusal: &Refusal) {
        if !self.client.notices.is_due(Topic::Blocked) {
            return;
        }
        let Refusal {
            status,
            kind,
            reason,
        } = refusal;
        let advice = match (status, kind.as_str()) {
            (_, "security_exception") => "grant the index privileges create_doc and auto_configure",
            (_, "cluster_block_exception") => "is a disk full, or the index set to read-only?",
            (_, "index_not_found_exception") | (404, _) => {
                "install the template with `confluence-ecs schema index-template --install`, or create the index"
            }
            _ => "the message says what the cluster needs",
        };
        tracing::error!(
            "{}: the cluster takes no events: {kind}: {reason} (status {status}); {advice}; waiting, nothing is lost",
            self.target
        );
    }

    fn note_refused(&self, refused: &[RefusedEvent]) {
        let Some(first) = refused.first() else { return };
        if !self.client.notices.is_due(Topic::Refused) {
            return;
        }
        let Refusal { kind, reason, .. } = &first.refusal;
        tracing::warn!(
            "{}: {} events do not fit the mapping and are stored in their plain form; the first: {kind}: {reason}; is \
             the template installed? (`confluence-ecs schema index-template --install`)",
            self.target,
            refused.len()
        );
    }

    /// Into the dead letter file, for as long as it takes.
    fn bury(&self, event: &RefusedEvent, refusal: &Refusal) -> Result<(), Setback> {
        loop {
            let added = self
                .dead_letters
                .add(&self.target, &event.id, refusal, &event.event);
            let Err(error) = added else { break };
            if self.client.notices.is_due(Topic::DeadLetters) {
                tracing::error!(
                    "--dead-letter: cannot write {}: {error}; waiting, nothing is lost",
                    self.dead_letters.path().shown()
                );
            }
            self.client.pause(Duration::from_secs(1))?;
        }
        self.tally.dead.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            "{}: an event was refused in every form ({}) and is in {}",
            self.target,
            refusal.kind,
            self.dead_letters.path().shown()
        );
        Ok(())
    }
}
