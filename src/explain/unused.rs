//! Values of a record that are nowhere in its event, and why.

use std::collections::HashSet;

use super::Unused;
use super::leaves::{Path, RawLeaf, Step};
use super::trace::Trace;
use crate::pipeline::dialect::{Dialect, Record};
use crate::pipeline::json::{Kind, Pattern};

/// What the mapping reads of a record, as docs/mapping.md 3 and 4 list it: it tells a value that is of no use here
/// from one that is of no use ever. A test holds that nothing else has an effect.
const CLOUD: &[&[&str]] = &[
    &["affectedObject"],
    &["associatedObjects"],
    &["author", "accountId"],
    &["author", "displayName"],
    &["author", "externalCollaborator"],
    &["category"],
    &["changedValues"],
    &["creationDate"],
    &["remoteAddress"],
    &["summary"],
];
const SELF_HOSTED: &[&[&str]] = &[
    &["affectedObjects"],
    &["auditType"],
    &["author", "id"],
    &["author", "name"],
    &["author", "uri"],
    &["changedValues"],
    &["extraAttributes"],
    &["method"],
    &["source"],
    &["system"],
    &["timestamp"],
    &["type"],
];

/// The values that are not used, those with one reason and beginning of their paths together.
pub(super) fn unused(
    dialect: Dialect,
    equal: Option<&str>,
    raw: &[RawLeaf<'_>],
    trace: &Trace,
) -> Vec<Unused> {
    let read = match dialect {
        Dialect::Cloud => CLOUD,
        Dialect::DcApi | Dialect::DcFile => SELF_HOSTED,
    };
    let mut later: HashSet<String> = HashSet::new();
    let mut unused: Vec<Unused> = Vec::new();
    // From the last one: of a key that stands twice, the last counts.
    for (at, leaf) in raw.iter().enumerate().rev() {
        let path = leaf.path.to_string();
        let is_repeated = !later.insert(path);
        if trace.has_effect(at) == Some(true) {
            continue;
        }
        let mapped = mapped(&leaf.path, read);
        let is_whole = mapped.0.len() == leaf.path.0.len();
        let (path, reason) = if !is_read(&leaf.path, read) {
            (mapped, "not mapped by the reference".to_owned())
        } else if leaf.value.is_empty() {
            (
                leaf.path.clone(),
                "empty, which is the same as absent".to_owned(),
            )
        } else if is_repeated {
            (
                leaf.path.clone(),
                "its key stands again behind it".to_owned(),
            )
        } else if let Some(equal) = equal
            && leaf.path.names().next() == Some("affectedObject")
        {
            (Path(leaf.path.0[..1].to_vec()), format!("equal to {equal}"))
        } else if trace.has_effect(at).is_none() {
            let reason = "not known what it does: the record has too many values";
            (leaf.path.clone(), reason.to_owned())
        } else {
            let reason =
                "without effect here: something else takes its place, or it is of another type";
            (leaf.path.clone(), reason.to_owned())
        };
        let is_value = is_whole && path.0.len() == leaf.path.0.len();
        let one = Unused {
            raw: path.to_string(),
            value: is_value.then(|| leaf.json()),
            reason,
        };
        match unused.last_mut() {
            Some(last) if last.raw == one.raw && last.reason == one.reason => last.value = None,
            _ => unused.push(one),
        }
    }
    unused.reverse();
    unused
}

/// Whether the mapping reads what a path leads to.
fn is_read(path: &Path, read: &[&[&str]]) -> bool {
    let names: Vec<&str> = path.names().collect();
    read.iter().any(|read| names.starts_with(read))
}

/// A path up to where it leaves what is read.
fn mapped(path: &Path, read: &[&[&str]]) -> Path {
    let names: Vec<&str> = path.names().collect();
    let shared = |read: &&[&str]| {
        let both = names.iter().zip(*read);
        both.take_while(|(name, read)| name == read).count()
    };
    let shared = read.iter().map(|read| shared(&read)).max().unwrap_or(0);
    Path(path.0.iter().take(shared + 1).cloned().collect())
}

/// The path of the associated object that the affected object is left out for (docs/mapping.md 4).
pub(super) fn equal_to_affected(dialect: Dialect, record: &Record<'_>) -> Option<String> {
    let (affected, list) = (record.affected_object?, record.associated_objects?);
    if dialect != Dialect::Cloud {
        return None;
    }
    let pattern = Pattern::new(affected);
    let name = Step::Name("associatedObjects".to_owned());
    if list.kind() == Kind::Array {
        let at = list
            .elements()
            .position(|element| pattern.equals(element))?;
        return Some(Path(vec![name, Step::Index(at)]).to_string());
    }
    pattern.equals(list).then(|| Path(vec![name]).to_string())
}
