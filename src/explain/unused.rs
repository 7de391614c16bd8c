//! Values of a record that are nowhere in its event, and why.

use std::collections::HashSet;

use super::leaves::{Path, RawLeaf, Step};
use super::trace::Trace;
use super::{Unused, given};
use crate::pipeline::dialect::{ConfluenceDialect, Dialect, Record};
use crate::pipeline::json::{Kind, Pattern};

/// What the mapping takes in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A scalar, or a list of them.
    Scalar,
    /// An object with all members.
    Object,
    /// An object, or a list of them, with all members.
    Objects,
}

use Shape::{Object, Objects, Scalar};

/// What the mapping reads of a record, as docs/mapping.md 3 and 4 list it: it tells a value that is of no use here
/// from one that is of no use ever. A test holds that nothing else has an effect.
const CLOUD: &[(&[&str], Shape)] = &[
    (&["affectedObject"], Objects),
    (&["associatedObjects"], Objects),
    (&["author", "accountId"], Scalar),
    (&["author", "displayName"], Scalar),
    (&["author", "externalCollaborator"], Scalar),
    (&["category"], Scalar),
    (&["changedValues"], Objects),
    (&["creationDate"], Scalar),
    (&["remoteAddress"], Scalar),
    (&["summary"], Scalar),
];
const SELF_HOSTED: &[(&[&str], Shape)] = &[
    (&["affectedObjects"], Objects),
    (&["auditType"], Object),
    (&["author", "id"], Scalar),
    (&["author", "name"], Scalar),
    (&["author", "uri"], Scalar),
    (&["changedValues"], Objects),
    (&["extraAttributes"], Objects),
    (&["method"], Scalar),
    (&["source"], Scalar),
    (&["system"], Scalar),
    (&["timestamp"], Object),
    (&["type"], Object),
];

/// docs/org-events.md.
const ORGANIZATION: &[(&[&str], Shape)] = &[
    (&["attributes", "action"], Scalar),
    (&["attributes", "actor", "app", "attributes"], Objects),
    (&["attributes", "actor", "app", "id"], Scalar),
    (&["attributes", "actor", "app", "type"], Scalar),
    (&["attributes", "actor", "auth", "authType"], Scalar),
    (&["attributes", "actor", "auth", "tokenId"], Scalar),
    (&["attributes", "actor", "auth", "tokenLabel"], Scalar),
    (&["attributes", "actor", "email"], Scalar),
    (&["attributes", "actor", "id"], Scalar),
    (&["attributes", "actor", "name"], Scalar),
    (&["attributes", "actor", "onBehalfOf", "email"], Scalar),
    (&["attributes", "actor", "onBehalfOf", "id"], Scalar),
    (&["attributes", "actor", "onBehalfOf", "name"], Scalar),
    (&["attributes", "container"], Objects),
    (&["attributes", "context"], Objects),
    (&["attributes", "location", "city"], Scalar),
    (&["attributes", "location", "countryName"], Scalar),
    (&["attributes", "location", "geo"], Scalar),
    (&["attributes", "location", "ip"], Scalar),
    (&["attributes", "location", "regionName"], Scalar),
    (&["attributes", "processedAt"], Scalar),
    (&["attributes", "time"], Scalar),
    (&["id"], Scalar),
    (&["message", "content"], Scalar),
    (&["message", "format"], Scalar),
];

const NOT_MAPPED: &str = "not mapped by the reference";
const OTHER_TYPE: &str = "of another type than the reference takes there";

/// What is known of a record whose values are looked at.
pub(super) struct Known<'a> {
    pub dialect: Dialect,
    /// The path of what the affected object is equal to.
    pub equal: Option<&'a str>,
    /// Whether the affected User of a login takes the author's place.
    pub is_author_replaced: bool,
}

impl Known<'_> {
    /// The values that are not used, those with one reason and beginning of their paths together.
    pub fn unused(&self, raw: &[RawLeaf<'_>], trace: &Trace) -> Vec<Unused> {
        let mut later: HashSet<String> = HashSet::new();
        let mut unused: Vec<Unused> = Vec::new();
        // From the last one: of a key that stands twice, the last counts.
        for (at, leaf) in raw.iter().enumerate().rev() {
            let is_repeated = !later.insert(leaf.path.to_string());
            let (path, reason) = match trace.has_effect(at) {
                Some(true) => continue,
                Some(false) => self.reason(leaf, is_repeated),
                None => (leaf.path.clone(), given::UNKNOWN.to_owned()),
            };
            let is_whole = path.0.len() == leaf.path.0.len();
            let raw = path.to_string();
            match unused.last_mut() {
                Some(last) if last.raw == raw && last.reason == reason => last.value = None,
                _ => unused.push(Unused {
                    raw,
                    value: is_whole.then(|| leaf.json()),
                    reason,
                }),
            }
        }
        unused.reverse();
        unused
    }

    /// Why a value does nothing, and the path up to which that holds.
    fn reason(&self, leaf: &RawLeaf<'_>, is_repeated: bool) -> (Path, String) {
        let read = match self.dialect {
            Dialect::Confluence(ConfluenceDialect::Cloud) => CLOUD,
            Dialect::Confluence(ConfluenceDialect::SelfHosted(_)) => SELF_HOSTED,
            Dialect::Organization => ORGANIZATION,
        };
        let names: Vec<&str> = leaf.path.names().collect();
        let place = read.iter().find(|(read, _)| names.starts_with(read));
        let is_above = read.iter().any(|(read, _)| read.starts_with(&names));
        let first = names.first().copied();
        let reason = match place {
            None if !is_above => return (mapped(&leaf.path, read), NOT_MAPPED.to_owned()),
            _ if leaf.value.is_empty() => "empty, which is the same as absent",
            _ if is_repeated => "its key stands again behind it",
            _ if first == Some("affectedObject")
                && let Some(equal) = self.equal =>
            {
                return (Path(leaf.path.0[..1].to_vec()), format!("equal to {equal}"));
            }
            Some((read, Scalar)) if leaf.path.0.len() > read.len() => OTHER_TYPE,
            Some((read, Object | Objects)) if leaf.path.0.len() == read.len() => OTHER_TYPE,
            Some((read, Object)) if matches!(leaf.path.0[read.len()], Step::Index(_)) => OTHER_TYPE,
            None => OTHER_TYPE,
            Some(_) if first == Some("author") && self.is_author_replaced => {
                "the affected User takes its place"
            }
            Some((["author", "uri"], _)) => "does not end in ?username=NAME",
            Some((["attributes", "actor", "app", "id"], _)) => "the actor's own id takes its place",
            Some((["attributes", "actor", "email"], _)) => "has no `@`",
            Some((["attributes", "processedAt"], _)) => "cannot be read as a time",
            Some((["type"], _)) => "`auditType` takes its place",
            Some(_) => match self.renamed_over(&leaf.path) {
                Some(key) => {
                    return (
                        leaf.path.clone(),
                        format!("`{key}` beside it takes its place"),
                    );
                }
                None => "something else takes its place",
            },
        };
        (leaf.path.clone(), reason.to_owned())
    }

    /// The key that becomes the one at this path, and whose value replaces its (docs/mapping.md 4).
    fn renamed_over(&self, path: &Path) -> Option<&'static str> {
        if self.dialect != Dialect::CLOUD {
            return None;
        }
        // In an object itself, or in one of a list.
        let (list, member) = match &*path.0 {
            [Step::Name(list), Step::Index(_), Step::Name(member), ..]
            | [Step::Name(list), Step::Name(member), ..] => (&**list, &**member),
            _ => return None,
        };
        match (list, member) {
            ("affectedObject" | "associatedObjects", "type") => Some("objectType"),
            ("changedValues", "i18nKey" | "key") => Some("name"),
            ("changedValues", "to") => Some("newValue"),
            ("changedValues", "from") => Some("oldValue"),
            _ => None,
        }
    }
}

/// A path up to where it leaves what is read.
fn mapped(path: &Path, read: &[(&[&str], Shape)]) -> Path {
    let names: Vec<&str> = path.names().collect();
    let shared = |(read, _): &(&[&str], Shape)| {
        let both = names.iter().zip(*read);
        both.take_while(|(name, read)| name == read).count()
    };
    let shared = read.iter().map(shared).max().unwrap_or(0);
    Path(path.0.iter().take(shared + 1).cloned().collect())
}

/// The path of the associated object that the affected object is left out for (docs/mapping.md 4).
pub(super) fn equal_to_affected(dialect: Dialect, record: &Record<'_>) -> Option<String> {
    let (affected, list) = (record.affected_object?, record.associated_objects?);
    if dialect != Dialect::CLOUD {
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
