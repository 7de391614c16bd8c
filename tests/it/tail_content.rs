//! A log is its content: a file that holds what was read, whatever its inode, its birth and its path
//! are now, is the same log and is read on; a file that holds something else is another one.

use std::fs;
use std::process::Command;

use crate::support::follow::{Place, gzip, records, zstd};

/// Records 1 to 3 of `d/audit.log` arrive; then something happens, and after it the records up to
/// the last one have arrived, once and in order, with a follower that runs and with one that was
/// stopped meanwhile.
pub fn live_and_stopped(patterns: &[&str], last: u64, change: impl Fn(&Place)) {
    for is_live in [true, false] {
        let place = Place::new(patterns);
        fs::create_dir(place.path("d")).expect("created");
        place.append("d/audit.log", 1..=3);
        let follower = place.start();
        place.arrive(1..=3);
        if is_live {
            change(&place);
            place.arrive(1..=last);
            follower.terminate();
        } else {
            follower.terminate();
            change(&place);
        }
        place.once();
        place.has(1..=last);
        place.once();
        place.has(1..=last);
    }
}

// Copies that are shorter than what was read.

#[test]
fn a_small_compressed_copy_that_lacks_the_last_lines() {
    for suffix in [".gz", ".zst"] {
        for (name, read, copied) in [
            ("a.log-20260101", 8, 6),
            ("a.log.1", 8, 1),
            ("a.log.1", 40, 6),
        ] {
            let place = Place::new(&["a.log"]);
            place.append("a.log", 1..=read);
            place.once();
            let copy = records("a", 1..=copied);
            let copy = if suffix == ".gz" {
                gzip(&copy)
            } else {
                zstd(&copy)
            };
            place.append_bytes(&format!("{name}{suffix}"), copy);
            place.truncate("a.log");
            place.append("a.log", read + 1..=read + 3);
            place.once();
            place.once();
            place.has(1..=read + 3);
        }
    }
}

#[test]
fn a_copy_that_lacks_many_short_lines() {
    let short = |numbers: std::ops::RangeInclusive<u64>| {
        let lines = numbers.map(|number| crate::support::follow::short_record("a", number) + "\n");
        lines.collect::<String>()
    };
    for suffix in ["", ".gz"] {
        let place = Place::new(&["a.log"]);
        let follower = place.start_ready();
        // One by one, so that each is a piece of its own.
        for number in 1..=25 {
            place.append_bytes("a.log", short(number..=number));
            place.arrive(1..=number);
        }
        follower.terminate();
        let copy = short(1..=3);
        let copy = if suffix.is_empty() {
            copy.into_bytes()
        } else {
            gzip(copy.as_bytes())
        };
        place.append_bytes(&format!("a.log.1{suffix}"), copy);
        place.truncate("a.log");
        place.append_bytes("a.log", short(26..=27));
        place.once();
        place.once();
        place.has(1..=27);
    }
}

#[test]
fn a_compressed_copy_that_lacks_lines_is_compressed_after_the_first_look() {
    let place = Place::new(&["a.log"]);
    place.append("a.log", 1..=8);
    place.once();
    place.append_bytes("a.log.1", records("a", 1..=6));
    place.truncate("a.log");
    place.append("a.log", 9..=9);
    place.once();
    place.append_bytes("a.log.1.gz", gzip(&records("a", 1..=6)));
    place.remove("a.log.1");
    place.append("a.log", 10..=11);
    place.once();
    place.once();
    place.has(1..=11);
}

// A copy of the log in its own place.

/// Replaces `d/audit.log` by a copy of itself, which goes on.
fn replace(place: &Place) {
    let whole = fs::read(place.path("d/audit.log")).expect("read");
    fs::write(place.path("d/.audit.log.Xa1b2c"), whole).expect("written");
    place.append("d/.audit.log.Xa1b2c", 4..=5);
    place.rename("d/.audit.log.Xa1b2c", "d/audit.log");
    place.append("d/audit.log", 6..=6);
}

#[test]
fn a_log_replaced_by_a_copy_of_itself_is_read_on() {
    live_and_stopped(&["d/audit.log"], 6, replace);
    live_and_stopped(&["d/*"], 6, replace);
}

#[test]
fn a_log_removed_and_restored_is_read_on() {
    live_and_stopped(&["d"], 6, |place| {
        let whole = fs::read(place.path("d/audit.log")).expect("read");
        place.remove("d/audit.log");
        place.append_bytes("d/audit.log", whole);
        place.append("d/audit.log", 4..=6);
    });
}

#[test]
fn a_log_that_is_copied_back_piece_by_piece_is_read_on() {
    let place = Place::new(&["*.log"]).loud().with(&["-vv"]);
    place.append("a.log", 1..=60);
    let follower = place.start();
    place.arrive(1..=60);
    let whole = fs::read(place.path("a.log")).expect("read");
    place.remove("a.log");
    place.append_in_pieces("a.log", &whole);
    place.append("a.log", 61..=62);
    place.arrive(1..=62);
    follower.terminate();
    place.once();
    place.has(1..=62);
}

#[test]
fn another_content_in_the_place_of_a_log_is_read_from_its_beginning() {
    for is_live in [true, false] {
        let place = Place::new(&["a.log"]);
        place.append("a.log", 1..=3);
        let follower = place.start();
        place.arrive(1..=3);
        let edited = String::from_utf8(records("a", 4..=5)).expect("text");
        let change = || {
            place.append_bytes("other", &edited);
            place.rename("other", "a.log");
        };
        if is_live {
            change();
            place.arrive(1..=5);
            follower.terminate();
        } else {
            follower.terminate();
            change();
        }
        place.once();
        place.has(1..=5);
    }
}

#[test]
fn what_a_copy_has_more_comes_before_later_files() {
    let place = Place::new(&["d"]);
    fs::create_dir(place.path("d")).expect("created");
    place.append("d/20260101.00000.audit.log", 1..=3);
    let follower = place.start();
    place.arrive(1..=3);
    // All of it at once, as the follower sees it.
    follower.hold();
    place.copy("d/20260101.00000.audit.log", "d/.copy");
    place.append("d/.copy", 4..=5);
    place.rename("d/.copy", "d/20260101.00000.audit.log");
    place.append("d/20260101.00001.audit.log", 6..=7);
    follower.go_on();
    place.arrive(1..=7);
    follower.terminate();
}

#[test]
fn rsync_without_inplace() {
    if Command::new("rsync").arg("--version").output().is_err() {
        eprintln!("left out: rsync is not installed");
        return;
    }
    let place = Place::new(&["a.log"]);
    let source = place.folder().join("source.log");
    let sync = || {
        let mut rsync = Command::new("rsync");
        rsync.arg("-t").arg(&source).arg(place.path("a.log"));
        assert!(rsync.status().expect("run").success());
    };
    let follower = place.start_ready();
    for round in 0..6 {
        let numbers = round * 10 + 1..=round * 10 + 10;
        crate::support::follow::append(&source, &records("a", numbers));
        // rsync leaves a file alone that has the same length and time to the second.
        sync();
        place.arrive(1..=round * 10 + 10);
    }
    follower.terminate();
    crate::support::follow::append(&source, &records("a", 61..=70));
    sync();
    place.once();
    place.has(1..=70);
}
