//! The plain form of an event that a mapping refuses: fields that every mapping takes, so that no event is
//! missing from the index (docs/elasticsearch.md, "Refused events").

use serde_json::{Map, Value, json};

use super::verdict::Refusal;

/// The tag of an event in its plain form.
pub const REFUSED_TAG: &str = "_refused";

/// How much of an event is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The record's text, or the event itself as text.
    Original,
    /// No text: it is too long for the cluster.
    Nothing,
}

/// The plain form of an event, as one line without its end.
#[must_use]
pub fn plain_form(event: &[u8], refusal: &Refusal, keep: Keep) -> Vec<u8> {
    let whole: Value = serde_json::from_slice(event).unwrap_or_default();
    let text = |pointer: &str| whole.pointer(pointer).filter(|value| value.is_string());
    let mut plain = Map::new();
    if let Some(timestamp) = text("/@timestamp") {
        plain.insert("@timestamp".to_owned(), timestamp.clone());
    }
    if let Some(data_stream) = whole.get("data_stream").filter(|value| value.is_object()) {
        plain.insert("data_stream".to_owned(), data_stream.clone());
    }
    if let Some(version) = text("/ecs/version") {
        plain.insert("ecs".to_owned(), json!({"version": version}));
    }
    let message = format!(
        "refused by the cluster: {}: {}",
        refusal.kind, refusal.reason
    );
    plain.insert("error".to_owned(), json!({"message": message}));
    let mut inner = Map::new();
    for (name, pointer) in [
        ("action", "/event/action"),
        ("dataset", "/event/dataset"),
        ("module", "/event/module"),
    ] {
        inner.extend(text(pointer).map(|value| (name.to_owned(), value.clone())));
    }
    inner.insert("kind".to_owned(), "pipeline_error".into());
    if keep == Keep::Original {
        // Where the record's text was not kept, the event has all that is known of it.
        let original = text("/event/original").cloned();
        let original = original.unwrap_or_else(|| String::from_utf8_lossy(event).into());
        inner.insert("original".to_owned(), original);
    }
    plain.insert("event".to_owned(), inner.into());
    plain.insert("tags".to_owned(), tags(&whole));
    // A map of strings and values always has a text.
    serde_json::to_vec(&plain).unwrap_or_default()
}

fn tags(whole: &Value) -> Value {
    let tags = whole.get("tags").and_then(Value::as_array);
    let tags = tags.into_iter().flatten().filter(|tag| tag.is_string());
    tags.cloned().chain([REFUSED_TAG.into()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> Refusal {
        Refusal {
            status: 400,
            kind: "document_parsing_exception".to_owned(),
            reason: "failed to parse field".to_owned(),
        }
    }

    #[test]
    fn the_plain_form_has_what_every_mapping_takes() {
        let event = br#"{"@timestamp":"2026-01-01T00:00:00.000Z","confluence":{"audit":{"type":{"":1}}},
            "data_stream":{"dataset":"atlassian_confluence.audit","namespace":"default","type":"logs"},
            "ecs":{"version":"8.11.0"},"event":{"action":"a","category":["iam"],"kind":"event","original":"{}"},
            "tags":["x"]}"#;
        let plain: Value =
            serde_json::from_slice(&plain_form(event, &refusal(), Keep::Original)).unwrap();
        assert_eq!(
            plain,
            json!({
                "@timestamp": "2026-01-01T00:00:00.000Z",
                "data_stream": {"dataset": "atlassian_confluence.audit", "namespace": "default", "type": "logs"},
                "ecs": {"version": "8.11.0"},
                "error": {"message": "refused by the cluster: document_parsing_exception: failed to parse field"},
                "event": {"action": "a", "kind": "pipeline_error", "original": "{}"},
                "tags": ["x", "_refused"],
            })
        );
    }

    #[test]
    fn without_an_original_the_event_is_kept_as_text() {
        let event = br#"{"event":{"action":["a","b"],"kind":"event"}}"#;
        let of = |keep| -> Value {
            serde_json::from_slice(&plain_form(event, &refusal(), keep)).unwrap()
        };
        let plain = of(Keep::Original);
        assert_eq!(
            plain["event"]["original"].as_str().unwrap().as_bytes(),
            event
        );
        assert_eq!(
            plain["event"].get("action"),
            None,
            "a list is not for every mapping"
        );
        assert_eq!(of(Keep::Nothing)["event"].get("original"), None);
    }
}
