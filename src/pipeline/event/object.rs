//! Writing one object of an event: members that are empty vanish, constants are merged in.

use std::cmp::Ordering;

use super::add_fields::{AddFields, Member};
use crate::pipeline::json::{Reader, Value, Writer, copy_cleaned, copy_whole};

/// The name of a member as an [`Object`] takes it: as JSON, with the colon behind it.
macro_rules! name {
    ($name:literal) => {
        concat!("\"", $name, "\":")
    };
}
pub(super) use name;

/// An object that is being written. Members are written in the order of their names, so that the
/// constants of `--add-fields` can be merged as it goes.
pub(super) struct Object<'w, 'o> {
    out: &'w mut Writer,
    /// What stands before the next member: a comma once there is one.
    separator: u8,
    /// The constants of this object that are still to come.
    constants: &'o [Member],
}

impl<'w, 'o> Object<'w, 'o> {
    /// Begins an object, with the constants that belong into it.
    #[inline]
    pub fn open(out: &'w mut Writer, add_fields: Option<&'o AddFields>) -> Self {
        Self {
            out,
            separator: b'{',
            constants: add_fields.map_or(&[], AddFields::members),
        }
    }

    /// Ends the object; false, with nothing written, if it has no members.
    ///
    /// Not by value: moving what was just written, field by field, stalls the processor until the fields
    /// are in its cache, once for each object.
    #[inline(always)]
    pub fn close(&mut self) -> bool {
        for constant in self.constants {
            self.constant(constant);
        }
        let any = self.separator == b',';
        if any {
            self.out.byte(b'}');
        }
        any
    }

    fn constant(&mut self, constant: &Member) {
        self.out.byte(self.separator);
        self.out.string(&constant.name);
        self.out.byte(b':');
        self.out.text(constant.json.as_bytes());
        self.separator = b',';
    }

    /// Writes the constants before `name` (not as JSON), and returns that of the same name.
    fn constant_named(&mut self, name: &str) -> Option<&'o Member> {
        while let Some((first, rest)) = self.constants.split_first() {
            match first.name.as_str().cmp(name) {
                Ordering::Less => {
                    self.constant(first);
                    self.constants = rest;
                }
                Ordering::Equal => {
                    self.constants = rest;
                    return Some(first);
                }
                Ordering::Greater => break,
            }
        }
        None
    }

    /// The constant of a member's name, if it has any.
    #[inline(always)]
    fn constant_of(&mut self, name: &'static str) -> Option<&'o Member> {
        if self.constants.is_empty() {
            return None;
        }
        self.constant_named(&name[1..name.len() - 2])
    }

    /// Writes a member, whose value `write` appends (or, returning false, does not).
    #[inline(always)]
    fn member(&mut self, name: &'static str, write: impl FnOnce(&mut Writer) -> bool) {
        let before = self.out.position();
        self.out.name(self.separator, name);
        if write(self.out) {
            self.separator = b',';
        } else {
            self.out.cut_back(before);
        }
    }

    /// Members given as JSON text without the braces, whose end `write` appends. False, and nothing
    /// is written, where constants are still to come, which may belong among them.
    #[inline]
    pub fn joined(&mut self, members: &str, write: impl FnOnce(&mut Writer)) -> bool {
        if !self.constants.is_empty() {
            return false;
        }
        self.out.byte(self.separator);
        self.out.text(members.as_bytes());
        write(self.out);
        self.separator = b',';
        true
    }

    /// A member that is no object, or goes away where a constant has its name.
    #[inline(always)]
    pub fn value(&mut self, name: &'static str, write: impl FnOnce(&mut Writer) -> bool) {
        match self.constant_of(name) {
            None => self.member(name, write),
            Some(constant) => self.constant(constant),
        }
    }

    /// A member of a record, or none.
    #[inline(always)]
    pub fn optional(&mut self, name: &'static str, value: Option<Value<'_>>) {
        match (self.constant_of(name), value) {
            (None, Some(value)) => self.member(name, |out| copy_cleaned(out, value)),
            (None, None) => {}
            (Some(constant), _) => self.constant(constant),
        }
    }

    /// A member given as JSON text; empty: it is not there.
    #[inline(always)]
    pub fn json(&mut self, name: &'static str, json: &str) {
        match self.constant_of(name) {
            None if json.is_empty() => {}
            None => self.member(name, |out| {
                out.text(json.as_bytes());
                true
            }),
            Some(constant) => self.constant(constant),
        }
    }

    /// A member that is an object.
    #[inline(always)]
    pub fn object(&mut self, name: &'static str, write: impl FnOnce(&mut Object<'_, 'o>)) {
        let add_fields = match self.constant_of(name) {
            None => None,
            Some(Member {
                object: Some(add_fields),
                ..
            }) => Some(add_fields),
            Some(constant) => return self.constant(constant),
        };
        self.member(name, |out| {
            let mut object = Object::open(out, add_fields);
            write(&mut object);
            object.close()
        });
    }

    /// A member that is an object even if nothing is in it.
    pub fn standing_object(&mut self, name: &'static str, write: impl FnOnce(&mut Object<'_, 'o>)) {
        let add_fields = match self.constant_of(name) {
            None => None,
            Some(Member {
                object: Some(add_fields),
                ..
            }) => Some(add_fields),
            Some(constant) => return self.constant(constant),
        };
        self.member(name, |out| {
            let mut object = Object::open(out, add_fields);
            write(&mut object);
            if !object.close() {
                out.text(b"{}");
            }
            true
        });
    }

    /// A member of a record with all that is in it, empty or not; or none.
    pub fn whole(&mut self, name: &'static str, value: Option<Value<'_>>) {
        match (self.constant_of(name), value) {
            (None, None) => {}
            (None, Some(value)) => self.member(name, |out| {
                copy_whole(out, value);
                true
            }),
            (
                Some(Member {
                    object: Some(add_fields),
                    ..
                }),
                Some(value),
            ) if value.object().is_some() => {
                self.member(name, |out| merge(out, value, add_fields, copy_all));
            }
            (Some(constant), _) => self.constant(constant),
        }
    }

    /// A member given as the JSON text of an object; empty: it is not there.
    #[inline]
    pub fn fragment(&mut self, name: &'static str, json: &str) {
        match self.constant_of(name) {
            None if json.is_empty() => {}
            None => self.member(name, |out| {
                out.text(json.as_bytes());
                true
            }),
            Some(Member {
                object: Some(add_fields),
                ..
            }) => self.member(name, |out| merge_text(out, json, add_fields)),
            Some(constant) => self.constant(constant),
        }
    }

    /// A member that is an object of a record, copied whole.
    #[inline]
    pub fn copy(&mut self, name: &'static str, value: Value<'_>) {
        match self.constant_of(name) {
            None => self.member(name, |out| copy_cleaned(out, value)),
            Some(Member {
                object: Some(add_fields),
                ..
            }) => self.member(name, |out| merge(out, value, add_fields, copy_cleaned)),
            Some(constant) => self.constant(constant),
        }
    }
}

/// How a value of a record is copied; false: nothing was.
type Copy = fn(&mut Writer, Value<'_>) -> bool;

fn copy_all(out: &mut Writer, value: Value<'_>) -> bool {
    copy_whole(out, value);
    true
}

/// Copies an object of a record with constants merged in.
fn merge(out: &mut Writer, value: Value<'_>, add_fields: &AddFields, copy: Copy) -> bool {
    let mut members: Vec<_> = value.members().collect();
    members.sort_by_cached_key(|(key, _)| key.as_str());
    let mut object = Object::open(out, Some(add_fields));
    for (key, value) in members {
        let name = key.as_str().unwrap_or_default();
        let constant = object.constant_named(&name);
        let merged = constant.and_then(|constant| constant.object.as_ref());
        match (constant, merged, value.object()) {
            (Some(_), Some(add_fields), Some(value)) => {
                object.copied_member(&name, |out| merge(out, value, add_fields, copy));
            }
            (Some(constant), ..) => object.constant(constant),
            (None, ..) => object.copied_member(&name, |out| copy(out, value)),
        }
    }
    object.close()
}

/// Copies an object given as JSON text, or nothing, with constants merged in.
fn merge_text(out: &mut Writer, json: &str, add_fields: &AddFields) -> bool {
    match Reader::default().read(json) {
        Ok(document) => merge(out, document.root(), add_fields, copy_cleaned),
        Err(_) => Object::open(out, Some(add_fields)).close(),
    }
}

impl Object<'_, '_> {
    /// A member whose name comes from a record.
    fn copied_member(&mut self, name: &str, write: impl FnOnce(&mut Writer) -> bool) {
        let before = self.out.position();
        self.out.byte(self.separator);
        self.out.string(name);
        self.out.byte(b':');
        if write(self.out) {
            self.separator = b',';
        } else {
            self.out.cut_back(before);
        }
    }
}
