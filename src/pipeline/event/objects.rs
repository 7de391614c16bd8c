//! The lists of `confluence.audit`, their members renamed where the mapping says so.

use super::object::name;
use crate::pipeline::json::{Value, Writer, copy_cleaned, copy_cleaned_member};

/// One of the lists of `confluence.audit`: a list of the record, perhaps with one more element, its
/// members perhaps renamed.
#[derive(Debug, Default, Clone, Copy)]
pub struct Objects<'a> {
    /// The array in the record.
    list: Option<Value<'a>>,
    /// More elements behind it: a single object in its place, and one that is appended.
    more: [Option<Value<'a>>; 2],
    /// How the members of its objects are renamed.
    rename: Rename,
}

/// What members of the objects become, where they are not empty (docs/mapping.md 4).
#[derive(Debug, Default, Clone, Copy)]
pub enum Rename {
    /// No member is renamed.
    #[default]
    None,
    /// Those of an affected object of Cloud.
    AffectedObject,
    /// Those of a changed value of Cloud.
    ChangedValue,
}

/// A renamed member.
#[derive(Debug)]
struct Renamed {
    /// The name in the record.
    old: &'static str,
    /// The name in the event.
    new: &'static str,
    /// `new` as JSON with a colon.
    json: &'static str,
}

/// What a member of an affected object becomes.
const AFFECTED_OBJECT: [Renamed; 1] = [row("objectType", "type", name!("type"))];
/// What the members of a changed value become.
const CHANGED_VALUE: [Renamed; 4] = [
    row("name", "i18nKey", name!("i18nKey")),
    row("name", "key", name!("key")),
    row("newValue", "to", name!("to")),
    row("oldValue", "from", name!("from")),
];

const fn row(old: &'static str, new: &'static str, json: &'static str) -> Renamed {
    Renamed { old, new, json }
}

impl Rename {
    fn table(self) -> &'static [Renamed] {
        match self {
            Self::None => &[],
            Self::AffectedObject => &AFFECTED_OBJECT,
            Self::ChangedValue => &CHANGED_VALUE,
        }
    }
}

impl<'a> Objects<'a> {
    /// What a record has in the place of a list, and one more element behind it. A scalar in its place
    /// is left out.
    #[must_use]
    pub fn new(list: Option<Value<'a>>, last: Option<Value<'a>>, rename: Rename) -> Self {
        Self {
            list: list.and_then(Value::array),
            more: [list.and_then(Value::object), last],
            rename,
        }
    }

    /// The object that stands where a list belongs, alone: it stays as it is.
    pub(super) fn single(self) -> Option<Value<'a>> {
        let [single, last] = self.more;
        single.filter(|_| last.is_none())
    }

    fn elements(self) -> impl Iterator<Item = Value<'a>> {
        self.list
            .into_iter()
            .flat_map(Value::elements)
            .chain(self.more.into_iter().flatten())
    }

    /// The elements that are objects; none of an object that is no list.
    pub fn objects(self) -> impl Iterator<Item = Value<'a>> {
        let is_list = self.single().is_none();
        self.elements()
            .filter_map(Value::object)
            .filter(move |_| is_list)
    }

    /// A member of one of the objects, by its name after renaming.
    #[must_use]
    pub fn member(self, object: Value<'a>, name: &str) -> Option<Value<'a>> {
        let renamed = self.rename.table().iter().find(|row| row.new == name);
        renamed
            .and_then(|row| object.get(row.old))
            .or_else(|| object.get(name))
    }

    /// Appends the list as JSON, which is no single object; false, and nothing, if nothing is left of
    /// it after clean-up.
    pub(crate) fn write(self, out: &mut Writer) -> bool {
        if matches!(self.rename, Rename::None) {
            return self.list.is_some_and(|list| copy_cleaned(out, list));
        }
        let mut separator = b'[';
        let mut write = |element| {
            let before = out.position();
            out.byte(separator);
            if self.write_element(out, element) {
                separator = b',';
            } else {
                out.cut_back(before);
            }
        };
        if let Some(list) = self.list {
            list.elements().for_each(&mut write);
        }
        self.more.into_iter().flatten().for_each(write);
        let any = separator == b',';
        if any {
            out.byte(b']');
        }
        any
    }

    fn write_element(self, out: &mut Writer, element: Value<'a>) -> bool {
        match (self.rename, element.object()) {
            (Rename::None, _) | (_, None) => copy_cleaned(out, element),
            (Rename::AffectedObject, Some(object)) => write_renamed(out, object, &AFFECTED_OBJECT),
            (Rename::ChangedValue, Some(object)) => write_renamed(out, object, &CHANGED_VALUE),
        }
    }
}

/// Appends an object, cleaned, with members renamed; false, and nothing, if nothing is left of it.
///
/// Part of its caller for each table: a name is then compared with constants, without calls.
#[inline(always)]
fn write_renamed<const N: usize>(
    out: &mut Writer,
    object: Value<'_>,
    table: &'static [Renamed; N],
) -> bool {
    let mut separator = b'{';
    for (key, value) in object.members().filter(|(_, value)| !value.is_empty()) {
        let name = key.as_str().unwrap_or_default();
        let is_old = table.each_ref().map(|row| *row.old == *name);
        let is_new = table.each_ref().map(|row| *row.new == *name);
        for (row, _) in table.iter().zip(&is_old).filter(|(_, is_old)| **is_old) {
            out.name(separator, row.json);
            copy_cleaned(out, value);
            separator = b',';
        }
        if is_old.contains(&true) {
            continue;
        }
        // A name that another member takes over is passed over.
        let is_taken = is_new.contains(&true) && is_taken(object, &name, table);
        if !is_taken && copy_cleaned_member(out, separator, key, value) {
            separator = b',';
        }
    }
    let any = separator == b',';
    if any {
        out.byte(b'}');
    }
    any
}

/// Whether another member takes over a name.
#[cold]
fn is_taken(object: Value<'_>, name: &str, table: &[Renamed]) -> bool {
    let mut rows = table.iter().filter(|row| row.new == name);
    rows.any(|row| object.get(row.old).is_some())
}
