//! The dice, and what is drawn with them: times, addresses, names.

use super::tables::{TITLES, VERSIONS};

/// 2026-01-01T00:00:00Z in nanoseconds since the epoch: when every corpus begins.
pub const START: u64 = 1_767_225_600_000_000_000;
/// How many people there are.
pub const USERS: u64 = 400;
/// How many source addresses there are.
pub const ADDRESSES: u64 = 2000;

pub struct Draw {
    state: u64,
    clock: u64,
}

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self {
            state: seed,
            clock: START,
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// 0 to `limit - 1`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let index = self.next() % items.len() as u64;
        items[usize::try_from(index).expect("an index of a slice")]
    }

    pub fn weighted<T>(&mut self, items: &'static [T], weight: impl Fn(&T) -> u64) -> &'static T {
        let mut left = self.below(items.iter().map(&weight).sum());
        for item in items {
            match left.checked_sub(weight(item)) {
                Some(rest) => left = rest,
                None => return item,
            }
        }
        unreachable!("the draw is below the sum of the weights")
    }

    /// The next moment, up to five seconds later: mostly whole milliseconds, sometimes down to the nanosecond.
    pub fn tick(&mut self) -> u64 {
        self.clock += 1_000_000 + self.below(5_000_000_000);
        if self.chance(80) {
            self.clock -= self.clock % 1_000_000;
        }
        self.clock
    }

    /// A client's address. A few addresses are much more frequent than the rest, as behind an office's router.
    pub fn address(&mut self) -> String {
        match self.below(100) {
            0..12 => return "81.2.69.142".to_owned(),
            12..22 => return "81.2.69.143".to_owned(),
            22..30 => return "89.160.20.112".to_owned(),
            _ => {}
        }
        let most = if self.chance(50) {
            ADDRESSES
        } else {
            1 + self.below(ADDRESSES)
        };
        address(self.below(most))
    }

    /// A page's title, with its quotes, backslashes and tabs.
    pub fn title(&mut self) -> String {
        let title = self.pick(TITLES);
        format!("{title} {}", self.pick(VERSIONS))
    }
}

/// splitmix64's finaliser.
fn mix(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn address(number: u64) -> String {
    let bits = mix(number);
    let [a, b, c, ..] = bits.to_le_bytes();
    match number % 10 {
        0..=4 => format!("10.{}.{a}.{b}", c % 32),
        5 => format!("192.168.{a}.{b}"),
        6 => format!("2001:db8:{a:x}:{b:x}::{c:x}"),
        7 => format!("198.51.100.{a}"),
        8 => format!("175.16.199.{a}"),
        _ => format!("{}.{a}.{b}.{c}", 11 + bits % 100),
    }
}

/// ISO 8601 as Java writes it: no fraction, or 3, 6 or 9 digits; `Z` or an offset.
pub fn iso(nanos: u64, zone_minutes: u64) -> String {
    let seconds = nanos / 1_000_000_000 + zone_minutes * 60;
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let fraction = match nanos % 1_000_000_000 {
        0 => String::new(),
        nano if nano % 1_000_000 == 0 => format!(".{:03}", nano / 1_000_000),
        nano if nano % 1000 == 0 => format!(".{:06}", nano / 1000),
        nano => format!(".{nano:09}"),
    };
    let zone = match zone_minutes {
        0 => "Z".to_owned(),
        minutes => format!("+{:02}:{:02}", minutes / 60, minutes % 60),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}")
}

/// Year, month and day of a day since the epoch (Hinnant's `civil_from_days`, for days after 1970).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The people: every number below [`USERS`] is one, with a username and a full name.
pub mod names {
    use super::super::tables::{FIRST_NAMES, LAST_NAMES};

    fn parts(number: u64) -> ((&'static str, &'static str), (&'static str, &'static str)) {
        let number = usize::try_from(number).expect("a user's number");
        let first = FIRST_NAMES[number % FIRST_NAMES.len()];
        let last = LAST_NAMES[(number / FIRST_NAMES.len()) % LAST_NAMES.len()];
        (first, last)
    }

    /// ASCII: `zoe.muller`.
    pub fn username(number: u64) -> String {
        let ((_, first), (_, last)) = parts(number);
        format!("{first}.{last}")
    }

    /// As people write it: `Zoë Müller`.
    pub fn full_name(number: u64) -> String {
        let ((first, _), (last, _)) = parts(number);
        format!("{first} {last}")
    }
}
