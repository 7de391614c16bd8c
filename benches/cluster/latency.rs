//! From a line in a followed log to its document: until the cluster has answered the `create`, and until a search
//! finds it.

use std::fs::{self, File};
use std::io::Write as _;
use std::time::{Duration, Instant};

use super::corpus;
use super::rig::{Ended, Rig, ours};

const LINES: usize = 100;
/// How long one line may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn measure(rig: &mut Rig, _: usize) {
    let logs = rig.path("logs");
    fs::create_dir_all(&logs).expect("created");
    let log = logs.join("audit.log");
    let lines = corpus::dc_file(2 * LINES + 1, 7);
    let mut lines = lines.split_inclusive(|byte| *byte == b'\n');
    let stream = rig.stream();
    let mut file = File::create(&log).expect("created");
    let mut command = ours("tail");
    command
        .args(["-q", "--elasticsearch-url", &rig.node.url()])
        .args(["--index", &stream])
        .arg("--state-dir")
        .arg(rig.path("state-latency"))
        .arg(&log);
    let _follower = Ended(command.spawn().expect("started"));
    let mut append = |file: &mut File| {
        file.write_all(lines.next().expect("a line"))
            .expect("written");
        Instant::now()
    };
    append(&mut file);
    wait_for("the first event", || rig.count(&stream) == 1);
    let mut taken = Vec::new();
    for number in 0..LINES as u64 {
        pause(number);
        let began = append(&mut file);
        wait_for("an event", || rig.indexed(&stream) == number + 2);
        taken.push(began.elapsed());
    }
    report(
        "the document is stored (looked for every millisecond)",
        taken,
    );
    let mut taken = Vec::new();
    for number in 0..LINES as u64 {
        pause(number);
        let began = append(&mut file);
        wait_for("a document", || {
            rig.finds(&stream) == LINES as u64 + number + 2
        });
        taken.push(began.elapsed());
    }
    report("a search after a refresh finds it", taken);
}

/// A human pace, out of step with any interval.
fn pause(number: u64) {
    std::thread::sleep(Duration::from_millis(37 + number * 7 % 60));
}

fn report(what: &str, mut taken: Vec<Duration>) {
    taken.sort();
    let at = |part: f64| taken[(part * (taken.len() - 1) as f64) as usize].as_secs_f64() * 1e3;
    println!(
        "{} lines, from the line in the log until {what}: median {:.0} ms, p99 {:.0} ms, worst {:.0} ms",
        taken.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
