//! Whether two values are equal as JSON stands (mapping.md §4, `affectedObject`).

use super::{Kind, Value, Writer};

/// Objects of more members are compared by their canonical texts, not member by member: such an
/// object may be made to take time.
const FEW: usize = 16;

impl Value<'_> {
    /// Whether both are equal as JSON stands: whatever the order of members, the last of a repeated
    /// key, integers and other numbers never equal.
    #[must_use]
    pub fn equals(self, other: Value<'_>) -> bool {
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
                    && self.elements().zip(other.elements()).all(|(a, b)| a.equals(b))
            }
            Kind::Object => self.equals_object(other),
        }
    }

    fn equals_object(self, other: Value<'_>) -> bool {
        let count = |object: Value<'_>| object.members().take(FEW + 1).count();
        if count(self) != count(other) {
            return false;
        }
        if count(self) > FEW {
            let canonical = |object: Value<'_>| {
                let mut text = Writer::default();
                object.write_canonical(&mut text);
                text.into_bytes()
            };
            return canonical(self) == canonical(other);
        }
        self.members().all(|(key, value)| {
            let same_key = other.get(&key.as_str().unwrap_or_default());
            same_key.is_some_and(|other| value.equals(other))
        })
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
