//! One ECS event, still pointing into its record, and how it is written.

#![expect(
    clippy::inline_always,
    reason = "seven per cent of the whole mapping, measured"
)]

mod envelope;
mod object;
mod overlay;
mod write;

pub use envelope::{Envelope, Origin};
pub(crate) use overlay::cleaned;
pub use overlay::{Overlay, OverlayError};
pub use write::{write_event, write_pipeline_error};

use std::borrow::Cow;

use crate::json::{Value, Writer, copy_cleaned, copy_cleaned_member};
use crate::map::actions::{Row, UNLISTED};
use crate::source::Located;
use crate::timestamp::Timestamp;

/// What a record says, under the names of ECS. Everything borrows from the record's text.
#[derive(Debug)]
#[expect(
    missing_docs,
    reason = "the fields are named after the ECS fields they become"
)]
pub struct Event<'a> {
    pub timestamp: Timestamp,
    pub action: Option<Scalar<'a>>,
    /// `event.category`, `event.type`, `event.outcome`
    pub row: &'static Row,
    pub audit: Audit<'a>,
    pub source_address: Option<Value<'a>>,
    /// `source.ip`, `.geo`, `.as` and `related.ip`
    pub source: Option<&'a Located>,
    pub service_address: Option<Value<'a>>,
    pub related_hosts: Option<Cow<'a, str>>,
    pub user: User<'a>,
    /// `user.target`
    pub target: User<'a>,
    /// `user.changes`
    pub changes: User<'a>,
    pub group: Group<'a>,
}

impl Event<'_> {
    /// An event of that time, with nothing else in it.
    #[must_use]
    pub fn at(timestamp: Timestamp) -> Self {
        Self {
            timestamp,
            action: None,
            row: &UNLISTED,
            audit: Audit::default(),
            source_address: None,
            source: None,
            service_address: None,
            related_hosts: None,
            user: User::default(),
            target: User::default(),
            changes: User::default(),
            group: Group::default(),
        }
    }
}

/// `user`, or a part of it of the same shape.
#[derive(Debug, Default)]
#[expect(
    missing_docs,
    reason = "the fields are named after the ECS fields they become"
)]
pub struct User<'a> {
    pub email: Option<Scalar<'a>>,
    pub full_name: Option<Scalar<'a>>,
    pub group: Group<'a>,
    pub id: Option<Scalar<'a>>,
    pub name: Option<Scalar<'a>>,
}

/// `group`
#[derive(Debug, Default)]
#[expect(
    missing_docs,
    reason = "the fields are named after the ECS fields they become"
)]
pub struct Group<'a> {
    pub id: Option<Scalar<'a>>,
    pub name: Option<Scalar<'a>>,
}

/// `confluence.audit`
#[derive(Debug, Default)]
#[expect(
    missing_docs,
    reason = "the fields are named after the fields they become"
)]
pub struct Audit<'a> {
    pub affected_objects: Objects<'a>,
    pub changed_values: Objects<'a>,
    pub external_collaborator: Option<Value<'a>>,
    pub extra_attributes: Objects<'a>,
    pub method: Option<Value<'a>>,
    pub kind: AuditType<'a>,
}

/// `confluence.audit.type`
#[derive(Debug, Default, Clone, Copy)]
pub enum AuditType<'a> {
    /// The record has none.
    #[default]
    Absent,
    /// A self-hosted record's object, every key of it.
    Object(Value<'a>),
    /// Made from two fields of a Cloud record.
    Cloud {
        /// `category`
        category: Option<Value<'a>>,
        /// `summary`
        action: Option<Value<'a>>,
    },
}

/// A string, number or boolean on its way through.
#[derive(Debug, Clone)]
pub enum Scalar<'a> {
    /// As it stands in the record.
    Json(Value<'a>),
    /// A part of a text of the record, decoded.
    Text(Cow<'a, str>),
}

impl Scalar<'_> {
    /// It as text, if it is not empty.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        let text = match self {
            Self::Json(value) => value.to_text()?,
            Self::Text(text) => Cow::Borrowed(&**text),
        };
        (!text.is_empty()).then_some(text)
    }
}

/// One of the lists of `confluence.audit`: a list of the record, perhaps with one more element, its
/// members perhaps renamed.
#[derive(Debug, Default, Clone, Copy)]
pub struct Objects<'a> {
    /// The record's array.
    pub list: Option<Value<'a>>,
    /// One more element, at the end.
    pub last: Option<Value<'a>>,
    /// How the members of its objects are renamed.
    pub rename: Rename,
}

/// What members of a Cloud record's objects become, where they are not null (mapping.md §4).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Rename {
    /// Nothing is renamed.
    #[default]
    None,
    /// `objectType` becomes `type`.
    AffectedObject,
    /// `name` becomes both `i18nKey` and `key`, `newValue` becomes `to`, `oldValue` becomes `from`.
    ChangedValue,
}

impl Rename {
    /// Each new name, the old name, and the new one as JSON with a colon.
    fn table(self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self {
            Self::None => &[],
            Self::AffectedObject => &[("type", "objectType", r#""type":"#)],
            Self::ChangedValue => &[
                ("i18nKey", "name", r#""i18nKey":"#),
                ("key", "name", r#""key":"#),
                ("to", "newValue", r#""to":"#),
                ("from", "oldValue", r#""from":"#),
            ],
        }
    }
}

impl<'a> Objects<'a> {
    /// A list of a self-hosted record: element for element, unknown keys kept.
    #[must_use]
    pub fn as_they_are(list: Option<Value<'a>>) -> Self {
        Self {
            list: list.and_then(Value::array),
            last: None,
            rename: Rename::None,
        }
    }

    fn elements(self) -> impl Iterator<Item = Value<'a>> {
        self.list
            .into_iter()
            .flat_map(Value::elements)
            .chain(self.last)
    }

    /// The elements that are objects.
    pub fn objects(self) -> impl Iterator<Item = Value<'a>> {
        self.elements().filter_map(Value::object)
    }

    /// A member of one of the objects, by its name after renaming.
    #[must_use]
    pub fn member(self, object: Value<'a>, name: &str) -> Option<Value<'a>> {
        let renamed = self.rename.table().iter().find(|(new, ..)| *new == name);
        renamed
            .and_then(|(_, old, _)| object.get(old))
            .and_then(Value::non_null)
            .or_else(|| object.get(name))
    }

    /// Appends the list as JSON; false, and nothing, if nothing is left of it after clean-up.
    pub(crate) fn write(self, out: &mut Writer) -> bool {
        if self.rename == Rename::None && self.last.is_none() {
            return self.list.is_some_and(|list| copy_cleaned(out, list));
        }
        let mut separator = b'[';
        for element in self.elements() {
            let before = out.position();
            out.byte(separator);
            if self.write_renamed(out, element) {
                separator = b',';
            } else {
                out.cut_back(before);
            }
        }
        let any = separator == b',';
        if any {
            out.byte(b']');
        }
        any
    }

    fn write_renamed(self, out: &mut Writer, element: Value<'a>) -> bool {
        if element.object().is_none() {
            return copy_cleaned(out, element);
        }
        // The rows whose old member is not null.
        let mut rows = [None; 4];
        for (place, row) in rows.iter_mut().zip(self.rename.table()) {
            *place = element.get(row.1).and_then(Value::non_null).map(|_| row);
        }
        let rows = || rows.iter().copied().flatten();
        let mut separator = b'{';
        for (key, value) in element.members() {
            let mut is_renamed = false;
            for (_, _, name) in rows().filter(|(_, old, _)| key.is_str(old)) {
                is_renamed = true;
                let before = out.position();
                out.name(separator, name);
                if copy_cleaned(out, value) {
                    separator = b',';
                } else {
                    out.cut_back(before);
                }
            }
            // A name that another member takes over is passed over.
            if !is_renamed
                && !rows().any(|(new, ..)| key.is_str(new))
                && copy_cleaned_member(out, separator, key, value)
            {
                separator = b',';
            }
        }
        let any = separator == b',';
        if any {
            out.byte(b'}');
        }
        any
    }
}
