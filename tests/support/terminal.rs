//! A terminal that a command is run on.

use std::fs::File;
use std::io::Read as _;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Both ends of a terminal: that of whoever looks at it, and that of the command.
pub fn terminal() -> (File, File) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("granted");
    unlockpt(&terminal).expect("unlocked");
    let name = ptsname(&terminal, Vec::new()).expect("a name");
    let end = rustix::fs::open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
    (File::from(terminal), File::from(end.expect("opened")))
}

/// What was written to a terminal, up to the end of the command that had the other end alone.
pub fn shown(mut terminal: File) -> String {
    let mut told = Vec::new();
    // When the other end is closed, what is left is followed by an error.
    let _ = terminal.read_to_end(&mut told);
    String::from_utf8_lossy(&told).into_owned()
}
