//! What a cluster's answer to a bulk request says of each of its events (docs/elasticsearch.md, "Answers").

use std::borrow::Cow;

use serde::Deserialize;

/// The answer to a bulk request, as far as `filter_path` lets it through.
#[derive(Debug, Deserialize)]
struct BulkAnswer<'a> {
    #[serde(borrow, default)]
    items: Option<Vec<Item<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    create: ItemOutcome<'a>,
}

#[derive(Debug, Deserialize)]
struct ItemOutcome<'a> {
    status: u16,
    #[serde(borrow, default, rename = "_index")]
    index: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    error: Option<ItemError<'a>>,
    #[serde(borrow, default)]
    failure_store: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
struct ItemError<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
}

/// Why an event was not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Status of the item.
    pub status: u16,
    /// `error.type`
    pub kind: String,
    /// `error.reason`
    pub reason: String,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It is in this index.
    Stored(Cow<'a, str>),
    /// It was there already.
    AlreadyThere,
    /// It is in the failure store of the data stream (Elasticsearch 9).
    FailureStore,
    /// The cluster is busy, or a part of it is away: the same again.
    Again(Refusal),
    /// The cluster does not take events as it is: rights, blocks, a missing index. No fault of the event.
    Blocked(Refusal),
    /// The event does not fit the mapping.
    Refused(Refusal),
}

/// Types of errors with status 400 that say what state the cluster is in, not that a document is at fault.
const CLUSTER_STATES: [&str; 5] = [
    "cluster_block_exception",
    "index_closed_exception",
    "invalid_index_name_exception",
    "security_exception",
    "validation_exception",
];

/// Types of errors with status 500 that come from an ingest pipeline and an event, not from a failure of a node.
const PROCESSOR_ERRORS: [&str; 4] = [
    "fail_processor_exception",
    "ingest_processor_exception",
    "ingest_pipeline_exception",
    "graph_structure_exception",
];

/// What the reason says of a pipeline that is not there.
const MISSING_PIPELINE: &str = "pipeline with id";

/// Reasons of `illegal_argument_exception` that are about the request's target, not about a document.
const TARGET_REASONS: [&str; 3] = [
    "no write index is defined",
    MISSING_PIPELINE,
    "only write ops with an op_type of create",
];

/// The verdicts of an answer to a request with so many events; none if it is no such answer.
#[must_use]
pub fn verdicts(body: &[u8], events: usize) -> Option<Vec<Verdict<'_>>> {
    let answer: BulkAnswer<'_> = serde_json::from_slice(body).ok()?;
    let items = answer.items?;
    (items.len() == events).then(|| items.into_iter().map(verdict).collect())
}

fn verdict(item: Item<'_>) -> Verdict<'_> {
    let ItemOutcome {
        status,
        index,
        error,
        failure_store,
    } = item.create;
    let refusal = |error: Option<ItemError<'_>>| {
        let (kind, reason) = error.map_or((None, None), |error| (error.kind, error.reason));
        Refusal {
            status,
            kind: kind.unwrap_or_default().into_owned(),
            reason: reason.unwrap_or_default().into_owned(),
        }
    };
    match status {
        200..=299 if failure_store.as_deref() == Some("used") => Verdict::FailureStore,
        200..=299 => Verdict::Stored(index.unwrap_or_default()),
        409 => Verdict::AlreadyThere,
        500 => {
            let refusal = refusal(error);
            if refusal.is_of_processor() {
                Verdict::Refused(refusal)
            } else {
                Verdict::Again(refusal)
            }
        }
        401 | 403 | 404 => Verdict::Blocked(refusal(error)),
        // Whatever is no status of an item says nothing of the event, nor whether it was taken.
        0..=399 | 429 | 501.. => Verdict::Again(refusal(error)),
        400..=499 => {
            let refusal = refusal(error);
            if refusal.is_of_cluster() {
                Verdict::Blocked(refusal)
            } else {
                Verdict::Refused(refusal)
            }
        }
    }
}

/// Whether the reason of a rejection names an operation of more bytes than are allowed for all together, such as
/// `[…, coordinating_operation_bytes=80000, max_coordinating_and_primary_bytes=60000]`.
fn exceeds_limit(reason: &str) -> bool {
    let operation = bytes_named(reason, |name| name.ends_with("_operation_bytes"));
    operation
        .zip(limit_in(reason))
        .is_some_and(|(operation, limit)| operation > limit)
}

fn limit_in(reason: &str) -> Option<u64> {
    bytes_named(reason, |name| {
        name.starts_with("max_") && name.ends_with("_bytes")
    })
}

fn bytes_named(reason: &str, is_wanted: impl Fn(&str) -> bool) -> Option<u64> {
    let words = reason.split([' ', ',', '[', ']']);
    let mut pairs = words.filter_map(|word| word.split_once('='));
    let value = pairs.find_map(|(name, value)| is_wanted(name).then_some(value))?;
    value.parse().ok()
}

/// The error of a request that was refused as a whole.
#[derive(Debug, Deserialize)]
struct WholeAnswer {
    error: WholeError,
}

#[derive(Debug, Deserialize)]
struct WholeError {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    reason: Option<String>,
}

impl Refusal {
    /// Of an answer that refuses the whole request; none if it is not the cluster that says so.
    #[must_use]
    pub fn of_request(status: u16, body: &[u8]) -> Option<Self> {
        let answer: WholeAnswer = serde_json::from_slice(body).ok()?;
        Some(Self {
            status,
            kind: answer.error.kind,
            reason: answer.error.reason.unwrap_or_default(),
        })
    }

    /// Whether there is no such index.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.kind == "index_not_found_exception"
    }

    /// Whether the ingest pipeline is missing.
    #[must_use]
    pub fn is_of_pipeline(&self) -> bool {
        self.is_illegal() && self.reason.starts_with(MISSING_PIPELINE)
    }

    /// Only such a refusal can be about the target. That of a document quotes its text, which may say anything.
    fn is_illegal(&self) -> bool {
        self.kind == "illegal_argument_exception"
    }

    /// Whether a processor of an ingest pipeline refuses the event: it does so again each time.
    #[must_use]
    pub fn is_of_processor(&self) -> bool {
        PROCESSOR_ERRORS.contains(&self.kind.as_str())
    }

    /// Whether the request will never fit, however little the cluster has to do.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.status == 413 || self.status == 429 && exceeds_limit(&self.reason)
    }

    /// How many bytes are allowed for all requests together, if that is why there is no room.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        limit_in(&self.reason).filter(|_| self.status == 429)
    }

    /// Whether it is about the state of the cluster, not about an event.
    #[must_use]
    pub fn is_of_cluster(&self) -> bool {
        CLUSTER_STATES.contains(&self.kind.as_str())
            || self.is_illegal()
                && TARGET_REASONS
                    .iter()
                    .any(|text| self.reason.starts_with(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_item(item: &str) -> Verdict<'static> {
        let body = format!(r#"{{"errors":true,"took":3,"items":[{{"create":{item}}}]}}"#);
        match verdicts(body.as_bytes(), 1).unwrap().remove(0) {
            Verdict::Stored(index) => Verdict::Stored(Cow::Owned(index.into_owned())),
            Verdict::AlreadyThere => Verdict::AlreadyThere,
            Verdict::FailureStore => Verdict::FailureStore,
            Verdict::Again(refusal) => Verdict::Again(refusal),
            Verdict::Blocked(refusal) => Verdict::Blocked(refusal),
            Verdict::Refused(refusal) => Verdict::Refused(refusal),
        }
    }

    #[test]
    fn a_document_that_quotes_words_of_the_cluster_is_refused_for_itself() {
        let quote = "failed to parse. Preview of field's value: 'pipeline with id 7'";
        let error = format!(r#"{{"type":"document_parsing_exception","reason":"{quote}"}}"#);
        let item = format!(r#"{{"status":400,"error":{error}}}"#);
        assert!(matches!(of_item(&item), Verdict::Refused(_)));
        let missing = item
            .replace("document_parsing", "illegal_argument")
            .replace(quote, "pipeline with id [x] does not exist");
        assert!(matches!(of_item(&missing), Verdict::Blocked(_)));
    }

    #[test]
    fn what_is_stored_names_its_index() {
        let index = ".ds-logs-atlassian_confluence.audit-default-2026.11.29-000001";
        let item = format!(r#"{{"_index":"{index}","status":201}}"#);
        assert_eq!(of_item(&item), Verdict::Stored(index.into()));
        assert_eq!(of_item(r#"{"status":409}"#), Verdict::AlreadyThere);
        let failed = r#"{"_index":".fs-logs","status":201,"failure_store":"used"}"#;
        assert_eq!(of_item(failed), Verdict::FailureStore);
    }

    #[test]
    fn a_cluster_in_no_state_to_store_is_no_fault_of_the_event() {
        let item = |status: u16, kind: &str, reason: &str| {
            of_item(&format!(
                r#"{{"status":{status},"error":{{"type":"{kind}","reason":"{reason}"}}}}"#
            ))
        };
        for (status, kind, reason) in [
            (403, "security_exception", "unauthorized"),
            (403, "cluster_block_exception", "index read-only"),
            (404, "index_not_found_exception", "no such index"),
            (400, "index_closed_exception", "closed"),
            (400, "validation_exception", "maximum normal shards open"),
            (
                400,
                "illegal_argument_exception",
                "pipeline with id [x] does not exist",
            ),
        ] {
            let verdict = item(status, kind, reason);
            assert!(
                matches!(verdict, Verdict::Blocked(_)),
                "{kind}: {verdict:?}"
            );
        }
        for (status, kind) in [
            (429, "es_rejected_execution_exception"),
            (503, "unavailable_shards_exception"),
        ] {
            assert!(
                matches!(item(status, kind, ""), Verdict::Again(_)),
                "{kind}"
            );
        }
        for kind in [
            "document_parsing_exception",
            "mapper_parsing_exception",
            "illegal_argument_exception",
        ] {
            let verdict = item(400, kind, "failed to parse");
            assert!(
                matches!(verdict, Verdict::Refused(_)),
                "{kind}: {verdict:?}"
            );
        }
    }

    #[test]
    fn what_is_no_status_of_an_item_is_unknown() {
        for status in [0, 100, 302, 600] {
            let verdict = of_item(&format!(r#"{{"status":{status}}}"#));
            assert!(matches!(verdict, Verdict::Again(_)), "{status}");
        }
    }

    #[test]
    fn an_operation_over_the_limit_is_too_large_and_a_busy_node_is_not() {
        let refusal = |status, operation: u64| Refusal {
            status,
            kind: "es_rejected_execution_exception".to_owned(),
            reason: format!(
                "rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0, \
                 all_bytes=0, coordinating_operation_bytes={operation}, max_coordinating_and_primary_bytes=60000]"
            ),
        };
        assert!(refusal(429, 60_001).is_too_large());
        assert!(!refusal(429, 60_000).is_too_large());
        assert!(!refusal(503, 60_001).is_too_large());
    }

    #[test]
    fn another_number_of_items_is_no_answer() {
        let body = br#"{"items":[{"create":{"status":201}}]}"#;
        assert!(verdicts(body, 1).is_some());
        assert!(verdicts(body, 2).is_none());
        for none in [
            &b"<html>"[..],
            b"{}",
            b"",
            br#"{"items":[{"index":{"status":201}}]}"#,
            b"{\"items\":[{",
        ] {
            assert!(verdicts(none, 1).is_none());
        }
    }
}
