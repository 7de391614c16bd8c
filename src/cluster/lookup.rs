//! Whether events are in the cluster already: an `_id` is unique in one backing index only, so after a
//! rollover the same `create` would store an event twice (docs/elasticsearch.md, "Once").

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::json;

use super::body::{Bulk, Doubt, pairs};
use super::client::{Call, ClusterClient, Setback};
use super::notices::Topic;
use super::verdict::Refusal;
use crate::http::Answer;

/// Entries of one `_mget`.
const MOST_ENTRIES: usize = 10_000;
/// The error of a document whose index is gone: it is nowhere. Any other says nothing of the document: its
/// shard is away or busy, its index is closed or blocked.
const GONE: &str = "index_not_found_exception";
/// The error of a document, or of a request, that the credentials do not allow to read.
const NOT_ALLOWED: &str = "security_exception";

/// Answer to `GET _resolve/index/NAME`.
#[derive(Debug, Deserialize)]
struct Resolved {
    indices: Vec<ResolvedIndex>,
    aliases: Vec<ResolvedAlias>,
    data_streams: Vec<ResolvedStream>,
}

#[derive(Debug, Deserialize)]
struct ResolvedIndex {
    name: String,
}

#[derive(Debug, Deserialize)]
struct ResolvedAlias {
    #[serde(default)]
    indices: Names,
}

#[derive(Debug, Deserialize)]
struct ResolvedStream {
    #[serde(default)]
    name: String,
    #[serde(default)]
    backing_indices: Names,
}

/// A single name may come without its list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    Many(Vec<String>),
    One(String),
}

impl Default for Names {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Names {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::Many(names) => names,
            Self::One(name) => vec![name],
        }
    }
}

#[derive(Debug, Deserialize)]
struct Found {
    docs: Vec<FoundDocument>,
}

#[derive(Debug, Deserialize)]
struct FoundDocument {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    found: bool,
    #[serde(default)]
    error: Option<FoundError>,
}

#[derive(Debug, Deserialize)]
struct FoundError {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Deleted {
    items: Vec<DeletedItem>,
}

#[derive(Debug, Deserialize)]
struct DeletedItem {
    delete: DeletedDocument,
}

#[derive(Debug, Deserialize)]
struct DeletedDocument {
    status: u16,
}

/// The indices behind a target.
#[derive(Debug, Default)]
pub struct Indices {
    /// Their names.
    names: Vec<String>,
    /// Each of them took the writes after the one before it: those of a data stream.
    is_ordered: bool,
}

impl Indices {
    /// The one that takes the writes, where that is known.
    #[must_use]
    pub fn written(mut self) -> Option<String> {
        let is_known = self.is_ordered || self.names.len() == 1;
        self.names.pop().filter(|_| is_known)
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Those from the one on that took events when they were sent first; all, if that is gone or unknown.
    fn since(self, doubt: &Doubt) -> Vec<String> {
        let mut first = doubt.since.iter().filter(|_| self.is_ordered);
        let start = first.find_map(|first| self.names.iter().position(|index| index == first));
        self.names.into_iter().skip(start.unwrap_or(0)).collect()
    }
}

/// An answer to a look.
enum Look<T> {
    Seen(T),
    /// The credentials do not allow it.
    Forbidden,
    /// The request is too large.
    TooLarge,
}

/// Whether an answer says that the credentials do not allow to look. Nothing else is taken for that: whoever
/// goes on without having looked may store events twice.
fn is_forbidden(answer: &Answer) -> bool {
    let refusal = Refusal::of_request(answer.status, &answer.body);
    // A proxy may not let the request through, either: it has no words for that.
    answer.status == 403 && refusal.is_none_or(|refusal| refusal.kind == NOT_ALLOWED)
}

/// The indices behind a target; none if the credentials do not allow to ask.
///
/// # Errors
/// When it is time to end.
pub fn indices(client: &ClusterClient, target: &str) -> Result<Option<Indices>, Setback> {
    let call = Call::get(format!("_resolve/index/{target}"));
    let indices = client.insist_on(&call, |answer| {
        let is_missing =
            || Refusal::of_request(404, &answer.body).is_some_and(|refusal| refusal.is_missing());
        match answer.status {
            200 => resolved(&answer.body).map(Some).ok_or(None),
            404 if is_missing() => Ok(Some(Indices::default())),
            _ if is_forbidden(answer) => Ok(None),
            _ => Err(None),
        }
    })?;
    if indices.is_none() {
        warn_of_rights(client, &format!("the indices behind {target}"));
    }
    Ok(indices)
}

/// Once in a run: it is true of each look.
fn warn_of_rights(client: &ClusterClient, what: &str) {
    if client.notices.is_first(Topic::Lookup) {
        tracing::warn!(
            "cannot look up {what} (status 403): if the data stream rolls over while an answer is lost, events \
             may be stored twice; grant the index privileges view_index_metadata and read"
        );
    }
}

fn resolved(body: &[u8]) -> Option<Indices> {
    let resolved: Resolved = serde_json::from_slice(body).ok()?;
    let streams = resolved.data_streams.into_iter();
    let mut names: Vec<_> = streams
        .flat_map(|stream| stream.backing_indices.into_vec())
        .collect();
    let is_ordered = !names.is_empty();
    let aliases = resolved.aliases.into_iter();
    names.extend(aliases.flat_map(|alias| alias.indices.into_vec()));
    names.extend(resolved.indices.into_iter().map(|index| index.name));
    Some(Indices { names, is_ordered })
}

/// The indices in an answer to `GET _resolve/index/NAME`, in order.
#[must_use]
pub fn indices_in(body: &[u8]) -> Vec<String> {
    resolved(body).unwrap_or_default().names
}

/// The data streams in an answer to `GET _resolve/index/NAME`.
#[must_use]
pub fn names(body: &[u8]) -> Vec<String> {
    let resolved = serde_json::from_slice::<Resolved>(body).ok();
    let streams = resolved
        .into_iter()
        .flat_map(|resolved| resolved.data_streams);
    streams.map(|stream| stream.name).collect()
}

/// Takes the events out of a body that are in the cluster already, in an index that took events since
/// they were sent first. Returns the indices that were looked at.
///
/// # Errors
/// When it is time to end.
pub fn leave_out_stored(
    client: &ClusterClient,
    target: &str,
    bulk: &mut Bulk,
) -> Result<Vec<String>, Setback> {
    let Some(doubt) = &bulk.doubt else {
        return Ok(Vec::new());
    };
    let Some(all) = indices(client, target)? else {
        return Ok(Vec::new());
    };
    let candidates = all.since(doubt);
    let stored = stored(client, &candidates, bulk)?;
    if !stored.is_empty() {
        tracing::debug!(events = stored.len(), "in the cluster already");
        *bulk = bulk.retain(|_, pair| !stored.contains_key(pair.id));
    }
    Ok(candidates)
}

/// The ids of those events that are in one of these indices, and in which.
fn stored(
    client: &ClusterClient,
    indices: &[String],
    bulk: &Bulk,
) -> Result<HashMap<String, String>, Setback> {
    let mut stored = HashMap::new();
    let ids: BTreeSet<&str> = pairs(&bulk.body).map(|pair| pair.id).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    for index in indices {
        for ids in ids.chunks(MOST_ENTRIES) {
            for id in found(client, index, ids)? {
                stored.insert(id, index.clone());
            }
        }
    }
    Ok(stored)
}

/// Takes back what was stored although it was in an index that was looked at: the target rolled over
/// between the look and the answer. `created` are ids with the index that has them now. Returns how many
/// were taken back.
///
/// # Errors
/// When it is time to end.
pub fn undo_second_copies(
    client: &ClusterClient,
    looked: &[String],
    created: &[(&str, &str)],
) -> Result<usize, Setback> {
    if created.is_empty() {
        return Ok(0);
    }
    let ids: Vec<_> = created.iter().map(|(id, _)| *id).collect();
    let mut twice = BTreeSet::new();
    for index in looked {
        for ids in ids.chunks(MOST_ENTRIES) {
            twice.extend(found(client, index, ids)?);
        }
    }
    let second = created.iter().filter(|(id, _)| twice.contains(*id));
    let second: Vec<_> = second.copied().collect();
    let mut undone = 0;
    for copies in second.chunks(MOST_ENTRIES) {
        undone += delete(client, copies)?;
    }
    if undone < second.len() {
        let (id, index) = second[0];
        tracing::warn!(
            "{} events are stored a second time, such as {index}/{id}: the data stream rolled over while an answer \
             was lost, and the credentials do not allow to delete them (index privilege delete)",
            second.len() - undone
        );
    }
    Ok(undone)
}

/// Deletes documents by their ids and indices. Returns how many are gone.
fn delete(client: &ClusterClient, documents: &[(&str, &str)]) -> Result<usize, Setback> {
    let mut body = String::new();
    for (id, index) in documents {
        body += &json!({"delete": {"_index": index, "_id": id}}).to_string();
        body.push('\n');
    }
    let mut call = Call::post("_bulk", body.into_bytes()).query("filter_path=items.*.status");
    if let Some(upload) = &mut call.upload {
        upload.content_type = "application/x-ndjson";
    }
    client.insist_on(&call, |answer| match answer.status {
        200 => deleted_in(&answer.body, documents.len()).ok_or(None),
        _ if is_forbidden(answer) => Ok(0),
        _ => Err(None),
    })
}

/// How many of so many documents are gone; none if it is not said of each for good.
fn deleted_in(body: &[u8], documents: usize) -> Option<usize> {
    let deleted: Deleted = serde_json::from_slice(body).ok()?;
    let statuses = deleted.items.iter().map(|item| item.delete.status);
    let is_final = |status: u16| status != 429 && status < 500;
    let is_whole = deleted.items.len() == documents && statuses.clone().all(is_final);
    // 404: gone by an earlier attempt.
    is_whole.then(|| {
        statuses
            .filter(|status| matches!(status, 200 | 404))
            .count()
    })
}

/// Which of these ids are in an index.
fn found(client: &ClusterClient, index: &str, ids: &[&str]) -> Result<Vec<String>, Setback> {
    let entry = |id| json!({"_index": index, "_id": id, "_source": false});
    let docs: Vec<_> = ids.iter().map(entry).collect();
    let call = Call::post("_mget", json!({"docs": docs}).to_string().into_bytes());
    let call = call.query("filter_path=docs._id,docs.found,docs.error.type");
    let look = client.insist_on(&call, |answer| match answer.status {
        200 => found_in(&answer.body, ids.len(), index).map(Look::Seen),
        413 if ids.len() > 1 => Ok(Look::TooLarge),
        _ if is_forbidden(answer) => Ok(Look::Forbidden),
        _ => Err(None),
    })?;
    match look {
        Look::Seen(docs) => {
            let mut errors = docs.iter().filter_map(|document| document.error.as_ref());
            if errors.any(|error| error.kind == NOT_ALLOWED) {
                warn_of_rights(client, &format!("events in {index}"));
            }
            let found = docs.into_iter().filter(|document| document.found);
            Ok(found.map(|document| document.id).collect())
        }
        Look::TooLarge => {
            let (first, second) = ids.split_at(ids.len() / 2);
            let mut all = found(client, index, first)?;
            all.extend(found(client, index, second)?);
            Ok(all)
        }
        Look::Forbidden => {
            warn_of_rights(client, &format!("events in {index}"));
            Ok(Vec::new())
        }
    }
}

/// What makes an index searchable again.
fn remedy(kind: &str, index: &str) -> String {
    match kind {
        "index_closed_exception" => format!("open it with POST {index}/_open"),
        "cluster_block_exception" => format!("remove its block: GET {index}/_settings shows it"),
        _ => format!("GET _cluster/health/{index} shows its state"),
    }
}

/// What is said of so many documents of an index. An error if it is not said of each: why not, if the
/// cluster says that.
fn found_in(
    body: &[u8],
    documents: usize,
    index: &str,
) -> Result<Vec<FoundDocument>, Option<String>> {
    let found: Found = serde_json::from_slice(body).map_err(|_| None)?;
    if found.docs.len() != documents {
        return Err(None);
    }
    let is_answer = |error: &FoundError| [GONE, NOT_ALLOWED].contains(&error.kind.as_str());
    let mut errors = found
        .docs
        .iter()
        .filter_map(|document| document.error.as_ref());
    match errors.find(|error| !is_answer(error)) {
        Some(FoundError { kind }) => Err(Some(format!(
            "{index} cannot be searched for events that it may have already: {kind}; {}",
            remedy(kind, index)
        ))),
        None => Ok(found.docs),
    }
}
