//! What the tests of `tail` do to the logs of a [`Place`], and what they ask of its output.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Child, Output};

use rustix::process::Signal;
use serde_json::Value;

pub use super::place::*;
use super::program::{self, lines, wait_until};

impl Place {
    /// A command about this place's state.
    pub fn about(&self, arguments: &[&str]) -> Output {
        let mut command = program::command(arguments);
        command.arg("--state-dir").arg(self.state_dir());
        finish(command)
    }

    /// Runs `tail --once`, which must end with 0.
    pub fn once(&self) -> Output {
        let output = finish(self.tail_to_file(&["--once"]));
        assert_eq!(
            output.status.code(),
            Some(0),
            "--once: {}",
            program::stderr(&output)
        );
        output
    }

    /// Appends bytes to a followed file.
    pub fn append_bytes(&self, name: &str, bytes: impl AsRef<[u8]>) {
        append(&self.path(name), bytes.as_ref());
    }

    /// Appends records of the series `a` to a followed file.
    pub fn append(&self, name: &str, numbers: RangeInclusive<u64>) {
        self.append_bytes(name, records("a", numbers));
    }

    /// Appends bytes as a slow copy does: in pieces that a running follower sees.
    pub fn append_in_pieces(&self, name: &str, bytes: &[u8]) {
        for piece in bytes.chunks(bytes.len() / 5) {
            self.append_bytes(name, piece);
            std::thread::sleep(std::time::Duration::from_millis(60));
        }
    }

    /// Renames a followed file.
    pub fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    /// Copies a followed file, as `copytruncate` begins.
    pub fn copy(&self, from: &str, to: &str) {
        fs::write(self.path(to), fs::read(self.path(from)).expect("read")).expect("written");
    }

    /// Empties a followed file in place, as `copytruncate` ends.
    pub fn truncate(&self, name: &str) {
        let file = File::options().write(true).open(self.path(name));
        file.expect("opened").set_len(0).expect("truncated");
    }

    /// Removes a followed file.
    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("removed");
    }

    /// The events in the output.
    pub fn events(&self) -> Vec<Value> {
        lines(&fs::read(self.out()).expect("the output"))
    }

    /// The `pipeline_error` events in the output.
    pub fn errors(&self) -> Vec<Value> {
        let mut events = self.events();
        events.retain(|event| event["event"]["kind"] == "pipeline_error");
        events
    }

    /// How many lines of the output an event takes.
    fn lines_of_event(&self) -> usize {
        1 + usize::from(self.flags.iter().any(|flag| flag == "bulk"))
    }

    /// Waits until these records of the series `a`, and nothing else, stand in the output.
    pub fn arrive(&self, numbers: impl IntoIterator<Item = u64>) {
        let numbers: Vec<_> = numbers.into_iter().collect();
        wait_until(&format!("{} records", numbers.len()), || {
            line_count(&self.out()) >= numbers.len() * self.lines_of_event()
        });
        self.has(numbers);
    }

    /// These records of the series `a`, and nothing else, stand in the output.
    pub fn has(&self, numbers: impl IntoIterator<Item = u64>) {
        let numbers: Vec<_> = numbers.into_iter().collect();
        let mut delivered = delivered(&self.out());
        let of_a = delivered.remove("a").unwrap_or_default();
        assert_eq!(of_a, numbers, "{}", self.said());
        assert!(delivered.is_empty(), "others: {delivered:?}");
    }
}

impl Follower {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Holds it up: none of its threads runs any more when this returns.
    pub fn hold(&self) {
        send(&self.child, Signal::STOP);
        wait_until("every thread to stop", || {
            let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()));
            threads.expect("a process").all(|thread| {
                let status = thread.expect("a thread").path().join("status");
                fs::read_to_string(status).is_ok_and(|text| text.contains("\nState:\tT"))
            })
        });
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        send(&self.child, Signal::CONT);
    }

    /// Its process, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

/// How many lines of a file are complete.
pub fn line_count(path: &Path) -> usize {
    let text = fs::read(path).unwrap_or_default();
    memchr::memchr_iter(b'\n', &text).count()
}

/// Records with their line ends.
pub fn records(series: &str, numbers: RangeInclusive<u64>) -> Vec<u8> {
    let mut text = String::new();
    for number in numbers {
        text += &record(series, number);
        text.push('\n');
    }
    text.into_bytes()
}

/// What stands in an output file: the numbers of each series, in order. A torn line, an event that
/// is not of a numbered record, a number that is not the same in the mapped field and in the original,
/// and an action line without its event are failures.
pub fn delivered(out: &Path) -> BTreeMap<String, Vec<u64>> {
    let mut delivered = BTreeMap::<_, Vec<_>>::new();
    let mut action = None;
    for event in lines(&fs::read(out).expect("the output")) {
        if let Some(id) = event["create"]["_id"].as_str() {
            assert_eq!(action.replace(id.to_owned()), None, "no event follows");
            continue;
        }
        action = None;
        let (series, number) = identity(&event);
        delivered.entry(series).or_default().push(number);
    }
    assert_eq!(action, None, "no event follows");
    delivered
}

/// Compresses as xz does.
pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(6);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect("an encoder");
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}

/// Compresses as bzip2 does.
pub fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("finished")
}
