//! Which events are notable: worth a line of their own in a summary of a day (docs/events.md, "Notable").
//!
//! A [`Detector`] takes events as this program writes them, each once, in any order, and says of each whether it is
//! notable and why. Once all were taken, it confirms what it said: an addition of a permission is not notable if the
//! same permission was removed just before, which it may have been told later.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};
use twox_hash::XxHash3_128;

use crate::pipeline::actions::{Categories, Condition, Notability, find};
use crate::pipeline::timestamp::Timestamp;

/// Names of administrators' groups: a pattern that is found anywhere in the name.
#[derive(Debug, Clone)]
pub struct AdminGroups(Regex);

impl AdminGroups {
    /// The default pattern: `confluence-administrators`, `site-admins` and the like.
    pub const DEFAULT: &str = "(?i)admin";
}

impl Default for AdminGroups {
    fn default() -> Self {
        Self::DEFAULT
            .parse()
            .unwrap_or_else(|error| unreachable!("{}: {error}", Self::DEFAULT))
    }
}

impl FromStr for AdminGroups {
    type Err = String;

    /// From a regular expression; the error is a line.
    fn from_str(pattern: &str) -> Result<Self, String> {
        Regex::new(pattern).map(Self).map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            let problem = last.strip_prefix("error: ").unwrap_or(last);
            format!(
                "expected a regular expression such as {}: {problem}",
                Self::DEFAULT
            )
        })
    }
}

/// That an event is notable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notable {
    /// Why, for people.
    pub reason: &'static str,
    /// The permission that it adds, which it may have had a moment before.
    added: Option<(Grant, Timestamp)>,
}

/// A hash of who has what permission in which space.
type Grant = u128;

const SPACE_PERMISSION_REMOVED: &str = "audit.logging.summary.space.permission.removed";

/// What a save of a space's permissions may write within: a removal and an addition of each, unchanged ones too.
const ONE_SAVE: Duration = Duration::from_secs(1);

/// Tells notable events from others. It remembers the removals of permissions whose addition would be notable, and
/// nothing else.
#[derive(Debug)]
pub struct Detector {
    admin_groups: AdminGroups,
    removals: BTreeSet<(Grant, Timestamp)>,
}

impl Detector {
    /// One that has seen no event yet.
    #[must_use]
    pub fn new(admin_groups: AdminGroups) -> Self {
        Self {
            admin_groups,
            removals: BTreeSet::new(),
        }
    }

    /// Whether an event that this program wrote is notable, as far as can be told from it. Its categories do not
    /// matter, only its `event.action`.
    pub fn take(&mut self, event: &Value) -> Option<Notable> {
        let action = find(event["event"]["action"].as_str()?, Categories::Extended)?;
        let (reason, added) = match (action.notable, action.condition) {
            (Notability::Yes, _) => (action.reason, None),
            (Notability::If, Some(Condition::SpacePermission)) => {
                (wide_permission(event, "to")?, grant(event, "to"))
            }
            (Notability::If, Some(Condition::AdminGroup)) => {
                if !groups(event).any(|name| self.admin_groups.0.is_match(name)) {
                    return None;
                }
                ("added to an administrators' group", None)
            }
            (Notability::If, None) | (Notability::No, _) => {
                if action.key == Some(SPACE_PERMISSION_REMOVED)
                    && wide_permission(event, "from").is_some()
                {
                    self.removals.extend(grant(event, "from"));
                }
                return None;
            }
        };
        Some(Notable { reason, added })
    }

    /// Whether it is still notable by all the events that were seen: not if the permission was removed from the same
    /// subject in the same space in the second before. Ask once all events of that second were taken: at once where
    /// they come in the order of time, else at the end.
    #[must_use]
    pub fn confirms(&self, notable: &Notable) -> bool {
        notable.added.is_none_or(|(grant, time)| {
            let save = (grant, time.minus(ONE_SAVE))..=(grant, time);
            self.removals.range(save).next().is_none()
        })
    }
}

/// Why the permission of an event matters, by the new or the old values of what changed; none if it does not.
fn wide_permission(event: &Value, values: &str) -> Option<&'static str> {
    if elements(event, "changed_values").any(|value| value[values] == "SETSPACEPERMISSIONS") {
        return Some("right to administer a space granted");
    }
    // Its name is translated, but nobody else has no id. Objects of Cloud never have one.
    let is_anonymous = |object: &Value| object["type"] == "User" && object.get("id").is_none();
    let is_self_hosted = event
        .pointer("/confluence/audit/type/actionI18nKey")
        .is_some();
    let is_anonymous = is_self_hosted && elements(event, "affected_objects").any(is_anonymous);
    is_anonymous.then_some("space permission granted to Anonymous")
}

/// The permission of an event, by the new or the old values of what changed, and its time.
fn grant(event: &Value, values: &str) -> Option<(Grant, Timestamp)> {
    let time = Timestamp::from_text(event["@timestamp"].as_str()?)?;
    let objects = elements(event, "affected_objects");
    let objects = objects.map(|object| json!([object["type"], object["id"], object["name"]]));
    let changed = elements(event, "changed_values");
    let changed = changed.map(|value| json!([value["i18nKey"], value[values]]));
    // An addition and a removal need not name them in the same order.
    let mut parts: Vec<_> = objects
        .chain(changed)
        .map(|part| part.to_string())
        .collect();
    parts.sort_unstable();
    Some((XxHash3_128::oneshot(parts.join("\n").as_bytes()), time))
}

/// Names of the groups that somebody was added to.
fn groups(event: &Value) -> impl Iterator<Item = &str> {
    let target = event
        .pointer("/user/target/group/name")
        .and_then(Value::as_str);
    // Without a category of users and groups, the mapping sets no target.
    let objects = elements(event, "affected_objects").filter(|object| object["type"] == "Group");
    let objects = objects.filter_map(|object| object["name"].as_str());
    let objects = objects.filter(move |_| target.is_none());
    target.into_iter().chain(objects)
}

/// The elements of a list of `confluence.audit`, or the single object in its place.
fn elements<'e>(event: &'e Value, list: &str) -> impl Iterator<Item = &'e Value> {
    let value = &event["confluence"]["audit"][list];
    let single = value.is_object().then_some(value);
    value.as_array().into_iter().flatten().chain(single)
}
