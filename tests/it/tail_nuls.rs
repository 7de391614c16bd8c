//! NUL bytes before records: holes of a truncation under a writer that does not append, and what a
//! crash leaves.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use crate::support::follow::{Place, gzip, record, records, zstd};
use crate::support::program::events;

fn line(number: u64) -> Vec<u8> {
    records("a", number..=number)
}

fn nuls(count: usize) -> Vec<u8> {
    vec![0; count]
}

#[test]
fn they_are_passed_over_wherever_a_line_begins() {
    for count in [1, 100, 128 << 10, 300_000, 17 << 20] {
        let text = [nuls(count), line(1), nuls(count), line(2), line(3)].concat();
        let stands_at = [count, 2 * count + line(1).len()].map(|offset| offset as u64);
        for (name, text) in [
            ("audit.log", text.clone()),
            ("audit.log", gzip(&text)),
            ("audit.log", zstd(&text)),
        ] {
            let place = Place::new(&["*.log"]);
            place.append_bytes(name, text);
            place.once();
            place.has(1..=3);
            let events = place.events();
            for (event, offset) in events.iter().zip(stands_at) {
                assert_eq!(event["log"]["offset"], offset);
            }
        }
        assert_eq!(events(["normalize"], &text).len(), 3);
    }
}

#[test]
fn they_do_not_count_against_the_limit() {
    let place = Place::new(&["*.log"]).with(&["--max-line-bytes", "2000"]);
    let long = "x".repeat(5000) + "\n";
    let long = long.as_bytes();
    place.append_bytes(
        "audit.log",
        [&nuls(300_000), &line(1)[..], &nuls(300_000), long, &line(2)].concat(),
    );
    place.once();
    let events = place.events();
    let error = &events[1];
    assert_eq!(events.len(), 3);
    assert_eq!(error["event"]["kind"], "pipeline_error");
    assert_eq!(error["log"]["offset"], 600_000 + line(1).len() as u64);
    let message = error["error"]["message"].to_string();
    assert!(message.contains("of 5000 bytes"), "{message}");
}

#[test]
fn a_last_line_behind_them_needs_no_end() {
    let place = Place::new(&["*.log"]);
    place.append_bytes(
        "audit.log",
        [line(1), nuls(300_000), record("a", 2).into()].concat(),
    );
    place.once();
    place.has(1..=2);
    place.once();
    place.append_bytes("audit.log", [b"\n", &line(3)[..]].concat());
    place.once();
    place.has(1..=3);
}

#[test]
fn room_that_is_written_to_later_is_not_passed_over() {
    let place = Place::new(&["*.log"]);
    place.append_bytes("audit.log", [line(1), nuls(300_000)].concat());
    let follower = place.start();
    place.arrive(1..=1);
    let file = File::options()
        .write(true)
        .open(place.path("audit.log"))
        .unwrap();
    let mut end = line(1).len() as u64;
    for number in 2..=5 {
        file.write_all_at(&line(number), end).unwrap();
        end += line(number).len() as u64;
    }
    // Its size is as before; when it grows, what is new is found.
    place.append("audit.log", 6..=6);
    place.arrive(1..=6);
    follower.terminate();
    place.append_bytes("audit.log", nuls(300_000));
    place.once();
    let filled = line(1).len() as u64 + 300_000 + line(6).len() as u64;
    file.write_all_at(&line(7), filled).unwrap();
    place.once();
    place.has(1..=7);
}

#[test]
fn a_writer_that_does_not_append_and_copytruncate() {
    for is_live in [false, true] {
        let place = Place::new(&["*.log"]);
        let log = File::create(place.path("audit.log")).unwrap();
        let (mut end, mut number) = (0, 0);
        let follower = is_live.then(|| place.start());
        for round in 1..=4 {
            for _ in 0..20 {
                number += 1;
                log.write_all_at(&line(number), end).unwrap();
                end += line(number).len() as u64;
            }
            match &follower {
                Some(_) => place.arrive(1..=number),
                None => drop(place.once()),
            }
            place.copy("audit.log", &format!("audit.log.{}", 10 - round));
            place.truncate("audit.log");
        }
        match follower {
            Some(follower) => follower.terminate(),
            None => drop(place.once()),
        }
        place.has(1..=number);
        assert!(place.errors().is_empty());
    }
}

#[test]
fn a_file_that_goes_with_nothing_else_behind_its_lines_leaves_no_error() {
    let place = Place::new(&["*.log"]);
    place.append_bytes("audit.log", [line(1), nuls(1000)].concat());
    let follower = place.start();
    place.arrive(1..=1);
    place.remove("audit.log");
    place.append("other.log", 2..=2);
    place.arrive(1..=2);
    follower.terminate();
    place.has(1..=2);
    place.append_bytes("more.log", [line(3), nuls(1000)].concat());
    place.once();
    place.remove("more.log");
    place.once();
    place.once();
    place.has(1..=3);
}

#[test]
fn normalize_says_where_records_stand() {
    let place = Place::new(&[]);
    let input = place.folder().join("in.log");
    fs::write(&input, [line(1), nuls(17 << 20), line(2)].concat()).unwrap();
    let events = events([OsStr::new("normalize"), input.as_os_str()], b"");
    assert_eq!(events.len(), 2);
    assert_eq!(
        events[1]["log"]["offset"],
        (17 << 20) + line(1).len() as u64
    );
}

#[test]
fn a_byte_order_mark_may_follow_them() {
    let mark = "\u{feff}".as_bytes();
    for count in [1, 100, 300_000] {
        let text = [
            &nuls(count),
            mark,
            &line(1),
            &line(2),
            &nuls(count),
            mark,
            &line(3),
        ]
        .concat();
        let stands_at = [
            count + 3,
            count + 3 + line(1).len(),
            2 * count + 6 + line(1).len() + line(2).len(),
        ];
        for name in ["audit.log", "audit.log.gz"] {
            let place = Place::new(&["*.log", "*.gz"]);
            let is_plain = name == "audit.log";
            place.append_bytes(name, if is_plain { text.clone() } else { gzip(&text) });
            place.once();
            place.has(1..=3);
            for (event, offset) in place.events().iter().zip(stands_at) {
                assert_eq!(event["log"]["offset"], offset);
            }
        }
        let events = events(["normalize"], &text);
        assert!(events.len() == 3 && events.iter().all(|event| event["event"]["kind"] == "event"));
    }
}

#[test]
fn they_end_a_record_that_has_no_line_end() {
    for count in [1, 300_000] {
        let (first, second) = (record("a", 1), record("a", 2));
        let mut text = [
            first.as_bytes(),
            &nuls(count),
            second.as_bytes(),
            &nuls(count),
        ]
        .concat();
        text.extend([b"\n", &line(3)[..]].concat());
        for compressed in [false, true] {
            let place = Place::new(&["*.log"]);
            let bytes = if compressed {
                gzip(&text)
            } else {
                text.clone()
            };
            place.append_bytes("audit.log", bytes);
            place.once();
            place.has(1..=3);
            assert_eq!(place.events()[1]["log"]["offset"], first.len() + count);
        }
        let events = events(["normalize"], &text);
        assert!(events.len() == 3 && events.iter().all(|event| event["event"]["kind"] == "event"));
    }
}

#[test]
fn half_a_record_before_them_is_an_error_and_the_next_is_not() {
    let place = Place::new(&["*.log"]);
    let half = &record("a", 1)[..100];
    place.append_bytes("audit.log", [half.as_bytes(), &nuls(10), &line(2)].concat());
    place.once();
    let events = place.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["event"]["original"], half);
    assert_eq!(events[1]["event"]["kind"], "event");
}
