//! A fetch that runs beside its test, and does not outlive it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::fetching::Fetching;
use crate::support::follow::{catches, send, wait};
use crate::support::program::wait_until;

/// How long it may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running fetch.
pub struct Running {
    child: Child,
    folder: TempDir,
}

impl Running {
    /// Starts a command.
    pub fn start(command: Command) -> Self {
        Self::with_stdout(without_manager(command), Stdio::null()).0
    }

    /// Starts a command that tells the service manager.
    pub fn start_notifying(command: Command) -> Self {
        Self::with_stdout(command, Stdio::null()).0
    }

    /// Starts a command whose output is read through a pipe.
    pub fn to_pipe(command: Command) -> (Self, ChildStdout) {
        let (running, stdout) = Self::with_stdout(without_manager(command), Stdio::piped());
        (running, stdout.expect("a pipe"))
    }

    fn with_stdout(mut command: Command, stdout: Stdio) -> (Self, Option<ChildStdout>) {
        let folder = tempfile::tempdir().expect("a folder");
        let said = File::create(folder.path().join("stderr")).expect("created");
        command.stdin(Stdio::null());
        let child = command.stdout(stdout).stderr(said).spawn();
        let mut child = child.expect("the binary starts");
        let stdout = child.stdout.take();
        (Self { child, folder }, stdout)
    }

    /// Starts [`Fetching::to_file`] with flags.
    pub fn to_file(fetching: &Fetching, flags: &[&str]) -> Self {
        Self::start(fetching.to_file(flags))
    }

    /// What it said so far.
    pub fn said(&self) -> String {
        fs::read_to_string(self.stderr()).unwrap_or_default()
    }

    fn stderr(&self) -> PathBuf {
        self.folder.path().join("stderr")
    }

    /// Waits until it has said something.
    pub fn wait_for(&mut self, text: &str) {
        wait_until(text, || {
            let is_said = self.said().contains(text);
            assert!(is_said || self.is_running(), "it ended: {}", self.said());
            is_said
        });
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("waited").is_none()
    }

    /// Sends a signal, once there is a handler for it; nothing to who has ended.
    pub fn signal(&mut self, signal: Signal) {
        // Whoever was waited for has no process id any more.
        if self.is_running() {
            wait_until("the signal's handler", || catches(&self.child, signal));
            send(&self.child, signal);
        }
    }

    /// Waits for its end; what it said.
    pub fn ends_with(mut self, code: i32) -> String {
        let status = wait(&mut self.child, PATIENCE);
        let ended = status.map(|status| status.code());
        assert_eq!(ended, Some(Some(code)), "{}", self.said());
        self.said()
    }

    /// Waits for its end, whichever.
    pub fn ends(mut self) {
        let status = wait(&mut self.child, PATIENCE);
        assert!(status.is_some(), "it does not end: {}", self.said());
    }

    /// Asks it to end, as who has `--interval` ends: with 0. What it said.
    pub fn terminate(mut self) -> String {
        self.signal(Signal::TERM);
        self.ends_with(0)
    }

    /// Ends it at once.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited");
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it had at once, in MiB.
    pub fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.id());
        let status = fs::read_to_string(path).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix("kB"));
        let peak: u64 = peak.expect("kB").trim().parse().expect("a number");
        peak >> 10
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn without_manager(mut command: Command) -> Command {
    command.env_remove("NOTIFY_SOCKET");
    command
}

/// The present, in milliseconds since the epoch.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_millis()).expect("in range")
}
