//! Rotation under every name that logrotate can be told to give, and others.

use std::fs;

use crate::support::follow::{Place, gzip};
use crate::support::program::wait_until;

/// What may stand behind, or in, the name of a rotated file.
const NAMES: [&str; 12] = [
    "audit.log.1",
    "audit.1.log",
    "audit.log-20260411",
    "audit-20260411.log",
    "audit.log.2026-04-11",
    "audit.log-2026-04-11-06",
    "audit.log-20260411T060000",
    "audit.log-1775887200",
    "audit.log-20260411-1775887200",
    "audit.log.old",
    "audit.log.1.bak",
    "audit.log-apr",
];

const PATTERNS: [&str; 3] = ["audit.log", "*.log", "audit*"];

/// Records 1 to 10 are read; 11 to 15 are in the log when `rotate` takes it away, 16 to 18 come behind.
fn rotated(pattern: &str, to: &str, is_live: bool, rotate: impl Fn(&Place)) {
    let place = Place::new(&[pattern]);
    place.append("audit.log", 1..=10);
    place.once();
    let follower = is_live.then(|| place.start_ready());
    place.append("audit.log", 11..=15);
    rotate(&place);
    place.append("audit.log", 16..=18);
    if let Some(follower) = follower {
        place.arrive(1..=18);
        follower.terminate();
    }
    place.once();
    place.once();
    eprintln!("{pattern} {to} {is_live}");
    place.has(1..=18);
}

fn every_name(rotate: impl Fn(&Place, &str)) {
    for pattern in PATTERNS {
        for to in NAMES {
            for is_live in [false, true] {
                rotated(pattern, to, is_live, |place| rotate(place, to));
            }
        }
    }
}

#[test]
fn a_log_is_renamed_to_any_name() {
    every_name(|place, to| place.rename("audit.log", to));
}

#[test]
fn a_log_is_copied_to_any_name_and_truncated() {
    every_name(|place, to| {
        place.copy("audit.log", to);
        place.truncate("audit.log");
    });
}

#[test]
fn a_log_is_renamed_to_any_name_and_compressed() {
    every_name(|place, to| {
        place.rename("audit.log", to);
        let plain = fs::read(place.path(to)).expect("read");
        place.append_bytes(&format!("{to}.gz"), gzip(&plain));
        place.remove(to);
    });
}

#[test]
fn a_log_that_is_written_to_and_removed_at_once_is_read_after_a_restart_too() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=3);
    place.once();
    let before = place.state();
    let follower = place.start();
    // Saved after the first look.
    wait_until("the follower to be ready", || place.state() != before);
    place.append("audit.log", 4..=6);
    place.remove("audit.log");
    place.arrive(1..=6);
    follower.terminate();
    place.has(1..=6);
}

#[test]
fn an_archive_that_is_half_there_without_its_original_waits() {
    let place = Place::new(&["audit.log*"]);
    place.append("audit.log", 1..=300);
    place.once();
    place.append("audit.log", 301..=302);
    let whole = gzip(&fs::read(place.path("audit.log")).expect("read"));
    place.remove("audit.log");
    let (first, rest) = whole.split_at(whole.len() / 2);
    place.append_bytes("audit.log.1.gz", first);
    place.once();
    place.append_bytes("audit.log.1.gz", rest);
    place.once();
    place.once();
    place.has(1..=302);
}

#[test]
fn what_no_pattern_names_any_more_is_left_alone_and_gone_on_with_later() {
    for other in ["other/*.log", "other.log", "o*"] {
        let mut place = Place::new(&["*.log"]);
        place.append("audit.log", 1..=2);
        place.once();
        place.append("audit.log", 3..=4);
        place.follow_only(other);
        let run = crate::support::follow::finish(place.tail_to_file(&["--once"]));
        // A path that is named has to be there.
        assert_eq!(run.status.code(), Some(i32::from(other == "other.log")));
        place.has(1..=2);
        place.follow_only("audit.log");
        place.once();
        place.has(1..=4);
    }
}

#[test]
fn a_folder_that_goes_takes_no_lines_that_were_seen() {
    let place = Place::new(&["sub/*.log"]);
    fs::create_dir(place.path("sub")).expect("created");
    place.append("sub/audit.log", 1..=2);
    place.append_bytes("sub/audit.log", "{");
    place.once();
    fs::remove_dir_all(place.path("sub")).expect("removed");
    place.once();
    let events = place.events();
    assert_eq!(events.len(), 3);
    assert_eq!(events[2]["event"]["original"], "{");
}
