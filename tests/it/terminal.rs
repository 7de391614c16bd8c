//! `normalize` for people who look on: what is said on a terminal alone.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::outcome::filtered;
use crate::support::program::{command, lines};
use crate::support::terminal::{shown, terminal};

#[test]
fn a_terminal_is_told_that_it_is_read_and_what_was_done() {
    let (mut terminal, end) = terminal();
    let mut normalize = command(["normalize"]);
    normalize
        .stdin(end.try_clone().expect("once more"))
        .stdout(Stdio::piped())
        .stderr(end);
    let child = normalize.spawn().expect("it starts");
    // The program alone has the other end.
    drop(normalize);
    // A line, and the end of the input.
    terminal
        .write_all(b"{\"creationDate\":1}\n\x04")
        .expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(lines(&output.stdout).len(), 1);
    let told = filtered(&shown(terminal));
    assert!(told.contains("reading records from the terminal"), "{told}");
    assert!(told.contains("done"), "{told}");
}
