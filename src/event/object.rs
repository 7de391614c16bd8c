//! Writing one object of an event: members that are empty vanish, constants are merged in.

use std::cmp::Ordering;

use super::overlay::{Member, Overlay};
use crate::json::{Document, Value, copy_cleaned, parse, write_string};

/// An object that is being written. Members are written in the order of their names, so that the
/// constants of `--add-fields` can be merged as it goes.
pub(super) struct Object<'w, 'o> {
    pub out: &'w mut Vec<u8>,
    start: usize,
    separator: u8,
    /// The constants of this object that are still to come.
    constants: &'o [Member],
}

impl<'w, 'o> Object<'w, 'o> {
    /// Begins an object, with the constants that belong into it.
    pub fn open(out: &'w mut Vec<u8>, overlay: Option<&'o Overlay>) -> Self {
        Self {
            start: out.len(),
            out,
            separator: b'{',
            constants: overlay.map_or(&[], Overlay::members),
        }
    }

    /// Ends the object; false, with nothing written, if it has no members.
    pub fn close(mut self) -> bool {
        for constant in std::mem::take(&mut self.constants) {
            self.constant(constant);
        }
        let any = self.out.len() > self.start;
        if any {
            self.out.push(b'}');
        }
        any
    }

    fn constant(&mut self, constant: &Member) {
        self.out.push(self.separator);
        write_string(self.out, &constant.name);
        self.out.push(b':');
        self.out.extend_from_slice(constant.json.as_bytes());
        self.separator = b',';
    }

    /// Writes the constants before `name`, and returns that of the same name.
    #[inline]
    fn constant_of(&mut self, name: &str) -> Option<&'o Member> {
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

    /// Writes a member, whose value `write` appends (or, returning false, does not).
    #[inline]
    fn member(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        let before = self.out.len();
        self.out.push(self.separator);
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        if write(self.out) {
            self.separator = b',';
        } else {
            self.out.truncate(before);
        }
    }

    /// A member that is no object, or goes away where a constant has its name.
    #[inline]
    pub fn value(&mut self, name: &'static str, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        match self.constant_of(name) {
            None => self.member(name, write),
            Some(constant) => self.constant(constant),
        }
    }

    /// A member that is there always, given as JSON text.
    #[inline]
    pub fn json(&mut self, name: &'static str, json: &str) {
        self.value(name, |out| {
            out.extend_from_slice(json.as_bytes());
            true
        });
    }

    /// A member that is an object.
    #[inline]
    pub fn object(&mut self, name: &'static str, write: impl FnOnce(&mut Object<'_, 'o>)) {
        let overlay = match self.constant_of(name) {
            None => None,
            Some(Member {
                object: Some(overlay),
                ..
            }) => Some(overlay),
            Some(constant) => return self.constant(constant),
        };
        self.member(name, |out| {
            let mut object = Object::open(out, overlay);
            write(&mut object);
            object.close()
        });
    }

    /// A member given as JSON text that was made once for many events; empty: it is not there.
    #[inline]
    pub fn fragment(&mut self, name: &'static str, json: &str) {
        let copy = |out: &mut Vec<u8>| {
            out.extend_from_slice(json.as_bytes());
            !json.is_empty()
        };
        match self.constant_of(name) {
            None => self.member(name, copy),
            Some(Member {
                object: Some(overlay),
                ..
            }) => self.member(name, |out| merge_text(out, json, overlay)),
            Some(constant) => self.constant(constant),
        }
    }

    /// A member that is an object of a record, copied whole.
    pub fn copy(&mut self, name: &'static str, value: Value<'_>) {
        match self.constant_of(name) {
            None => self.member(name, |out| copy_cleaned(out, value)),
            Some(Member {
                object: Some(overlay),
                ..
            }) => self.member(name, |out| merge(out, value, overlay)),
            Some(constant) => self.constant(constant),
        }
    }
}

/// Copies an object of a record with constants merged in.
fn merge(out: &mut Vec<u8>, value: Value<'_>, overlay: &Overlay) -> bool {
    let mut members = value.members();
    members.sort_by_cached_key(|(key, _)| key.as_str());
    let mut object = Object::open(out, Some(overlay));
    for (key, value) in members {
        let name = key.as_str().unwrap_or_default();
        let constant = object.constant_of(&name);
        let merged = constant.and_then(|constant| constant.object.as_ref());
        match (constant, merged, value.object()) {
            (Some(_), Some(overlay), Some(value)) => {
                object.copied_member(&name, |out| merge(out, value, overlay));
            }
            (Some(constant), ..) => object.constant(constant),
            (None, ..) => object.copied_member(&name, |out| copy_cleaned(out, value)),
        }
    }
    object.close()
}

/// Copies an object given as JSON text, or nothing, with constants merged in.
fn merge_text(out: &mut Vec<u8>, json: &str, overlay: &Overlay) -> bool {
    let mut nodes = Vec::new();
    match parse(json, &mut nodes) {
        Ok(()) => merge(out, Document::new(json, &nodes).root(), overlay),
        Err(_) => Object::open(out, Some(overlay)).close(),
    }
}

impl Object<'_, '_> {
    /// A member whose name comes from a record.
    fn copied_member(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        let before = self.out.len();
        self.out.push(self.separator);
        write_string(self.out, name);
        self.out.push(b':');
        if write(self.out) {
            self.separator = b',';
        } else {
            self.out.truncate(before);
        }
    }
}
