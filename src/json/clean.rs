//! Copying a value to the output with clean-up (mapping.md §8) as it goes.

use super::{Kind, Value, write_string};

/// Appends `value` as compact JSON without null, `""`, `{}` and `[]`, from the leaves up. Returns
/// false, and appends nothing, if nothing is left of it.
pub fn copy_cleaned(out: &mut Vec<u8>, value: Value<'_>) -> bool {
    if value.is_clean() {
        out.extend_from_slice(value.raw().as_bytes());
        return true;
    }
    match value.kind() {
        Kind::Null => false,
        Kind::Boolean | Kind::Integer | Kind::Float => {
            out.extend_from_slice(value.raw().as_bytes());
            true
        }
        Kind::String => match value.as_str() {
            Some(text) if !text.is_empty() => {
                write_string(out, &text);
                true
            }
            _ => false,
        },
        Kind::Array => {
            let start = out.len();
            let mut separator = b'[';
            for element in value.elements() {
                let before = out.len();
                out.push(separator);
                if copy_cleaned(out, element) {
                    separator = b',';
                } else {
                    out.truncate(before);
                }
            }
            close(out, start, b']')
        }
        Kind::Object => copy_cleaned_object(
            out,
            value
                .members()
                .into_iter()
                .map(|(key, value)| (key.raw(), key, value)),
        ),
    }
}

/// Appends an object of the given members (the key's JSON text if it is clean, the key, the value),
/// cleaned. Returns false, and appends nothing, if nothing is left of it.
pub fn copy_cleaned_object<'a>(
    out: &mut Vec<u8>,
    members: impl Iterator<Item = (&'a str, Value<'a>, Value<'a>)>,
) -> bool {
    let start = out.len();
    let mut separator = b'{';
    for (name, key, value) in members {
        let before = out.len();
        out.push(separator);
        if key.is_clean() {
            out.extend_from_slice(name.as_bytes());
        } else {
            write_string(out, &key.as_str().unwrap_or_default());
        }
        out.push(b':');
        if copy_cleaned(out, value) {
            separator = b',';
        } else {
            out.truncate(before);
        }
    }
    close(out, start, b'}')
}

fn close(out: &mut Vec<u8>, start: usize, bracket: u8) -> bool {
    let any = out.len() > start;
    if any {
        out.push(bracket);
    }
    any
}
