//! What is said of events that are not stored as they are, and where they are kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Counts, RefusedEvent, Settler};
use crate::cluster::body::Bulk;
use crate::cluster::client::Setback;
use crate::cluster::dead_letter::Letter;
use crate::cluster::notices::{Dead, Topic};
use crate::cluster::template::install_command;
use crate::cluster::verdict::Refusal;
use crate::process::metrics::{Api, ItemOutcome};
use crate::process::shown::Shown as _;
use crate::schema::template::TemplateTarget;

/// A dead letter file that cannot be written is tried again after this time.
const DEAD_LETTER_WAIT: Duration = Duration::from_secs(1);
/// So many attempts in a row that none of the events passed are no short pause any more.
const BUSY_TRIES: u32 = 3;

/// What is said, and what is kept elsewhere.
impl Settler {
    pub(super) fn shrink(&self, refusal: &Refusal, bulk: &Bulk) {
        if !refusal.is_too_large() {
            return;
        }
        let largest = bulk.body.len() / 2;
        self.largest.fetch_min(largest, Ordering::Relaxed);
        if self.client.notices.is_due(Topic::TooLarge) {
            tracing::warn!(
                "{} takes no request of {} bytes ({}): sending at most {largest} from now on; --bulk-bytes sets \
                 that from the start",
                self.client.name(),
                bulk.body.len(),
                refusal.status
            );
        }
    }

    /// Counts what became of the events of an answer.
    pub(super) fn count(&self, counts: &Counts<'_>, is_plain: bool) {
        let stored = if is_plain {
            ItemOutcome::PlainForm
        } else {
            ItemOutcome::Created
        };
        self.metrics.items(stored, counts.stored);
        self.metrics.items(ItemOutcome::Duplicate, counts.there);
        let failures = counts.failure_store;
        self.metrics.items(ItemOutcome::FailureStore, failures);
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

    /// What is left of a body is sent once more.
    pub(super) fn note_retry(&self, rest: &Bulk) {
        if rest.events > 0 {
            self.metrics.retries(Api::Elasticsearch, 1);
            self.metrics.items(ItemOutcome::Retried, rest.events as u64);
        }
    }

    fn install_command(&self) -> String {
        install_command(
            &self.client,
            &TemplateTarget::of(&self.target, self.dataset),
        )
    }

    pub(super) fn note_blocked(&self, refusal: &Refusal) {
        let because = format!(
            "the cluster takes no events: {}: {} (status {})",
            refusal.kind,
            self.client.redacted(&refusal.reason),
            refusal.status
        );
        self.metrics.blocked_by(&because);
        if !self.client.notices.is_due(Topic::Blocked) {
            return;
        }
        let Refusal { status, kind, .. } = refusal;
        let reason = self.client.redacted(&refusal.reason);
        let advice = match (status, kind.as_str()) {
            (_, "security_exception") => "grant the index privileges create_doc and auto_configure",
            (_, "cluster_block_exception") => "is a disk full, or the index set to read-only?",
            (_, "index_not_found_exception") | (404, _) => &*format!(
                "install the template with `{}`, or create the index",
                self.install_command()
            ),
            _ if refusal.is_of_pipeline() && self.pipeline.is_some() => {
                "create that ingest pipeline, or check --pipeline and index.final_pipeline"
            }
            _ if refusal.is_of_pipeline() => {
                "create that ingest pipeline, or unset index.final_pipeline of the index"
            }
            _ => "the message says what the cluster needs",
        };
        tracing::error!(
            "{}: the cluster takes no events: {kind}: {reason} (status {status}); {advice}; waiting, nothing is lost",
            self.target
        );
    }

    pub(super) fn note_refused(&self, refused: &[RefusedEvent]) {
        let mut unfit = refused.iter().filter(|event| !event.refusal.is_too_large());
        let Some(first) = unfit.next() else { return };
        if !self.client.notices.is_due(Topic::Refused) {
            return;
        }
        let kind = &first.refusal.kind;
        let reason = self.client.redacted(&first.refusal.reason);
        let (what, advice) = if first.refusal.is_of_processor() {
            (
                "events are refused by the ingest pipeline",
                "see what the pipeline's processors expect",
            )
        } else {
            (
                "events do not fit the mapping",
                &*format!("is the template installed? (`{}`)", self.install_command()),
            )
        };
        tracing::warn!(
            "{}: {what} and are sent once more in their plain form (events: {}); the first: {kind}: {reason}; {advice}",
            self.target,
            1 + unfit.count()
        );
    }

    /// Into the dead letter file, for as long as it takes.
    pub(super) fn bury(&self, events: &[(&RefusedEvent, &Refusal)]) -> Result<(), Setback> {
        if events.is_empty() {
            return Ok(());
        }
        let letters = events.iter().map(|(event, refusal)| Letter {
            id: &event.id,
            refusal,
            event: &event.event,
        });
        let letters: Vec<_> = letters.collect();
        let path = self.dead_letters.path().shown();
        while let Err(error) = self.dead_letters.add(&self.target, &letters) {
            let because = format!("--dead-letter: cannot write {path}: {error}");
            self.metrics.blocked_by(&because);
            if self.client.notices.is_due(Topic::DeadLetters) {
                tracing::error!("{because}; waiting, nothing is lost");
            }
            self.client.pause(DEAD_LETTER_WAIT)?;
        }
        if self.client.notices.is_over(Topic::DeadLetters) {
            tracing::info!("--dead-letter: {path} can be written again");
        }
        let count = events.len() as u64;
        self.tally.dead.fetch_add(count, Ordering::Relaxed);
        self.metrics.items(ItemOutcome::DeadLetter, count);
        Ok(())
    }

    /// Says what went into the dead letter file: the first of a kind at once, the others counted once a minute.
    pub(super) fn note_dead(&self, why: Dead, events: &[(&RefusedEvent, &Refusal)]) {
        let Some((_, first)) = events.first() else {
            return;
        };
        let count = events.len() as u64;
        if !self.client.notices.is_due(Topic::Dead(why)) {
            self.untold.fetch_add(count, Ordering::Relaxed);
            return;
        }
        let path = self.dead_letters.path().shown();
        let more = match self.untold.swap(0, Ordering::Relaxed) {
            0 => String::new(),
            more => format!(", {more} more since the last message"),
        };
        match why {
            Dead::Cut => tracing::warn!(
                "{}: too large for the cluster: stored without their text, and kept whole in {path} (events: \
                 {count}{more})",
                self.target
            ),
            Dead::TooLarge => tracing::warn!(
                "{}: too large for the cluster even without their text: not stored, and kept whole in {path} (events: \
                 {count}{more})",
                self.target
            ),
            Dead::Refused => {
                let kind = self.client.redacted(&first.kind);
                let reason = self.client.redacted(&first.reason);
                tracing::warn!(
                    "{}: refused in every form, and kept in {path} (events: {count}{more}); the first: {kind}: {reason}; \
                     `confluence-ecs send` sends them again",
                    self.target
                );
            }
        }
    }

    /// Says at the end how many dead letters no message has counted.
    pub fn tell_rest(&self) {
        let more = self.untold.swap(0, Ordering::Relaxed);
        if more > 0 {
            let path = self.dead_letters.path().shown();
            tracing::warn!("{}: {more} more events are kept in {path}", self.target);
        }
    }

    /// Says why events are not taken, once that is not over at the next attempts.
    pub(super) fn note_busy(
        &self,
        refusal: Option<&Refusal>,
        events: usize,
        (busy, was_busy): (u32, bool),
    ) {
        let Some(refusal) = refusal else {
            // Another body that passes says nothing of the one that does not.
            if was_busy && self.client.notices.is_over(Topic::Busy) {
                tracing::info!("{} takes all events again", self.target);
            }
            return;
        };
        if busy < BUSY_TRIES || !self.client.notices.is_due(Topic::Busy) {
            return;
        }
        let Refusal { status, kind, .. } = refusal;
        let reason = self.client.redacted(&refusal.reason);
        tracing::warn!(
            "{} does not take some events for now (events: {events}): {kind}: {reason} (status {status}); sending them \
             again, nothing is lost",
            self.target
        );
    }
}
