//! The fields around an event that do not come from its record (docs/mapping.md 9).

use super::AddFields;
use super::id::IdSource;
use crate::pipeline::dataset::Dataset;
use crate::pipeline::json::json_string;
use crate::pipeline::timestamp::Timestamp;
use crate::process::shown::Shown as _;

/// Fields that are the same in every event of a run.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// `data_stream.namespace` as JSON; empty if it is empty.
    pub(super) namespace: String,
    /// Whether `event.original` is kept in events that are no errors.
    pub(super) preserve_original: bool,
    pub(super) add_fields: AddFields,
    /// The constants of `pipeline_error` events.
    pub(super) error_add_fields: AddFields,
    confluence: DatasetFields,
    organization: DatasetFields,
}

/// Fields that are the same in every event of a data set, as JSON.
#[derive(Debug, Clone)]
pub(super) struct DatasetFields {
    /// `event.module`; empty: it is not set.
    pub module: String,
    /// `ecs.version`
    pub ecs_version: String,
    /// `tags`; empty if there are none.
    pub tags: String,
    /// The same, of `pipeline_error` events, whose original is always kept.
    pub error_tags: String,
    /// `data_stream` and `ecs`, for `Object::joined`.
    pub joined: String,
    /// The data stream that they are for; empty: that of most events.
    pub index: String,
}

/// The tags before those that are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultTags {
    /// None.
    None,
    /// The tag of the event's data set.
    Read,
    /// `forwarded` before it, since the event was fetched.
    Fetched,
}

impl DefaultTags {
    fn of(self, dataset: Dataset) -> &'static [&'static str] {
        let tags = dataset.tags();
        match self {
            Self::None => &[],
            Self::Read => &tags[1..],
            Self::Fetched => tags,
        }
    }
}

impl Envelope {
    /// An envelope for a namespace, with the default tags and `tags`, each once (behind
    /// `preserve_original_event` if the original is kept), and constant fields.
    #[must_use]
    pub fn new(
        namespace: &str,
        default_tags: DefaultTags,
        tags: &[String],
        preserve_original: bool,
        add_fields: AddFields,
    ) -> Self {
        let json = if namespace.is_empty() {
            String::new()
        } else {
            json_string(namespace)
        };
        let fields = |dataset: Dataset| {
            let default_tags = default_tags.of(dataset).iter().copied();
            let tags = default_tags.chain(tags.iter().map(String::as_str));
            let tags: Vec<&str> = tags.collect();
            DatasetFields {
                index: dataset.action_stream(namespace).unwrap_or_default(),
                ..DatasetFields::new(dataset, &json, &tags, preserve_original)
            }
        };
        Self {
            confluence: fields(Dataset::Confluence),
            organization: fields(Dataset::Organization),
            namespace: json,
            preserve_original,
            error_add_fields: add_fields.for_errors(),
            add_fields,
        }
    }

    /// Whether events have any constant fields, in the place of those of their records.
    #[must_use]
    pub(crate) fn has_constants(&self) -> bool {
        !self.add_fields.members().is_empty()
    }

    /// Whether a field, by the names that lead to it, is one of the constant ones.
    #[must_use]
    pub(crate) fn has_constant(&self, names: &[&str]) -> bool {
        self.add_fields.has(names)
    }

    /// The data stream that events of a data set are for; empty: that of most events.
    #[must_use]
    pub fn index_for(&self, dataset: Dataset) -> &str {
        &self.fields(dataset).index
    }

    /// The fields of the events of a data set.
    #[inline]
    pub(super) fn fields(&self, dataset: Dataset) -> &DatasetFields {
        match dataset {
            Dataset::Confluence => &self.confluence,
            Dataset::Organization => &self.organization,
        }
    }
}

impl DatasetFields {
    /// `namespace` is JSON, or empty.
    fn new(dataset: Dataset, namespace: &str, tags: &[&str], preserve_original: bool) -> Self {
        let name = dataset.name_json();
        let ecs_version = json_string(dataset.ecs_version());
        let namespace_member = if namespace.is_empty() {
            String::new()
        } else {
            format!(r#""namespace":{namespace},"#)
        };
        Self {
            joined: format!(
                r#""data_stream":{{"dataset":{name},{namespace_member}"type":"logs"}},"ecs":{{"version":{ecs_version}}}"#
            ),
            module: dataset.module().map(json_string).unwrap_or_default(),
            tags: tags_json(preserve_original, tags),
            error_tags: tags_json(true, tags),
            ecs_version,
            index: String::new(),
        }
    }
}

/// The tag of an event whose original is kept: without it, what comes behind in an Elastic stack
/// drops `event.original`.
pub const PRESERVE_ORIGINAL: &str = "preserve_original_event";

fn tags_json(preserve_original: bool, tags: &[&str]) -> String {
    let preserve = preserve_original.then_some(PRESERVE_ORIGINAL);
    let tags = preserve.into_iter().chain(tags.iter().copied());
    let mut once: Vec<&str> = Vec::new();
    for tag in tags.filter(|tag| !tag.is_empty()) {
        if !once.contains(&tag) {
            once.push(tag);
        }
    }
    if once.is_empty() {
        return String::new();
    }
    let once: Vec<_> = once.into_iter().map(json_string).collect();
    format!("[{}]", once.join(","))
}

/// Where a record came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file or stream, for people.
    name: String,
    /// `input.type` as JSON.
    pub(super) input: &'static str,
    /// `log.file.path` as JSON, for files.
    pub(super) path: Option<String>,
    /// `event.created` as JSON, for what was fetched; else empty.
    pub(super) created: String,
    /// What its records' ids are made of, for a cluster.
    pub(super) id_source: Option<IdSource>,
    /// `input`, and of files `log` up to its offset, for `Object::joined`.
    pub(super) joined: String,
}

impl Origin {
    /// The file or stream, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Origin of records read from stdin.
    #[must_use]
    pub fn stdin() -> Self {
        Self {
            name: "stdin".to_owned(),
            input: "\"stdin\"",
            path: None,
            created: String::new(),
            id_source: Some(IdSource::Stream("stdin".to_owned())),
            joined: r#""input":{"type":"stdin"}"#.to_owned(),
        }
    }

    /// A REST API, asked at that time.
    #[must_use]
    pub fn api(asked: Timestamp) -> Self {
        Self {
            name: "the API".to_owned(),
            input: "\"httpjson\"",
            path: None,
            created: String::from_utf8_lossy(&asked.json()).into_owned(),
            id_source: None,
            joined: r#""input":{"type":"httpjson"}"#.to_owned(),
        }
    }

    /// The API of an organization. Its events say themselves when they came to be.
    #[must_use]
    pub fn organization() -> Self {
        Self {
            name: "the API".to_owned(),
            input: "\"cel\"",
            path: None,
            created: String::new(),
            id_source: None,
            joined: r#""input":{"type":"cel"}"#.to_owned(),
        }
    }

    /// Origin of records read from a file.
    #[must_use]
    pub fn file(path: &std::path::Path) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let id_source = IdSource::Stream(absolute.to_string_lossy().into_owned());
        let name = path.shown().to_string();
        let path = json_string(&path.to_string_lossy());
        Self {
            name,
            input: "\"log\"",
            joined: format!(
                r#""input":{{"type":"log"}},"log":{{"file":{{"path":{path}}},"offset":"#
            ),
            path: Some(path),
            created: String::new(),
            id_source: Some(id_source),
        }
    }

    /// The same, with ids of another source.
    #[must_use]
    pub fn identified(self, source: IdSource) -> Self {
        Self {
            id_source: Some(source),
            ..self
        }
    }

    /// What the ids of its records are made of; none where each record has its own.
    #[must_use]
    pub fn id_source(&self) -> Option<&IdSource> {
        self.id_source.as_ref()
    }
}
