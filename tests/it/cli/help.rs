//! Help texts fit a terminal of 80 columns, and are the same wherever they go.

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;
use std::thread;

use clap::Command;
use confluence_ecs::cli;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::program::{command, run, stderr};

const WIDTH: u16 = 80;

/// What a command prints on a terminal of that width, with lines that end as in a pipe, and without colors.
fn on_a_terminal(arguments: &[&str]) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("granted");
    unlockpt(&terminal).expect("unlocked");
    let size = Winsize {
        ws_row: 24,
        ws_col: WIDTH,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&terminal, size).expect("sized");
    let name = ptsname(&terminal, Vec::new()).expect("a name");
    let end = rustix::fs::open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
    let end = File::from(end.expect("opened"));
    let mut help = command(arguments);
    help.env("NO_COLOR", "1").stdin(Stdio::null());
    help.stderr(Stdio::null()).stdout(end);
    let mut child = help.spawn().expect("it starts");
    // The program alone has the other end.
    drop(help);
    let mut terminal = File::from(terminal);
    let reader = thread::spawn(move || {
        let mut told = Vec::new();
        // When the other end is closed, what is left is followed by an error.
        let _ = terminal.read_to_end(&mut told);
        told
    });
    assert!(child.wait().expect("it ends").success());
    let told = reader.join().expect("read");
    String::from_utf8(told)
        .expect("UTF-8")
        .replace("\r\n", "\n")
}

/// The names of all commands, those below others behind them.
fn names<'a>(of: &'a Command, above: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut all = vec![above.to_vec()];
    for one in of.get_subcommands() {
        let path = [above, &[one.get_name()]].concat();
        all.extend(names(one, &path));
    }
    all
}

#[test]
fn every_help_text_fits_80_columns() {
    let definitions = cli::definitions();
    let mut wide = Vec::new();
    for name in names(&definitions, &[]) {
        for flag in ["-h", "--help"] {
            let arguments = [&name[..], &[flag]].concat();
            let piped = String::from_utf8(run(&arguments, b"").stdout).expect("UTF-8");
            assert_eq!(on_a_terminal(&arguments), piped, "{arguments:?}");
            let lines = piped.lines().map(str::trim_end);
            let lines = lines.filter(|line| line.chars().count() > usize::from(WIDTH));
            wide.extend(lines.map(|line| format!("{arguments:?}: {line}")));
        }
    }
    assert_eq!(wide, [""; 0]);
}

#[test]
fn what_cannot_be_written_to_stdout_is_said_whatever_it_is() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else {
        eprintln!("left out: there is no /dev/full");
        return;
    };
    for arguments in [
        &["--help"][..],
        &["tail", "-h"],
        &["--version"],
        &["completions", "bash"],
    ] {
        let mut command = command(arguments);
        let output = command
            .stdout(full.try_clone().expect("a handle"))
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let told = stderr(&output);
        assert!(
            told.contains("cannot write to stdout: No space left"),
            "{told}"
        );
    }
}
