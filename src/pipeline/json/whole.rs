//! Copying a value to the output with all that is in it, empty or not.

use super::{Kind, Value, Writer};

/// Appends `value` as compact JSON; of a key that stands twice the last value.
#[inline]
pub fn copy_whole(out: &mut Writer, value: Value<'_>) {
    if value.is_clean() {
        value.copy(out);
    } else {
        copy_unclean(out, value);
    }
}

fn copy_unclean(out: &mut Writer, value: Value<'_>) {
    match value.kind() {
        Kind::Null | Kind::Boolean | Kind::Integer | Kind::Float => value.copy(out),
        Kind::String => out.string(&value.as_str().unwrap_or_default()),
        Kind::Array => {
            out.byte(b'[');
            for (at, element) in value.elements().enumerate() {
                if at > 0 {
                    out.byte(b',');
                }
                copy_whole(out, element);
            }
            out.byte(b']');
        }
        Kind::Object => {
            out.byte(b'{');
            for (at, (key, value)) in value.members().enumerate() {
                if at > 0 {
                    out.byte(b',');
                }
                key.copy_key(out);
                out.byte(b':');
                copy_whole(out, value);
            }
            out.byte(b'}');
        }
    }
}
