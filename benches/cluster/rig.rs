//! A node with a template for data streams of the benches, and what a command costs.

use std::cell::Cell;
use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::corpus;
use super::node::{Kind, Node};

/// How long one command may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// A node, and a folder.
pub struct Rig {
    pub node: Node,
    folder: TempDir,
    streams: Cell<u32>,
    agent: ureq::Agent,
    /// An address of this machine that is not its loopback, where the node listens, too.
    pub address: Option<IpAddr>,
}

/// What a command took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub seconds: f64,
    /// Of the command and what it started.
    pub cpu: f64,
    /// Of the node meanwhile.
    pub node_cpu: f64,
}

impl Rig {
    pub fn start(kind: Kind) -> Option<Self> {
        let address = own_address();
        let host = address.map(|address| format!("http.host=127.0.0.1,{address}"));
        let settings: Vec<&str> = host.iter().map(String::as_str).collect();
        let node = Node::start(kind, &settings)?;
        let rig = Self {
            node,
            folder: tempfile::tempdir().expect("a folder"),
            streams: Cell::new(0),
            agent: ureq::Agent::config_builder()
                .http_status_as_error(false)
                .proxy(None)
                .build()
                .into(),
            address,
        };
        rig.install_template();
        println!("node: {}, heap of 512 MB", super::name(kind));
        Some(rig)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The template of `schema index-template`, for the names that [`Self::stream`] gives.
    fn install_template(&self) {
        let product = if self.node.kind.is_elasticsearch() {
            "elasticsearch"
        } else {
            "opensearch"
        };
        let mut command = ours("schema");
        command.args(["index-template", "--for", product]);
        let output = command.output().expect("started");
        assert!(output.status.success());
        let mut text = String::from_utf8(output.stdout).expect("UTF-8");
        if self.node.kind.is_elasticsearch() {
            // The small builds have not all types of fields.
            text = text.replace("\"constant_keyword\"", "\"keyword\"");
            text = text.replace("\"match_only_text\"", "\"text\"");
        }
        let mut template: Value = serde_json::from_str(&text).expect("JSON");
        template["index_patterns"] = json!(["bench-*"]);
        template["template"]["settings"]["index"]["number_of_replicas"] = json!(0);
        self.node
            .must("PUT", "_index_template/bench", &template.to_string());
    }

    /// The name of a data stream that is not there yet; the one before is removed, where the node can do that.
    pub fn stream(&self) -> String {
        let number = self.streams.get() + 1;
        self.streams.set(number);
        self.node
            .ask("DELETE", &format!("_data_stream/bench-{}", number - 1), "");
        // What is still to be done for the one before is not to be measured.
        self.node.ask("POST", "_flush", "");
        format!("bench-{number}")
    }

    /// How many documents a search finds.
    pub fn count(&self, stream: &str) -> u64 {
        self.node.ask("POST", &format!("{stream}/_refresh"), "");
        let (_, answer) = self.node.get(&format!("{stream}/_count"));
        answer["count"].as_u64().unwrap_or_default()
    }

    /// How many were indexed, without waiting for a refresh.
    pub fn indexed(&self, stream: &str) -> u64 {
        let path =
            format!("{stream}/_stats/indexing?filter_path=_all.primaries.indexing.index_total");
        let answer = self.look(&path);
        let total = &answer["_all"]["primaries"]["indexing"]["index_total"];
        total.as_u64().unwrap_or_default()
    }

    /// How many a search finds, after a refresh; as [`Self::count`], but fast.
    pub fn finds(&self, stream: &str) -> u64 {
        self.look(&format!("{stream}/_refresh"));
        let answer = self.look(&format!("{stream}/_search?size=0&track_total_hits=true"));
        answer["hits"]["total"]["value"]
            .as_u64()
            .unwrap_or_default()
    }

    /// A GET in this process: a `curl` for each look would take its share of the machine.
    fn look(&self, path: &str) -> Value {
        let asked = self.agent.get(format!("{}/{path}", self.node.url())).call();
        let text = asked.and_then(|mut answer| answer.body_mut().read_to_string());
        serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default()
    }

    /// Runs a command to its end.
    pub fn run(&self, mut command: Command) -> Cost {
        let (cpu, node_cpu, began) = (children_cpu(), self.node_cpu(), Instant::now());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null());
        let status = child.status().expect("started");
        assert!(status.success(), "{command:?}: {status}");
        Cost {
            seconds: began.elapsed().as_secs_f64(),
            cpu: children_cpu() - cpu,
            node_cpu: self.node_cpu() - node_cpu,
        }
    }

    /// Runs a command that does not end by itself until so many documents are in the data stream; none if
    /// they do not come.
    pub fn run_until(&self, mut command: Command, stream: &str, count: u64) -> Option<Cost> {
        let (node_cpu, began) = (self.node_cpu(), Instant::now());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = Ended(command.spawn().expect("started"));
        while self.indexed(stream) < count {
            let has_ended = child.0.try_wait().expect("waited for").is_some();
            if has_ended || began.elapsed() > PATIENCE {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Cost {
            seconds: began.elapsed().as_secs_f64(),
            cpu: cpu_of(child.0.id()),
            node_cpu: self.node_cpu() - node_cpu,
        })
    }

    /// CPU seconds of the node's processes so far.
    pub fn node_cpu(&self) -> f64 {
        let port = format!("http.port={}", self.node.port());
        let groups: Vec<_> = processes()
            .filter(|(id, _)| command_line(*id).contains(&port))
            .map(|(_, stat)| stat.group)
            .collect();
        let own = processes().filter(|(_, stat)| groups.contains(&stat.group));
        own.map(|(_, stat)| stat.cpu).sum()
    }

    /// Audit records in a file, about 1 KB each.
    pub fn log(&self, records: usize) -> PathBuf {
        let path = self.path(&format!("audit-{records}.log"));
        if !path.exists() {
            fs::write(&path, corpus::dc_file(records, 7)).expect("written");
        }
        path
    }

    /// `normalize` of that file with more arguments, without the cluster.
    pub fn normalized(&self, log: &std::path::Path, name: &str, more: &[&str]) -> PathBuf {
        let path = self.path(name);
        let mut command = ours("normalize");
        command.arg(log).arg("-o").arg(&path).args(more);
        assert!(command.status().expect("started").success());
        path
    }
}

/// This program; `CONFLUENCE_ECS_BIN` names another build of it, to compare them.
pub fn ours(name: &str) -> Command {
    let other = std::env::var_os("CONFLUENCE_ECS_BIN");
    let program = other.unwrap_or_else(|| env!("CARGO_BIN_EXE_confluence-ecs").into());
    let mut command = Command::new(program);
    command.arg(name).stdin(Stdio::null());
    for variable in ["CONFLUENCE_ECS_ES_API_KEY", "CONFLUENCE_ECS_ES_PASSWORD"] {
        command.env_remove(variable);
    }
    command
}

/// A process that is killed when it is no longer looked at.
pub struct Ended(pub Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What `/proc/PID/stat` says.
struct Stat {
    group: u64,
    /// Seconds.
    cpu: f64,
    children_cpu: f64,
}

fn stat(process: &str) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<f64> = text
        .rsplit(')')
        .next()?
        .split_whitespace()
        .map(|field| field.parse().unwrap_or_default())
        .collect();
    // In hundredths of a second on every Linux of today.
    Some(Stat {
        group: *fields.get(2)? as u64,
        cpu: (fields.get(11)? + fields.get(12)?) / 100.0,
        children_cpu: (fields.get(13)? + fields.get(14)?) / 100.0,
    })
}

fn children_cpu() -> f64 {
    stat("self").map_or(0.0, |stat| stat.children_cpu)
}

fn cpu_of(process: u32) -> f64 {
    stat(&process.to_string()).map_or(0.0, |stat| stat.cpu)
}

fn processes() -> impl Iterator<Item = (u32, Stat)> {
    let entries = fs::read_dir("/proc").expect("Linux").flatten();
    entries.filter_map(|entry| {
        let id = entry.file_name().into_string().ok()?.parse().ok()?;
        Some((id, stat(&format!("{id}"))?))
    })
}

fn command_line(process: u32) -> String {
    let bytes = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The most memory that a process had, in MiB.
pub fn peak_memory(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

/// The address that this machine would use to reach others; nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback()).then_some(address)
}

/// Whether a program is there.
pub fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|path| path.join(program).is_file())
}
