//! `run`: what systemd is told of a configuration that a reload refused.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::configured::Configured;

const GOOD: &str = "\
state_dir = \"FOLDER/state\"
[output]
file = \"FOLDER/out.ndjson\"
[[source]]
name = \"wiki\"
type = \"tail\"
paths = [\"FOLDER/*.log\"]
";

/// Waits for a message that is so.
fn told(manager: &UnixDatagram, is_so: impl Fn(&str) -> bool) -> String {
    loop {
        let mut bytes = [0; 4096];
        let length = manager.recv(&mut bytes).expect("a message");
        let message = String::from_utf8_lossy(&bytes[..length]);
        if message.lines().any(&is_so) {
            return message.into_owned();
        }
    }
}

#[test]
fn the_status_has_the_line_that_is_wrong_until_a_reload_is_good() {
    let configured = Configured::new(GOOD);
    let manager = UnixDatagram::bind(configured.path("notify")).unwrap();
    let patience = Some(Duration::from_secs(20));
    manager.set_read_timeout(patience).unwrap();
    let mut command = configured.command(&["run"]);
    command.env("NOTIFY_SOCKET", configured.path("notify"));
    let running = configured.place.start_command(command);
    told(&manager, |line| line == "READY=1");
    configured.write(&format!("{GOOD}exclude = [\"[\"]\n"));
    running.signal(Signal::HUP);
    let status = told(&manager, |line| {
        line.starts_with("STATUS=configuration not reloaded: ")
    });
    assert!(status.contains("config.toml:8: "), "{status}");
    assert!(status.contains("; wiki: "), "{status}");
    configured.write(GOOD);
    running.signal(Signal::HUP);
    told(&manager, |line| line.starts_with("STATUS=wiki: "));
    running.terminate();
}
