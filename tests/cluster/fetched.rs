//! `fetch` into a data stream: each record once, through kills, lost answers and rollovers.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::node::{Elasticsearch9, Kind, Node, OpenSearch3};
use super::proxy::{Fault, Proxy};
use super::support::atlassian::{cloud_record, data_center_record};
use super::support::binary;
use super::support::fetching::{DAY, Fetching, SINCE, START};
use super::support::random::{Random, given_seed, new_seed};
use super::world::install_template;

/// How long backfills are begun anew, and how many kills are enough.
const TIME: Duration = Duration::from_secs(25);
const KILLS: u32 = 30;
/// How long a run may take that is not killed.
const PATIENCE: Duration = Duration::from_secs(60);

/// 600 records of ten days, two of each kind alike and of one instant.
fn backfill(is_cloud: bool) -> Fetching {
    let (fetching, record): (_, fn(i64, u64) -> _) = if is_cloud {
        (Fetching::cloud(), cloud_record)
    } else {
        (Fetching::data_center(), data_center_record)
    };
    let records = (0..600_i64).map(|number| {
        let at = START + number / 3 * (DAY / 20);
        record(at, (number / 2).unsigned_abs())
    });
    fetching.server.insert_all(records);
    fetching
}

/// A backfill on its way into a data stream of its own.
struct Backfill<'a> {
    node: &'a Node,
    proxy: &'a Proxy,
    fetching: Fetching,
    namespace: String,
}

impl Backfill<'_> {
    fn stream(&self) -> String {
        format!("logs-atlassian_confluence.audit-{}", self.namespace)
    }

    fn command(&self) -> Command {
        let flags = ["--since", SINCE, "--until", "2026-01-15T00:00:00Z"];
        let mut command = self.fetching.command("fetch", &flags);
        command.args(["--page-size", "20", "--preserve-original-event"]);
        command.args(["--elasticsearch-url", &self.proxy.url()]);
        // A day's records in a few requests.
        command.args(["--namespace", &self.namespace, "--bulk-bytes", "64KiB"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn start(&self) -> Child {
        let mut command = self.command();
        command.stderr(Stdio::null()).spawn().expect("started")
    }

    /// A rollover, once there is something to roll over.
    fn roll_over(&self) {
        let path = format!("{}/_rollover", self.stream());
        let (status, answer) = self.node.ask("POST", &path, "{}");
        // OpenSearch says 400 of a data stream that is not there.
        let is_missing = status == 404 || answer.to_string().contains("does not exist");
        assert!(status == 200 || is_missing, "{status} {answer}");
    }

    /// Runs until one run comes to its end by itself, killing those before it. How often it was.
    fn kill_until_done(&self, random: &mut Random) -> u32 {
        let mut kills = 0;
        loop {
            match random.below(10) {
                0..4 => self.proxy.next(Fault::LoseAnswer),
                4 => self.proxy.next(Fault::CutAnswer),
                5 => self.proxy.next(Fault::LoseRequest),
                _ => {}
            }
            let mut child = self.start();
            let pages = self.fetching.server.pages() + 2 + random.below(12);
            let status = loop {
                let status = child.try_wait().expect("waited");
                if status.is_some() || self.fetching.server.pages() >= pages {
                    break status;
                }
                std::thread::sleep(Duration::from_millis(2));
            };
            let Some(status) = status else {
                std::thread::sleep(random.pause(30));
                child.kill().expect("killed");
                child.wait().expect("waited");
                kills += 1;
                if random.percent(60) {
                    self.roll_over();
                }
                continue;
            };
            assert_eq!(status.code(), Some(0), "kills: {kills}");
            return kills;
        }
    }

    /// Each record is there once; of those that are alike, each.
    fn assert_all_once(&self) {
        let documents = self.node.documents(&self.stream());
        let text =
            |event: &serde_json::Value| event["event"]["original"].as_str().map(str::to_owned);
        let mut arrived: Vec<_> = documents
            .iter()
            .filter_map(|(_, event)| text(event))
            .collect();
        let held = self.fetching.server.held();
        let mut expected: Vec<_> = held.into_iter().map(|record| record.raw).collect();
        arrived.sort();
        expected.sort();
        assert_eq!(arrived.len(), expected.len(), "number of records");
        assert!(arrived == expected, "each record once");
        assert!(!self.fetching.state().join("dead-letter.ndjson").exists());
    }
}

fn fetched_once(kind: Kind, is_cloud: bool) {
    let Some(node) = Node::start(kind, &[]) else {
        return;
    };
    install_template(&node);
    let seed = given_seed().unwrap_or_else(new_seed);
    eprintln!("CONFLUENCE_ECS_SEED={seed}");
    let mut random = Random::new(seed);
    let proxy = Proxy::new(node.port());
    let began = Instant::now();
    let (mut kills, mut backfills) = (0, 0);
    while kills == 0 || (kills < KILLS && began.elapsed() < TIME) {
        let backfill = Backfill {
            node: &node,
            proxy: &proxy,
            fetching: backfill(is_cloud),
            namespace: format!("fetched{backfills}"),
        };
        let started = Instant::now();
        kills += backfill.kill_until_done(&mut random);
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
        backfill.assert_all_once();
        // What was fetched before is not asked for, or not sent, again.
        let output = backfill.command().output().expect("run");
        assert_eq!(output.status.code(), Some(0), "{}", binary::stderr(&output));
        backfill.assert_all_once();
        backfills += 1;
    }
    eprintln!(
        "{kills} kills in {backfills} backfills, {:?}",
        began.elapsed()
    );
}

#[test]
fn elasticsearch_has_each_fetched_record_once_through_kills_and_rollovers() {
    fetched_once(Elasticsearch9, false);
}

#[test]
fn opensearch_has_each_fetched_record_once_through_kills_and_rollovers() {
    fetched_once(OpenSearch3, true);
}
