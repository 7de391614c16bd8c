//! What comes again after a crash is taken out of the output, by whatever path it was read.

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use common::follow::{Place, append};
use common::program::{stderr, wait_until};

/// A follower that is killed after something has happened and so many events have arrived, as if just
/// before it saved: the state is as it was at its start.
fn killed_before_it_saved(place: &Place, events: u64, happens: impl Fn()) {
    let files = place.state_files();
    let read = |path: &PathBuf| fs::read(path).unwrap_or_default();
    let before: Vec<_> = files.iter().map(read).collect();
    let follower = place.start();
    wait_until("the state of the start", || {
        let files = place.state_files();
        let text = files.first().and_then(|path| fs::read_to_string(path).ok());
        let is_begun = |text: &String| text.contains("out.ndjson") && !text.contains("is_final");
        text.as_ref().is_some_and(is_begun) && files.iter().map(read).ne(before.iter().cloned())
    });
    let files = place.state_files();
    let saved: Vec<_> = files.iter().map(read).collect();
    happens();
    place.arrive(1..=events);
    follower.kill();
    for path in place.state_files() {
        fs::remove_file(path).expect("removed");
    }
    for (path, saved) in files.iter().zip(saved) {
        fs::write(path, saved).expect("written");
    }
}

#[test]
fn a_file_that_was_new_is_followed_by_another_path_afterwards() {
    for (first, second) in [("d/*.log", "l/*.log"), ("l/*.log", "d/../d/*.log")] {
        let mut place = Place::new(&[first]);
        fs::create_dir(place.path("d")).expect("created");
        symlink("d", place.path("l")).expect("linked");
        place.append("d/a.log", 1..=3);
        place.once();
        killed_before_it_saved(&place, 6, || {
            place.append("d/a.log", 4..=4);
            place.rename("d/a.log", "d/a.log.1");
            place.append("d/a.log", 5..=6);
        });
        place.follow_only(second);
        place.append("d/a.log", 7..=7);
        place.once();
        place.has(1..=7);
    }
}

#[test]
fn a_file_that_was_new_has_its_directory_renamed_afterwards() {
    let place = Place::new(&["d*/a.log"]);
    fs::create_dir(place.path("d")).expect("created");
    place.append("d/a.log", 1..=3);
    place.once();
    killed_before_it_saved(&place, 6, || {
        place.append("d/a.log", 4..=4);
        place.rename("d/a.log", "d/a.log.1");
        place.append("d/a.log", 5..=6);
    });
    place.rename("d", "d2");
    place.append("d2/a.log", 7..=7);
    place.once();
    place.has(1..=7);
}

#[test]
fn a_directory_is_renamed_live_and_again_after_a_kill() {
    let place = Place::new(&["d*/a.log"]);
    fs::create_dir(place.path("d")).expect("created");
    place.append("d/a.log", 1..=3);
    place.once();
    let follower = place.start_ready();
    place.rename("d", "d2");
    place.append("d2/a.log", 4..=6);
    let out = || fs::read_to_string(place.out()).unwrap_or_default();
    wait_until("an event from there", || out().contains("d2/a.log"));
    // Else nothing would tell after a second renaming that the event is of this log.
    assert!(place.state().contains("d2/a.log"), "saved before the event");
    follower.kill();
    place.rename("d2", "d3");
    place.append("d3/a.log", 7..=7);
    place.once();
    place.has(1..=7);
}

#[test]
fn an_output_that_was_empty_is_copied_and_truncated_and_others_write_to_it() {
    let place = Place::new(&["a.log"]);
    killed_before_it_saved(&place, 3, || place.append("a.log", 1..=3));
    let copy = place.folder().join("old/out.ndjson.1");
    fs::create_dir(place.folder().join("old")).expect("created");
    fs::copy(place.out(), &copy).expect("copied");
    fs::write(place.out(), "").expect("truncated");
    append(&place.out(), b"{\"foreign\":1}\n");
    place.once();
    let text = [copy, place.out()].map(|path| fs::read_to_string(path).expect("read"));
    let text = text.concat();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains("{\"foreign\":1}\n"), "{text}");
}

#[test]
fn lines_of_others_that_a_kill_left_beside_the_output_are_told_of() {
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=2);
    place.once();
    let name = |ending: &str| place.folder().join(format!("out.ndjson.orphan-7{ending}"));
    fs::write(name(".kept"), "{\"foreign\":1}\n").expect("written");
    // Something is behind the checkpoint, so that the output is looked at.
    common::follow::append(&place.out(), b"{\"foreign\":2}\n");
    let told = stderr(&place.once());
    assert!(told.contains("out.ndjson.orphan-7\n"), "{told}");
    let orphans = fs::read_to_string(name("")).expect("read");
    assert_eq!(orphans, "{\"foreign\":1}\n");
}
