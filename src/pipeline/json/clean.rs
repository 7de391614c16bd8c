//! Copying a value to the output with clean-up (docs/mapping.md 8) as it goes.

use super::{Kind, Value, Writer};

/// Appends `value` as compact JSON without null, `""`, `{}` and `[]`, from the leaves up. Returns
/// false, and appends nothing, if nothing is left of it.
#[inline]
pub fn copy_cleaned(out: &mut Writer, value: Value<'_>) -> bool {
    if value.is_clean() {
        value.copy(out);
        return true;
    }
    copy_unclean(out, value)
}

fn copy_unclean(out: &mut Writer, value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Null => false,
        Kind::Boolean | Kind::Integer | Kind::Float => {
            value.copy(out);
            true
        }
        Kind::String => match value.as_str() {
            Some(text) if !text.is_empty() => {
                out.string(&text);
                true
            }
            _ => false,
        },
        Kind::Array => {
            let mut separator = b'[';
            for element in value.elements() {
                let before = out.position();
                out.byte(separator);
                if copy_cleaned(out, element) {
                    separator = b',';
                } else {
                    out.cut_back(before);
                }
            }
            close(out, separator, b']')
        }
        Kind::Object => {
            let mut separator = b'{';
            for (key, value) in value.members() {
                if copy_cleaned_member(out, separator, key, value) {
                    separator = b',';
                }
            }
            close(out, separator, b'}')
        }
    }
}

/// Appends a separator and a member, cleaned; false, and nothing, if nothing is left of its value.
#[inline]
pub fn copy_cleaned_member(
    out: &mut Writer,
    separator: u8,
    key: Value<'_>,
    value: Value<'_>,
) -> bool {
    if value.is_null() {
        return false;
    }
    let before = out.position();
    out.byte(separator);
    key.copy_key(out);
    out.byte(b':');
    let any = copy_cleaned(out, value);
    if !any {
        out.cut_back(before);
    }
    any
}

/// Ends an array or object if anything is in it: then the separator is a comma.
fn close(out: &mut Writer, separator: u8, bracket: u8) -> bool {
    let any = separator == b',';
    if any {
        out.byte(bracket);
    }
    any
}
