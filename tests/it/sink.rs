//! The output file: cut back after a crash, found after a rotation, waiting on a full disk.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::env;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::again;
use crate::support::told::told;
use confluence_ecs::sink::{
    Durable, Error, FileSink, KnownWriters, OutputCheckpoint, Recorded, Whose,
};

/// Nobody gives up.
const NEVER: &dyn Fn() -> bool = &|| false;

/// A directory with an output file in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.folder()).unwrap();
        place
    }

    /// A place whose file was written and recorded up to `recorded`, and then written on.
    fn crashed(recorded: &str, and_then: &str) -> (Self, OutputCheckpoint) {
        let place = Self::new();
        let mut sink = place.open();
        sink.write(recorded.as_bytes(), NEVER).unwrap();
        let recorded = sink.sync().unwrap().unwrap();
        sink.write(and_then.as_bytes(), NEVER).unwrap();
        (place, recorded)
    }

    /// In a directory that has none beside it, where other tests' outputs would be found.
    fn folder(&self) -> PathBuf {
        self.0.path().join("output")
    }

    fn path(&self) -> PathBuf {
        self.folder().join("out.ndjson")
    }

    fn rotated(&self) -> PathBuf {
        self.folder().join("out.ndjson.1")
    }

    fn open(&self) -> FileSink {
        FileSink::open(&self.path()).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

/// Settles, and what that told.
fn cut_back(recorded: &OutputCheckpoint) -> String {
    let (settled, told) =
        told(|| FileSink::cut_back(recorded, &KnownWriters::default(), &mut |_, _| Whose::Ours));
    settled.unwrap();
    told
}

/// Lines of more than the 4 KiB that are hashed at each end.
fn long() -> String {
    let lines: Vec<String> = (0..1000).map(|line| format!("line {line}\n")).collect();
    lines.concat()
}

#[test]
fn what_follows_the_record_is_cut() {
    for recorded_text in ["", "one\n", &long()] {
        for and_then in ["", "two\n", "two\nhal", &long()] {
            let (place, recorded) = Place::crashed(recorded_text, and_then);
            assert_eq!(recorded.length, recorded_text.len() as u64);
            cut_back(&recorded);
            assert_eq!(place.text(), recorded_text);
            cut_back(&recorded);
            assert_eq!(place.text(), recorded_text, "once more is no more");
        }
    }
}

#[test]
fn a_record_is_the_file_s_own_and_goes_through_json() {
    let (place, recorded) = Place::crashed("one\n", "");
    let metadata = fs::metadata(place.path()).unwrap();
    assert_eq!(
        (recorded.file_id.device, recorded.file_id.inode),
        (metadata.dev(), metadata.ino())
    );
    assert!(recorded.path.is_absolute());
    let json = serde_json::to_string(&recorded).unwrap();
    assert_eq!(
        serde_json::from_str::<OutputCheckpoint>(&json).unwrap(),
        recorded
    );
}

#[test]
fn a_file_that_was_moved_away_is_found_and_cut() {
    for recorded_text in ["", "one\n"] {
        let (place, recorded) = Place::crashed(recorded_text, "two\n");
        fs::rename(place.path(), place.rotated()).unwrap();
        cut_back(&recorded);
        assert_eq!(fs::read_to_string(place.rotated()).unwrap(), recorded_text);
        assert!(!place.path().exists(), "settling creates nothing");

        let (place, recorded) = Place::crashed(recorded_text, "two\n");
        fs::rename(place.path(), place.rotated()).unwrap();
        fs::write(place.path(), "another\n").unwrap();
        cut_back(&recorded);
        assert_eq!(fs::read_to_string(place.rotated()).unwrap(), recorded_text);
        assert_eq!(place.text(), "another\n");
    }
}

#[test]
fn device_numbers_may_change() {
    let (place, mut recorded) = Place::crashed("one\n", "two\n");
    recorded.file_id.device += 1;
    cut_back(&recorded);
    assert_eq!(place.text(), "one\n");
}

#[test]
fn a_reused_inode_is_never_cut() {
    for (recorded_text, other) in [
        ("one\n", "two\nthree\n".to_owned()),
        ("one\n", "oneone\nthree\n".to_owned()),
        ("", "foreign\n".to_owned()),
        (&long(), long().replace("line 0", "life 0") + "more\n"),
        (&long(), long().replace("line 999", "life 999") + "more\n"),
    ] {
        for is_moved in [false, true] {
            if recorded_text.is_empty() && is_moved {
                // No byte tells it from a copy: its lines are asked for whose they are.
                continue;
            }
            let (place, mut recorded) = Place::crashed(recorded_text, "");
            fs::remove_file(place.path()).unwrap();
            let path = if is_moved {
                place.rotated()
            } else {
                place.path()
            };
            fs::write(&path, &other).unwrap();
            // What some file systems do by themselves, and others not.
            recorded.file_id.inode = fs::metadata(&path).unwrap().ino();
            // The clock may not have ticked meanwhile, as it will have outside of tests.
            recorded.file_id.born = recorded.file_id.born.map(|born| born - 1);
            if recorded.length == 0 && recorded.file_id.born.is_none() && !is_moved {
                eprintln!("skipped: the file system knows no birth times");
                continue;
            }
            let told = cut_back(&recorded);
            assert_eq!(fs::read_to_string(&path).unwrap(), other);
            // Elsewhere, a number that is used again is no news; nor where nothing was recorded.
            let is_news = !is_moved && !recorded_text.is_empty();
            assert_eq!(told.contains("different content"), is_news, "{told}");
            assert_eq!(told.contains("is gone"), is_moved, "{told}");
        }
    }
}

#[test]
fn a_shorter_file_is_not_padded_but_told_and_appended_to() {
    let (place, recorded) = Place::crashed("{\"a\":1}\n{\"a\":2}\n", "");
    fs::write(place.path(), "{\"a\":1}\n").unwrap();
    // None of it comes again: it was there before the checkpoint.
    let (settled, told) = told(|| {
        FileSink::cut_back(&recorded, &KnownWriters::default(), &mut |_, _| {
            Whose::Foreign
        })
    });
    settled.unwrap();
    assert!(told.contains("WARN ") && told.contains("shorter"), "{told}");
    let mut sink = place.open();
    sink.write(b"three\n", NEVER).unwrap();
    assert_eq!(sink.sync().unwrap().unwrap().length, 14);
    assert_eq!(place.text(), "{\"a\":1}\nthree\n");
}

#[test]
fn a_file_that_is_gone_is_told() {
    let (place, recorded) = Place::crashed("one\n", "");
    fs::remove_file(place.path()).unwrap();
    assert!(cut_back(&recorded).contains("is gone"));
    fs::remove_dir(place.folder()).unwrap();
    assert!(cut_back(&recorded).contains("is gone"));
}

#[test]
fn a_symbolic_link_that_leads_elsewhere_now_is_not_followed() {
    let place = Place::new();
    let (first, second) = (place.0.path().join("1"), place.0.path().join("2"));
    std::os::unix::fs::symlink(&first, place.path()).unwrap();
    let mut sink = place.open();
    sink.write(b"one\n", NEVER).unwrap();
    let recorded = sink.sync().unwrap().unwrap();
    sink.write(b"two\n", NEVER).unwrap();
    fs::remove_file(place.path()).unwrap();
    std::os::unix::fs::symlink(&second, place.path()).unwrap();
    assert!(sink.is_moved());
    sink.reopen().unwrap();
    sink.write(b"three\n", NEVER).unwrap();
    drop(sink);
    cut_back(&recorded);
    assert_eq!(fs::read_to_string(first).unwrap(), "one\n");
    assert_eq!(fs::read_to_string(second).unwrap(), "three\n");
}

#[test]
fn a_rotated_file_is_left_for_a_new_one() {
    let place = Place::new();
    let mut sink = place.open();
    sink.write(b"one\n", NEVER).unwrap();
    assert!(!sink.is_moved());
    sink.reopen().unwrap();
    fs::rename(place.path(), place.rotated()).unwrap();
    assert!(sink.is_moved());
    sink.write(b"two\n", NEVER).unwrap();
    let rotated = sink.sync().unwrap().unwrap();
    sink.reopen().unwrap();
    assert!(!sink.is_moved());
    sink.write(b"three\n", NEVER).unwrap();
    let new = sink.sync().unwrap().unwrap();
    assert_ne!(rotated.file_id.inode, new.file_id.inode);
    assert_eq!(fs::read_to_string(place.rotated()).unwrap(), "one\ntwo\n");
    assert_eq!(place.text(), "three\n");
}

#[test]
fn a_reopening_that_fails_changes_nothing() {
    let place = Place::new();
    let mut sink = place.open();
    fs::rename(place.path(), place.rotated()).unwrap();
    fs::create_dir(place.path()).unwrap();
    let message = sink.reopen().unwrap_err().to_string();
    assert!(
        message.contains(place.path().to_str().unwrap()),
        "{message}"
    );
    sink.write(b"one\n", NEVER).unwrap();
    assert_eq!(fs::read_to_string(place.rotated()).unwrap(), "one\n");
}

#[test]
fn syncing_is_remembered_until_something_changes() {
    let place = Place::new();
    let mut sink = place.open();
    let empty = sink.sync().unwrap().unwrap();
    assert_eq!((empty.length, &empty.head), (0, &empty.tail));
    sink.write(b"", NEVER).unwrap();
    assert_eq!(sink.sync().unwrap().unwrap(), empty);
    sink.write(b"one\n", NEVER).unwrap();
    let one = sink.sync().unwrap().unwrap();
    assert_eq!(one.length, 4);
    assert_ne!(one.head, empty.head);
    // As logrotate's copytruncate does.
    File::options()
        .write(true)
        .truncate(true)
        .open(place.path())
        .unwrap();
    let emptied = sink.sync().unwrap().unwrap();
    assert_eq!((emptied.length, &emptied.head), (0, &empty.head));
}

#[test]
fn an_unfinished_line_is_ended_before_the_next_begins() {
    let place = Place::new();
    fs::write(place.path(), "one\ntw").unwrap();
    let (mut sink, told) = told(|| place.open());
    assert!(told.contains("unfinished"), "{told}");
    sink.write(b"three\n", NEVER).unwrap();
    assert_eq!(place.text(), "one\ntw\nthree\n");
}

#[test]
fn one_process_appends_to_a_file() {
    const VARIABLE: &str = "CONFLUENCE_ECS_TEST_APPENDS";
    if let Some(path) = env::var_os(VARIABLE) {
        let _sink = FileSink::open(Path::new(&path)).unwrap();
        println!("held");
        // Until the other end kills us.
        std::io::stdin().lines().for_each(drop);
        return;
    }
    let (place, recorded) = Place::crashed("one\n", "two\n");
    let mut child = again::command(one_process_appends_to_a_file, VARIABLE, place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("held")));
    for error in [
        FileSink::open(&place.path()).unwrap_err(),
        FileSink::cut_back(&recorded, &KnownWriters::default(), &mut |_, _| Whose::Ours)
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::Held { .. }), "{error}");
        let message = error.to_string();
        assert!(
            message.contains(place.path().to_str().unwrap()),
            "{message}"
        );
    }
    assert_eq!(place.text(), "one\ntwo\n");
    child.kill().unwrap();
    child.wait().unwrap();
    cut_back(&recorded);
    place.open();
    assert_eq!(place.text(), "one\n");
}

#[test]
fn devices_take_events_and_record_nothing() {
    let mut sink = FileSink::open(Path::new("/dev/null")).unwrap();
    sink.write(long().as_bytes(), NEVER).unwrap();
    assert_eq!(sink.sync().unwrap(), None);
    assert!(!sink.is_moved());
    sink.reopen().unwrap();
    assert!(sink.pipe().is_none());
    drop(FileSink::open(Path::new("/dev/null")).unwrap());
}

#[test]
fn a_directory_is_no_output() {
    let place = Place::new();
    let message = FileSink::open(&place.folder()).unwrap_err().to_string();
    assert!(message.contains("--output"), "{message}");
    assert!(message.contains(place.folder().to_str().unwrap()));
}

#[test]
fn a_full_device_is_told_once_and_given_up_on_request() {
    let mut output = Durable::open(Path::new("/dev/full")).unwrap();
    let asked = Cell::new(0);
    let give_up = || asked.replace(asked.get() + 1) == 4;
    let (written, told) = told(|| output.write(b"one\n", &give_up));
    assert!(matches!(written, Err(Error::GivenUp)));
    assert_eq!(
        told.matches("no space left for the output").count(),
        1,
        "{told}"
    );
    assert!(told.contains("/dev/full"), "{told}");
}

/// A FIFO, its reading end, and an output that writes to it.
fn fifo(place: &Place) -> (File, Durable) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, place.path(), mode).unwrap();
    let path = place.path();
    let reader = std::thread::spawn(move || File::open(path).unwrap());
    let output = Durable::open(&place.path()).unwrap();
    (reader.join().unwrap(), output)
}

#[test]
fn a_fifo_takes_everything_while_it_is_read() {
    let place = Place::new();
    let (mut reader, mut output) = fifo(&place);
    let text = long().repeat(100);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            output.write(text.as_bytes(), NEVER).unwrap();
            assert_eq!(output.sync(NEVER).unwrap(), Recorded::Nothing);
            assert!(output.pipe().is_some());
            assert!(!output.is_moved());
            output.reopen().unwrap();
            drop(output);
        });
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert!(read == text);
    });
}

#[test]
fn a_reader_that_stalls_is_given_up_between_two_lines() {
    let place = Place::new();
    let (mut reader, mut output) = fifo(&place);
    let text = long().repeat(100);
    let start = Instant::now();
    let written = output.write(text.as_bytes(), &|| true);
    assert!(matches!(written, Err(Error::GivenUp)));
    assert!(start.elapsed() < Duration::from_secs(30));
    drop(output);
    let mut read = String::new();
    reader.read_to_string(&mut read).unwrap();
    assert!(text.starts_with(&read) && read.ends_with('\n'));
}

#[test]
fn a_reader_that_is_gone_closes_the_output() {
    const VARIABLE: &str = "CONFLUENCE_ECS_TEST_GONE";
    // In a process without other tests: what those start has the reader, too, for a moment.
    if env::var_os(VARIABLE).is_none() {
        let mut alone = again::command(a_reader_that_is_gone_closes_the_output, VARIABLE, "1");
        let status = alone.stdout(Stdio::null()).status();
        return assert!(status.unwrap().success());
    }
    let place = Place::new();
    let (reader, mut output) = fifo(&place);
    drop(reader);
    assert!(matches!(output.write(b"one\n", NEVER), Err(Error::Closed)));
}

#[test]
fn a_full_disk_is_waited_for_without_half_lines() {
    let Some(disk) = again::small_disk(a_full_disk_is_waited_for_without_half_lines) else {
        return;
    };
    let (path, filler) = (disk.join("out.ndjson"), disk.join("filler"));
    let whole = || {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "half a line");
        text
    };
    let mut sink = FileSink::open(&path).unwrap();
    fs::write(&filler, vec![0; 100 << 10]).unwrap();
    // Of no length that fits a page; 165 KiB, for which there is room without the filler only.
    let lines: Vec<String> = (0..2000).map(|line| format!("{line:083}\n")).collect();
    let text = lines.concat();
    let naps = Cell::new(0);
    let make_room = || {
        naps.set(naps.get() + 1);
        assert!(text.starts_with(&whole()));
        if naps.get() == 4 {
            fs::remove_file(&filler).unwrap();
        }
        false
    };
    let (written, told_of) = told(|| sink.write(text.as_bytes(), &make_room));
    written.unwrap();
    assert!(naps.get() >= 4);
    assert!(whole() == text, "every line once");
    assert_eq!(
        told_of.matches("no space left for the output").count(),
        1,
        "{told_of}"
    );
    assert_eq!(told_of.matches("available again").count(), 1, "{told_of}");

    let recorded = sink.sync().unwrap().unwrap();
    let naps = Cell::new(0);
    let give_up = || naps.replace(naps.get() + 1) == 2;
    let (written, told_of) = told(|| sink.write(text.as_bytes(), &give_up));
    assert!(matches!(written, Err(Error::GivenUp)));
    assert!(whole() == text, "none of what was given up");
    assert!(!told_of.contains("available again"), "{told_of}");
    assert_eq!(sink.sync().unwrap().unwrap(), recorded);
}

#[test]
fn a_save_between_a_copy_and_its_truncation_loses_nothing() {
    let place = Place::new();
    let mut sink = place.open();
    for (text, copies) in [("a\n", true), ("b\n", false), ("c\n", false)] {
        sink.write(text.as_bytes(), NEVER).unwrap();
        sink.sync().unwrap();
        if copies {
            fs::copy(place.path(), place.rotated()).unwrap();
        }
    }
    let file = File::options().write(true).open(place.path()).unwrap();
    file.set_len(0).unwrap();
    sink.write(b"d\n", NEVER).unwrap();
    let ((), told) = told(|| drop(sink.sync().unwrap()));
    assert!(told.contains("events=2"), "{told}");
    assert_eq!(place.text(), "b\nc\nd\n");
}

#[test]
fn what_was_saved_and_then_thrown_away_is_nobody_s_loss() {
    let place = Place::new();
    let mut sink = place.open();
    for text in ["a\n", "b\n"] {
        sink.write(text.as_bytes(), NEVER).unwrap();
        sink.sync().unwrap();
    }
    let file = File::options().write(true).open(place.path()).unwrap();
    file.set_len(0).unwrap();
    let ((), told) = told(|| drop(sink.sync().unwrap()));
    assert_eq!(told, "");
    sink.write(b"c\n", NEVER).unwrap();
    sink.sync().unwrap();
    assert_eq!(place.text(), "c\n");
}
