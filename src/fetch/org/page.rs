//! A page of events, and what it says of the next one.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::products::Products;
use crate::fetch::page::{ranges, text_of, unexpected};
use crate::fetch::record::Fingerprint;
use crate::pipeline::json::{Reader, Value, canonical};
use crate::pipeline::timestamp::Timestamp;

/// A page of events of an organization.
#[derive(Debug)]
pub struct OrgPage {
    /// Body of the response, as text.
    pub text: String,
    /// The events in it, in the order in which they were processed.
    pub events: Vec<OrgEvent>,
    /// The cursor of the page behind it.
    pub next: Option<String>,
}

/// An event of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgEvent {
    /// Where in the page's text it stands.
    pub range: Range<usize>,
    /// Its id; a record without one is known by the hash of its JSON.
    pub id: Vec<u8>,
    /// When it was processed, else when it happened.
    pub processed: Option<Timestamp>,
    /// When it happened.
    pub time: Option<Timestamp>,
    /// Whether it is about a product that is wanted.
    pub is_wanted: bool,
}

impl OrgEvent {
    /// By what it is known again.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.id)
    }

    /// Whether it is behind the end of a range: whichever of its times the API compares with it.
    #[must_use]
    pub fn is_past(&self, end: Timestamp) -> bool {
        let times = self.time.into_iter().chain(self.processed);
        times.min().is_some_and(|first| first > end)
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    #[serde(default)]
    meta: serde_json::Value,
    #[serde(default)]
    links: serde_json::Value,
}

impl OrgPage {
    /// By what the page is known again: its events, whatever their order and its cursor.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut ids = self.ids();
        ids.sort_unstable();
        let bytes: Vec<_> = ids.into_iter().map(Fingerprint::bytes).collect();
        Fingerprint::of(&bytes.concat())
    }

    /// Its events, in their order.
    #[must_use]
    pub fn ids(&self) -> Vec<Fingerprint> {
        self.events.iter().map(OrgEvent::fingerprint).collect()
    }

    /// Reads the answer of the API.
    ///
    /// # Errors
    /// What is wrong with it: it is not what the API answers.
    pub fn read(body: Vec<u8>, products: &Products) -> Result<Self, String> {
        let text = text_of(body);
        let read: Body<'_> =
            serde_json::from_str(&text).map_err(|error| unexpected(&text, &error))?;
        let next = cursor(&read.meta["next"]).or_else(|| linked(&read.links["next"]));
        let mut reader = Reader::default();
        let ranges = ranges(&text, &read.data).into_iter();
        let events = ranges.map(|range| event(&mut reader, &text, range, products));
        Ok(Self {
            events: events.collect(),
            next,
            text,
        })
    }

    /// When the last of its events was processed.
    #[must_use]
    pub fn latest(&self) -> Option<Timestamp> {
        self.events.iter().filter_map(|event| event.processed).max()
    }
}

fn cursor(next: &serde_json::Value) -> Option<String> {
    let next = next.as_str().filter(|next| !next.is_empty());
    next.map(str::to_owned)
}

/// Of a link only the cursor counts: where it leads to is not ours to follow.
fn linked(next: &serde_json::Value) -> Option<String> {
    let link = next.as_str().or_else(|| next["href"].as_str())?;
    let (_, query) = link.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let found = pairs.find(|(key, value)| key == "cursor" && !value.is_empty());
    found.map(|(_, value)| value.into_owned())
}

fn event(reader: &mut Reader, page: &str, range: Range<usize>, products: &Products) -> OrgEvent {
    let text = &page[range.clone()];
    let Ok(document) = reader.read(text) else {
        return OrgEvent {
            id: Fingerprint::of(text.as_bytes()).bytes().to_vec(),
            range,
            processed: None,
            time: None,
            is_wanted: true,
        };
    };
    let root = document.root();
    let member = |name| root.object().and_then(|root| root.get(name));
    let id = member("id").and_then(Value::to_text);
    let id = id.filter(|id| !id.is_empty());
    let attributes = member("attributes").and_then(Value::object);
    let time = |name| {
        let text = attributes?.get(name)?.as_str()?;
        Timestamp::from_text(&text)
    };
    OrgEvent {
        id: match id {
            Some(id) => id.as_bytes().to_vec(),
            None => Fingerprint::of(&canonical(root)).bytes().to_vec(),
        },
        processed: time("processedAt").or_else(|| time("time")),
        time: time("time"),
        is_wanted: root.object().is_none_or(|root| products.want(root)),
        range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OrgPage, String> {
        OrgPage::read(text.as_bytes().to_vec(), &Products::default())
    }

    #[test]
    fn the_next_cursor_is_of_meta_else_of_the_link() {
        for (rest, expected) in [
            (
                r#","meta":{"next":"a"},"links":{"next":"/x?cursor=b"}"#,
                Some("a"),
            ),
            (
                r#","meta":{"next":null},"links":{"next":"https://evil.example/x?limit=2&cursor=b%3D"}"#,
                Some("b="),
            ),
            (
                r#","meta":{"next":""},"links":{"next":{"href":"/x?cursor=b#c"}}"#,
                Some("b"),
            ),
            (r#","links":{"next":"/x?cursor=b"}"#, Some("b")),
            (r#","meta":{"next":7},"links":null"#, None),
            (r#","meta":null,"links":{"next":"/x?cursor="}"#, None),
            ("", None),
        ] {
            let page = read(&format!(r#"{{"data":[{{}}]{rest}}}"#)).unwrap();
            assert_eq!(page.next.as_deref(), expected, "{rest}");
        }
    }

    #[test]
    fn an_event_counts_when_it_was_processed_and_is_known_by_its_id() {
        let page = read(
            r#"{"data":[
                {"id":"e1","attributes":{"time":"2026-01-05T00:00:00Z","processedAt":"2026-01-05T01:00:00Z"}},
                {"id":7,"attributes":{"time":"2026-01-05T00:00:00Z"}},
                {"a":1,"b":2}, {"b":2, "a":1}, null]}"#,
        )
        .unwrap();
        let at = |hour| Timestamp::from_text(&format!("2026-01-05T0{hour}:00:00Z"));
        let events = &page.events;
        assert_eq!((events[0].processed, events[0].time), (at(1), at(0)));
        assert_eq!(events[0].id, b"e1");
        assert_eq!(
            (events[1].processed, events[1].id.as_slice()),
            (at(0), &b"7"[..])
        );
        assert_eq!((events[2].processed, &events[2].id), (None, &events[3].id));
        assert_eq!(&page.text[events[4].range.clone()], "null");
        assert_eq!(page.latest(), at(1));
    }

    #[test]
    fn what_has_no_list_of_events_is_no_page() {
        for text in [
            "",
            "{}",
            r#"{"data":{}}"#,
            r#"{"data":null}"#,
            "<html>",
            "[]",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
