//! The lists of `confluence.audit`, their members renamed where the mapping says so.

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

/// What members of the objects become, where they are not empty, by a table of the mapping.
#[derive(Debug, Default, Clone, Copy)]
pub enum Rename {
    /// No member is renamed.
    #[default]
    None,
    /// One member is renamed.
    One(&'static [Renamed; 1]),
    /// Four members are renamed.
    Four(&'static [Renamed; 4]),
}

/// A row of a table of renamed members.
#[derive(Debug)]
pub struct Renamed {
    /// The name in the record.
    pub old: &'static str,
    /// The name in the event.
    pub new: &'static str,
    /// `new` as JSON with a colon.
    pub json: &'static str,
}

impl Rename {
    fn table(self) -> &'static [Renamed] {
        match self {
            Self::None => &[],
            Self::One(table) => table,
            Self::Four(table) => table,
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
        for element in self.elements() {
            let before = out.position();
            out.byte(separator);
            if self.write_element(out, element) {
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

    fn write_element(self, out: &mut Writer, element: Value<'a>) -> bool {
        match (self.rename, element.object()) {
            (Rename::None, _) | (_, None) => copy_cleaned(out, element),
            (Rename::One(table), Some(object)) => write_renamed(out, object, table),
            (Rename::Four(table), Some(object)) => write_renamed(out, object, table),
        }
    }
}

/// Appends an object, cleaned, with members renamed; false, and nothing, if nothing is left of it.
fn write_renamed<const N: usize>(
    out: &mut Writer,
    object: Value<'_>,
    table: &[Renamed; N],
) -> bool {
    let mut separator = b'{';
    for (key, value) in object.members().filter(|(_, value)| !value.is_empty()) {
        let (mut is_renamed, mut is_new) = (false, false);
        for row in table {
            if key.is_str(row.old) {
                is_renamed = true;
                out.name(separator, row.json);
                copy_cleaned(out, value);
                separator = b',';
            }
            is_new |= key.is_str(row.new);
        }
        // A name that another member takes over is passed over.
        let is_taken = || {
            let mut rows = table.iter().filter(|row| key.is_str(row.new));
            rows.any(|row| object.get(row.old).is_some())
        };
        if !is_renamed
            && !(is_new && is_taken())
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
