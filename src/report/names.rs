//! Names in the events of a part of the input, which are counted in the order of the input.
//!
//! Only where all parts are counted is it known which names are new, and few are. So here they are texts one behind the
//! other, in the same memory for each part, and are kept where they are counted, when they are seen first.

use std::borrow::Cow;
use std::ops::Range;

use super::facts::Facts;
use super::meaning::Login;
use super::summary::{Place, Who};
use super::text::shortened;
use crate::pipeline::timestamp::Timestamp;

/// Room for texts that is kept; what enormous ones needed is given back.
const KEPT: usize = 1 << 20;

/// The names in events.
#[derive(Debug, Default)]
pub struct Names {
    text: String,
    events: Vec<EventNames<Range<usize>>>,
}

/// The names in an event, each a text or where it is.
#[derive(Debug)]
pub struct EventNames<T> {
    /// `event.action`
    pub action: Option<T>,
    /// The action in the server's words.
    pub action_text: Option<T>,
    full_name: Option<T>,
    name: Option<T>,
    id: Option<T>,
    /// Its source address.
    pub address: Option<T>,
    country_code: Option<T>,
    country: Option<T>,
    network: Option<T>,
    /// Whether no table knows the action.
    pub is_unknown: bool,
    /// Whether it is an export or a download.
    pub is_export: bool,
    /// What came of it, if it is a login.
    pub login: Option<Login>,
    /// `@timestamp`
    pub time: Timestamp,
}

impl Names {
    /// Adds the names of an event.
    pub fn add(&mut self, facts: &Facts<'_>) {
        let action = facts.action.as_deref().map(Cow::Borrowed).map(shortened);
        let (user, place) = (&facts.user, &facts.place);
        let event = EventNames {
            action: self.push(action.as_deref()),
            action_text: self.push(facts.action_text.as_deref()),
            full_name: self.push(user.full_name.as_deref()),
            name: self.push(user.name.as_deref()),
            id: self.push(user.id.as_deref()),
            address: self.push(place.address.as_deref()),
            country_code: self.push(place.country_code.as_deref()),
            country: self.push(place.country.as_deref()),
            network: self.push(place.network.as_deref()),
            is_unknown: facts.is_unknown(),
            is_export: facts.is_export,
            login: facts.login(),
            time: facts.time,
        };
        self.events.push(event);
    }

    fn push(&mut self, name: Option<&str>) -> Option<Range<usize>> {
        let start = self.text.len();
        self.text.push_str(name?);
        Some(start..self.text.len())
    }

    /// The names of each event, in the order of the input.
    pub fn events(&self) -> impl Iterator<Item = EventNames<&str>> {
        let text = |range: &Option<Range<usize>>| Some(&self.text[range.clone()?]);
        self.events.iter().map(move |event| EventNames {
            action: text(&event.action),
            action_text: text(&event.action_text),
            full_name: text(&event.full_name),
            name: text(&event.name),
            id: text(&event.id),
            address: text(&event.address),
            country_code: text(&event.country_code),
            country: text(&event.country),
            network: text(&event.network),
            is_unknown: event.is_unknown,
            is_export: event.is_export,
            login: event.login,
            time: event.time,
        })
    }

    /// Forgets them, and keeps the memory.
    pub fn clear(&mut self) {
        self.events.clear();
        self.text.clear();
        self.text.shrink_to(KEPT);
    }
}

impl EventNames<&str> {
    /// What tells its user apart from others: the id, or else a name.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.id.or(self.name).or(self.full_name)
    }

    /// All names of its user, to keep.
    #[must_use]
    pub fn who(&self) -> Who {
        Who {
            full_name: self.full_name.map(str::to_owned),
            name: self.name.map(str::to_owned),
            id: self.id.map(str::to_owned),
        }
    }

    /// What tells the country of its source address apart from others: the name, which every event with a country has, or
    /// else the code.
    #[must_use]
    pub fn country(&self) -> Option<&str> {
        self.country.or(self.country_code)
    }

    /// Its source address and what is known of it, to keep.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            address: self.address.map(str::to_owned),
            country_code: self.country_code.map(str::to_owned),
            country: self.country.map(str::to_owned),
            network: self.network.map(str::to_owned),
        }
    }
}
