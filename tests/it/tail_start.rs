//! Nothing happens silently: paths that are not there, and what was read already.

use std::fs;
use std::process::Output;

use crate::support::follow::{Place, finish};
use crate::support::program::{self, stderr, wait_until};

/// Runs `--once`, and returns its exit code and what it said.
fn once(place: &Place) -> (Option<i32>, String) {
    let output: Output = finish(place.tail_to_file(&["--once"]));
    (output.status.code(), stderr(&output))
}

#[test]
fn a_path_that_does_not_exist_fails_a_single_run() {
    let place = Place::new(&["audit.log", "no/such.log"]).loud();
    place.append("audit.log", 1..=3);
    for _ in 0..2 {
        let (code, told) = once(&place);
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains("logs/no/such.log does not exist"), "{told}");
        assert!(!told.contains("waiting"), "{told}");
    }
    place.has(1..=3);
}

#[test]
fn what_is_no_file_is_said() {
    let place = Place::new(&["pipe"]).loud();
    rustix::fs::mkfifoat(rustix::fs::CWD, place.path("pipe"), 0o600.into()).expect("made");
    let (code, told) = once(&place);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("pipe is neither a file nor a directory"),
        "{told}"
    );
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
    for pattern in ["*.log", "no/*.log", "**/*.log", ""] {
        let place = Place::new(&[pattern]).loud();
        fs::create_dir(place.path("not-a-file.log")).expect("made");
        let (code, told) = once(&place);
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains(" WARN no file matches "), "{told}");
        assert!(told.contains(pattern), "{told}");
    }
}

#[test]
fn stdin_is_for_normalize() {
    let place = Place::new(&[]);
    for more in [&["-"][..], &["--once", "-"], &["--list", "-"]] {
        let output = finish(place.tail(more));
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("normalize"), "{}", stderr(&output));
    }
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
    let (_, told) = once(&place);
    let state = place.state_dir();
    let state = state.display();
    assert!(
        told.contains(&format!("how far files were read is kept in {state}")),
        "{told}"
    );
    assert!(!told.contains("already"), "{told}");
    let (code, told) = once(&place);
    assert_eq!(code, Some(0));
    let path = place.path("audit.log");
    let path = path.display();
    let line = format!(
        "{path} was read to its end already (state {state}); `confluence-ecs state forget {path} \
         --state-dir {state}` reads it again"
    );
    assert!(told.contains(&line), "{told}");
    place.append("audit.log", 4..=4);
    let (_, told) = once(&place);
    assert!(!told.contains("already"), "{told}");
    place.append("other.log", 5..=5);
    once(&place);
    let (_, told) = once(&place);
    assert!(
        told.contains("2 files were read to their ends already"),
        "{told}"
    );
    // The remedy.
    let output = place.about(&["state", "forget", &path.to_string()]);
    assert_eq!(output.status.code(), Some(0));
    fs::remove_file(place.out()).expect("removed");
    once(&place);
    place.has(1..=4);
}
