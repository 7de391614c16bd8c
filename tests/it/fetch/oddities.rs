//! Records that are none, or not as they should be: each is told of once, and harms no other.

use serde_json::Value;

use confluence_ecs::pipeline::timestamp::Timestamp;

use super::running::{Running, now};
use crate::support::atlassian::{Atlassian, Record, cloud_record, data_center_record};
use crate::support::fetching::{DAY, Fetching, START, Way, said};
use crate::support::program::{self, wait_until};

/// Ten good records around one with that text, all of the last minutes.
fn around(odd: &[&str]) -> Fetching {
    let fetching = Fetching::cloud();
    let begin = now() - 300_000;
    for number in 0..10 {
        fetching
            .server
            .insert(cloud_record(begin + number * 1000, number.unsigned_abs()));
        for raw in odd.iter().filter(|_| number == 4) {
            let raw = (*raw).to_owned();
            fetching.server.insert(Record {
                ms: begin + 4500,
                raw,
            });
        }
    }
    fetching
}

fn run(fetching: &Fetching, flags: &[&str], code: i32) -> String {
    let fixed = ["--since", "1h", "--settle", "0s", "--page-size", "4"];
    let mut command = fetching.command("fetch", &fixed);
    command.args(flags).arg("-o").arg(fetching.out());
    let output = program::run_command(command, b"");
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    said(&output)
}

fn errors(fetching: &Fetching) -> Vec<Value> {
    let mut events = fetching.events();
    events.retain(|event| event["event"]["kind"] == "pipeline_error");
    events
}

const UNMAPPABLE: [&str; 7] = [
    "7",
    "\"text\"",
    "[1,2]",
    "true",
    r#"{"creationDate":"soon","summary":"Space created"}"#,
    r#"{"creationDate":99999999999999999999,"summary":"x"}"#,
    "7",
];

#[test]
fn what_cannot_be_mapped_becomes_an_error_once() {
    let fetching = around(&UNMAPPABLE);
    let told = run(&fetching, &["--strict"], 3);
    let count = UNMAPPABLE.len();
    assert!(told.contains(&format!("failed={count}")), "{told}");
    let events = fetching.events();
    assert_eq!(events.len(), 10 + count);
    let made = errors(&fetching);
    let originals = made.iter().map(|event| event["event"]["original"].as_str());
    let mut originals: Vec<_> = originals.map(Option::unwrap_or_default).collect();
    originals.sort_unstable();
    let mut expected = UNMAPPABLE.to_vec();
    expected.sort_unstable();
    assert_eq!(originals, expected);
    // Again and again: they are known.
    run(&fetching, &["--strict"], 0);
    // One more of them is another one.
    fetching.server.insert(Record {
        ms: now() - 1000,
        raw: "7".to_owned(),
    });
    run(&fetching, &["--strict"], 3);
    run(&fetching, &["--strict"], 0);
    assert_eq!(errors(&fetching).len(), count + 1);
    assert_eq!(fetching.events().len(), 11 + count);
}

/// The source says what they are: they are mapped, with the time of processing (docs/mapping.md 10).
#[test]
fn records_of_cloud_and_of_old_server_need_no_time() {
    let odd = [
        "{}",
        r#"{"summary":"Space created","creationDate":""}"#,
        r#"{"timestamp":"yesterday","type":{}}"#,
    ];
    let fetching = around(&odd);
    let begin = now();
    run(&fetching, &["--strict"], 0);
    let events = fetching.events();
    assert_eq!(events.len(), 13);
    let late = events.iter().filter(|event| {
        let time = event["@timestamp"].as_str().and_then(Timestamp::from_text);
        time.is_some_and(|time| time.millis() >= begin)
    });
    let late: Vec<_> = late.collect();
    assert_eq!(late.len(), 3);
    let is_created = |event: &&&Value| event["event"]["action"] == "Space created";
    assert_eq!(late.iter().filter(is_created).count(), 1);
    // What the flag says counts more.
    let fetching = around(&odd);
    run(&fetching, &["--dialect", "dc-api", "--strict"], 3);

    let server = Atlassian::old_server("/confluence");
    let fetching = Fetching::of(server, Way::Password);
    fetching.server.insert(Record {
        ms: now() - 1000,
        raw: r#"{"summary":"Space created"}"#.to_owned(),
    });
    run(&fetching, &["--strict"], 0);
    assert_eq!(fetching.events()[0]["event"]["kind"], "event");
}

#[test]
fn nothing_is_strict_by_itself() {
    let fetching = around(&["7"]);
    let told = run(&fetching, &[], 0);
    assert!(told.contains("failed=1"), "{told}");
}

#[test]
fn raw_takes_everything() {
    let fetching = around(&UNMAPPABLE);
    for _ in 0..2 {
        run(&fetching, &["--raw"], 0);
        let mut lines = fetching.lines();
        let held = fetching.server.held();
        let mut held: Vec<_> = held.into_iter().map(|one| one.raw).collect();
        lines.sort();
        held.sort();
        assert_eq!(lines, held);
    }
}

#[test]
fn only_records_without_a_time() {
    let fetching = Fetching::cloud();
    for ms in [0, 0, 1, DAY, 2 * DAY, 2 * DAY] {
        fetching.server.insert(Record {
            ms: START + ms,
            raw: r#"{"summary":"Space created"}"#.to_owned(),
        });
    }
    for _ in 0..3 {
        fetching.fetch(&["--raw", "--page-size", "2"]);
        // Some stand at a border of slices, and come with both.
        assert_eq!(fetching.lines().len(), 6);
    }
}

#[test]
fn a_record_that_is_too_long_becomes_an_error_once() {
    let long = cloud_record(now() - 200_000, 100).raw;
    let filler = "long ".repeat(40_000);
    let long = long.replace("record 100", &filler);
    let fetching = around(&[&long]);
    let flags = ["--max-line-bytes", "10000", "--strict"];
    run(&fetching, &flags, 3);
    run(&fetching, &flags, 0);
    assert_eq!(fetching.events().len(), 11);
    let errors = errors(&fetching);
    let original = errors[0]["event"]["original"]
        .as_str()
        .expect("its beginning");
    assert_eq!((errors.len(), original.len()), (1, 64 << 10));
    assert!(long.starts_with(original));
}

#[test]
fn what_is_printed_prettily_is_one_line() {
    let fetching = Fetching::cloud();
    let record = |number: i64| cloud_record(START + number * 1000, number.unsigned_abs());
    for record in (0..10).map(record) {
        let value: Value = serde_json::from_str(&record.raw).expect("JSON");
        let raw = serde_json::to_string_pretty(&value).expect("JSON");
        let raw = raw.replace('\n', "\r\n");
        fetching.server.insert(Record { raw, ..record });
    }
    let flags = ["--window", "365d", "--page-size", "4"];
    fetching.fetch(&[&flags[..], &["--raw"]].concat());
    let lines = fetching.lines();
    let held = fetching.server.held();
    assert_eq!(lines.len(), held.len());
    for (line, record) in lines.iter().zip(held) {
        let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        assert_eq!(value(line), value(&record.raw));
        assert!(!line.contains(['\r', '\n']));
    }
    // Written otherwise, they are the same records.
    fetching.fetch(&[&flags[..], &["--raw"]].concat());
    assert_eq!(fetching.lines(), lines);
}

#[test]
fn a_record_of_another_time_than_was_asked_for_comes_at_most_once() {
    let fetching = Fetching::cloud();
    let record = |number: i64| cloud_record(START + number * DAY / 4, number.unsigned_abs());
    fetching.server.insert_all((0..20).map(record));
    // The server finds it on the third day, but it says that it is of the second.
    let stray = cloud_record(START + DAY + 5, 100);
    fetching.server.insert(Record {
        ms: START + 2 * DAY + 5,
        raw: stray.raw.clone(),
    });
    for _ in 0..3 {
        fetching.fetch(&["--raw", "--page-size", "3"]);
        let lines = fetching.lines();
        let strays = lines.iter().filter(|line| **line == stray.raw).count();
        assert!(strays <= 1, "{strays} times");
        assert_eq!(lines.len() - strays, 20);
    }
}

/// A record of Data Center that says its local time, two hours later, without a zone.
fn local(ms: i64, number: u64) -> Record {
    let record = data_center_record(ms, number);
    let raw = record.raw.replace("+02:00", "");
    Record { raw, ..record }
}

const OUTSIDE: &str = "outside the time range that was asked for";

#[test]
fn records_outside_the_range_are_reported() {
    let fetching = Fetching::data_center();
    let record = |number: i64| local(START + number * DAY / 24, number.unsigned_abs());
    fetching.server.insert_all((0..72).map(record));
    let told = fetching.fetch(&["--raw"]);
    // Of each day's last two hours those that neither it nor the next day has.
    assert_eq!(fetching.lines().len(), 69);
    for part in [
        &format!("returned 3 records {OUTSIDE}"),
        "local times without a time zone",
        &format!(
            "`confluence-ecs state set {} --since 2026-01-0",
            fetching.server.url()
        ),
    ] {
        assert!(told.contains(part), "{told}");
    }
    // Nothing is outside of a range that is read as a whole.
    let fetching = Fetching::data_center();
    fetching.server.insert_all((0..72).map(record));
    let told = fetching.fetch(&["--raw", "--window", "365d"]);
    assert!(!told.contains(OUTSIDE), "{told}");
    assert_eq!(fetching.lines().len(), 72);
}

#[test]
fn a_server_that_ignores_the_range_is_reported() {
    for (fetching, make) in [
        (Fetching::cloud(), cloud_record as fn(i64, u64) -> Record),
        (Fetching::data_center(), data_center_record),
    ] {
        let server = &fetching.server;
        server.set(|settings| settings.ignores_range = true);
        let record = |number: i64| make(START + number * DAY, number.unsigned_abs());
        server.insert_all((-3..20).map(record));
        let told = fetching.fetch(&["--raw", "--page-size", "5"]);
        assert!(
            told.contains(&format!("returned 3 records {OUTSIDE}")),
            "{told}"
        );
        let mut inside = server.held();
        inside.retain(|record| record.ms >= START);
        fetching.assert_raw(&inside, true);
    }
}

#[test]
fn records_outside_the_range_are_reported_once() {
    let fetching = Fetching::data_center();
    fetching.server.insert(local(now() - 60_000, 1));
    let flags = [
        "--raw",
        "--interval",
        "20ms",
        "--settle",
        "0s",
        "--window",
        "365d",
    ];
    let mut running = Running::to_file(&fetching, &flags);
    running.wait_for(OUTSIDE);
    fetching.server.wait_for_pages(5);
    let reports = |running: &Running| running.said().matches(OUTSIDE).count();
    assert_eq!(reports(&running), 1);
    fetching.server.insert(local(now() - 60_000, 2));
    wait_until("another report", || reports(&running) == 2);
    assert!(running.said().contains("returned 2 records"));
    running.terminate();
    assert!(fetching.lines().is_empty());
}

#[test]
fn a_record_without_a_time_behind_one_of_another_time_is_kept() {
    let fetching = Fetching::cloud();
    let timeless = r#"{"summary":"Space created"}"#;
    for (ms, raw) in [
        (START + 3000, cloud_record(START + 3000, 1).raw),
        (START + 2000, cloud_record(START - DAY, 2).raw),
        (START + 1000, timeless.to_owned()),
    ] {
        fetching.server.insert(Record { ms, raw });
    }
    for _ in 0..2 {
        fetching.fetch(&["--raw", "--window", "365d"]);
        let lines = fetching.lines();
        let found = lines.iter().filter(|line| *line == timeless).count();
        assert_eq!(found, 1, "{lines:?}");
    }
}
