//! What a field is made by besides values of the record: a constant, an option, a table, a database.

use super::leaves::EventLeaf;
use super::trace::Sources;
use crate::pipeline::dataset::Dataset;
use crate::pipeline::event::Envelope;

/// Options whose fields look alike.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// `--add-fields`
    pub add_fields: bool,
    /// `--host-metadata`
    pub host_metadata: bool,
}

/// What is said where it is not known what a field is made of, or what a value does.
pub(super) const UNKNOWN: &str = "not known: the record has too many values";

impl Given {
    /// What a field of a mapped record's event is made by; none where its raw values are all there is to say. `is_listed`:
    /// whether its action is in the table.
    pub(super) fn of_field(
        self,
        leaf: &EventLeaf,
        dataset: Dataset,
        sources: &Sources,
        envelope: &Envelope,
        is_listed: bool,
    ) -> Option<&'static str> {
        let names: Vec<&str> = leaf.path.names().collect();
        if envelope.has_constant(&names) {
            return Some(self.constants());
        }
        let is_from_record = !sources.from.is_empty();
        match &*names {
            // The type of some rows is that of an action in no table, so that no other action changes it.
            ["event", "category" | "type" | "outcome"] if is_from_record || is_listed => {
                Some("the table of actions")
            }
            ["source", "geo", "name"] => Some("--network"),
            // Others name the places themselves.
            ["source", "geo", ..] if dataset.looks_up_places() => Some("the City database"),
            ["source", "as", ..] => Some("the ASN database"),
            _ if is_from_record => None,
            _ => Some(fixed(&names)),
        }
    }

    /// The same, of a `pipeline_error` event.
    pub(super) fn of_error(self, leaf: &EventLeaf, envelope: &Envelope) -> &'static str {
        let names: Vec<&str> = leaf.path.names().collect();
        match &*names {
            ["error", "message"] => "why the record cannot be mapped",
            ["event", "original"] => "the text of the record",
            ["event", "kind"] => "constant",
            names if envelope.has_constant(names) => self.constants(),
            names => fixed(names),
        }
    }

    fn constants(self) -> &'static str {
        match (self.add_fields, self.host_metadata) {
            (true, true) => "--add-fields, --host-metadata",
            (false, true) => "--host-metadata",
            (_, false) => "--add-fields",
        }
    }
}

/// What makes the fields that are there whatever the record is.
fn fixed(names: &[&str]) -> &'static str {
    match names {
        ["@timestamp"] => "the time of processing",
        ["data_stream", "namespace"] => "--namespace",
        ["data_stream" | "ecs" | "observer", _] | ["event", "dataset" | "kind" | "module"] => {
            "constant"
        }
        ["atlassian_cloud", "audit", "actor", "app"] => "an actor that is no user",
        ["event", "original"] => "--preserve-original-event",
        ["event", "type"] => "the type of an action in no table",
        ["input" | "log", ..] => "the input",
        ["tags"] => "default tags, --tag",
        _ => UNKNOWN,
    }
}
