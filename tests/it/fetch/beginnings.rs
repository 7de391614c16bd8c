//! Where the very first run begins.

use super::running::{Running, now};
use crate::support::atlassian::{Fault, Permission, cloud_record};
use crate::support::fetching::{Fetching, START};
use crate::support::program::wait_until;

const FAILING: [&str; 3] = ["--raw", "--retries", "0"];

fn fails(fetching: &Fetching, flags: &[&str]) {
    fetching.server.next(Fault::Status(500));
    let mut program = fetching.command("fetch", &[&FAILING[..], flags].concat());
    program.arg("-o").arg(fetching.out());
    let output = crate::support::program::run_command(program, b"");
    assert_eq!(output.status.code(), Some(1));
}

fn fetches(fetching: &Fetching, flags: &[&str]) -> usize {
    let mut program = fetching.command("fetch", &[&FAILING[..], flags].concat());
    program.args(["--settle", "0s", "-o"]).arg(fetching.out());
    let output = crate::support::program::run_command(program, b"");
    assert_eq!(output.status.code(), Some(0));
    fetching.lines().len()
}

#[test]
fn what_a_first_run_could_not_fetch_comes_with_the_next() {
    for flags in [&["--since", "now"][..], &["--since", "3d"], &[]] {
        let fetching = Fetching::cloud();
        fails(&fetching, flags);
        fetching.server.insert(cloud_record(now(), 1));
        assert_eq!(fetches(&fetching, flags), 1, "{flags:?}");
    }
}

#[test]
fn a_start_that_was_ordered_stands_until_there_is_another_order() {
    let fetching = Fetching::cloud();
    let hour = 3_600_000;
    let ago = |hours: i64| cloud_record(now() - hours * hour, hours.unsigned_abs());
    fetching.server.insert_all([ago(1), ago(30), ago(60)]);
    fails(&fetching, &["--since", "2d"]);
    assert_eq!(fetches(&fetching, &[]), 2);
    let other = Fetching::cloud();
    other.server.insert_all([ago(1), ago(30), ago(60)]);
    fails(&other, &["--since", "3d"]);
    assert_eq!(fetches(&other, &["--since", "2h"]), 1);
}

#[test]
fn a_daemon_from_now_on_means_its_own_start() {
    let fetching = Fetching::cloud();
    for _ in 0..3 {
        fetching.server.next(Fault::Status(500));
    }
    let mut program = fetching.command("fetch", &FAILING);
    program.args([
        "--since",
        "now",
        "--settle",
        "0s",
        "--interval",
        "200ms",
        "-o",
    ]);
    program.arg(fetching.out());
    let running = Running::start(program);
    fetching.server.wait_for_requests(1);
    fetching.server.insert(cloud_record(now(), 1));
    wait_until("the record", || fetching.lines().len() == 1);
    running.terminate();
}

#[test]
fn a_start_in_the_future_is_refused() {
    let fetching = Fetching::cloud();
    let said = fetching.fetch_ends(&["--since", "2999-01-01"], 2);
    assert!(said.contains("--since"), "{said}");
}

#[test]
fn a_daemon_ends_with_its_range() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(START, 1));
    let range = [
        "--raw",
        "--until",
        "2026-01-06T00:00:00Z",
        "--interval",
        "1h",
    ];
    let said = fetching.fetch(&range);
    assert!(said.contains("everything up to --until"), "{said}");
    fetching.assert_all_once();
}

#[test]
fn a_shorter_overlap_does_not_blind_later_runs() {
    let fetching = Fetching::cloud();
    let record = |seconds: i64, number| cloud_record(now() - seconds * 1000, number);
    let flags = ["--raw", "--since", "1h", "--settle", "0s"];
    fetching.server.insert(record(300, 1));
    fetching.fetch(&[&flags[..], &["--overlap", "0s"]].concat());
    fetching.server.insert(record(400, 2));
    fetching.fetch(&flags);
    fetching.assert_raw(&fetching.server.held(), false);
}

/// How the names of the files of sites in the state directory end, but for locks.
fn kept(fetching: &Fetching) -> Vec<String> {
    let entries = std::fs::read_dir(fetching.state()).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let endings = paths.filter_map(|path| path.extension()?.to_str().map(str::to_owned));
    endings.filter(|ending| ending != "lock").collect()
}

/// A first run that gets no answer of the API leaves nothing but these files of its own.
fn leaves(fetching: &Fetching, files: &[&str]) {
    let said = fetching.fetch_ends(&["--retries", "0"], 1);
    assert_eq!(kept(fetching), files, "{said}");
    let mut list = crate::support::binary::command(["state", "list"]);
    list.arg("--state-dir").arg(fetching.state());
    let output = crate::support::program::run_command(list, b"");
    assert_eq!(output.stdout, b"");
}

#[test]
fn a_wrong_address_leaves_no_state_behind() {
    // There is no such site; the others may be the right one, which is asked again from the same start.
    let fetching = Fetching::cloud();
    fetching.server.next(Fault::Status(404));
    leaves(&fetching, &[]);
    let fetching = Fetching::cloud();
    fetching
        .server
        .set(|settings| settings.permission = Permission::Forbidden);
    leaves(&fetching, &["start"]);
    let mut fetching = Fetching::cloud();
    fetching.server.go_down();
    leaves(&fetching, &["start"]);
    let fetching = Fetching::data_center();
    fetching.server.next(Fault::Status(401));
    leaves(&fetching, &["start"]);
}

#[test]
fn a_first_run_that_is_stopped_before_an_answer_leaves_no_state_behind() {
    let fetching = Fetching::cloud();
    fetching.server.next(Fault::Hold);
    let mut running = Running::to_file(&fetching, &[]);
    fetching.server.wait_for_requests(2);
    running.signal(rustix::process::Signal::TERM);
    running.ends_with(143);
    fetching.server.release();
    assert_eq!(kept(&fetching), ["start"]);
}

#[test]
fn the_start_of_a_first_run_is_kept_until_there_is_a_state() {
    let mut fetching = Fetching::cloud();
    fetching.server.go_down();
    fails_unreached(&fetching);
    assert_eq!(kept(&fetching), ["start"]);
    fetching.server.come_back();
    // The address said nothing of its cloud id then, and says it now.
    fetching.server.insert(cloud_record(now(), 1));
    assert_eq!(fetches(&fetching, &["--since", "now"]), 1);
    assert!(!kept(&fetching).contains(&"start".to_owned()));
}

fn fails_unreached(fetching: &Fetching) {
    let mut program = fetching.command("fetch", &[&FAILING[..], &["--since", "now"]].concat());
    program.arg("-o").arg(fetching.out());
    let output = crate::support::program::run_command(program, b"");
    assert_eq!(output.status.code(), Some(1));
}
