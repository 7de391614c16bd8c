//! `status --watch`, on a terminal and without one.

use std::fs::File;
use std::io::Read as _;
use std::process::{Child, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::follow::{Place, catches, send};
use crate::support::program::{command, wait_until};

/// What goes to the beginning of a terminal, and clears it.
const CLEAR: &str = "\x1b[H\x1b[2J";

fn place() -> Place {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=1);
    place.once();
    place
}

/// Reads until there are two reports; then a Ctrl-C must end it well. All that was told.
fn two_reports(mut child: Child, mut told: File) -> String {
    let mut text = Vec::new();
    while String::from_utf8_lossy(&text).matches("RECORDS/S").count() < 2 {
        let mut bytes = [0; 4096];
        let length = told.read(&mut bytes).expect("a report");
        assert!(length > 0, "it ended: {}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&bytes[..length]);
    }
    wait_until("the handler", || catches(&child, Signal::INT));
    send(&child, Signal::INT);
    assert!(child.wait().unwrap().success());
    String::from_utf8(text).unwrap()
}

#[test]
fn a_terminal_is_drawn_anew() {
    let place = place();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("granted");
    unlockpt(&terminal).expect("unlocked");
    let name = ptsname(&terminal, Vec::new()).expect("a name");
    let end = rustix::fs::open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
    let mut watch = command(["status", "--watch", "--state-dir"]);
    watch
        .arg(place.state_dir())
        .stdin(Stdio::null())
        .stdout(File::from(end.expect("opened")));
    let child = watch.spawn().expect("it starts");
    // The program alone has the other end.
    drop(watch);
    let told = two_reports(child, File::from(terminal));
    assert!(told.matches(CLEAR).count() >= 2, "{told:?}");
}

#[test]
fn without_a_terminal_reports_follow_each_other() {
    let place = place();
    let mut watch = command(["status", "--watch", "--state-dir"]);
    watch.arg(place.state_dir()).stdout(Stdio::piped());
    let mut child = watch.spawn().expect("it starts");
    let out = child.stdout.take().expect("a pipe");
    let told = two_reports(child, File::from(std::os::fd::OwnedFd::from(out)));
    assert!(!told.contains('\x1b'), "{told:?}");
}
