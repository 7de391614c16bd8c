//! Following files with the binary: a follower that does not outlive its test, numbered records,
//! and what of them has arrived.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::binary::{self, wait_until};

/// How long a follower may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with followed files (`logs/`), the state (`state/`), the output and what was said.
pub struct Place {
    /// Alone in a directory of its own, so that the outputs of other tests are not beside it.
    folder: PathBuf,
    _guard: TempDir,
    patterns: Vec<PathBuf>,
    pub(super) flags: Vec<String>,
    quiet: bool,
}

impl Place {
    /// A place where those patterns, relative to `logs/`, are followed.
    pub fn new(patterns: &[&str]) -> Self {
        let guard = tempfile::tempdir().expect("a folder");
        let folder = guard.path().join("place");
        fs::create_dir_all(folder.join("logs")).expect("created");
        let mut place = Self {
            folder,
            _guard: guard,
            patterns: Vec::new(),
            flags: Vec::new(),
            quiet: true,
        };
        for pattern in patterns {
            place.follow(pattern);
        }
        place
    }

    /// Follows one pattern more.
    pub fn follow(&mut self, pattern: &str) {
        self.patterns.push(self.path(pattern));
    }

    /// From here on follows that pattern alone.
    pub fn follow_only(&mut self, pattern: &str) {
        self.patterns = vec![self.path(pattern)];
    }

    /// The same with more flags.
    pub fn with(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(ToString::to_string));
        self
    }

    /// The same with warnings on stderr.
    pub fn loud(mut self) -> Self {
        self.quiet = false;
        self
    }

    /// The folder of everything.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A followed file or folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join("logs").join(name)
    }

    /// The output file.
    pub fn out(&self) -> PathBuf {
        self.folder().join("out.ndjson")
    }

    /// The folder of the state.
    pub fn state_dir(&self) -> PathBuf {
        self.folder().join("state")
    }

    /// `tail` with this place's patterns and state, and more arguments, without an output.
    pub fn tail(&self, more: &[&str]) -> Command {
        let mut command = binary::command(["tail"]);
        command
            .args(&self.patterns)
            .args(["--preserve-original-event", "--poll-interval", "50ms"])
            .arg("--state-dir")
            .arg(self.state_dir())
            .args(self.quiet.then_some("-q"))
            .args(&self.flags)
            .args(more)
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null());
        command
    }

    /// `tail` into the output file.
    pub fn tail_to_file(&self, more: &[&str]) -> Command {
        let mut command = self.tail(more);
        command.arg("-o").arg(self.out());
        command
    }

    /// Starts a follower.
    pub fn start(&self) -> Follower {
        self.start_command(self.tail_to_file(&[]))
    }

    /// Starts a follower that was put together by hand.
    pub fn start_command(&self, mut command: Command) -> Follower {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder().join("stderr"))
            .expect("opened");
        let child = command.stderr(log).spawn().expect("the binary starts");
        Follower {
            child,
            log: self.folder().join("stderr"),
        }
    }

    /// What the followers said so far.
    pub fn said(&self) -> String {
        let said = fs::read(self.folder().join("stderr")).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Starts a follower and waits until it has begun.
    pub fn start_ready(&self) -> Follower {
        let follower = self.start();
        wait_until("the output and the state", || self.is_ready());
        follower
    }

    /// Whether a first start has begun: there are an output file and a state.
    pub fn is_ready(&self) -> bool {
        self.out().exists() && !self.state().is_empty()
    }

    /// The state as text: all its files but temporary ones.
    pub fn state(&self) -> String {
        let mut text = String::new();
        for path in self.state_files() {
            text += &String::from_utf8_lossy(&fs::read(path).unwrap_or_default());
        }
        text
    }

    /// The files of the state folder that hold JSON and are not temporary.
    pub fn state_files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.state_dir()) else {
            return Vec::new();
        };
        let mut files: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let begins_json = fs::read(path).is_ok_and(|text| text.starts_with(b"{"));
                !name.starts_with('.') && !name.contains("tmp") && begins_json
            })
            .collect();
        files.sort();
        files
    }
}

/// A running follower. It is killed when the test is done with it.
pub struct Follower {
    pub(super) child: Child,
    log: PathBuf,
}

impl Follower {
    /// Sends a signal, once the follower has its handler for it.
    pub fn signal(&self, signal: Signal) {
        wait_until("the signal's handler", || catches(&self.child, signal));
        send(&self.child, signal);
    }

    /// Ends it at once.
    pub fn kill(mut self) {
        self.must_run();
        self.child.kill().expect("killed");
        self.child.wait().expect("waited");
    }

    /// Asks it to end, which it does with 0.
    pub fn terminate(mut self) {
        self.must_run();
        self.signal(Signal::TERM);
        self.ends_with(Some(0));
    }

    /// Waits for its end.
    pub fn ends_with(&mut self, code: Option<i32>) {
        let status = wait(&mut self.child, PATIENCE);
        let code_is = status.map(|status| status.code());
        assert_eq!(code_is, Some(code), "{}", self.said());
    }

    /// The most memory that it had so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a process");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.expect("a size") * 1024
    }

    /// It has not ended by itself.
    pub fn must_run(&mut self) {
        let status = self.child.try_wait().expect("waited");
        assert!(
            status.is_none(),
            "it ended by itself, {status:?}: {}",
            self.said()
        );
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a child that has not been waited for.
pub fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    kill_process(pid, signal).expect("sent");
}

/// Whether a child has a handler for a signal, or has ended.
pub fn catches(child: &Child, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_none_or(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

/// Waits for the end of a child; nothing when it does not come.
pub fn wait(child: &mut Child, patience: Duration) -> Option<std::process::ExitStatus> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().expect("waited") {
            return Some(status);
        }
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Runs a command without input to its end, which must come in time.
pub fn finish(mut command: Command) -> Output {
    let (mut stdout, mut stderr) = (spool(), spool());
    let child = command
        .stdin(Stdio::null())
        .stdout(stdout.try_clone().expect("a handle"))
        .stderr(stderr.try_clone().expect("a handle"))
        .spawn()
        .expect("the command starts");
    let mut guard = Follower {
        child,
        log: PathBuf::new(),
    };
    let status = wait(&mut guard.child, PATIENCE);
    let (stdout, stderr) = (read_back(&mut stdout), read_back(&mut stderr));
    let status =
        status.unwrap_or_else(|| panic!("it does not end: {}", String::from_utf8_lossy(&stderr)));
    Output {
        status,
        stdout,
        stderr,
    }
}

fn spool() -> File {
    tempfile::tempfile().expect("a file")
}

fn read_back(file: &mut File) -> Vec<u8> {
    let mut text = Vec::new();
    std::io::Seek::rewind(file).expect("rewound");
    file.read_to_end(&mut text).expect("read");
    text
}

/// Appends bytes to a file in one write.
pub fn append(path: &Path, bytes: &[u8]) {
    let file = File::options().create(true).append(true).open(path);
    file.expect("opened").write_all(bytes).expect("written");
}

/// One record of a Data Center file, without its line end: mostly short, now and then long, often
/// with characters of several bytes. The same series and number give the same record.
pub fn record(series: &str, number: u64) -> String {
    let filler = match number % 23 {
        7 => "Page title with words — ".repeat(200 + 17 * (number % 40) as usize),
        11 | 19 => "漢字 🦀 Zoë ".repeat(3 + (number % 5) as usize),
        _ => "x".repeat(1 + (number * 37 % 300) as usize),
    };
    record_with(series, number, "", &filler)
}

/// A record whose first bytes, more than 5 KiB of them, are the same for every series and number.
pub fn record_of_equal_beginning(series: &str, number: u64) -> String {
    record_with(series, number, &"The same for all. ".repeat(300), "")
}

/// The shortest record that is still mapped.
pub fn short_record(series: &str, number: u64) -> String {
    let objects = json!([{ "id": format!("{series}:{number}") }]);
    format!(
        r#"{{"affectedObjects":{objects},"auditType":{{"action":"a"}},"timestamp":{{"epochSecond":{number},"nano":0}}}}"#
    )
}

fn record_with(series: &str, number: u64, begin: &str, filler: &str) -> String {
    let mut objects = String::new();
    if !begin.is_empty() {
        write!(objects, r#"{{"name":{}}},"#, json!(begin)).expect("written");
    }
    let object = json!({ "id": format!("{series}:{number}"), "name": filler, "type": "Page" });
    write!(objects, "{object}").expect("written");
    let author = json!({ "id": "2c95", "name": "Zoë 漢字", "type": "user" });
    let kind = json!({
        "action": "Page viewed",
        "actionI18nKey": "audit.logging.summary.page.viewed",
        "area": "END_USER_ACTIVITY",
        "category": "Pages",
        "categoryI18nKey": "audit.logging.category.page",
        "level": "FULL",
    });
    let second = 1_767_225_600 + number;
    format!(
        r#"{{"affectedObjects":[{objects}],"auditType":{kind},"author":{author},"changedValues":[],"extraAttributes":[],"method":"Browser","source":"10.0.0.1","system":"http://confluence.internal:8090","timestamp":{{"epochSecond":{second},"nano":5000000}},"version":"1.0"}}"#
    )
}

/// The series and number of an event.
pub fn identity(event: &Value) -> (String, u64) {
    let last_id = |objects: &Value| {
        let last = objects.as_array().and_then(|objects| objects.last());
        last.map_or(Value::Null, |object| object["id"].clone())
    };
    let mapped = last_id(&event["confluence"]["audit"]["affected_objects"]);
    let original = original(event);
    let original: Value =
        serde_json::from_str(original).unwrap_or_else(|error| panic!("{error}: {original}"));
    assert_eq!(last_id(&original["affectedObjects"]), mapped, "{event}");
    let id = mapped
        .as_str()
        .unwrap_or_else(|| panic!("not a numbered record: {event}"));
    let (series, number) = id.split_once(':').expect("a series and a number");
    (series.to_owned(), number.parse().expect("a number"))
}

/// The untouched text of an event's record.
pub fn original(event: &Value) -> &str {
    event["event"]["original"]
        .as_str()
        .unwrap_or_else(|| panic!("no original: {event}"))
}

/// Compresses as gzip does.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

/// Compresses as zstd does.
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).expect("compressed")
}
