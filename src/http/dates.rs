//! Times in the headers of answers (RFC 9110, 5.6.7), which are read by the server's clock.

use std::time::{Duration, SystemTime};

use super::Headers;
use crate::pipeline::timestamp::Timestamp;

/// In the year 2001: a server whose clock is before that has none, and only counts from its start.
const OLDEST: Duration = Duration::from_secs(1_000_000_000);

/// The `Date` of an answer: what its server's clock showed. None if that is no clock's time.
pub(super) fn server_time(headers: &Headers) -> Option<SystemTime> {
    let text = headers.get("date")?.to_str().ok()?;
    let date =
        http_date(text).or_else(|| Some(Timestamp::from_text(text.trim())?.to_utc().into()))?;
    let since = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    (since >= OLDEST).then_some(date)
}

/// An HTTP date, in whatever case.
fn http_date(text: &str) -> Option<SystemTime> {
    let mut is_in_word = false;
    let title_case = |character: char| {
        let is_first = !std::mem::replace(&mut is_in_word, character.is_ascii_alphabetic());
        if is_first {
            character.to_ascii_uppercase()
        } else {
            character.to_ascii_lowercase()
        }
    };
    let text: String = text.trim().chars().map(title_case).collect();
    let date = httpdate::parse_http_date(&text.replace("Gmt", "GMT"));
    date.ok().or_else(|| mail_date(&text.replace("Gmt", "GMT")))
}

/// A date as mail has it (RFC 5322): with an offset or another name of UTC, and without a weekday.
fn mail_date(text: &str) -> Option<SystemTime> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let text = text.split_once(',').map_or(text, |(_, rest)| rest);
    let mut words = text.split_whitespace();
    let (day, month) = (words.next()?, words.next().filter(|word| word.len() == 3)?);
    let (year, clock) = (words.next()?, words.next()?);
    let month = MONTHS.find(month).filter(|at| at % 3 == 0)? / 3 + 1;
    let offset = match words.next()? {
        "GMT" | "Utc" | "Ut" | "Z" => "Z".to_owned(),
        zone if zone.len() == 5 && zone.is_ascii() => format!("{}:{}", &zone[..3], &zone[3..]),
        _ => return None,
    };
    let time = format!("{year}-{month:02}-{day:0>2}T{clock}{offset}");
    Some(Timestamp::from_text(&time)?.to_utc().into())
}

/// Whether there is a `Date` that nobody can read.
pub(super) fn has_unreadable_date(headers: &Headers) -> bool {
    let date = headers
        .get("date")
        .map(|date| date.to_str().unwrap_or_default());
    date.is_some_and(|text| {
        http_date(text).is_none() && Timestamp::from_text(text.trim()).is_none()
    })
}

/// How long the server asks to be left alone, by a header such as `Retry-After`: as seconds, an HTTP date, or an
/// ISO 8601 time. Times are by the clock of the answer's own `Date`; without one, by `came`, when the answer
/// came here.
pub(super) fn wait_of(headers: &Headers, name: &str, came: SystemTime) -> Option<Duration> {
    let now = server_time(headers).unwrap_or(came);
    wait(headers.get(name)?.to_str().ok()?.trim(), now)
}

/// Seconds count from now, unless there are so many that they count from 1970; so do milliseconds.
fn wait(text: &str, now: SystemTime) -> Option<Duration> {
    const YEAR_2001: f64 = 1e9;
    const YEAR_2001_MILLIS: f64 = 1e12;
    let until = |time: SystemTime| time.duration_since(now).unwrap_or_default();
    let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0);
    if let Some(number) = number {
        let seconds = if number >= YEAR_2001_MILLIS {
            number / 1000.0
        } else {
            number
        };
        let duration = Duration::try_from_secs_f64(seconds).ok()?;
        if seconds >= YEAR_2001 {
            return SystemTime::UNIX_EPOCH.checked_add(duration).map(until);
        }
        return Some(duration);
    }
    http_date(text)
        .or_else(|| Some(Timestamp::from_text(text)?.to_utc().into()))
        .map(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        wait(text, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn waits_are_read_in_all_their_forms() {
        assert_eq!(seconds("7"), Some(7));
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds("1800000009"), Some(9));
        assert_eq!(seconds("1800000009000"), Some(9));
        assert_eq!(seconds("1700000000"), Some(0), "over already");
        for date in [
            "Fri, 15 Jan 2027 08:00:30 GMT",
            "fri, 15 jan 2027 08:00:30 gmt",
            "FRI, 15 JAN 2027 08:00:30 GMT",
            "friday, 15-jan-27 08:00:30 gmt",
            "Fri Jan 15 08:00:30 2027",
            "2027-01-15T08:00:30Z",
        ] {
            assert_eq!(seconds(date), Some(30), "{date}");
        }
        for nonsense in ["", "-1", "soon", "NaN", "1e400"] {
            assert_eq!(seconds(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_server_without_a_clock_has_no_time() {
        let time = |date: &str| {
            let mut headers = Headers::new();
            headers.insert("date", date.parse().unwrap());
            let time = server_time(&headers)?;
            Some(httpdate::fmt_http_date(time))
        };
        let date = "Thu, 26 Nov 2026 08:00:00 GMT";
        assert_eq!(time(date).as_deref(), Some(date));
        assert_eq!(time(&date.to_lowercase()).as_deref(), Some(date));
        for other in [
            "Thu, 26 Nov 2026 08:00:00 +0000",
            "Thu, 26 Nov 2026 09:00:00 +0100",
            "Thu, 26 Nov 2026 08:00:00 UTC",
            "26 Nov 2026 08:00:00 GMT",
            "26 nov 2026 03:00:00 -0500",
            "2026-11-26T08:00:00Z",
            "2026-11-26T09:00:00+01:00",
        ] {
            assert_eq!(time(other).as_deref(), Some(date), "{other}");
        }
        assert_eq!(time("Thu, 01 Jan 1970 00:00:07 GMT"), None);
        assert_eq!(time("now"), None);
    }
}
