//! Times: reading them from records (docs/mapping.md 1, §3, §4), writing them as `@timestamp`.

mod text;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;

use crate::pipeline::json::{Kind, Value};

use text::{DecimalSeconds, from_iso8601};

/// How the times of self-hosted records are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeMode {
    /// The exact time of the record.
    #[default]
    Exact,
    /// The time that Elastic's integration indexes (docs/mapping.md 3, "a known fault").
    Elastic,
}

/// An instant in the years 0001 to 9999, in milliseconds since the epoch; the epoch by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// First millisecond of the year 0001 and last of 9999, in every dialect (docs/mapping.md 1).
const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

impl Timestamp {
    /// An instant from milliseconds since the epoch; none outside the years 0001 to 9999.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        RANGE.contains(&millis).then_some(Self(millis))
    }

    /// Reads an ISO 8601 time, such as [`Self::json`] writes between the quotes.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        from_iso8601(text)
    }

    /// The current time.
    #[must_use]
    pub fn now() -> Self {
        let millis = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        Self(i64::try_from(millis).unwrap_or_default())
    }

    /// Reads `creationDate`: epoch milliseconds as a number, or as digits in a string.
    #[must_use]
    pub fn from_creation_date(value: Value<'_>) -> Option<Self> {
        let millis = match value.kind() {
            Kind::Integer => value.raw().parse().ok()?,
            Kind::String => {
                let text = value.as_str()?;
                let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
                all_digits(digits)?;
                text.parse().ok()?
            }
            // 1.637624653873e12 is a whole number, too.
            Kind::Float => truncate(value.raw().parse().ok()?),
            Kind::Null | Kind::Boolean | Kind::Array | Kind::Object => return None,
        };
        Self::from_millis(millis)
    }

    /// Reads the `timestamp` of a self-hosted record by its shape: `{epochSecond, nano}`, or text
    /// that holds decimal seconds since the epoch or else an ISO 8601 time.
    #[must_use]
    pub fn from_timestamp(value: Value<'_>, mode: TimeMode) -> Option<Self> {
        match value.kind() {
            Kind::Object => {
                let seconds = integer_text(value.get("epochSecond")?)?;
                let nano = match value.get("nano") {
                    Some(nano) => integer_text(nano)?,
                    None => "0".into(),
                };
                from_seconds_and_nano(&seconds, &nano, mode)
            }
            Kind::String => {
                let text = value.as_str()?;
                // No text is both, and most are ISO 8601.
                from_iso8601(&text).or_else(|| DecimalSeconds::parse(&text)?.time(mode))
            }
            Kind::Null | Kind::Boolean | Kind::Integer | Kind::Float | Kind::Array => None,
        }
    }

    /// Reads a time of an organization's event: an ISO 8601 time, or a year and a month (docs/org-events.md 3).
    #[must_use]
    pub fn from_organization(value: Value<'_>) -> Option<Self> {
        const YEAR_AND_MONTH: usize = "2026-03".len();
        let text = value.as_str()?;
        match text.len() {
            YEAR_AND_MONTH => from_iso8601(&format!("{text}-01")),
            _ => from_iso8601(&text),
        }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The instant so much later, in the years 0001 to 9999.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis).min(*RANGE.end()))
    }

    /// The instant so much earlier, in the years 0001 to 9999.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis).max(*RANGE.start()))
    }

    /// The instant as a date and time in UTC.
    #[must_use]
    pub fn to_utc(self) -> OffsetDateTime {
        // All of RANGE is in range.
        OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(self.0)
    }

    /// The instant of a date and time; none outside the years 0001 to 9999.
    #[must_use]
    pub fn of_utc(time: OffsetDateTime) -> Option<Self> {
        let millis = time.unix_timestamp_nanos().div_euclid(1_000_000);
        Self::from_millis(i64::try_from(millis).ok()?)
    }

    /// The time as JSON text, `"YYYY-MM-DDThh:mm:ss.mmmZ"`.
    #[must_use]
    pub fn json(self) -> [u8; 26] {
        const DAY: i64 = 86_400_000;
        let (year, month, day) = date_of(self.0.div_euclid(DAY));
        let in_day = u32::try_from(self.0.rem_euclid(DAY)).unwrap_or_default();
        let mut text = *b"\"0000-00-00T00:00:00.000Z\"";
        put_digits(&mut text[1..5], year);
        put_digits(&mut text[6..8], month);
        put_digits(&mut text[9..11], day);
        put_digits(&mut text[12..14], in_day / 3_600_000);
        put_digits(&mut text[15..17], in_day / 60_000 % 60);
        put_digits(&mut text[18..20], in_day / 1000 % 60);
        put_digits(&mut text[21..24], in_day % 1000);
        text
    }
}

/// `YYYY-MM-DDThh:mm:ss.mmmZ`
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = self.json();
        formatter.write_str(&String::from_utf8_lossy(&json[1..json.len() - 1]))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_iso8601(&text).ok_or_else(|| serde::de::Error::custom("no time"))
    }
}

/// Year, month and day of a day in the years 0001 to 9999, counted from 1970-01-01. Here years begin
/// in March, so that the leap day is their last, and an era has 400 of them.
fn date_of(day: i64) -> (u32, u32, u32) {
    const DAYS_OF_ERA: u32 = 146_097;
    // From the March 1st of the year -400, which is before all of them.
    let day = u32::try_from(day + 719_468 + i64::from(DAYS_OF_ERA)).unwrap_or_default();
    let (era, day) = (day / DAYS_OF_ERA, day % DAYS_OF_ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u32::from(month <= 2) - 400, month, day)
}

fn put_digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn all_digits(text: &str) -> Option<()> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates; from_millis checks the range"
)]
fn truncate(number: f64) -> i64 {
    number as i64
}

/// An integer's text, from a number or a string.
fn integer_text(value: Value<'_>) -> Option<std::borrow::Cow<'_, str>> {
    match value.kind() {
        Kind::Integer if value.raw() == "-0" => Some("0".into()),
        Kind::Integer | Kind::String => value.to_text(),
        Kind::Null | Kind::Boolean | Kind::Float | Kind::Array | Kind::Object => None,
    }
}

fn from_seconds_and_nano(seconds: &str, nano: &str, mode: TimeMode) -> Option<Timestamp> {
    all_digits(seconds.strip_prefix('-').unwrap_or(seconds))?;
    all_digits(nano)?;
    match mode {
        TimeMode::Exact => {
            let seconds: i64 = seconds.parse().ok()?;
            let nano: i64 = nano.parse().ok()?;
            if nano >= 1_000_000_000 {
                return None;
            }
            Timestamp::from_millis(seconds.checked_mul(1000)?.checked_add(nano / 1_000_000)?)
        }
        // The fault: the digits of `nano` as they are, not nine of them, become the fraction.
        TimeMode::Elastic => from_double(&format!("{seconds}.{nano}")),
    }
}

/// What the reference does with seconds in text: an IEEE double, times 1000, truncated.
fn from_double(seconds: &str) -> Option<Timestamp> {
    Timestamp::from_millis(truncate(seconds.parse::<f64>().ok()? * 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::json::Reader;

    fn read(json: &str, mode: TimeMode) -> Option<String> {
        let mut reader = Reader::default();
        let document = reader.read(json).unwrap();
        Timestamp::from_timestamp(document.root(), mode).map(text)
    }

    fn text(timestamp: Timestamp) -> String {
        let json = String::from_utf8(timestamp.json().to_vec()).unwrap();
        json.trim_matches('"').to_owned()
    }

    #[test]
    fn every_day_is_written_as_the_calendar_has_it() {
        for day in *RANGE.start() / 86_400_000..=*RANGE.end() / 86_400_000 {
            let date = OffsetDateTime::from_unix_timestamp(day * 86_400)
                .unwrap()
                .date();
            let expected = (
                date.year().unsigned_abs(),
                u8::from(date.month()).into(),
                date.day().into(),
            );
            assert_eq!(date_of(day), expected);
        }
    }

    #[test]
    fn timestamps_of_every_shape() {
        for (json, exact) in [
            (
                r#"{"epochSecond":1637624653,"nano":873000000}"#,
                "2021-11-22T23:44:13.873Z",
            ),
            (
                r#"{"epochSecond":1637624602,"nano":54000000}"#,
                "2021-11-22T23:43:22.054Z",
            ),
            (
                r#"{"epochSecond":1637624602,"nano":999999999}"#,
                "2021-11-22T23:43:22.999Z",
            ),
            (r#"{"epochSecond":1637624602}"#, "2021-11-22T23:43:22.000Z"),
            (
                r#"{"epochSecond":"1637624602","nano":null}"#,
                "2021-11-22T23:43:22.000Z",
            ),
            (
                r#"{"epochSecond":-1,"nano":5000000}"#,
                "1969-12-31T23:59:59.005Z",
            ),
            (
                r#"{"epochSecond":-0,"nano":-0}"#,
                "1970-01-01T00:00:00.000Z",
            ),
            (r#""1637624653.5""#, "2021-11-22T23:44:13.500Z"),
            (r#""1637624653""#, "2021-11-22T23:44:13.000Z"),
            (r#""2021-11-22T23:44Z""#, "2021-11-22T23:44:00.000Z"),
            (r#""2021-11-22T23:44:13""#, "2021-11-22T23:44:13.000Z"),
            (r#""2021-11-22T23:44:13,1""#, "2021-11-22T23:44:13.100Z"),
            (
                r#""2021-11-22T23:44:13.123456789+01:00""#,
                "2021-11-22T22:44:13.123Z",
            ),
            (
                r#""2021-11-22T23:44:13.1239-0530""#,
                "2021-11-23T05:14:13.123Z",
            ),
            (r#""2021-11-22T23:44:13+02""#, "2021-11-22T21:44:13.000Z"),
            (r#""1969-12-31T23:59:59.9999Z""#, "1969-12-31T23:59:59.999Z"),
            (r#""0001-01-01T00:00:00Z""#, "0001-01-01T00:00:00.000Z"),
            (
                r#"{"epochSecond":-62135596800}"#,
                "0001-01-01T00:00:00.000Z",
            ),
            (r#"{"epochSecond":1,"nano":{}}"#, "1970-01-01T00:00:01.000Z"),
            (r#"{"epochSecond":1,"nano":""}"#, "1970-01-01T00:00:01.000Z"),
            // Parts of an ISO 8601 time that need not be there, and zones.
            (r#""2021-11-22""#, "2021-11-22T00:00:00.000Z"),
            (r#""2021-11-22T23""#, "2021-11-22T23:00:00.000Z"),
            (r#""2021-11-22T23Z""#, "2021-11-22T23:00:00.000Z"),
            (r#""2021-11-22T23+01""#, "2021-11-22T22:00:00.000Z"),
            (r#""2021-11-22T23:44UTC""#, "2021-11-22T23:44:00.000Z"),
            (r#""2021-11-22T23:44:13.5UTC""#, "2021-11-22T23:44:13.500Z"),
            (
                r#""2021-11-22T23:44:13+01:00:30""#,
                "2021-11-22T22:43:43.000Z",
            ),
            (r#""2021-11-22T23:44:13-18:00""#, "2021-11-23T17:44:13.000Z"),
            // Decimal seconds as a Java double is written.
            (r#""+5""#, "1970-01-01T00:00:05.000Z"),
            (r#"".5""#, "1970-01-01T00:00:00.500Z"),
            (r#""-.5""#, "1969-12-31T23:59:59.500Z"),
            (r#""-1.9999""#, "1969-12-31T23:59:58.001Z"),
            (r#""1637624653.""#, "2021-11-22T23:44:13.000Z"),
            (r#""1.6E9""#, "2020-09-13T12:26:40.000Z"),
            (r#""1.6376246538739e+9""#, "2021-11-22T23:44:13.873Z"),
            (r#""16376246538739e-4""#, "2021-11-22T23:44:13.873Z"),
            (r#""5e-4""#, "1970-01-01T00:00:00.000Z"),
            (r#""1e-99999999999999999999""#, "1970-01-01T00:00:00.000Z"),
            (r#""0e99999999999999999999""#, "1970-01-01T00:00:00.000Z"),
            (r#"" \t1637624653.5\n""#, "2021-11-22T23:44:13.500Z"),
            (r#""1637624653.5d""#, "2021-11-22T23:44:13.500Z"),
            (r#""2021""#, "1970-01-01T00:33:41.000Z"),
            (r#""9999-12-31T23:59:59.999Z""#, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(
                read(json, TimeMode::Exact).as_deref(),
                Some(exact),
                "{json}"
            );
        }
    }

    #[test]
    fn the_fault_of_the_reference() {
        for (json, elastic) in [
            (
                r#"{"epochSecond":1637624602,"nano":54000000}"#,
                "2021-11-22T23:43:22.540Z",
            ),
            (
                r#"{"epochSecond":1637624602,"nano":999999999}"#,
                "2021-11-22T23:43:23.000Z",
            ),
            (
                r#"{"epochSecond":1637624602,"nano":7}"#,
                "2021-11-22T23:43:22.700Z",
            ),
            (r#"{"epochSecond":1637624602}"#, "2021-11-22T23:43:22.000Z"),
            (r#"{"epochSecond":-0,"nano":5}"#, "1970-01-01T00:00:00.500Z"),
        ] {
            assert_eq!(
                read(json, TimeMode::Elastic).as_deref(),
                Some(elastic),
                "{json}"
            );
        }
    }

    #[test]
    fn unreadable_times() {
        for json in [
            "{}",
            "[]",
            "1637624653",
            "true",
            r#""""#,
            r#""yesterday""#,
            r#"{"epochSecond":null}"#,
            r#"{"epochSecond":1.5}"#,
            r#"{"epochSecond":1,"nano":-1}"#,
            r#"{"epochSecond":1,"nano":1000000000}"#,
            r#"{"epochSecond":1,"nano":{"a":1}}"#,
            r#"{"epochSecond":""}"#,
            r#"{"epochSecond":-62135596801}"#,
            r#"{"epochSecond":253402300800}"#,
            r#"{"epochSecond":99999999999999}"#,
            r#"{"epochSecond":99999999999999999999999}"#,
            r#""2021-11""#,
            r#""2021-11-22T""#,
            r#""2021-11-22Z""#,
            r#"" 2021-11-22""#,
            r#""0000-01-01T00:00:00Z""#,
            r#""0001-01-01T00:00:00+01:00""#,
            r#""9999-12-31T23:59:59-01:00""#,
            r#""10000-01-01T00:00:00Z""#,
            r#""1637624653873""#,
            r#""1e400""#,
            r#""1e99999999999999999999""#,
            r#""NaN""#,
            r#""Infinity""#,
            r#""-inf""#,
            r#"".""#,
            r#""e5""#,
            r#""1e""#,
            r#""1.5.5""#,
            r#""+""#,
            r#""0x1p3""#,
            r#"" ""#,
            r#""2021-11-22 23:44:13Z""#,
            r#""2021-02-30T23:44:13Z""#,
            r#""2021-11-22T24:00:00Z""#,
            r#""2021-11-22T23:44:60Z""#,
            r#""2021-11-22T23:44:13.Z""#,
            r#""2021-11-22T23:44:13.1234567890Z""#,
            r#""2021-11-22T23:44:13+19:00""#,
            r#""2021-11-22T23:44:13+18:00:01""#,
            r#""2021-11-22T23:44:13+01:00:60""#,
            r#""2021-11-22T23:44:13+010030""#,
            r#""2021-11-22T23:44:13utc""#,
            r#""2021-11-22T23:44:13Zulu""#,
            r#""2021-11-22T23:44:13+1""#,
            r#""１637624653""#,
        ] {
            assert_eq!(read(json, TimeMode::Exact), None, "{json}");
        }
    }
}
