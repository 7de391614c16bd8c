//! Lines without an end, whose files are replaced or go away.

use std::fs;

use crate::support::follow::{Place, record};
use crate::support::program::wait_until;

#[test]
fn a_file_with_half_a_line_is_replaced_by_a_copy_that_has_the_whole() {
    for is_live in [true, false] {
        let place = Place::new(&["a.log"]);
        let line = record("a", 1);
        place.append_bytes("a.log", &line[..100]);
        let follower = place.start();
        wait_until("half a line in the state", || {
            place.state().contains("\"unfinished\"")
        });
        let replace = || {
            place.append_bytes("other", line.clone() + "\n");
            place.append("other", 2..=2);
            place.rename("other", "a.log");
        };
        if is_live {
            replace();
            place.arrive(1..=2);
            follower.terminate();
        } else {
            follower.terminate();
            replace();
        }
        place.once();
        place.has(1..=2);
    }
}

#[test]
fn a_last_line_without_an_end_was_taken_and_its_file_goes_away() {
    let place = Place::new(&["*.log"]);
    let line = record("a", 2);
    place.append("a.log", 1..=1);
    place.append_bytes("a.log", &line);
    // One that follows on keeps the text of the line in case its file goes away.
    let follower = place.start();
    wait_until("the line in the state", || {
        place.state().contains("\"unfinished\"")
    });
    follower.terminate();
    place.once();
    place.has(1..=2);
    place.remove("a.log");
    place.once();
    place.start_ready().terminate();
    place.has(1..=2);
}

#[test]
fn half_a_line_behind_a_copy_is_cut_away_with_the_rest() {
    let place = Place::new(&["a.log"]);
    place.append("a.log", 1..=3);
    place.copy("a.log", "a.log.1");
    place.append("a.log", 4..=4);
    place.append_bytes("a.log", &record("a", 5)[..100]);
    let follower = place.start();
    wait_until("half a line in the state", || {
        place.state().contains("\"unfinished\"")
    });
    follower.terminate();
    fs::write(
        place.path("a.log"),
        crate::support::follow::records("a", 6..=6),
    )
    .expect("written");
    place.once();
    place.has([1, 2, 3, 4, 6]);
    place.remove("a.log.1");
    place.start_ready().terminate();
    place.once();
    place.has([1, 2, 3, 4, 6]);
}

#[test]
fn half_a_line_of_one_log_is_no_part_of_another_ones() {
    let place = Place::new(&["*.log"]);
    let (one, other) = (record("a", 1), record("b", 1));
    place.append_bytes("a.log", &one[..100]);
    place.append_bytes("b.log", &other[..200]);
    let follower = place.start();
    wait_until("half a line of each in the state", || {
        place.state().matches("\"unfinished\"").count() >= 2
    });
    follower.terminate();
    place.remove("a.log");
    place.once();
    let errors = place.errors();
    let [error] = &errors[..] else {
        panic!("{errors:?}");
    };
    assert_eq!(error["event"]["original"], one[..100]);
}

#[test]
fn a_file_that_was_met_empty_is_compressed_before_anything_of_it_is_read() {
    let place = Place::new(&["a.log"]).loud();
    place.append_bytes("a.log", "");
    let follower = place.start_ready();
    let line = record("a", 1) + "\n";
    place.append_bytes("a.log", &line[..100]);
    wait_until("half a line in the state", || {
        place.state().contains("\"unfinished\"")
    });
    follower.terminate();
    place.append_bytes("a.log", &line[100..]);
    let plain = fs::read(place.path("a.log")).expect("read");
    place.append_bytes("a.log.1.gz", crate::support::follow::gzip(&plain));
    place.remove("a.log");
    place.append("a.log", 2..=2);
    let told = crate::support::program::stderr(&place.once());
    assert!(!told.contains("WARN"), "{told}");
    place.has(1..=2);
}
