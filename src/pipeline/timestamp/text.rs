//! Times in texts (docs/mapping.md 1): decimal seconds since the epoch, and ISO 8601.

use time::{Date, Month, Time};

use super::{TimeMode, Timestamp, all_digits, from_double};

/// Decimal seconds since the epoch as a Java `double` is written: `1637624653.5`, `+5`, `.5`, `5.`, `1.6E9`, and as
/// `Double.parseDouble` takes them, with white space around and a `d` or `f` behind.
pub(super) struct DecimalSeconds<'a> {
    /// The whole text, without white space and suffix.
    text: &'a str,
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: &'a str,
}

impl<'a> DecimalSeconds<'a> {
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_matches(|c: char| c <= ' ');
        let text = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        all_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))?;
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number =
            are_digits(whole) && are_digits(fraction) && mantissa != "." && !mantissa.is_empty();
        is_number.then_some(Self {
            text,
            is_negative: text.starts_with('-'),
            whole,
            fraction,
            exponent,
        })
    }

    pub fn time(&self, mode: TimeMode) -> Option<Timestamp> {
        match mode {
            TimeMode::Exact => self.exact(),
            TimeMode::Elastic => from_double(self.text),
        }
    }

    /// The milliseconds, finer digits cut off.
    fn exact(&self) -> Option<Timestamp> {
        /// More digits than any time has.
        const MOST: i64 = 18;
        let zeros = |digits: &str| digits.len() - digits.trim_start_matches('0').len();
        let digits = || self.whole.bytes().chain(self.fraction.bytes());
        let leading = match zeros(self.whole) {
            all if all == self.whole.len() => all + zeros(self.fraction),
            some => some,
        };
        if leading == self.whole.len() + self.fraction.len() {
            return Timestamp::from_millis(0);
        }
        // What does not fit is far out of range anyway.
        let exponent = self
            .exponent
            .parse()
            .unwrap_or(if self.exponent.starts_with('-') {
                i64::MIN
            } else {
                i64::MAX
            });
        let before_point = i64::try_from(self.whole.len()).ok()? - i64::try_from(leading).ok()?;
        let count = before_point.saturating_add(exponent).saturating_add(3);
        if count > MOST {
            return None;
        }
        let count = usize::try_from(count).unwrap_or(0);
        let shown = digits().skip(leading).chain(std::iter::repeat(b'0'));
        let millis = shown
            .take(count)
            .fold(0, |millis, digit| millis * 10 + i64::from(digit - b'0'));
        Timestamp::from_millis(if self.is_negative { -millis } else { millis })
    }
}

/// The milliseconds in the digits of a fraction of a second; finer digits are cut off.
fn first_three(fraction: &str) -> u16 {
    let mut millis = 0;
    for digit in fraction.bytes().chain(*b"00").take(3) {
        millis = millis * 10 + u16::from(digit - b'0');
    }
    millis
}

/// `YYYY-MM-DD[Thh[:mm[:ss[(.|,)fraction]]][zone]]`; without a zone UTC.
pub(super) fn from_iso8601(text: &str) -> Option<Timestamp> {
    let mut rest = text;
    let year: i32 = number(&mut rest, 4)?.into();
    literal(&mut rest, '-')?;
    let month = number(&mut rest, 2)?;
    literal(&mut rest, '-')?;
    let day = number(&mut rest, 2)?;
    let clock = if rest.is_empty() {
        Clock::default()
    } else {
        literal(&mut rest, 'T')?;
        clock(&mut rest)?
    };
    let offset = offset_seconds(rest)?;

    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    let time = Time::from_hms(
        u8::try_from(clock.hour).ok()?,
        u8::try_from(clock.minute).ok()?,
        u8::try_from(clock.second).ok()?,
    )
    .ok()?;
    let seconds = date.with_time(time).assume_utc().unix_timestamp() - i64::from(offset);
    Timestamp::from_millis(seconds * 1000 + i64::from(clock.millis))
}

#[derive(Default)]
struct Clock {
    hour: u16,
    minute: u16,
    second: u16,
    millis: u16,
}

/// Takes `hh[:mm[:ss[(.|,)fraction]]]` off the front.
fn clock(rest: &mut &str) -> Option<Clock> {
    let mut clock = Clock {
        hour: number(rest, 2)?,
        ..Clock::default()
    };
    if literal(rest, ':').is_none() {
        return Some(clock);
    }
    clock.minute = number(rest, 2)?;
    if literal(rest, ':').is_none() {
        return Some(clock);
    }
    clock.second = number(rest, 2)?;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        clock.millis = first_three(&fraction[..digits]);
        *rest = &fraction[digits..];
    }
    Some(clock)
}

/// The seconds that a local time is ahead of UTC, from `Z`, `UTC`, `±hh`, `±hhmm`, `±hh:mm`, `±hh:mm:ss`
/// or nothing.
fn offset_seconds(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first() {
        None => return Some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return matches!(text, "Z" | "UTC").then_some(0),
    };
    let mut rest = &text[1..];
    let hours = number(&mut rest, 2)?;
    let (mut minutes, mut seconds) = (0, 0);
    if literal(&mut rest, ':').is_some() {
        minutes = number(&mut rest, 2)?;
        if literal(&mut rest, ':').is_some() {
            seconds = number(&mut rest, 2)?;
        }
    } else if !rest.is_empty() {
        minutes = number(&mut rest, 2)?;
    }
    // 18 hours is the largest offset that java.time, and so the reference, knows.
    let total = i32::from(hours) * 3600 + i32::from(minutes) * 60 + i32::from(seconds);
    let in_range = minutes < 60 && seconds < 60 && total <= 18 * 3600;
    (rest.is_empty() && in_range).then_some(sign * total)
}

/// Takes `digits` digits off the front.
fn number(rest: &mut &str, digits: usize) -> Option<u16> {
    let text = rest.get(..digits)?;
    all_digits(text)?;
    *rest = &rest[digits..];
    text.parse().ok()
}

fn literal(rest: &mut &str, expected: char) -> Option<()> {
    *rest = rest.strip_prefix(expected)?;
    Some(())
}
