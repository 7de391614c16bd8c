//! Whether a value is of a field's type.

use std::net::IpAddr;

use serde_json::Value;

use super::fields::Type;

/// Whether Elasticsearch takes the value for a field of that type, as the events have it.
///
/// Numbers and booleans do for keywords and texts: scalars are copied through with the JSON type
/// that the record gives them (mapping.md §3). Flattened fields are lists, of anything, or single objects. A
/// [`Type::GeoPoint`] and a [`Type::Object`] have members, which [`super::validate`] checks.
pub(super) fn fits(kind: Type, value: &Value) -> bool {
    match kind {
        Type::Boolean => value.is_boolean(),
        Type::ConstantKeyword | Type::Keyword | Type::MatchOnlyText => is_scalar(value),
        Type::Date => value.as_str().is_some_and(is_date),
        Type::Flattened => value.is_array() || value.is_object(),
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
        Type::ConstantKeyword | Type::Keyword | Type::MatchOnlyText => {
            "a text, a number or a boolean"
        }
        Type::Date => "a time such as 2021-11-22T23:44:13.873Z",
        Type::Flattened => "a list of objects, or an object",
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
/// Elasticsearch reads) and no leap seconds, which it refuses.
fn is_date(text: &str) -> bool {
    let (Some(date), Some(time)) = (text.get(..10), text.get(11..19)) else {
        return false;
    };
    text.as_bytes()[10] == b'T'
        && is_day(date)
        && is_time_of_day(time)
        && is_fraction_and_offset(&text[19..])
}

/// `2021-11-22`
fn is_day(text: &str) -> bool {
    let Some([year, month, day]) = numbers(text, '-') else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// `23:44:13`
fn is_time_of_day(text: &str) -> bool {
    let hours_and_more = numbers(text, ':');
    hours_and_more.is_some_and(|[hour, minute, second]| hour < 24 && minute < 60 && second < 60)
}

/// `.873Z`, `+02:00`
fn is_fraction_and_offset(text: &str) -> bool {
    let offset = match text.strip_prefix('.') {
        None => text,
        Some(rest) => {
            let offset = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
            if !(1..=9).contains(&(rest.len() - offset.len())) {
                return false;
            }
            offset
        }
    };
    let is_hours = |text: &str| text.len() == 5 && is_time_of_day(&format!("{text}:00"));
    offset == "Z" || offset.strip_prefix(['+', '-']).is_some_and(is_hours)
}

/// Three numbers, all but the first of two digits.
fn numbers(text: &str, separator: char) -> Option<[u32; 3]> {
    let mut parts = text.split(separator);
    let mut next = |first: bool| {
        let part = parts.next()?;
        let is_number = part.bytes().all(|digit| digit.is_ascii_digit());
        (is_number && (first || part.len() == 2)).then(|| part.parse().ok())?
    };
    let numbers = [next(true)?, next(false)?, next(false)?];
    parts.next().is_none().then_some(numbers)
}
