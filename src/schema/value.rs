//! Whether a value is of a field's type.

use std::net::IpAddr;

use serde_json::Value;

use super::fields::Type;
use crate::pipeline::timestamp::Timestamp;

/// Whether Elasticsearch takes the value for a field of that type, as the events have it.
///
/// Numbers and booleans do for keywords and texts: scalars are copied through with the JSON type
/// that the record gives them (docs/mapping.md 3). Flattened fields are lists, of anything, or single objects. A
/// [`Type::GeoPoint`] and a [`Type::Object`] have members, which [`super::validate`] checks.
pub(super) fn fits(kind: Type, value: &Value) -> bool {
    match kind {
        Type::Boolean => value.is_boolean(),
        Type::ConstantKeyword | Type::Keyword | Type::MatchOnlyText | Type::Wildcard => {
            is_scalar(value)
        }
        Type::Date => value.as_str().is_some_and(is_date),
        Type::Flattened => value.is_array() || value.is_object(),
        Type::Float | Type::ScaledFloat => value.is_number(),
        Type::GeoPoint | Type::Object => value.is_object(),
        Type::Ip => value
            .as_str()
            .is_some_and(|text| text.parse::<IpAddr>().is_ok()),
        Type::Long => is_long(value),
    }
}

/// What [`fits`] asks for, in words.
pub(super) fn expected(kind: Type) -> &'static str {
    match kind {
        Type::Boolean => "true or false",
        Type::ConstantKeyword | Type::Keyword | Type::MatchOnlyText | Type::Wildcard => {
            "a text, a number or a boolean"
        }
        Type::Date => "a time such as 2021-11-22T23:44:13.873Z",
        Type::Flattened => "a list of objects, or an object",
        Type::Float | Type::ScaledFloat => "a number",
        Type::GeoPoint => "an object of lat and lon",
        Type::Ip => "an IP address",
        Type::Long => "a whole number of 64 bits",
        Type::Object => "an object",
    }
}

/// A value in words, shortened.
pub(super) fn describe(value: &Value) -> String {
    const LONGEST: usize = 60;
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{:?}…", &text[..end]),
            None => format!("{text:?}"),
        },
    }
}

fn is_scalar(value: &Value) -> bool {
    value.is_string() || value.is_number() || value.is_boolean()
}

/// `1.0` is a whole number, as JSON Schema has it and Elasticsearch takes it.
fn is_long(value: &Value) -> bool {
    // 2^63, which is a double exactly.
    const END: f64 = 9_223_372_036_854_775_808.0;
    let is_whole = |number: f64| number.fract() == 0.0 && (-END..END).contains(&number);
    match value.as_number() {
        Some(number) if number.is_f64() => number.as_f64().is_some_and(is_whole),
        Some(number) => number.is_i64(),
        None => false,
    }
}

/// RFC 3339 with capital letters, at most nine digits of a fraction (nanoseconds, the finest that
/// Elasticsearch reads) and no leap seconds, which it refuses. [`Timestamp`] reads more than that.
fn is_date(text: &str) -> bool {
    let (Some(seconds), Some(rest)) = (text.get(..19), text.get(19..)) else {
        return false;
    };
    let is_to_the_second = matches!(seconds.as_bytes(), [.., b':', _, _, b':', _, _]);
    let fraction = rest.strip_prefix('.').map_or(0, |digits| {
        1 + digits.bytes().take_while(u8::is_ascii_digit).count()
    });
    let (local, offset) = text.split_at(seconds.len() + fraction);
    is_to_the_second && Timestamp::from_text(local).is_some() && is_offset(offset)
}

/// `Z`, `+02:00`
fn is_offset(text: &str) -> bool {
    let is_hours = |hours: &str| {
        let is_whole = matches!(hours.as_bytes(), [_, _, b':', _, _]);
        is_whole && Timestamp::from_text(&format!("2000-01-01T{hours}:00")).is_some()
    };
    text == "Z" || text.strip_prefix(['+', '-']).is_some_and(is_hours)
}
