//! `normalize` for people who look on: what is said on a terminal alone.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use crate::support::outcome::filtered;
use crate::support::program::{command, lines};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

#[test]
fn a_terminal_is_told_that_it_is_read_and_what_was_done() {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("granted");
    unlockpt(&terminal).expect("unlocked");
    let name = ptsname(&terminal, Vec::new()).expect("a name");
    let end = rustix::fs::open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
    let end = File::from(end.expect("opened"));
    let mut normalize = command(["normalize"]);
    normalize
        .stdin(end.try_clone().expect("once more"))
        .stdout(Stdio::piped())
        .stderr(end);
    let child = normalize.spawn().expect("it starts");
    // The program alone has the other end.
    drop(normalize);
    let mut terminal = File::from(terminal);
    // A line, and the end of the input.
    terminal
        .write_all(b"{\"creationDate\":1}\n\x04")
        .expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(lines(&output.stdout).len(), 1);
    let mut told = Vec::new();
    // When the other end is closed, what is left is followed by an error.
    let _ = terminal.read_to_end(&mut told);
    let told = filtered(&String::from_utf8_lossy(&told));
    assert!(told.contains("reading records from the terminal"), "{told}");
    assert!(told.contains("done"), "{told}");
}
