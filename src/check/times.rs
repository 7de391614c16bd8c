//! What the times say: the newest record's, how long records are kept, the clocks.

use std::time::Duration;

use serde::Deserialize;

use super::records::Newest;
use super::{CheckStep, StepName, span};
use crate::fetch::asker::{Asker, Error};
use crate::fetch::site::Api;
use crate::fetch::window::is_future;
use crate::http::Answer;
use crate::pipeline::timestamp::Timestamp;

const DAY: u64 = 24 * 60 * 60;
/// A site that is used has records more often, in seconds.
const QUIET: u64 = 7 * DAY;
/// Clock skew in seconds above which there is a warning, as in fetch.
const MOST_SKEW: u64 = 10;

/// How old the newest record is. `first` is where a first run would begin, `now` is the server's time.
#[must_use]
pub fn newest_record(
    newest: Newest,
    first: Timestamp,
    now: Timestamp,
    search: Option<&str>,
) -> CheckStep {
    let name = StepName::NewestRecord;
    if is_future(first, now) {
        return CheckStep::fail(
            name,
            format!("--since {first} is later than the server's clock, {now}: fetch refuses it"),
            "use an earlier --since",
        );
    }
    let at = match newest {
        Newest::None => return CheckStep::skip(name, "no records"),
        Newest::Timeless => {
            return CheckStep::warn(
                name,
                "the newest record has no time",
                "such records are fetched; inspect one with `fetch --raw`",
            );
        }
        Newest::At(at) => at,
    };
    let age = u64::try_from(now.millis() - at.millis()).unwrap_or_default() / 1000;
    let mut detail = format!("{at}, {} ago", span(age));
    if at < first {
        detail += "; nothing since --since so far";
    }
    if search.is_some() {
        detail += "; of all records, as --search is not applied here";
    }
    if age > QUIET {
        return CheckStep::warn(
            name,
            detail,
            "is this the site in use, and is auditing enabled (for a Data Center, see the coverage in \
             Administration → Audit log → Settings)?",
        );
    }
    CheckStep::ok(name, detail)
}

/// For how long Cloud keeps records.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Retention {
    number: u32,
    units: String,
}

/// What is known of the retention.
#[derive(Debug)]
pub enum Kept {
    /// The site reports this retention.
    For(Retention),
    /// The API tells no such thing.
    Untold,
    /// It should, but does not.
    Failed(Error),
}

/// Asks how long records are kept.
#[must_use]
pub fn retention(asker: &Asker, api: Api) -> Kept {
    match api {
        Api::DataCenter => return Kept::Untold,
        Api::Cloud | Api::Server => {}
    }
    let read = |answer: Answer| {
        let retention: Result<Retention, _> = serde_json::from_slice(&answer.body);
        retention.map_err(|_| "the response has no retention".to_owned())
    };
    let url = asker.site.path("rest/api/audit/retention");
    match asker.ask(url, &|| {}, read) {
        Ok(retention) => Kept::For(retention),
        Err(error) => Kept::Failed(error),
    }
}

impl Retention {
    /// In days, at most; none in units that nobody knows.
    fn days(&self) -> Option<u64> {
        let units = self.units.to_ascii_uppercase();
        let days = match units.trim_end_matches('S') {
            "DAY" => 1,
            "WEEK" => 7,
            "MONTH" => 31,
            "YEAR" => 366,
            _ => return None,
        };
        Some(u64::from(self.number) * days)
    }
}

/// Whether records are kept for long enough. `first` is where a first run would begin.
#[must_use]
pub fn kept(kept: &Kept, first: Timestamp, now: Timestamp) -> CheckStep {
    let name = StepName::Retention;
    let retention = match kept {
        Kept::For(retention) => retention,
        Kept::Untold => {
            return CheckStep::skip(
                name,
                "a Data Center does not report it; see Administration → Audit log → Settings",
            );
        }
        Kept::Failed(error) => {
            let problem = match error {
                Error::Refused(refusal) => format!("status {}", refusal.status),
                Error::Unanswered { problem, .. } => problem.clone(),
                Error::Auth(error) => error.to_string(),
            };
            return CheckStep::warn(
                name,
                format!("the site does not report it: {problem}"),
                "fetch does not need it; Settings → Audit log in Confluence shows it",
            );
        }
    };
    let Retention { number, units } = retention;
    let units = units.to_lowercase();
    let units = if *number == 1 {
        units.trim_end_matches('s')
    } else {
        &units
    };
    let detail = format!("{number} {units}");
    let begins = retention
        .days()
        .map(|days| now.minus(Duration::from_secs(days * DAY)));
    match begins.filter(|begins| first < *begins) {
        Some(begins) => CheckStep::warn(
            name,
            format!("{detail}: records before {begins} are gone, but --since begins earlier"),
            "use a later --since; older records exist only in exports, if any were made",
        ),
        None => CheckStep::ok(name, detail),
    }
}

/// Whether both clocks say the same, by how far ours is ahead of the server's, in seconds. `harm` is what
/// comes of it if not.
#[must_use]
pub fn clock(name: StepName, ahead: Option<i64>, harm: &str) -> CheckStep {
    let Some(ahead) = ahead else {
        return CheckStep::skip(name, "the server sends no time");
    };
    let difference = ahead.unsigned_abs();
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    let detail = if ahead == 0 {
        "none".to_owned()
    } else {
        format!(
            "this machine's clock is {} {direction} the server's",
            span(difference)
        )
    };
    if difference > MOST_SKEW {
        return CheckStep::warn(
            name,
            detail,
            format!(
                "synchronize this machine's clock (NTP), or the server's if that one is wrong; {harm} until then"
            ),
        );
    }
    CheckStep::ok(name, detail)
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_text(text).unwrap()
    }

    #[test]
    fn a_log_may_be_quiet_but_not_for_long() {
        let now = at("2026-01-31T00:00:00Z");
        let step = |newest, first| newest_record(Newest::At(at(newest)), at(first), now, None);
        let recent = step("2026-01-30T20:00:00Z", "2026-01-30T00:00:00Z");
        assert_eq!(recent.status, Status::Ok);
        assert_eq!(recent.detail, "2026-01-30T20:00:00.000Z, 4 hours ago");
        let before = step("2026-01-28T00:00:00Z", "2026-01-30T00:00:00Z");
        assert_eq!(before.status, Status::Ok);
        assert!(before.detail.contains("nothing since --since so far"));
        let old = step("2026-01-23T00:00:00Z", "2026-01-01T00:00:00Z");
        assert_eq!(old.status, Status::Warn);
        let future = step("2026-01-31T00:00:05Z", "2026-01-01T00:00:00Z");
        assert!(future.detail.ends_with(", 0 s ago"), "{}", future.detail);
    }

    #[test]
    fn a_retention_that_is_too_short_for_since_is_told() {
        let now = at("2026-01-31T00:00:00Z");
        let status = |number, units: &str, first| {
            let units = units.to_owned();
            kept(&Kept::For(Retention { number, units }), at(first), now).status
        };
        assert_eq!(status(1, "YEARS", "2025-02-01T00:00:00Z"), Status::Ok);
        assert_eq!(status(1, "YEARS", "2024-01-01T00:00:00Z"), Status::Warn);
        assert_eq!(status(30, "DAYS", "2025-12-01T00:00:00Z"), Status::Warn);
        assert_eq!(status(30, "fortnights", "2024-01-01T00:00:00Z"), Status::Ok);
        assert_eq!(
            status(u32::MAX, "YEARS", "2024-01-01T00:00:00Z"),
            Status::Ok
        );
    }

    #[test]
    fn a_clock_may_differ_a_little() {
        let clock = |ahead| super::clock(StepName::ClockSkew, ahead, "records may come late");
        assert_eq!(clock(None).status, Status::Skip);
        assert_eq!(clock(Some(-10)).status, Status::Ok);
        assert_eq!(clock(Some(11)).status, Status::Warn);
        assert_eq!(clock(Some(i64::MIN)).status, Status::Warn);
    }
}
