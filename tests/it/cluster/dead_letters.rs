//! Events that the cluster takes in no form.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;

use super::world::{STREAM, Sending, number, said};
use crate::support::binary::wait_until;
use crate::support::outcome::{filtered, outcome};
use crate::support::place::finish;
use crate::support::search::{For, Kind, Search};

/// A cluster that takes events with an odd number only.
fn picky() -> Search {
    let search = Search::new(Kind::Elasticsearch);
    let judge = |_: &str, event: &Value| {
        let is_refused = number(event).is_multiple_of(2);
        let kind = "illegal_argument_exception";
        is_refused.then(|| (400, kind, "immense term".to_owned()))
    };
    search.world().judge = Some(Box::new(judge));
    search
}

fn numbers(sending: &Sending) -> Vec<u64> {
    let letters = sending.dead_letters();
    letters
        .iter()
        .map(|letter| number(&letter["event"]))
        .collect()
}

#[test]
fn what_is_refused_in_every_form_is_a_dead_letter() {
    let search = picky();
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(6);
    let output = sending.once();
    assert_eq!(Sending::arrived(&search), [1, 3, 5]);
    assert_eq!(numbers(&sending), [2, 4, 6]);
    let mode = fs::metadata(sending.dead_letter_file())
        .expect("a file")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let mut letter = sending.dead_letters().remove(0);
    letter["event"] = "[THE EVENT]".into();
    letter["_id"] = "[ID]".into();
    let letter = filtered(&serde_json::to_string_pretty(&letter).expect("JSON"));
    assert_snapshot!(format!("{}\n{letter}", said(&outcome(&output))));
}

#[test]
fn a_dead_letter_is_not_written_twice_after_a_kill() {
    let search = picky();
    // An event for each request, one after the other.
    let flags = ["--bulk-concurrency", "1", "--bulk-bytes", "1KiB"];
    let mut sending = Sending::to(&[&search.url()]).with(&flags);
    sending.append(1);
    sending.once();
    // Killed after the dead letter, before the state says so: a later event is not taken.
    sending.append(3);
    let judge = |_: &str, event: &Value| match number(event) {
        2 => Some((400, "illegal_argument_exception", "immense term".to_owned())),
        4 => Some((503, "unavailable_shards_exception", "not now".to_owned())),
        _ => None,
    };
    let picky = search.world().judge.replace(Box::new(judge));
    let follower = sending.start();
    wait_until("a dead letter", || numbers(&sending) == [2]);
    search.wait("the last event", |world| world.count(For::Bulk) >= 6);
    follower.kill();
    search.world().judge = picky;
    // Half a line is what a crash leaves.
    let file = sending.dead_letter_file();
    let mut text = fs::read(&file).expect("read");
    text.extend_from_slice(b"{\"time\":");
    fs::write(&file, text).expect("written");
    sending.append(2);
    sending.once();
    assert_eq!(Sending::arrived(&search), [1, 3, 5]);
    let text = fs::read_to_string(&file).expect("read");
    let letters = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let numbers = letters.map(|letter: Value| number(&letter["event"]));
    assert_eq!(numbers.collect::<Vec<_>>(), [2, 4, 6]);
}

#[test]
fn nothing_is_lost_while_the_file_cannot_be_written() {
    let search = picky();
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(4);
    // A directory is in its place.
    let file = sending.dead_letter_file();
    fs::create_dir_all(&file).expect("created");
    let follower = sending.start();
    search.wait("the refusals", |world| world.count(For::Bulk) == 2);
    wait_until("words about that", || {
        sending.place.said().contains("--dead-letter")
    });
    fs::remove_dir(&file).expect("removed");
    wait_until("the dead letters", || {
        fs::read(&file).is_ok_and(|text| text.split(|byte| *byte == b'\n').count() == 3)
    });
    follower.terminate();
    assert_eq!(numbers(&sending), [2, 4]);
    assert_eq!(search.world().documents(STREAM).len(), 2);
    assert_snapshot!(said(&sending.place.said()));
}

#[test]
fn a_full_disk_for_dead_letters_ends_nothing_and_loses_nothing() {
    let search = picky();
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(4);
    let full = |sending: &Sending| sending.tail(&["--dead-letter", "/dev/full"]);
    let mut follower = sending.place.start_command(full(&sending));
    wait_until("words about that", || {
        sending.place.said().contains("No space left")
    });
    follower.must_run();
    // Nothing of it counts as sent.
    follower.terminate();
    sending.once();
    assert_eq!(numbers(&sending), [2, 4]);
    assert_eq!(Sending::arrived(&search), [1, 3]);
}

/// Whether processes can be traced here; where not, the tests with it say that they are left out.
fn can_trace() -> bool {
    let traced = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    let can = traced.is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("left out: strace is missing, or may not trace");
    }
    can
}

/// The lines of a trace of the calls that make things durable, with the paths of their files.
fn trace(sending: &Sending, traced: &Command) -> Vec<String> {
    let trace = sending.place.folder().join("trace");
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-y", "-s", "0", "-o"])
        .arg(&trace);
    command.args([
        "-e",
        "trace=write,fsync,fdatasync,rename,renameat,renameat2",
    ]);
    command.arg(traced.get_program()).args(traced.get_args());
    for (name, value) in traced.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = finish(command);
    assert_eq!(output.status.code(), Some(0), "{}", outcome(&output));
    let text = fs::read_to_string(trace).expect("a trace");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_dead_letter_is_on_the_disk_before_the_checkpoint_passes_it() {
    if !can_trace() {
        return;
    }
    let search = picky();
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(2);
    let lines = trace(&sending, &sending.tail(&["--once"]));
    assert_eq!(numbers(&sending), [2]);
    let of_letters = |line: &str, call: &str| {
        line.contains("/dead-letter.ndjson>") && line.contains(&format!(" {call}("))
    };
    let last = |what: &str, is_it: &dyn Fn(&str) -> bool| {
        let place = lines.iter().rposition(|line| is_it(line));
        place.unwrap_or_else(|| panic!("no {what} in {lines:#?}"))
    };
    let written = last("write", &|line| of_letters(line, "write"));
    let synced = last("fsync", &|line| {
        of_letters(line, "fsync") || of_letters(line, "fdatasync")
    });
    assert!(written < synced, "{lines:#?}");
    // The state in which the events are settled is the next one: none comes in between.
    let is_state = |line: &String| line.contains(" rename") && line.contains("/state/");
    assert!(!lines[written..synced].iter().any(is_state), "{lines:#?}");
    assert!(lines[synced..].iter().any(is_state), "{lines:#?}");
    // Its name is on the disk, too.
    let folder = |line: &str| line.contains("sync(") && line.contains("/state>");
    assert!(
        lines[..synced].iter().any(|line| folder(line)),
        "{lines:#?}"
    );
}

#[test]
fn many_dead_letters_are_said_once_and_counted_at_the_end() {
    let search = picky();
    let flags = ["--bulk-concurrency", "1", "--bulk-bytes", "1KiB"];
    let mut sending = Sending::to(&[&search.url()]).with(&flags);
    sending.append(20);
    let words = said(&outcome(&sending.once()));
    assert_eq!(words.matches("refused in every form").count(), 1, "{words}");
    assert!(words.contains("9 more events are kept in"), "{words}");
    assert_eq!(sending.dead_letters().len(), 10);
}

#[test]
fn dead_letters_do_not_go_into_files_of_the_program() {
    let search = picky();
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(2);
    sending.once();
    let place = &sending.place;
    let log = place.path("audit.log");
    let link = place.folder().join("link");
    fs::hard_link(&log, &link).expect("linked");
    let state_link = place.folder().join("state-link");
    fs::hard_link(place.state_dir().join("tail.json"), &state_link).expect("linked");
    let state = |name: &str| place.state_dir().join(name);
    let mut words = Vec::new();
    for path in [
        log.clone(),
        link.clone(),
        state("tail.json"),
        state("tail.json.previous"),
        state("tail.lock"),
        state("other.json"),
        state_link,
    ] {
        let mut tail = sending.tail(&["--once", "--dead-letter"]);
        tail.arg(path);
        words.push(filtered(&outcome(&finish(tail))));
    }
    for path in [&log, &link] {
        let mut normalize = crate::support::binary::command(["normalize"]);
        normalize.args(["--elasticsearch-url", &search.url(), "--dead-letter"]);
        normalize.arg(path).arg(&log);
        words.push(filtered(&outcome(&finish(normalize))));
    }
    assert_snapshot!(words.join("\n"));
}
