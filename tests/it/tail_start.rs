//! Nothing happens silently: paths that are not there, and what was read already.

use std::fs;

use crate::support::follow::{Place, finish};
use crate::support::outcome::{outcome, transcript};
use crate::support::program::{self, wait_until};

/// The outcome of `--once`.
fn once(place: &Place) -> String {
    outcome(&finish(place.tail_to_file(&["--once"])))
}

#[test]
fn a_path_that_does_not_exist_fails_a_single_run() {
    let place = Place::new(&["audit.log", "no/such.log"]).loud();
    place.append("audit.log", 1..=3);
    insta::assert_snapshot!(once(&place));
    insta::assert_snapshot!(once(&place));
    place.has(1..=3);
}

#[test]
fn what_is_no_file_is_said() {
    let place = Place::new(&["pipe"]).loud();
    rustix::fs::mkfifoat(rustix::fs::CWD, place.path("pipe"), 0o600.into()).expect("made");
    insta::assert_snapshot!(once(&place));
}

#[test]
fn a_path_that_does_not_exist_is_waited_for_with_a_warning() {
    let place = Place::new(&["later/audit.log"]).loud();
    let follower = place.start();
    wait_until("a warning", || {
        place
            .said()
            .contains("later/audit.log does not exist: waiting")
    });
    fs::create_dir(place.path("later")).expect("made");
    place.append("later/audit.log", 1..=3);
    place.arrive(1..=3);
    follower.terminate();
}

#[test]
fn a_pattern_that_matches_nothing_is_a_warning() {
    let mut told = String::new();
    for pattern in ["*.log", "no/*.log", "**/*.log", ""] {
        let place = Place::new(&[pattern]).loud();
        fs::create_dir(place.path("not-a-file.log")).expect("made");
        told += &["logs/", pattern, "\n", &once(&place), "\n"].concat();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn stdin_is_for_normalize() {
    let place = Place::new(&[]);
    let mut told = String::new();
    for more in [&["-"][..], &["--once", "-"], &["--list", "-"]] {
        told += &transcript(&place.tail(more), &finish(place.tail(more)));
    }
    insta::assert_snapshot!(told);
    // A file may have that name.
    let mut command = program::command(["tail", "--once", "./-", "--state-dir"]);
    command.arg(place.state_dir()).current_dir(place.path(""));
    place.append("-", 1..=1);
    assert_eq!(finish(command).status.code(), Some(0));
}

#[test]
fn what_was_read_already_is_said() {
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=3);
    insta::assert_snapshot!("nothing_was_read_before", once(&place));
    insta::assert_snapshot!("one_file_was_read_already", once(&place));
    place.append("audit.log", 4..=4);
    insta::assert_snapshot!("one_line_is_new", once(&place));
    place.append("other.log", 5..=5);
    once(&place);
    insta::assert_snapshot!("two_files_were_read_already", once(&place));
    // The remedy.
    let path = place.path("audit.log").display().to_string();
    let output = place.about(&["state", "forget", &path]);
    assert_eq!(output.status.code(), Some(0));
    fs::remove_file(place.out()).expect("removed");
    once(&place);
    place.has(1..=4);
}
