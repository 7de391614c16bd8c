//! Which raw shape a record has (docs/mapping.md 1, docs/org-events.md 2).

use crate::pipeline::dataset::Dataset;
use crate::pipeline::json::{Kind, Value};
use crate::pipeline::timestamp::{TimeMode, Timestamp};

/// Keys that tell that an object is a record, and no page of records.
pub(crate) const RECORD_KEYS: [&str; 4] = ["creationDate", "timestamp", "auditType", "attributes"];

/// Keys that a page has its records under.
pub(crate) const PAGE_KEYS: [&str; 3] = ["results", "entities", "data"];
/// The key that the API of an organization returns a single record under.
const SINGLE_KEY: &str = "data";

/// The layout of a raw record, which tells the data set of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Confluence's own audit log.
    Confluence(ConfluenceDialect),
    /// The REST API of an Atlassian organization.
    Organization,
}

/// The layout of a record of Confluence's own audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfluenceDialect {
    /// Confluence Cloud's REST API, and old Server's.
    Cloud,
    /// Data Center's.
    SelfHosted(SelfHostedDialect),
}

/// The layout of a record of Data Center.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfHostedDialect {
    /// Its REST API.
    Api,
    /// Its log files.
    File,
}

impl Dialect {
    /// Confluence Cloud's REST API, and old Server's.
    pub const CLOUD: Self = Self::Confluence(ConfluenceDialect::Cloud);
    /// Data Center's REST API.
    pub const DC_API: Self =
        Self::Confluence(ConfluenceDialect::SelfHosted(SelfHostedDialect::Api));
    /// Data Center's log files.
    pub const DC_FILE: Self =
        Self::Confluence(ConfluenceDialect::SelfHosted(SelfHostedDialect::File));

    /// The data set of its events.
    #[must_use]
    pub fn dataset(self) -> Dataset {
        match self {
            Self::Confluence(_) => Dataset::Confluence,
            Self::Organization => Dataset::Organization,
        }
    }
}

/// The members of a record that the mapping reads, named as in the records (docs/sources.md), each the last of
/// its name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Record<'a> {
    pub affected_object: Option<Value<'a>>,
    pub affected_objects: Option<Value<'a>>,
    pub associated_objects: Option<Value<'a>>,
    /// What an organization's record says, if it is an object, even an empty one.
    pub attributes: Option<Value<'a>>,
    pub audit_type: Option<Value<'a>>,
    pub author: Option<Value<'a>>,
    pub category: Option<Value<'a>>,
    pub changed_values: Option<Value<'a>>,
    pub creation_date: Option<Value<'a>>,
    pub extra_attributes: Option<Value<'a>>,
    pub method: Option<Value<'a>>,
    pub remote_address: Option<Value<'a>>,
    pub source: Option<Value<'a>>,
    pub summary: Option<Value<'a>>,
    pub system: Option<Value<'a>>,
    pub timestamp: Option<Value<'a>>,
    /// `type`
    pub kind: Option<Value<'a>>,
}

impl<'a> Record<'a> {
    /// Picks the members out of a record; what is empty is absent (docs/mapping.md 2).
    #[must_use]
    pub fn read(object: Value<'a>) -> Self {
        let mut record = Self::default();
        for (key, value) in object.all_members() {
            let place = match &*key.as_str().unwrap_or_default() {
                "affectedObject" => &mut record.affected_object,
                "affectedObjects" => &mut record.affected_objects,
                "associatedObjects" => &mut record.associated_objects,
                "attributes" => {
                    record.attributes = value.object();
                    continue;
                }
                "auditType" => &mut record.audit_type,
                "author" => &mut record.author,
                "category" => &mut record.category,
                "changedValues" => &mut record.changed_values,
                "creationDate" => &mut record.creation_date,
                "extraAttributes" => &mut record.extra_attributes,
                "method" => &mut record.method,
                "remoteAddress" => &mut record.remote_address,
                "source" => &mut record.source,
                "summary" => &mut record.summary,
                "system" => &mut record.system,
                "timestamp" => &mut record.timestamp,
                "type" => &mut record.kind,
                _ => continue,
            };
            *place = value.non_empty();
        }
        record
    }

    /// When a record of that dialect happened; none if it does not say.
    ///
    /// # Errors
    /// [`UnreadableTime`] when what it says is no time.
    pub fn time(
        &self,
        dialect: Dialect,
        mode: TimeMode,
    ) -> Result<Option<Timestamp>, UnreadableTime<'a>> {
        let (field, value, time) = match dialect {
            Dialect::Confluence(ConfluenceDialect::Cloud) => {
                let Some(value) = self.creation_date else {
                    return Ok(None);
                };
                ("creationDate", value, Timestamp::from_creation_date(value))
            }
            Dialect::Confluence(ConfluenceDialect::SelfHosted(_)) => {
                let Some(value) = self.timestamp else {
                    return Ok(None);
                };
                ("timestamp", value, Timestamp::from_timestamp(value, mode))
            }
            Dialect::Organization => {
                let (time, processed) = self.organization_times();
                let Some(value) = time else {
                    // It is no fault of the record if that one cannot be read.
                    return Ok(processed.and_then(Timestamp::from_organization));
                };
                (
                    "attributes.time",
                    value,
                    Timestamp::from_organization(value),
                )
            }
        };
        time.map(Some).ok_or(UnreadableTime { field, value })
    }

    /// When the event of an organization happened, and when Atlassian processed it.
    fn organization_times(&self) -> (Option<Value<'a>>, Option<Value<'a>>) {
        let attributes = self.attributes;
        let [time, processed] = attributes.map_or([None; 2], |attributes| {
            attributes.pick_whole(["time", "processedAt"])
        });
        (time.filter(|time| !time.is_null()), processed)
    }

    /// Whether the record itself shows that dialect, where a flag or the source says that it is one: else
    /// it may as well be a page.
    #[must_use]
    pub fn shows(&self, dialect: Dialect) -> bool {
        match dialect {
            Dialect::Confluence(ConfluenceDialect::Cloud) => self.creation_date.is_some(),
            // Without a time it is no record of theirs.
            Dialect::Confluence(ConfluenceDialect::SelfHosted(_)) => true,
            Dialect::Organization => self.attributes.is_some(),
        }
    }
}

/// A record's time that is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnreadableTime<'a> {
    /// Name of the field in the record.
    pub field: &'static str,
    /// What is in it.
    pub value: Value<'a>,
}

/// The only record of an answer of the API of an organization, if an object is one; `dialect` is that
/// of all records, where it is told.
#[must_use]
pub(crate) fn single(object: Value<'_>, dialect: Option<Dialect>) -> Option<Value<'_>> {
    let [record] = object.pick_whole([SINGLE_KEY]);
    let record = record.and_then(Value::object)?;
    let told = dialect.or_else(|| detect(&Record::read(record)));
    (told == Some(Dialect::Organization)).then_some(record)
}

/// Tells a record's dialect by what it has; none where nothing tells it.
#[must_use]
pub(crate) fn detect(record: &Record<'_>) -> Option<Dialect> {
    let timestamp = record.timestamp.map(Value::kind);
    if record.creation_date.is_some() {
        Some(Dialect::CLOUD)
    } else if record.audit_type.is_some() || timestamp == Some(Kind::Object) {
        Some(Dialect::DC_FILE)
    } else if timestamp == Some(Kind::String) {
        Some(Dialect::DC_API)
    } else if record.attributes.is_some() {
        Some(Dialect::Organization)
    } else {
        None
    }
}
