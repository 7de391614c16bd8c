//! Colors: on a terminal, and nowhere else.

use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use crate::fixtures::{RECORD, folder};
use crate::support::fetching::{Fetching, Way};
use crate::support::program::{command, run_command, stderr};

/// What a command prints on a terminal, stdout and stderr.
fn on_terminal(mut command: Command) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("granted");
    unlockpt(&terminal).expect("unlocked");
    let name = ptsname(&terminal, Vec::new()).expect("a name");
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let end = rustix::fs::open(&*name, flags, Mode::empty()).expect("opened");
    command
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(end.try_clone().expect("a copy"))
        .stderr(end);
    let mut child = command.spawn().expect("the binary starts");
    // The command holds the program's end of the terminal.
    drop(command);
    let mut text = Vec::new();
    // When the program has ended, this end fails.
    let _ = File::from(terminal).read_to_end(&mut text);
    child.wait().expect("ended");
    String::from_utf8(text)
        .expect("UTF-8")
        .replace("\r\n", "\n")
}

/// What a command prints into a pipe.
fn piped(command: Command) -> String {
    let output = run_command(command, b"");
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    text + &stderr(&output)
}

/// A report is colored on a terminal and by force, and the same without colors anywhere else; returns it with colors.
#[track_caller]
fn colored(command: impl Fn() -> Command) -> String {
    let plain = piped(command());
    assert!(!plain.contains('\x1b'), "{plain:?}");
    let text = on_terminal(command());
    assert!(text.contains('\x1b'), "{text:?}");
    assert_eq!(anstream::adapter::strip_str(&text).to_string(), plain);
    let with = |name: &str, value: &str| {
        let mut command = command();
        command.env(name, value);
        command
    };
    assert_eq!(on_terminal(with("NO_COLOR", "1")), plain);
    assert_eq!(on_terminal(with("CLICOLOR", "0")), plain);
    assert_eq!(piped(with("CLICOLOR_FORCE", "1")), text);
    text
}

/// What is for programs has none, wherever it goes.
#[track_caller]
fn never_colored(command: impl Fn() -> Command) -> String {
    let mut forced = command();
    forced.env("CLICOLOR_FORCE", "1");
    for text in [on_terminal(command()), piped(forced)] {
        assert!(!text.contains('\x1b'), "{text:?}");
    }
    piped(command())
}

#[test]
fn the_steps_of_check_have_colors() {
    let fetching = Fetching::of(crate::support::atlassian::Atlassian::cloud(), Way::Site);
    let city = "testdata/geoip/confluence-ecs-city.mmdb";
    // A state directory that is none, so that a step fails.
    let file = fetching.file("in-the-way", "");
    let check = |flags: &[&str]| {
        let mut all = vec!["-q", "--geoip-city", city, "--state-dir"];
        all.push(file.to_str().expect("UTF-8"));
        all.extend(flags);
        fetching.command("check", &all)
    };
    let text = colored(|| check(&[]));
    for status in [
        "\x1b[32mok\x1b[0m    configuration   ",
        "\x1b[2mskip\x1b[0m  scope           ",
        "\x1b[33mwarn\x1b[0m  databases       ",
        "\x1b[1m\x1b[31mFAIL\x1b[0m  state-dir       ",
    ] {
        assert!(text.contains(status), "{status:?}: {text:?}");
    }
    let json = never_colored(|| check(&["--json"]));
    let steps: Value = serde_json::from_str(&json).expect("JSON");
    assert!(steps.as_array().is_some_and(|steps| steps.len() > 10));
}

#[test]
fn diffs_have_colors() {
    let folder = folder(&[
        ("a.log", RECORD),
        ("a.log-expected.json", "{\"expected\":[{\"x\":1}]}"),
    ]);
    let path = folder.path().display().to_string();
    let check = |format: &str| command(["fixtures", "check", "--format", format, &path]);
    let text = colored(|| check("pretty"));
    for line in [
        "\x1b[1m\x1b[31mFAIL\x1b[0m ",
        "\x1b[1m--- expected event 0\x1b[0m\n",
        "\x1b[36m@@ ",
        "\x1b[31m-    \"x\": 1\x1b[0m\n",
        "\x1b[32m+    \"ecs\": {\x1b[0m\n",
    ] {
        assert!(text.contains(line), "{line:?}: {text:?}");
    }
    for format in ["github", "junit", "markdown"] {
        never_colored(|| check(format));
    }
}

#[test]
fn headings_of_tables_have_colors() {
    let text = colored(|| command(["schema", "fields"]));
    assert!(text.starts_with("\x1b[1mFIELD "), "{text:?}");
    for format in ["json", "markdown"] {
        never_colored(|| command(["schema", "fields", "--format", format]));
    }
    let folder = folder(&[("a.log", RECORD)]);
    let path = folder.path().join("a.log").display().to_string();
    let state = folder.path().join("state").display().to_string();
    let list = |flags: &[&str]| {
        let arguments = ["tail", "--list", "--state-dir", &state, &path];
        command(arguments.iter().chain(flags))
    };
    let text = colored(|| list(&[]));
    assert!(text.starts_with("\x1b[1mPATH "), "{text:?}");
    never_colored(|| list(&["--json"]));
}

#[test]
fn diagnostics_have_colors() {
    colored(|| command(["normalize", "-q", "no-such-file"]));
    never_colored(|| command(["normalize", "--log-format", "json", "no-such-file"]));
}

#[test]
fn events_never_have_colors() {
    never_colored(|| command(["normalize", "-q", "testdata/sample/record.log"]));
}

#[test]
fn explanations_have_colors() {
    let folder = folder(&[("a.log", RECORD)]);
    let path = folder.path().join("a.log").display().to_string();
    let explain = |flag: &str| command(["explain", flag, &path]);
    let text = colored(|| explain("--width=100"));
    assert!(text.contains("\x1b[36mevent.action\x1b[0m = "), "{text:?}");
    never_colored(|| explain("--json"));
}
