//! Names in the events of a part of the input, which are counted in the order of the input.
//!
//! Only where all parts are counted is it known which names are new, and few are. So here they are texts one behind the
//! other, and what belongs to a name is read when it is seen first.

use std::borrow::Cow;
use std::ops::Range;

use super::facts::{self, Facts};
use super::summary::{Place, Who};
use super::text::shortened;
use crate::pipeline::json::{Reader, Value};

/// Room for texts that is kept; what enormous ones needed is given back.
const KEPT: usize = 1 << 20;

/// The names in events.
#[derive(Debug, Default)]
pub struct Names {
    text: String,
    events: Vec<Ranges>,
}

/// Where in the text the names of an event are.
#[derive(Debug)]
struct Ranges {
    action: Option<Range<usize>>,
    action_text: Option<Range<usize>>,
    user: Option<Range<usize>>,
    user_json: Range<usize>,
    address: Option<Range<usize>>,
    country: Option<Range<usize>>,
    source_json: Range<usize>,
    is_unknown: bool,
    is_failed_login: bool,
}

/// The names in an event.
#[derive(Debug)]
pub struct EventNames<'a> {
    /// `event.action`
    pub action: Option<&'a str>,
    /// The action in the server's words.
    pub action_text: Option<&'a str>,
    /// What tells its user apart from others.
    pub user: Option<&'a str>,
    /// Its source address.
    pub address: Option<&'a str>,
    /// The code or name of the country of that.
    pub country: Option<&'a str>,
    /// Whether no table knows the action.
    pub is_unknown: bool,
    /// Whether it is a login that failed.
    pub is_failed_login: bool,
    user_json: &'a str,
    source_json: &'a str,
}

impl Names {
    /// Adds the names of an event.
    pub fn add(&mut self, facts: &Facts<'_>) {
        let (user, source) = (facts.user(), facts.source());
        let action = facts.action.as_deref().map(Cow::Borrowed).map(shortened);
        let event = Ranges {
            action: self.push(action),
            action_text: self.push(facts.action_text()),
            user: self.push(user.and_then(facts::user_key)),
            user_json: self.push_json(user),
            address: self.push(source.and_then(facts::address)),
            country: self.push(source.and_then(facts::country_key)),
            source_json: self.push_json(source),
            is_unknown: facts.is_unknown(),
            is_failed_login: facts.is_failed_login(),
        };
        self.events.push(event);
    }

    fn push(&mut self, name: Option<Cow<'_, str>>) -> Option<Range<usize>> {
        let start = self.text.len();
        self.text.push_str(&name?);
        Some(start..self.text.len())
    }

    fn push_json(&mut self, value: Option<Value<'_>>) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(value.map_or("{}", Value::raw));
        start..self.text.len()
    }

    /// The names of each event, in the order of the input.
    pub fn events(&self) -> impl Iterator<Item = EventNames<'_>> {
        let text = |range: &Range<usize>| &self.text[range.clone()];
        let name = move |range: &Option<Range<usize>>| range.as_ref().map(text);
        self.events.iter().map(move |event| EventNames {
            action: name(&event.action),
            action_text: name(&event.action_text),
            user: name(&event.user),
            address: name(&event.address),
            country: name(&event.country),
            is_unknown: event.is_unknown,
            is_failed_login: event.is_failed_login,
            user_json: text(&event.user_json),
            source_json: text(&event.source_json),
        })
    }

    /// Forgets them, and keeps the memory.
    pub fn clear(&mut self) {
        self.events.clear();
        self.text.clear();
        self.text.shrink_to(KEPT);
    }
}

impl EventNames<'_> {
    /// All names of its user.
    #[must_use]
    pub fn who(&self) -> Who {
        read(self.user_json, Who::of)
    }

    /// Its source address, and what is known of it.
    #[must_use]
    pub fn place(&self) -> Place {
        read(self.source_json, Place::of)
    }
}

fn read<T: Default>(json: &str, make: fn(Value<'_>) -> T) -> T {
    let mut reader = Reader::default();
    // It was read before, as a part of its event.
    let document = reader.read(json);
    document
        .map(|document| make(document.root()))
        .unwrap_or_default()
}
