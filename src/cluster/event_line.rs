//! A line of what `send` reads: an event, an action of the bulk format, or a dead letter, by its shape.

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::pipeline::dataset::Dataset;

/// Longer ids make a cluster refuse the whole request.
const LONGEST_ID: usize = 512;

/// What a line holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventLine<'a> {
    /// Nothing.
    Blank,
    /// An event, as NDJSON has it.
    Event(&'a str),
    /// The `_id` of the event in the next line.
    Action(&'a str),
    /// An event that was refused, with its `_id`.
    DeadLetter {
        /// Its `_id`.
        id: &'a str,
        /// The event.
        event: &'a str,
    },
}

/// Why a line is nothing that can be sent.
#[derive(Debug, thiserror::Error)]
pub enum NotAnEvent {
    /// Its bytes are no text.
    #[error("invalid UTF-8 at byte {0}")]
    Encoding(usize),
    /// Its text is no JSON object.
    #[error("not a JSON object: {}", problem(.0))]
    Syntax(serde_json::Error),
    /// It was not mapped yet.
    #[error("a raw audit record, not an event: run normalize first")]
    RawRecord,
    /// An action that this program does not write.
    #[error(
        "not an action of this program: expected {{\"create\":{{\"_id\":\"…\"}}}}, with an _id of at most 512 bytes"
    )]
    Action,
    /// A dead letter without its event or `_id`.
    #[error("an incomplete dead letter: expected an _id of at most 512 bytes, and an event")]
    DeadLetter,
    /// Something else.
    #[error("not an event: expected the members @timestamp, ecs and event")]
    Other,
}

/// The members that tell what an object is.
#[derive(Debug, Deserialize)]
struct Members<'a> {
    #[serde(borrow, rename = "@timestamp")]
    at: Option<&'a RawValue>,
    #[serde(borrow)]
    ecs: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    create: Option<&'a RawValue>,
    #[serde(borrow)]
    update: Option<&'a RawValue>,
    #[serde(borrow)]
    delete: Option<&'a RawValue>,
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow, rename = "_id")]
    id: Option<&'a RawValue>,
    // What raw records and pages of them have.
    #[serde(borrow, rename = "creationDate")]
    creation_date: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, rename = "auditType")]
    audit_type: Option<&'a RawValue>,
    #[serde(borrow)]
    results: Option<&'a RawValue>,
    #[serde(borrow)]
    entities: Option<&'a RawValue>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Create<'a> {
    #[serde(borrow, rename = "_id")]
    id: &'a RawValue,
    #[serde(default, rename = "_index")]
    index: Option<String>,
}

impl Create<'_> {
    /// Whether this program may have named that data stream. The event itself says where it goes.
    fn is_ours(&self) -> bool {
        let index = self.index.as_deref();
        index.is_none_or(|index| Dataset::of_stream(index).is_some_and(Dataset::is_named))
    }
}

/// What tells the data set of an event.
#[derive(Debug, Deserialize)]
struct Named {
    event: NamedEvent,
}

#[derive(Debug, Deserialize)]
struct NamedEvent {
    dataset: Option<String>,
}

/// The data set that an event belongs to.
#[must_use]
pub fn dataset(event: &str) -> Dataset {
    // Cheap, and enough for most events.
    let mentions = |dataset: &Dataset| {
        dataset.is_named()
            && memmem::find(event.as_bytes(), dataset.name_json().as_bytes()).is_some()
    };
    if !Dataset::ALL.iter().any(mentions) {
        return Dataset::default();
    }
    let named: Option<Named> = serde_json::from_str(event).ok();
    let name = named.and_then(|named| named.event.dataset);
    name.and_then(|name| Dataset::named(&name))
        .unwrap_or_default()
}

/// Tells what a line holds, without its end.
///
/// # Errors
/// When it holds nothing that can be sent.
pub fn event_line(line: &[u8]) -> Result<EventLine<'_>, NotAnEvent> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(EventLine::Blank);
    }
    let text =
        std::str::from_utf8(line).map_err(|error| NotAnEvent::Encoding(error.valid_up_to()))?;
    if text.starts_with('[') && serde_json::from_str::<&RawValue>(text).is_ok() {
        // What the API returns may be a list; events never are.
        return Err(NotAnEvent::RawRecord);
    }
    let members: Members<'_> = serde_json::from_str(text).map_err(NotAnEvent::Syntax)?;
    let is_object = |value: Option<&RawValue>| value.is_some_and(|raw| raw.get().starts_with('{'));
    if members.at.is_some() && is_object(members.ecs) && is_object(members.event) {
        return Ok(EventLine::Event(text));
    }
    if members.at.is_none() && members.id.is_some() {
        let event = members.event.filter(|event| is_object(Some(event)));
        return members
            .id
            .and_then(plain_id)
            .zip(event)
            .map(|(id, event)| EventLine::DeadLetter {
                id,
                event: event.get(),
            })
            .ok_or(NotAnEvent::DeadLetter);
    }
    if let Some(create) = members.create {
        let create = serde_json::from_str::<Create<'_>>(create.get());
        let create = create.ok().filter(Create::is_ours);
        let id = create.and_then(|create| plain_id(create.id));
        return id.map(EventLine::Action).ok_or(NotAnEvent::Action);
    }
    let actions = [members.update, members.delete, members.index];
    if actions.into_iter().any(is_object) {
        return Err(NotAnEvent::Action);
    }
    let of_records = [
        members.creation_date,
        members.timestamp,
        members.audit_type,
        members.results,
        members.entities,
        members.attributes,
        members.data,
    ];
    if members.at.is_none() && of_records.iter().any(Option::is_some) {
        return Err(NotAnEvent::RawRecord);
    }
    Err(NotAnEvent::Other)
}

/// Whether a line that is nothing to be sent begins as an action does that an event follows.
#[must_use]
pub fn is_like_action(line: &[u8]) -> bool {
    let Some(inner) = line.trim_ascii_start().strip_prefix(b"{") else {
        return false;
    };
    let names = [&b"\"create\""[..], b"\"index\"", b"\"update\""];
    names
        .iter()
        .any(|name| inner.trim_ascii_start().starts_with(name))
}

/// Without the line: that of the file is known.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let (problem, _) = text.rsplit_once(" at line ").unwrap_or((&text, ""));
    format!("{problem} at column {}", error.column())
}

/// An `_id` that stands in a line as it is: all that this program makes are of letters and digits.
fn plain_id(value: &RawValue) -> Option<&str> {
    let id = value.get().strip_prefix('"')?.strip_suffix('"')?;
    (!id.is_empty() && id.len() <= LONGEST_ID && !id.contains('\\')).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"@timestamp":"2026-01-01T00:00:00.000Z","ecs":{},"event":{}}"#;

    #[test]
    fn each_line_is_told_by_its_shape() {
        assert_eq!(event_line(b" \r").unwrap(), EventLine::Blank);
        assert_eq!(
            event_line(EVENT.as_bytes()).unwrap(),
            EventLine::Event(EVENT)
        );
        assert_eq!(
            event_line(br#"{"create": {"_id": "1-_a"}}"#).unwrap(),
            EventLine::Action("1-_a")
        );
        let named = br#"{"create":{"_id":"1a","_index":"logs-atlassian_cloud.audit-prod"}}"#;
        assert_eq!(event_line(named).unwrap(), EventLine::Action("1a"));
        let letter = format!(
            r#"{{"time":"t","index":"i","_id":"1x","status":400,"error":{{}},"source":{{}},"event":{EVENT}}}"#
        );
        assert_eq!(
            event_line(letter.as_bytes()).unwrap(),
            EventLine::DeadLetter {
                id: "1x",
                event: EVENT
            }
        );
    }

    #[test]
    fn what_is_no_event_is_told_why() {
        let why = |line: &[u8]| event_line(line).unwrap_err().to_string();
        for raw in [
            r#"{"creationDate":1}"#,
            r#"{"timestamp":{},"auditType":{}}"#,
            r#"{"results":[]}"#,
            r#"[{"creationDate":1}]"#,
        ] {
            assert!(why(raw.as_bytes()).contains("run normalize first"), "{raw}");
        }
        let long = format!(r#"{{"create":{{"_id":"{}"}}}}"#, "x".repeat(513));
        for action in [
            r#"{"create":{}}"#,
            r#"{"create":{"_id":1}}"#,
            r#"{"create":{"_id":"\u0041"}}"#,
            r#"{"create":{"_id":"a","_index":"b"}}"#,
            r#"{"index":{"_id":"a"}}"#,
            r#"{"delete":{"_id":"a"}}"#,
            &long,
        ] {
            assert!(why(action.as_bytes()).contains("not an action"), "{action}");
        }
        for other in ["{}", r#"{"@timestamp":"x"}"#, r#"{"a":1,"event":{}}"#] {
            assert!(why(other.as_bytes()).starts_with("not an event"), "{other}");
        }
        assert!(why(br#"{"_id":"x","event":1}"#).contains("dead letter"));
        assert!(why(b"{\"a\":").contains("not a JSON object"));
        assert!(why(b"1").contains("not a JSON object"));
        assert_eq!(why(b"{\"a\":\"\xFF\"}"), "invalid UTF-8 at byte 6");
    }
}
