//! The command line contract: exit codes, and every flag of `normalize`, through the binary.

mod add_fields;
mod help;
mod mapping;
mod outcomes;
mod required;
mod secrets;
mod usage;

use crate::support::outcome::transcript;
use crate::support::program::{command, events, run, stderr};
use serde_json::Value;

const DC_FILE: &str =
    r#"{"timestamp":{"epochSecond":1637624602,"nano":54000000},"source":"81.2.69.143"}"#;
const DC_API: &str = r#"{"timestamp":"2021-11-22T23:43:22.054Z","source":"10.0.0.1, 81.2.69.143"}"#;
const CLOUD: &str = r#"{"creationDate":1637624602054,"summary":"User created"}"#;

fn normalize(arguments: &[&str], input: &str) -> Vec<Value> {
    let arguments = ["normalize"].iter().chain(arguments);
    events(arguments, input.as_bytes())
}

fn one(arguments: &[&str], input: &str) -> Value {
    let mut events = normalize(arguments, input);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

/// A usage error: exit code 2, nothing on stdout, one line that says what is wrong.
fn usage(arguments: &[&str]) -> String {
    let command = command(arguments);
    let output = run(arguments, b"");
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
    assert!(output.stdout.is_empty());
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("error: "), "{told}");
    transcript(&command, &output)
}
