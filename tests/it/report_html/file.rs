//! Where `report --html` writes its page, and what it leaves alone.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Output;

use confluence_ecs::report::html::is_page;
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::binary::wait_until;
use crate::support::program::{command, project, run, start, stderr};

/// A folder with a place for a page, and a log.
struct Pages {
    folder: TempDir,
    page: PathBuf,
    log: PathBuf,
}

impl Pages {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("audit.log");
        fs::copy(project("testdata/20260101.00000.audit.log"), &log).expect("copied");
        let page = folder.path().join("report.html");
        Self { folder, page, log }
    }

    /// Writes the page with those flags, besides.
    fn write(&self, flags: &[&str]) -> Output {
        let page = self.page.to_str().expect("UTF-8");
        let log = self.log.to_str().expect("UTF-8");
        run([&["report", log, "--html", page], flags].concat(), b"")
    }

    /// That it is refused with that code, and those words, and nothing is changed.
    fn assert_refused(&self, flags: &[&str], code: i32, words: &str) {
        let before = fs::read(&self.page).ok();
        let output = self.write(flags);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(words), "{told}");
        assert_eq!(fs::read(&self.page).ok(), before);
    }

    fn assert_written(&self, flags: &[&str]) {
        let output = self.write(flags);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(output.stdout, b"", "the page alone is written");
        assert!(is_page(&fs::read(&self.page).expect("a page")));
        let entries = fs::read_dir(self.folder.path()).expect("a folder");
        assert_eq!(entries.count(), 2, "the log and the page");
    }
}

#[test]
fn an_earlier_page_is_replaced_and_keeps_its_mode() {
    let pages = Pages::new();
    pages.assert_written(&[]);
    let mode = |pages: &Pages| {
        fs::metadata(&pages.page)
            .expect("a page")
            .permissions()
            .mode()
    };
    assert_eq!(mode(&pages) & 0o137, 0, "not for everyone on the machine");
    fs::set_permissions(&pages.page, fs::Permissions::from_mode(0o604)).expect("set");
    pages.assert_written(&[]);
    assert_eq!(mode(&pages) & 0o777, 0o604);
}

#[test]
fn another_file_is_replaced_only_by_force() {
    let pages = Pages::new();
    fs::write(&pages.page, "").expect("written");
    pages.assert_written(&[]);
    fs::write(&pages.page, "<!DOCTYPE html><p>Notes").expect("written");
    pages.assert_refused(&[], 2, "is no page of a report: pass --force");
    pages.assert_written(&["--force"]);
}

#[test]
fn an_input_is_never_replaced() {
    let mut pages = Pages::new();
    pages.page.clone_from(&pages.log);
    pages.assert_refused(&["--force"], 2, "is also an input");
}

#[test]
fn a_place_where_nothing_can_be_written_is_told_before_anything_is_read() {
    let mut pages = Pages::new();
    pages.log = pages.folder.path().join("missing.log");
    pages.page = pages.folder.path().join("missing/report.html");
    pages.assert_refused(&[], 1, "missing: create it first");
    pages.page = pages.folder.path().to_owned();
    pages.assert_refused(&[], 1, "is a directory");
}

#[test]
fn what_else_is_written_to_stdout_is_told_apart() {
    let mut pages = Pages::new();
    pages.assert_refused(&["--format", "csv"], 2, "--html: --format csv is no report");
    pages.assert_refused(&["--width", "80"], 2, "--width");
    pages.page = "-".into();
    pages.assert_refused(&["--json"], 2, "name a file for the page");
    let output = pages.write(&[]);
    assert!(is_page(&output.stdout), "{}", stderr(&output));
    pages.page = "/dev/stdout".into();
    assert!(is_page(&pages.write(&[]).stdout));
}

#[test]
fn an_interrupted_run_leaves_the_page_that_is_there() {
    let pages = Pages::new();
    pages.assert_written(&[]);
    let before = fs::read(&pages.page).expect("a page");
    let page = pages.page.to_str().expect("UTF-8");
    let mut child = start(command(["report", "--html", page]));
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"{\"no\": \"record\"}\n").expect("written");
    // It reads only when it hears signals.
    wait_until("the record is read", || {
        ioctl_fionread(&stdin).is_ok_and(|unread| unread == 0)
    });
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert_eq!(fs::read(&pages.page).expect("a page"), before);
}
