//! What a report reads of an event: of this program's own, as `normalize` writes them.

use std::borrow::Cow;

use super::category;
use super::summary::{MOST_OBJECTS, Place, Who};
use super::text::shortened;
use crate::pipeline::actions::{self, Action, Categories};
use crate::pipeline::json::Value;
use crate::pipeline::timestamp::Timestamp;

/// The times of events that are counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    /// None before this one.
    pub since: Option<Timestamp>,
    /// None at this one or after it.
    pub until: Option<Timestamp>,
}

impl Window {
    /// Whether events of that time are counted.
    #[must_use]
    pub fn contains(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

/// An event, or what there is of a record that could not be mapped.
#[derive(Debug)]
pub enum Item<'a> {
    /// An event.
    Event(Facts<'a>),
    /// A `pipeline_error` event.
    Failed {
        /// Why it could not be mapped.
        message: Cow<'a, str>,
        /// The record.
        record: Cow<'a, str>,
    },
}

/// What a report reads of an event.
#[derive(Debug)]
pub struct Facts<'a> {
    /// `@timestamp`
    pub time: Timestamp,
    /// `event.action`
    pub action: Option<Cow<'a, str>>,
    /// `event.category`, or what the table of actions has for it.
    pub categories: Vec<&'static str>,
    /// Whether `event.outcome` is `failure`, in the same way.
    pub is_failure: bool,
    /// The row of the action in the table of all that are known, whatever set its event was mapped by.
    pub row: Option<&'static Action>,
    /// `confluence.audit`
    audit: Option<Value<'a>>,
    /// The raw record.
    raw: Option<&'a [u8]>,
    /// `event.original`
    original: Option<Value<'a>>,
    source: Option<Value<'a>>,
    user: Option<Value<'a>>,
    /// All of it.
    event: Value<'a>,
}

/// Whether an object has what every event of this program has.
#[must_use]
pub fn is_event(root: Value<'_>) -> bool {
    let [time, ecs, event] = root.pick(["@timestamp", "ecs", "event"]);
    time.is_some()
        && ecs.and_then(Value::object).is_some()
        && event.and_then(Value::object).is_some()
}

impl<'a> Item<'a> {
    /// Reads an event, which was made of a raw record if that is given.
    #[must_use]
    pub fn read(root: Value<'a>, raw: Option<&'a [u8]>) -> Self {
        let [time, confluence, error, event, source, user] = root.pick([
            "@timestamp",
            "confluence",
            "error",
            "event",
            "source",
            "user",
        ]);
        let event =
            event.map(|event| event.pick(["action", "category", "kind", "original", "outcome"]));
        let [action, categories, kind, original, outcome] = event.unwrap_or_default();
        let record = || {
            original
                .and_then(Value::as_str)
                .unwrap_or(Cow::Borrowed(root.raw()))
        };
        if kind.is_some_and(|kind| kind.is_str("pipeline_error")) {
            let message = error.and_then(|error| text(error, "message"));
            return Self::Failed {
                message: message.unwrap_or_default(),
                record: record(),
            };
        }
        let time = time.and_then(Value::as_str);
        let Some(time) = time.and_then(|time| Timestamp::from_text(&time)) else {
            return Self::Failed {
                message: Cow::Borrowed("the @timestamp of the event cannot be read as a time"),
                record: record(),
            };
        };
        let action = action.and_then(Value::to_text);
        let row = action.as_deref();
        let row = row.and_then(|action| actions::find(action, Categories::Extended));
        let categories = match (categories, row) {
            (Some(categories), _) => names(categories),
            (None, Some(row)) => row.category.to_vec(),
            (None, None) => Vec::new(),
        };
        let is_failure = match (outcome, row) {
            (Some(outcome), _) => outcome.is_str("failure"),
            (None, Some(row)) => row.outcome == Some("failure"),
            (None, None) => false,
        };
        Self::Event(Facts {
            time,
            row,
            raw,
            action,
            categories,
            is_failure,
            audit: confluence.and_then(|confluence| confluence.get("audit")),
            original,
            source,
            user,
            event: root,
        })
    }
}

impl Item<'_> {
    /// Whether it is of the time. When a record happened that could not be mapped, nobody knows: it always is.
    #[must_use]
    pub fn is_in(&self, window: Window) -> bool {
        match self {
            Self::Event(facts) => window.contains(facts.time),
            Self::Failed { .. } => true,
        }
    }
}

impl<'a> Facts<'a> {
    /// Whether it has an action that no table knows.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.row.is_none() && self.categories.is_empty() && self.action.is_some()
    }

    /// Whether it is a login that failed.
    #[must_use]
    pub fn is_failed_login(&self) -> bool {
        self.is_failure && self.categories.contains(&"authentication")
    }

    /// The action in the server's words.
    #[must_use]
    pub fn action_text(&self) -> Option<Cow<'a, str>> {
        text(self.audit?.get("type")?, "action").map(shortened)
    }

    /// `user`
    #[must_use]
    pub fn user(&self) -> Option<Value<'a>> {
        self.user
    }

    /// `source`
    #[must_use]
    pub fn source(&self) -> Option<Value<'a>> {
        self.source
    }

    /// The types and names of the objects that it affected.
    #[must_use]
    pub fn objects(&self) -> Vec<String> {
        let objects = self.audit.and_then(|audit| audit.get("affected_objects"));
        let objects = objects.into_iter().flat_map(Value::elements);
        let named = objects.filter_map(|object| {
            let [kind, name, id] = object.pick(["type", "name", "id"]).map(owned);
            match (kind, name.or(id)) {
                (Some(kind), Some(name)) => Some(format!("{kind}: {name}")),
                (one, other) => one.or(other),
            }
        });
        named.take(MOST_OBJECTS).collect()
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> Value<'a> {
        self.event
    }

    /// The raw record, or the event if that was not kept.
    #[must_use]
    pub fn record(&self) -> Cow<'a, str> {
        if let Some(raw) = self.raw {
            return String::from_utf8_lossy(raw);
        }
        let original = self.original.and_then(Value::as_str);
        original.unwrap_or(Cow::Borrowed(self.event.raw()))
    }
}

/// What tells a user apart from others: the id, or else a name.
#[must_use]
pub fn user_key(user: Value<'_>) -> Option<Cow<'_, str>> {
    let [id, name, full_name] = user.pick(["id", "name", "full_name"]);
    let value = id.or(name).or(full_name)?;
    value.to_text().map(shortened)
}

/// A source address.
#[must_use]
pub fn address(source: Value<'_>) -> Option<Cow<'_, str>> {
    let [ip, address] = source.pick(["ip", "address"]);
    let value = ip.or(address)?;
    let value = value.elements().next().unwrap_or(value);
    value.to_text().map(shortened)
}

/// The code or name of the country of a source address.
#[must_use]
pub fn country_key(source: Value<'_>) -> Option<Cow<'_, str>> {
    let [code, name] = source
        .get("geo")?
        .pick(["country_iso_code", "country_name"]);
    code.or(name)?.to_text().map(shortened)
}

impl Who {
    /// The names in a `user`.
    #[must_use]
    pub fn of(user: Value<'_>) -> Self {
        let [full_name, name, id] = user.pick(["full_name", "name", "id"]).map(owned);
        Self {
            full_name,
            name,
            id,
        }
    }
}

impl Place {
    /// The address of a `source`, and what is known of it.
    #[must_use]
    pub fn of(source: Value<'_>) -> Self {
        let [geo, network] = source.pick(["geo", "as"]);
        let geo = geo.map(|geo| geo.pick(["country_iso_code", "country_name", "name"]));
        let [country_code, country, name] = geo.unwrap_or_default().map(owned);
        let organization = network.and_then(|network| network.get("organization"));
        Self {
            address: address(source).map(Cow::into_owned),
            country_code,
            country,
            network: name.or_else(|| owned(organization?.get("name"))),
        }
    }
}

fn text<'a>(object: Value<'a>, name: &str) -> Option<Cow<'a, str>> {
    object.get(name).and_then(Value::to_text)
}

fn owned(value: Option<Value<'_>>) -> Option<String> {
    let text = value?.to_text()?;
    Some(shortened(text).into_owned())
}

/// The categories of a list, or a single one.
fn names(categories: Value<'_>) -> Vec<&'static str> {
    let one = categories.as_str().into_iter();
    let several = categories.elements().filter_map(Value::as_str);
    one.chain(several)
        .map(|name| category::known(&name))
        .collect()
}
