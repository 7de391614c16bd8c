//! What is in the directory: nothing, damage, a newer version, the states of others.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{code, rows, status, stdout};
use crate::support::follow::{Place, finish};
use crate::support::outcome::outcome;
use crate::support::program::{command, stderr};

fn saved() -> Place {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=2);
    place.once();
    place
}

#[test]
fn an_empty_directory_is_none_to_be_content_with() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    assert_eq!(
        code(&status(folder.path(), &[])),
        1,
        "a directory without a state"
    );
    insta::assert_snapshot!(outcome(&status(&missing, &[])));
    assert!(!missing.exists(), "a report makes nothing");
}

#[test]
fn a_state_directory_that_cannot_be_listed_is_not_taken_for_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let mut told = outcome(&status(&file, &[]));
    for words in [
        &["list"][..],
        &["show", "x"],
        &["forget", "x"],
        &["set", "x", "--since", "1d"],
        &["rename", "tail", "wiki"],
    ] {
        let mut state = command(["state"]);
        state.args(words).arg("--state-dir").arg(&file);
        told += &outcome(&finish(state));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn damage_is_told_in_the_row() {
    let place = saved();
    for file in ["tail.json", "tail.json.previous"] {
        fs::write(place.state_dir().join(file), "{}").unwrap();
    }
    let output = status(&place.state_dir(), &[]);
    assert_eq!(code(&output), 1);
    assert!(
        stdout(&output).contains("tail: failing: state file "),
        "{}",
        stdout(&output)
    );
    assert_eq!(rows(&place.state_dir())[0]["state"], "failing");
}

#[test]
fn one_damaged_generation_does_no_harm() {
    let place = saved();
    fs::write(place.state_dir().join("tail.json"), "{}").unwrap();
    let row = &rows(&place.state_dir())[0];
    assert_eq!(row["state"], "not running");
    assert_eq!(stderr(&status(&place.state_dir(), &[])), "");
}

#[test]
fn a_state_of_a_newer_version_is_told_in_the_row() {
    let place = saved();
    let path = place.state_dir().join("tail.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"version\":1", "\"version\":9")).unwrap();
    let output = status(&place.state_dir(), &[]);
    assert_eq!(code(&output), 1);
    assert!(
        stdout(&output).contains("written by a newer confluence-ecs"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_directory_that_may_not_be_read_is_root_s_to_look_at() {
    let place = saved();
    let state = place.state_dir();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&state).is_ok() {
        eprintln!("left out: root may list any directory");
        return;
    }
    let output = status(&state, &[]);
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(code(&output), 1);
    let told = stderr(&output);
    assert!(
        told.contains("sudo confluence-ecs status --state-dir "),
        "{told}"
    );
}

#[test]
fn names_select_and_an_unknown_one_is_told_what_there_is() {
    let place = saved();
    let state = place.state_dir();
    let path = place.path("audit.log").display().to_string();
    for name in ["tail", &path] {
        let output = status(&state, &[name, "--json"]);
        assert!(stdout(&output).contains("\"records\": 2"), "{name}");
    }
    let output = status(&state, &["wiki"]);
    assert_eq!(code(&output), 1);
    assert_eq!(
        stderr(&output),
        "ERROR nothing is called wiki: there is tail\n"
    );
}

#[test]
fn wrong_usage_ends_with_2() {
    let place = saved();
    for wrong in [&["--max-lag", "x"][..], &["--watch", "--json"], &["--x"]] {
        assert_eq!(code(&status(&place.state_dir(), wrong)), 2, "{wrong:?}");
    }
}
