//! A small generator of random numbers (splitmix64), so that a seed gives the same run everywhere.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The generator.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below the limit, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Up to so many milliseconds, often none.
    pub fn pause(&mut self, milliseconds: u64) -> Duration {
        match self.below(4) {
            0 => Duration::ZERO,
            1 => Duration::from_micros(self.below(1000)),
            _ => Duration::from_micros(self.below(1000 * milliseconds + 1)),
        }
    }
}

/// The seed given by the environment, if there is one.
pub fn given_seed() -> Option<u64> {
    number("CONFLUENCE_ECS_SEED")
}

/// A number given by the environment.
pub fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number in the environment"))
}

/// A seed that differs from run to run.
pub fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Random::new(u64::from(now.expect("after 1970").subsec_nanos())).below(1_000_000_000)
}
