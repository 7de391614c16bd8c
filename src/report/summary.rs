//! The finished report: what the terminal and a page show, and exactly what `--json` prints.
//!
//! Every list is sorted by count, the highest first, and holds at most `--top` entries; `notable` is sorted by time. Texts
//! are those of the records, of at most [`LONGEST_TEXT`] bytes, and not escaped: whoever shows them does that. Times are
//! ISO 8601 in UTC. What is absent in a record is `null` here.

use std::collections::BTreeMap;

use serde::Serialize;

/// Longer texts of records are cut, and end with `…`.
pub const LONGEST_TEXT: usize = 200;
/// Of a record, so many bytes are kept.
pub const LONGEST_RECORD: usize = 8 << 10;
/// So many buckets a timeline has at most.
pub const MOST_BUCKETS: usize = 120;
/// So many affected objects of an event are kept, so many changed values and so many attributes.
pub const MOST_DETAILS: usize = 8;
/// So many failed logins in a row, of a user from an address, are more than a mistake: after as many, Confluence demands
/// a CAPTCHA.
pub const MANY_FAILURES: u64 = 3;
/// So many notable events are kept.
pub const MOST_NOTABLE: usize = 1000;
/// Of each reason so many are kept besides: many of one kind do not hide the others.
pub const MOST_OF_REASON: usize = 10;
/// So many records that could not be mapped are kept.
pub const MOST_SAMPLES: usize = 5;

/// What happened, in the records of all inputs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// From the first to the last event; none if there are no events.
    pub range: Option<TimeRange>,
    /// From the first to the last of the events that `--since` and `--until` leave out; none if there are none.
    pub out_of_range: Option<TimeRange>,
    /// How many of what.
    pub totals: Totals,
    /// Events over time.
    pub timeline: Timeline,
    /// Top actions.
    pub actions: Vec<ActionCount>,
    /// Top users: who acted.
    pub users: Vec<UserCount>,
    /// Top source addresses.
    pub addresses: Vec<AddressCount>,
    /// Top countries of source addresses.
    pub countries: Vec<CountryCount>,
    /// `event.category`: an event with two of them counts in both, one without any as `none`.
    pub categories: Vec<CategoryCount>,
    /// Failed logins.
    pub failed_logins: FailedLogins,
    /// Exports and downloads.
    pub exports: Exports,
    /// Why events are notable, each with how many are for that reason: all of them, whatever `--top` says.
    pub notable_reasons: Vec<ReasonCount>,
    /// Notable events, the newest first: the [`MOST_NOTABLE`] newest, and of each reason the [`MOST_OF_REASON`] newest.
    pub notable: Vec<NotableEvent>,
    /// Records that could not be mapped.
    pub not_mapped: NotMapped,
    /// Top actions that are in no table of actions: their events have no category.
    pub unknown_actions: Vec<ActionCount>,
    /// What was too much to be kept, and what is less exact for it.
    pub limits: Limits,
}

/// Notable events of a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonCount {
    /// Why they are notable.
    pub reason: String,
    /// How many there are.
    pub count: u64,
}

/// A range of time, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimeRange {
    /// The earliest `@timestamp`.
    pub from: String,
    /// The latest one.
    pub to: String,
}

/// How many of what there are. Those that [`Limits::lower_bounds`] names are lower bounds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Records: `events`, `not_mapped` and `out_of_range`.
    pub records: u64,
    /// Events that were counted.
    pub events: u64,
    /// Records that could not be mapped.
    pub not_mapped: u64,
    /// Events before `--since` or not before `--until`: they are counted nowhere else.
    pub out_of_range: u64,
    /// Notable events.
    pub notable: u64,
    /// Events whose action is in no table.
    pub unknown_actions: u64,
    /// Different actions.
    pub actions: u64,
    /// Different users: who acted. A login that failed is nobody's act.
    pub users: u64,
    /// Different source addresses.
    pub addresses: u64,
    /// Different users whose logins failed, names that nobody has among them.
    pub failed_login_users: u64,
    /// Users who logged in after many failures, each address on its own.
    pub logins_after_failures: u64,
}

/// Events over time, in buckets of one width without gaps; a width is chosen so that there are at most
/// [`MOST_BUCKETS`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// The width of a bucket, from a minute upwards. Buckets of a day or less begin at midnight in UTC or a multiple of their
    /// width after it, those of weeks on a Monday.
    pub bucket_seconds: i64,
    /// From the first to the last event in the buckets; none if there are no events.
    pub range: Option<TimeRange>,
    /// In the order of time.
    pub buckets: Vec<Bucket>,
    /// Events that are in no bucket: those before and those after, if there are any. They are few, more than a year away, and
    /// would have made all others a bar or two, as one wrong clock does.
    pub outside: Vec<Outside>,
}

/// Events that are set apart from a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outside {
    /// From the first to the last of them.
    #[serde(flatten)]
    pub range: TimeRange,
    /// How many.
    pub count: u64,
}

/// Events of a part of the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// When it begins.
    pub start: String,
    /// Its events: the sum of `categories`.
    pub count: u64,
    /// The same by the first `event.category` of each event, `none` where it has none.
    pub categories: BTreeMap<&'static str, u64>,
}

/// Events of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionCount {
    /// The action in the server's words and language: `confluence.audit.type.action`.
    pub text: Option<String>,
    /// `event.action`: the key of the action in self-hosted records, in those of Cloud the same as `text`.
    pub key: String,
    /// How many.
    pub count: u64,
}

/// Who it is: `user.full_name`, `user.name` and `user.id`, as far as they are known; of an organization's event that has no
/// user, the name and the id of the app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Who {
    /// The full name.
    pub full_name: Option<String>,
    /// The user name; without one, the e-mail address.
    pub name: Option<String>,
    /// The id.
    pub id: Option<String>,
}

impl Who {
    /// What a person would call them: the full name, or else the user name, or else the id.
    #[must_use]
    pub fn label(&self) -> &str {
        let named = [&self.full_name, &self.name, &self.id];
        named
            .into_iter()
            .flatten()
            .next()
            .map_or("", String::as_str)
    }
}

/// Events of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserCount {
    /// The user. One id is one user, whatever names it has: those of its first event.
    #[serde(flatten)]
    pub user: Who,
    /// How many.
    pub count: u64,
}

/// Where an event came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// `source.ip`, or `source.address` where it is no address.
    pub address: Option<String>,
    /// `source.geo.country_iso_code`
    pub country_code: Option<String>,
    /// `source.geo.country_name`
    pub country: Option<String>,
    /// `source.geo.name`, as `--network` names it, or else `source.as.organization.name`.
    pub network: Option<String>,
}

/// Events from an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddressCount {
    /// The address and what is known of it.
    #[serde(flatten)]
    pub place: Place,
    /// How many.
    pub count: u64,
}

/// Events from a country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CountryCount {
    /// `source.geo.country_iso_code`
    pub country_code: Option<String>,
    /// `source.geo.country_name`
    pub country: Option<String>,
    /// How many.
    pub count: u64,
}

/// Events of a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CategoryCount {
    /// The category, or `none`.
    pub category: &'static str,
    /// How many.
    pub count: u64,
}

/// Events of the category `authentication` with the outcome `failure`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FailedLogins {
    /// How many.
    pub count: u64,
    /// Whose logins failed.
    pub users: Vec<UserCount>,
    /// From where.
    pub addresses: Vec<AddressCount>,
    /// Whose, and from where.
    pub pairs: Vec<PairCount>,
    /// Logins that succeeded after [`MANY_FAILURES`] or more in a row failed of the same user, from the same address, or both.
    pub logins_after_failures: Vec<LoginAfterFailures>,
    /// By the hour of the day, in UTC: 24 numbers.
    pub hours: [u64; 24],
    /// By weekday, Monday first, and hour of the day, in UTC: 7 times 24 numbers.
    pub weekdays: [[u64; 24]; 7],
}

/// Content that left Confluence: events that the table of actions has as the reading of files, and that were not refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Exports {
    /// How many.
    pub count: u64,
    /// What left, and how.
    pub actions: Vec<ActionCount>,
    /// Who took it.
    pub users: Vec<UserCount>,
    /// Where it went.
    pub addresses: Vec<AddressCount>,
}

/// Failed logins of a user from an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PairCount {
    /// Whose.
    #[serde(flatten)]
    pub user: Who,
    /// From where.
    #[serde(flatten)]
    pub place: Place,
    /// How many.
    pub count: u64,
}

/// A login that may be that of somebody who guessed the password. Of a user and an address, the one after most failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoginAfterFailures {
    /// When it succeeded.
    pub time: String,
    /// Whose.
    #[serde(flatten)]
    pub user: Who,
    /// From where.
    #[serde(flatten)]
    pub place: Place,
    /// So many failed just before.
    pub failures: u64,
    /// Whose they were, or from where.
    pub failures_of: FailuresOf,
}

/// What failed logins in a row have in common with the one that succeeded after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailuresOf {
    /// The user and the address: one password was guessed.
    UserAndAddress,
    /// The address, whatever names were tried: a password was tried with many users.
    Address,
    /// The user, from whatever addresses: many machines guessed.
    User,
}

impl FailuresOf {
    /// What they have in common, for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::UserAndAddress => "the user from the address",
            Self::Address => "any user from the address",
            Self::User => "the user from any address",
        }
    }
}

/// An event that is worth a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotableEvent {
    /// `@timestamp`
    pub time: String,
    /// Why it is notable.
    pub reason: String,
    /// What was done, in the server's words, or else the key; of an event of an organization, its `message`.
    pub action: String,
    /// `event.action`
    pub key: String,
    /// To what, and how.
    #[serde(flatten)]
    pub details: Details,
    /// Who did it.
    pub user: Who,
    /// From where.
    pub source: Place,
    /// The raw record, or the event where its record was not kept; at most [`LONGEST_RECORD`] bytes.
    pub record: String,
    /// Whether the end of the record was cut.
    pub record_is_cut: bool,
}

/// What an event was done to, and what changed; of each list at most [`MOST_DETAILS`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Details {
    /// The permission that was given or taken, such as `SETSPACEPERMISSIONS`: the changed value of that name.
    pub permission: Option<String>,
    /// The types and names of `confluence.audit.affected_objects`, such as `Space: Finance`; of an organization's event
    /// those of its `context` and `container`.
    pub objects: Vec<String>,
    /// `confluence.audit.changed_values`, but the permission.
    pub changes: Vec<Change>,
    /// The names and values of `confluence.audit.extra_attributes`, such as `Format: XML`.
    pub attributes: Vec<String>,
}

/// A value that changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is, in the server's words, or else the key.
    pub name: Option<String>,
    /// What it was.
    pub from: Option<String>,
    /// What it is now.
    pub to: Option<String>,
}

/// Records that could not be mapped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NotMapped {
    /// How many.
    pub count: u64,
    /// The first of them; at most [`MOST_SAMPLES`].
    pub samples: Vec<FailedRecord>,
}

/// A record that could not be mapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedRecord {
    /// Why not.
    pub message: String,
    /// The record; at most [`LONGEST_RECORD`] bytes.
    pub record: String,
    /// Whether the end of the record was cut.
    pub record_is_cut: bool,
}

/// What was too much to be kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// So many notable events, the oldest, are counted but not listed.
    pub notable_left_out: u64,
    /// Tables with more different keys than are kept: those seen least often were forgotten.
    pub tables: Vec<CappedTable>,
    /// Totals that are lower bounds, since their tables forgot keys: members of [`Totals`].
    pub lower_bounds: Vec<&'static str>,
}

impl Limits {
    /// Whether a total is a lower bound.
    #[must_use]
    pub fn is_lower_bound(&self, total: &str) -> bool {
        self.lower_bounds.contains(&total)
    }
}

/// The table of logins that succeeded after failures.
pub const AFTER_FAILURES: &str = "failed_logins.logins_after_failures";

/// A table that forgot its rarest keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CappedTable {
    /// Name of the list in the report, such as `users` or `failed_logins.addresses`.
    pub table: &'static str,
    /// The number of keys that it keeps.
    pub kept: u64,
    /// Each count of the table may be too low by as much as this; 0: entries may be missing, but the counts are right.
    pub missing_at_most: u64,
}
