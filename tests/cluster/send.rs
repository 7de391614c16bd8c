//! `send` and `--format bulk`: what was sent before is not added again, across a rollover either.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::node::{Elasticsearch9, Kind, Node, OpenSearch3};
use super::support::binary;
use super::support::numbered::record;
use super::world::{World, install_template};

/// Files to send, and the node that they are sent to.
struct Sending {
    node: Node,
    world: World,
}

impl Sending {
    /// A raw log with so many records, each different.
    fn log(&self, name: &str, records: u64) -> PathBuf {
        let path = self.world.path(name);
        let lines: Vec<_> = (1..=records)
            .map(|number| record(number).to_string())
            .collect();
        fs::write(&path, lines.join("\n") + "\n").expect("written");
        path
    }

    /// Runs `send` on a file; the counts of its summary.
    fn send(&self, file: &str, more: &[&str], code: i32) -> String {
        let mut command = binary::command(["send", "-v", "--elasticsearch-url", &self.node.url()]);
        let output = command
            .arg(self.world.path(file))
            .arg("--dead-letter")
            .arg(self.world.path("dead.ndjson"))
            .args(more)
            .output()
            .expect("run");
        let told = binary::stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{told}");
        let summary = told.lines().find(|line| line.contains(" stored="));
        let counts = summary.unwrap_or_else(|| panic!("no summary: {told}"));
        let counts = counts.split(' ').filter(|word| word.contains('='));
        let counts = counts.filter(|word| !word.starts_with("seconds") && !word.ends_with("=0"));
        counts.collect::<Vec<_>>().join(" ")
    }

    fn write(&self, name: &str, text: &[u8]) {
        fs::write(self.world.path(name), text).expect("written");
    }

    fn roll_over(&self, stream: &str) {
        self.node.must("POST", &format!("{stream}/_rollover"), "{}");
    }
}

/// Runs `normalize`; what it writes to stdout.
fn normalize(log: &Path, more: &[&str]) -> Vec<u8> {
    let mut command = binary::command(["normalize"]);
    let output = command.arg(log).args(more).output().expect("run");
    assert_eq!(output.status.code(), Some(0), "{}", binary::stderr(&output));
    output.stdout
}

fn stream(namespace: &str) -> String {
    format!("logs-atlassian_confluence.audit-{namespace}")
}

/// Plain NDJSON: ids by the events and their ordinals.
fn events_twice(sending: &Sending) {
    let flags = ["--namespace", "twice"];
    let log = sending.log("twice.log", 20);
    let mut events = normalize(&log, &flags);
    let first = memchr::memchr(b'\n', &events).expect("a line") + 1;
    // An event that equals another is one more.
    events.extend_from_within(..first);
    sending.write("twice.ndjson", &events);
    let packed = zstd::encode_all(&*events, 1).expect("compressed");
    sending.write("twice.ndjson.zst", &packed);
    assert_eq!(
        sending.send("twice.ndjson", &flags, 0),
        "events=21 stored=21"
    );
    let again = "events=21 already_there=21";
    assert_eq!(sending.send("twice.ndjson", &flags, 0), again);
    sending.roll_over(&stream("twice"));
    assert_eq!(sending.send("twice.ndjson.zst", &flags, 0), again);
    assert_eq!(sending.node.documents(&stream("twice")).len(), 21);
}

/// Bulk format: curl can send it, and what that sent is not added again.
fn bulk_format(sending: &Sending) {
    let flags = ["--namespace", "bulk"];
    let log = sending.log("bulk.log", 30);
    let bulk = normalize(&log, &[&flags[..], &["--format", "bulk"]].concat());
    sending.write("bulk.ndjson", &bulk);
    let url = format!("{}/{}/_bulk", sending.node.url(), stream("bulk"));
    let data = format!("@{}", sending.world.path("bulk.ndjson").display());
    let header = "Content-Type: application/x-ndjson";
    let arguments = ["-s", "-H", header, "--data-binary", &data, &url];
    let curl = Command::new("curl").args(arguments).output();
    match curl {
        Ok(answer) => {
            let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
            assert!(answer.contains("\"errors\":false"), "{answer}");
        }
        Err(error) => {
            eprintln!("left out: a bulk request by curl: {error}");
            sending.send("bulk.ndjson", &flags, 0);
        }
    }
    let again = sending.send("bulk.ndjson", &flags, 0);
    assert_eq!(again, "events=30 already_there=30");
}

/// What normalize sent is not added again in bulk format, which has the same ids.
fn bulk_format_after_normalize(sending: &Sending) {
    let flags = ["--namespace", "after"];
    let log = sending.log("after.log", 30);
    let url = sending.node.url();
    let to_cluster = ["--namespace", "after", "--elasticsearch-url", &url];
    normalize(&log, &to_cluster);
    sending.roll_over(&stream("after"));
    let bulk = normalize(&log, &[&flags[..], &["--format", "bulk"]].concat());
    sending.write("after.ndjson", &bulk);
    let again = sending.send("after.ndjson", &flags, 0);
    assert_eq!(again, "events=30 already_there=30");
}

/// What normalize sent before a rollover is not added by the same input again.
fn normalized_again(sending: &Sending) {
    let log = sending.log("again.log", 30);
    let url = sending.node.url();
    let flags = ["--namespace", "again", "--elasticsearch-url", &url];
    for _ in 0..3 {
        normalize(&log, &flags);
        assert_eq!(sending.node.documents(&stream("again")).len(), 30);
        sending.roll_over(&stream("again"));
    }
}

/// Dead letters keep their ids, and go where the flags say.
fn dead_letters(sending: &Sending) {
    let strict = r#"{"mappings": {"dynamic": "strict"}}"#;
    sending.node.must("PUT", "refuses-all", strict);
    let flags = ["--namespace", "letters"];
    let log = sending.log("letters.log", 3);
    let events = normalize(&log, &flags);
    sending.write("letters.ndjson", &events);
    let refused = sending.send("letters.ndjson", &["--index", "refuses-all", "--strict"], 3);
    assert_eq!(refused, "events=3 dead_letters=3");
    let dead = sending.world.path("dead.ndjson");
    fs::rename(&dead, sending.world.path("resend.ndjson")).expect("renamed");
    assert_eq!(
        sending.send("resend.ndjson", &flags, 0),
        "events=3 stored=3"
    );
    sending.roll_over(&stream("letters"));
    let again = "events=3 already_there=3";
    assert_eq!(sending.send("resend.ndjson", &flags, 0), again);
    assert_eq!(sending.send("letters.ndjson", &flags, 0), again);
    assert!(!dead.exists(), "nothing was refused");
}

/// All shapes in one input, and lines that are none.
fn mixed(sending: &Sending) {
    let flags = ["--namespace", "letters"];
    let read = |name: &str| fs::read(sending.world.path(name)).expect("read");
    let log = sending.log("mixed.log", 2);
    let bulk = normalize(&log, &[&flags[..], &["--format", "bulk"]].concat());
    let raw = fs::read(&log).expect("read");
    let parts = [read("letters.ndjson"), bulk, raw, read("resend.ndjson")];
    sending.write("mixed.ndjson", &parts.concat());
    let counts = sending.send("mixed.ndjson", &flags, 1);
    assert_eq!(counts, "events=8 stored=2 already_there=6 rejected=2");
    assert_eq!(sending.node.documents(&stream("letters")).len(), 5);
}

fn sends_once(kind: Kind) {
    let Some(node) = Node::start(kind, &[]) else {
        return;
    };
    install_template(&node);
    let world = World::new("send", node.url());
    let sending = Sending { node, world };
    events_twice(&sending);
    bulk_format(&sending);
    bulk_format_after_normalize(&sending);
    normalized_again(&sending);
    dead_letters(&sending);
    mixed(&sending);
}

#[test]
fn elasticsearch_send_adds_nothing_twice() {
    sends_once(Elasticsearch9);
}

#[test]
fn opensearch_send_adds_nothing_twice() {
    sends_once(OpenSearch3);
}
