//! Reports made by hand.

use std::collections::BTreeMap;

use confluence_ecs::report::summary::*;

/// A report with something of everything, each text of a record being that one.
pub fn with_text(text: &str) -> Summary {
    let text = || text.to_owned();
    let user = Who {
        full_name: Some(text()),
        name: Some(text()),
        id: Some(text()),
    };
    let place = Place {
        address: Some(text()),
        country_code: Some(text()),
        country: Some(text()),
        network: Some(text()),
    };
    let action = ActionCount {
        text: Some(text()),
        key: text(),
        count: 7,
    };
    let user_count = UserCount {
        user: user.clone(),
        count: 5,
    };
    let address = AddressCount {
        place: place.clone(),
        count: 4,
    };
    Summary {
        range: Some(TimeRange {
            from: "2026-01-01T00:00:00.000Z".into(),
            to: "2026-01-04T23:59:59.000Z".into(),
        }),
        out_of_range: Some(TimeRange {
            from: "2025-01-01T00:00:00.000Z".into(),
            to: "2025-01-04T23:59:59.000Z".into(),
        }),
        totals: Totals {
            records: 8,
            events: 7,
            notable: 3,
            ..Totals::default()
        },
        timeline: timeline(),
        actions: vec![action.clone()],
        users: vec![user_count.clone()],
        addresses: vec![address.clone()],
        countries: vec![CountryCount {
            country_code: Some(text()),
            country: Some(text()),
            count: 4,
        }],
        categories: vec![CategoryCount {
            category: "iam",
            count: 7,
        }],
        failed_logins: failed_logins(&user, &place),
        exports: Exports {
            count: 3,
            actions: vec![action.clone()],
            users: vec![user_count.clone()],
            addresses: vec![address.clone()],
        },
        notable: (1..=3).map(|day| notable(day, &user, &place)).collect(),
        notable_reasons: vec![ReasonCount {
            reason: text(),
            count: 9,
        }],
        not_mapped: NotMapped {
            count: 1,
            samples: vec![FailedRecord {
                message: text(),
                record: text(),
                record_is_cut: false,
            }],
        },
        unknown_actions: vec![action],
        limits: Limits {
            notable_left_out: 9,
            tables: vec![CappedTable {
                table: "users",
                kept: 100,
                missing_at_most: 3,
            }],
            lower_bounds: vec!["users"],
        },
    }
}

fn bucket(day: u64) -> Bucket {
    Bucket {
        start: format!("2026-01-0{day}T00:00:00.000Z"),
        count: day + 1,
        categories: BTreeMap::from([("iam", day), ("authentication", 1)]),
    }
}

fn timeline() -> Timeline {
    let range = |from: &str, to: &str| TimeRange {
        from: from.to_owned(),
        to: to.to_owned(),
    };
    Timeline {
        bucket_seconds: 86400,
        range: Some(range(
            "2026-01-01T00:00:00.000Z",
            "2026-01-04T23:59:59.000Z",
        )),
        buckets: (1..=4).map(bucket).collect(),
        outside: vec![Outside {
            range: range("9999-12-31T00:00:00.000Z", "9999-12-31T00:00:00.000Z"),
            count: 1,
        }],
    }
}

fn failed_logins(user: &Who, place: &Place) -> FailedLogins {
    let mut weekdays = [[0; 24]; 7];
    weekdays[6][23] = 2;
    let mut hours = [0; 24];
    hours[23] = 2;
    FailedLogins {
        count: 2,
        users: vec![UserCount {
            user: user.clone(),
            count: 5,
        }],
        addresses: vec![AddressCount {
            place: place.clone(),
            count: 4,
        }],
        pairs: vec![PairCount {
            user: user.clone(),
            place: place.clone(),
            count: 2,
        }],
        logins_after_failures: vec![LoginAfterFailures {
            time: "2026-01-04T23:00:00.000Z".to_owned(),
            user: user.clone(),
            place: place.clone(),
            failures: 5,
            failures_of: FailuresOf::Address,
        }],
        hours,
        weekdays,
    }
}

/// A notable event of a day, its texts being the names of a user.
fn notable(day: usize, user: &Who, place: &Place) -> NotableEvent {
    let text = || user.label().to_owned();
    NotableEvent {
        time: format!("2026-01-0{day}T12:00:00.000Z"),
        reason: ["privilege granted", "a way in opened"][day % 2].into(),
        action: text(),
        key: text(),
        details: Details {
            permission: Some(text()),
            objects: vec![text()],
            changes: vec![Change {
                name: Some(text()),
                from: Some(text()),
                to: None,
            }],
            attributes: vec![text()],
        },
        user: user.clone(),
        source: place.clone(),
        record: format!("{{\"day\": {day}, \"text\": \"{}\"}}", text()),
        record_is_cut: day == 1,
    }
}
