//! Events of an organization, through the binary (docs/organization.md).

mod cursors;
mod events;
mod kills;
mod limits;
mod refusals;
mod service;
mod windows;

use crate::support::atlassian::{Event, organization_event};
use crate::support::fetching::{Fetching, START};

/// A second, in milliseconds.
const SECOND: i64 = 1000;

/// Events, numbered from `first` on, each processed a second after the one before.
fn events(first: u64, count: u64) -> impl Iterator<Item = Event> {
    let numbers = first..first + count;
    numbers.map(|number| organization_event(START + number.cast_signed() * SECOND, number))
}

/// An organization with so many events.
fn organization(count: u64) -> Fetching {
    let fetching = Fetching::organization();
    fetching.server.insert_events(events(0, count));
    fetching
}

/// The names of the parameters of each request from that one on.
fn asked(fetching: &Fetching, from: usize) -> Vec<String> {
    let requests = fetching.server.searches().into_iter().skip(from);
    let names = requests.map(|request| {
        let names: Vec<_> = request.query.into_iter().map(|(name, _)| name).collect();
        names.join(" ")
    });
    names.collect()
}

/// The value of a parameter of a request.
fn parameter(fetching: &Fetching, request: usize, name: &str) -> Option<String> {
    let query = fetching.server.searches()[request].query.clone();
    let found = query.into_iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value)
}

const BY_TIME: &str = "from sortOrder limit";
const BY_CURSOR: &str = "cursor limit";
