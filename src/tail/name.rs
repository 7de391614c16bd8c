//! What a file's name says of its place among the files that one log leaves behind.

use std::cmp::Reverse;

/// The place of a file in its series, told by its name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// What all files of the series have in common: the name without what rotation adds. Data
    /// Center's own files of one directory are one series.
    pub series: String,
    /// The name of the log that this is a rotated file of; none if it is no rotated file.
    pub rotated_from: Option<String>,
    /// Where in the series it stands.
    pub age: Age,
}

/// Where in its series a file stands; the oldest is the smallest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    /// Date and number of Data Center's own scheme (sources.md).
    data_center: Option<(u32, u64)>,
    rotation: Rotation,
}

/// What logrotate added to a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Rotation {
    /// A date, perhaps with a time: its digits.
    Dated(String),
    /// A number: the highest is the oldest.
    Numbered(Reverse<u64>),
    /// Something that only its content could tell.
    Other,
    /// Nothing: it is the newest.
    Current,
}

impl Name {
    /// Reads a file name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let (plain, is_compressed) = without_compression(name);
        let (base, mut rotation) = without_rotation(plain);
        if is_compressed && rotation == Rotation::Current {
            // `NAME.gz` is what became of an earlier NAME.
            rotation = Rotation::Numbered(Reverse(0));
        }
        let data_center = data_center(&base);
        Self {
            series: if data_center.is_some() {
                "YYYYMMDD.NNNNN.audit.log".to_owned()
            } else {
                base.clone()
            },
            age: Age {
                data_center,
                rotation,
            },
            rotated_from: (base != name).then_some(base),
        }
    }
}

impl Age {
    /// The age of what was a log of this age, and is now under a name that tells nothing.
    #[must_use]
    pub fn renamed(&self) -> Self {
        Self {
            data_center: self.data_center,
            rotation: self.rotation.clone().min(Rotation::Other),
        }
    }

    /// Whether a file of this age may hold what stood in one of that age: of the same log, and
    /// rotated longer ago.
    #[must_use]
    pub fn is_rotation_of(&self, other: &Self) -> bool {
        self.data_center == other.data_center && self.rotation <= other.rotation
    }
}

fn without_compression(name: &str) -> (&str, bool) {
    let plain = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"));
    match plain {
        Some(plain) if !plain.is_empty() => (plain, true),
        _ => (name, false),
    }
}

/// The name before rotation, and what rotation added: `NAME.1`, `NAME-20260411`,
/// `NAME-20260411-060000`, or, with logrotate's `extension`, `STEM.1.EXT`, `STEM-20260411.EXT`.
fn without_rotation(name: &str) -> (String, Rotation) {
    if let Some((base, number)) = without_number(name) {
        return (base.to_owned(), Rotation::Numbered(Reverse(number)));
    }
    if let Some((base, date)) = without_date(name) {
        return (base.to_owned(), Rotation::Dated(date));
    }
    // With logrotate's `extension`, the same stands before that.
    if let Some((stem, extension)) = name.rsplit_once('.')
        && !extension.bytes().all(|byte| byte.is_ascii_digit())
    {
        if let Some((base, date)) = without_date(stem) {
            return (format!("{base}.{extension}"), Rotation::Dated(date));
        }
        if let Some((base, number)) = without_number(stem) {
            return (
                format!("{base}.{extension}"),
                Rotation::Numbered(Reverse(number)),
            );
        }
    }
    (name.to_owned(), Rotation::Current)
}

/// Splits a number of up to four digits from the end.
fn without_number(name: &str) -> Option<(&str, u64)> {
    let (base, digits) = name.rsplit_once('.')?;
    let is_number =
        (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !base.is_empty()).then(|| Some((base, digits.parse().ok()?)))?
}

/// Splits a date from the end, `20260411` or `2026-04-11`, perhaps with a time: up to fourteen digits
/// in all, the groups behind the first parted by `-`, `_` or `T`.
fn without_date(name: &str) -> Option<(&str, String)> {
    let is_of_date =
        |character: char| character.is_ascii_digit() || matches!(character, '-' | '_' | 'T');
    let tail = name.trim_end_matches(is_of_date).len();
    // The first separator that only a date follows; before it stands the name.
    let parts = name[tail.saturating_sub(1)..].char_indices();
    parts
        .filter(|(_, character)| matches!(character, '-' | '.' | '_'))
        .map(|(at, _)| tail.saturating_sub(1) + at)
        .filter(|at| *at > 0)
        .find_map(|at| Some((&name[..at], date(&name[at + 1..])?)))
}

/// The digits of a date with or without a time.
fn date(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let begins = text.len() >= 8
        && (text.bytes().take(8).all(|byte| byte.is_ascii_digit())
            || text.as_bytes()[4] == b'-' && text.as_bytes().get(7) == Some(&b'-'));
    let year = digits.get(..4)?.parse::<u16>().ok()?;
    let ends = text.ends_with(|character: char| character.is_ascii_digit());
    // Seconds since 1970 are ten digits, of which no year can be told.
    let is_date = (1990..2200).contains(&year) || !text.contains(['-', '_', 'T']);
    (begins && ends && is_date && (8..=14).contains(&digits.len())).then_some(digits)
}

/// `YYYYMMDD.NNNNN.audit.log`, in code, or `YYYYMMDD-NNNNN.audit.log`, in the documentation.
fn data_center(name: &str) -> Option<(u32, u64)> {
    let stem = name.strip_suffix(".audit.log")?;
    let (date, number) = stem.split_once(['.', '-'])?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if date.len() != 8 || number.len() < 5 || !is_digits(date) || !is_digits(number) {
        return None;
    }
    Some((date.parse().ok()?, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_order(names: &[&str]) {
        let names: Vec<_> = names.iter().map(|name| Name::of(name)).collect();
        for pair in names.windows(2) {
            assert_eq!(pair[0].series, pair[1].series);
            assert!(pair[0].age < pair[1].age, "{pair:?}");
        }
    }

    #[test]
    fn rotated_files_are_older() {
        in_order(&["a.log.10.gz", "a.log.2.zst", "a.log.1", "a.log.gz", "a.log"]);
        in_order(&[
            "a.log-20260101",
            "a.log-20260411-060000.gz",
            "a.log-20260412",
            "a.log",
        ]);
        in_order(&["a-20260101.log.gz", "a-20260411.log", "a.log"]);
        in_order(&["a.log-2026041106", "a.log"]);
        in_order(&[
            "a.log-2026-04-11.gz",
            "a.log.2026-04-12",
            "a.log-2026-04-12-06",
            "a.log",
        ]);
        in_order(&["my-a.log-20260411T060000", "my-a.log"]);
        in_order(&["a.log-1775887200", "a.log"]);
        in_order(&["a.10.log.gz", "a.2.log", "a.1.log", "a.log"]);
    }

    #[test]
    fn data_center_files_are_one_series() {
        in_order(&[
            "20251231.00007.audit.log.gz",
            "20260101-00000.audit.log.1",
            "20260101-00000.audit.log",
            "20260101.00001.audit.log",
            "20260102.00000.audit.log",
        ]);
    }

    #[test]
    fn other_names_are_series_of_their_own() {
        for name in [
            "app-1.log",
            "a.log.old",
            "x.log",
            ".1",
            "20260101",
            "a.log.12345",
        ] {
            assert_eq!(Name::of(name).rotated_from, None, "{name}");
            assert_eq!(Name::of(name).series, name);
        }
        assert_eq!(Name::of("20260101.00000.audit.log").rotated_from, None);
    }
}
