//! The report as it stands on a terminal.

use super::{DATABASES, SAMPLE, report};
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
