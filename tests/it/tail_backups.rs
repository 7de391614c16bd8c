//! Backups and older copies beside a log and in its place: what was read does not come again, and what
//! only begins alike is read whole.

use std::fs;
use std::ops::RangeInclusive;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use crate::support::follow::{self, Place, gzip, records};
use crate::tail_content::live_and_stopped;

/// A place with records 1 to 8 of `d/a.log`, which were read.
fn read(patterns: &[&str]) -> Place {
    let place = Place::new(patterns);
    fs::create_dir(place.path("d")).expect("created");
    place.append("d/a.log", 1..=8);
    place.once();
    place
}

fn ends_with(place: &Place, last: u64) {
    place.once();
    place.once();
    place.has(1..=last);
}

#[test]
fn a_new_log_that_begins_like_the_rotated_one_is_read_whole() {
    let place = read(&["d/a.log"]);
    place.rename("d/a.log", "d/a.log.1");
    place.append("d/a.log", 1..=5);
    place.append("d/a.log", 9..=10);
    place.once();
    place.has((1..=8).chain(1..=5).chain(9..=10));
}

#[test]
fn a_new_log_with_the_same_first_record_arrives_at_once() {
    let place = Place::new(&["a.log"]).with(&["--poll-interval", "1h"]);
    place.append("a.log", 1..=3);
    let follower = place.start();
    place.arrive(1..=3);
    place.rename("a.log", "a.log.1");
    place.append("a.log", 1..=1);
    place.append("a.log", 4..=5);
    place.arrive([1, 2, 3, 1, 4, 5]);
    follower.terminate();
}

#[test]
fn a_compressed_backup_stays_known_when_the_log_is_rotated() {
    for is_truncated in [true, false] {
        let place = read(&["d/*"]);
        place.append_bytes("d/a.log.bak.gz", gzip(&records("a", 1..=8)));
        place.once();
        if is_truncated {
            place.copy("d/a.log", "d/a.log-20260303");
            place.truncate("d/a.log");
        } else {
            place.rename("d/a.log", "d/a.log-20260303");
        }
        place.append("d/a.log", 9..=9);
        ends_with(&place, 9);
    }
}

#[test]
fn a_backup_stays_known_when_the_rotated_log_is_deleted_live() {
    let place = read(&["d/*"]);
    let follower = place.start_ready();
    place.copy("d/a.log", "d/a.log.bak");
    place.append("d/a.log", 9..=9);
    place.arrive(1..=9);
    place.rename("d/a.log", "d/a.log.1");
    place.append("d/a.log", 10..=10);
    place.arrive(1..=10);
    place.remove("d/a.log.1");
    place.append("d/a.log", 11..=11);
    place.arrive(1..=11);
    follower.terminate();
    ends_with(&place, 11);
}

#[test]
fn an_older_copy_that_was_put_back_and_seen_is_read_on_where_it_ended() {
    let place = read(&["d/a.log"]);
    fs::write(place.path("d/a.log"), records("a", 1..=5)).expect("written");
    place.once();
    place.append("d/a.log", 9..=20);
    ends_with(&place, 20);
}

#[test]
fn a_file_in_the_place_of_the_link_to_it_is_read_on() {
    let place = Place::new(&["links/a.log"]);
    for folder in ["d", "links"] {
        fs::create_dir(place.path(folder)).expect("created");
    }
    symlink("../d/a.log", place.path("links/a.log")).expect("linked");
    place.append("d/a.log", 1..=8);
    place.once();
    place.copy("d/a.log", "links/.new");
    place.append("links/.new", 9..=9);
    place.rename("links/.new", "links/a.log");
    ends_with(&place, 9);
}

#[test]
fn a_renamed_directory_is_watched() {
    let place = Place::new(&["d*/a.log"]).with(&["--poll-interval", "1h"]);
    fs::create_dir(place.path("d")).expect("created");
    place.append("d/a.log", 1..=2);
    let follower = place.start();
    place.arrive(1..=2);
    place.rename("d", "d-1");
    for last in 3..=6 {
        place.append("d-1/a.log", last..=last);
        place.arrive(1..=last);
    }
    follower.terminate();
}

#[test]
fn a_full_stderr_ends_nothing() {
    let place = Place::new(&["a.log"]).loud();
    place.append("a.log", 1..=3);
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let mut tail: Command = place.tail_to_file(&["--once"]);
    tail.stderr(Stdio::from(full.expect("opened")));
    let status = tail.stdin(Stdio::null()).status().expect("run");
    assert_eq!(status.code(), Some(0));
    assert_eq!(follow::delivered(&place.out()).len(), 1);
}

/// The old file is left as a backup, as `sed -i.bak` and `mv -b` do; both hold the records
/// that are written `before`.
fn replace_with_backup(place: &Place, backup: &str, before: RangeInclusive<u64>) {
    place.append("d/audit.log", before);
    let whole = fs::read(place.path("d/audit.log")).expect("read");
    fs::write(place.path("d/.audit.log.Xa1b2c"), whole).expect("written");
    place.rename("d/audit.log", &format!("d/{backup}"));
    place.rename("d/.audit.log.Xa1b2c", "d/audit.log");
}

#[expect(clippy::reversed_empty_ranges, reason = "no records")]
const NONE: RangeInclusive<u64> = 1..=0;
const BACKUPS: [&str; 5] = [
    "audit.log.bak",
    "audit.log~",
    "audit.log.orig",
    "audit.log.1",
    "audit.log-20260101",
];

#[test]
fn a_log_replaced_by_a_copy_beside_a_backup_is_read_on() {
    for backup in BACKUPS {
        for pattern in ["d/audit.log", "d/*", "d"] {
            live_and_stopped(&[pattern], 3, |place| {
                replace_with_backup(place, backup, NONE);
            });
            live_and_stopped(&[pattern], 6, |place| {
                replace_with_backup(place, backup, 4..=5);
                place.append("d/audit.log", 6..=6);
            });
        }
    }
}

#[test]
fn a_backup_that_is_copied_back_is_no_new_log() {
    for backup in BACKUPS {
        live_and_stopped(&["d/*"], 6, |place| {
            place.append("d/audit.log", 4..=5);
            place.rename("d/audit.log", &format!("d/{backup}"));
            place.copy(&format!("d/{backup}"), "d/audit.log");
            place.append("d/audit.log", 6..=6);
        });
    }
}

#[test]
fn a_backup_that_is_copied_back_piece_by_piece_is_no_new_log() {
    let place = Place::new(&["*.log"]);
    place.append("a.log", 1..=60);
    let follower = place.start();
    place.arrive(1..=60);
    let whole = fs::read(place.path("a.log")).expect("read");
    place.rename("a.log", "a.log.orig");
    place.append_in_pieces("a.log", &whole);
    place.append("a.log", 61..=62);
    place.arrive(1..=62);
    follower.terminate();
    place.once();
    place.has(1..=62);
}

#[test]
fn a_backup_that_is_still_written_to_and_the_copy_are_both_read() {
    for backup in BACKUPS {
        let place = Place::new(&["d/*"]);
        fs::create_dir(place.path("d")).expect("created");
        place.append("d/audit.log", 1..=3);
        place.once();
        replace_with_backup(&place, backup, 4..=4);
        place.append(&format!("d/{backup}"), 5..=5);
        place.append("d/audit.log", 6..=7);
        place.once();
        place.once();
        place.has(1..=7);
    }
}

fn rotate(place: &Place, is_truncated: bool) {
    let rotated = "d/audit.log-20260303";
    if is_truncated {
        place.copy("d/audit.log", rotated);
        place.truncate("d/audit.log");
    } else {
        place.rename("d/audit.log", rotated);
    }
    place.append("d/audit.log", 6..=6);
}

#[test]
fn a_backup_stays_known_when_the_log_is_rotated() {
    for backup in BACKUPS {
        for is_truncated in [true, false] {
            let replace = |place: &Place| {
                replace_with_backup(place, backup, 4..=4);
                place.append("d/audit.log", 5..=5);
            };
            live_and_stopped(&["d/*"], 6, |place| {
                replace(place);
                rotate(place, is_truncated);
            });
            let place = Place::new(&["d/*"]);
            fs::create_dir(place.path("d")).expect("created");
            place.append("d/audit.log", 1..=3);
            place.once();
            replace(&place);
            place.once();
            place.has(1..=5);
            rotate(&place, is_truncated);
            place.once();
            place.once();
            place.has(1..=6);
        }
    }
}

#[test]
fn a_log_that_is_put_back_beside_an_old_backup_is_read_on() {
    for is_live in [true, false] {
        let place = Place::new(&["*.log"]);
        place.append("a.log", 1..=60);
        let follower = place.start();
        place.arrive(1..=60);
        let whole = fs::read(place.path("a.log")).expect("read");
        place.append_bytes("a.log.bak", records("a", 1..=10));
        let put_back = || {
            place.append_in_pieces("a.log", &whole);
            place.append("a.log", 61..=61);
        };
        if is_live {
            place.remove("a.log");
            put_back();
            place.arrive(1..=61);
            follower.terminate();
        } else {
            follower.terminate();
            place.remove("a.log");
            place.once();
            put_back();
        }
        place.once();
        place.has(1..=61);
    }
}

#[test]
fn a_rotated_copy_that_holds_more_than_the_log_is_read_behind_it() {
    for copy in ["audit.log.1", "audit.log-20260101"] {
        live_and_stopped(&["d/*"], 6, |place| {
            place.copy("d/audit.log", "d/.copy");
            place.append("d/.copy", 4..=5);
            place.rename("d/.copy", &format!("d/{copy}"));
            place.append("d/audit.log", 6..=6);
        });
    }
}

#[test]
fn a_rotated_copy_that_holds_more_and_gets_its_name_late_is_read_behind_the_log() {
    for copy in ["a.log.1", "a.log-20260101", "a.log.bak"] {
        let place = read(&["d/*"]);
        let follower = place.start_ready();
        place.copy("d/a.log", "d/.copy");
        place.append("d/.copy", 10..=11);
        place.append("d/a.log", 9..=9);
        place.arrive(1..=9);
        place.rename("d/.copy", &format!("d/{copy}"));
        place.arrive(1..=11);
        follower.terminate();
        ends_with(&place, 11);
    }
}

#[test]
fn a_rotated_file_that_only_begins_like_the_log_is_read_whole() {
    let place = read(&["d/*"]);
    let follower = place.start_ready();
    place.append("d/a.log", 9..=9);
    place.arrive(1..=9);
    place.append("d/.other", 1..=2);
    place.append("d/.other", 20..=21);
    place.rename("d/.other", "d/a.log.1");
    let all = || (1..=9).chain(1..=2).chain(20..=21);
    place.arrive(all());
    follower.terminate();
    place.once();
    place.has(all());
}
