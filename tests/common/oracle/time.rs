//! mapping.md §1, the time fields, and §3, the reference's fault.

use serde_json::Value;

/// Milliseconds of the years 0000 to 9999.
const FIRST: i128 = -62_167_219_200_000;
const LAST: i128 = 253_402_300_799_999;

/// The time of a self-hosted record, read by its shape: an object, decimal seconds, ISO 8601.
pub fn self_hosted(timestamp: Option<&Value>, elastic: bool) -> Result<String, String> {
    let millis = match timestamp {
        None | Some(Value::Null) => return Err("no time".to_owned()),
        Some(Value::Object(parts)) => {
            let second = integer(parts.get("epochSecond"));
            let nano = match parts.get("nano") {
                None | Some(Value::Null) => Some("0".to_owned()),
                nano => integer(nano),
            };
            match (second, nano) {
                (Some(second), Some(nano)) if elastic => double(&format!("{second}.{nano}")),
                (Some(second), Some(nano)) => exact(&second, &nano),
                _ => None,
            }
        }
        Some(Value::String(text)) if is_decimal(text) && elastic => double(text),
        Some(Value::String(text)) if is_decimal(text) => decimal_seconds(text),
        Some(Value::String(text)) => iso(text),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_)) => None,
    };
    format(millis.ok_or("unreadable time")?)
}

/// The time of a cloud record: epoch milliseconds, a number or digits in a string.
pub fn creation_date(value: Option<&Value>) -> Result<String, String> {
    let millis = match value {
        None | Some(Value::Null) => return Err("no time".to_owned()),
        Some(Value::Number(number)) => whole_part(&number.to_string()),
        Some(Value::String(text)) => text
            .strip_prefix(['+', '-'])
            .or(Some(text.as_str()))
            .filter(|digits| is_digits(digits))
            .and_then(|_| text.parse().ok()),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
    };
    format(millis.ok_or("unreadable time")?)
}

/// `epochSecond` or `nano`: an integer or a string of digits, as text.
fn integer(value: Option<&Value>) -> Option<String> {
    match value? {
        // `serde_json` reads the integer `-0` as a double.
        Value::Number(number) if number.to_string() == "-0.0" => Some("0".to_owned()),
        Value::Number(number) => Some(number.to_string().parse::<i128>().ok()?.to_string()),
        Value::String(text) => is_digits(text).then(|| text.clone()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn exact(second: &str, nano: &str) -> Option<i128> {
    let (second, nano): (i128, i128) = (second.parse().ok()?, nano.parse().ok()?);
    let in_range = (0..1_000_000_000).contains(&nano);
    if !in_range {
        return None;
    }
    second.checked_mul(1000)?.checked_add(nano / 1_000_000)
}

/// "parse that text as an IEEE double, multiply by 1000.0, truncate to an integer".
#[allow(clippy::cast_possible_truncation)]
fn double(text: &str) -> Option<i128> {
    let seconds: f64 = text.parse().ok()?;
    Some((seconds * 1000.0).trunc() as i128)
}

/// `[+-]digits[.digits]`.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    match digits.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(digits),
    }
}

/// Exactly, finer digits cut off the instant (before 1970 that is away from zero).
fn decimal_seconds(text: &str) -> Option<i128> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let padded = format!("{fraction}000");
    let (millis, finer) = padded.split_at(3);
    let magnitude = whole.parse::<i128>().ok()?.checked_mul(1000)? + millis.parse::<i128>().ok()?;
    if text.starts_with('-') {
        let cut = i128::from(finer.bytes().any(|digit| digit != b'0'));
        Some(-magnitude - cut)
    } else {
        Some(magnitude)
    }
}

/// A JSON number's text without its fraction, exactly: `1.5e3` is 1500, `-1.5` is -1.
fn whole_part(number: &str) -> Option<i128> {
    let number = number.to_ascii_lowercase();
    let (mantissa, exponent) = number.split_once('e').unwrap_or((&number, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let magnitude = mantissa.trim_start_matches('-');
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let digits = format!("{whole}{fraction}");
    if digits.bytes().all(|digit| digit == b'0') {
        return Some(0);
    }
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
    if point > 400 {
        return None;
    }
    let kept: String = (0..point)
        .map(|place| {
            let place = usize::try_from(place).expect("counted from 0");
            digits.chars().nth(place).unwrap_or('0')
        })
        .collect();
    let value: i128 = if kept.is_empty() {
        0
    } else {
        kept.parse().ok()?
    };
    Some(if mantissa.starts_with('-') {
        -value
    } else {
        value
    })
}

/// `YYYY-MM-DDTHH:MM[:SS[(.|,)d{1,9}]][Z|±HH:MM|±HHMM|±HH]`, no zone = UTC.
fn iso(text: &str) -> Option<i128> {
    let (date, rest) = text.split_once('T')?;
    let date: Vec<&str> = date.split('-').collect();
    let [year, month, day] = date[..] else {
        return None;
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }

    let zone = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone);
    let clock: Vec<&str> = clock.splitn(3, ':').collect();
    let (hour, minute) = (number(clock[0], 2)?, number(clock.get(1)?, 2)?);
    let (second, millis) = match clock.get(2) {
        Some(text) => second_and_millis(text)?,
        None => (0, 0),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }

    let minutes = days_since_1970(year, month, day) * 24 * 60 + hour * 60 + minute - offset(zone)?;
    Some((minutes * 60 + second) * 1000 + millis)
}

fn second_and_millis(text: &str) -> Option<(i128, i128)> {
    let Some((second, fraction)) = text.split_once(['.', ',']) else {
        return Some((number(text, 2)?, 0));
    };
    if !is_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let millis = format!("{fraction}00")[..3].parse().ok()?;
    Some((number(second, 2)?, millis))
}

/// A zone in minutes east of UTC.
fn offset(zone: &str) -> Option<i128> {
    if zone.is_empty() || zone == "Z" {
        return Some(0);
    }
    let (sign, digits) = zone.split_at(1);
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => (digits.get(..2)?, digits.get(2..)?),
        5 => digits.split_once(':')?,
        _ => return None,
    };
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    let total = hours * 60 + minutes;
    match sign {
        "+" if hours <= 23 && minutes <= 59 => Some(total),
        "-" if hours <= 23 && minutes <= 59 => Some(-total),
        _ => None,
    }
}

/// `2021-11-22T23:44:13.873Z`, by counting the days off year by year and month by month.
fn format(millis: i128) -> Result<String, String> {
    if !(FIRST..=LAST).contains(&millis) {
        return Err("unreadable time: not within the years 0000 to 9999".to_owned());
    }
    let (mut days, in_day) = (
        millis.div_euclid(86_400_000) - days_since_1970(0, 1, 1),
        millis.rem_euclid(86_400_000),
    );
    let mut year = 0;
    while days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_in_month(year, month) {
        days -= days_in_month(year, month);
        month += 1;
    }
    let (day, hour, minute) = (days + 1, in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1000 % 60, in_day % 1000);
    Ok(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
    ))
}

fn days_since_1970(year: i128, month: i128, day: i128) -> i128 {
    let years: i128 = if year >= 1970 {
        (1970..year).map(days_in_year).sum()
    } else {
        -(year..1970).map(days_in_year).sum::<i128>()
    };
    years + (1..month).map(|m| days_in_month(year, m)).sum::<i128>() + day - 1
}

fn days_in_year(year: i128) -> i128 {
    (1..=12).map(|month| days_in_month(year, month)).sum()
}

fn days_in_month(year: i128, month: i128) -> i128 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i128> {
    (text.len() == digits && is_digits(text)).then(|| text.parse().expect("digits"))
}
