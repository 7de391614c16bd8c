//! What comes again after a crash is taken out of the output, by whatever path it was read.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::follow::{Place, append, finish, line_count};
use crate::support::program::{self, stderr, wait_until};

/// A follower that is killed after something has happened and so many events have arrived, as if just
/// before it saved: the state is as it was at its start.
pub fn killed_before_it_saved(place: &Place, events: u64, happens: impl Fn()) {
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
    crate::support::follow::append(&place.out(), b"{\"foreign\":2}\n");
    let told = stderr(&place.once());
    assert!(told.contains("out.ndjson.orphan-7\n"), "{told}");
    let orphans = fs::read_to_string(name("")).expect("read");
    assert_eq!(orphans, "{\"foreign\":1}\n");
}

#[test]
fn lines_of_others_that_a_kill_left_beside_the_output_replace_no_orphans() {
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=2);
    place.once();
    let name = |ending: &str| place.folder().join(format!("out.ndjson.orphan-7{ending}"));
    let read = |ending: &str| fs::read_to_string(name(ending)).expect("read");
    fs::write(name(""), "{\"half\":").expect("written");
    fs::write(name(".kept"), "{\"foreign\":1}\n").expect("written");
    crate::support::follow::append(&place.out(), b"{\"foreign\":2}\n");
    let told = stderr(&place.once());
    assert!(told.contains("out.ndjson.orphan-7-2\n"), "{told}");
    assert_eq!(read(""), "{\"half\":");
    assert_eq!(read("-2"), "{\"foreign\":1}\n");
}

/// A follower that was killed when its output held six events, of which its state knows the first
/// ones: so many.
fn killed_with_six(saved: u64) -> Place {
    let place = Place::new(&["a.log"]).loud();
    if saved > 0 {
        place.append("a.log", 1..=saved);
        place.once();
    }
    killed_before_it_saved(&place, 6, || place.append("a.log", saved + 1..=6));
    place
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).expect("there").ino()
}

/// Ways to put a copy of a file in its place.
const REPLACE: [fn(&Path, &Path); 4] = [
    |out, beside| {
        fs::copy(out, beside).expect("copied");
        fs::rename(beside, out).expect("renamed");
    },
    // The number of the inode may be used again.
    |out, beside| {
        let bytes = fs::read(out).expect("read");
        fs::remove_file(out).expect("removed");
        fs::write(beside, bytes).expect("written");
        fs::rename(beside, out).expect("renamed");
    },
    |out, _| {
        let status = Command::new("sed").args(["-i", "s/^$//"]).arg(out).status();
        assert!(status.expect("sed runs").success());
    },
    // It is moved away, and its copy is what counts now.
    |out, beside| {
        fs::rename(out, beside).expect("renamed");
        fs::copy(beside, out).expect("copied");
    },
];

#[test]
fn an_output_that_was_replaced_by_a_copy_of_itself_holds_each_event_once() {
    for saved in [3, 0] {
        for (way, replace) in REPLACE.iter().enumerate() {
            let place = killed_with_six(saved);
            replace(&place.out(), &place.folder().join("out.ndjson.new"));
            place.append("a.log", 7..=8);
            let told = stderr(&place.once());
            place.has(1..=8);
            assert!(!told.contains("WARN"), "{saved} {way}: {told}");
        }
    }
}

#[test]
fn a_copy_in_the_place_of_the_output_keeps_the_lines_of_others() {
    for saved in [3, 0] {
        let place = killed_with_six(saved);
        append(&place.out(), b"{\"foreign\":1}\n");
        REPLACE[0](&place.out(), &place.folder().join("new"));
        place.once();
        let text = fs::read_to_string(place.out()).expect("read");
        assert_eq!(text.lines().count(), 7, "{text}");
        assert!(text.contains("{\"foreign\":1}\n"), "{text}");
    }
}

#[test]
fn another_file_in_the_place_of_the_output_stays_as_it_is() {
    for saved in [3, 0] {
        let place = killed_with_six(saved);
        // Under the same name elsewhere, it is another program's.
        let elsewhere = place.folder().join("old/out.ndjson");
        fs::create_dir(place.folder().join("old")).expect("created");
        fs::copy(place.out(), &elsewhere).expect("copied");
        let foreign = "no JSON\n{\"foreign\":1}\n";
        fs::write(place.folder().join("new"), foreign).expect("written");
        fs::rename(place.folder().join("new"), place.out()).expect("renamed");
        let told = stderr(&place.once());
        let text = fs::read_to_string(place.out()).expect("read");
        assert!(text.starts_with(foreign), "{text}");
        assert_eq!(text.lines().count() as u64, 2 + 6 - saved, "{text}");
        assert_eq!(line_count(&elsewhere), 6);
        let is_told = told.contains("is gone") && told.contains("how many is unknown");
        assert_eq!(is_told, saved > 0, "{told}");
    }
}

/// Makes a file with that number, if the file system gives it to one of the next files.
fn takes_inode(path: &Path, number: u64) -> bool {
    (0..500).any(|count| {
        let other = path.with_extension(count.to_string());
        fs::write(&other, "something else\n").expect("written");
        let is_it = inode(&other) == number;
        if is_it {
            fs::rename(&other, path).expect("renamed");
        }
        is_it
    })
}

#[test]
fn another_file_with_the_inode_of_the_output_is_not_taken_for_it() {
    for has_copy in [false, true] {
        let place = killed_with_six(3);
        let bytes = fs::read(place.out()).expect("read");
        let number = inode(&place.out());
        fs::remove_file(place.out()).expect("removed");
        let notes = place.folder().join("notes");
        if !takes_inode(&notes, number) {
            eprintln!("left out: the file system does not use the number of an inode again");
            return;
        }
        if has_copy {
            fs::write(place.out(), bytes).expect("written");
        }
        let told = stderr(&place.once());
        place.has(if has_copy { 1..=6 } else { 4..=6 });
        assert!(!told.contains("notes"), "{told}");
        assert_eq!(told.contains("WARN"), !has_copy, "{told}");
        let text = fs::read_to_string(notes).expect("read");
        assert_eq!(text, "something else\n");
    }
}

/// Such lines cannot be told from ours.
#[test]
fn events_of_the_same_log_that_normalize_appended_are_cut_with_ours_and_counted() {
    let place = killed_with_six(3);
    let mut command = program::command(["normalize", "-q", "--preserve-original-event"]);
    command.arg(place.path("a.log"));
    let output = finish(command);
    append(&place.out(), &output.stdout);
    assert_eq!(line_count(&place.out()), 12);
    place.append("a.log", 7..=7);
    let told = stderr(&place.once());
    // The first three stand before the checkpoint of the log, and are not written again.
    place.has([1, 2, 3, 1, 2, 3, 4, 5, 6, 7]);
    let lines: Vec<_> = told
        .lines()
        .filter(|line| line.contains("out.ndjson"))
        .collect();
    assert!(
        lines.iter().any(|line| line.contains("truncated")
            && line.contains("INFO")
            && line.contains("events=6")),
        "{told}"
    );
    assert!(
        lines.iter().any(
            |line| line.contains("kept lines that another program appended")
                && line.contains("lines=3")
        ),
        "{told}"
    );
}
