//! docs/mapping.md 1, the time fields, and §3, the reference's fault.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// Milliseconds of the years 0001 to 9999.
const FIRST: i128 = -62_135_596_800_000;
const LAST: i128 = 253_402_300_799_999;

/// The time of a self-hosted record, read by its shape: an object, decimal seconds, ISO 8601.
pub fn self_hosted(timestamp: Option<&Value>, elastic: bool) -> Result<String, String> {
    let millis = match timestamp {
        None => return Err("no time".to_owned()),
        Some(Value::Object(parts)) => {
            let second = integer(parts.get("epochSecond"));
            let nano = match parts.get("nano") {
                None => Some("0".to_owned()),
                nano => integer(nano),
            };
            match (second, nano) {
                (Some(second), Some(nano)) if elastic => double(&format!("{second}.{nano}")),
                (Some(second), Some(nano)) => exact(&second, &nano),
                _ => None,
            }
        }
        Some(Value::String(text)) => text_time(text, elastic),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => None,
    };
    format(millis.ok_or("unreadable time")?)
}

/// The time of a cloud record: epoch milliseconds, a number or digits in a string.
pub fn creation_date(value: &Value) -> Result<String, String> {
    let millis = match value {
        Value::Number(number) => whole_part(&number.to_string(), 0),
        Value::String(text) => text
            .strip_prefix(['+', '-'])
            .or(Some(text.as_str()))
            .filter(|digits| is_digits(digits))
            .and_then(|_| text.parse().ok()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    format(millis.ok_or("unreadable time")?)
}

/// A time of an organization's event: ISO 8601, or a year and a month.
pub fn organization(value: &Value) -> Result<String, String> {
    let text = value.as_str().ok_or("no text")?;
    let millis = match text.len() {
        7 => iso(&format!("{text}-01")),
        _ => iso(text),
    };
    format(millis.ok_or("unreadable time")?)
}

/// First decimal seconds, else ISO 8601.
fn text_time(text: &str, elastic: bool) -> Option<i128> {
    match DECIMAL.captures(text) {
        Some(seconds) if elastic => double(&seconds["number"]),
        Some(seconds) => whole_part(&seconds["number"], 3),
        None => iso(text),
    }
}

/// "Decimal seconds as a Java double is written", white space around it: what `String.trim` takes off.
static DECIMAL: LazyLock<Regex> = LazyLock::new(|| {
    let digits = r"([0-9]+\.?[0-9]*|\.[0-9]+)";
    let number = format!(r"(?<number>[+-]?{digits}([eE][+-]?[0-9]+)?)");
    Regex::new(&format!(r"^[\x00-\x20]*{number}[fFdD]?[\x00-\x20]*$")).expect("a regex")
});

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

/// A number's text times a power of ten without its fraction, exactly: `1.5e3` is 1500, `-1.5` is -1.
fn whole_part(number: &str, power: i64) -> Option<i128> {
    let number = number.to_ascii_lowercase();
    let (mantissa, exponent) = number.split_once('e').unwrap_or((&number, "0"));
    let magnitude = mantissa.trim_start_matches(['+', '-']);
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let zeros = whole.len() + fraction.len() - digits.len();
    if digits.is_empty() || exponent.starts_with('-') && exponent.len() > 10 {
        return Some(0);
    }
    let exponent = exponent.parse::<i64>().ok()?.checked_add(power)?;
    let length = |length: usize| i64::try_from(length).ok();
    let point = (length(whole.len())? - length(zeros)?).checked_add(exponent)?;
    if point > 30 {
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

/// "A full date in the years 0001–9999, alone or with `T` and a time; minutes, seconds and 1–9 fraction digits (after `.`
/// or `,`) optional; `Z`, `UTC` or an offset (`+01`, `+0100`, `+01:00`, `+01:00:30`), none = UTC."
static ISO: LazyLock<Regex> = LazyLock::new(|| {
    let date = r"(?<year>[0-9]{4})-(?<month>[0-9]{2})-(?<day>[0-9]{2})";
    let second = r"(:(?<second>[0-9]{2})([.,](?<fraction>[0-9]{1,9}))?)?";
    let clock = format!(r"(?<hour>[0-9]{{2}})(:(?<minute>[0-9]{{2}}){second})?");
    let (colon, none) = (r":[0-9]{2}(:[0-9]{2})?", r"[0-9]{2}");
    let zone = format!(r"(Z|UTC|(?<offset>[+-][0-9]{{2}}({colon}|{none})?))?");
    Regex::new(&format!("^{date}(T{clock}{zone})?$")).expect("a regex")
});

fn iso(text: &str) -> Option<i128> {
    let parts = ISO.captures(text)?;
    let number = |name: &str| {
        parts
            .name(name)
            .map_or(0, |digits| digits.as_str().parse::<i128>().expect("digits"))
    };
    let (year, month, day) = (number("year"), number("month"), number("day"));
    if year < 1 || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let (hour, minute, second) = (number("hour"), number("minute"), number("second"));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = parts.name("fraction").map_or("0", |digits| digits.as_str());
    let millis: i128 = format!("{fraction}00")[..3].parse().expect("digits");
    let offset = parts
        .name("offset")
        .map_or(Some(0), |text| offset(text.as_str()))?;
    let seconds = (days_since_1970(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
    Some((seconds - offset) * 1000 + millis)
}

/// An offset in seconds east of UTC, up to 18 hours as in `java.time`.
fn offset(text: &str) -> Option<i128> {
    let digits = text[1..].replace(':', "");
    let part = |at: usize| {
        digits
            .get(at..at + 2)
            .map_or(0, |two| two.parse().expect("digits"))
    };
    let (hours, minutes, seconds): (i128, i128, i128) = (part(0), part(2), part(4));
    let total = hours * 3600 + minutes * 60 + seconds;
    let is_offset = minutes < 60 && seconds < 60 && total <= 18 * 3600;
    is_offset.then_some(if text.starts_with('-') { -total } else { total })
}

/// `2021-11-22T23:44:13.873Z`, by counting the days off year by year and month by month.
fn format(millis: i128) -> Result<String, String> {
    if !(FIRST..=LAST).contains(&millis) {
        return Err("unreadable time: not within the years 0001 to 9999".to_owned());
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
