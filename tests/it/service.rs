//! What systemd is told, over a real socket.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

use std::env;
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::again;
use confluence_ecs::process::service::Service;

const INTERVAL: Duration = Duration::from_millis(300);
/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(30);

/// The service's side: goes on to the next step with each line.
fn serve() {
    let mut lines = std::io::stdin().lines();
    let mut next = || assert!(lines.next().is_some());
    let service = Service::start();
    service.status("two\nlines");
    service.ready();
    service.waiting(true);
    next();
    service.waiting(false);
    next();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                service.beat();
                std::thread::yield_now();
            }
        });
        next();
        done.store(true, Ordering::Relaxed);
    });
    service.stopping();
}

/// systemd's side.
struct Manager(UnixDatagram);

impl Manager {
    /// The next message that is no sign of life.
    fn next(&self) -> String {
        loop {
            let message = self.message(LONG).expect("a message");
            if message != "WATCHDOG=1\n" {
                return message;
            }
        }
    }

    fn message(&self, most: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(most)).unwrap();
        let mut bytes = [0; 1024];
        let length = self.0.recv(&mut bytes).ok()?;
        Some(String::from_utf8(bytes[..length].to_vec()).unwrap())
    }

    fn expect_life(&self, for_at_least: Duration) {
        let start = Instant::now();
        while start.elapsed() < for_at_least {
            assert_eq!(self.message(LONG).as_deref(), Some("WATCHDOG=1\n"));
        }
    }

    fn expect_silence(&self) {
        let start = Instant::now();
        while self.message(2 * INTERVAL).is_some() {
            assert!(start.elapsed() < LONG, "a hanging loop counts as alive");
        }
    }
}

#[test]
fn systemd_is_told_and_the_watchdog_fed_while_the_loop_is_alive() {
    const VARIABLE: &str = "CONFLUENCE_ECS_TEST_SERVICE";
    if env::var_os(VARIABLE).is_some() {
        return serve();
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let manager = Manager(UnixDatagram::bind(&path).unwrap());
    let mut child = again::command(
        systemd_is_told_and_the_watchdog_fed_while_the_loop_is_alive,
        VARIABLE,
        "1",
    )
    .env("NOTIFY_SOCKET", &path)
    .env("WATCHDOG_USEC", INTERVAL.as_micros().to_string())
    .env_remove("WATCHDOG_PID")
    .stdin(Stdio::piped())
    .stdout(Stdio::null())
    .spawn()
    .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    assert_eq!(manager.next(), "STATUS=two lines\n");
    assert_eq!(manager.next(), "READY=1\n");
    manager.expect_life(3 * INTERVAL);
    // The output takes again, and the loop hangs.
    writeln!(stdin, "next").unwrap();
    manager.expect_silence();
    writeln!(stdin, "next").unwrap();
    manager.expect_life(3 * INTERVAL);
    writeln!(stdin, "next").unwrap();
    assert_eq!(manager.next(), "STOPPING=1\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn nothing_is_done_without_systemd() {
    const VARIABLE: &str = "CONFLUENCE_ECS_TEST_NO_SERVICE";
    if env::var_os(VARIABLE).is_some() {
        let service = Service::start();
        service.ready();
        service.status("alone");
        service.beat();
        service.waiting(true);
        return service.stopping();
    }
    let status = again::command(nothing_is_done_without_systemd, VARIABLE, "1")
        .env_remove("NOTIFY_SOCKET")
        .env_remove("WATCHDOG_USEC")
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
}
