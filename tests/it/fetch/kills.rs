//! Kills, signals, and others at the same state: each record once, whatever happens.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::running::{Running, now};
use crate::support::atlassian::{Fault, Wait, cloud_record, data_center_record};
use crate::support::fetching::{DAY, Fetching, START, lines, said};
use crate::support::program::{self, wait_until};
use crate::support::random::{Random, given_seed, new_seed};

/// Ten days in ten slices, each of a few pages.
const BACKFILL: [&str; 5] = [
    "--raw",
    "--page-size",
    "20",
    "--until",
    "2026-01-15T00:00:00Z",
];

/// The same with a page a slice, of 60 or 61 records.
const SINGLE_PAGES: [&str; 3] = ["--raw", "--until", "2026-01-15T00:00:00Z"];

/// 600 records over ten days, several of them in one instant, some of them alike.
fn backfill(is_cloud: bool) -> Fetching {
    let fetching = if is_cloud {
        Fetching::cloud()
    } else {
        Fetching::data_center()
    };
    let record = if is_cloud {
        cloud_record
    } else {
        data_center_record
    };
    let records = (0..600).map(|number: i64| {
        let at = START + number / 3 * (DAY / 20);
        record(at, (number / 2).unsigned_abs())
    });
    fetching.server.insert_all(records);
    fetching
}

/// Runs until one run comes to its end by itself, killing those before it. How often it was.
fn kill_until_done(fetching: &Fetching, flags: &[&str], random: &mut Random, most: usize) -> usize {
    for kills in 0..most {
        let mut running = Running::to_file(fetching, flags);
        let pages = fetching.server.pages() + random.below(9);
        wait_until("pages", || {
            fetching.server.pages() >= pages || !running.is_running()
        });
        if random.percent(50) {
            thread::sleep(random.pause(10));
        }
        if !running.is_running() {
            running.ends_with(0);
            return kills;
        }
        running.kill();
    }
    fetching.fetch(flags);
    most
}

#[test]
fn fifty_kills_in_backfills() {
    let seed = given_seed().unwrap_or_else(new_seed);
    eprintln!("seed {seed}");
    let mut random = Random::new(seed);
    let (mut kills, mut worlds) = (0, 0_u64);
    while kills < 50 {
        let fetching = backfill(worlds.is_multiple_of(2));
        if random.percent(50) {
            fetching.server.flaky(random.below(1000), 0.15);
        }
        kills += kill_until_done(&fetching, &BACKFILL, &mut random, 15);
        fetching.assert_all_once();
        worlds += 1;
    }
}

/// The ids in an output in bulk format, each of which an event must follow.
fn ids(fetching: &Fetching) -> Vec<String> {
    let events = fetching.events();
    let pairs = events.chunks(2).map(|pair| {
        assert!(pair[1]["event"].is_object(), "{}", pair[1]);
        pair[0]["create"]["_id"].as_str().expect("an id").to_owned()
    });
    pairs.collect()
}

#[test]
fn kills_in_bulk_format_part_no_event_from_its_action_and_change_no_id() {
    let seed = given_seed().unwrap_or_else(new_seed);
    eprintln!("seed {seed}");
    let mut random = Random::new(seed);
    let flags = [&BACKFILL[1..], &["--format", "bulk"]].concat();
    let fetching = backfill(false);
    kill_until_done(&fetching, &flags, &mut random, 15);
    let killed = ids(&fetching);
    let different: std::collections::BTreeSet<_> = killed.iter().collect();
    assert_eq!((killed.len(), different.len()), (600, 600));
    fs::remove_dir_all(fetching.state()).expect("removed");
    fs::create_dir(fetching.state()).expect("created");
    fs::remove_file(fetching.out()).ok();
    fetching.fetch(&flags);
    assert_eq!(ids(&fetching), killed);
}

/// What the state says when the output already has more is as if it had been killed in between.
#[test]
fn another_output_is_recorded_before_it_is_written() {
    for is_moved in [false, true] {
        let fetching = backfill(true);
        let half = [
            "--raw",
            "--page-size",
            "20",
            "--until",
            "2026-01-10T00:00:00Z",
        ];
        fetching.fetch(&half);
        let before = fetching.lines();
        let out = if is_moved {
            fs::rename(fetching.out(), fetching.state().join("rotated")).expect("moved");
            fetching.out()
        } else {
            fetching.file("other.ndjson", "")
        };
        let command = || {
            let mut command = fetching.command("fetch", &BACKFILL);
            command.arg("-o").arg(&out);
            command
        };
        let in_the_way = in_the_way(&fetching);
        let at = in_the_way.clone();
        fetching.server.after_request(2, move |_| {
            fs::create_dir(&at).expect("created");
        });
        let output = program::run_command(command(), b"");
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        fs::remove_dir(&in_the_way).expect("removed");
        let output = program::run_command(command(), b"");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let mut all = before;
        all.extend(lines(&out));
        let mut held: Vec<_> = fetching
            .server
            .held()
            .into_iter()
            .map(|one| one.raw)
            .collect();
        all.sort();
        held.sort();
        assert_eq!(all.len(), held.len(), "moved: {is_moved}");
        assert_eq!(all, held);
    }
}

/// Where the next generation of the state is written: a directory there makes that fail.
fn in_the_way(fetching: &Fetching) -> std::path::PathBuf {
    let entries = fs::read_dir(fetching.state()).expect("a state");
    let mut names = entries.map(|entry| entry.expect("an entry").path());
    let state = names.find(|path| path.extension().is_some_and(|ending| ending == "json"));
    state.expect("a state").with_extension("json.tmp")
}

/// What keeps the third slice from coming.
fn obstacles() -> [Fault; 3] {
    let pause = Duration::from_millis(50);
    [
        Fault::Hold,
        Fault::Slow {
            pieces: 2000,
            pause,
        },
        Fault::Wait(503, Wait::Seconds(60)),
    ]
}

#[test]
fn a_signal_ends_a_fetch_whatever_it_waits_for() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        for fault in obstacles() {
            let fetching = backfill(true);
            let flags = SINGLE_PAGES;
            for _ in 0..2 {
                fetching.server.next(Fault::ExtraKeys);
            }
            fetching.server.next(fault.clone());
            let mut running = Running::to_file(&fetching, &flags);
            fetching.server.wait_for_requests(3);
            wait_until("two slices", || fetching.lines().len() >= 120);
            if matches!(fault, Fault::Wait(..)) {
                running.wait_for("retrying in");
            }
            running.signal(signal);
            running.ends_with(code);
            let complete = fetching.lines().len();
            assert!((120..=123).contains(&complete), "{fault:?}: {complete}");
            fetching.server.release();
            fetching.fetch(&flags);
            fetching.assert_all_once();
            if matches!(fault, Fault::Wait(..)) {
                // Of the wait no later process knows.
                fetching.server.take_violations();
            }
        }
    }
}

#[test]
fn a_signal_ends_a_daemon_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        for fault in obstacles() {
            let fetching = backfill(true);
            fetching.server.next(fault.clone());
            let flags = [&BACKFILL[..], &["--interval", "10s"]].concat();
            let mut running = Running::to_file(&fetching, &flags);
            fetching.server.wait_for_requests(1);
            if matches!(fault, Fault::Wait(..)) {
                running.wait_for("retrying in");
            }
            running.signal(signal);
            running.ends_with(0);
            fetching.server.release();
        }
    }
}

#[test]
fn a_signal_ends_a_fetch_that_asks_who_it_is() {
    let mut fetching = backfill(false);
    fetching.server.go_down();
    let flags = [
        &BACKFILL[..],
        &["--exclude-own-searches", "--retries", "100"],
    ]
    .concat();
    let mut running = Running::to_file(&fetching, &flags);
    running.wait_for("retrying in");
    running.signal(Signal::TERM);
    running.ends_with(143);
}

#[test]
fn a_daemon_between_its_runs_ends_at_once() {
    let fetching = backfill(true);
    // Without an end, which it would end with.
    let flags = ["--raw", "--window", "365d", "--interval", "1h"];
    let running = Running::to_file(&fetching, &flags);
    wait_until("all records", || fetching.lines().len() == 600);
    running.terminate();
    fetching.assert_all_once();
}

#[test]
fn a_second_instance_is_refused_by_name() {
    let fetching = backfill(true);
    // Without an end, which it would end with.
    let flags = ["--raw", "--window", "365d", "--interval", "1h"];
    let running = Running::to_file(&fetching, &flags);
    wait_until("all records", || fetching.lines().len() == 600);
    let told = fetching.fetch_ends(&BACKFILL, 1);
    assert!(told.contains(&running.id().to_string()), "{told}");
    // Another query has a state of its own, but not the output.
    let search = [&BACKFILL[..], &["--search", "record 7"]].concat();
    let told = fetching.fetch_ends(&search, 1);
    assert!(told.contains("locked by another process"), "{told}");
    running.terminate();
    fetching.fetch(&BACKFILL);
    fetching.assert_all_once();
}

#[test]
fn a_moved_output_is_begun_anew() {
    for is_told in [false, true] {
        let fetching = Fetching::cloud();
        let flags = ["--raw", "--since", "1h", "--settle", "0s"];
        let daemon = [
            &flags[..],
            &["--interval", if is_told { "200ms" } else { "20ms" }],
        ]
        .concat();
        fetching.server.insert(cloud_record(now() - 60_000, 1));
        let mut command = fetching.command("fetch", &daemon);
        command.arg("-o").arg(fetching.out());
        let mut running = Running::start(command);
        wait_until("the first record", || fetching.lines().len() == 1);
        let moved = fetching.file("moved", "");
        fs::rename(fetching.out(), &moved).expect("moved");
        if is_told {
            running.signal(Signal::HUP);
        }
        wait_until("another output", || fetching.out().exists());
        fetching.server.insert(cloud_record(now() - 30_000, 2));
        wait_until("the second record", || fetching.lines().len() == 1);
        running.terminate();
        assert_eq!(lines(&moved).len(), 1);
        assert_ne!(lines(&moved), fetching.lines());
    }
}

fn to_stdout(fetching: &Fetching, flags: &[&str]) -> Command {
    let mut command = fetching.command("fetch", &["--since", "2026-01-05T00:00:00Z"]);
    command.args(flags);
    command
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let fetching = backfill(true);
    let (running, stdout) = Running::to_pipe(to_stdout(&fetching, &BACKFILL));
    let mut reader = BufReader::new(stdout);
    let mut first = String::new();
    reader.read_line(&mut first).expect("a line");
    drop(reader);
    let said = running.ends_with(0);
    assert!(!said.contains("ERROR"), "{said}");
}

#[test]
fn what_a_reader_was_handed_is_not_handed_again() {
    let fetching = backfill(true);
    // The third slice does not come while the reader is there.
    for _ in 0..2 {
        fetching.server.next(Fault::ExtraKeys);
    }
    fetching.server.next(Fault::Hold);
    let (running, stdout) = Running::to_pipe(to_stdout(&fetching, &SINGLE_PAGES));
    let mut reader = BufReader::new(stdout);
    let mut handed = Vec::new();
    // Those of the instant that both slices have are handed with the first of them.
    for _ in 0..123 {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        handed.push(line.trim_end().to_owned());
    }
    drop(reader);
    let told = running.ends_with(0);
    assert!(!told.contains("ERROR"), "{told}");
    fetching.server.release();
    let output = program::run_command(to_stdout(&fetching, &SINGLE_PAGES), b"");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let rest = String::from_utf8(output.stdout).expect("UTF-8");
    handed.extend(rest.lines().map(str::to_owned));
    fs::write(fetching.out(), handed.join("\n") + "\n").expect("written");
    fetching.assert_all_once();
}

#[test]
fn a_closed_reader_is_noticed_while_nothing_comes() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(START, 1));
    let flags = ["--raw", "--window", "3650d", "--interval", "1h"];
    let (running, mut stdout) = Running::to_pipe(to_stdout(&fetching, &flags));
    stdout.read_exact(&mut [0]).expect("a record");
    drop(stdout);
    running.ends_with(0);
}

#[test]
fn a_slow_reader_gets_everything_in_order() {
    let fetching = backfill(true);
    let (running, stdout) = Running::to_pipe(to_stdout(&fetching, &BACKFILL));
    let mut reader = BufReader::with_capacity(512, stdout);
    let mut text = String::new();
    for number in 0..600 {
        if number % 60 == 0 {
            // The reader's own pace.
            thread::sleep(Duration::from_millis(5));
        }
        reader.read_line(&mut text).expect("a line");
    }
    running.ends_with(0);
    fs::write(fetching.out(), text).expect("written");
    fetching.assert_all_once();
}
