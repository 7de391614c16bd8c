//! One log by several paths: links, and what rotation does behind them, while the follower is stopped
//! and followed by another path afterwards.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::follow::{Place, finish, gzip};
use crate::support::program::wait_until;

/// `d/a.log`, a link `l` to the directory, and a link `links/a.log` to the file.
fn linked() -> Place {
    let place = Place::new(&[]);
    fs::create_dir(place.path("d")).expect("created");
    fs::create_dir(place.path("links")).expect("created");
    symlink("d", place.path("l")).expect("linked");
    symlink("../d/a.log", place.path("links/a.log")).expect("linked");
    place
}

/// The paths by which the log is followed.
const PATHS: [&str; 6] = [
    "d/a.log",
    "d/a.log*",
    "d/../d/a.log",
    "l/*.log",
    "links/a.log",
    "links/*.log",
];

/// Records 1 to 3 arrive by one path; something happens; by every other path the records up to the
/// last one arrive.
fn by_every_other_path(last: u64, change: impl Fn(&Place)) {
    for first in PATHS {
        for second in PATHS {
            let mut place = linked();
            place.follow_only(first);
            place.append("d/a.log", 1..=3);
            place.once();
            place.has(1..=3);
            change(&place);
            place.follow_only(second);
            eprintln!("{first}, then {second}");
            once(&place);
            place.has(1..=last);
            place.follow_only(first);
            once(&place);
            place.has(1..=last);
        }
    }
}

/// `tail --once`, to which a path may lead to nothing.
fn once(place: &Place) {
    let output = finish(place.tail_to_file(&["--once"]));
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
}

fn compress(place: &Place, name: &str) {
    let plain = fs::read(place.path(name)).expect("read");
    place.append_bytes(&format!("{name}.gz"), gzip(&plain));
    place.remove(name);
}

#[test]
fn rotated_twice() {
    by_every_other_path(7, |place| {
        place.append("d/a.log", 4..=4);
        place.rename("d/a.log", "d/a.log.2");
        place.append("d/a.log.1", 5..=6);
        place.append("d/a.log", 7..=7);
    });
}

#[test]
fn rotated_twice_and_compressed() {
    by_every_other_path(7, |place| {
        place.append("d/a.log", 4..=4);
        place.rename("d/a.log", "d/a.log.2");
        compress(place, "d/a.log.2");
        place.append("d/a.log.1", 5..=6);
        compress(place, "d/a.log.1");
        place.append("d/a.log", 7..=7);
    });
}

#[test]
fn copied_and_truncated() {
    by_every_other_path(6, |place| {
        place.append("d/a.log", 4..=4);
        place.copy("d/a.log", "d/a.log.1");
        place.truncate("d/a.log");
        place.append("d/a.log", 5..=6);
    });
}

#[test]
fn copied_before_the_last_line_and_truncated() {
    by_every_other_path(5, |place| {
        place.append_bytes("d/a.log.1", crate::support::follow::records("a", 1..=2));
        compress(place, "d/a.log.1");
        place.truncate("d/a.log");
        place.append("d/a.log", 4..=5);
    });
}

#[test]
fn rotated_and_not_there_yet() {
    by_every_other_path(4, |place| {
        place.append("d/a.log", 4..=4);
        place.rename("d/a.log", "d/a.log.1");
    });
}

#[test]
fn rotated_before_anything_was_read() {
    for path in PATHS {
        let mut place = linked();
        place.follow_only(path);
        place.append("d/a.log", 1..=2);
        // The state knows the file, but nothing of it was read.
        let follower = place.start_command(place.tail(&["-o", "/dev/full"]));
        wait_until("the state", || place.state().contains("a.log"));
        follower.kill();
        place.rename("d/a.log", "d/a.log.1");
        once(&place);
        place.has(1..=2);
        place.append("d/a.log", 3..=3);
        place.once();
        place.has(1..=3);
    }
}

#[test]
fn a_link_that_leads_elsewhere_before_anything_was_read() {
    let place = Place::new(&["current/*.log"]);
    for folder in ["v1", "v2"] {
        fs::create_dir(place.path(folder)).expect("created");
    }
    place.append("v1/a.log", 1..=3);
    symlink("v1", place.path("current")).expect("linked");
    let follower = place.start_command(place.tail(&["-o", "/dev/full"]));
    wait_until("the state", || place.state().contains("a.log"));
    follower.kill();
    place.append("v2/a.log", 4..=5);
    symlink("v2", place.path("next")).expect("linked");
    place.rename("next", "current");
    place.once();
    place.has(1..=5);
}

#[test]
fn a_link_that_is_turned_elsewhere_after_its_target_was_rotated() {
    for is_live in [true, false] {
        let place = Place::new(&["containers/*.log"]);
        for folder in ["containers", "p", "q"] {
            fs::create_dir(place.path(folder)).expect("created");
        }
        place.append("p/0.log", 1..=5);
        symlink(place.path("p/0.log"), place.path("containers/x.log")).expect("linked");
        let follower = place.start();
        place.arrive(1..=5);
        let turn = || {
            place.append("p/0.log", 6..=7);
            place.rename("p/0.log", "p/0.log.1");
            place.append("p/0.log", 8..=9);
            place.append("q/1.log", 10..=11);
            symlink(place.path("q/1.log"), place.path("next")).expect("linked");
            place.rename("next", "containers/x.log");
        };
        if is_live {
            turn();
            place.arrive(1..=11);
            follower.terminate();
        } else {
            follower.terminate();
            turn();
        }
        place.once();
        place.once();
        let mut numbers: Vec<_> = crate::support::follow::delivered(&place.out())
            .remove("a")
            .unwrap_or_default();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=11).collect::<Vec<u64>>());
    }
}
