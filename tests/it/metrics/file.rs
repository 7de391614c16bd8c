//! `--metrics-file`: whole at any time, and alone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use insta::assert_snapshot;

use crate::support::binary::wait_until;
use crate::support::metrics::Metrics;
use crate::support::outcome::outcome;
use crate::support::place::{Place, finish};

#[test]
fn it_is_whole_whenever_it_is_read() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=10);
    let file = place.folder().join("metrics.prom");
    let path = file.to_str().expect("text");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                if let Ok(text) = fs::read_to_string(&file) {
                    Metrics::parse(&text);
                    reads += 1;
                }
            }
            reads
        });
        for _ in 0..10 {
            let output = finish(place.tail_to_file(&["--once", "--metrics-file", path]));
            assert_eq!(output.status.code(), Some(0));
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().expect("whole files") > 0);
    });
    let mode = fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "another user collects it");
    assert_eq!(
        Metrics::read(&file).get("up", &[("source", "tail")]),
        Some(1.0)
    );
}

#[test]
fn a_pipe_or_a_device_is_not_replaced_by_a_file() {
    let place = Place::new(&["*.log"]);
    let pipe = place.folder().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    let path = pipe.to_str().expect("text");
    let output = finish(place.tail_to_file(&["--once", "--metrics-file", path]));
    assert_snapshot!(outcome(&output));
    assert!(!fs::metadata(&pipe).expect("still there").is_file());
}

#[test]
fn a_kill_leaves_no_more_than_one_temporary_file() {
    let place = Place::new(&["*.log"]);
    let folder = place.folder().join("collected");
    fs::create_dir(&folder).expect("created");
    let file = folder.join("metrics.prom");
    // As a kill in the middle leaves it.
    fs::write(folder.join(".metrics.prom.tmp"), "half").expect("written");
    for _ in 0..5 {
        let _ = fs::remove_file(&file);
        let path = file.to_str().expect("text");
        let follower = place.start_command(place.tail_to_file(&["--metrics-file", path]));
        wait_until("metrics", || file.exists());
        follower.kill();
        Metrics::read(&file);
    }
    let names = fs::read_dir(&folder).expect("a folder");
    let names: Vec<_> = names
        .map(|entry| entry.expect("a file").file_name())
        .collect();
    assert_eq!(names, ["metrics.prom"]);
}

#[test]
fn one_that_cannot_be_written_is_an_error_at_the_start() {
    let place = Place::new(&["*.log"]);
    let path = place.folder().join("nowhere/metrics.prom");
    let path = path.to_str().expect("text");
    let output = finish(place.tail_to_file(&["--metrics-file", path]));
    assert_snapshot!(outcome(&output));
}
