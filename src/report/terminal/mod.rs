//! The report for people, on one screen.

mod block;
mod chart;
mod line;
mod notable;

use anstyle::Style;

use self::block::{Block, beside};
use self::line::{Line, fitted};
use self::notable::notable;
use super::summary::{
    ActionCount, AddressCount, FailuresOf, MANY_FAILURES, Place, Summary, TimeRange, UserCount,
};
use super::text::minute;
use crate::process::style::{BAD, FAINT, HEADING, PLACE, WARNING};

/// Rows of the chart of events over time.
const CHART_ROWS: usize = 3;

/// The report, at most so many columns wide, of each ranking at most `top` rows; with colors, and a line end behind each
/// line.
#[must_use]
pub fn text(report: &Summary, columns: usize, top: usize) -> String {
    let sections = [
        headline(report, columns),
        over_time(report, columns),
        notable(report, columns, top),
        failed_logins(report, columns),
        exports(report, columns),
        actions("Top actions", &report.actions).lines_or_none(columns),
        beside(
            &users("Top users", &report.users),
            &addresses("Top addresses", &report.addresses),
            columns,
        ),
        beside(&categories(report), &countries(report), columns),
        actions(
            "Actions that the table does not know",
            &report.unknown_actions,
        )
        .lines_or_none(columns),
        not_mapped(report, columns),
        limits(report, columns),
    ];
    let mut text = String::new();
    for lines in sections.into_iter().filter(|lines| !lines.is_empty()) {
        if !text.is_empty() {
            text.push('\n');
        }
        for line in lines {
            text.push_str(line.into_text().trim_end());
            text.push('\n');
        }
    }
    text
}

fn headline(report: &Summary, columns: usize) -> Vec<Line> {
    let totals = &report.totals;
    let range = report.timeline.range.as_ref();
    let range = range.map(|range| format!("{} UTC", from_to(range)));
    let title = std::iter::once(count(totals.events, "event")).chain(range);
    let at_least = |total| at_least(report, total);
    let mut parts = vec![
        at_least("users") + &count(totals.users, "user"),
        at_least("addresses") + &counted(totals.addresses, "address", "addresses"),
        at_least("actions") + &count(totals.actions, "action"),
        failed_login_count(report),
        format!("{} notable", totals.notable),
    ];
    if report.exports.count > 0 {
        let [one, several] = ["export or download", "exports or downloads"];
        parts.push(counted(report.exports.count, one, several));
    }
    if totals.not_mapped > 0 {
        parts.push(format!("{} not mapped", totals.not_mapped));
    }
    if totals.out_of_range > 0 {
        let range = report.out_of_range.as_ref();
        let range = range.map(|range| format!(" ({} UTC)", from_to(range)));
        let range = range.unwrap_or_default();
        parts.push(format!("{} out of the range{range}", totals.out_of_range));
    }
    let title = wrapped(title, columns).into_iter();
    let title = title.map(|line| Line::default().with(HEADING, &line));
    let parts = wrapped(parts, columns).into_iter();
    title
        .chain(parts.map(|line| Line::default().plain(&line)))
        .collect()
}

/// Parts of a sentence in as few lines as they need.
fn wrapped(parts: impl IntoIterator<Item = String>, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.len() + part.len() + 2 <= columns => line.extend([", ", &part]),
            _ => lines.push(part),
        }
    }
    lines
}

fn over_time(report: &Summary, columns: usize) -> Vec<Line> {
    let timeline = &report.timeline;
    let Some(range) = &timeline.range else {
        return Vec::new();
    };
    let counts: Vec<u64> = timeline.buckets.iter().map(|bucket| bucket.count).collect();
    let (counts, joined) = chart::spread(&counts, columns);
    let title = format!(
        "Events over time: peak {} in {}",
        counts.iter().max().copied().unwrap_or_default(),
        duration(timeline.bucket_seconds.unsigned_abs() * joined as u64)
    );
    let mut lines = vec![Line::default().with(HEADING, &fitted(&title, columns))];
    let chart = chart::columns(&counts, CHART_ROWS);
    lines.extend(chart.iter().map(|row| colored(PLACE, row)));
    let (from, to) = (minute(&range.from), minute(&range.to));
    let axis = Line::default().with(FAINT, &from);
    lines.push(if from == to || from.len() + to.len() >= counts.len() {
        axis
    } else {
        axis.up_to(counts.len() - to.len()).with(FAINT, &to)
    });
    let outside = timeline.outside.iter().map(|outside| {
        let text = format!(
            "outside: {}, {}",
            count(outside.count, "event"),
            from_to(&outside.range)
        );
        Line::default().with(WARNING, &fitted(&text, columns))
    });
    lines.extend(outside);
    lines
}

/// From when to when, or when it was.
fn from_to(range: &TimeRange) -> String {
    match (minute(&range.from), minute(&range.to)) {
        (from, to) if from == to => from,
        (from, to) => format!("{from} to {to}"),
    }
}

/// A row of a chart, without blanks at its end.
fn colored(style: Style, row: &str) -> Line {
    Line::default().with(style, row.trim_end())
}

fn failed_logins(report: &Summary, columns: usize) -> Vec<Line> {
    let failed = &report.failed_logins;
    if failed.count == 0 {
        return Vec::new();
    }
    let by_user = users("Failed logins by user", &failed.users);
    let title = if by_user.is_empty() {
        "Failed logins by address"
    } else {
        "by address"
    };
    let by_address = addresses(title, &failed.addresses);
    let mut lines = beside(&by_user, &by_address, columns);
    let pairs = failed.pairs.iter();
    let pairs = pairs.fold(Block::of_addresses("by address and user"), |block, one| {
        block.row(address(&one.place), one.user.label(), one.count)
    });
    lines.extend(pairs.lines_or_none(columns));
    let (hours, _) = chart::spread(&failed.hours, columns.min(48));
    let title = format!(
        "by hour of the day in UTC, 00 to 23, peak {}",
        failed.hours.iter().max().unwrap_or(&0)
    );
    lines.push(Line::default().with(HEADING, &fitted(&title, columns)));
    lines.extend(
        chart::columns(&hours, 1)
            .iter()
            .map(|row| colored(BAD, row)),
    );
    let title = match report.totals.logins_after_failures {
        all if all > failed.logins_after_failures.len() as u64 => {
            format!(
                ", {}{all} in all",
                at_least(report, "logins_after_failures")
            )
        }
        _ => String::new(),
    };
    let title =
        format!("Logins that succeeded after {MANY_FAILURES} or more failures in a row{title}");
    let found = failed.logins_after_failures.iter();
    let found = found.fold(Block::of_addresses(&title), |block, one| {
        let note = match one.failures_of {
            FailuresOf::UserAndAddress => "",
            FailuresOf::Address => ", any user",
            FailuresOf::User => ", any address",
        };
        let who = format!("{}, {}{}", one.user.label(), minute(&one.time), note);
        block.row(address(&one.place), &who, one.failures)
    });
    if !found.is_empty() {
        lines.push(Line::default());
        lines.extend(found.lines(columns));
    }
    lines
}

/// What left: by action, by user, and by address.
fn exports(report: &Summary, columns: usize) -> Vec<Line> {
    let exports = &report.exports;
    let mut lines = actions("Exports and downloads", &exports.actions).lines_or_none(columns);
    lines.extend(beside(
        &users("by user", &exports.users),
        &addresses("by address", &exports.addresses),
        columns,
    ));
    lines
}

/// What stands before a total that is a lower bound.
fn at_least(report: &Summary, total: &str) -> String {
    let is_bound = report.limits.is_lower_bound(total);
    if is_bound { "at least " } else { "" }.to_owned()
}

/// How many, and of how many users, most of whom may be nobody.
fn failed_login_count(report: &Summary) -> String {
    let failed = count(report.failed_logins.count, "failed login");
    match report.totals.failed_login_users {
        0 => failed,
        users => {
            let at_least = at_least(report, "failed_login_users");
            format!("{failed} ({at_least}{})", count(users, "user name"))
        }
    }
}

fn actions(title: &str, actions: &[ActionCount]) -> Block {
    actions.iter().fold(Block::new(title), |block, action| {
        let text = action.text.as_deref().unwrap_or(&action.key);
        let key = if text == action.key { "" } else { &action.key };
        block.row(text, key, action.count)
    })
}

fn users(title: &str, users: &[UserCount]) -> Block {
    users.iter().fold(Block::new(title), |block, one| {
        let label = one.user.label();
        let name = one.user.name.as_deref().filter(|name| *name != label);
        block.row(label, name.unwrap_or_default(), one.count)
    })
}

fn addresses(title: &str, addresses: &[AddressCount]) -> Block {
    addresses
        .iter()
        .fold(Block::of_addresses(title), |block, one| {
            let place = place(&one.place).unwrap_or_default();
            block.row(address(&one.place), &place, one.count)
        })
}

fn address(place: &Place) -> &str {
    place.address.as_deref().unwrap_or_default()
}

/// Country and network of an address, as far as they are known.
fn place(place: &Place) -> Option<String> {
    let country = place.country.as_ref().or(place.country_code.as_ref());
    let parts: Vec<_> = country.into_iter().chain(&place.network).cloned().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn categories(report: &Summary) -> Block {
    let rows = report.categories.iter();
    rows.fold(Block::new("Categories"), |block, one| {
        block.row(one.category, "", one.count)
    })
}

fn countries(report: &Summary) -> Block {
    report
        .countries
        .iter()
        .fold(Block::new("Countries"), |block, one| {
            let name = one.country.as_ref().or(one.country_code.as_ref());
            block.row(name.map_or("", String::as_str), "", one.count)
        })
}

fn not_mapped(report: &Summary, columns: usize) -> Vec<Line> {
    if report.not_mapped.count == 0 {
        return Vec::new();
    }
    let title = format!("Not mapped: {}", count(report.not_mapped.count, "record"));
    let mut lines = vec![Line::default().with(HEADING, &fitted(&title, columns))];
    for sample in &report.not_mapped.samples {
        lines.push(Line::default().with(BAD, &fitted(&sample.message, columns)));
        let record = fitted(&sample.record, columns.saturating_sub(2));
        lines.push(Line::default().plain("  ").with(FAINT, &record));
    }
    lines
}

fn limits(report: &Summary, columns: usize) -> Vec<Line> {
    let tables = report.limits.tables.iter().map(|table| {
        let lack = format!("{}: too many to keep all; some may be missing", table.table);
        match table.missing_at_most {
            0 => lack,
            most => format!("{lack}, and counts too low by up to {most}"),
        }
    });
    tables
        .map(|text| Line::default().with(WARNING, &fitted(&text, columns)))
        .collect()
}

impl Block {
    /// Its lines, none if there are no rows.
    fn lines_or_none(&self, columns: usize) -> Vec<Line> {
        if self.is_empty() {
            Vec::new()
        } else {
            self.lines(columns)
        }
    }
}

fn count(count: u64, one: &str) -> String {
    counted(count, one, &format!("{one}s"))
}

fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

fn duration(seconds: u64) -> String {
    match seconds {
        60 => "a minute".to_owned(),
        3600 => "an hour".to_owned(),
        86_400 => "a day".to_owned(),
        604_800 => "a week".to_owned(),
        // humantime would make years and months of them, of a length of its own.
        days if days % 86_400 == 0 => format!("{} days", days / 86_400),
        _ => humantime::format_duration(std::time::Duration::from_secs(seconds)).to_string(),
    }
}
