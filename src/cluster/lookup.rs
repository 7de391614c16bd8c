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
/// After so many answers that are none, looking is taken for not allowed.
const MOST_USELESS: u32 = 8;
/// Errors of a document that say nothing of it: its shard is away, or busy.
const PASSING_ERRORS: [&str; 5] = [
    "es_rejected_execution_exception",
    "no_shard_available_action_exception",
    "rejected_execution_exception",
    "shard_not_found_exception",
    "unavailable_shards_exception",
];

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
    /// With this status: it is not allowed.
    Refused(u16),
    /// The request is too large.
    TooLarge,
}

/// What an answer says if it is no success; none if that is not the cluster's word.
fn refused<T>(answer: &Answer, useless: u32) -> Option<Look<T>> {
    match answer.status {
        413 => Some(Look::TooLarge),
        400 | 403 | 405 => Some(Look::Refused(answer.status)),
        // Some proxies let bulk requests through and nothing else.
        status @ 402..=499 if useless >= MOST_USELESS => Some(Look::Refused(status)),
        _ => None,
    }
}

/// The indices behind a target; none if the credentials do not allow to ask.
///
/// # Errors
/// When it is time to end.
pub fn indices(client: &ClusterClient, target: &str) -> Result<Option<Indices>, Setback> {
    let call = Call::get(format!("_resolve/index/{target}"));
    let look = client.insist_on(&call, |answer, useless| {
        let is_missing =
            || Refusal::of_request(404, &answer.body).is_some_and(|refusal| refusal.is_missing());
        match answer.status {
            200 => Some(Look::Seen(resolved(&answer.body)?)),
            404 if is_missing() => Some(Look::Seen(Indices::default())),
            _ => refused(answer, useless),
        }
    })?;
    match look {
        Look::Seen(indices) => Ok(Some(indices)),
        Look::Refused(status) => {
            warn_of_rights(client, &format!("the indices behind {target}"), status);
            Ok(None)
        }
        Look::TooLarge => Ok(None),
    }
}

fn warn_of_rights(client: &ClusterClient, what: &str, status: u16) {
    if client.notices.is_due(Topic::Lookup) {
        tracing::warn!(
            "cannot look up {what} (status {status}): if the data stream rolls over while an answer is lost, events \
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
/// between the look and the answer. `created` are ids with the index that has them now.
///
/// # Errors
/// When it is time to end.
pub fn undo_second_copies(
    client: &ClusterClient,
    looked: &[String],
    created: &[(&str, &str)],
) -> Result<(), Setback> {
    if created.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = created.iter().map(|(id, _)| *id).collect();
    let mut twice = BTreeSet::new();
    for index in looked {
        for ids in ids.chunks(MOST_ENTRIES) {
            twice.extend(found(client, index, ids)?);
        }
    }
    for (id, index) in created.iter().filter(|(id, _)| twice.contains(*id)) {
        let body = json!({"delete": {"_index": index, "_id": id}}).to_string() + "\n";
        let mut call = Call::post("_bulk", body.into_bytes());
        if let Some(upload) = &mut call.upload {
            upload.content_type = "application/x-ndjson";
        }
        let answer = client.insist(&call)?;
        let is_done =
            answer.status == 200 && !answer.body.windows(7).any(|text| text == b"\"error\"");
        if !is_done {
            tracing::warn!(
                "{index}/{id} is stored a second time: the data stream rolled over while an answer was lost, and \
                 the credentials do not allow to delete it (index privilege delete)"
            );
        }
    }
    Ok(())
}

/// Which of these ids are in an index.
fn found(client: &ClusterClient, index: &str, ids: &[&str]) -> Result<Vec<String>, Setback> {
    let entry = |id| json!({"_index": index, "_id": id, "_source": false});
    let docs: Vec<_> = ids.iter().map(entry).collect();
    let call = Call::post("_mget", json!({"docs": docs}).to_string().into_bytes());
    let call = call.query("filter_path=docs._id,docs.found,docs.error.type");
    let look = client.insist_on(&call, |answer, useless| match answer.status {
        200 => found_in(&answer.body, ids.len()).map(Look::Seen),
        _ => refused(answer, useless),
    })?;
    match look {
        Look::Seen(docs) => {
            let errors = docs.iter().filter_map(|document| document.error.as_ref());
            if errors
                .into_iter()
                .any(|error| error.kind == "security_exception")
            {
                warn_of_rights(client, &format!("events in {index}"), 403);
            }
            let found = docs.into_iter().filter(|document| document.found);
            Ok(found.map(|document| document.id).collect())
        }
        Look::TooLarge if ids.len() > 1 => {
            let (first, second) = ids.split_at(ids.len() / 2);
            let mut all = found(client, index, first)?;
            all.extend(found(client, index, second)?);
            Ok(all)
        }
        Look::TooLarge => Ok(Vec::new()),
        Look::Refused(status) => {
            warn_of_rights(client, &format!("events in {index}"), status);
            Ok(Vec::new())
        }
    }
}

/// What is said of so many documents; none if it is not said of each.
fn found_in(body: &[u8], documents: usize) -> Option<Vec<FoundDocument>> {
    let found: Found = serde_json::from_slice(body).ok()?;
    let is_passing = |error: &FoundError| PASSING_ERRORS.contains(&error.kind.as_str());
    let errors = found
        .docs
        .iter()
        .filter_map(|document| document.error.as_ref());
    let is_whole = found.docs.len() == documents && !errors.into_iter().any(is_passing);
    is_whole.then_some(found.docs)
}
