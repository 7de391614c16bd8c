//! What a report reads of an event: of this program's own, as `normalize` writes them.

use std::borrow::Cow;

use super::category;
use super::meaning::{Login, Meaning};
use super::summary::{Place, Who};
use super::text::shortened;
use crate::pipeline::actions::{self, Action, Categories};
use crate::pipeline::dataset::Dataset;
use crate::pipeline::event::{Event, Scalar};
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
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are events, and there is one at a time"
)]
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
    /// The action in the server's words: `confluence.audit.type.action`.
    pub action_text: Option<Cow<'a, str>>,
    /// The categories that the table of actions has for it, else its `event.category`.
    pub categories: Cow<'static, [&'static str]>,
    /// What came of it as of a login, by the same table, else by its `event.outcome`.
    pub outcome: Option<Login>,
    /// Whether it is an export or a download.
    pub is_export: bool,
    /// The row of the action of Confluence in the table of all that are known, whatever set its event was mapped by.
    pub row: Option<&'static Action>,
    /// The names of its user.
    pub user: UserNames<'a>,
    /// Its source address, and what is known of it.
    pub place: Cow<'a, Place>,
    written: Option<Written<'a>>,
}

/// `user.full_name`, `user.name` and `user.id`, as far as they are known.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names of the fields of ECS")]
pub struct UserNames<'a> {
    pub full_name: Option<Cow<'a, str>>,
    pub name: Option<Cow<'a, str>>,
    pub id: Option<Cow<'a, str>>,
}

/// An event that was written.
#[derive(Debug)]
struct Written<'a> {
    event: Value<'a>,
    /// The raw record.
    raw: Option<&'a [u8]>,
    /// `event.original`
    original: Option<Value<'a>>,
}

impl<'a> Item<'a> {
    /// Reads an event, which was made of a raw record if that is given.
    #[must_use]
    pub fn read(root: Value<'a>, raw: Option<&'a [u8]>) -> Self {
        let [time, cloud, confluence, error, event, source, user] = root.pick([
            "@timestamp",
            "atlassian_cloud",
            "confluence",
            "error",
            "event",
            "source",
            "user",
        ]);
        let members = [
            "action", "category", "dataset", "kind", "original", "outcome",
        ];
        let event = event.map(|event| event.pick(members));
        let [action, categories, dataset, kind, original, outcome] = event.unwrap_or_default();
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
        let (row, meaning) = known(dataset, action.as_deref());
        let (categories, outcome) = if let Some(meaning) = meaning {
            (Cow::Borrowed(meaning.categories), meaning.outcome)
        } else {
            let outcome = outcome.and_then(Value::as_str);
            let outcome = outcome.and_then(|text| Login::of(&text));
            (
                Cow::Owned(categories.map(names).unwrap_or_default()),
                outcome,
            )
        };
        let audit = confluence.and_then(|confluence| confluence.get("audit"));
        let kind = audit.and_then(|audit| audit.get("type"));
        Self::Event(Facts {
            time,
            row,
            action,
            action_text: kind.and_then(|kind| text(kind, "action")).map(shortened),
            categories,
            outcome,
            is_export: meaning.is_some_and(|meaning| meaning.is_export),
            user: user.or(app(cloud)).map(UserNames::of).unwrap_or_default(),
            place: Cow::Owned(source.map(Place::of).unwrap_or_default()),
            written: Some(Written {
                event: root,
                raw,
                original,
            }),
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
    /// Those of an event that was mapped and not written, with its place.
    #[must_use]
    pub(super) fn of(event: &'a Event<'a>, place: Cow<'a, Place>) -> Self {
        let action = event.action.as_ref().and_then(Scalar::text);
        let action = action.filter(|action| !action.is_empty());
        let row = action.as_deref();
        let row = row.and_then(|action| actions::find(action, Categories::Extended));
        let meaning = row.map(Meaning::of);
        let action_text = event.audit.kind.action().and_then(Value::to_text);
        Self {
            time: event.timestamp,
            row,
            action,
            action_text: action_text.map(shortened),
            categories: Cow::Borrowed(meaning.map_or(&[], |meaning| meaning.categories)),
            outcome: meaning.and_then(|meaning| meaning.outcome),
            is_export: meaning.is_some_and(|meaning| meaning.is_export),
            user: UserNames {
                full_name: name(event.user.full_name.as_ref()),
                name: name(event.user.name.as_ref()),
                id: name(event.user.id.as_ref()),
            },
            place,
            written: None,
        }
    }

    /// Whether it has an action that no table knows.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.row.is_none() && self.categories.is_empty() && self.action.is_some()
    }

    /// What came of it, if it is a login.
    #[must_use]
    pub fn login(&self) -> Option<Login> {
        let outcome = self.outcome?;
        let is_login = self.categories.contains(&"authentication");
        // In the table of organizations, a logout succeeds too.
        let is_logout = || {
            self.action
                .as_deref()
                .is_some_and(|action| action.contains("logout"))
        };
        (is_login && (outcome == Login::Failed || !is_logout())).then_some(outcome)
    }

    /// The sentence that an event of an organization is described with.
    #[must_use]
    pub fn message(&self) -> Option<Cow<'a, str>> {
        text(self.event()?, "message").map(shortened)
    }

    /// The event, where it was written.
    #[must_use]
    pub fn event(&self) -> Option<Value<'a>> {
        self.written.as_ref().map(|written| written.event)
    }

    /// The raw record, or the event if that was not kept; nothing where neither was.
    #[must_use]
    pub fn record(&self) -> Cow<'a, str> {
        let Some(written) = &self.written else {
            return Cow::Borrowed("");
        };
        if let Some(raw) = written.raw {
            return String::from_utf8_lossy(raw);
        }
        let original = written.original.and_then(Value::as_str);
        original.unwrap_or(Cow::Borrowed(written.event.raw()))
    }
}

impl<'a> UserNames<'a> {
    /// Those of a user, or else of the app that acted.
    fn of(actor: Value<'a>) -> Self {
        let [full_name, name, email, id] = actor.pick(["full_name", "name", "email", "id"]);
        let names = [full_name, name.or(email), id];
        let [full_name, name, id] = names.map(|name| name?.to_text().map(shortened));
        Self {
            full_name,
            name,
            id,
        }
    }

    /// The names, to keep.
    #[must_use]
    pub fn to_who(&self) -> Who {
        let owned = |name: &Option<Cow<'_, str>>| name.as_deref().map(str::to_owned);
        Who {
            full_name: owned(&self.full_name),
            name: owned(&self.name),
            id: owned(&self.id),
        }
    }
}

fn name<'a>(scalar: Option<&'a Scalar<'a>>) -> Option<Cow<'a, str>> {
    let name = scalar?.text().filter(|name| !name.is_empty())?;
    Some(shortened(name))
}

/// A source address.
fn address(source: Value<'_>) -> Option<String> {
    let [ip, address] = source.pick(["ip", "address"]);
    let value = ip.or(address)?;
    owned(Some(value.elements().next().unwrap_or(value)))
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
            address: address(source),
            country_code,
            country,
            network: name.or_else(|| owned(organization?.get("name"))),
        }
    }
}

/// The row of an action of Confluence, and what an action of any data set means.
fn known(
    dataset: Option<Value<'_>>,
    action: Option<&str>,
) -> (Option<&'static Action>, Option<Meaning>) {
    let dataset = dataset.and_then(Value::as_str);
    let dataset = dataset.and_then(|name| Dataset::named(&name));
    match dataset.unwrap_or_default() {
        Dataset::Confluence => {
            let row = action.and_then(|action| actions::find(action, Categories::Extended));
            (row, row.map(Meaning::of))
        }
        Dataset::Organization => (None, action.and_then(Meaning::of_organization)),
    }
}

/// The app that acted, where it was no user.
fn app(cloud: Option<Value<'_>>) -> Option<Value<'_>> {
    cloud?.get("audit")?.get("actor")?.get("app")
}

fn text<'a>(object: Value<'a>, name: &str) -> Option<Cow<'a, str>> {
    object.get(name).and_then(Value::to_text)
}

/// A text to keep.
pub(super) fn owned(value: Option<Value<'_>>) -> Option<String> {
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
