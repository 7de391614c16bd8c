//! `fetch`, measured through the binary against the stand-in of the tests: a year of a million
//! records.
//!
//! `cargo bench --bench fetch`, or, one of them, `cargo bench --bench fetch -- year`; the other is
//! `slice`: the same million in one slice. A second argument is the number of records.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures"
)]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[path = "../tests/support/atlassian/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use the rest")]
mod atlassian;
#[path = "../tests/support/wire.rs"]
#[allow(dead_code, reason = "other stand-ins use the rest of it")]
mod wire;

use atlassian::{Atlassian, cloud_record};

/// 2025-01-01T00:00:00Z
const START: i64 = 1_735_689_600_000;
const YEAR: u64 = 365 * 86_400_000;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let records = arguments.iter().find_map(|argument| argument.parse().ok());
    let records = records.unwrap_or(1_000_000);
    let is_wanted = |name: &str| {
        let mut names = arguments
            .iter()
            .filter(|argument| argument.parse::<u64>().is_err());
        names.clone().next().is_none() || names.any(|wanted| wanted == name)
    };
    for (name, window) in [("year", "1d"), ("slice", "366d")] {
        if is_wanted(name) {
            for records in [records / 10, records] {
                measure(name, window, records);
            }
        }
    }
}

/// Fetches the records of a year, and maps the same records from a file.
fn measure(name: &str, window: &str, records: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Atlassian::cloud();
    server.make_up(records, START, YEAR, cloud_record);
    let raw = folder.path().join("raw.ndjson");
    let (fetched, raw_memory) = run(fetch(&server, folder.path(), &raw, window, &["--raw"]));
    let events = folder.path().join("events.ndjson");
    // As if for the first time.
    fs::remove_dir_all(folder.path().join("state")).expect("removed");
    let (mapped, memory) = run(fetch(&server, folder.path(), &events, window, &[]));
    assert_eq!(line_count(&raw), records);
    assert_eq!(line_count(&events), records);
    let mut normalize = command("normalize");
    normalize
        .arg(&raw)
        .arg("-o")
        .arg(folder.path().join("mapped.ndjson"));
    let (normalized, _) = run(normalize);
    let rate = |seconds: f64| (records as f64 / seconds) as u64;
    println!(
        "{name}: {records} records: raw {fetched:.1} s ({} a second, peak {raw_memory:.1} MB), events \
         {mapped:.1} s ({} a second, peak {memory:.1} MB); normalize of the same records {normalized:.1} s",
        rate(fetched),
        rate(mapped),
    );
}

fn command(name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_confluence-ecs"));
    command.args([name, "-q"]).stdin(Stdio::null());
    command
}

fn fetch(
    server: &Atlassian,
    folder: &Path,
    output: &Path,
    window: &str,
    flags: &[&str],
) -> Command {
    let settings = server.settings();
    let mut command = command("fetch");
    command
        .args(["--deployment", "cloud", "--url", &server.url()])
        .args(["--email", &settings.email])
        .env("CONFLUENCE_API_TOKEN", &settings.api_token)
        .args([
            "--since",
            "2025-01-01T00:00:00Z",
            "--until",
            "2026-01-01T00:00:00Z",
        ])
        .args(["--window", window])
        .arg("--state-dir")
        .arg(folder.join("state"))
        .arg("-o")
        .arg(output)
        .args(flags);
    command
}

/// Seconds that a command takes, and its peak memory in megabytes.
fn run(mut command: Command) -> (f64, f64) {
    let began = Instant::now();
    let mut child = command.spawn().expect("started");
    let mut peak = 0.0;
    loop {
        if let Some(status) = child.try_wait().expect("waited") {
            assert!(status.success());
            return (began.elapsed().as_secs_f64(), peak);
        }
        peak = f64::max(peak, peak_memory(&child));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn peak_memory(child: &Child) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}

fn line_count(path: &Path) -> u64 {
    let text = fs::read(path).unwrap_or_default();
    memchr::memchr_iter(b'\n', &text).count() as u64
}
