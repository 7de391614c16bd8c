//! Kills in a backfill through faults, and outputs that go away: each event once.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::thread;

use serde_json::{Value, json};

use super::organization;
use crate::fetch::running::Running;
use crate::support::atlassian::{Event, Fault, NextCursor, organization_event};
use crate::support::fetching::{Fetching, SINCE, START};
use crate::support::program::{self, wait_until};
use crate::support::random::{Random, given_seed, new_seed};

/// Kills a backfill until it comes to its end by itself; how often it was killed.
fn kill_until_done(fetching: &Fetching, random: &mut Random, most: usize) -> usize {
    let flags = ["--raw"];
    for kills in 0..most {
        let mut running = Running::to_file(fetching, &flags);
        let pages = fetching.server.pages() + random.below(6);
        wait_until("pages", || {
            fetching.server.pages() >= pages || !running.is_running()
        });
        if random.percent(50) {
            thread::sleep(random.pause(10));
        }
        // No process knows how long ago the one before it asked.
        fetching.server.take_violations();
        if !running.is_running() {
            running.ends_with(0);
            return kills;
        }
        running.kill();
        if random.percent(20) {
            fetching.server.expire_cursors();
        }
    }
    fetching.fetch(&flags);
    most
}

#[test]
fn fifty_kills_in_backfills_through_faults_leave_each_event_once() {
    let seed = given_seed().unwrap_or_else(new_seed);
    eprintln!("seed {seed}");
    let mut random = Random::new(seed);
    let mut kills = 0;
    while kills < 50 {
        let fetching = organization(100_000);
        let next = [NextCursor::Kept, NextCursor::Null, NextCursor::Link];
        let next = next[usize::try_from(random.below(3)).expect("small")];
        fetching
            .server
            .set(|settings| settings.organization.next = next);
        if random.percent(70) {
            fetching.server.flaky(random.below(1000), 0.1);
        }
        kills += kill_until_done(&fetching, &mut random, 60);
        fetching.assert_events_once();
    }
}

#[test]
fn what_a_reader_was_handed_is_not_handed_again() {
    let fetching = organization(60);
    fetching.server.next(Fault::ExtraKeys);
    fetching.server.next(Fault::Hold);
    let flags = ["--raw", "--page-size", "40", "--since", SINCE];
    let (running, stdout) = Running::to_pipe(fetching.command("fetch", &flags));
    let mut reader = BufReader::new(stdout);
    let mut handed = String::new();
    for _ in 0..40 {
        reader.read_line(&mut handed).expect("a line");
    }
    drop(reader);
    let told = running.ends_with(0);
    assert!(!told.contains("ERROR"), "{told}");
    fetching.server.release();
    let output = program::run_command(fetching.command("fetch", &flags), b"");
    assert_eq!(output.status.code(), Some(0));
    handed += &String::from_utf8(output.stdout).expect("UTF-8");
    fs::write(fetching.out(), handed).expect("written");
    fetching.assert_events_once();
}

#[test]
fn a_signal_ends_a_fetch_that_waits_for_the_rate_limit() {
    let fetching = organization(60);
    fetching.server.next(Fault::UsedUp(4));
    let mut running = Running::to_file(&fetching, &["--raw", "--page-size", "40"]);
    wait_until("a page", || fetching.lines().len() == 40);
    running.signal(rustix::process::Signal::TERM);
    running.ends_with(143);
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
}

/// A page within a page, as no API gives it: two events of that size.
fn nested(number: u64) -> Event {
    let event = organization_event(START, number);
    let part = |name: char| {
        let id = format!("{number}{name}");
        json!({"id": id, "attributes": {"time": "2026-01-05T00:00:00Z", "action": "x".repeat(5000)}})
    };
    let raw = json!({"data": [part('a'), part('b')]}).to_string();
    Event { raw, ..event }
}

#[test]
fn a_pipe_that_takes_no_more_has_what_it_took_of_pages_within_pages() {
    let fetching = organization(0);
    fetching.server.insert_events((0..250).map(nested));
    let flags = ["--since", SINCE];
    let (mut running, mut stdout) = Running::to_pipe(fetching.command("fetch", &flags));
    let mut handed = vec![0; 10];
    stdout.read_exact(&mut handed).expect("the first bytes");
    running.signal(rustix::process::Signal::TERM);
    let reader = thread::spawn(move || {
        stdout.read_to_end(&mut handed).expect("the rest");
        handed
    });
    running.ends();
    let mut handed = reader.join().expect("read");
    let output = program::run_command(fetching.command("fetch", &flags), b"");
    handed.extend(output.stdout);
    let lines = handed
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let id = |line: &[u8]| {
        serde_json::from_slice::<Value>(line).expect("whole")["event"]["id"].to_string()
    };
    let ids: Vec<_> = lines.map(id).collect();
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), 500, "none is lost");
    assert!(ids.len() <= 501, "{} lines", ids.len());
    fetching.server.take_violations();
}
