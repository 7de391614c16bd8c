//! The output file, as other programs treat it: rotated, compressed, appended to, between a crash and
//! the next start and under the running program; and a stdout that is closed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::follow::{self, Place, append, finish, gzip, zstd};
use crate::support::program::{self, stderr, wait_until};
use rustix::process::Signal;

/// A place whose follower was killed when events stood in the output that its state does not know:
/// those of 4 to 6.
fn killed() -> Place {
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=3);
    place.once();
    let state = place.state_files();
    let saved: Vec<Vec<u8>> = state
        .iter()
        .map(|path| fs::read(path).expect("read"))
        .collect();
    let follower = place.start_ready();
    // The start saves twice, before anything can be written.
    wait_until("the state of the start", || {
        let now = fs::read(&state[0]).expect("read");
        now != saved[0] && !String::from_utf8_lossy(&now).contains("is_final")
    });
    let saved: Vec<Vec<u8>> = state
        .iter()
        .map(|path| fs::read(path).expect("read"))
        .collect();
    place.append("audit.log", 4..=6);
    place.arrive(1..=6);
    follower.kill();
    // As if it had been killed just before it saved.
    for (path, saved) in state.iter().zip(saved) {
        fs::write(path, saved).expect("written");
    }
    place
}

/// What of the series `a` is in files of outputs, plain or compressed.
fn delivered(paths: &[PathBuf]) -> Vec<u64> {
    let mut all = BTreeMap::<String, Vec<u64>>::new();
    for path in paths {
        let bytes = fs::read(path).expect("read");
        let plain = if path.extension().is_some_and(|ending| ending == "gz") {
            let mut plain = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(&bytes[..]);
            decoder.read_to_end(&mut plain).expect("gzip");
            plain
        } else if path.extension().is_some_and(|ending| ending == "zst") {
            zstd::decode_all(&bytes[..]).expect("zstd")
        } else {
            bytes
        };
        let copy = tempfile::NamedTempFile::new().expect("a file");
        fs::write(copy.path(), plain).expect("written");
        for (series, numbers) in follow::delivered(copy.path()) {
            all.entry(series).or_default().extend(numbers);
        }
    }
    all.remove("a").unwrap_or_default()
}

fn beside(place: &Place, name: &str) -> PathBuf {
    let path = place.folder().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("created");
    path
}

/// Files beside the output that hold what was put aside.
fn orphans(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.to_string_lossy().contains(".orphan-"))
        .collect()
}

#[test]
fn an_output_that_was_put_aside_after_a_kill_holds_each_event_once() {
    type Rotate = fn(&Path, &Path);
    let rename: Rotate = |out, to| fs::rename(out, to).expect("renamed");
    let copy: Rotate = |out, to| {
        fs::copy(out, to).expect("copied");
        fs::write(out, "").expect("truncated");
    };
    let to_gzip: Rotate = |out, to| {
        fs::write(to, gzip(&fs::read(out).expect("read"))).expect("written");
        fs::remove_file(out).expect("removed");
    };
    let to_zstd: Rotate = |out, to| {
        fs::write(to, zstd(&fs::read(out).expect("read"))).expect("written");
        fs::remove_file(out).expect("removed");
    };
    let copy_to_gzip: Rotate = |out, to| {
        fs::write(to, gzip(&fs::read(out).expect("read"))).expect("written");
        fs::write(out, "").expect("truncated");
    };
    for (name, rotate) in [
        ("out.ndjson.1", rename),
        ("old/out.ndjson-20260411", rename),
        ("out.ndjson.1", copy),
        ("old/out.ndjson.1", copy),
        ("out.ndjson.1.gz", to_gzip),
        ("out-20260411.ndjson.gz", to_gzip),
        ("old/out.ndjson.1.gz", to_gzip),
        ("out.ndjson.1.zst", to_zstd),
        ("out.ndjson.1.gz", copy_to_gzip),
    ] {
        for is_begun_anew in [false, true] {
            let place = killed();
            let to = beside(&place, name);
            rotate(&place.out(), &to);
            if is_begun_anew {
                append(&place.out(), b"");
            }
            place.append("audit.log", 7..=8);
            let told = stderr(&place.once());
            let numbers = delivered(&[to, place.out()]);
            assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8], "{name}: {told}");
            assert!(!told.contains("WARN"), "{name}: {told}");
            place.once();
        }
    }
}

#[test]
fn an_archive_that_is_cut_keeps_its_time_and_mode() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let place = killed();
    let to = beside(&place, "out.ndjson.1.gz");
    fs::write(&to, gzip(&fs::read(place.out()).expect("read"))).expect("written");
    fs::remove_file(place.out()).expect("removed");
    fs::set_permissions(&to, fs::Permissions::from_mode(0o640)).expect("set");
    let before = fs::metadata(&to).expect("there");
    place.once();
    let after = fs::metadata(&to).expect("there");
    assert_ne!(before.ino(), after.ino(), "it is written anew");
    assert_eq!(
        (before.mode(), before.mtime_nsec()),
        (after.mode(), after.mtime_nsec())
    );
    assert_eq!(delivered(&[to, place.out()]), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_clean_end_leaves_nothing_to_warn_of() {
    for name in ["out.ndjson.1.gz", "old/out.ndjson.1.gz", "/elsewhere"] {
        let place = Place::new(&["*.log"]).loud();
        place.append("audit.log", 1..=3);
        place.once();
        let bytes = gzip(&fs::read(place.out()).expect("read"));
        if name != "/elsewhere" {
            fs::write(beside(&place, name), bytes).expect("written");
        }
        fs::remove_file(place.out()).expect("removed");
        place.append("audit.log", 4..=5);
        let told = stderr(&place.once());
        assert!(!told.contains("WARN"), "{told}");
        assert_eq!(delivered(&[place.out()]), [4, 5]);
    }
}

/// An event of another program, as `normalize` makes it.
fn foreign(number: u64) -> Vec<u8> {
    format!("{{\"foreign\":{number}}}\n").into_bytes()
}

#[test]
fn what_others_append_stays_in_place() {
    // After a clean end.
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=2);
    place.once();
    append(&place.out(), &foreign(1));
    place.append("audit.log", 3..=3);
    place.once();
    let shown: Vec<bool> = place
        .events()
        .iter()
        .map(|event| event["foreign"] == 1)
        .collect();
    assert_eq!(shown, [false, false, true, false]);

    // Behind and between what a crash left.
    let place = killed();
    let text = fs::read_to_string(place.out()).expect("read");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut mixed = lines[..4].concat().into_bytes();
    mixed.extend(foreign(1));
    mixed.extend(lines[4..].concat().into_bytes());
    mixed.extend(foreign(2));
    mixed.extend(b"{\"@timestamp\":\"half");
    fs::write(place.out(), mixed).expect("written");
    place.append("audit.log", 7..=7);
    let told = stderr(&place.once());
    assert!(told.contains("lines=2"), "{told}");
    let events = place.events();
    let numbers: Vec<u64> = events
        .iter()
        .filter(|event| event["foreign"].is_null())
        .map(|event| follow::identity(event).1)
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
    let others = events.iter().filter_map(|event| event["foreign"].as_u64());
    assert_eq!(others.collect::<Vec<_>>(), [1, 2]);
    assert!(orphans(place.folder()).len() <= 1, "only half a line");
}

#[test]
fn states_in_different_directories_take_turns_with_one_output() {
    let place = killed();
    let other = Place::new(&["*.log"]).loud();
    other.append("other.log", 101..=103);
    let tail_other = || {
        let mut command = other.tail(&["--once", "-o"]);
        command.arg(place.out());
        let output = finish(command);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    tail_other();
    place.append("audit.log", 7..=8);
    place.once();
    other.append("other.log", 104..=104);
    tail_other();
    place.append("audit.log", 9..=9);
    place.once();
    let mut numbers = delivered(&[place.out()]);
    numbers.sort_unstable();
    let expected: Vec<u64> = (1..=9).chain(101..=104).collect();
    assert_eq!(numbers, expected);
    assert_eq!(orphans(place.folder()), Vec::<PathBuf>::new());
}

#[test]
fn another_state_of_the_same_log_keeps_its_events() {
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=3);
    place.once();
    let state = place.folder().join("state2");
    let output =
        finish(place.tail_to_file(&["--once", "--state-dir", state.to_str().expect("UTF-8")]));
    // Clap takes the last of a flag, or refuses two: then this test says nothing.
    if output.status.code() != Some(0) {
        let mut command = program::command(["tail", "--once", "--preserve-original-event"]);
        command.arg("--state-dir").arg(&state);
        command
            .arg("-o")
            .arg(place.out())
            .arg(place.path("audit.log"));
        let output = finish(command);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    place.append("audit.log", 4..=4);
    place.once();
    assert_eq!(delivered(&[place.out()]), [1, 2, 3, 1, 2, 3, 4]);
}

/// The text of a file, compressed or not, as far as it goes.
fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let mut plain = Vec::new();
    if path.extension().is_some_and(|ending| ending == "gz") {
        let _ = flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut plain);
    } else {
        plain = bytes;
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// What of the running program's output stands in it and its archives; of archives that come and go,
/// what can be read.
fn everywhere(place: &Place) -> Vec<u64> {
    let entries = fs::read_dir(place.folder()).expect("a folder").flatten();
    let paths = entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("out.ndjson") && !name.contains(".orphan-")
    });
    let mut numbers = Vec::new();
    for path in paths {
        let events = text(&path);
        let events = events
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        numbers.extend(events.map(|event| follow::identity(&event).1));
    }
    numbers.sort_unstable();
    numbers
}

#[test]
fn logrotate_that_compresses_at_once_and_tells_nobody() {
    if Command::new("logrotate").arg("--version").output().is_err() {
        eprintln!("left out: logrotate is missing");
        return;
    }
    for method in ["create", "nocreate", "copytruncate"] {
        let place = Place::new(&["*.log"]).loud();
        let configuration = place.folder().join("logrotate.conf");
        let text = format!(
            "{} {{\nrotate 30\ncompress\n{method}\nmissingok\nsize 1\n}}\n",
            place.out().display()
        );
        fs::write(&configuration, text).expect("written");
        let follower = place.start_ready();
        let mut last = 0;
        for round in 1..=25 {
            place.append("audit.log", last + 1..=last + 40);
            last += 40;
            if round % 2 == 0 {
                wait_until("an event", || {
                    place.said().len() < usize::MAX && place.out().exists()
                });
            }
            let status = Command::new("logrotate")
                .args(["-f", "-s"])
                .arg(place.folder().join("logrotate.state"))
                .arg(&configuration)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            status.expect("logrotate runs");
        }
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(15);
        let is_sure = method != "copytruncate";
        while is_sure
            && !(place.said().contains("may be in no file") || everywhere_has(&place, last))
        {
            let missing = missing(&everywhere(&place), last);
            assert!(
                std::time::Instant::now() < deadline,
                "{method}: {missing:?} {}",
                place.said()
            );
        }
        follower.terminate();
        place.once();
        let numbers = everywhere(&place);
        let said = place.said();
        assert_eq!(doubled(&numbers), Vec::<u64>::new(), "{method}: {said}");
        if method == "copytruncate" {
            // What is written between copy and truncation, nobody can see.
            continue;
        }
        // What is lost, and nobody could see that no copy has it, is told at least.
        let lost = missing(&numbers, last);
        assert!(
            lost.len() <= told_losses(&said),
            "{method}: {lost:?}: {said}"
        );
    }
}

/// How many events were said to be lost, perhaps.
fn told_losses(said: &str) -> usize {
    let lines = said
        .lines()
        .filter(|line| line.contains("may be in no file"));
    let counts =
        lines.filter_map(|line| line.rsplit_once("events=")?.1.trim().parse::<usize>().ok());
    counts.sum()
}

fn doubled(numbers: &[u64]) -> Vec<u64> {
    let pairs = numbers.windows(2);
    pairs
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect()
}

fn missing(numbers: &[u64], last: u64) -> Vec<u64> {
    (1..=last)
        .filter(|number| !numbers.contains(number))
        .collect()
}

fn everywhere_has(place: &Place, number: u64) -> bool {
    everywhere(place).contains(&number)
}

/// A follower whose unsaved events are in a file that was compressed and deleted under it.
#[test]
fn what_was_written_behind_the_back_of_gzip_is_written_again() {
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=3);
    let follower = place.start_ready();
    place.arrive(1..=3);
    follower.signal(Signal::HUP);
    for round in 0..20 {
        // Compressed as it stands, then written to, then deleted: by chance before the next save.
        let bytes = fs::read(place.out()).unwrap_or_default();
        let archive = place.folder().join(format!("out.ndjson.{round}.gz"));
        let first = 4 + round * 2;
        let moved = place.folder().join("out.ndjson.tmp");
        place.append("audit.log", first..=first + 1);
        if bytes.is_empty() {
            continue;
        }
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |end| end + 1);
        fs::write(&archive, gzip(&bytes[..whole])).expect("written");
        fs::rename(place.out(), &moved).expect("renamed");
        let now = fs::read(&moved).expect("read");
        // What came between is in the archive of a gzip that ran later.
        fs::write(&archive, gzip(&now)).expect("written");
        fs::remove_file(&moved).expect("removed");
        wait_until("a new output", || place.out().exists());
    }
    wait_until("the last event", || everywhere_has(&place, 43));
    follower.terminate();
    let expected: Vec<u64> = (1..=43).collect();
    assert_eq!(everywhere(&place), expected, "{}", place.said());
}
