//! The report as it stands on a terminal.

use serde_json::json;

use super::{DATABASES, SAMPLE, record, report, summary};
use crate::support::outcome::outcome;
use crate::support::program::{command, run_command};

fn shown(flags: &[&str]) -> String {
    let arguments: Vec<_> = [SAMPLE]
        .iter()
        .chain(&DATABASES)
        .chain(flags)
        .copied()
        .collect();
    outcome(&report(&arguments, ""))
}

#[test]
fn the_report_of_the_sample() {
    insta::assert_snapshot!(shown(&[]));
}

#[test]
fn a_narrow_one_and_a_wide_one() {
    insta::assert_snapshot!("narrow", shown(&["--width", "40", "--top", "2"]));
    insta::assert_snapshot!("wide", shown(&["--width", "160", "--top", "2"]));
}

#[test]
fn a_wrong_clock_is_set_apart_and_said() {
    let mut log: String = (0..40)
        .map(|hour| record(1_767_571_200 + hour * 1800, "page.viewed", "a", "10.0.0.1"))
        .collect();
    // The last second of 9999, and the first of the year 1.
    log += &record(253_402_300_799, "page.viewed", "a", "10.0.0.1");
    log += &record(-62_135_596_800, "page.viewed", "a", "10.0.0.1");
    insta::assert_snapshot!(outcome(&report(&["--width", "60"], &log)));
    let timeline = &summary(&[], &log)["timeline"];
    assert_eq!(timeline["bucket_seconds"], 900);
    assert_eq!(
        timeline["outside"],
        json!([
            {"from": "0001-01-01T00:00:00.000Z", "to": "0001-01-01T00:00:00.000Z", "count": 1},
            {"from": "9999-12-31T23:59:59.000Z", "to": "9999-12-31T23:59:59.000Z", "count": 1},
        ])
    );
}

#[test]
fn colors_are_for_terminals_or_whoever_asks_for_them() {
    let colored = |variable: Option<&str>| {
        let mut command = command(["report", SAMPLE]);
        command.envs(variable.map(|name| (name, "1")));
        let output = run_command(command, b"");
        output.stdout.contains(&0x1b)
    };
    assert!(!colored(None));
    assert!(colored(Some("CLICOLOR_FORCE")));
}
