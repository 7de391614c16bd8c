//! Whether two values are equal without what is empty (docs/mapping.md 4, `affectedObject`), and a text by
//! which equal values are known.

use std::cell::OnceCell;

use super::{Kind, Value, Writer};

/// Longer values are compared by their canonical texts, not member by member: they may be made to
/// take time.
const SHORT: usize = 1 << 10;

/// A value that others are compared with.
#[derive(Debug)]
pub struct Pattern<'a> {
    value: Value<'a>,
    canonical: OnceCell<Vec<u8>>,
}

impl<'a> Pattern<'a> {
    /// A pattern of a value.
    #[must_use]
    pub fn new(value: Value<'a>) -> Self {
        Self {
            value,
            canonical: OnceCell::new(),
        }
    }

    /// Whether both are equal without what is empty: whatever the order of members, the last of a
    /// repeated key, integers and other numbers never equal. All in all linear in the texts compared.
    #[must_use]
    pub fn equals(&self, other: Value<'_>) -> bool {
        if self.value.kind() != other.kind() {
            return false;
        }
        if self.value.raw() == other.raw() {
            return true;
        }
        if self.value.raw().len() <= SHORT && other.raw().len() <= SHORT {
            return self.value.equals(other);
        }
        let text = |value: Value<'_>| {
            let mut text = Writer::default();
            value.write_canonical(&mut text, Empty::LeftOut);
            text.into_bytes()
        };
        *self.canonical.get_or_init(|| text(self.value)) == text(other)
    }
}

/// What becomes of what is empty (docs/mapping.md 2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    Kept,
    LeftOut,
}

/// A text that is the same for equal values, however they are written.
#[must_use]
pub fn canonical(value: Value<'_>) -> Vec<u8> {
    let mut text = Writer::default();
    value.write_canonical(&mut text, Empty::Kept);
    text.into_bytes()
}

impl Value<'_> {
    fn equals(self, other: Value<'_>) -> bool {
        if self.kind() != other.kind() {
            return false;
        }
        match self.kind() {
            Kind::Null => true,
            Kind::Boolean => self.raw() == other.raw(),
            Kind::Integer => integer(self) == integer(other),
            Kind::Float => float(self).to_bits() == float(other).to_bits(),
            Kind::String => self.as_str() == other.as_str(),
            Kind::Array => {
                let mut others = other.elements().filter_map(Value::non_empty);
                let mut elements = self.elements().filter_map(Value::non_empty);
                elements.all(|element| others.next().is_some_and(|other| element.equals(other)))
                    && others.next().is_none()
            }
            Kind::Object => {
                let count = |object: Value<'_>| {
                    let members = object.members();
                    members.filter(|(_, value)| !value.is_empty()).count()
                };
                let mut members = self.members().filter(|(_, value)| !value.is_empty());
                members.all(|(key, value)| {
                    let same_key = other.get(&key.as_str().unwrap_or_default());
                    same_key.is_some_and(|other| value.equals(other))
                }) && count(self) == count(other)
            }
        }
    }

    /// Appends a text that is equal for equal values: keys sorted, the last of a repeated key.
    fn write_canonical(self, out: &mut Writer, empty: Empty) {
        let is_kept = |value: Value<'_>| empty == Empty::Kept || !value.is_empty();
        match self.kind() {
            Kind::Null | Kind::Boolean => self.copy(out),
            Kind::Integer => out.text(integer(self).as_bytes()),
            Kind::Float => out.text(format!("{:?}", float(self)).as_bytes()),
            Kind::String => out.string(&self.as_str().unwrap_or_default()),
            Kind::Array => {
                out.byte(b'[');
                for element in self.elements().filter(|element| is_kept(*element)) {
                    element.write_canonical(out, empty);
                    out.byte(b',');
                }
                out.byte(b']');
            }
            Kind::Object => {
                let members = self.members().filter(|(_, value)| is_kept(*value));
                let mut members: Vec<_> = members.collect();
                members.sort_by_cached_key(|(key, _)| key.as_str());
                out.byte(b'{');
                for (key, value) in members {
                    key.write_canonical(out, empty);
                    out.byte(b':');
                    value.write_canonical(out, empty);
                    out.byte(b',');
                }
                out.byte(b'}');
            }
        }
    }
}

fn integer(value: Value<'_>) -> &str {
    match value.raw() {
        "-0" => "0",
        text => text,
    }
}

fn float(value: Value<'_>) -> f64 {
    value.raw().parse().unwrap_or(f64::NAN)
}
