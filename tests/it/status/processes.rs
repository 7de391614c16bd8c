//! A follower that runs, is idle, lags, ends, or was killed.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{code, is_well, row, rows, status, stdout, waits_for};
use crate::support::follow::{Place, finish, records};
use crate::support::outcome::filtered;
use crate::support::program::wait_until;

/// A place with records that a follower has delivered, and that follower.
fn following() -> (Place, crate::support::follow::Follower) {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=3);
    let follower = place.start_ready();
    place.arrive(1..=3);
    (place, follower)
}

#[test]
fn a_follower_that_is_idle_runs() {
    let (place, follower) = following();
    let state = place.state_dir();
    let row = waits_for(&state, "tail", "running");
    assert_eq!(row["pid"], follower.id());
    wait_until("everything to be saved", || {
        let row = super::row(&state, "tail");
        row["lag_bytes"] == 0 && row["records"] == 3
    });
    is_well(&state);
    let output = status(&state, &["--max-lag", "1s"]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_that_names_it() {
    let place = Place::new(&["*"]);
    place.append("audit.log", 1..=3);
    place.append_bytes(
        "audit.log.1.gz",
        b"\x1f\x8b\x08 and nothing that gzip wrote",
    );
    let _follower = place.start_ready();
    let state = place.state_dir();
    wait_until("the file", || row(&state, "tail")["unreadable"] == 1);
    let output = status(&state, &[]);
    assert_eq!(code(&output), 1);
    let said = stdout(&output);
    assert!(said.contains("cannot read "), "{said}");
    assert!(said.contains("audit.log.1.gz: "), "{said}");
}

#[test]
fn the_report_has_all_that_was_promised() {
    let (place, follower) = following();
    let state = place.state_dir();
    waits_for(&state, "tail", "running");
    wait_until("everything to be saved", || {
        row(&state, "tail")["records"] == 3 && row(&state, "tail")["output_state"] == "ok"
    });
    let mut rows = rows(&state);
    assert_eq!(rows[0]["pid"], follower.id());
    rows[0]["pid"] = 1.into();
    let json = filtered(&serde_json::to_string_pretty(&rows).unwrap());
    insta::assert_snapshot!("json", json);
    let table = filtered(&stdout(&status(&state, &[])));
    let table = table.replace(&follower.id().to_string(), "[PID]");
    // Columns are as wide as what differs.
    let words: Vec<_> = table.split_whitespace().collect();
    insta::assert_snapshot!("table", words.join(" "));
    let line = stdout(&status(&state, &["-q"]));
    assert_eq!(line, "OK: tail; lag 0 bytes, 0s\n");
}

#[test]
fn a_follower_that_ended_does_not_run_since_then() {
    let (place, follower) = following();
    let state = place.state_dir();
    waits_for(&state, "tail", "running");
    follower.terminate();
    let row = row(&state, "tail");
    assert_eq!(row["state"], "not running");
    assert!(row["since"].as_str() >= row["last_save"].as_str(), "{row}");
    assert!(row["pid"].is_null());
    assert!(!state.join("tail.live").exists());
    let output = status(&state, &["-q"]);
    assert_eq!(code(&output), 1);
    assert!(
        stdout(&output).starts_with("FAILED: tail: not running since "),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_follower_that_was_killed_does_not_run_whoever_has_its_process_id_now() {
    let (place, follower) = following();
    let state = place.state_dir();
    wait_until("what it says", || state.join("tail.live").exists());
    let id = follower.id().to_string();
    follower.kill();
    let own = std::process::id().to_string();
    for file in ["tail.live", "tail.lock"] {
        let text = fs::read_to_string(state.join(file)).unwrap();
        fs::write(state.join(file), text.replace(&id, &own)).unwrap();
    }
    let row = row(&state, "tail");
    assert_eq!(row["state"], "not running");
    assert!(row["since"].is_string() && row["pid"].is_null(), "{row}");
    // And the next one is believed again.
    let follower = place.start();
    let row = waits_for(&state, "tail", "running");
    assert_eq!(row["pid"], follower.id());
}

#[test]
fn a_lock_is_held_even_if_a_full_disk_kept_its_name_out() {
    let (place, _follower) = following();
    let state = place.state_dir();
    waits_for(&state, "tail", "running");
    fs::write(state.join("tail.lock"), "").unwrap();
    waits_for(&state, "tail", "running");
}

#[test]
fn a_blocked_output_is_seen_as_such_and_lags() {
    let place = Place::new(&["*.log"]);
    fs::write(place.path("audit.log"), records("a", 1..=3000)).unwrap();
    let mut command = place.tail(&[]);
    command.stdout(Stdio::piped());
    let _follower = place.start_command(command);
    let state = place.state_dir();
    wait_until("the output to be blocked", || {
        row(&state, "tail")["output_state"] == "blocked"
    });
    let row = row(&state, "tail");
    assert_eq!(row["state"], "waiting");
    assert_eq!(row["output"], "stdout");
    assert!(row["lag_bytes"].as_u64().unwrap() > 0, "{row}");
    is_well(&state);
    assert_eq!(code(&status(&state, &["--max-lag", "1h"])), 0);
    wait_until("a lag of a second", || {
        code(&status(&state, &["--max-lag", "1s"])) == 1
    });
    let told = stdout(&status(&state, &["-q", "--max-lag", "1s"]));
    assert!(told.starts_with("FAILED: tail: lag of "), "{told}");
}

#[test]
fn what_rotation_made_meanwhile_lags() {
    let (place, follower) = following();
    let state = place.state_dir();
    follower.terminate();
    assert_eq!(row(&state, "tail")["lag_bytes"], 0);
    let before = fs::metadata(place.path("audit.log")).unwrap().len();
    place.append("audit.log", 4..=5);
    let rest = fs::metadata(place.path("audit.log")).unwrap().len() - before;
    place.rename("audit.log", "audit.log.1");
    place.append("audit.log", 6..=6);
    let new = fs::metadata(place.path("audit.log")).unwrap().len();
    assert_eq!(row(&state, "tail")["lag_bytes"], rest + new);
}

#[test]
fn names_of_files_are_printed_safely() {
    let place = Place::new(&["*.log"]);
    place.append("a\u{1b}[31m.log", 1..=1);
    place.once();
    let told = stdout(&status(&place.state_dir(), &[]));
    assert!(!told.contains('\u{1b}'), "{told:?}");
    assert!(told.contains("a\\x1b[31m.log:"), "{told}");
}

#[test]
fn a_report_on_a_thousand_files_is_fast_and_keeps_nobody_from_starting() {
    let place = Place::new(&["*.log"]);
    for number in 0..1000_u64 {
        let name = format!("audit-{number}.log");
        place.append_bytes(&name, records(&number.to_string(), 1..=1));
    }
    place.once();
    let state = place.state_dir();
    let began = Instant::now();
    assert_eq!(rows(&state).len(), 1000);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    status(&state, &["-q"]);
                }
            });
        }
        let codes: Vec<_> = (0..5)
            .map(|_| finish(place.tail_to_file(&["--once"])).status.code())
            .collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(codes, [Some(0); 5]);
    });
}

#[test]
fn a_closed_pipe_ends_the_report_quietly() {
    let (place, _follower) = following();
    let mut command = crate::support::program::command(["status", "--watch", "--state-dir"]);
    command.arg(place.state_dir()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0; 10]).unwrap();
    drop(out);
    assert!(child.wait().unwrap().success());
}
