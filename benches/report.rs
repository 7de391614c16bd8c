//! `report`, measured through the binary: its speed as a ratio to that of `normalize` in the same run, and its memory.
//!
//! `cargo bench --bench report`, or, one of them, `cargo bench --bench report -- speed`. The other is `memory`.

#![expect(clippy::cast_precision_loss, reason = "figures")]

#[path = "corpus.rs"]
mod corpus;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Records of each input.
const RECORDS: usize = 100_000;
const ROUNDS: usize = 7;
/// Records whose report is to be made within the memory.
const MANY: usize = 1_000_000;
/// Records that are made up at once.
const CHUNK: usize = 50_000;

fn main() {
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'))
        .collect();
    let measurements: [(&str, fn()); 2] = [("speed", speed), ("memory", memory)];
    for (name, measure) in measurements {
        if named.is_empty() || named.iter().any(|wanted| wanted == name) {
            measure();
        }
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_confluence-ecs"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// Both in turns, and the best of each: noise of the machine hits both.
fn speed() {
    let folder = tempfile::tempdir().expect("a folder");
    println!("records a second, all cores; best of {ROUNDS}");
    println!(
        "{:8} {:>10} {:>10} {:>7}",
        "input", "normalize", "report", "ratio"
    );
    for (name, text) in [
        ("dc-file", corpus::dc_file(RECORDS, 1)),
        ("dc-api", corpus::dc_api(RECORDS, 1)),
        ("cloud", corpus::cloud(RECORDS, 1)),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        let (mut normalize, mut report) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            normalize = normalize.min(time(&["normalize", "-q"], &path));
            report = report.min(time(&["report", "-q"], &path));
        }
        let speed = |time: Duration| RECORDS as f64 / time.as_secs_f64();
        println!(
            "{name:8} {:10.0} {:10.0} {:7.2}",
            speed(normalize),
            speed(report),
            normalize.as_secs_f64() / report.as_secs_f64()
        );
    }
}

fn time(arguments: &[&str], input: &Path) -> Duration {
    let begin = Instant::now();
    let status = command(arguments).arg(input).status().expect("it runs");
    assert!(status.success(), "{status}");
    begin.elapsed()
}

/// The most memory for a million records of many users, through a pipe.
fn memory() {
    let mut child = command(&["report", "-q", "--json"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    for chunk in 0..MANY / CHUNK {
        let records = corpus::dc_file(CHUNK, 1 + chunk as u64);
        pipe.write_all(&records).expect("written");
    }
    // All but the last piece was counted by then.
    let peak = peak_memory(child.id());
    drop(pipe);
    let status = child.wait().expect("it ends");
    assert!(status.success(), "{status}");
    println!(
        "{MANY} records: report peaks at {:.1} MiB",
        peak as f64 / f64::from(1 << 20)
    );
}

/// In bytes.
fn peak_memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("a process");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.expect("a size") * 1024
}
