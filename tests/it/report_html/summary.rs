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
    let mut weekdays = [[0; 24]; 7];
    weekdays[6][23] = 2;
    let mut hours = [0; 24];
    hours[23] = 2;
    Summary {
        range: Some(TimeRange {
            from: "2026-01-01T00:00:00.000Z".into(),
            to: "2026-01-04T23:59:59.000Z".into(),
        }),
        totals: Totals {
            records: 8,
            events: 7,
            notable: 3,
            ..Totals::default()
        },
        timeline: Timeline {
            bucket_seconds: 86400,
            range: Some(TimeRange {
                from: "2026-01-01T00:00:00.000Z".into(),
                to: "2026-01-04T23:59:59.000Z".into(),
            }),
            outside: vec![Outside {
                range: TimeRange {
                    from: "9999-12-31T00:00:00.000Z".into(),
                    to: "9999-12-31T00:00:00.000Z".into(),
                },
                count: 1,
            }],
            buckets: (1..=4).map(bucket).collect(),
        },
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
        failed_logins: FailedLogins {
            count: 2,
            users: vec![user_count],
            addresses: vec![address],
            pairs: vec![PairCount {
                user: user.clone(),
                place: place.clone(),
                count: 2,
            }],
            logins_after_failures: vec![LoginAfterFailures {
                time: text(),
                user: user.clone(),
                place: place.clone(),
                failures: 5,
            }],
            hours,
            weekdays,
        },
        notable: (1..=3)
            .map(|day| NotableEvent {
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
            })
            .collect(),
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
