//! Comparing two events as trees, with a readable list of what differs.

use serde_json::Value;

/// Panics with the dotted paths that differ. Numbers compare by value, exactly: `1.0` is `1.00` and `1e0` is `1`,
/// but `9007199254740993` is not `9007199254740992`; the order of keys does not matter.
pub fn assert_same_event(actual: &Value, expected: &Value, context: &str) {
    let mut lines = Vec::new();
    compare("", Some(actual), Some(expected), &mut lines);
    assert!(
        lines.is_empty(),
        "the events differ in {} place(s), {context}\n{}\n",
        lines.len(),
        lines.join("\n")
    );
}

fn compare(path: &str, actual: Option<&Value>, expected: Option<&Value>, lines: &mut Vec<String>) {
    match (actual, expected) {
        (Some(Value::Object(actual)), Some(Value::Object(expected))) => {
            let mut keys: Vec<&String> = actual.keys().chain(expected.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                compare(&path, actual.get(key), expected.get(key), lines);
            }
        }
        (Some(Value::Array(actual)), Some(Value::Array(expected))) => {
            for index in 0..actual.len().max(expected.len()) {
                let path = format!("{path}[{index}]");
                compare(&path, actual.get(index), expected.get(index), lines);
            }
        }
        (Some(Value::Number(actual)), Some(Value::Number(expected)))
            if decimal(&actual.to_string()) == decimal(&expected.to_string()) => {}
        (actual, expected) if actual == expected => {}
        (actual, expected) => {
            let show =
                |value: Option<&Value>| value.map_or("(absent)".to_owned(), Value::to_string);
            lines.push(format!(
                "  {path}\n    actual:   {}\n    expected: {}",
                show(actual),
                show(expected)
            ));
        }
    }
}

/// A number's value as (sign, digits without zeros at either end, power of ten of the last digit).
/// An exponent that no i64 holds leaves the text.
fn decimal(text: &str) -> (bool, String, i64) {
    let lower = text.to_ascii_lowercase();
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
    let Ok(exponent) = exponent.parse::<i64>() else {
        return (false, lower, 0);
    };
    let magnitude = mantissa.trim_start_matches('-');
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_matches('0');
    if digits.is_empty() {
        return (false, String::new(), 0);
    }
    let zeros = all.len() - all.trim_end_matches('0').len();
    let shift = i64::try_from(zeros).unwrap_or(0) - i64::try_from(fraction.len()).unwrap_or(0);
    (
        mantissa.starts_with('-'),
        digits.to_owned(),
        exponent.saturating_add(shift),
    )
}
