//! Logs that are followed into a data stream, and what is in that.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::node::Node;
use super::support::binary;
use super::support::numbered::log_lines;

/// How long the last events may take to arrive.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder with a followed log, and a data stream of its own in a node.
pub struct World {
    folder: TempDir,
    namespace: String,
    written: u64,
    rotations: u64,
    follower: Option<Child>,
    url: String,
    flags: Vec<String>,
}

impl World {
    /// With this namespace, sending to that address.
    pub fn new(namespace: &str, url: String) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("logs")).expect("created");
        Self {
            folder,
            namespace: namespace.to_owned(),
            written: 0,
            rotations: 0,
            follower: None,
            url,
            flags: Vec::new(),
        }
    }

    /// With more flags.
    pub fn with(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|&flag| flag.to_owned()));
        self
    }

    /// The data stream.
    pub fn stream(&self) -> String {
        format!("logs-atlassian_confluence.audit-{}", self.namespace)
    }

    fn log(&self) -> PathBuf {
        self.path("logs/audit.log")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Appends so many records to the log.
    pub fn append(&mut self, records: u64) {
        let first = self.written + 1;
        self.written += records;
        self.append_bytes(&log_lines(first..=self.written));
    }

    fn append_bytes(&self, text: &[u8]) {
        let mut file = File::options()
            .append(true)
            .create(true)
            .open(self.log())
            .expect("opened");
        file.write_all(text).expect("written");
    }

    /// Appends a line as it is.
    pub fn append_line(&mut self, line: &Value) {
        self.append_bytes(format!("{line}\n").as_bytes());
    }

    /// logrotate's `create`.
    pub fn rotate(&mut self) {
        self.rotations += 1;
        let to = self.path(&format!("logs/audit.log.{}", self.rotations));
        // There is none yet before the first record.
        let _ = fs::rename(self.log(), to);
    }

    /// `tail` with this world's options.
    pub fn tail(&self, more: &[&str]) -> Command {
        let mut command = binary::command(["tail"]);
        command
            .arg(self.path("logs/audit.log*"))
            .arg("--state-dir")
            .arg(self.path("state"))
            .args([
                "--namespace",
                &self.namespace,
                "--elasticsearch-url",
                &self.url,
            ])
            .args(&self.flags)
            .args(more)
            .env_remove("CONFLUENCE_ECS_ES_API_KEY")
            .env_remove("CONFLUENCE_ECS_ES_PASSWORD");
        command
    }

    /// Starts the follower.
    pub fn start(&mut self) {
        let said = File::options()
            .append(true)
            .create(true)
            .open(self.path("said"))
            .expect("opened");
        let mut command = self.tail(&["-v"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said);
        self.follower = Some(command.spawn().expect("started"));
    }

    /// Whether there is a follower.
    pub fn is_following(&self) -> bool {
        self.follower.is_some()
    }

    /// Ends the follower with a signal.
    pub fn end(&mut self, signal: Signal) {
        if let Some(mut child) = self.follower.take() {
            let _ = kill_process(Pid::from_child(&child), signal);
            child.wait().expect("waited for");
        }
    }

    /// What the followers said.
    pub fn said(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap_or_default()
    }

    /// Runs `tail --once`, which must end with 0.
    pub fn once(&self) -> Output {
        let output = self.tail(&["--once"]).output().expect("run");
        assert_eq!(output.status.code(), Some(0), "{}", binary::stderr(&output));
        output
    }

    /// Waits until every record is in the data stream, each once; what else is there is returned.
    pub fn all_arrive(&self, node: &Node) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (times, others) = self.arrived(node);
            let missing: Vec<_> = (1..=self.written)
                .filter(|number| !times.contains_key(number))
                .collect();
            if missing.is_empty() || Instant::now() > deadline {
                let double: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
                assert!(
                    missing.is_empty() && double.is_empty(),
                    "of {} missing {missing:?}, more than once {double:?}; said: {}",
                    self.written,
                    self.said()
                );
                return others;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// How often each record is in the data stream, and what else is there.
    fn arrived(&self, node: &Node) -> (BTreeMap<u64, u32>, Vec<Value>) {
        let mut times = BTreeMap::new();
        let mut others = Vec::new();
        let resolved = node.get(&format!("_resolve/index/{}", self.stream())).1;
        // None: with security, a 404.
        if resolved["data_streams"]
            .as_array()
            .is_none_or(Vec::is_empty)
        {
            return (times, others);
        }
        for (_, event) in node.documents(&self.stream()) {
            let number = event["user"]["id"].as_str().and_then(|id| id.parse().ok());
            match number {
                Some(number) => *times.entry(number).or_default() += 1,
                None => others.push(event),
            }
        }
        (times, others)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end(Signal::KILL);
    }
}

/// Installs the index template as a node can have it: two field types are not in the small builds of
/// Elasticsearch.
pub fn install_template(node: &Node) {
    let product = if node.kind.is_elasticsearch() {
        "elasticsearch"
    } else {
        "opensearch"
    };
    let mut command = binary::command(["schema", "index-template", "--for", product]);
    let output = command.output().expect("run");
    assert_eq!(output.status.code(), Some(0), "{}", binary::stderr(&output));
    let mut template: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    if node.kind.is_elasticsearch() {
        replace_missing_types(&mut template);
    }
    node.must(
        "PUT",
        "_index_template/logs-atlassian_confluence.audit",
        &template.to_string(),
    );
}

fn replace_missing_types(value: &mut Value) {
    match value {
        Value::Object(members) => {
            match members.get("type").and_then(Value::as_str) {
                Some("match_only_text") => {
                    members.insert("type".to_owned(), "text".into());
                }
                Some("constant_keyword") => {
                    members.insert("type".to_owned(), "keyword".into());
                    members.remove("value");
                }
                _ => {}
            }
            members.values_mut().for_each(replace_missing_types);
        }
        Value::Array(elements) => elements.iter_mut().for_each(replace_missing_types),
        _ => {}
    }
}
