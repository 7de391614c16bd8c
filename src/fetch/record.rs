//! Records of a page: where they stand, when they happened, and by what they are known again.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::pipeline::dialect::{Dialect, Record};
use crate::pipeline::json::{Kind, Reader, Value, canonical};
use crate::pipeline::timestamp::{TimeMode, Timestamp};

/// By what a record is known again, since the APIs give it no id: the first half of the SHA-256 of
/// its JSON, whatever the order of its members and its white space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of a text.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let digest = Sha256::digest(text);
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Self(half)
    }

    /// The fingerprint with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes of the fingerprint.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = u128::from_str_radix(&text, 16);
        let number = number.ok().filter(|_| text.len() == 32);
        let number = number.ok_or_else(|| serde::de::Error::custom("no fingerprint"))?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// A record of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where in the page's text it stands.
    pub range: Range<usize>,
    /// When it happened; none if it does not say.
    pub time: Option<Timestamp>,
    /// By what it is known again.
    pub fingerprint: Fingerprint,
    /// Whether it tells of a search of the audit log, which [`searcher`] did.
    pub is_search: bool,
}

/// Who searched the audit log, under each name that the record gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searcher {
    /// `author.id`, `author.name`, and the user name in `author.uri`.
    pub names: Vec<String>,
}

/// The action of a record of a search of the audit log.
const SEARCH: &str = "atlassian.audit.event.action.audit.search";

/// Looks at a record.
#[must_use]
pub fn read(reader: &mut Reader, page: &str, range: Range<usize>) -> Entry {
    let text = &page[range.clone()];
    let nothing = Entry {
        range,
        time: None,
        fingerprint: Fingerprint::of(text.as_bytes()),
        is_search: false,
    };
    let Ok(document) = reader.read(text) else {
        return nothing;
    };
    let root = document.root();
    let fingerprint = Fingerprint::of(&canonical(root));
    if root.kind() != Kind::Object {
        return Entry {
            fingerprint,
            ..nothing
        };
    }
    let record = Record::read(root);
    let dialect = if record.creation_date.is_some() {
        Dialect::CLOUD
    } else {
        Dialect::DC_API
    };
    let time = record.time(dialect, TimeMode::Exact).ok().flatten();
    Entry {
        fingerprint,
        time,
        is_search: is_search(&record),
        ..nothing
    }
}

fn is_search(record: &Record<'_>) -> bool {
    let is = |value: Value<'_>, key| value.get(key).is_some_and(|value| value.is_str(SEARCH));
    let kind = record.kind.filter(|kind| kind.kind() == Kind::Object);
    kind.is_some_and(|kind| is(kind, "actionI18nKey") || is(kind, "action"))
}

/// Who did what a record tells of.
#[must_use]
pub fn searcher(reader: &mut Reader, text: &str) -> Searcher {
    let names = reader.read(text).ok().and_then(|document| {
        let root = document.root();
        let is_object = root.kind() == Kind::Object;
        let author = Record::read(is_object.then_some(root)?).author?;
        (author.kind() == Kind::Object).then(|| names(author))
    });
    Searcher {
        names: names.unwrap_or_default(),
    }
}

fn names(author: Value<'_>) -> Vec<String> {
    let text = |key: &str| Some(author.get(key)?.to_text()?.into_owned());
    let user_name = text("uri").and_then(|uri| {
        let (_, query) = uri.split_once('?')?;
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        let name = pairs.find(|(key, _)| key == "username")?.1;
        Some(name.into_owned())
    });
    let names = [text("id"), text("name"), user_name];
    names.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Entry {
        read(&mut Reader::default(), text, 0..text.len())
    }

    #[test]
    fn times_of_both_apis_are_read() {
        let time = Timestamp::from_millis(1_637_624_653_873);
        assert_eq!(entry(r#"{"creationDate":1637624653873}"#).time, time);
        let text = r#"{"timestamp":"2021-11-22T23:44:13.873Z","type":{}}"#;
        assert_eq!(entry(text).time, time);
        for none in ["{}", "7", "[]", "{", r#"{"creationDate":"soon"}"#] {
            assert_eq!(entry(none).time, None, "{none}");
        }
    }

    #[test]
    fn a_fingerprint_is_of_the_json_and_not_of_its_writing() {
        let a = entry(r#"{"creationDate":1,"a":[1,{"b":"\u00e9","c":2}]}"#).fingerprint;
        let b = entry("{ \"a\": [1, {\"c\":2,\n\"b\":\"é\"}], \"creationDate\":1}").fingerprint;
        assert_eq!(a, b);
        assert_ne!(
            a,
            entry(r#"{"creationDate":1,"a":[1,{"b":"e","c":2}]}"#).fingerprint
        );
        let json = serde_json::to_string(&a).unwrap();
        assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), a);
    }

    #[test]
    fn a_search_names_its_author() {
        let text = r#"{"timestamp":"2021-11-22T23:44:13.873Z","type":{"actionI18nKey":
            "atlassian.audit.event.action.audit.search"},"author":{"id":"2c96","name":"A B",
            "uri":"http://c/admin/users/viewuser.action?username=a%20b&x=1"}}"#;
        assert!(entry(text).is_search);
        let searcher = searcher(&mut Reader::default(), text);
        assert_eq!(searcher.names, ["2c96", "A B", "a b"]);
        assert!(!entry(r#"{"type":{"actionI18nKey":"x"}}"#).is_search);
        assert!(!entry(r#"{"type":"x","author":7}"#).is_search);
    }
}
