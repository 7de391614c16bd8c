//! `send` without a cluster: what it takes, and what it names.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::outcome::outcome;
use crate::support::place::gzip;
use crate::support::program::{self, run, run_command, stderr};

const EVENT: &str = r#"{"@timestamp":"2026-01-01T00:00:00.000Z","ecs":{},"event":{}}"#;

/// `send` in a folder, to an address where nothing listens, with a state of its own.
fn send(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = program::command(["send", "-q", "--elasticsearch-url", "http://localhost:1"]);
    command
        .args(["--shutdown-timeout", "100ms"])
        .args(arguments)
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .env_remove("STATE_DIRECTORY")
        .env_remove("CONFLUENCE_ECS_ES_API_KEY")
        .env_remove("CONFLUENCE_ECS_ES_PASSWORD");
    command
}

fn errors(output: &Output) -> Vec<String> {
    let told = stderr(output);
    // Whether the cluster was tried before the end is a matter of time.
    let lines = told.lines().filter(|line| !line.contains("localhost:1"));
    lines.map(str::to_owned).collect()
}

#[test]
fn lines_that_are_no_events_are_named_with_file_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &[u8]| {
        fs::write(folder.path().join(name), text).expect("written");
    };
    let record = fs::read_to_string("testdata/sample/record.log").expect("read");
    write("raw.log", record.as_bytes());
    let mixed = "\n{\"create\":{\"_id\":\"1x\"}}\n\n{\"create\":{\"_id\":\"1y\"}}\nno JSON\n\
                 {\"delete\":{\"_id\":\"1y\"}}\n{\"_id\":\"1z\",\"event\":1}\n{\"a\":1}\n\
                 {\"create\":{\"_id\":\"1x\"}}";
    write("mixed.gz", &gzip(mixed.as_bytes()));
    write("db", b"SQLite format 3\0");
    fs::create_dir(folder.path().join("folder")).expect("created");
    let files = ["raw.log", "mixed.gz", "missing", "folder", "db", "*.x"];
    let output = run_command(send(folder.path(), &files), b"");
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(errors(&output).join("\n"));
}

#[test]
fn of_many_lines_that_are_no_events_the_first_are_named_and_all_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run_command(send(folder.path(), &[]), "{}\n".repeat(1000).as_bytes());
    assert_eq!(output.status.code(), Some(1));
    let errors = errors(&output);
    assert_eq!(errors.len(), 11, "{errors:?}");
    assert!(errors[9].contains("stdin:10: not an event"), "{errors:?}");
    assert!(errors[10].contains("stdin: 990 more lines"), "{errors:?}");
}

#[test]
fn an_event_behind_a_rejected_action_is_rejected_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let event = r#"{"@timestamp":"2026-01-01T00:00:00.000Z","ecs":{},"event":{}}"#;
    let text = [
        r#"{"create":{"_id":"1a","_index":"x"}}"#,
        event,
        r#"{"index":{"_id":"1a"}}"#,
        "",
        event,
        r#"{"create":{"_id":"1a""#,
        event,
        r#"{"delete":{"_id":"1a"}}"#,
        "{}",
    ];
    let output = run_command(send(folder.path(), &[]), text.join("\n").as_bytes());
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(errors(&output).join("\n"));
}

#[test]
fn the_dead_letter_file_cannot_be_an_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state/confluence-ecs");
    fs::create_dir_all(&state).expect("created");
    let letters = state.join("dead-letter.ndjson");
    fs::write(&letters, "").expect("written");
    std::os::unix::fs::symlink(&letters, folder.path().join("link")).expect("linked");
    for arguments in [
        &["link"][..],
        &["state/confluence-ecs/dead-letter.ndjson"],
        &[
            "state/confluence-ecs/dead-letter.ndjson",
            "--dead-letter",
            "link",
        ],
    ] {
        let output = run_command(send(folder.path(), arguments), b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = stderr(&output);
        assert!(told.contains("is also an input: rename it first"), "{told}");
    }
    let elsewhere = send(folder.path(), &["link", "--dead-letter", "other"]);
    assert_eq!(run_command(elsewhere, b"").status.code(), Some(0));
}

#[test]
fn what_is_no_use_of_send_is_one_line() {
    let outputs = [
        &["send"][..],
        &["send", "x", "--output", "y"],
        &["send", "--elasticsearch-url", "http://u:p@localhost"],
        &[
            "send",
            "--elasticsearch-url",
            "http://localhost",
            "--namespace",
            "A",
        ],
    ];
    let outputs = outputs.map(|arguments| outcome(&run(arguments, b"")));
    insta::assert_snapshot!(outputs.join("\n"));
}

#[test]
fn a_signal_ends_it_while_the_cluster_is_away() {
    use rustix::process::Signal;

    use crate::support::place::{catches, send as signal, wait};

    for (which, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("x"), format!("{EVENT}\n")).expect("written");
        let mut child = program::start(send(folder.path(), &["x"]));
        program::wait_until("its handler", || catches(&child, which));
        signal(&child, which);
        let status = wait(&mut child, std::time::Duration::from_secs(20)).expect("it ends");
        assert_eq!(status.code(), Some(code));
    }
}
