//! Whether events are in the cluster already: an `_id` is unique in one backing index only, so after a
//! rollover the same `create` would store an event twice (docs/elasticsearch.md, "Once").

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::json;

use super::body::{Bulk, Doubt, pairs};
use super::client::{Call, ClusterClient, Setback};
use super::notices::Topic;

/// Entries of one `_mget`.
const MOST_ENTRIES: usize = 10_000;

/// Answer to `GET _resolve/index/NAME`.
#[derive(Debug, Default, Deserialize)]
struct Resolved {
    #[serde(default)]
    indices: Vec<ResolvedIndex>,
    #[serde(default)]
    aliases: Vec<ResolvedAlias>,
    #[serde(default)]
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
    #[serde(default)]
    docs: Vec<FoundDocument>,
}

#[derive(Debug, Deserialize)]
struct FoundDocument {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    found: bool,
}

/// The indices behind a target, in order; of a data stream the last takes the writes. None if the
/// credentials do not allow to ask.
///
/// # Errors
/// When it is time to end.
pub fn indices(client: &ClusterClient, target: &str) -> Result<Option<Vec<String>>, Setback> {
    let call = Call::get(format!("_resolve/index/{target}"));
    let answer = client.insist(&call)?;
    match answer.status {
        200 => {}
        404 => return Ok(Some(Vec::new())),
        status => {
            if client.notices.is_due(Topic::Lookup) {
                tracing::warn!(
                    "cannot look up the indices behind {target} (status {status}): if it rolls over while an \
                     answer is lost, events may be stored twice; grant the index privileges \
                     view_index_metadata and read"
                );
            }
            return Ok(None);
        }
    }
    Ok(Some(indices_in(&answer.body)))
}

/// The indices in an answer to `GET _resolve/index/NAME`, in order.
#[must_use]
pub fn indices_in(body: &[u8]) -> Vec<String> {
    let resolved: Resolved = serde_json::from_slice(body).unwrap_or_default();
    let streams = resolved
        .data_streams
        .into_iter()
        .map(|stream| stream.backing_indices);
    let aliases = resolved.aliases.into_iter().map(|alias| alias.indices);
    let mut names: Vec<_> = streams.chain(aliases).flat_map(Names::into_vec).collect();
    if names.is_empty() {
        names.extend(resolved.indices.into_iter().map(|index| index.name));
    }
    names
}

/// The data streams in an answer to `GET _resolve/index/NAME`.
#[must_use]
pub fn names(body: &[u8]) -> Vec<String> {
    let resolved: Resolved = serde_json::from_slice(body).unwrap_or_default();
    let streams = resolved.data_streams.into_iter();
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
    let candidates = since(all, doubt);
    let stored = stored(client, &candidates, bulk)?;
    if !stored.is_empty() {
        tracing::debug!(events = stored.len(), "in the cluster already");
        *bulk = bulk.retain(|_, pair| !stored.contains_key(pair.id));
    }
    Ok(candidates)
}

/// Those from the one on that took events when they were sent first; all, if that is gone or unknown.
fn since(all: Vec<String>, doubt: &Doubt) -> Vec<String> {
    let first = doubt.since.as_ref();
    let start = first.and_then(|first| all.iter().position(|index| index == first));
    all.into_iter().skip(start.unwrap_or(0)).collect()
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

fn found(client: &ClusterClient, index: &str, ids: &[&str]) -> Result<Vec<String>, Setback> {
    let entry = |id| json!({"_index": index, "_id": id, "_source": false});
    let docs: Vec<_> = ids.iter().map(entry).collect();
    let call = Call::post("_mget", json!({"docs": docs}).to_string().into_bytes());
    let call = call.query("filter_path=docs._id,docs.found");
    loop {
        let answer = client.insist(&call)?;
        if answer.status != 200 {
            if client.notices.is_due(Topic::Lookup) {
                tracing::warn!(
                    "cannot look up events in {index} (status {}): they may be stored twice; grant the index \
                     privilege read",
                    answer.status
                );
            }
            return Ok(Vec::new());
        }
        // A body that was cut off, or is a proxy's: asked again.
        let Ok(found) = serde_json::from_slice::<Found>(&answer.body) else {
            client.pause(std::time::Duration::from_secs(1))?;
            continue;
        };
        let is_found = found.docs.into_iter().filter(|document| document.found);
        return Ok(is_found.map(|document| document.id).collect());
    }
}
