//! The numbers of a report, against counts that are made here from the events of `normalize`.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::{DATABASES, SAMPLE, record, report, summary};
use crate::support::program::{events, lines, run};

/// How often each text is there.
type Counts = BTreeMap<String, u64>;

fn sample_events() -> Vec<Value> {
    let flags = ["normalize", "-q", "--categories", "extended", SAMPLE];
    events(flags.iter().chain(&DATABASES), b"")
}

fn sample_summary(flags: &[&str]) -> Value {
    let flags: Vec<_> = [SAMPLE, "--top", "10000"]
        .iter()
        .chain(&DATABASES)
        .chain(flags)
        .copied()
        .collect();
    summary(&flags, "")
}

fn count<'e>(events: &'e [Value], texts: impl Fn(&'e Value) -> Vec<String>) -> Counts {
    let mut counts = Counts::new();
    for text in events.iter().flat_map(texts) {
        *counts.entry(text).or_default() += 1;
    }
    counts
}

/// The text at a place of an event, if there is one.
fn at(event: &Value, pointer: &str) -> Vec<String> {
    let text = event.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned).into_iter().collect()
}

/// The counts of a list of the report, by a member of its rows.
fn of(list: &Value, member: &str) -> Counts {
    let rows = list.as_array().expect("a list");
    let row = |row: &Value| {
        let name = row[member].as_str().expect("a text").to_owned();
        (name, row["count"].as_u64().expect("a number"))
    };
    let counts: Counts = rows.iter().map(row).collect();
    assert_eq!(counts.len(), rows.len(), "each once");
    let in_order: Vec<_> = rows.iter().map(|row| row["count"].as_u64()).collect();
    assert!(in_order.is_sorted_by(|one, other| one >= other), "{list}");
    counts
}

fn is_failed_login(event: &Value) -> bool {
    let event = &event["event"];
    event["outcome"] == "failure"
        && event["category"]
            .as_array()
            .is_some_and(|all| all.contains(&json!("authentication")))
}

#[test]
fn every_ranking_is_that_of_an_independent_count() {
    let (events, report) = (sample_events(), sample_summary(&[]));
    assert_eq!(report["totals"]["events"], events.len());
    assert_eq!(
        of(&report["actions"], "key"),
        count(&events, |event| at(event, "/event/action"))
    );
    assert_eq!(
        of(&report["addresses"], "address"),
        count(&events, |event| at(event, "/source/ip"))
    );
    let country = |event| at(event, "/source/geo/country_name");
    assert_eq!(of(&report["countries"], "country"), count(&events, country));
    let categories = |event: &Value| match event["event"]["category"].as_array() {
        Some(all) => all
            .iter()
            .map(|one| one.as_str().expect("a text").to_owned())
            .collect(),
        None => vec!["none".to_owned()],
    };
    assert_eq!(
        of(&report["categories"], "category"),
        count(&events, categories)
    );
    let users: u64 = report["users"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|user| user["count"].as_u64().expect("a number"))
        .sum();
    let acted = |event: &&Value| event.get("user").is_some() && !is_failed_login(event);
    let with_user = events.iter().filter(acted).count();
    assert_eq!(users, with_user as u64);
}

#[test]
fn failed_logins_are_counted_by_user_address_and_hour() {
    let events = sample_events();
    let failed: Vec<Value> = events
        .iter()
        .filter(|event| is_failed_login(event))
        .cloned()
        .collect();
    let report = &sample_summary(&[])["failed_logins"];
    assert_eq!(report["count"], failed.len());
    assert_eq!(
        of(&report["addresses"], "address"),
        count(&failed, |event| at(event, "/source/ip"))
    );
    let sum = |numbers: &Value| -> u64 {
        let numbers = numbers.as_array().expect("a list").iter();
        numbers
            .map(|number| number.as_u64().expect("a number"))
            .sum()
    };
    let weekdays = report["weekdays"].as_array().expect("a list");
    assert_eq!(weekdays.len(), 7);
    assert_eq!(sum(&report["hours"]), failed.len() as u64);
    // 2026-01-01 was a Thursday.
    assert_eq!(sum(&weekdays[3]), failed.len() as u64);
    assert_eq!(report["hours"][0], failed.len());
}

#[test]
fn the_buckets_of_the_timeline_are_all_events() {
    let report = sample_summary(&[]);
    let buckets = report["timeline"]["buckets"].as_array().expect("a list");
    let of_categories = |bucket: &Value| -> u64 {
        let categories = bucket["categories"]
            .as_object()
            .expect("an object")
            .values();
        categories
            .map(|count| count.as_u64().expect("a number"))
            .sum()
    };
    for bucket in buckets {
        assert_eq!(bucket["count"], of_categories(bucket), "{bucket}");
    }
    assert_eq!(buckets.iter().map(of_categories).sum::<u64>(), 300);
}

#[test]
fn events_give_the_report_of_their_records_plain_in_bulk_format_and_with_either_set_of_categories()
{
    let of_records = without_records(sample_summary(&[]));
    for flags in [
        &[][..],
        &["--format", "bulk"],
        &["--categories", "extended"],
    ] {
        let arguments = ["normalize", "-q", SAMPLE]
            .iter()
            .chain(&DATABASES)
            .chain(flags);
        let events = String::from_utf8(run(arguments, b"").stdout).expect("UTF-8");
        let of_events = without_records(summary(&["--top", "10000"], &events));
        assert_eq!(of_events, of_records, "{flags:?}");
    }
}

/// The report of a file, and that of its events, made with the same flags.
fn of_records_and_of_events(path: &str, flags: &[&str]) -> [Value; 2] {
    let arguments = ["normalize", "-q", path];
    let events = run(arguments.iter().chain(&DATABASES).chain(flags), b"").stdout;
    let events = String::from_utf8(events).expect("UTF-8");
    let arguments = [&["--top", "10000", path][..], &DATABASES, flags].concat();
    let of_records = summary(&arguments, "");
    [of_records, summary(&["--top", "10000"], &events)].map(without_records)
}

#[test]
fn records_of_every_dialect_and_broken_ones_give_the_report_of_their_events() {
    for file in fs::read_dir("testdata/records").expect("a folder") {
        let path = file.expect("a file").path();
        let path = path.to_str().expect("UTF-8");
        let [records, events] = of_records_and_of_events(path, &["--network", "10.0.0.0/8=office"]);
        assert_eq!(records, events, "{path}");
    }
}

#[test]
fn constant_fields_take_the_place_of_those_of_records() {
    let constants = r#"{"source":{"geo":{"name":"office"}},"user":{"name":"everybody"}}"#;
    let flags = ["--add-fields", constants];
    let [records, events] = of_records_and_of_events(SAMPLE, &flags);
    assert_eq!(records, events);
    assert_eq!(records["users"][0]["name"], "everybody");
    assert_eq!(records["addresses"][0]["network"], "office");
}

/// A report without the texts of notable records, which events need not hold.
fn without_records(mut report: Value) -> Value {
    for notable in report["notable"].as_array_mut().expect("a list") {
        for member in ["record", "record_is_cut"] {
            notable.as_object_mut().expect("an object").remove(member);
        }
    }
    report
}

#[test]
fn a_file_may_hold_records_and_events() {
    let text = fs::read_to_string(SAMPLE).expect("read");
    let mut mixed = String::new();
    for (at, line) in text.split_inclusive('\n').enumerate() {
        if at % 3 == 0 {
            let event = run(["normalize", "-q"], line.as_bytes());
            mixed += &lines(&event.stdout)[0].to_string();
            mixed.push('\n');
        } else {
            mixed += line;
        }
        if at == 50 {
            break;
        }
    }
    let report = summary(&[], &mixed);
    assert_eq!(report["totals"]["records"], 51);
    assert_eq!(report["totals"]["not_mapped"], 0);
}

#[test]
fn any_number_of_threads_gives_the_same_report() {
    let one = sample_summary(&["--threads", "1"]);
    assert_eq!(sample_summary(&["--threads", "4"]), one);
}

#[test]
fn events_out_of_the_range_are_counted_nowhere_else() {
    let input: String = (0..10)
        .map(|second| record(second, "page.viewed", "a", "10.0.0.1"))
        .collect();
    let range = [
        "--since",
        "1970-01-01T00:00:03Z",
        "--until",
        "1970-01-01T00:00:07Z",
    ];
    let report = summary(&range, &input);
    assert_eq!(report["totals"]["events"], 4);
    assert_eq!(report["totals"]["out_of_range"], 6);
    assert_eq!(
        report["range"],
        json!({"from": "1970-01-01T00:00:03.000Z", "to": "1970-01-01T00:00:06.000Z"})
    );
    assert_eq!(report["users"][0]["count"], 4);
    // A duration before now.
    assert_eq!(summary(&["--since", "7d"], &input)["totals"]["events"], 0);
}

#[test]
fn a_report_on_a_range_without_events_says_when_there_are_some() {
    let input: String = [60, 3600]
        .map(|second| record(second, "page.viewed", "a", "10.0.0.1"))
        .concat();
    let told = summary(&["--since", "7d"], &input);
    assert_eq!(told["range"], json!(null));
    assert_eq!(
        told["out_of_range"],
        json!({"from": "1970-01-01T00:01:00.000Z", "to": "1970-01-01T01:00:00.000Z"})
    );
    let text = report(&["--since", "7d"], &input).stdout;
    let text = String::from_utf8(text).expect("UTF-8");
    let said = "2 out of the range (1970-01-01 00:01 to 1970-01-01 01:00 UTC)";
    assert!(text.contains(said), "{text}");
    let page = report(&["--since", "7d", "--html", "-"], &input).stdout;
    let page = String::from_utf8(page).expect("UTF-8");
    let said = "Out of the range of time: 2 from <time datetime=\"1970-01-01T00:01:00.000Z\">";
    assert!(page.contains(said));
    assert_eq!(summary(&[], &input)["out_of_range"], json!(null));
}

#[test]
fn the_number_of_more_users_than_are_kept_is_said_to_be_a_lower_bound() {
    let input: String = (0..30_001)
        .map(|number| record(number, "page.viewed", &format!("user {number}"), "10.0.0.1"))
        .collect();
    let told = summary(&[], &input);
    assert_eq!(told["limits"]["lower_bounds"], json!(["users"]));
    let users = told["totals"]["users"].as_u64().expect("a number");
    assert!((10_000..=30_001).contains(&users), "{users}");
    let text = report(&[], &input).stdout;
    let text = String::from_utf8(text).expect("UTF-8");
    let said = format!("at least {users} users, 1 address,");
    assert!(text.contains(&said), "{text}");
    let page = report(&["--html", "-"], &input).stdout;
    let page = String::from_utf8(page).expect("UTF-8");
    for said in ["<dt>users, at least</dt>", &format!("of at least {users}.")] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn notable_events_come_newest_first_with_their_records() {
    let report = sample_summary(&[]);
    let notable = report["notable"].as_array().expect("a list");
    assert_eq!(report["totals"]["notable"], notable.len());
    let times: Vec<_> = notable.iter().map(|event| event["time"].as_str()).collect();
    assert!(times.is_sorted_by(|one, other| one >= other), "{times:?}");
    let records = fs::read_to_string(SAMPLE).expect("read");
    for event in notable {
        let record = event["record"].as_str().expect("a text");
        assert!(records.lines().any(|line| line == record), "{event}");
        assert!(
            !event["reason"].as_str().expect("a text").is_empty(),
            "{event}"
        );
    }
}

#[test]
fn the_newest_thousand_notable_events_are_listed_and_all_are_counted() {
    // Not in the order of time.
    let second = |number: i64| (number * 7919) % 2500;
    let input: String = (0..2500)
        .map(|number| record(second(number), "space.removed", "a", "10.0.0.1"))
        .collect();
    let report = summary(&[], &input);
    assert_eq!(report["totals"]["notable"], 2500, "{}", report["totals"]);
    assert_eq!(report["limits"]["notable_left_out"], 1500);
    let notable = report["notable"].as_array().expect("a list");
    assert_eq!(notable.len(), 1000);
    assert_eq!(notable[0]["time"], "1970-01-01T00:41:39.000Z");
    assert_eq!(notable[999]["time"], "1970-01-01T00:25:00.000Z");
}

#[test]
fn many_notable_events_of_one_kind_hide_no_other() {
    let mut input = record(0, "global.permission.added", "a", "10.0.0.1");
    for number in 1..=2500 {
        input += &record(number, "space.removed", "a", "10.0.0.1");
    }
    let report = summary(&[], &input);
    let reasons = report["notable_reasons"].as_array().expect("a list");
    let counts: Vec<_> = reasons.iter().map(|one| &one["count"]).collect();
    assert_eq!(counts, [&json!(2500), &json!(1)]);
    let notable = report["notable"].as_array().expect("a list");
    assert_eq!(notable.len(), 1001);
    assert_eq!(notable[1000]["reason"], reasons[1]["reason"]);
}

#[test]
fn a_group_of_administrators_is_one_that_the_pattern_finds() {
    let record = json!({
        "affectedObjects": [
            {"id": "1", "name": "alex", "type": "User"},
            {"id": "2", "name": "wiki-wardens", "type": "Group"},
        ],
        "auditType": {
            "action": "User added to group",
            "actionI18nKey": "audit.logging.summary.group.membership.added",
            "categoryI18nKey": "audit.logging.category.user.management",
        },
        "timestamp": {"epochSecond": 1, "nano": 0},
    });
    let notable = |flags: &[&str]| summary(flags, &record.to_string())["totals"]["notable"].clone();
    assert_eq!(notable(&[]), 0);
    assert_eq!(notable(&["--admin-groups", "(?i)WARDENS$"]), 1);
}
