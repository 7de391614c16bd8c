//! What is said of events that are not stored as they are, and where they are kept.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{RefusedEvent, Settler};
use crate::cluster::body::Bulk;
use crate::cluster::client::Setback;
use crate::cluster::dead_letter::Letter;
use crate::cluster::notices::Topic;
use crate::cluster::verdict::Refusal;
use crate::process::metrics::ItemOutcome;
use crate::process::shown::Shown as _;

/// A dead letter file that cannot be written is tried again after this time.
const DEAD_LETTER_WAIT: Duration = Duration::from_secs(1);

/// What is said, and what is kept elsewhere.
impl Settler {
    pub(super) fn shrink(&self, refusal: &Refusal, bulk: &Bulk) {
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

    pub(super) fn note_blocked(&self, refusal: &Refusal) {
        if !self.client.notices.is_due(Topic::Blocked) {
            return;
        }
        let Refusal { status, kind, .. } = refusal;
        let reason = self.client.redacted(&refusal.reason);
        let advice = match (status, kind.as_str()) {
            (_, "security_exception") => "grant the index privileges create_doc and auto_configure",
            (_, "cluster_block_exception") => "is a disk full, or the index set to read-only?",
            (_, "index_not_found_exception") | (404, _) => {
                "install the template with `confluence-ecs schema index-template --install`, or create the index"
            }
            _ if refusal.is_of_pipeline() => "create that ingest pipeline, or check --pipeline",
            _ => "the message says what the cluster needs",
        };
        tracing::error!(
            "{}: the cluster takes no events: {kind}: {reason} (status {status}); {advice}; waiting, nothing is lost",
            self.target
        );
    }

    pub(super) fn note_refused(&self, refused: &[RefusedEvent]) {
        let mut unfit = refused.iter().filter(|event| event.refusal.status != 413);
        let Some(first) = unfit.next() else { return };
        if !self.client.notices.is_due(Topic::Refused) {
            return;
        }
        let kind = &first.refusal.kind;
        let reason = self.client.redacted(&first.refusal.reason);
        tracing::warn!(
            "{}: events do not fit the mapping and are sent once more in their plain form (events: {}); the first: {kind}: {reason}; is \
             the template installed? (`confluence-ecs schema index-template --install`)",
            self.target,
            1 + unfit.count()
        );
    }

    /// Into the dead letter file, for as long as it takes.
    pub(super) fn bury(&self, events: &[(&RefusedEvent, &Refusal)]) -> Result<(), Setback> {
        let Some((_, first)) = events.first() else {
            return Ok(());
        };
        let letters = events.iter().map(|(event, refusal)| Letter {
            id: &event.id,
            refusal,
            event: &event.event,
        });
        let letters: Vec<_> = letters.collect();
        let path = self.dead_letters.path().shown();
        while let Err(error) = self.dead_letters.add(&self.target, &letters) {
            if self.client.notices.is_due(Topic::DeadLetters) {
                tracing::error!(
                    "--dead-letter: cannot write {path}: {error}; waiting, nothing is lost"
                );
            }
            self.client.pause(DEAD_LETTER_WAIT)?;
        }
        if self.client.notices.is_over(Topic::DeadLetters) {
            tracing::info!("--dead-letter: {path} can be written again");
        }
        let count = events.len();
        self.tally.dead.fetch_add(count as u64, Ordering::Relaxed);
        self.metrics.items(ItemOutcome::DeadLetter, count as u64);
        let kind = self.client.redacted(&first.kind);
        if first.status == 413 {
            tracing::warn!(
                "{}: too large for the cluster: stored without their text, and kept whole in {path} (events: {count})",
                self.target
            );
        } else {
            let reason = self.client.redacted(&first.reason);
            tracing::warn!(
                "{}: refused in every form, and kept in {path} (events: {count}); the first: {kind}: {reason}; \
                 `confluence-ecs send` sends them again",
                self.target
            );
        }
        Ok(())
    }
}
