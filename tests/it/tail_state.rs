//! What `tail` keeps: its state, one holder of it at a time, its output file, and the reports.

use std::cmp::Reverse;
use std::fs;
use std::path::PathBuf;
use std::process::Output;

use crate::support::follow::{Place, append, finish, record, records};
use crate::support::program::{stderr, wait_until};
use rustix::process::Signal;
use serde_json::Value;

/// A place where the first records have been delivered by a follower that ended.
fn delivered(last: u64) -> Place {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=last);
    place.once();
    place.has(1..=last);
    place
}

/// The state file that was written last; where the clock is too coarse to tell, the one with the
/// plainest name.
fn current_state(place: &Place) -> PathBuf {
    let modified = |path: &PathBuf| fs::metadata(path).and_then(|data| data.modified());
    let age = |path: &PathBuf| {
        (
            modified(path).expect("a time"),
            Reverse(path.as_os_str().len()),
        )
    };
    place
        .state_files()
        .into_iter()
        .max_by_key(age)
        .expect("a state")
}

fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// A report in JSON: one document, or one a line.
fn json(text: &str) -> Value {
    let lines = || text.lines().map(serde_json::from_str::<Value>).collect();
    serde_json::from_str(text)
        .or_else(|_| lines())
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Refused with 1 and a line that names the process that holds the state.
fn refused(output: &Output, holder: u32) {
    let told = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(&holder.to_string()), "{holder}: {told}");
}

#[test]
fn a_restart_sends_nothing_again() {
    let place = delivered(5);
    place.once();
    place.has(1..=5);
    let follower = place.start_ready();
    place.append("audit.log", 6..=6);
    place.arrive(1..=6);
    follower.kill();
    place.once();
    place.has(1..=6);
}

#[test]
fn the_output_is_cut_back_to_what_the_state_knows() {
    for more in [&b"{\"half\":"[..], b"\n", b"\0\0\0\n"] {
        let place = delivered(3);
        append(&place.out(), more);
        place.append("audit.log", 4..=4);
        place.once();
        place.has(1..=4);
    }
}

#[test]
fn what_stood_in_the_output_before_the_first_start_stays() {
    let place = Place::new(&["*.log"]);
    append(&place.out(), b"{\"before\":1}\n");
    place.append("audit.log", 1..=1);
    let follower = place.start();
    wait_until("an event", || {
        fs::read(place.out()).is_ok_and(|text| text.len() > 100)
    });
    follower.kill();
    place.once();
    let events = place.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["before"], 1);
}

#[test]
fn an_output_that_was_moved_away_is_found_again() {
    let place = delivered(3);
    let moved = place.folder().join("out.ndjson.1");
    append(&place.out(), b"{\"half\":");
    fs::rename(place.out(), &moved).expect("renamed");
    place.append("audit.log", 4..=4);
    place.once();
    place.has(4..=4);
    let old = crate::support::follow::delivered(&moved);
    assert_eq!(old["a"], [1, 2, 3]);
}

#[test]
fn an_output_that_is_shorter_than_known_is_not_padded() {
    let place = delivered(3).loud();
    fs::write(place.out(), "").expect("written");
    place.append("audit.log", 4..=4);
    let told = stderr(&place.once());
    assert!(told.contains("out.ndjson"), "{told}");
    place.has(4..=4);
}

#[test]
fn an_output_that_is_gone_is_begun_again() {
    let place = delivered(3);
    fs::remove_file(place.out()).expect("removed");
    place.append("audit.log", 4..=4);
    place.once();
    place.has(4..=4);
}

#[test]
fn a_damaged_state_falls_back_to_the_previous_one() {
    for damage in ["", "{", "{\"version\":", "nonsense", "\0\0\0\0"] {
        let place = delivered(3).loud();
        place.append("audit.log", 4..=5);
        place.once();
        let state = current_state(&place);
        fs::write(&state, damage).expect("written");
        place.append("audit.log", 6..=6);
        let told = stderr(&place.once());
        let name = state.file_name().expect("a name").to_string_lossy();
        assert!(told.contains(&*name), "{told}");
        place.has(1..=6);
    }
}

#[test]
fn a_state_of_a_newer_version_is_refused() {
    let place = delivered(3);
    for path in place.state_files() {
        let text = fs::read_to_string(&path).expect("read");
        let mut state: Value = serde_json::from_str(&text).expect("JSON");
        let version = state["version"].as_u64().expect("a version");
        state["version"] = (version + 1).into();
        fs::write(&path, state.to_string()).expect("written");
    }
    place.append("audit.log", 4..=4);
    let output = finish(place.tail_to_file(&["--once"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("version"), "{}", stderr(&output));
    place.has(1..=3);
}

#[test]
fn a_second_instance_is_refused() {
    let place = delivered(1);
    let follower = place.start();
    place.append("audit.log", 2..=2);
    place.arrive(1..=2);
    refused(&finish(place.tail_to_file(&[])), follower.id());
    refused(&finish(place.tail_to_file(&["--once"])), follower.id());
    follower.kill();
    // Nothing is left behind that would refuse the next one.
    place.once();
    place.has(1..=2);
}

#[test]
fn the_status_is_read_beside_a_running_instance() {
    let place = delivered(3);
    let follower = place.start();
    place.append("audit.log", 4..=4);
    place.arrive(1..=4);
    let length = fs::metadata(place.path("audit.log")).expect("there").len();
    let (path, length) = (place.path("audit.log"), length.to_string());
    let status = |flags: &[&str]| stdout(&finish(place.tail(flags)));
    wait_until("the status", || status(&["--status"]).contains(&length));
    let table = status(&["--status"]);
    assert!(table.contains(&*path.to_string_lossy()), "{table}");
    let json = json(&status(&["--status", "--json"])).to_string();
    assert!(json.contains(&*path.to_string_lossy()), "{json}");
    assert!(json.contains(&length), "{json}");
    follower.terminate();
    let again = status(&["--status"]);
    assert!(again.contains(&length), "{again}");
}

#[test]
fn the_status_before_the_first_start() {
    let place = Place::new(&["*.log"]);
    stdout(&finish(place.tail(&["--status"])));
    json(&stdout(&finish(place.tail(&["--status", "--json"]))));
}

#[test]
fn the_list_says_what_would_be_followed_and_does_nothing() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=3);
    place.append("other.log", 4..=4);
    place.append("third.txt", 5..=5);
    let list = stdout(&finish(place.tail(&["--list"])));
    for (name, listed) in [
        ("audit.log", true),
        ("other.log", true),
        ("third.txt", false),
    ] {
        assert_eq!(list.contains(name), listed, "{list}");
    }
    assert!(place.state_files().is_empty());
    place.once();
    let follower = place.start_ready();
    let list = stdout(&finish(place.tail(&["--list"])));
    assert!(list.contains("audit.log"), "{list}");
    json(&stdout(&finish(place.tail(&["--list", "--json"]))));
    follower.terminate();
}

/// Runs a command about the followed file.
fn state(place: &Place, what: &str, more: &[&str]) -> Output {
    let path = place.path("audit.log");
    let path = path.to_str().expect("UTF-8");
    place.about(&[&["state", what, path], more].concat())
}

#[test]
fn the_state_is_listed_and_shown() {
    let place = delivered(3);
    let path = place.path("audit.log");
    let length = fs::metadata(&path).expect("there").len().to_string();
    for output in [place.about(&["state", "list"]), state(&place, "show", &[])] {
        let told = stdout(&output);
        assert!(told.contains(&*path.to_string_lossy()), "{told}");
    }
    let shown = stdout(&state(&place, "show", &[]));
    assert!(shown.contains(&length), "{shown}");
    let unknown = place.about(&["state", "show", "/nowhere.log"]);
    assert_ne!(unknown.status.code(), Some(0));
    assert!(stderr(&unknown).contains("/nowhere.log"));
}

#[test]
fn a_forgotten_file_is_read_from_its_beginning() {
    let place = delivered(3);
    stdout(&state(&place, "forget", &[]));
    place.once();
    place.has([1, 2, 3, 1, 2, 3]);
}

#[test]
fn an_offset_can_be_set() {
    let place = delivered(3);
    let third = records("a", 1..=2).len().to_string();
    stdout(&state(&place, "set", &["--offset", &third]));
    place.once();
    place.has([1, 2, 3, 3]);
    stdout(&state(&place, "set", &["--offset", "0"]));
    place.append("audit.log", 4..=4);
    place.once();
    place.has([1, 2, 3, 3, 1, 2, 3, 4]);
}

#[test]
fn the_state_is_not_mended_while_an_instance_holds_it() {
    let place = delivered(3);
    let follower = place.start();
    place.append("audit.log", 4..=4);
    place.arrive(1..=4);
    refused(&state(&place, "forget", &[]), follower.id());
    refused(&state(&place, "set", &["--offset", "0"]), follower.id());
    // Reading takes no lock.
    stdout(&place.about(&["state", "list"]));
    stdout(&state(&place, "show", &[]));
    follower.terminate();
    place.once();
    place.has(1..=4);
}

#[test]
fn sighup_opens_the_output_again() {
    let place = delivered(2);
    let mut follower = place.start();
    place.append("audit.log", 3..=3);
    place.arrive(1..=3);
    let moved = place.folder().join("out.1");
    fs::rename(place.out(), &moved).expect("renamed");
    follower.signal(Signal::HUP);
    wait_until("the new output", || place.out().exists());
    place.append("audit.log", 4..=5);
    place.arrive(4..=5);
    follower.must_run();
    follower.terminate();
    assert_eq!(crate::support::follow::delivered(&moved)["a"], [1, 2, 3]);
    place.once();
    place.has(4..=5);
}

#[test]
fn a_kill_after_sighup_doubles_nothing() {
    let place = delivered(2);
    let follower = place.start();
    place.append("audit.log", 3..=3);
    place.arrive(1..=3);
    let moved = place.folder().join("out.1");
    fs::rename(place.out(), &moved).expect("renamed");
    follower.signal(Signal::HUP);
    wait_until("the new output", || place.out().exists());
    follower.kill();
    place.append("audit.log", 4..=4);
    place.once();
    assert_eq!(crate::support::follow::delivered(&moved)["a"], [1, 2, 3]);
    place.has(4..=4);
}

#[test]
fn the_state_folder_is_made_and_comes_from_the_environment() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=1);
    for (variable, below) in [
        ("STATE_DIRECTORY", ""),
        ("XDG_STATE_HOME", "confluence-ecs"),
        ("HOME", ".local/state/confluence-ecs"),
    ] {
        let home = place.folder().join(variable);
        let mut command = crate::support::program::command(["tail", "--once", "-q", "-o"]);
        command.arg(place.folder().join(format!("{variable}.ndjson")));
        command.arg(place.path("audit.log"));
        for other in ["STATE_DIRECTORY", "XDG_STATE_HOME"] {
            command.env_remove(other);
        }
        command.env(variable, &home);
        stdout(&finish(command));
        let files = fs::read_dir(home.join(below)).expect("the state folder");
        assert!(files.count() > 0, "{variable}");
    }
}

#[test]
fn an_output_among_the_followed_files_is_refused_or_left_alone() {
    let place = Place::new(&["*"]);
    place.append("audit.log", 1..=1);
    let out = place.path("out.log");
    let mut command = place.tail(&["--once", "-o"]);
    command.arg(&out);
    let output = finish(command);
    match output.status.code() {
        Some(0) => assert_eq!(crate::support::follow::delivered(&out)["a"], [1]),
        code => assert!(matches!(code, Some(1 | 2)), "{}", stderr(&output)),
    }
    assert_eq!(
        fs::read_to_string(place.path("audit.log")).expect("read"),
        record("a", 1) + "\n"
    );
}
