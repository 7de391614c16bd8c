//! Everything that is counted of events, a part of the input at a time.

use std::collections::BTreeMap;

use super::category;
use super::facts::{Facts, Item, Window};
use super::notable::{Candidate, Newest};
use super::ranking::Ranking;
use super::summary::{
    ActionCount, AddressCount, CategoryCount, CountryCount, FailedLogins, FailedRecord, Limits,
    MOST_SAMPLES, NotMapped, Place, Summary, TimeRange, Totals, UserCount, Who,
};
use super::text::{beginning_of_record, shortened};
use super::timeline::Timeline;
use crate::pipeline::timestamp::Timestamp;
use crate::schema::notable::AdminGroups;

/// What was counted of a part of the input.
#[derive(Debug, Default)]
pub struct Tally {
    events: u64,
    not_mapped: u64,
    out_of_range: u64,
    unknown: u64,
    /// The first and the last time.
    range: Option<(Timestamp, Timestamp)>,
    timeline: Timeline,
    actions: Ranking<Option<String>>,
    unknown_actions: Ranking<Option<String>>,
    users: Ranking<Who>,
    addresses: Ranking<Place>,
    countries: Ranking<Place>,
    categories: BTreeMap<&'static str, u64>,
    failed_logins: FailedLoginTally,
    /// In the order of the input.
    candidates: Vec<Candidate>,
    samples: Vec<FailedRecord>,
}

#[derive(Debug, Default)]
struct FailedLoginTally {
    users: Ranking<Who>,
    addresses: Ranking<Place>,
    count: u64,
    weekdays: [[u64; 24]; 7],
}

impl Tally {
    /// Counts an event, if it is of the time.
    pub fn count(&mut self, item: &Item<'_>, window: Window) {
        match item {
            Item::Event(facts) if window.contains(facts.time) => self.count_event(facts),
            Item::Event(_) => self.out_of_range += 1,
            Item::Failed { message, record } => {
                self.not_mapped += 1;
                if self.samples.len() < MOST_SAMPLES {
                    let (record, record_is_cut) = beginning_of_record(record);
                    self.samples.push(FailedRecord {
                        message: shortened(message.as_ref().into()).into_owned(),
                        record,
                        record_is_cut,
                    });
                }
            }
        }
    }

    fn count_event(&mut self, facts: &Facts<'_>) {
        self.events += 1;
        self.cover(facts.time, facts.time);
        let first = facts.categories.first().copied().unwrap_or(category::NONE);
        self.timeline.count(facts.time, first);
        for category in facts.categories.iter().skip(1).chain([&first]) {
            *self.categories.entry(category).or_default() += 1;
        }
        if let Some(action) = &facts.action {
            let key = shortened(action.as_ref().into());
            let text = || facts.action_text().map(std::borrow::Cow::into_owned);
            self.actions.count(&key, text);
            if facts.is_unknown() {
                self.unknown += 1;
                self.unknown_actions.count(&key, text);
            }
        }
        if let Some(user) = facts.user_key() {
            self.users.count(&user, || facts.user());
        }
        if let Some(address) = facts.address() {
            self.addresses.count(&address, || facts.place());
        }
        if let Some(country) = facts.country_key() {
            self.countries.count(&country, || facts.place());
        }
        if facts.is_failed_login() {
            self.failed_logins.count(facts);
        }
        self.candidates.extend(Candidate::new(facts));
    }

    fn cover(&mut self, from: Timestamp, to: Timestamp) {
        let (first, last) = self.range.unwrap_or((from, to));
        self.range = Some((first.min(from), last.max(to)));
    }

    /// Adds what another one counted of the input behind this one's, and empties it, but for the candidates.
    fn append(&mut self, other: &mut Self) {
        for (own, others) in [
            (&mut self.events, &mut other.events),
            (&mut self.not_mapped, &mut other.not_mapped),
            (&mut self.out_of_range, &mut other.out_of_range),
            (&mut self.unknown, &mut other.unknown),
        ] {
            *own += std::mem::take(others);
        }
        if let Some((from, to)) = other.range.take() {
            self.cover(from, to);
        }
        self.timeline.append(&mut other.timeline);
        self.actions.append(&mut other.actions);
        self.unknown_actions.append(&mut other.unknown_actions);
        self.users.append(&mut other.users);
        self.addresses.append(&mut other.addresses);
        self.countries.append(&mut other.countries);
        for (category, count) in std::mem::take(&mut other.categories) {
            *self.categories.entry(category).or_default() += count;
        }
        self.failed_logins.append(&mut other.failed_logins);
        self.samples.append(&mut other.samples);
        self.samples.truncate(MOST_SAMPLES);
    }
}

/// All that was counted so far.
#[derive(Debug)]
pub struct Total {
    tally: Tally,
    notable: Newest,
}

impl Total {
    /// Nothing yet.
    #[must_use]
    pub fn new(admin_groups: AdminGroups) -> Self {
        Self {
            tally: Tally::default(),
            notable: Newest::new(admin_groups),
        }
    }

    /// Adds what was counted of the next part of the input, and empties it.
    pub fn add(&mut self, part: &mut Tally) {
        for candidate in part.candidates.drain(..) {
            self.notable.take(candidate);
        }
        self.tally.append(part);
    }

    /// The report, with the first `top` of each ranking.
    #[must_use]
    pub fn finish(self, top: usize) -> Summary {
        let tally = self.tally;
        let (notable, notable_left_out) = self.notable.finish();
        let tables = [
            tally.actions.capped("actions"),
            tally.unknown_actions.capped("unknown_actions"),
            tally.users.capped("users"),
            tally.addresses.capped("addresses"),
            tally.countries.capped("countries"),
            tally.failed_logins.users.capped("failed_logins.users"),
            tally
                .failed_logins
                .addresses
                .capped("failed_logins.addresses"),
        ];
        Summary {
            range: tally.range.map(|(from, to)| TimeRange {
                from: from.to_string(),
                to: to.to_string(),
            }),
            totals: Totals {
                records: tally.events + tally.not_mapped + tally.out_of_range,
                events: tally.events,
                not_mapped: tally.not_mapped,
                out_of_range: tally.out_of_range,
                notable: notable.len() as u64 + notable_left_out,
                unknown_actions: tally.unknown,
                actions: tally.actions.keys(),
                users: tally.users.keys(),
                addresses: tally.addresses.keys(),
            },
            timeline: tally.timeline.finish(),
            actions: actions(&tally.actions, top),
            users: users(&tally.users, top),
            addresses: addresses(&tally.addresses, top),
            countries: countries(&tally.countries, top),
            categories: categories(&tally.categories, top),
            failed_logins: tally.failed_logins.finish(top),
            notable,
            not_mapped: NotMapped {
                count: tally.not_mapped,
                samples: tally.samples,
            },
            unknown_actions: actions(&tally.unknown_actions, top),
            limits: Limits {
                notable_left_out,
                tables: tables.into_iter().flatten().collect(),
            },
        }
    }
}

impl FailedLoginTally {
    fn count(&mut self, facts: &Facts<'_>) {
        self.count += 1;
        let time = facts.time.to_utc();
        let weekday = usize::from(time.weekday().number_days_from_monday());
        self.weekdays[weekday][usize::from(time.hour())] += 1;
        if let Some(user) = facts.user_key() {
            self.users.count(&user, || facts.user());
        }
        if let Some(address) = facts.address() {
            self.addresses.count(&address, || facts.place());
        }
    }

    fn append(&mut self, other: &mut Self) {
        self.count += std::mem::take(&mut other.count);
        self.users.append(&mut other.users);
        self.addresses.append(&mut other.addresses);
        let others = std::mem::take(&mut other.weekdays);
        for (own, other) in self
            .weekdays
            .iter_mut()
            .flatten()
            .zip(others.iter().flatten())
        {
            *own += other;
        }
    }

    fn finish(self, top: usize) -> FailedLogins {
        let mut hours = [0; 24];
        for weekday in &self.weekdays {
            for (sum, count) in hours.iter_mut().zip(weekday) {
                *sum += count;
            }
        }
        FailedLogins {
            count: self.count,
            users: users(&self.users, top),
            addresses: addresses(&self.addresses, top),
            hours,
            weekdays: self.weekdays,
        }
    }
}

fn actions(ranking: &Ranking<Option<String>>, top: usize) -> Vec<ActionCount> {
    let top = ranking.top(top).into_iter();
    let action = |(key, one): (&str, &super::ranking::Counted<Option<String>>)| ActionCount {
        text: one.detail.clone(),
        key: key.to_owned(),
        count: one.count,
    };
    top.map(action).collect()
}

fn users(ranking: &Ranking<Who>, top: usize) -> Vec<UserCount> {
    let top = ranking.top(top).into_iter();
    top.map(|(_, one)| UserCount {
        user: one.detail.clone(),
        count: one.count,
    })
    .collect()
}

fn addresses(ranking: &Ranking<Place>, top: usize) -> Vec<AddressCount> {
    let top = ranking.top(top).into_iter();
    top.map(|(_, one)| AddressCount {
        place: one.detail.clone(),
        count: one.count,
    })
    .collect()
}

fn countries(ranking: &Ranking<Place>, top: usize) -> Vec<CountryCount> {
    let top = ranking.top(top).into_iter();
    top.map(|(_, one)| CountryCount {
        country_code: one.detail.country_code.clone(),
        country: one.detail.country.clone(),
        count: one.count,
    })
    .collect()
}

fn categories(counts: &BTreeMap<&'static str, u64>, top: usize) -> Vec<CategoryCount> {
    let mut all: Vec<_> = counts
        .iter()
        .map(|(category, count)| CategoryCount {
            category,
            count: *count,
        })
        .collect();
    // Stable: among equals by name.
    all.sort_by_key(|one| std::cmp::Reverse(one.count));
    all.truncate(top);
    all
}
