//! Whether the GeoIP databases can be read, and how old they are.

use std::path::PathBuf;

use super::{CheckStep, StepName, span};
use crate::pipeline::enrich::geoip::{self, DatabaseKind};
use crate::pipeline::timestamp::Timestamp;
use crate::process::shown::Shown as _;

/// MaxMind releases GeoLite2 twice a week, and its licence asks to use none that is older than 30 days;
/// addresses do change hands within months. In seconds.
const OLD: u64 = 30 * 24 * 60 * 60;

/// A database that an argument or the environment names.
#[derive(Debug, Clone)]
pub struct Given {
    /// What it is for.
    pub kind: DatabaseKind,
    /// The flag or variable.
    pub setting: &'static str,
    /// Path of the database file.
    pub path: PathBuf,
}

/// Opens the databases, a step for each; their age is relative to `now`.
#[must_use]
pub fn steps(given: &[Given], now: Timestamp) -> Vec<CheckStep> {
    if given.is_empty() {
        return vec![CheckStep::skip(
            StepName::Databases,
            "none configured, so events get no source.geo and source.as; see --geoip-city and --geoip-asn",
        )];
    }
    given.iter().map(|one| step(one, now)).collect()
}

fn step(given: &Given, now: Timestamp) -> CheckStep {
    let name = StepName::Databases;
    let database = match geoip::open(given.kind, &given.path) {
        Ok(database) => database,
        Err(error) => {
            let detail = format!("{}: {error}", given.setting);
            let remedy = "no event is made without it: fix the path, or remove the setting";
            return CheckStep::fail(name, detail, remedy);
        }
    };
    let metadata = database.metadata();
    let age = age(metadata.build_epoch, now);
    let found = format!(
        "{} {} ({}) was built {} ago",
        given.kind,
        given.path.shown(),
        metadata.database_type.shown(),
        span(age)
    );
    if age > OLD {
        return CheckStep::warn(
            name,
            found,
            "update it (geoipupdate): releases come twice a week, and addresses change hands",
        );
    }
    CheckStep::ok(name, found)
}

/// Seconds since a time in seconds; none for the future.
fn age(build_epoch: u64, now: Timestamp) -> u64 {
    let now = u64::try_from(now.millis()).unwrap_or_default() / 1000;
    now.saturating_sub(build_epoch)
}
