//! Events to the cluster, until each of them is settled: stored, there already, stored in its plain form,
//! or in the dead letter file (docs/elasticsearch.md, "Answers").

mod another;
mod halves;
mod refused;
mod reports;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use self::refused::{RefusedEvent, add_plain};
use super::body::{Bulk, Doubt, Pair, Spares, pairs};
use super::client::{Call, ClusterClient, Setback};
use super::dead_letter::DeadLetters;
use super::lookup::{self, Indices};
use super::notices::{Dead, Topic};
use super::plain::Keep;
use super::template;
use super::verdict::{Refusal, Verdict, verdicts};
use crate::http::retry::{backoff, random};
use crate::http::{Answer, Upload};
use crate::pipeline::dataset::Dataset;
use crate::process::metrics::{ItemOutcome, SourceMetrics};
use crate::schema::template::TemplateTarget;

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
    pub client: Arc<ClusterClient>,
    /// Data stream, alias or index.
    pub target: String,
    /// Query of bulk requests.
    query: String,
    /// The ingest pipeline that was asked for.
    pipeline: Option<String>,
    /// Whose events go to the target, where its name does not say it.
    dataset: Dataset,
    /// Where events go that the cluster takes in no form.
    dead_letters: Arc<DeadLetters>,
    /// The largest body, in bytes; less once the cluster refused one for its size.
    largest: AtomicUsize,
    /// Buffers of bodies.
    pub spares: Spares,
    /// The indices behind the target at the start; none: the credentials do not allow to ask.
    at_start: OnceLock<Option<Vec<String>>>,
    /// The backing index that took events last.
    written: Mutex<Option<String>>,
    /// What became of all events, of those for other targets too.
    pub tally: Arc<Tally>,
    /// The same, and what is on its way.
    pub metrics: SourceMetrics,
    /// Dead letters that no message counted yet.
    untold: AtomicU64,
}

/// What a request came to.
enum Outcome {
    /// A verdict on each event: [`verdicts`] reads it.
    Verdicts(Box<Answer>),
    /// The whole body is refused: in halves it may not be.
    Whole(Refusal),
    /// The cluster takes nothing as it is.
    Blocked(Refusal),
    /// Who sends has not the right: the address is left alone for a while.
    Forbidden,
    /// It is not known what was taken.
    Lost,
}

/// What an answer with verdicts leaves to do.
struct Sorted {
    /// Events to send again.
    rest: Bulk,
    /// Some of them may have been taken.
    is_in_doubt: bool,
    /// Why the cluster takes some of them not as it is.
    blocked: Option<Refusal>,
    /// Why it takes some of them not now.
    busy: Option<Refusal>,
}

impl Settler {
    /// Sends to `target`.
    #[must_use]
    pub fn new(
        client: Arc<ClusterClient>,
        target: String,
        pipeline: Option<&str>,
        dead_letters: DeadLetters,
        largest: usize,
    ) -> Self {
        let encoded: String =
            url::form_urlencoded::byte_serialize(pipeline.unwrap_or("_none").as_bytes()).collect();
        Self {
            client,
            target,
            query: format!("{FILTER}&pipeline={encoded}"),
            pipeline: pipeline.map(str::to_owned),
            dataset: Dataset::default(),
            dead_letters: Arc::new(dead_letters),
            largest: AtomicUsize::new(largest),
            spares: Spares::default(),
            at_start: OnceLock::new(),
            written: Mutex::default(),
            tally: Arc::default(),
            metrics: SourceMetrics::default(),
            untold: AtomicU64::new(0),
        }
    }

    /// Most events are of that data set.
    #[must_use]
    pub fn of(self, dataset: Dataset) -> Self {
        Self { dataset, ..self }
    }

    /// With the metrics of the source whose events are sent.
    #[must_use]
    pub fn measured(self, metrics: &SourceMetrics) -> Self {
        metrics.sends();
        let metrics = metrics.clone();
        Self { metrics, ..self }
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
        let names = indices.as_ref().map(|indices| indices.names().to_vec());
        // There is one look at the start.
        let _ = self.at_start.set(names);
        self.note_written(indices.and_then(Indices::written));
        template::compare(
            &self.client,
            &TemplateTarget::of(&self.target, self.dataset),
        )
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
        self.deliver(bulk, 0, &mut |event| refused.push(event))?;
        if refused.is_empty() {
            return Ok(());
        }
        self.note_refused(&refused);
        let mut ids = HashSet::new();
        refused.retain(|event| ids.insert(event.id.clone()));
        // What is cut from the index for its length is kept whole. That comes first: once a part of an
        // event is in the index, it counts as stored after a crash.
        let (long, short): (Vec<_>, Vec<_>) = refused
            .iter()
            .partition(|event| event.keep == Keep::Nothing);
        let whole: Vec<_> = long.iter().map(|event| (*event, &event.refusal)).collect();
        self.bury(&whole)?;
        let mut plain = Bulk {
            is_plain: true,
            ..Bulk::default()
        };
        for event in &refused {
            add_plain(&mut plain, event);
        }
        let mut again = HashMap::new();
        self.deliver(plain, 0, &mut |event| {
            again.insert(event.id, event.refusal);
        })?;
        let plain = (refused.len() - again.len()) as u64;
        self.tally.plain.fetch_add(plain, Ordering::Relaxed);
        let (lost, cut): (Vec<_>, Vec<_>) = whole
            .into_iter()
            .partition(|(event, _)| again.contains_key(&event.id));
        self.note_dead(Dead::Cut, &cut);
        self.note_dead(Dead::TooLarge, &lost);
        let dead = short
            .into_iter()
            .filter_map(|event| Some((event, again.get(&event.id)?)));
        let dead: Vec<_> = dead.collect();
        self.bury(&dead)?;
        self.note_dead(Dead::Refused, &dead);
        Ok(())
    }
}

/// One body, until there is a verdict on each of its events.
impl Settler {
    /// `lost` is how many answers were lost in a row before.
    fn deliver(
        &self,
        mut bulk: Bulk,
        mut lost: u32,
        refuse: &mut dyn FnMut(RefusedEvent),
    ) -> Result<(), Setback> {
        let sent_first = Doubt {
            since: self.written(),
            is_unrecorded: false,
        };
        let mut busy = 0;
        while bulk.events > 0 {
            if bulk.events > 1 && bulk.body.len() > self.largest() {
                let (first, second) = bulk.halves();
                bulk = second;
                self.deliver(first, lost, refuse)?;
                continue;
            }
            let looked = self.leave_out_stored(&mut bulk)?;
            if bulk.events == 0 {
                break;
            }
            match self.send(&bulk, lost > 0)? {
                Outcome::Verdicts(answer) => {
                    lost = 0;
                    let sorted = self.sort(&bulk, &answer, &looked, refuse)?;
                    let mut rest = sorted.rest;
                    rest.doubt = bulk.doubt.take();
                    if sorted.is_in_doubt {
                        doubt(&mut rest, &sent_first);
                    }
                    let was_busy = busy > 0;
                    busy = if rest.events < bulk.events {
                        1
                    } else {
                        busy + 1
                    };
                    self.spares.give(std::mem::replace(&mut bulk, rest));
                    self.note_retry(&bulk);
                    match sorted.busy {
                        Some(refusal) if refusal.is_too_large() => {
                            self.split(&mut bulk, &refusal, refuse)?;
                        }
                        refusal => {
                            self.note_busy(refusal.as_ref(), bulk.events, (busy, was_busy));
                            self.rest(&bulk, sorted.blocked.as_ref(), busy)?;
                            if let Some(refusal) = refusal
                                && busy > 0
                                && busy.is_multiple_of(LOST_WHOLE)
                            {
                                self.make_smaller(&mut bulk, refusal, refuse)?;
                            }
                        }
                    }
                }
                Outcome::Whole(refusal) => self.split(&mut bulk, &refusal, refuse)?,
                Outcome::Blocked(refusal) => {
                    self.note_retry(&bulk);
                    self.note_blocked(&refusal);
                    self.client.pause(BLOCKED_WAIT)?;
                }
                Outcome::Forbidden => self.note_retry(&bulk),
                Outcome::Lost => {
                    self.note_retry(&bulk);
                    lost += 1;
                    doubt(&mut bulk, &sent_first);
                    // The first time another address may take it at once.
                    if lost > 1 {
                        self.client.pause(backoff(lost, random()))?;
                    }
                    // The cluster answered the look before: something on the way does not take this body.
                    if lost.is_multiple_of(LOST_WHOLE) && bulk.events > 1 {
                        let (first, second) = bulk.halves();
                        bulk = second;
                        self.deliver(first, lost, refuse)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits before what is left is sent again.
    fn rest(&self, rest: &Bulk, blocked: Option<&Refusal>, busy: u32) -> Result<(), Setback> {
        if let Some(refusal) = blocked {
            self.note_blocked(refusal);
            self.client.pause(BLOCKED_WAIT)?;
        } else if rest.events > 0 {
            self.client.pause(backoff(busy, random()))?;
        } else if self.client.notices.is_over(Topic::Blocked) {
            tracing::info!("{} takes events again", self.target);
        }
        Ok(())
    }

    fn leave_out_stored(&self, bulk: &mut Bulk) -> Result<Vec<String>, Setback> {
        let is_unrecorded = bulk.doubt.as_ref().map(|doubt| doubt.is_unrecorded);
        if is_unrecorded == Some(true)
            && let Some(looked) = self.only_index()
        {
            return Ok(looked);
        }
        let before = bulk.events;
        let looked = lookup::leave_out_stored(&self.client, &self.target, bulk)?;
        let there = (before - bulk.events) as u64;
        self.tally.there.fetch_add(there, Ordering::Relaxed);
        self.metrics.items(ItemOutcome::Duplicate, there);
        Ok(looked)
    }

    /// The one index behind the target, which refuses what it has; none at all, if it is to be made, or is not to
    /// be seen.
    fn only_index(&self) -> Option<Vec<String>> {
        let names = self.at_start.get().and_then(Option::as_ref);
        let written = self.written();
        match names.map_or(&[][..], Vec::as_slice) {
            [] => Some(Vec::new()),
            [only] if written.is_none_or(|written| written == *only) => Some(vec![only.clone()]),
            _ => None,
        }
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
        let refusal = match answer.status {
            200..=299 => None,
            status => Refusal::of_request(status, &answer.body),
        };
        Ok(match (answer.status, refusal) {
            (200..=299, _) if verdicts(&answer.body, bulk.events).is_some() => {
                self.client.accept(&reply);
                Outcome::Verdicts(Box::new(reply.answer))
            }
            (413, refusal) => Outcome::Whole(refusal.unwrap_or_else(|| Refusal {
                status: 413,
                kind: "content_too_long".to_owned(),
                reason: "the cluster takes no request of this size".to_owned(),
            })),
            (400, Some(refusal)) if !refusal.is_of_cluster() => Outcome::Whole(refusal),
            (429, Some(refusal)) if refusal.is_too_large() => Outcome::Whole(refusal),
            (403, Some(refusal)) => {
                self.client.forbid(&reply);
                self.note_blocked(&refusal);
                Outcome::Forbidden
            }
            (403, None) => {
                self.client.refuse(&reply);
                Outcome::Forbidden
            }
            (400 | 402..=407 | 409..=499, Some(refusal)) => Outcome::Blocked(refusal),
            (200..=299, _) => {
                self.client
                    .reject(&reply, "not an answer to a bulk request");
                Outcome::Lost
            }
            _ => {
                self.client.reject(&reply, "");
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
    ) -> Result<Sorted, Setback> {
        let verdicts = verdicts(&answer.body, bulk.events).unwrap_or_default();
        let mut sorted = Sorted {
            rest: Bulk {
                is_plain: bulk.is_plain,
                ..Bulk::default()
            },
            is_in_doubt: false,
            blocked: None,
            busy: None,
        };
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
                    sorted.is_in_doubt |= refusal.status != 429;
                    if sorted.busy.as_ref().is_none_or(|busy| !busy.is_too_large()) {
                        sorted.busy = Some(refusal.clone());
                    }
                    self.keep(&mut sorted.rest, pair);
                }
                Verdict::Blocked(refusal) => {
                    sorted.blocked.get_or_insert_with(|| refusal.clone());
                    self.keep(&mut sorted.rest, pair);
                }
                Verdict::Refused(refusal) => refuse(RefusedEvent::new(pair, refusal)),
            }
        }
        let undone = lookup::undo_second_copies(&self.client, looked, &elsewhere)? as u64;
        counts.stored = counts.stored.saturating_sub(undone);
        counts.there += undone;
        self.count(&counts, bulk.is_plain);
        Ok(sorted)
    }

    /// Adds an event to those that are sent again.
    fn keep(&self, rest: &mut Bulk, pair: Pair<'_>) {
        if rest.events == 0 {
            *rest = self.spares.take();
        }
        rest.push(pair);
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

/// Events may have been taken that were sent first to that index.
fn doubt(bulk: &mut Bulk, sent_first: &Doubt) {
    let doubt = bulk.doubt.get_or_insert_with(|| sent_first.clone());
    doubt.is_unrecorded = false;
}
