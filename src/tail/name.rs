//! What a file's name says of its place among the files that one log leaves behind.

use std::cmp::Reverse;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::str::FromStr;

/// What compressions that are read add to a name.
const READ: [&str; 4] = [".gz", ".zst", ".xz", ".bz2"];
/// What others, and archives of several files, add.
const NOT_READ: [&str; 22] = [
    ".lz4", ".Z", ".z", ".lzo", ".lz", ".lzma", ".lrz", ".br", ".sz", ".bz", ".zip", ".7z", ".rar",
    ".cab", ".arj", ".lha", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst",
];
/// What stands before the compression of an archive.
const ARCHIVE: &[u8] = b".tar";

/// The place of a file in its series, by its name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogName {
    /// What all files of the series have in common: the name without what rotation adds. Data
    /// Center's own files of one directory are one series.
    pub series: OsString,
    /// The name of the log that this is a rotated file of; none if it is no rotated file.
    pub rotated_from: Option<OsString>,
    /// Where in the series it stands.
    pub age: Age,
}

/// Where in its series a file stands; the oldest is the smallest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    /// Date and number of Data Center's own scheme (docs/sources.md).
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

impl LogName {
    /// Reads a file name.
    #[must_use]
    pub fn of(name: &OsStr) -> Self {
        // What is looked for is ASCII: the rest may be in any encoding.
        let name = name.as_bytes();
        let (plain, is_compressed) = without_compression(name);
        let (base, mut rotation) = without_rotation(plain);
        if is_compressed && rotation == Rotation::Current {
            // `NAME.gz` is what became of an earlier NAME.
            rotation = Rotation::Numbered(Reverse(0));
        }
        let data_center = data_center(&base);
        Self {
            series: if data_center.is_some() {
                "YYYYMMDD.NNNNN.audit.log".into()
            } else {
                OsString::from_vec(base.clone())
            },
            age: Age {
                data_center,
                rotation,
            },
            rotated_from: (base != name).then(|| OsString::from_vec(base)),
        }
    }
}

/// Whether a file name is that of a compressed file.
#[must_use]
pub fn is_compressed(name: &OsStr) -> bool {
    READ.iter()
        .any(|suffix| name.as_bytes().ends_with(suffix.as_bytes()))
}

/// Whether a file name is that of a file in a compression, or of an archive, that is not read.
#[must_use]
pub fn is_unreadable(name: &OsStr) -> bool {
    let is_of = |name: &[u8], suffix: &&str| name.ends_with(suffix.as_bytes());
    let name = name.as_bytes();
    let (plain, _) = without_compression(name);
    NOT_READ.iter().any(|suffix| is_of(name, suffix))
        || name
            .strip_prefix(plain)
            .is_some_and(|suffix| suffix.starts_with(ARCHIVE))
}

/// A file name without what compression added.
#[must_use]
pub fn decompressed(name: &OsStr) -> &OsStr {
    OsStr::from_bytes(without_compression(name.as_bytes()).0)
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

fn without_compression(name: &[u8]) -> (&[u8], bool) {
    let mut suffixes = READ.iter().chain(&NOT_READ);
    let plain = suffixes.find_map(|suffix| name.strip_suffix(suffix.as_bytes()));
    match plain.map(|plain| plain.strip_suffix(ARCHIVE).unwrap_or(plain)) {
        Some(plain) if !plain.is_empty() => (plain, true),
        Some(_) | None => (name, false),
    }
}

/// The name before rotation, and what rotation added: `NAME.1`, `NAME-20260411`,
/// `NAME-20260411-060000`, or, with logrotate's `extension`, `STEM.1.EXT`, `STEM-20260411.EXT`.
fn without_rotation(name: &[u8]) -> (Vec<u8>, Rotation) {
    if let Some((base, number)) = without_number(name) {
        return (base.to_owned(), Rotation::Numbered(Reverse(number)));
    }
    if let Some((base, date)) = without_date(name) {
        return (base.to_owned(), Rotation::Dated(date));
    }
    // With logrotate's `extension`, the same stands before that.
    if let Some((stem, extension)) = split_last_dot(name)
        && !is_digits(extension)
    {
        let with_extension = |base: &[u8]| [base, b".", extension].concat();
        if let Some((base, date)) = without_date(stem) {
            return (with_extension(base), Rotation::Dated(date));
        }
        if let Some((base, number)) = without_number(stem) {
            return (with_extension(base), Rotation::Numbered(Reverse(number)));
        }
    }
    (name.to_owned(), Rotation::Current)
}

fn split_last_dot(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    Some((&name[..dot], &name[dot + 1..]))
}

fn is_digits(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_digit)
}

/// The number that digits stand for, if it is not too large.
fn number<T: FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Splits a number of up to four digits from the end.
fn without_number(name: &[u8]) -> Option<(&[u8], u64)> {
    let (base, digits) = split_last_dot(name)?;
    let is_number = (1..=4).contains(&digits.len()) && is_digits(digits);
    (is_number && !base.is_empty()).then(|| Some((base, number(digits)?)))?
}

/// Splits a date from the end, `20260411` or `2026-04-11`, perhaps with a time: up to [`MOST_DIGITS`]
/// digits in all, the groups behind the first parted by `-`, `_` or `T`.
fn without_date(name: &[u8]) -> Option<(&[u8], String)> {
    let is_of_date = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'T');
    let before = name.iter().rposition(|byte| !is_of_date(byte));
    // The first separator that only a date follows; before it stands the name.
    (before.unwrap_or(0)..name.len())
        .filter(|at| *at > 0 && matches!(name[*at], b'-' | b'.' | b'_'))
        .find_map(|at| Some((&name[..at], date(&name[at + 1..])?)))
}

/// The digits of a date, a time and parts of its second, or of a date and seconds since 1970
/// (logrotate's `dateformat -%Y%m%d-%s`).
const MOST_DIGITS: usize = 20;

/// The digits of a date with or without a time.
fn date(text: &[u8]) -> Option<String> {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let digits: String = digits.map(|digit| char::from(*digit)).collect();
    let begins = text.len() >= 8 && (is_digits(&text[..8]) || text[4] == b'-' && text[7] == b'-');
    let year = number::<u16>(digits.as_bytes().get(..4)?)?;
    let ends = text.last().is_some_and(u8::is_ascii_digit);
    // Seconds since 1970 are ten digits, of which no year can be told.
    let is_date = (1990..2200).contains(&year) || is_digits(text);
    (begins && ends && is_date && (8..=MOST_DIGITS).contains(&digits.len())).then_some(digits)
}

/// `YYYYMMDD.NNNNN.audit.log`, in code, or `YYYYMMDD-NNNNN.audit.log`, in the documentation.
fn data_center(name: &[u8]) -> Option<(u32, u64)> {
    let stem = name.strip_suffix(b".audit.log")?;
    let (date, count) = stem.split_at_checked(8)?;
    let count = count
        .strip_prefix(b".")
        .or_else(|| count.strip_prefix(b"-"))?;
    if count.len() < 5 || !is_digits(date) || !is_digits(count) {
        return None;
    }
    Some((number(date)?, number(count)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn in_order(names: &[&str]) {
        let names: Vec<_> = names
            .iter()
            .map(|name| LogName::of(OsStr::new(name)))
            .collect();
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
        in_order(&[
            "a.log-20260411-1775887200.gz",
            "a.log-20260411-1775887201",
            "a.log",
        ]);
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
            assert_eq!(LogName::of(OsStr::new(name)).rotated_from, None, "{name}");
            assert_eq!(LogName::of(OsStr::new(name)).series, name);
        }
        assert_eq!(
            LogName::of(OsStr::new("20260101.00000.audit.log")).rotated_from,
            None
        );
    }

    #[test]
    fn names_in_any_encoding_are_read() {
        for name in ["caf\u{e9}", "журнал", "sub-é", "a.é", "é"] {
            assert_eq!(LogName::of(OsStr::new(name)).rotated_from, None, "{name}");
            for rotated in [".1", "-20260411", ".2026-04-11.gz"] {
                let rotated = LogName::of(OsStr::new(&format!("{name}{rotated}")));
                assert_eq!(rotated.rotated_from.as_deref(), Some(OsStr::new(name)));
            }
        }
        let rotated = LogName::of(OsStr::from_bytes(b"\xff.log-20260411.gz"));
        assert_eq!(rotated.series, OsStr::from_bytes(b"\xff.log"));
    }

    proptest! {
        #[test]
        fn any_name_is_read(name: Vec<u8>) {
            let name = OsString::from_vec(name);
            let read = LogName::of(&name);
            prop_assert!(read.rotated_from.as_ref() != Some(&name));
            prop_assert!(read.rotated_from.is_none_or(|log| !log.is_empty()));
        }

        #[test]
        fn any_log_is_found_in_the_name_of_what_it_becomes(
            mut log: Vec<u8>,
            rotation in r"(\.[0-9]{1,4}|[-._](199|20[0-9])[0-9]{5}(-[0-9]{6})?)(\.(gz|zst|xz|bz2|lz4))?",
        ) {
            // Something that rotation cannot have added.
            log.push(b'x');
            let name = OsString::from_vec([&log, rotation.as_bytes()].concat());
            prop_assert_eq!(LogName::of(&name).rotated_from, Some(OsString::from_vec(log)));
        }
    }
}
