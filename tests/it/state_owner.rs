//! A state directory of another user, as root mends it: the service, which runs as that user, goes on with it.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::path::Path;

use crate::support::follow::Place;

/// A user who is neither root nor this one.
const SERVICE: u32 = 65_533;

/// Whether root runs the test, who alone can give files away.
fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("left out: only root can make files of another user");
    }
    is_root
}

/// Gives a directory and what is in it to the service's user.
fn give(directory: &Path) {
    let entries = fs::read_dir(directory).unwrap();
    for path in entries.map(|entry| entry.unwrap().path()) {
        chown(&path, Some(SERVICE), Some(SERVICE)).unwrap();
    }
    chown(directory, Some(SERVICE), Some(SERVICE)).unwrap();
}

/// The files of a directory that are not the service's.
fn of_others(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let others = entries.filter(|entry| {
        let file = entry.metadata().unwrap();
        (file.uid(), file.gid()) != (SERVICE, SERVICE)
    });
    let names = others.map(|entry| entry.file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn what_root_makes_in_it_belongs_to_its_owner() {
    if !is_root() {
        return;
    }
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=3);
    place.append("other.log", 4..=4);
    place.once();
    let state = place.state_dir();
    give(&state);
    let path = place.path("audit.log").display().to_string();
    for words in [
        &["state", "set", &path, "--offset", "0"][..],
        &["state", "rename", "tail", "wiki"],
        &["state", "forget", &path],
        &["state", "forget", "wiki"],
    ] {
        let output = place.about(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        assert_eq!(of_others(&state), [""; 0], "{words:?}");
    }
    place.once();
    assert_eq!(of_others(&state), [""; 0]);
}

#[test]
fn what_a_link_leads_to_is_not_given_away() {
    if !is_root() {
        return;
    }
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=3);
    let state = place.state_dir();
    fs::create_dir(&state).unwrap();
    give(&state);
    let target = place.folder().join("target");
    symlink(&target, state.join("tail.lock")).unwrap();
    place.once();
    assert_eq!(fs::metadata(&target).unwrap().uid(), 0);
}
