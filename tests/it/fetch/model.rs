//! Whatever the records, the pages, the faults and the kills: in the end each record that the server
//! holds is in the output, once.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use rustix::process::Signal;

use super::running::{Running, now};
use crate::support::atlassian::{
    Atlassian, NextLink, Paging, Record, Store, cloud_record, data_center_record,
};
use crate::support::fetching::{Fetching, Way};
use crate::support::program::wait_until;

/// A site and its records.
#[derive(Debug, Clone)]
struct Site {
    is_cloud: bool,
    next_link: NextLink,
    paging: Paging,
    page_maximum: u64,
    is_compressed: bool,
    is_chunked: bool,
    faults: Option<u64>,
    /// Seconds ago, and what it is else: few of both, so that many records are alike.
    records: Vec<(i64, u64)>,
}

/// How it is asked.
#[derive(Debug, Clone)]
struct Flags {
    page_size: u32,
    window: u32,
    /// Seconds that later records may be late by.
    overlap: i64,
    is_raw: bool,
}

/// One run, and what comes meanwhile.
#[derive(Debug, Clone)]
struct Run {
    end: End,
    /// New records, late by at most the overlap, between the pages of this run: behind which page, late
    /// by how much, and what they are. Many are like others, the rest like no other.
    between: Vec<(u64, i64, Option<u64>)>,
    /// The same, behind this run.
    behind: Vec<(i64, u64)>,
}

#[derive(Debug, Clone, Copy)]
enum End {
    ByItself,
    /// So many pages after its start, so many milliseconds later.
    Killed(u64, u64),
    Terminated(u64, u64),
}

fn site() -> impl Strategy<Value = Site> {
    let links = [
        NextLink::Path,
        NextLink::Url,
        NextLink::Cursor,
        NextLink::Nothing,
        NextLink::Never,
        NextLink::Always,
    ];
    let servers = (
        any::<bool>(),
        prop::sample::select(links.to_vec()),
        prop::sample::select(vec![
            Paging::Cursor,
            Paging::Offset,
            Paging::Link,
            Paging::Unnamed,
        ]),
        prop_oneof![Just(1000), 1..20_u64],
    );
    let wire = (any::<bool>(), any::<bool>(), prop::option::of(any::<u64>()));
    let records = prop::collection::vec((0..90_i64, 0..5_u64), 0..120);
    (servers, wire, records).prop_map(|(servers, wire, records)| Site {
        is_cloud: servers.0,
        next_link: servers.1,
        paging: servers.2,
        page_maximum: servers.3,
        is_compressed: wire.0,
        is_chunked: wire.1,
        faults: wire.2,
        records,
    })
}

fn flags() -> impl Strategy<Value = Flags> {
    let sizes = prop_oneof![1 => Just(1000), 2 => 1..8_u32, 1 => 2..40_u32];
    let all = (
        sizes,
        prop_oneof![Just(3600), 5..60_u32],
        1..60_i64,
        any::<bool>(),
    );
    all.prop_map(|(page_size, window, overlap, is_raw)| Flags {
        page_size,
        window,
        overlap,
        is_raw,
    })
}

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let end = prop_oneof![
        2 => Just(End::ByItself),
        3 => (0..6_u64, 0..10_u64).prop_map(|(pages, pause)| End::Killed(pages, pause)),
        1 => (0..6_u64, 0..10_u64).prop_map(|(pages, pause)| End::Terminated(pages, pause)),
    ];
    let what = prop_oneof![3 => (0..5_u64).prop_map(Some), 1 => Just(None)];
    let between = prop::collection::vec((1..12_u64, 0..60_i64, what), 0..5);
    let behind = prop::collection::vec((0..60_i64, 0..5_u64), 0..5);
    let run = (end, between, behind);
    let run = run.prop_map(|(end, between, behind)| Run {
        end,
        between,
        behind,
    });
    prop::collection::vec(run, 1..6)
}

/// A site that runs, and what of it there is.
struct World {
    fetching: Fetching,
    site: Site,
    flags: Flags,
    /// The present when it began.
    began: i64,
    /// Of the last record that is like no other.
    number: u64,
}

impl World {
    fn new(site: &Site, flags: &Flags) -> Self {
        let (server, way) = if site.is_cloud {
            (Atlassian::cloud(), Way::Site)
        } else {
            (Atlassian::data_center("/confluence"), Way::Pat)
        };
        server.set(|settings| {
            settings.records_searches = false;
            settings.next_link = site.next_link;
            settings.paging = site.paging;
            // Who says nothing of more pages must give what it is asked for, or say its limit.
            settings.page_maximum = site.page_maximum;
            settings.scan_maximum = site.page_maximum;
            settings.gzip = site.is_compressed;
            settings.chunked = site.is_chunked;
        });
        if let Some(seed) = site.faults {
            server.flaky(seed, 0.1);
        }
        let world = Self {
            fetching: Fetching::of(server, way),
            site: site.clone(),
            flags: flags.clone(),
            began: now(),
            number: 1000,
        };
        for (ago, what) in &site.records {
            let record = world.make()(world.began - 1000 - ago * 1000, *what);
            world.fetching.server.insert(record);
        }
        world
    }

    fn make(&self) -> fn(i64, u64) -> Record {
        if self.site.is_cloud {
            cloud_record
        } else {
            data_center_record
        }
    }

    /// Makes records that are late by so many seconds, but not too late for the run that comes next.
    fn late(&self) -> impl Fn(i64, u64) -> Record + Send + use<> {
        let (make, most, began) = (self.make(), self.flags.overlap - 1, self.began);
        move |by, what| {
            let now = now();
            let time = now - by.min(most) * 1000;
            // Of the same millisecond as others, and not in the future.
            let time = time + (began - time).rem_euclid(1000);
            let time = if time > now { time - 1000 } else { time };
            make(time.max(began - 90_000), what)
        }
    }

    fn start(&self) -> Running {
        let Flags {
            page_size,
            window,
            overlap,
            ..
        } = &self.flags;
        // What a run before has reached is never further than the present; faults end no run.
        let flags = ["--since", "10m", "--settle", "0s", "--retries", "20", "-o"];
        let mut command = self.fetching.command("fetch", &flags);
        command.arg(self.fetching.out());
        command.args(["--page-size", &page_size.to_string()]);
        command.args(["--window", &format!("{window}s")]);
        command.args(["--overlap", &format!("{overlap}s")]);
        let format = if self.flags.is_raw {
            "--raw"
        } else {
            "--preserve-original-event"
        };
        command.arg(format);
        Running::start(command)
    }

    fn run(&mut self, run: &Run) {
        for (pages, by, what) in &run.between {
            self.number += 1;
            let (by, number, late) = (*by, what.unwrap_or(self.number), self.late());
            // The hook may be for a later run: late is late by then.
            let hook = move |store: &mut Store| store.insert(late(by, number));
            self.fetching.server.after_request(*pages, hook);
        }
        let mut running = self.start();
        let mut wait = |pages: u64, pause: u64| {
            let pages = self.fetching.server.pages() + pages;
            wait_until("pages", || {
                self.fetching.server.pages() >= pages || !running.is_running()
            });
            thread::sleep(Duration::from_millis(pause));
        };
        match run.end {
            End::ByItself => {
                running.ends_with(0);
            }
            End::Killed(pages, pause) => {
                wait(pages, pause);
                running.kill();
            }
            End::Terminated(pages, pause) => {
                wait(pages, pause);
                running.signal(Signal::TERM);
                running.ends();
            }
        }
        for (by, what) in &run.behind {
            self.fetching.server.insert(self.late()(*by, *what));
        }
    }

    /// What is in the output, and how often.
    fn delivered(&self) -> BTreeMap<String, usize> {
        let lines = self.fetching.lines().into_iter();
        if self.flags.is_raw {
            return count(lines);
        }
        let original = |event: &serde_json::Value| {
            let original = event["event"]["original"].as_str();
            original.expect("an original").to_owned()
        };
        count(self.fetching.events().iter().map(original))
    }
}

fn count(records: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        *counts.entry(record).or_default() += 1;
    }
    counts
}

/// The records that are more or less often in one than in the other.
fn differences(held: &BTreeMap<String, usize>, delivered: &BTreeMap<String, usize>) -> Vec<String> {
    let all: BTreeSet<&String> = held.keys().chain(delivered.keys()).collect();
    let times = |raw: &String| {
        let of = |counts: &BTreeMap<String, usize>| counts.get(raw).copied().unwrap_or(0);
        (of(held), of(delivered))
    };
    let show = |raw: &String| match times(raw) {
        (held, delivered) if held == delivered => None,
        (held, delivered) => Some(format!("held {held}, delivered {delivered}: {raw}")),
    };
    all.into_iter().filter_map(show).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        max_shrink_iters: 0,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn each_record_once_whatever_happens(site in site(), flags in flags(), runs in runs()) {
        let mut world = World::new(&site, &flags);
        for run in &runs {
            world.run(run);
        }
        let mut before = usize::MAX;
        // What came during the last run comes with the next.
        while before != world.fetching.server.held().len() {
            before = world.fetching.server.held().len();
            world.start().ends_with(0);
        }
        let held = world.fetching.server.held().into_iter();
        let differences = differences(&count(held.map(|record| record.raw)), &world.delivered());
        prop_assert!(differences.is_empty(), "{differences:#?}");
    }
}
