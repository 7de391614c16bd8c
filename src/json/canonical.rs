//! Whether two values are equal as JSON stands (mapping.md §4, `affectedObject`).

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

    /// Whether both are equal as JSON stands: whatever the order of members, the last of a repeated
    /// key, integers and other numbers never equal. All in all linear in the texts compared.
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
        *self.canonical.get_or_init(|| canonical(self.value)) == canonical(other)
    }
}

/// A text that is the same for equal values, however they are written.
#[must_use]
pub fn canonical(value: Value<'_>) -> Vec<u8> {
    let mut text = Writer::default();
    value.write_canonical(&mut text);
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
                self.elements().count() == other.elements().count()
                    && self
                        .elements()
                        .zip(other.elements())
                        .all(|(a, b)| a.equals(b))
            }
            Kind::Object => {
                self.members().count() == other.members().count()
                    && self.members().all(|(key, value)| {
                        let same_key = other.get(&key.as_str().unwrap_or_default());
                        same_key.is_some_and(|other| value.equals(other))
                    })
            }
        }
    }

    /// Appends a text that is equal for equal values: keys sorted, the last of a repeated key.
    fn write_canonical(self, out: &mut Writer) {
        match self.kind() {
            Kind::Null | Kind::Boolean => self.copy(out),
            Kind::Integer => out.text(integer(self).as_bytes()),
            Kind::Float => out.text(format!("{:?}", float(self)).as_bytes()),
            Kind::String => out.string(&self.as_str().unwrap_or_default()),
            Kind::Array => {
                out.byte(b'[');
                for element in self.elements() {
                    element.write_canonical(out);
                    out.byte(b',');
                }
                out.byte(b']');
            }
            Kind::Object => {
                let mut members: Vec<_> = self.members().collect();
                members.sort_by_cached_key(|(key, _)| key.as_str());
                out.byte(b'{');
                for (key, value) in members {
                    key.write_canonical(out);
                    out.byte(b':');
                    value.write_canonical(out);
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
