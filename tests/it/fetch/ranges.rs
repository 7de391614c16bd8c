//! Which records: `--since`, `--until`, `--search`, several sites and queries beside each other.

use std::path::Path;
use std::process::Command;

use super::running::{Running, now};
use crate::support::atlassian::{cloud_record, data_center_record};
use crate::support::fetching::{DAY, Fetching, SINCE, START, lines, said};
use crate::support::program::{self, wait_until};

/// A record every twelve hours, 40 of them, each at noon or midnight.
fn half_days() -> Fetching {
    let fetching = Fetching::cloud();
    let record = |number: i64| cloud_record(START + number * DAY / 2, number.unsigned_abs());
    fetching.server.insert_all((0..40).map(record));
    fetching
}

/// Those up to a time.
fn assert_until(fetching: &Fetching, ms: i64) {
    let mut expected = fetching.server.held();
    expected.retain(|record| record.ms <= ms);
    fetching.assert_raw(&expected, true);
}

#[test]
fn until_is_the_last_instant() {
    let fetching = half_days();
    for (until, days) in [
        ("2026-01-07T00:00:00Z", 2),
        // Before it, the same again, and a little further.
        ("2026-01-06T12:00:00Z", 2),
        ("2026-01-07T00:00:00Z", 2),
        ("2026-01-08T01:00:00+01:00", 3),
    ] {
        fetching.fetch(&["--raw", "--until", until]);
        assert_until(&fetching, START + days * DAY);
    }
    let pages = fetching.server.pages();
    fetching.fetch(&["--raw", "--until", "2026-01-05T00:00:00Z"]);
    assert_eq!(fetching.server.pages(), pages, "all of it was fetched");
    fetching.fetch(&["--raw"]);
    fetching.assert_all_once();
}

#[test]
fn nothing_after_until_comes_by_the_way() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(START, 1));
    let mut command = fetching.command("fetch", &["--until", SINCE, "-o"]);
    command.arg(fetching.out());
    let output = program::run_command(command, b"");
    assert_eq!(output.status.code(), Some(0));
    let told = said(&output);
    assert!(told.contains("--until is before --since"), "{told}");
    assert!(fetching.lines().is_empty());
    assert_eq!(fetching.server.pages(), 0);
}

#[test]
fn since_has_many_forms() {
    let second = format!("{}s", (now() - START - 10 * DAY + 3_600_000) / 1000);
    for since in [
        "2026-01-15",
        "2026-01-15T00:00:00Z",
        "2026-01-14T23:00:00.001-01:00",
        "2026-01-15T02:00:00+02:00",
        &second,
    ] {
        let fetching = half_days();
        let mut command = fetching.command(
            "fetch",
            &["--raw", "--window", "99d", "--since", since, "-o"],
        );
        command.arg(fetching.out());
        let output = program::run_command(command, b"");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let mut expected = fetching.server.held();
        let is_later = since.contains(".001");
        let first = START + 10 * DAY + i64::from(is_later);
        expected.retain(|record| record.ms >= first);
        fetching.assert_raw(&expected, true);
        // Of the first run only.
        fetching.fetch(&["--raw", "--window", "99d"]);
        fetching.assert_raw(&expected, true);
    }
}

#[test]
fn a_search_has_a_state_of_its_own() {
    let fetching = half_days();
    let search = |text: &str, name: &str| {
        let out = fetching.file(name, "");
        let mut command = fetching.command("fetch", &["--raw", "--since", SINCE]);
        command
            .args(["--window", "99d", "--search", text, "-o"])
            .arg(&out);
        let output = program::run_command(command, b"");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        lines(&out)
    };
    let with = |text: &str| {
        let held = fetching.server.held().into_iter();
        let found = held
            .map(|record| record.raw)
            .filter(|raw| raw.contains(text));
        found.collect::<Vec<_>>()
    };
    assert_eq!(search("record 3\"", "three"), with("record 3\""));
    assert_eq!(search("Müller & Ü", "none"), Vec::<String>::new());
    assert_eq!(search("Zoë Müller", "zoe"), with("Zoë Müller"));
    fetching.fetch(&["--raw"]);
    fetching.assert_all_once();
    assert_eq!(search("record 3\"", "again"), Vec::<String>::new());
}

/// The same with another state directory.
fn with_state(command: &Command, fetching: &Fetching, state: &Path) -> Command {
    let mut other = Command::new(command.get_program());
    for argument in command.get_args() {
        let is_state = argument == fetching.state().as_os_str();
        other.arg(if is_state {
            state.as_os_str()
        } else {
            argument
        });
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other
}

#[test]
fn sites_and_queries_share_a_state_directory() {
    let cloud = half_days();
    let own = Fetching::data_center();
    let record = |number: i64| data_center_record(START + number * DAY / 2, number.unsigned_abs());
    own.server.insert_all((0..40).map(record));
    let start = |fetching: &Fetching, out: &str, flags: &[&str]| {
        let command = fetching.command("fetch", &["--raw", "--since", SINCE]);
        let mut command = with_state(&command, fetching, &cloud.state());
        command.args(["--interval", "50ms", "-o", out]).args(flags);
        Running::start(command)
    };
    let path = |fetching: &Fetching, name: &str| fetching.file(name, "").display().to_string();
    let found = path(&cloud, "found");
    let running = [
        start(&cloud, &cloud.out().display().to_string(), &[]),
        start(&own, &own.out().display().to_string(), &[]),
        start(&cloud, &found, &["--search", "record 3\""]),
    ];
    wait_until("all records", || {
        let is_there = |fetching: &Fetching| fetching.lines().len() >= 40;
        is_there(&cloud) && is_there(&own) && !lines(found.as_ref()).is_empty()
    });
    for running in running {
        running.terminate();
    }
    assert!(!own.state().exists());
    cloud.assert_all_once();
    own.assert_all_once();
    assert_eq!(lines(found.as_ref()).len(), 1);
}
