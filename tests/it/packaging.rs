//! The units of systemd and the rotation of their outputs (`packaging/`).

use std::fs;

use crate::support::program::{project, run};

struct Unit(String);

impl Unit {
    fn of(name: &str) -> Self {
        let path = project(&format!("packaging/confluence-ecs-{name}.service"));
        let text = fs::read_to_string(path).expect("a unit");
        Self(text.replace("\\\n", " "))
    }

    fn value(&self, key: &str) -> &str {
        let mut values = self
            .0
            .lines()
            .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        values.next().unwrap_or_else(|| panic!("no {key}"))
    }

    fn output(&self) -> &str {
        let mut words = self.value("ExecStart").split_whitespace();
        words.find(|word| *word == "-o").expect("an output");
        words.next().expect("an output")
    }
}

#[test]
fn the_units_share_no_file_and_keep_events_from_others() {
    let (tail, fetch) = (Unit::of("tail"), Unit::of("fetch"));
    let rotated = fs::read_to_string(project("packaging/logrotate.conf")).expect("a configuration");
    for unit in [&tail, &fetch] {
        assert_eq!(unit.value("UMask"), "0027");
        let directory = format!("/var/log/{}/", unit.value("LogsDirectory"));
        assert!(unit.output().starts_with(&directory), "{}", unit.output());
        assert!(
            rotated.contains(&format!("{directory}*.ndjson ")),
            "{directory}"
        );
    }
    assert_ne!(tail.output(), fetch.output());
    // One is a user's, the other a dynamic user's: systemd would hand a shared one over at each start.
    for key in ["LogsDirectory", "StateDirectory"] {
        assert_ne!(tail.value(key), fetch.value(key));
    }
}

#[test]
fn credentials_that_are_refused_are_tried_more_and_more_rarely() {
    let unit = Unit::of("fetch");
    assert_eq!(unit.value("Restart"), "always");
    assert_eq!(unit.value("RestartSec"), "5m");
    assert_eq!(unit.value("RestartMaxDelaySec"), "2h");
    assert!(unit.value("RestartSteps").parse::<u32>().expect("a number") > 1);
}

#[test]
fn the_commands_of_the_units_are_understood() {
    for name in ["tail", "fetch"] {
        let unit = Unit::of(name);
        let words = unit.value("ExecStart").split_whitespace().skip(1);
        // The last word ends it before anything is done.
        let output = run(words.chain(["--threads=none"]), b"");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("--threads"), "{told}");
        assert_eq!(output.status.code(), Some(2), "{told}");
    }
}
