//! `tail`, measured through the binary: catching up, latency, idle load, memory.
//!
//! `cargo bench --bench tail`, or, one of them, `cargo bench --bench tail -- idle`.
//! The others are `catch-up`, `latency`, `memory` and `scan`.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures"
)]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[path = "corpus.rs"]
mod corpus;

fn main() {
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'))
        .collect();
    let measurements: [(&str, Measure); 5] = [
        ("catch-up", catch_up),
        ("latency", latency),
        ("idle", idle),
        ("memory", memory),
        ("scan", first_scan),
    ];
    for (name, measure) in measurements {
        if named.is_empty() || named.iter().any(|wanted| wanted == name) {
            let folder = tempfile::tempdir().expect("a folder");
            fs::create_dir(folder.path().join("logs")).expect("a folder");
            measure(folder.path());
        }
    }
}

type Measure = fn(&Path);

/// A follower that is killed when it is no longer looked at.
struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_confluence-ecs"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn tail(folder: &Path, more: &[&str]) -> Command {
    let mut command = command(&["tail", "-q"]);
    command
        .arg(folder.join("logs/*.log"))
        .arg("--state-dir")
        .arg(folder.join("state"))
        .args(more);
    command
}

fn follow(folder: &Path) -> Follower {
    let output = folder.join("out.ndjson");
    let mut command = tail(folder, &["-o", output.to_str().expect("UTF-8")]);
    Follower(command.spawn().expect("started"))
}

fn timed(mut command: Command) -> f64 {
    let began = Instant::now();
    let status = command.stdout(Stdio::null()).status().expect("started");
    assert!(status.success());
    began.elapsed().as_secs_f64()
}

/// `tail --once` against `normalize` on the same gigabyte, in turns; the best of five.
fn catch_up(folder: &Path) {
    let log = folder.join("logs/audit.log");
    let lines = corpus::dc_file(100_000, 7);
    let mut file = File::create(&log).expect("created");
    for _ in 0..10 {
        file.write_all(&lines).expect("written");
    }
    drop(file);
    let (mut best_tail, mut best_normalize) = (f64::MAX, f64::MAX);
    for _ in 0..5 {
        let mut normalize = command(&["normalize", "-q"]);
        normalize.arg(&log);
        best_normalize = best_normalize.min(timed(normalize));
        best_tail = best_tail.min(timed(tail(folder, &["--once"])));
        fs::remove_dir_all(folder.join("state")).expect("removed");
    }
    let size = fs::metadata(&log).expect("there").len();
    println!(
        "catch-up of {:.2} GB: normalize {best_normalize:.2} s, tail --once {best_tail:.2} s: {:.2} of its speed",
        size as f64 / 1e9,
        best_normalize / best_tail
    );
}

/// From a line's last byte in the file to its event's last byte in the output file.
fn latency(folder: &Path) {
    const LINES: usize = 500;
    let log = folder.join("logs/audit.log");
    let lines = corpus::dc_file(LINES, 7);
    let lines = lines.split_inclusive(|byte| *byte == b'\n');
    let mut file = File::create(&log).expect("created");
    let _follower = follow(folder);
    let output = folder.join("out.ndjson");
    wait_for("the follower", || output.exists());
    let mut taken = Vec::new();
    for (number, line) in lines.enumerate() {
        // A human pace, out of step with the poll interval.
        std::thread::sleep(Duration::from_millis(37));
        file.write_all(line).expect("written");
        let began = Instant::now();
        wait_for("the event", || line_count(&output) > number);
        taken.push(began.elapsed());
    }
    taken.sort();
    let at = |part: f64| taken[(part * (LINES - 1) as f64) as usize].as_secs_f64() * 1e3;
    println!(
        "latency of {LINES} lines: p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// What a follower of 1,000 quiet files costs in half a minute.
fn idle(folder: &Path) {
    let pid = quiet(folder, 1_000);
    std::thread::sleep(Duration::from_secs(3));
    let (cpu, memory) = (cpu_ticks(pid.0.id()), resident_kib(pid.0.id()));
    std::thread::sleep(Duration::from_secs(30));
    let ticks = cpu_ticks(pid.0.id()) - cpu;
    println!(
        "idle with 1,000 files for 30 s: {:.2} % of a core, memory {memory} KiB, then {} KiB",
        ticks as f64 / 30.0,
        resident_kib(pid.0.id())
    );
}

/// How much memory 10,000 files take.
fn memory(folder: &Path) {
    let follower = quiet(folder, 10_000);
    println!("10,000 files: {} KiB", resident_kib(follower.0.id()));
}

/// `tail --once` on a log with 4,000 rotated siblings, plain and compressed, none of them known yet.
fn first_scan(folder: &Path) {
    const SIBLINGS: usize = 4_000;
    let lines = corpus::dc_file(3 * SIBLINGS, 7);
    let lines: Vec<_> = lines.split_inclusive(|byte| *byte == b'\n').collect();
    for suffix in ["", ".gz"] {
        let logs = folder.join("logs");
        fs::remove_dir_all(&logs).expect("removed");
        fs::create_dir(&logs).expect("a folder");
        fs::write(logs.join("audit.log"), lines[0]).expect("written");
        for (number, lines) in lines.chunks(3).enumerate() {
            let path = logs.join(format!("audit.log.{}{suffix}", number + 1));
            let text = if suffix.is_empty() {
                lines.concat()
            } else {
                let level = flate2::Compression::default();
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(&lines.concat()).expect("written");
                encoder.finish().expect("written")
            };
            fs::write(path, text).expect("written");
        }
        for pattern in ["audit.log", "audit.log*"] {
            let mut tail = command(&["tail", "-q", "--once"]);
            tail.arg(logs.join(pattern))
                .arg("--state-dir")
                .arg(folder.join("state"));
            println!(
                "first scan of {SIBLINGS} rotated files, audit.log.N{suffix}, following {pattern}: {:.2} s",
                timed(tail)
            );
            fs::remove_dir_all(folder.join("state")).expect("removed");
        }
    }
}

/// A follower that has read that many files of three lines.
fn quiet(folder: &Path, files: usize) -> Follower {
    let lines = corpus::dc_file(3 * files, 7);
    let lines: Vec<_> = lines.split_inclusive(|byte| *byte == b'\n').collect();
    for (number, lines) in lines.chunks(3).enumerate() {
        let path = folder.join(format!("logs/audit{number}.log"));
        fs::write(path, lines.concat()).expect("written");
    }
    let follower = follow(folder);
    let output = folder.join("out.ndjson");
    wait_for("every event", || line_count(&output) == 3 * files);
    follower
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn line_count(path: &Path) -> usize {
    let text = fs::read(path).unwrap_or_default();
    memchr::memchr_iter(b'\n', &text).count()
}

/// User and system time, in hundredths of a second.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("running");
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    fields[12].parse::<u64>().expect("a number") + fields[13].parse::<u64>().expect("a number")
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("running");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.expect("a size").parse().expect("a number")
}
