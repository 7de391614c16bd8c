//! `status`: what is said of real processes, and with which exit code.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

mod processes;
mod sites;
mod sources;
mod states;
mod watch;

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::follow::finish;
use crate::support::program::{command, stderr, wait_until};

/// `status` of a state directory, with more arguments.
fn status(state: &Path, arguments: &[&str]) -> Output {
    let mut command = command(["status"]);
    command.arg("--state-dir").arg(state).args(arguments);
    finish(command)
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The rows of a report; none where there is no report yet.
fn rows(state: &Path) -> Vec<Value> {
    let output = status(state, &["--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

/// The row of that name.
fn row(state: &Path, name: &str) -> Value {
    let mut rows = rows(state);
    rows.retain(|row| row["name"] == name);
    rows.into_iter().next().unwrap_or_default()
}

/// Waits until a row of that name is in that state; the row.
fn waits_for(state: &Path, name: &str, expected: &str) -> Value {
    let mut last = Value::Null;
    wait_until(&format!("{name} to be {expected}"), || {
        last = row(state, name);
        last["state"] == expected
    });
    last
}

/// All runs, as the exit code says.
fn is_well(state: &Path) {
    let output = status(state, &[]);
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
}
