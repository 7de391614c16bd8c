//! Whether two values are equal as JSON stands (mapping.md §4, `affectedObject`).

use super::{Kind, Value, Writer};

impl Value<'_> {
    /// Appends a text that is equal for values that are equal as JSON stands: keys sorted, the last
    /// of a repeated key, integers and other numbers never equal.
    pub fn write_canonical(self, out: &mut Writer) {
        match self.kind() {
            Kind::Integer if self.raw() == "-0" => out.byte(b'0'),
            Kind::Null | Kind::Boolean | Kind::Integer => self.copy(out),
            Kind::Float => {
                let number = self.raw().parse::<f64>().unwrap_or(f64::NAN);
                out.text(format!("{number:?}").as_bytes());
            }
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
