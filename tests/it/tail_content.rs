//! A log is its content: a file that holds what was read, whatever its inode, its birth and its path
//! are now, is the same log and is read on; a file that holds something else is another one.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::follow::{self, Place, gzip, records, zstd};

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

/// How many files `tail --status` knows.
fn known(place: &Place) -> Vec<String> {
    let output = place.tail(&["--status", "--json"]).output().expect("run");
    let files: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let paths = files.as_array().expect("a list").iter();
    paths
        .map(|file| file["path"].as_str().expect("a path").to_owned())
        .collect()
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
    for piece in whole.chunks(whole.len() / 5) {
        place.append_bytes("a.log", piece);
        std::thread::sleep(std::time::Duration::from_millis(60));
    }
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

// The same file by another path.

#[test]
fn a_renamed_directory() {
    live_and_stopped(&["*/audit.log"], 5, |place| {
        place.rename("d", "e");
        place.append("e/audit.log", 4..=5);
    });
}

#[test]
fn a_renamed_directory_with_a_shorter_copy_of_a_log_that_was_replaced_besides() {
    let place = Place::new(&["d*/*.log"]);
    fs::create_dir(place.path("d")).expect("created");
    place.append("d/a.log", 1..=60);
    place.once();
    place.rename("d", "d-1");
    place.append_bytes("d-1/a.log.1", records("a", 1..=40));
    place.append_bytes("d-1/other", records("a", 61..=62));
    place.rename("d-1/other", "d-1/a.log");
    place.once();
    place.once();
    place.has(1..=62);
}

#[test]
fn a_renamed_directory_with_a_shorter_copy_that_was_compressed_besides() {
    let place = Place::new(&["d*/*.log"]);
    fs::create_dir(place.path("d")).expect("created");
    place.append("d/a.log", 1..=60);
    place.once();
    place.append_bytes("d/a.log.1", records("a", 1..=40));
    place.truncate("d/a.log");
    place.append("d/a.log", 61..=61);
    place.once();
    place.rename("d", "d-1");
    place.append_bytes("d-1/a.log.1.gz", gzip(&records("a", 1..=40)));
    place.remove("d-1/a.log.1");
    place.append("d-1/a.log", 62..=62);
    place.once();
    place.once();
    place.has(1..=62);
}

#[test]
fn a_renamed_directory_with_a_log_that_was_truncated_besides() {
    for is_live in [true, false] {
        let place = Place::new(&["*/audit.log"]);
        fs::create_dir(place.path("d")).expect("created");
        place.append("d/audit.log", 1..=3);
        let follower = place.start();
        place.arrive(1..=3);
        let change = || {
            place.append_bytes("d/audit.log.1", records("a", 1..=2));
            place.rename("d", "e");
            place.truncate("e/audit.log");
            place.append("e/audit.log", 4..=5);
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
        place.once();
        place.has(1..=5);
    }
}

/// Follows a file by one path, then by another.
fn by_two_paths(first: &str, second: &str, prepare: impl Fn(&Place)) {
    let mut place = Place::new(&[first]);
    fs::create_dir(place.path("d")).expect("created");
    fs::create_dir(place.path("links")).expect("created");
    place.append("d/a.log", 1..=3);
    prepare(&place);
    place.once();
    place.has(1..=3);
    place.append("d/a.log", 4..=4);
    place.follow_only(second);
    place.once();
    place.has(1..=4);
    place.append("d/a.log", 5..=5);
    place.follow_only(first);
    place.once();
    place.has(1..=5);
    assert_eq!(known(&place).len(), 1, "{:?}", known(&place));
}

#[test]
fn a_file_by_a_link_to_its_directory() {
    let link = |place: &Place| symlink(place.path("d"), place.path("l")).expect("linked");
    by_two_paths("l/a.log", "d/a.log", link);
    by_two_paths("d/*.log", "l/*.log", link);
    by_two_paths("d", "d/../d", link);
}

#[test]
fn a_file_by_a_link_to_it() {
    let link = |place: &Place| {
        symlink(place.path("d/a.log"), place.path("links/current.log")).expect("linked");
    };
    by_two_paths("links/current.log", "d/a.log", link);
    by_two_paths("d/a.log", "links/*.log", link);
}

#[test]
fn a_file_by_a_hard_link_elsewhere() {
    let link = |place: &Place| {
        fs::hard_link(place.path("d/a.log"), place.path("links/b.log")).expect("linked");
    };
    by_two_paths("d/a.log", "links/b.log", link);
}

#[test]
fn a_log_that_was_reached_by_a_link_and_is_truncated_beside_a_shorter_copy() {
    let mut place = Place::new(&["links/one.log", "links/other.log"]);
    for folder in ["d", "links"] {
        fs::create_dir(place.path(folder)).expect("created");
    }
    symlink("../d/a.log", place.path("links/one.log")).expect("linked");
    place.append("links/other.log", 60..=60);
    place.append("d/a.log", 1..=8);
    place.once();
    place.follow_only("links/other.log");
    place.follow("d/../d/a.log");
    place.append_bytes("d/a.log.1", records("a", 1..=3));
    place.truncate("d/a.log");
    place.append("d/a.log", 9..=10);
    place.once();
    place.once();
    let mut arrived = follow::delivered(&place.out());
    let mut arrived = arrived.remove("a").expect("events");
    arrived.sort_unstable();
    assert!(arrived.into_iter().eq((1..=10).chain([60])));
}

#[test]
fn a_directory_moved_to_another_file_system() {
    let mut place = Place::new(&["d/*.log"]);
    fs::create_dir(place.path("d")).expect("created");
    place.append("d/a.log", 1..=3);
    place.append("d/b.log", 4..=6);
    place.once();
    fs::create_dir(place.path("e")).expect("created");
    for name in ["a.log", "b.log"] {
        place.copy(&format!("d/{name}"), &format!("e/{name}"));
    }
    fs::remove_dir_all(place.path("d")).expect("removed");
    place.append("e/a.log", 7..=7);
    place.follow_only("e/*.log");
    place.once();
    place.once();
    place.has(1..=7);
    assert_eq!(known(&place).len(), 2, "{:?}", known(&place));
}

#[test]
fn a_copy_elsewhere_of_a_file_that_is_still_there_is_another_file() {
    let mut place = Place::new(&["d/*.log"]);
    fs::create_dir(place.path("d")).expect("created");
    place.append("d/a.log", 1..=2);
    place.once();
    fs::create_dir(place.path("e")).expect("created");
    place.copy("d/a.log", "e/a.log");
    place.follow_only("e/*.log");
    place.once();
    place.has([1, 2, 1, 2]);
}

// Links whose target is rotated where it lives.

#[test]
fn a_link_whose_target_is_rotated() {
    for (to, suffix) in [
        ("pods/0.log.20260101-000000", ""),
        ("pods/0.log.20260101-000000", ".gz"),
        ("pods/0.log.1", ""),
    ] {
        for is_live in [true, false] {
            let place = Place::new(&["containers/*.log"]);
            for folder in ["containers", "pods"] {
                fs::create_dir(place.path(folder)).expect("created");
            }
            place.append("pods/0.log", 1..=3);
            symlink(place.path("pods/0.log"), place.path("containers/x.log")).expect("linked");
            let follower = place.start();
            place.arrive(1..=3);
            let change = || {
                place.append("pods/0.log", 4..=6);
                place.rename("pods/0.log", to);
                if !suffix.is_empty() {
                    let plain = fs::read(place.path(to)).expect("read");
                    place.append_bytes(&format!("{to}{suffix}"), gzip(&plain));
                    place.remove(to);
                }
                place.append("pods/0.log", 7..=8);
            };
            if is_live {
                change();
                place.arrive(1..=8);
                follower.terminate();
            } else {
                follower.terminate();
                change();
            }
            place.once();
            place.once();
            place.has(1..=8);
        }
    }
}

#[test]
fn a_link_that_leads_to_another_directory_now() {
    for is_live in [true, false] {
        let place = Place::new(&["current/*.log"]);
        for folder in ["v1", "v2"] {
            fs::create_dir(place.path(folder)).expect("created");
        }
        place.append("v1/a.log", 1..=3);
        symlink("v1", place.path("current")).expect("linked");
        let follower = place.start();
        place.arrive(1..=3);
        let change = || {
            place.append("v1/a.log", 4..=5);
            place.append("v2/a.log", 6..=7);
            symlink("v2", place.path("next")).expect("linked");
            place.rename("next", "current");
        };
        if is_live {
            change();
            place.arrive(1..=7);
            follower.terminate();
        } else {
            follower.terminate();
            change();
        }
        place.once();
        place.once();
        place.has(1..=7);
    }
}

#[test]
fn a_link_whose_target_is_rotated_several_times_while_stopped() {
    let place = Place::new(&["containers/*.log"]);
    for folder in ["containers", "pods"] {
        fs::create_dir(place.path(folder)).expect("created");
    }
    place.append("pods/0.log.3", 100..=102);
    place.append("pods/0.log", 1..=3);
    symlink(place.path("pods/0.log"), place.path("containers/x.log")).expect("linked");
    place.once();
    place.has(1..=3);
    place.append("pods/0.log", 4..=4);
    place.rename("pods/0.log", "pods/0.log.2");
    place.append("pods/0.log.1", 5..=6);
    place.append("pods/0.log", 7..=8);
    place.once();
    place.has(1..=8);
    place.once();
    place.has(1..=8);
}

#[test]
fn a_link_is_written_to_and_arrives_at_once() {
    let place = Place::new(&["containers/*.log"]).with(&["--poll-interval", "1h"]);
    for folder in ["containers", "pods"] {
        fs::create_dir(place.path(folder)).expect("created");
    }
    place.append("pods/0.log", 1..=1);
    symlink("../pods/0.log", place.path("containers/x.log")).expect("linked");
    let follower = place.start_ready();
    place.arrive(1..=1);
    for number in 2..=5 {
        place.append("pods/0.log", number..=number);
        place.arrive(1..=number);
    }
    follower.terminate();
}
