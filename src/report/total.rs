//! All that was counted, and the report of it.

use std::collections::BTreeMap;

use super::logins::Logins;
use super::meaning::Login;
use super::names::EventNames;
use super::notable::Newest;
use super::ranking::{Counted, Ranking};
use super::summary::{
    AFTER_FAILURES, ActionCount, AddressCount, CappedTable, CategoryCount, CountryCount, Exports,
    FailedLogins, Limits, LoginAfterFailures, NotMapped, Place, Summary, TimeRange, Totals,
    UserCount, Who,
};
use super::tally::{Counts, Tally};
use crate::pipeline::timestamp::Timestamp;

/// All that was counted so far.
#[derive(Debug, Default)]
pub struct Total {
    counts: Counts,
    rankings: Rankings,
    notable: Newest,
}

#[derive(Debug, Default)]
struct Rankings {
    actions: Ranking<Option<String>>,
    unknown_actions: Ranking<Option<String>>,
    users: Ranking<Who>,
    addresses: Ranking<Place>,
    countries: Ranking<Place>,
    failed_users: Ranking<Who>,
    failed_addresses: Ranking<Place>,
    logins: Logins,
    export_actions: Ranking<Option<String>>,
    export_users: Ranking<Who>,
    export_addresses: Ranking<Place>,
}

impl Rankings {
    fn count(&mut self, event: &EventNames<&str>) {
        if let Some(action) = event.action {
            let text = || event.action_text.map(str::to_owned);
            self.actions.count(action, text);
            if event.is_unknown {
                self.unknown_actions.count(action, text);
            }
        }
        let is_failed_login = event.login == Some(Login::Failed);
        if let Some(user) = event.user() {
            // Whoever tries names that nobody has would make users of them.
            let users = if is_failed_login {
                &mut self.failed_users
            } else {
                &mut self.users
            };
            users.count(user, || event.who());
        }
        if let Some(login) = event.login {
            self.logins.take(event, login);
        }
        if let Some(address) = event.address {
            self.addresses.count(address, || event.place());
            if is_failed_login {
                self.failed_addresses.count(address, || event.place());
            }
        }
        if let Some(country) = event.country() {
            self.countries.count(country, || event.place());
        }
        if event.is_export {
            self.count_export(event);
        }
    }

    fn count_export(&mut self, event: &EventNames<&str>) {
        if let Some(action) = event.action {
            let text = || event.action_text.map(str::to_owned);
            self.export_actions.count(action, text);
        }
        if let Some(user) = event.user() {
            self.export_users.count(user, || event.who());
        }
        if let Some(address) = event.address {
            self.export_addresses.count(address, || event.place());
        }
    }

    fn capped(&self) -> Vec<CappedTable> {
        let tables = [
            self.actions.capped("actions"),
            self.unknown_actions.capped("unknown_actions"),
            self.users.capped("users"),
            self.addresses.capped("addresses"),
            self.countries.capped("countries"),
            self.failed_users.capped("failed_logins.users"),
            self.failed_addresses.capped("failed_logins.addresses"),
            // There are fewer exporting actions than are kept.
            self.export_users.capped("exports.users"),
            self.export_addresses.capped("exports.addresses"),
        ];
        let tables = tables.into_iter().flatten();
        tables.chain(self.logins.capped()).collect()
    }
}

impl Total {
    /// Adds what was counted of the next part of the input, and empties it.
    pub fn add(&mut self, part: &mut Tally) {
        self.counts.append(std::mem::take(&mut part.counts));
        for event in part.names.events() {
            self.rankings.count(&event);
        }
        part.names.clear();
        for candidate in part.candidates.drain(..) {
            self.notable.take(candidate);
        }
    }

    /// The report, with the first `top` of each ranking.
    #[must_use]
    pub fn finish(self, top: usize) -> Summary {
        let Self {
            counts,
            rankings,
            notable,
        } = self;
        let notable = notable.finish();
        let (logins_after_failures, after_failures) = rankings.logins.after_failures(top);
        Summary {
            range: counts.range.map(time_range),
            out_of_range: counts.left_out.map(time_range),
            totals: Totals {
                records: counts.events + counts.not_mapped + counts.out_of_range,
                events: counts.events,
                not_mapped: counts.not_mapped,
                out_of_range: counts.out_of_range,
                notable: notable.newest.len() as u64 + notable.left_out,
                unknown_actions: counts.unknown,
                actions: rankings.actions.keys(),
                users: rankings.users.keys(),
                addresses: rankings.addresses.keys(),
                failed_login_users: rankings.failed_users.keys(),
                logins_after_failures,
            },
            actions: actions(&rankings.actions, top),
            users: users(&rankings.users, top),
            addresses: addresses(&rankings.addresses, top),
            countries: countries(&rankings.countries, top),
            categories: categories(&counts.categories, top),
            failed_logins: failed_logins(&counts, &rankings, after_failures, top),
            exports: Exports {
                count: counts.exports,
                actions: actions(&rankings.export_actions, top),
                users: users(&rankings.export_users, top),
                addresses: addresses(&rankings.export_addresses, top),
            },
            notable_reasons: notable.reasons,
            notable: notable.newest,
            not_mapped: NotMapped {
                count: counts.not_mapped,
                samples: counts.samples,
            },
            unknown_actions: actions(&rankings.unknown_actions, top),
            limits: limits(notable.left_out, rankings.capped()),
            timeline: counts.timeline.finish(),
        }
    }
}

fn time_range((from, to): (Timestamp, Timestamp)) -> TimeRange {
    TimeRange {
        from: from.to_string(),
        to: to.to_string(),
    }
}

/// The totals that are numbers of different things, and the table of each.
const COUNTED_KEYS: [(&str, &str); 5] = [
    ("actions", "actions"),
    ("users", "users"),
    ("addresses", "addresses"),
    ("failed_login_users", "failed_logins.users"),
    ("logins_after_failures", AFTER_FAILURES),
];

fn limits(notable_left_out: u64, tables: Vec<CappedTable>) -> Limits {
    let is_capped = |name: &str| tables.iter().any(|capped| capped.table == name);
    let totals = COUNTED_KEYS.into_iter();
    let lower_bounds = totals.filter_map(|(total, table)| is_capped(table).then_some(total));
    Limits {
        notable_left_out,
        lower_bounds: lower_bounds.collect(),
        tables,
    }
}

fn failed_logins(
    counts: &Counts,
    rankings: &Rankings,
    logins_after_failures: Vec<LoginAfterFailures>,
    top: usize,
) -> FailedLogins {
    let mut hours = [0; 24];
    for weekday in &counts.weekdays {
        for (sum, count) in hours.iter_mut().zip(weekday) {
            *sum += count;
        }
    }
    FailedLogins {
        count: counts.failed_logins,
        users: users(&rankings.failed_users, top),
        addresses: addresses(&rankings.failed_addresses, top),
        pairs: rankings.logins.top(top),
        logins_after_failures,
        hours,
        weekdays: counts.weekdays,
    }
}

fn actions(ranking: &Ranking<Option<String>>, top: usize) -> Vec<ActionCount> {
    let top = ranking.top(top).into_iter();
    let action = |(key, one): (&str, &Counted<Option<String>>)| ActionCount {
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
