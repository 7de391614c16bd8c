//! Outputs that take no events: held, closed, or stalled.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::fetching::{Fetching, SINCE};
use crate::support::follow::{self, Place, finish, line_count};
use crate::support::outcome::outcome;
use crate::support::program::{self, stderr, wait_until};
use rustix::process::Signal;

#[test]
fn normalize_leaves_a_held_output_alone() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=3);
    let follower = place.start_ready();
    place.arrive(1..=3);
    let mut command = program::command(["normalize", "testdata/sample/record.log", "-o"]);
    command.arg(place.out());
    let output = finish(command);
    insta::assert_snapshot!(outcome(&output));
    place.has(1..=3);
    follower.terminate();
    let mut command = program::command(["normalize", "-q", "testdata/sample/record.log", "-o"]);
    command.arg(place.out());
    assert_eq!(finish(command).status.code(), Some(0));
    assert!(line_count(&place.out()) < 3, "truncated");
}

/// Runs `normalize` on a record, with a place for the output.
fn normalize_to(path: &Path, more: &[&str]) -> Output {
    let mut command = program::command(["normalize", "-q", "testdata/sample/record.log", "-o"]);
    command.arg(path).args(more);
    finish(command)
}

#[test]
fn normalize_does_not_overwrite_what_are_no_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("b.log");
    let record = fs::read_to_string("testdata/sample/record.log").expect("the record");
    let filebeat = "{\"@timestamp\":\"2026-01-01T00:00:00.000Z\",\"message\":\"x\"}\n";
    for content in [&*record, "x", "\n", "{}", filebeat] {
        fs::write(&path, content).expect("written");
        let output = normalize_to(&path, &[]);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(fs::read_to_string(&path).expect("there"), content);
    }
    insta::assert_snapshot!(outcome(&normalize_to(&path, &[])));
    let forced = normalize_to(&path, &["--force"]);
    assert_eq!(forced.status.code(), Some(0), "{}", stderr(&forced));
    assert_eq!(line_count(&path), 1);

    // What is empty, holds events or keeps nothing is written to.
    for more in [
        &[][..],
        &["--add-fields", r#"{"@a":1}"#],
        &["--namespace", "x"],
        &[],
    ] {
        assert_eq!(normalize_to(&path, more).status.code(), Some(0));
    }
    fs::write(&path, "").expect("written");
    for path in [&*path, Path::new("/dev/null")] {
        assert_eq!(normalize_to(path, &[]).status.code(), Some(0));
    }
    let directory = normalize_to(folder.path(), &["--force"]);
    assert_eq!(directory.status.code(), Some(1));
}

#[test]
fn tail_warns_of_a_file_that_holds_no_events() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=3);
    let record = fs::read_to_string("testdata/sample/record.log").expect("the record");
    let normalized = |more: &[&str]| {
        let path = place.folder().join("normalized");
        assert_eq!(normalize_to(&path, more).status.code(), Some(0));
        let text = fs::read_to_string(&path).expect("there");
        fs::remove_file(&path).expect("removed");
        text
    };
    let (event, pair) = (normalized(&[]), normalized(&["--format", "bulk"]));
    let filebeat = "{\"@timestamp\":\"2026-01-01T00:00:00.000Z\",\"message\":\"x\"}\n";
    for content in [
        &*record,
        "a line of a log\n",
        "\n",
        "{}\n",
        filebeat,
        &*pair,
    ] {
        let place = Place::new(&["*.log"]).loud();
        fs::write(place.out(), content).expect("written");
        place.append("audit.log", 1..=3);
        let told = stderr(&finish(place.tail_to_file(&["--once"])));
        assert!(
            told.contains("does not begin with an event"),
            "{content}: {told}"
        );
        let text = fs::read_to_string(place.out()).expect("there");
        assert!(text.starts_with(content), "nothing is taken away");
        // By now it is known.
        let told = stderr(&finish(place.tail_to_file(&["--once"])));
        assert!(!told.contains("does not begin"), "{content}: {told}");
    }

    for (content, more) in [(&event, &[][..]), (&pair, &["--format", "bulk"])] {
        let place = Place::new(&["*.log"]);
        place.append("audit.log", 1..=1);
        fs::write(place.out(), content).expect("written");
        let mut command = place.tail_to_file(&["--once"]);
        command.args(more);
        let output = finish(command);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(line_count(&place.out()), 2 * content.lines().count());
    }
}

#[test]
fn fetch_warns_of_a_file_that_holds_something_else() {
    let event = "{\"@timestamp\":\"2026-01-01T00:00:00.000Z\",\"event\":{\"dataset\":\"atlassian_confluence.audit\"}}\n";
    let record = fs::read_to_string("testdata/sample/record.log").expect("the record");
    for (content, raw, missing) in [
        ("a line of a log\n", false, Some("an event")),
        ("a line of a log\n", true, Some("a record")),
        (&*record, false, Some("an event")),
        (&*record, true, None),
        (event, true, Some("a record")),
        (event, false, None),
        ("", false, None),
    ] {
        let fetching = Fetching::cloud();
        fs::write(fetching.out(), content).expect("written");
        let mut command = fetching.command("fetch", &["--since", SINCE]);
        command.args(raw.then_some("--raw"));
        command.arg("-o").arg(fetching.out());
        let output = finish(command);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{content} {raw}: {told}");
        let warning = missing.map(|what| format!("does not begin with {what}: "));
        match warning {
            Some(warning) => assert!(told.contains(&warning), "{told}"),
            None => assert!(!told.contains("does not begin"), "{told}"),
        }
    }
}

#[test]
fn a_hard_link_to_an_input_is_no_output_even_by_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, link) = (folder.path().join("a.log"), folder.path().join("b.log"));
    fs::copy("testdata/sample/record.log", &log).expect("copied");
    fs::hard_link(&log, &link).expect("linked");
    let mut command = program::command(["normalize", "--force", "-o"]);
    command.arg(&link).arg(&log);
    let output = finish(command);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is also an input"));
    assert!(line_count(&log) > 0);
}

#[test]
fn a_missing_directory_of_the_output_is_named() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=1);
    let path = place.folder().join("no/dir/x");
    insta::assert_snapshot!(outcome(&normalize_to(&path, &[])));
    let mut command = place.tail(&["--once", "-q", "-o"]);
    command.arg(&path);
    insta::assert_snapshot!(outcome(&finish(command)));
}

#[test]
fn a_missing_directory_is_named_behind_a_link_and_with_a_slash() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("no/dir/x", &link).expect("linked");
    for (path, missing) in [(link, "no"), (folder.path().join("none/"), "none/")] {
        let output = normalize_to(&path, &[]);
        let missing = folder.path().join(missing);
        let expected = format!("there is no directory {}", missing.display());
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
    }
}

#[test]
fn stdout_by_its_own_name_is_not_truncated() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/fd/3"] {
        let path = folder.path().join("events");
        fs::write(&path, "before\n").expect("written");
        let command = program::command(["normalize", "testdata/sample/record.log", "-o", name]);
        let redirected = format!(">> '{0}' 3>> '{0}'", path.display());
        let output = finish(shell(&format!("exec \"$0\" \"$@\" {redirected}"), &command));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let text = fs::read_to_string(&path).expect("read");
        assert!(text.starts_with("before\n{"), "{name}: {text}");
    }
}

#[test]
fn a_file_of_events_is_not_for_everyone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.ndjson");
    for (umask, expected) in [("000", 0o640), ("077", 0o600)] {
        for command in [
            program::command(["normalize", "-q", "testdata/sample/record.log", "-o"]),
            {
                let mut tail =
                    program::command(["tail", "-q", "--once", "testdata/sample/record.log"]);
                tail.arg("--state-dir").arg(folder.path()).arg("-o");
                tail
            },
        ] {
            let mut command = command;
            command.arg(&path);
            let output = finish(shell(
                &format!("umask {umask}; exec \"$0\" \"$@\""),
                &command,
            ));
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            assert_eq!(mode(&path), expected);
            fs::remove_file(&path).expect("removed");
        }
    }
    // One that is there keeps its mode.
    fs::write(&path, "").expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("set");
    normalize_to(&path, &[]);
    assert_eq!(mode(&path), 0o666);
}

fn shell(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(command.get_program());
    shell.args(command.get_args());
    shell
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    shell
}

const CLOSED: &str = "exec \"$0\" \"$@\" >&-";

#[test]
fn a_closed_stdout_is_no_output() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=3);
    let output = finish(shell(CLOSED, &place.tail(&["--once"])));
    insta::assert_snapshot!(outcome(&output));
    // Nothing counts as delivered.
    place.once();
    place.has(1..=3);
    for arguments in [
        &["normalize", "testdata/sample/record.log"][..],
        &["schema", "json-schema"],
        &["schema", "fields"],
        &["state", "list", "--state-dir", "/nonexistent"],
    ] {
        let command = program::command(arguments);
        for open in [
            // Nothing counts as delivered, and nothing tells it from Python's subprocess.DEVNULL.
            CLOSED,
            "exec \"$0\" \"$@\" 1<>/dev/null",
            "exec \"$0\" \"$@\" >/dev/null",
            "exec \"$0\" \"$@\" >/dev/null 2>&1 </dev/null",
            // As daemon(3) does.
            "exec \"$0\" \"$@\" 0<>/dev/null 1>&0 2>&0",
            "exec \"$0\" \"$@\" | cat >/dev/null",
        ] {
            let output = finish(shell(open, &command));
            assert_eq!(output.status.code(), Some(0), "{arguments:?} {open}");
        }
    }
    // With an output of its own, stdout is not needed.
    let output = finish(shell(CLOSED, &place.tail_to_file(&["--once"])));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_stop_at_a_stalled_pipe_hands_each_line_once() {
    // Lines that fit into a pipe at once, and lines that do not.
    for long in [false, true] {
        let place = Place::new(&["*.log"]);
        let record = |number| {
            if long {
                follow::record_of_equal_beginning("a", number)
            } else {
                follow::record("a", number)
            }
        };
        for number in 1..=3000 {
            place.append_bytes("audit.log", record(number) + "\n");
        }
        let mut command = place.tail(&[]);
        command.stdout(Stdio::piped());
        let mut follower = place.start_command(command);
        let mut stdout = follower.child().stdout.take().expect("a pipe");
        let mut first = [0; 1];
        stdout.read_exact(&mut first).expect("an event");
        // The pipe is full when nothing more comes into it.
        let filled = || rustix::io::ioctl_fionread(&stdout).expect("asked");
        let mut before = 0;
        wait_until("a full pipe", || {
            std::thread::sleep(std::time::Duration::from_millis(100));
            let now = filled();
            let is_full = now == before && now > 500_000;
            before = now;
            is_full
        });
        follower.signal(Signal::TERM);
        follower.ends_with(Some(0));
        let mut text = first.to_vec();
        stdout.read_to_end(&mut text).expect("read");
        let whole = memchr::memrchr(b'\n', &text).map_or(0, |end| end + 1);
        assert!(long || whole == text.len(), "half a line");
        text.truncate(whole);
        let handed = program::lines(&text);
        let rest = finish(place.tail(&["--once"]));
        assert_eq!(rest.status.code(), Some(0));
        let rest = program::lines(&rest.stdout);
        let numbers = handed
            .iter()
            .chain(&rest)
            .map(|event| follow::identity(event).1);
        assert!(numbers.eq(1..=3000), "long: {long}");
    }
}
