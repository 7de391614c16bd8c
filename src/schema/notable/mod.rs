//! Which events are notable: worth a line of their own in a summary of a day (docs/events.md, "Notable", and docs/org-events.md 4).
//!
//! [`examine`] says of an event, as this program writes them, whether it is notable by itself and why. A [`Detector`] takes
//! what was found, of each event once, in any order that keeps the events of one save near each other. Once all were taken, it confirms what is notable: an addition of a
//! permission is not if the same permission was removed just before, which it may have been told later.

mod organization;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use regex::Regex;
use twox_hash::XxHash3_128;

use crate::pipeline::actions::{Action, Categories, Condition, Notability, find};
use crate::pipeline::dataset::Dataset;
use crate::pipeline::json::{Value, canonical};
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

const GLOBAL_PERMISSION_ADDED: &str = "audit.logging.summary.global.permission.added";
const SPACE_PERMISSION_REMOVED: &str = "audit.logging.summary.space.permission.removed";

/// What Cloud calls whoever is not logged in.
const ANONYMOUS: &str = "Anonymous";

/// What a save of a space's permissions may write within: a removal and an addition of each, unchanged ones too.
const ONE_SAVE: Duration = Duration::from_secs(1);

/// What was found in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is notable, as far as can be told from it.
    Notable(Notable),
    /// It removes a permission whose addition would be notable.
    Removal(Grant, Timestamp),
}

/// Whether events of an action may be notable, or tell that others are not: no other event needs to be examined.
#[must_use]
pub fn looks_at(action: &Action) -> bool {
    action.notable != Notability::No || action.key == Some(SPACE_PERMISSION_REMOVED)
}

/// What there is to be found in an event that this program wrote. Its categories do not matter, only its `event.action`.
#[must_use]
pub fn examine(event: Value<'_>, admin_groups: &AdminGroups) -> Option<Finding> {
    let [action, dataset] = event.get("event")?.pick(["action", "dataset"]);
    let action = action?.as_str()?;
    let dataset = dataset.and_then(Value::as_str);
    let dataset = dataset.and_then(|name| Dataset::named(&name));
    match dataset.unwrap_or_default() {
        Dataset::Confluence => examine_confluence(event, &action, admin_groups),
        Dataset::Organization => {
            let reason = organization::reason(&action)?;
            let added = None;
            Some(Finding::Notable(Notable { reason, added }))
        }
    }
}

fn examine_confluence(
    event: Value<'_>,
    action: &str,
    admin_groups: &AdminGroups,
) -> Option<Finding> {
    let action = find(action, Categories::Extended)?;
    let (reason, added) = match (action.notable, action.condition) {
        (Notability::Yes, _)
            if action.key == Some(GLOBAL_PERMISSION_ADDED) && is_to_anonymous(event) =>
        {
            ("global permission granted to Anonymous", None)
        }
        (Notability::Yes, _) => (action.reason, None),
        (Notability::If, Some(Condition::SpacePermission)) => {
            (wide_permission(event, "to")?, grant(event, "to"))
        }
        (Notability::If, Some(Condition::AdminGroup)) => {
            if !groups(event).any(|name| admin_groups.0.is_match(&name)) {
                return None;
            }
            ("added to an administrators' group", None)
        }
        (Notability::If, None) | (Notability::No, _) => {
            if action.key != Some(SPACE_PERMISSION_REMOVED) {
                return None;
            }
            wide_permission(event, "from")?;
            let (grant, time) = grant(event, "from")?;
            return Some(Finding::Removal(grant, time));
        }
    };
    Some(Finding::Notable(Notable { reason, added }))
}

/// Tells notable events from others. It remembers the last removals of permissions whose addition would be notable, and
/// nothing else.
#[derive(Debug, Default)]
pub struct Detector {
    removals: Removals,
    /// Those before them.
    older: Removals,
}

type Removals = BTreeSet<(Grant, Timestamp)>;

/// So many removals are remembered at least, once there are so many, and twice as many at most.
const REMEMBERED: usize = 50_000;

impl Detector {
    /// Takes what was found in an event, and returns why it is notable, if it is.
    pub fn take(&mut self, finding: Finding) -> Option<Notable> {
        match finding {
            Finding::Notable(notable) => Some(notable),
            Finding::Removal(grant, time) => {
                if self.will_forget(&finding) {
                    self.older = std::mem::take(&mut self.removals);
                }
                self.removals.insert((grant, time));
                None
            }
        }
    }

    /// Whether taking that makes it forget the oldest removals: what it may know of them has to be asked before.
    #[must_use]
    pub fn will_forget(&self, finding: &Finding) -> bool {
        matches!(finding, Finding::Removal(..)) && self.removals.len() >= REMEMBERED
    }

    /// Whether it is still notable by all the events that were seen: not if the permission was removed from the same
    /// subject in the same space in the second before. Ask once all events of that second were taken: at once where
    /// they come in the order of time, else at the end, or before [`Detector::will_forget`] comes true.
    #[must_use]
    pub fn confirms(&self, notable: &Notable) -> bool {
        notable.added.is_none_or(|(grant, time)| {
            let save = (grant, time.minus(ONE_SAVE))..=(grant, time);
            let mut removals = [&self.removals, &self.older].into_iter();
            removals.all(|removals| removals.range(save.clone()).next().is_none())
        })
    }
}

/// Why the permission of an event matters, by the new or the old values of what changed; none if it does not.
fn wide_permission(event: Value<'_>, values: &str) -> Option<&'static str> {
    let is_right = |value: Value<'_>| value.is_str("SETSPACEPERMISSIONS");
    if elements(event, "changed_values").any(|value| value.get(values).is_some_and(is_right)) {
        return Some("right to administer a space granted");
    }
    is_to_anonymous(event).then_some("space permission granted to Anonymous")
}

/// Whether a permission of an event is one of everybody who is not logged in.
fn is_to_anonymous(event: Value<'_>) -> bool {
    let kind = audit(event).and_then(|audit| audit.get("type"));
    let is_self_hosted = kind.is_some_and(|kind| kind.get("actionI18nKey").is_some());
    let is_anonymous = |object: Value<'_>| {
        has_type(object, "User")
            && if is_self_hosted {
                // Its name is translated, but nobody else has no id.
                object.get("id").is_none()
            } else {
                // Objects of Cloud never have an id, and its texts are English.
                object
                    .get("name")
                    .is_some_and(|name| name.is_str(ANONYMOUS))
            }
    };
    elements(event, "affected_objects").any(is_anonymous)
}

/// The permission of an event, by the new or the old values of what changed, and its time.
fn grant(event: Value<'_>, values: &str) -> Option<(Grant, Timestamp)> {
    let time = Timestamp::from_text(&event.get("@timestamp")?.as_str()?)?;
    let objects = elements(event, "affected_objects");
    let objects = objects.map(|object| part(object.pick(["type", "id", "name"])));
    let changed = elements(event, "changed_values");
    let changed = changed.map(|value| part(value.pick(["i18nKey", values])));
    // An addition and a removal need not name them in the same order.
    let mut parts: Vec<_> = objects.chain(changed).collect();
    parts.sort_unstable();
    Some((XxHash3_128::oneshot(&parts.join(&b'\n')), time))
}

/// Values as a text that is the same for equal ones.
fn part<const N: usize>(values: [Option<Value<'_>>; N]) -> Vec<u8> {
    let texts = values.map(|value| value.map(canonical).unwrap_or_default());
    texts.join(&b',')
}

/// Names of the groups that somebody was added to.
fn groups<'a>(event: Value<'a>) -> impl Iterator<Item = Cow<'a, str>> {
    let member = |value: Option<Value<'a>>, name| value.and_then(|value| value.get(name));
    let target = member(event.get("user"), "target");
    let target = member(member(target, "group"), "name").and_then(Value::as_str);
    // Without a category of users and groups, the mapping sets no target.
    let has_target = target.is_some();
    let objects = elements(event, "affected_objects")
        .filter(move |object| !has_target && has_type(*object, "Group"));
    let names = objects.filter_map(|object| object.get("name")?.as_str());
    target.into_iter().chain(names)
}

fn has_type(object: Value<'_>, name: &str) -> bool {
    object.get("type").is_some_and(|kind| kind.is_str(name))
}

fn audit(event: Value<'_>) -> Option<Value<'_>> {
    event.get("confluence")?.get("audit")
}

/// The elements of a list of `confluence.audit`, or the single object in its place.
fn elements<'a>(event: Value<'a>, list: &str) -> impl Iterator<Item = Value<'a>> {
    let value = audit(event).and_then(|audit| audit.get(list));
    let single = value.and_then(Value::object);
    value.into_iter().flat_map(Value::elements).chain(single)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_removals_takes_little_memory_and_the_last_ones_are_known() {
        let mut detector = Detector::default();
        let time = |number: u32| Timestamp::from_millis(i64::from(number) * 10).unwrap();
        let added = |number: u32| Notable {
            reason: "granted",
            added: Some((number.into(), time(number))),
        };
        let last = 4 * 50_000;
        for number in 0..=last {
            detector.take(Finding::Removal(number.into(), time(number)));
            assert!(detector.removals.len() + detector.older.len() <= 2 * REMEMBERED);
        }
        assert!(!detector.confirms(&added(last)));
        assert!(!detector.confirms(&added(last - 50_000)));
        assert!(detector.confirms(&added(0)));
    }
}
