//! A log by another path: renamed and moved directories, links to files and directories, and links whose
//! target is rotated.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::follow::{self, Place, gzip, records};
use crate::tail_content::live_and_stopped;

/// How many files `tail --status` knows.
fn known(place: &Place) -> Vec<String> {
    let output = place.tail(&["--status", "--json"]).output().expect("run");
    let files: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let paths = files.as_array().expect("a list").iter();
    paths
        .map(|file| file["path"].as_str().expect("a path").to_owned())
        .collect()
}

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
