//! A followed log, and the stand-in that its events are sent to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::binary::{command, lines, stderr};
use crate::support::follow::append;
use crate::support::numbered::{log_lines, record};
use crate::support::outcome::filtered;
use crate::support::place::{Follower, Place, finish};
use crate::support::search::{Kind, Search};

/// The default data stream.
pub const STREAM: &str = "logs-atlassian_confluence.audit-default";

/// A log that is sent to a cluster.
pub struct Sending {
    pub place: Place,
    written: u64,
}

impl Sending {
    /// To those addresses, the preferred one first.
    pub fn to(urls: &[&str]) -> Self {
        let mut place = Place::new(&["audit.log"]).loud();
        for url in urls {
            place = place.with(&["--elasticsearch-url", url]);
        }
        Self { place, written: 0 }
    }

    /// With more flags.
    pub fn with(self, flags: &[&str]) -> Self {
        Self {
            place: self.place.with(flags),
            ..self
        }
    }

    /// Appends so many records to the log.
    pub fn append(&mut self, records: u64) {
        let first = self.written + 1;
        self.written += records;
        append(
            &self.place.path("audit.log"),
            &log_lines(first..=self.written),
        );
    }

    /// Appends one record whose author has a name of so many bytes.
    pub fn append_long(&mut self, length: usize) {
        self.written += 1;
        let mut record = record(self.written);
        record["author"]["name"] = "x".repeat(length).into();
        append(
            &self.place.path("audit.log"),
            format!("{record}\n").as_bytes(),
        );
    }

    /// `tail` with more flags.
    pub fn tail(&self, more: &[&str]) -> Command {
        let mut command = self.place.tail(more);
        command
            .env_remove("CONFLUENCE_ECS_ES_API_KEY")
            .env_remove("CONFLUENCE_ECS_ES_PASSWORD");
        command
    }

    /// Follows the log.
    pub fn start(&self) -> Follower {
        self.place.start_command(self.tail(&[]))
    }

    /// Sends what is in the log, which ends with 0.
    pub fn once(&self) -> Output {
        let output = finish(self.tail(&["--once"]));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        output
    }

    /// The log's events in bulk format, with the ids that `normalize` gives them.
    pub fn bulk_file(&self) -> PathBuf {
        let mut normalize = command(["normalize", "--format", "bulk"]);
        normalize.arg(self.place.path("audit.log"));
        let output = finish(normalize);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let path = self.place.folder().join("bulk.ndjson");
        fs::write(&path, output.stdout).expect("written");
        path
    }

    /// Another command than `tail` on a file, with a state of its own, to its end.
    pub fn run_to(&self, search: &Search, name: &str, file: &Path) -> Output {
        let mut command = command([name, "-v", "--elasticsearch-url", &search.url()]);
        command.arg(file);
        command.env("XDG_STATE_HOME", self.place.folder());
        finish(command)
    }

    /// Whether the state says that all of the log was sent.
    pub fn is_all_saved(&self) -> bool {
        let text = fs::read(self.place.state_dir().join("tail.json")).unwrap_or_default();
        let saved: Value = serde_json::from_slice(&text).unwrap_or_default();
        let logs = saved["state"]["logs"].as_object();
        let mut logs = logs.into_iter().flat_map(|logs| logs.values());
        logs.any(|log| log["events"] == self.written)
    }

    /// The dead letter file.
    pub fn dead_letter_file(&self) -> PathBuf {
        self.place.state_dir().join("dead-letter.ndjson")
    }

    /// The dead letters.
    pub fn dead_letters(&self) -> Vec<Value> {
        lines(&fs::read(self.dead_letter_file()).unwrap_or_default())
    }

    /// The numbers of the records in the data stream, in order: each of them stands there once, if all is
    /// well.
    pub fn arrived(search: &Search) -> Vec<u64> {
        let documents = search.world().documents(STREAM);
        let mut numbers: Vec<_> = documents.iter().map(|(_, event)| number(event)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Each record is in the data stream once.
    pub fn each_is_once_in(&self, search: &Search) {
        let all: Vec<_> = (1..=self.written).collect();
        assert_eq!(Self::arrived(search), all, "{}", self.place.said());
    }

    /// Waits until as many events are in the data stream.
    pub fn wait_for(&self, search: &Search) {
        let written = usize::try_from(self.written).expect("few");
        search.wait("all events", |world| {
            world.documents(STREAM).len() >= written
        });
    }
}

/// The number of an event's record, in its plain form, too.
pub fn number(event: &Value) -> u64 {
    let original = event["event"]["original"].as_str();
    let record: Option<Value> = original.map(|text| serde_json::from_str(text).expect("JSON"));
    let id = event["user"]["id"].as_str().map(str::to_owned);
    let id = id.or_else(|| Some(record?["author"]["id"].as_str()?.to_owned()));
    let id = id.and_then(|id| id.parse().ok());
    id.unwrap_or_else(|| panic!("no number in {event}"))
}

/// Each of the products.
pub const KINDS: [Kind; 3] = [Kind::Elasticsearch, Kind::OpenSearch2, Kind::OpenSearch3];

/// What was said, but for what comes at any time of another thread.
pub fn said(text: &str) -> String {
    let lines = text.lines();
    let lines = lines.filter(|line| !line.contains("INFO read positions are saved"));
    let lines = lines.filter(|line| !line.starts_with("DEBUG"));
    let lines: Vec<_> = lines.collect();
    filtered(&lines.join("\n"))
}
