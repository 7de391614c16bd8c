//! Checks events against the table.

use std::fmt;

use serde_json::{Map, Value};

use super::fields::{Field, Table, Type, fields};
use super::tree::{Members, TreeNode, allowed_members};
use super::value::{describe, expected, fits};
use crate::pipeline::dataset::Dataset;
use crate::pipeline::event::namespace_fault;

/// The field whose texts follow the rules of data streams.
pub(super) const NAMESPACE: &str = "data_stream.namespace";

/// Checks events of every data set, each by the table of its own; made once for many.
#[derive(Debug)]
pub struct Validator {
    confluence: Rules,
    organization: Rules,
}

/// What is asked of the events of a data set.
#[derive(Debug)]
struct Rules {
    members: Members<'static>,
    table: &'static Table,
}

impl Rules {
    fn of(table: &'static Table) -> Self {
        Self {
            members: allowed_members(table),
            table,
        }
    }
}

/// What is wrong at one place of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Dotted, with positions in lists: `event.category[0]`. Empty for the event itself. A name that
    /// holds a dot stands in brackets: `["event.kind"]`.
    pub path: String,
    /// Kind of the violation.
    pub problem: ViolationKind,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViolationKind {
    /// Neither the table nor ECS has such a field.
    UnknownField,
    /// A namespace that no data stream can have.
    Namespace {
        /// What is there, in words, shortened.
        found: String,
        /// The rule that it breaks.
        fault: &'static str,
    },
    /// The value is not of the field's type.
    WrongType {
        /// What is asked for, in words.
        expected: &'static str,
        /// What is there, in words, shortened.
        found: String,
    },
    /// The value is none of those that ECS allows, or not the only one there is.
    NotAllowed {
        /// What is there, in words, shortened.
        found: String,
        /// The values that may be there.
        allowed: &'static [String],
    },
    /// `event.type` holds none of the types that ECS expects for this category.
    CategoryWithoutType {
        /// Value of `event.category`.
        category: String,
        /// The types that ECS expects.
        expected: &'static [String],
    },
    /// ECS expects this type for none of the categories in `event.category`.
    TypeWithoutCategory {
        /// Value of `event.type`.
        kind: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() {
            "the event"
        } else {
            &self.path
        };
        write!(f, "{path}: {}", self.problem)
    }
}

impl fmt::Display for ViolationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownField => f.write_str("unknown field"),
            Self::Namespace { found, fault } => write!(f, "{fault}, found {found}"),
            Self::WrongType { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::NotAllowed { found, allowed } => {
                write!(f, "expected {}, found {found}", alternatives(allowed))
            }
            Self::CategoryWithoutType { category, expected } => write!(
                f,
                "the category {category} requires an event.type of {}",
                alternatives(expected)
            ),
            Self::TypeWithoutCategory { kind } => {
                write!(
                    f,
                    "the type {kind} is not allowed by any of the event's categories"
                )
            }
        }
    }
}

/// `a, b or c`
fn alternatives(values: &[String]) -> String {
    match values {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

impl Default for Validator {
    fn default() -> Self {
        Self::new()
    }
}

impl Validator {
    /// A validator for the events of the mapping.
    #[must_use]
    pub fn new() -> Self {
        Self::of(fields(Dataset::Confluence))
    }

    /// A validator with another table for the events of Confluence.
    #[must_use]
    pub fn of(table: &'static Table) -> Self {
        Self {
            confluence: Rules::of(table),
            organization: Rules::of(fields(Dataset::Organization)),
        }
    }

    /// What is wrong with an event, in the order of its fields; nothing: it is valid.
    #[must_use]
    pub fn validate(&self, event: &Value) -> Vec<Violation> {
        let rules = match dataset_of(event) {
            Dataset::Confluence => &self.confluence,
            Dataset::Organization => &self.organization,
        };
        let mut check = Check::default();
        check.object(&Path::Root, event, &rules.members, false);
        check.classes(event, rules.table);
        check.violations
    }
}

/// The data set that an event says that it belongs to. One in a golden file does not say so: there the
/// version of ECS tells.
fn dataset_of(event: &Value) -> Dataset {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let named = text("/event/dataset").or_else(|| text("/data_stream/dataset"));
    let version = || {
        let version = text("/ecs/version")?;
        let mut datasets = Dataset::ALL.into_iter();
        datasets.find(|dataset| dataset.ecs_version() == version)
    };
    named
        .map_or_else(version, Dataset::named)
        .unwrap_or_default()
}

/// A check in progress.
#[derive(Default)]
struct Check {
    violations: Vec<Violation>,
}

impl Check {
    fn report(&mut self, path: &Path<'_>, problem: ViolationKind) {
        self.violations.push(Violation {
            path: path.to_string(),
            problem,
        });
    }

    fn wrong_type(&mut self, path: &Path<'_>, expected: &'static str, value: &Value) {
        let found = describe(value);
        self.report(path, ViolationKind::WrongType { expected, found });
    }

    /// The members of an object; `open`: there may be others.
    fn object(&mut self, path: &Path<'_>, value: &Value, members: &Members<'static>, open: bool) {
        let Some(object) = value.as_object() else {
            self.wrong_type(path, expected(Type::Object), value);
            return;
        };
        for (name, value) in object {
            let path = Path::Member(path, name);
            match members.get(name.as_str()) {
                Some(TreeNode::Field(field)) => self.field(&path, value, field),
                Some(TreeNode::Object { open, members }) => {
                    self.object(&path, value, members, open.is_some());
                }
                Some(TreeNode::Labels) => self.labels(&path, value),
                None if open => {}
                None => self.report(&path, ViolationKind::UnknownField),
            }
        }
    }

    /// Flat, as ECS has them.
    fn labels(&mut self, path: &Path<'_>, value: &Value) {
        let Some(labels) = value.as_object() else {
            self.wrong_type(path, expected(Type::Object), value);
            return;
        };
        for (name, value) in labels {
            if !fits(Type::Keyword, value) {
                self.wrong_type(&Path::Member(path, name), expected(Type::Keyword), value);
            }
        }
    }

    fn field(&mut self, path: &Path<'_>, value: &Value, field: &'static Field) {
        match (field.array, value) {
            (_, Value::Null) if field.nullable => {}
            (false, value) if !(field.may_be_list && value.is_array()) => {
                self.value(path, value, field);
            }
            (_, Value::Array(elements)) => {
                for (at, element) in elements.iter().enumerate() {
                    self.value(&Path::Element(path, at), element, field);
                }
            }
            (_, value) => self.wrong_type(path, "a list", value),
        }
    }

    fn value(&mut self, path: &Path<'_>, value: &Value, field: &'static Field) {
        let allowed: &[String] = match &field.value {
            Some(constant) => std::slice::from_ref(constant),
            None => &field.allowed_values,
        };
        if !fits(field.kind, value) {
            self.wrong_type(path, expected(field.kind), value);
        } else if !allowed.is_empty() && !allowed.iter().any(|allowed| value == allowed) {
            let found = describe(value);
            self.report(path, ViolationKind::NotAllowed { found, allowed });
        } else if let Some(fault) = broken_namespace(field, value) {
            let found = describe(value);
            self.report(path, ViolationKind::Namespace { found, fault });
        } else if let (Type::GeoPoint, Some(point)) = (field.kind, value.as_object()) {
            self.geo_point(path, value, point);
        }
    }

    fn geo_point(&mut self, path: &Path<'_>, value: &Value, point: &Map<String, Value>) {
        if !point.contains_key("lat") || !point.contains_key("lon") {
            self.wrong_type(path, expected(Type::GeoPoint), value);
        }
        for (name, value) in point {
            let path = Path::Member(path, name);
            let (limit, expected) = match name.as_str() {
                "lat" => (90.0, "a number from -90 to 90"),
                "lon" => (180.0, "a number from -180 to 180"),
                _ => {
                    self.report(&path, ViolationKind::UnknownField);
                    continue;
                }
            };
            if !value.as_f64().is_some_and(|degrees| degrees.abs() <= limit) {
                self.wrong_type(&path, expected, value);
            }
        }
    }

    /// Whether `event.category` and `event.type` go together: each category has a type that is
    /// expected for it, and where there are categories each type is expected for one of them. Values
    /// that ECS does not know are reported already.
    fn classes(&mut self, event: &Value, table: &'static Table) {
        let event = &event["event"];
        let texts = |list: &'static str| {
            let elements = event[list].as_array().into_iter().flatten().enumerate();
            elements.filter_map(|(at, element)| Some((at, element.as_str()?)))
        };
        let action = event["action"].as_str();
        for (at, category) in texts("category") {
            let Some(expected) = table.expected_types.get(category) else {
                continue;
            };
            if !texts("type").any(|(_, kind)| table.expects(category, kind, action)) {
                let category = category.to_owned();
                let problem = ViolationKind::CategoryWithoutType { category, expected };
                self.report(&Path::Element(&CATEGORY, at), problem);
            }
        }
        let is_category = |(_, category)| table.expected_types.contains_key(category);
        if texts("category").next().is_none() || !texts("category").all(is_category) {
            return;
        }
        let is_type = |kind: &str| {
            table
                .expected_types
                .values()
                .flatten()
                .any(|one| one == kind)
        };
        for (at, kind) in texts("type") {
            let belongs = |category| table.expects(category, kind, action);
            if is_type(kind) && !texts("category").any(|(_, category)| belongs(category)) {
                let kind = kind.to_owned();
                self.report(
                    &Path::Element(&TYPE, at),
                    ViolationKind::TypeWithoutCategory { kind },
                );
            }
        }
    }
}

/// The rule that a namespace breaks.
fn broken_namespace(field: &Field, value: &Value) -> Option<&'static str> {
    let text = value.as_str().filter(|_| field.name == NAMESPACE)?;
    namespace_fault(text)
}

/// Where the check is; a text only once something is wrong there.
enum Path<'p> {
    Root,
    Member(&'p Path<'p>, &'p str),
    Element(&'p Path<'p>, usize),
}

const EVENT: Path<'_> = Path::Member(&Path::Root, "event");
const CATEGORY: Path<'_> = Path::Member(&EVENT, "category");
const TYPE: Path<'_> = Path::Member(&EVENT, "type");

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(parent, name) if name.is_empty() || name.contains('.') => {
                write!(f, "{parent}[{name:?}]")
            }
            Self::Member(Path::Root, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Element(parent, at) => write!(f, "{parent}[{at}]"),
        }
    }
}
