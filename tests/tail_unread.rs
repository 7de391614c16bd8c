//! What is not read is said, once: compressions that are not known.

mod common;

use std::fs;

use common::follow::{Place, finish};
use common::program::{stderr, wait_until};

/// What lz4 begins its files with.
const LZ4: &[u8] = b"\x04\x22\x4d\x18 and no more of it counts than its name";

/// Runs `--once`, and returns its exit code and what it said.
fn once(place: &Place) -> (i32, String) {
    let output = finish(place.tail_to_file(&["--once"]));
    (output.status.code().expect("a code"), stderr(&output))
}

/// How long the log is.
fn length(place: &Place) -> usize {
    fs::read(place.path("audit.log")).expect("read").len()
}

#[test]
fn a_rotated_file_that_is_not_read_is_told_once_and_fails_that_run() {
    for suffix in [".lz4", ".Z", ".lzo", ".br", ".zip", ".7z"] {
        for pattern in ["audit.log", "*.log", "audit.log*"] {
            let place = Place::new(&[pattern]).loud();
            place.append("audit.log", 1..=3);
            assert_eq!(once(&place).0, 0);
            let read = length(&place);
            place.append("audit.log", 4..=5);
            place.remove("audit.log");
            place.append_bytes(&format!("audit.log.1{suffix}"), LZ4);
            place.append("audit.log", 6..=7);
            let (code, told) = once(&place);
            assert_eq!(code, 1, "{told}");
            let path = place.path("audit.log");
            let path = path.display();
            assert!(
                told.contains(&format!("{path}.1{suffix} is in a compression")),
                "{told}"
            );
            assert!(
                told.contains(&format!("records after byte {read} of {path} may be in it")),
                "{told}"
            );
            place.has((1..=3).chain(6..=7));
            let (code, told) = once(&place);
            assert_eq!(code, 0, "{told}");
            assert!(!told.contains("compression"), "{told}");
            // The remedy.
            place.append("audit.log.1", 1..=5);
            place.remove(&format!("audit.log.1{suffix}"));
            assert_eq!(once(&place).0, 0);
            place.has((1..=3).chain(6..=7).chain(4..=5));
        }
    }
}

#[test]
fn a_truncated_log_whose_copy_is_not_read() {
    let place = Place::new(&["audit.log"]).loud();
    place.append("audit.log", 1..=3);
    once(&place);
    let at = length(&place);
    place.append("audit.log", 4..=5);
    place.truncate("audit.log");
    place.append_bytes("audit.log.1.lz4", LZ4);
    place.append("audit.log", 6..=7);
    let (code, told) = once(&place);
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains(&format!("records after byte {at} of")),
        "{told}"
    );
    place.has((1..=3).chain(6..=7));
}

#[test]
fn what_was_there_before_the_log_was_followed_is_no_loss() {
    let place = Place::new(&["audit.log"]).loud();
    place.append_bytes("audit.log.1.lz4", LZ4);
    place.append("audit.log", 1..=3);
    for _ in 0..2 {
        let (code, told) = once(&place);
        assert_eq!(code, 0, "{told}");
        assert!(!told.contains("compression"), "{told}");
    }
    place.has(1..=3);
}

#[test]
fn what_a_pattern_names_is_not_read_as_text() {
    let place = Place::new(&["*"]).loud();
    place.append_bytes("other.log.lz4", LZ4);
    place.append("audit.log", 1..=3);
    let (code, told) = once(&place);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("what is in it is not shipped"), "{told}");
    assert_eq!(once(&place).0, 0);
    place.has(1..=3);
}

#[test]
fn a_rotation_whose_log_was_read_is_no_loss() {
    let place = Place::new(&["audit.log"]).loud();
    place.append("audit.log", 1..=3);
    let follower = place.start();
    place.arrive(1..=3);
    for round in 1..=3 {
        let last = 3 + round * 2;
        place.rename("audit.log", "audit.log.1");
        place.append("audit.log.1", last - 1..=last - 1);
        place.append("audit.log", last..=last);
        place.arrive(1..=last);
        if round > 1 {
            place.rename("audit.log.1.lz4", "audit.log.2.lz4");
        }
        place.append_bytes("audit.log.1.lz4", LZ4);
        place.remove("audit.log.1");
        wait_until("the file to be known", || {
            place.state().contains("audit.log.1.lz4")
        });
    }
    follower.terminate();
    assert!(!place.said().contains("compression"), "{}", place.said());
    assert_eq!(once(&place).0, 0);
}
