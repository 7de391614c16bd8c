//! Real search nodes, started and killed. `.ci/nodes` gets them; a test says that it was left out where there
//! is none.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;

/// A node of a product may take so long to start, beside other work.
const START: Duration = Duration::from_secs(180);
/// The user and group that a node runs as if the tests are root's: nodes refuse to be that.
const NOBODY: u32 = 65534;

/// Which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Elasticsearch9,
    Elasticsearch8,
    OpenSearch3,
    OpenSearch2,
}

pub use Kind::{Elasticsearch8, Elasticsearch9, OpenSearch2, OpenSearch3};

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Elasticsearch9 => "elasticsearch-9.5.0",
            Elasticsearch8 => "elasticsearch-8.19.7",
            OpenSearch3 => "opensearch-3.8.0",
            OpenSearch2 => "opensearch-2.19.6",
        }
    }

    pub fn is_elasticsearch(self) -> bool {
        matches!(self, Elasticsearch8 | Elasticsearch9)
    }

    /// The oldest Java that runs it.
    fn java(self) -> u32 {
        match self {
            Elasticsearch9 | OpenSearch3 => 21,
            Elasticsearch8 | OpenSearch2 => 17,
        }
    }
}

/// A node, ended with the value.
pub struct Node {
    pub kind: Kind,
    port: u16,
    home: PathBuf,
    folder: TempDir,
    settings: Vec<String>,
    user: Option<(String, String)>,
    child: Option<Child>,
}

impl Node {
    /// Starts a node with these settings besides the usual ones, and waits until it answers. None, and a
    /// line that says so, where there is no such node or no Java for it.
    pub fn start(kind: Kind, settings: &[&str]) -> Option<Self> {
        let mut node = Self::prepare(kind, settings)?;
        node.restart();
        Some(node)
    }

    /// A node that is not started yet: its configuration can be changed.
    pub fn prepare(kind: Kind, settings: &[&str]) -> Option<Self> {
        let home = nodes()?.join(kind.name());
        if !home.join("bin").is_dir() || java(kind.java()).is_none() {
            eprintln!(
                "left out: {} (`.ci/nodes {0}` gets it) or Java {} is missing",
                kind.name(),
                kind.java()
            );
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let node = Self {
            kind,
            port: free_port(),
            home,
            folder,
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            user: None,
            child: None,
        };
        for name in ["config", "data", "logs", "tmp"] {
            fs::create_dir(node.path(name)).expect("created");
        }
        copy(&node.home.join("config"), &node.path("config"));
        let options = node.path("config/jvm.options");
        let text = fs::read_to_string(&options).expect("read");
        let is_file = |line: &&str| {
            ["Xlog:gc", "Xloggc", "HeapDump", "ErrorFile"]
                .iter()
                .any(|word| line.contains(word))
        };
        let lines: Vec<_> = text.lines().filter(|line| !is_file(line)).collect();
        fs::write(options, lines.join("\n")).expect("written");
        Some(node)
    }

    /// Requests are made as this user from now on.
    pub fn log_in(&mut self, user: &str, password: &str) {
        self.user = Some((user.to_owned(), password.to_owned()));
    }

    /// A path of its folder: `config`, `data`, `logs`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One of its tools, run to its end.
    pub fn tool(&self, name: &str, arguments: &[&str]) {
        let mut command = self.command(name);
        let status = command.args(arguments).status().expect("started");
        assert!(status.success(), "{name} {arguments:?}");
    }

    fn command(&self, tool: &str) -> Command {
        let folder = self.folder.path();
        let root = rustix::process::geteuid().is_root();
        let mut command = if root {
            own(folder);
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")]);
            command
                .arg("--clear-groups")
                .arg(self.home.join("bin").join(tool));
            command
        } else {
            Command::new(self.home.join("bin").join(tool))
        };
        let product = if self.kind.is_elasticsearch() {
            "ES"
        } else {
            "OPENSEARCH"
        };
        command
            .current_dir(folder)
            .env("HOME", folder)
            .env(
                format!("{product}_JAVA_HOME"),
                java(self.kind.java()).expect("found before"),
            )
            .env(format!("{product}_JAVA_OPTS"), "-Xms512m -Xmx512m")
            .env(format!("{product}_PATH_CONF"), self.path("config"))
            .env(format!("{product}_TMPDIR"), self.path("tmp"));
        command
    }

    /// Starts it, again, on what it stored, and waits until it answers.
    pub fn restart(&mut self) {
        self.launch();
        self.wait();
    }

    /// Starts it without waiting.
    pub fn launch(&mut self) {
        let is_elasticsearch = self.kind.is_elasticsearch();
        let mut command = self.command(if is_elasticsearch {
            "elasticsearch"
        } else {
            "opensearch"
        });
        let setting = |name: &str, value: &str| format!("-E{name}={value}");
        command
            .arg(setting("http.port", &self.port.to_string()))
            .arg(setting("transport.port", &free_port().to_string()))
            .arg(setting("discovery.type", "single-node"))
            .arg(setting("path.data", &self.path("data").to_string_lossy()))
            .arg(setting("path.logs", &self.path("logs").to_string_lossy()))
            // A nearly full disk of the machine is no part of any test.
            .arg(setting(
                "cluster.routing.allocation.disk.threshold_enabled",
                "false",
            ));
        if is_elasticsearch
            && !self
                .settings
                .iter()
                .any(|setting| setting.contains("security"))
        {
            command.arg(setting("xpack.security.enabled", "false"));
        }
        command.args(self.settings.iter().map(|setting| format!("-E{setting}")));
        let said = fs::File::create(self.path("said")).expect("created");
        command
            .stdin(Stdio::null())
            .stdout(said.try_clone().expect("cloned"))
            .stderr(said);
        // Elasticsearch's launcher starts the node: both are killed together.
        self.child = Some(command.process_group(0).spawn().expect("started"));
    }

    /// Whether it answers.
    pub fn is_up(&self) -> bool {
        self.get("_cluster/health").0 == 200
    }

    /// Waits until it answers.
    pub fn wait(&mut self) {
        let deadline = Instant::now() + START;
        while !self.is_up() {
            let child = self.child.as_mut().expect("started");
            let ended = child.try_wait().expect("waited for");
            let said = || fs::read_to_string(self.folder.path().join("said")).unwrap_or_default();
            assert!(ended.is_none(), "{:?} ended: {}", self.kind, said());
            assert!(
                Instant::now() < deadline,
                "{:?} does not start: {}",
                self.kind,
                said()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let group = Pid::from_child(&child);
            let _ = kill_process_group(group, Signal::KILL);
            let _ = child.wait();
            // The launcher is reaped; the node itself, init's by now, has to be gone, too.
            while kill_process_group(group, Signal::CONT).is_ok() {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        let scheme = if self.is_secure() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.port)
    }

    fn is_secure(&self) -> bool {
        self.settings
            .iter()
            .any(|setting| setting == "xpack.security.http.ssl.enabled=true")
    }

    /// The status and the JSON of an answer; 0 without an answer.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut command = Command::new("curl");
        command.args([
            "-sk",
            "--noproxy",
            "*",
            "--max-time",
            "60",
            "-w",
            "\n%{http_code}",
            "-X",
            method,
        ]);
        if let Some((user, password)) = &self.user {
            command.arg("-u").arg(format!("{user}:{password}"));
        }
        if !body.is_empty() {
            let kind = if path.contains("_bulk") {
                "application/x-ndjson"
            } else {
                "application/json"
            };
            command.arg("-H").arg(format!("content-type: {kind}"));
            command.args(["--data-binary", "@-"]);
        }
        command.arg(format!("{}/{path}", self.url()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("curl");
        let mut stdin = child.stdin.take().expect("a pipe");
        let output = std::thread::scope(|scope| {
            scope.spawn(move || {
                // Who is not there reads nothing.
                let _ = stdin.write_all(body.as_bytes());
            });
            child.wait_with_output().expect("curl ends")
        });
        let text = String::from_utf8_lossy(&output.stdout);
        let (answer, status) = text.rsplit_once('\n').unwrap_or_default();
        let answer = serde_json::from_str(answer).unwrap_or_default();
        (status.parse().unwrap_or_default(), answer)
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, "")
    }

    /// A request that must succeed.
    pub fn must(&self, method: &str, path: &str, body: &str) -> Value {
        let (status, answer) = self.ask(method, path, body);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {answer}"
        );
        answer
    }

    /// All documents of a data stream or index, with their ids.
    pub fn documents(&self, target: &str) -> Vec<(String, Value)> {
        self.must("POST", &format!("{target}/_refresh"), "");
        let mut page = self.must(
            "POST",
            &format!("{target}/_search?scroll=5m&size=5000&sort=_doc"),
            "",
        );
        let mut all = Vec::new();
        loop {
            let hits = page["hits"]["hits"].as_array().cloned().unwrap_or_default();
            if hits.is_empty() {
                return all;
            }
            for mut hit in hits {
                let id = hit["_id"].as_str().unwrap_or_default().to_owned();
                all.push((id, hit["_source"].take()));
            }
            let scroll = serde_json::json!({"scroll": "5m", "scroll_id": page["_scroll_id"]});
            page = self.must("POST", "_search/scroll", &scroll.to_string());
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn nodes() -> Option<PathBuf> {
    let given = std::env::var_os("CONFLUENCE_ECS_NODES").map(PathBuf::from);
    let usual = || {
        // What is below root's home is not for the user that a node runs as.
        if rustix::process::geteuid().is_root() {
            return Some("/var/cache/confluence-ecs/nodes".into());
        }
        Some(Path::new(&std::env::var_os("HOME")?).join(".cache/confluence-ecs/nodes"))
    };
    given.or_else(usual)
}

/// A home of that Java or a newer one.
fn java(oldest: u32) -> Option<PathBuf> {
    let homes = fs::read_dir("/usr/lib/jvm")
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    let version = |home: &PathBuf| {
        let release = fs::read_to_string(home.join("release")).ok()?;
        let version = release
            .lines()
            .find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
        version.split(['.', '"']).next()?.parse::<u32>().ok()
    };
    let fit = homes.filter_map(|home| Some((version(&home)?, home)));
    // The oldest that fits: what is far newer may be refused.
    Some(fit.filter(|(version, _)| *version >= oldest).min()?.1)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("read").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).expect("created");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// Gives a folder and all in it to the user that the node runs as.
fn own(path: &Path) {
    let nobody = Some(NOBODY);
    std::os::unix::fs::lchown(path, nobody, nobody).expect("given away");
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path).expect("read").flatten() {
            own(&entry.path());
        }
    }
}
