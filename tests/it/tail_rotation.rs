//! What a file is to `tail`: renamed, copied, truncated, compressed, deleted, and its inode used
//! again. Most things happen twice: while the follower is live, and while it is stopped.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use crate::support::follow::{Place, bzip2, gzip, line_count, record_of_equal_beginning, xz, zstd};
use crate::support::program::wait_until;

/// Two records of `audit.log` arrive; then something happens to the files, and after it the records
/// up to the last one have arrived, once and in order.
fn live_and_stopped(patterns: &[&str], last: u64, change: impl Fn(&Place)) {
    live(patterns, last, &change);
    stopped(patterns, last, &change);
}

fn live(patterns: &[&str], last: u64, change: &dyn Fn(&Place)) {
    let place = Place::new(patterns);
    place.append("audit.log", 1..=2);
    let follower = place.start();
    place.arrive(1..=2);
    change(&place);
    place.arrive(1..=last);
    follower.terminate();
    place.once();
    place.has(1..=last);
}

fn stopped(patterns: &[&str], last: u64, change: &dyn Fn(&Place)) {
    let place = Place::new(patterns);
    place.append("audit.log", 1..=2);
    let follower = place.start();
    place.arrive(1..=2);
    follower.terminate();
    change(&place);
    let follower = place.start();
    place.arrive(1..=last);
    follower.terminate();
    place.once();
    place.has(1..=last);
}

/// The ways to name the file, its rotated siblings included or not.
const PATTERNS: [&str; 3] = ["audit.log", "*.log", "audit.log*"];

/// `copytruncate`: what was there before goes to a copy.
fn copy_and_truncate(place: &Place, to: &str) {
    place.copy("audit.log", to);
    place.truncate("audit.log");
}

/// Compresses a rotated file, which is then removed.
fn compress(place: &Place, name: &str, suffix: &str) {
    let plain = fs::read(place.path(name)).expect("read");
    let compressed = match suffix {
        ".gz" => gzip(&plain),
        ".zst" => zstd(&plain),
        ".xz" => xz(&plain),
        ".bz2" => bzip2(&plain),
        // No more of it counts than its name.
        _ => b"\x04\x22\x4d\x18".repeat(100),
    };
    place.append_bytes(&format!("{name}{suffix}"), compressed);
    place.remove(name);
}

#[test]
fn a_renamed_file_goes_on_to_its_end_before_the_new_one() {
    for pattern in PATTERNS {
        for to in [
            "audit.log.1",
            "audit.log-20260411",
            "audit.log-20260411-060000",
        ] {
            live_and_stopped(&[pattern], 6, |place| {
                place.append("audit.log", 3..=3);
                place.rename("audit.log", to);
                place.append(to, 4..=4);
                place.append("audit.log", 5..=6);
            });
        }
    }
}

#[test]
fn a_writer_that_reopens_late_is_followed_under_the_new_name() {
    for pattern in PATTERNS {
        live_and_stopped(&[pattern], 5, |place| {
            place.rename("audit.log", "audit.log.1");
            place.append_bytes("audit.log", "");
            place.append("audit.log.1", 3..=4);
            place.append("audit.log", 5..=5);
        });
    }
}

#[test]
fn several_rotations_lose_nothing() {
    for pattern in PATTERNS {
        live_and_stopped(&[pattern], 12, |place| {
            for number in 3..=12 {
                place.append("audit.log", number..=number);
                if number % 3 == 0 {
                    for older in (1..number / 3).rev() {
                        let newer = format!("audit.log.{older}");
                        place.rename(&newer, &format!("audit.log.{}", older + 1));
                    }
                    place.rename("audit.log", "audit.log.1");
                }
            }
            place.append_bytes("audit.log", "");
        });
    }
}

#[test]
fn a_truncated_file_is_read_from_its_beginning_after_its_copy() {
    for pattern in PATTERNS {
        for to in [
            "audit.log.1",
            "audit.log-20260411",
            "audit.log-20260411-060000",
        ] {
            live_and_stopped(&[pattern], 6, |place| {
                place.append("audit.log", 3..=4);
                copy_and_truncate(place, to);
                place.append("audit.log", 5..=6);
            });
        }
    }
}

#[test]
fn a_truncated_file_may_grow_beyond_its_old_length_at_once() {
    for pattern in PATTERNS {
        live_and_stopped(&[pattern], 60, |place| {
            place.append("audit.log", 3..=4);
            copy_and_truncate(place, "audit.log.1");
            place.append("audit.log", 5..=60);
        });
    }
}

#[test]
fn a_truncated_file_with_an_equal_beginning_is_told_by_its_end() {
    let line = |number| record_of_equal_beginning("a", number) + "\n";
    let place = Place::new(&["audit.log"]);
    place.append_bytes("audit.log", line(1) + &line(2));
    place.once();
    place.append_bytes("audit.log", line(3));
    copy_and_truncate(&place, "audit.log.1");
    place.append_bytes("audit.log", (4..=9).map(line).collect::<String>());
    place.once();
    place.has(1..=9);
}

#[test]
fn a_truncated_file_whose_copy_was_compressed() {
    for (pattern, suffix) in [
        ("audit.log", ".gz"),
        ("audit.log*", ".zst"),
        ("*.log", ".gz"),
        ("*.log", ".xz"),
        ("audit.log*", ".bz2"),
    ] {
        live_and_stopped(&[pattern], 6, |place| {
            place.append("audit.log", 3..=4);
            copy_and_truncate(place, "audit.log.1");
            place.append("audit.log", 5..=6);
            compress(place, "audit.log.1", suffix);
        });
    }
}

#[test]
fn a_truncation_without_a_copy_loses_only_what_is_gone() {
    live_and_stopped(&["audit.log"], 4, |place| {
        place.truncate("audit.log");
        place.append("audit.log", 3..=4);
    });
}

#[test]
fn a_half_read_copy_is_read_on_after_a_kill() {
    let place = Place::new(&["audit.log"]);
    place.append("audit.log", 1..=10);
    place.once();
    place.append("audit.log", 11..=15_000);
    copy_and_truncate(&place, "audit.log.1");
    place.append("audit.log", 15_001..=15_010);
    for wanted in [11, 2_000, 5_000] {
        let follower = place.start();
        wait_until("a part of the copy", || line_count(&place.out()) >= wanted);
        follower.kill();
    }
    place.once();
    place.has(1..=15_010);
}

#[test]
fn a_copy_is_not_sent_before_the_truncation() {
    for pattern in PATTERNS {
        live_and_stopped(&[pattern], 2, |place| {
            place.copy("audit.log", "audit.log.1");
        });
        live_and_stopped(&[pattern], 4, |place| {
            place.append("audit.log", 3..=3);
            place.copy("audit.log", "audit.log.1");
            place.append("audit.log", 4..=4);
        });
    }
}

#[test]
fn a_half_made_copy_is_not_sent() {
    for pattern in PATTERNS {
        let place = Place::new(&[pattern]);
        place.append("audit.log", 1..=2);
        place.once();
        place.append("audit.log", 3..=4);
        let whole = fs::read(place.path("audit.log")).expect("read");
        let (first, rest) = whole.split_at(whole.len() / 2);
        place.append_bytes("audit.log.1", first);
        place.once();
        place.append_bytes("audit.log.1", rest);
        place.once();
        place.truncate("audit.log");
        place.append("audit.log", 5..=5);
        place.once();
        place.has(1..=5);
    }
}

#[test]
fn a_half_read_file_is_read_on_in_its_compressed_form() {
    for pattern in PATTERNS {
        for suffix in [".gz", ".zst", ".xz", ".bz2"] {
            stopped(&[pattern], 7, &|place| {
                place.append("audit.log", 3..=5);
                place.rename("audit.log", "audit.log.1");
                compress(place, "audit.log.1", suffix);
                place.append("audit.log", 6..=7);
            });
        }
    }
}

#[test]
fn a_file_that_was_read_is_not_sent_again_in_its_compressed_form() {
    for pattern in PATTERNS {
        for suffix in [".gz", ".zst", ".xz", ".bz2"] {
            live_and_stopped(&[pattern], 4, |place| {
                place.rename("audit.log", "audit.log.1");
                place.append("audit.log", 3..=3);
                compress(place, "audit.log.1", suffix);
                place.append("audit.log", 4..=4);
            });
        }
    }
}

#[test]
fn a_compressed_file_beside_its_plain_form_is_one_file() {
    let place = Place::new(&["audit.log*"]);
    place.append("audit.log", 1..=300);
    place.once();
    place.append("audit.log", 301..=302);
    place.rename("audit.log", "audit.log.1");
    let whole = gzip(&fs::read(place.path("audit.log.1")).expect("read"));
    let (first, rest) = whole.split_at(whole.len() / 2);
    place.append_bytes("audit.log.1.gz", first);
    place.once();
    place.append_bytes("audit.log.1.gz", rest);
    place.once();
    place.remove("audit.log.1");
    place.once();
    place.has(1..=302);
}

#[test]
fn what_shred_removes_was_read() {
    let place = Place::new(&["audit.log*"]).loud();
    place.append("audit.log", 1..=20);
    let follower = place.start();
    place.arrive(1..=20);
    for round in 1..=4 {
        let next = round * 20 + 1;
        place.rename("audit.log", "audit.log.1");
        place.append("audit.log", next..=next + 19);
        place.arrive(1..=next + 19);
        let mut shred = Command::new("shred");
        let status = shred.args(["-n1", "-u"]).arg(place.path("audit.log.1"));
        assert!(status.status().expect("run").success());
        wait_until("the next scan", || {
            !place.state().contains("audit.log.1\"") || place.state().contains("gone_since")
        });
    }
    follower.terminate();
    place.once();
    place.has(1..=100);
    assert!(!place.said().contains("lost_bytes=1"), "{}", place.said());
    assert!(!place.said().contains("are lost"), "{}", place.said());
}

#[test]
fn the_shortest_compressed_file_tells_nothing_of_its_log() {
    for pattern in PATTERNS {
        let place = Place::new(&[pattern]);
        place.append("audit.log", 1..=2);
        place.append_bytes("audit.log.1.zst", zstd(b"xyz"));
        place.once();
        place.has(1..=2);
    }
}

#[test]
fn rotated_files_of_the_past_are_not_followed() {
    let place = Place::new(&["audit.log"]);
    place.append("audit.log.1", 1..=3);
    place.append("audit.log", 4..=5);
    place.once();
    place.has(4..=5);
    place.append("audit.log", 6..=6);
    place.once();
    place.has(4..=6);
}

#[test]
fn a_reused_inode_is_a_new_file() {
    let place = Place::new(&["audit.log"]);
    place.append("audit.log", 1..=3);
    place.once();
    let inode = |name: &str| fs::metadata(place.path(name)).expect("there").ino();
    let old = inode("audit.log");
    place.remove("audit.log");
    let same = (0..1000).any(|attempt| {
        let name = format!("candidate{attempt}");
        place.append_bytes(&name, "");
        let same = inode(&name) == old;
        if same {
            place.rename(&name, "audit.log");
        }
        same
    });
    if !same {
        eprintln!("skipped: this file system does not use inodes again");
        return;
    }
    // Longer than the old one was.
    place.append("audit.log", 4..=40);
    place.once();
    place.has(1..=40);
}

#[test]
fn equal_beginnings_are_two_files() {
    let place = Place::new(&["*.log"]);
    for (name, number) in [("a.log", 1), ("b.log", 2)] {
        place.append_bytes(name, record_of_equal_beginning("a", number) + "\n");
    }
    place.once();
    place.append_bytes("c.log", record_of_equal_beginning("a", 3) + "\n");
    place.once();
    place.has(1..=3);
}

#[test]
fn equal_files_are_two_files() {
    let place = Place::new(&["*.log"]);
    place.append("a.log", 1..=1);
    place.append("b.log", 1..=1);
    place.once();
    place.has([1, 1]);
}

#[test]
fn data_center_files_are_read_oldest_first() {
    for between in ['.', '-'] {
        let place = Place::new(&["audit"]);
        fs::create_dir(place.path("audit")).expect("created");
        let name = |day: &str, number| format!("audit/{day}{between}{number:05}.audit.log");
        place.append(&name("20260102", 0), 7..=8);
        place.append(&name("20260101", 10), 5..=6);
        place.append(&name("20260101", 2), 3..=4);
        place.append(&name("20251231", 3), 1..=2);
        place.once();
        place.has(1..=8);
    }
}

#[test]
fn an_older_data_center_file_is_read_once_more_before_a_newer() {
    let place = Place::new(&["*.log"]);
    let (older, newer) = ("20260101.00000.audit.log", "20260101.00001.audit.log");
    place.append(older, 1..=1);
    place.append_bytes(newer, "");
    let follower = place.start();
    place.arrive(1..=1);
    for number in (2..200).step_by(2) {
        place.append(older, number..=number);
        place.append(newer, number + 1..=number + 1);
        // In the file that is older; what is newer comes after it.
        place.arrive(1..=number + 1);
    }
    follower.terminate();
}

#[test]
fn a_finished_file_that_grows_is_opened_again() {
    let place = Place::new(&["*.log"]);
    place.append("20260101.00000.audit.log", 1..=1);
    let follower = place.start();
    place.arrive(1..=1);
    place.append("20260102.00000.audit.log", 2..=2);
    place.arrive(1..=2);
    place.append("20260101.00000.audit.log", 3..=3);
    place.arrive(1..=3);
    follower.terminate();
}

#[test]
fn a_file_deleted_while_it_is_read_is_drained() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=10_000);
    let follower = place.start();
    wait_until("the first events", || line_count(&place.out()) > 0);
    place.remove("audit.log");
    place.arrive(1..=10_000);
    follower.terminate();
}

#[test]
fn what_was_deleted_unread_is_reported() {
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=20_000);
    let length = fs::metadata(place.path("audit.log")).expect("there").len();
    let follower = place.start();
    wait_until("the first events", || line_count(&place.out()) > 0);
    follower.kill();
    place.remove("audit.log");
    let told = crate::support::program::stderr(&place.once());
    let path = place.path("audit.log");
    assert!(told.contains(&*path.to_string_lossy()), "{told}");
    assert!(told.contains(&length.to_string()), "{length}: {told}");
    let delivered = line_count(&place.out()) as u64;
    assert!(delivered < 20_000, "nothing was left to lose");
    place.has(1..=delivered);
}

#[test]
fn a_hard_link_is_the_same_file() {
    let place = Place::new(&["*.log"]);
    place.append("a.log", 1..=2);
    fs::hard_link(place.path("a.log"), place.path("b.log")).expect("linked");
    place.once();
    place.has(1..=2);
}

#[test]
fn a_file_is_truncated_over_and_over() {
    let place = Place::new(&["audit.log"]);
    File::create_new(place.path("audit.log")).expect("created");
    let follower = place.start_ready();
    for number in 1..=5 {
        place.append("audit.log", number..=number);
        place.arrive(1..=number);
        place.truncate("audit.log");
    }
    follower.terminate();
}

#[test]
fn an_unfinished_line_of_a_file_that_went_while_nobody_looked_is_kept() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=1);
    place.append_bytes("audit.log", r#"{"half":"#);
    place.once();
    fs::remove_file(place.path("audit.log")).expect("removed");
    place.once();
    let events = place.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["event"]["kind"], "pipeline_error");
    assert_eq!(events[1]["event"]["original"], r#"{"half":"#);
    place.once();
    assert_eq!(place.events().len(), 2);
}
