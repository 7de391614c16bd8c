//! `tail` and lines: what is shipped, when, and which files are followed.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use crate::support::follow::{
    Place, bzip2, gzip, line_count, original, record, records, short_record, xz, zstd,
};
use crate::support::program::{stderr, wait_until};
use serde_json::Value;

/// What `tail --once` makes of a file with those bytes: exactly those records of the series `a`.
fn ships(text: impl AsRef<[u8]>, numbers: impl IntoIterator<Item = u64>) {
    let place = Place::new(&["*.log"]);
    place.append_bytes("audit.log", text);
    place.once();
    place.has(numbers);
}

/// A record's line.
fn line(number: u64) -> String {
    record("a", number) + "\n"
}

#[test]
fn a_tiny_file_is_shipped_at_once() {
    let place = Place::new(&["*.log"]);
    place.append_bytes("audit.log", short_record("a", 1) + "\n");
    let follower = place.start();
    place.arrive(1..=1);
    place.append_bytes("other.log", short_record("a", 2) + "\n");
    place.arrive(1..=2);
    follower.terminate();
}

#[test]
fn events_say_where_they_come_from() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=2);
    place.once();
    let events = place.events();
    let path = place.path("audit.log");
    let second = line(1).len();
    for (event, offset) in events.iter().zip([0, second]) {
        assert_eq!(event["log"]["file"]["path"], *path.to_string_lossy());
        assert_eq!(event["log"]["offset"], offset);
    }
    assert_eq!(original(&events[1]), record("a", 2));
    // After a restart offsets go on.
    place.append("audit.log", 3..=3);
    place.once();
    assert_eq!(place.events()[2]["log"]["offset"], second + line(2).len());
}

#[test]
fn an_equal_line_is_a_line() {
    ships(line(1).repeat(3), [1, 1, 1]);
}

#[test]
fn line_ends_blank_lines_and_a_byte_order_mark() {
    ships(format!("\u{feff}{}", line(1)), 1..=1);
    ships(line(1).replace('\n', "\r\n") + &line(2), 1..=2);
    ships(format!("\n\r\n{}  \t \n\n{}\n", line(1), line(2)), 1..=2);
    let place = Place::new(&["*.log"]);
    place.append_bytes("audit.log", line(1).replace('\n', "\r\n"));
    place.once();
    assert_eq!(original(&place.events()[0]), record("a", 1));
}

#[test]
fn an_unfinished_line_waits_across_restarts() {
    let text = line(18);
    // The last cut is inside a character: the record holds 漢.
    let inside = text.find('漢').expect("it is there") + 1;
    for cut in [1, text.len() / 2, text.len() - 2, text.len() - 1, inside] {
        let place = Place::new(&["*.log"]);
        place.append_bytes("audit.log", records("a", 17..=17));
        let follower = place.start();
        place.arrive(17..=17);
        place.append_bytes("audit.log", &text.as_bytes()[..cut]);
        follower.terminate();
        let follower = place.start();
        // The other file shows that it reads.
        place.append("other.log", 16..=16);
        place.arrive([17, 16]);
        follower.kill();
        place.append_bytes("audit.log", &text.as_bytes()[cut..]);
        place.once();
        place.has([17, 16, 18]);
    }
}

#[test]
fn an_unfinished_line_is_not_emitted_live() {
    let place = Place::new(&["*.log"]);
    place.append_bytes("audit.log", line(1) + &record("a", 2));
    let follower = place.start();
    place.arrive(1..=1);
    place.append("other.log", 3..=3);
    place.arrive([1, 3]);
    place.append_bytes("audit.log", "\n");
    place.arrive([1, 3, 2]);
    follower.terminate();
}

#[test]
fn once_emits_an_unfinished_line_only_if_it_is_complete() {
    ships(line(1) + &record("a", 2), 1..=2);
    ships(line(1) + &record("a", 2)[..100], 1..=1);
    // The line end that comes later makes no second event.
    let place = Place::new(&["*.log"]);
    place.append_bytes("audit.log", record("a", 1));
    place.once();
    place.append_bytes("audit.log", format!("\n{}", line(2)));
    place.once();
    place.has(1..=2);
}

#[test]
fn an_unfinished_line_whose_file_disappears_is_kept() {
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=1);
    let follower = place.start();
    place.arrive(1..=1);
    let half = &record("a", 2)[..100];
    place.append_bytes("audit.log", half);
    place.append("other.log", 3..=3);
    place.arrive([1, 3]);
    place.remove("audit.log");
    wait_until("the pipeline error", || line_count(&place.out()) == 3);
    let errors = place.errors();
    assert_eq!(errors.len(), 1);
    assert_eq!(original(&errors[0]), half);
    assert_eq!(errors[0]["log"]["offset"], line(1).len());
    assert!(place.said().contains("audit.log"), "{}", place.said());
    follower.terminate();
    place.once();
    assert_eq!(place.events().len(), 3);
}

#[test]
fn a_truncated_compressed_file_waits() {
    let text = records("a", 1..=200);
    for (name, whole) in [
        ("audit.gz", gzip(&text)),
        ("audit.zst", zstd(&text)),
        ("audit.xz", xz(&text)),
        ("audit.bz2", bzip2(&text)),
    ] {
        for cut in [1, 5, 20, whole.len() / 2, whole.len() - 1] {
            let place = Place::new(&["audit.*"]);
            place.append_bytes(name, &whole[..cut]);
            place.once();
            let begun = line_count(&place.out()) as u64;
            place.has(1..=begun);
            place.append_bytes(name, &whole[cut..]);
            place.once();
            place.has(1..=200);
        }
    }
}

#[test]
fn a_compressed_file_that_grows_by_a_member() {
    let place = Place::new(&["audit.gz"]);
    place.append_bytes("audit.gz", gzip(&records("a", 1..=3)));
    place.once();
    place.append_bytes("audit.gz", gzip(&records("a", 4..=6)));
    place.once();
    place.has(1..=6);
}

#[test]
fn an_overlong_line_is_one_error_and_reading_goes_on() {
    for length in [2_000, 65_536, 300_000] {
        let place = Place::new(&["*.log"]).with(&["--max-line-bytes", "1500"]);
        let long = format!("{{\"a\":\"{}\"}}\n", "é".repeat(length / 2));
        place.append_bytes("audit.log", line(1) + &long + &line(2));
        place.once();
        let events = place.events();
        assert_eq!(events.len(), 3);
        let errors = place.errors();
        assert_eq!(errors.len(), 1);
        let kept = original(&errors[0]).trim_end_matches('\u{fffd}');
        assert!(kept.len() <= 64 << 10, "{} bytes", kept.len());
        assert!(long.starts_with(kept));
        let offset = line(1).len() + long.len();
        assert_eq!(events[2]["log"]["offset"], offset);
        place.once();
        assert_eq!(place.events().len(), 3);
    }
}

#[test]
fn an_overlong_line_is_known_across_a_kill() {
    let place = Place::new(&["*.log"]).with(&["--max-line-bytes", "1500"]);
    let long = "y".repeat(400_000);
    place.append_bytes("audit.log", line(1) + &long[..200_000]);
    let follower = place.start();
    wait_until("the first event", || line_count(&place.out()) > 0);
    follower.kill();
    place.append_bytes("audit.log", format!("{}\n{}", &long[200_000..], line(2)));
    place.once();
    assert_eq!(place.errors().len(), 1);
    assert_eq!(place.events().len(), 3);
}

#[test]
fn an_overlong_line_of_an_archive_is_one_error_too() {
    for length in [2_000, 65_536, 300_000, 3_000_000] {
        let place = Place::new(&["*.log.gz"]).with(&["--max-line-bytes", "1500"]);
        let long = format!("{{\"a\":\"{}\"}}\n", "e".repeat(length));
        let text = line(1) + &long + &line(2) + &long + &line(3);
        place.append_bytes("audit.log.gz", gzip(text.as_bytes()));
        place.once();
        let events = place.events();
        assert_eq!((events.len(), place.errors().len()), (5, 2));
        let kept = original(&events[1]);
        assert_eq!(kept.len(), long.trim_end().len().min(64 << 10));
        assert!(long.starts_with(kept));
        let offset = 2 * long.len() + line(1).len() + line(2).len();
        assert_eq!(events[4]["log"]["offset"], offset);
        place.once();
        assert_eq!(place.events().len(), 5);
    }
}

#[test]
fn a_damaged_archive_is_told_once_and_fails_a_single_run() {
    let place = Place::new(&["*"]).loud();
    place.append("audit.log", 1..=2);
    place.append_bytes("bad.gz", b"\x1f\x8b\x08 and nothing that gzip wrote");
    let output = crate::support::follow::finish(place.tail_to_file(&["--once"]));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(stderr(&output).matches("cannot read").count(), 1);
    place.has(1..=2);
}

#[test]
fn a_damaged_archive_fails_the_run_that_reads_it() {
    let text = records("a", 1..=200);
    let flipped = |mut whole: Vec<u8>, from_end: usize| {
        let at = whole.len() - from_end;
        whole[at] ^= 0x10;
        whole
    };
    // Behind a header, CRC and ISIZE; an index and a footer; a checksum.
    for (name, whole, ends) in [
        ("audit.log.1.gz", gzip(&text), &[1, 6, 2000][..]),
        ("audit.log.1.xz", xz(&text), &[1, 6, 30, 2000]),
        ("audit.log.1.bz2", bzip2(&text), &[2, 3, 2000]),
    ] {
        let garbage = [&whole[..], b"garbage"].concat();
        let all = ends.iter().map(|end| flipped(whole.clone(), *end));
        for damaged in all.chain([garbage]) {
            let place = Place::new(&["audit.log*"]).loud();
            place.append_bytes(name, damaged);
            let mut came = None;
            for _ in 0..2 {
                let output = crate::support::follow::finish(place.tail_to_file(&["--once"]));
                let told = stderr(&output);
                assert_eq!(output.status.code(), Some(1), "{name}: {told}");
                assert_eq!(told.matches("cannot read").count(), 1, "{name}: {told}");
                let count = line_count(&place.out());
                assert_eq!(*came.get_or_insert(count), count, "{name}");
            }
        }
    }
}

#[test]
fn garbage_becomes_an_error_and_reading_goes_on() {
    let place = Place::new(&["*.log"]);
    place.append_bytes(
        "audit.log",
        [b"\xff\xfe nonsense\n", line(1).as_bytes()].concat(),
    );
    place.once();
    let kinds: Vec<_> = place
        .events()
        .iter()
        .map(|event| event["event"]["kind"].clone())
        .collect();
    assert_eq!(kinds, ["pipeline_error", "event"]);
}

#[test]
fn from_the_end_only_what_is_new_is_shipped() {
    let place = Place::new(&["*.log"]).with(&["--from", "end"]);
    place.append("audit.log", 1..=3);
    place.once();
    place.has([]);
    place.append("audit.log", 4..=5);
    place.once();
    place.has(4..=5);
}

#[test]
fn what_is_older_is_left_out_and_begins_at_its_end_when_it_grows() {
    for is_live in [false, true] {
        let place = Place::new(&["*.log", "*.gz"]).with(&["--ignore-older", "1d"]);
        let old = ["old.log", "other.log", "archive.gz", "zipped.log"];
        place.append("old.log", 1..=3);
        place.append_bytes(
            "other.log",
            [&records("a", 4..=4)[..], b"{\"unfinis"].concat(),
        );
        place.append_bytes("archive.gz", gzip(&records("a", 5..=5)));
        place.append_bytes("zipped.log", gzip(&records("a", 1..=200)));
        place.append("new.log", 6..=6);
        let before = SystemTime::now() - Duration::from_secs(2 * 86_400);
        for name in old {
            let file = File::options().write(true).open(place.path(name));
            file.expect("opened").set_modified(before).expect("set");
        }
        let follower = is_live.then(|| place.start());
        match &follower {
            Some(_) => place.arrive(6..=6),
            None => drop(place.once()),
        }
        place.has(6..=6);
        place.append("old.log", 7..=8);
        match &follower {
            Some(_) => place.arrive(6..=8),
            None => drop(place.once()),
        }
        place.has(6..=8);
        // Also where nobody looked, and it is rotated since.
        if let Some(follower) = follower {
            follower.terminate();
        }
        place.append("old.log", 9..=9);
        place.rename("old.log", "old.log.1");
        place.append("old.log", 10..=10);
        place.once();
        place.has(6..=10);
    }
}

#[test]
fn what_is_excluded_is_not_followed() {
    let mut place = Place::new(&["*.log"]);
    let glob = place.path("b*.log").to_string_lossy().into_owned();
    place = place.with(&["--exclude", &glob]);
    place.append("audit.log", 1..=1);
    place.append("backup.log", 2..=2);
    place.once();
    place.has(1..=1);
}

#[test]
fn a_folder_stands_for_its_files() {
    let place = Place::new(&["audit"]);
    fs::create_dir(place.path("audit")).expect("created");
    place.append("audit/20260101.00000.audit.log", 1..=2);
    place.once();
    place.has(1..=2);
}

#[test]
fn a_folder_may_come_later() {
    for pattern in ["later", "later/*.log", "later/audit.log", "*/audit.log"] {
        let place = Place::new(&[pattern]);
        let follower = place.start_ready();
        fs::create_dir(place.path("later")).expect("created");
        place.append("later/audit.log", 1..=2);
        place.arrive(1..=2);
        follower.terminate();
    }
}

#[test]
fn a_file_that_two_patterns_match_is_followed_once() {
    let place = Place::new(&["*.log", "audit.log", "../logs/audit*"]);
    place.append("audit.log", 1..=2);
    place.once();
    place.has(1..=2);
}

#[test]
fn nothing_matched_is_no_failure() {
    for pattern in ["*.log", "missing/*.log"] {
        let place = Place::new(&[pattern]);
        place.once();
        assert_eq!(fs::read(place.out()).expect("the output"), b"");
    }
}

#[test]
fn a_file_that_cannot_be_read_stops_no_other() {
    let place = Place::new(&["*.log"]);
    place.append("a.log", 1..=1);
    fs::create_dir(place.path("b.log")).expect("created");
    std::os::unix::fs::symlink("missing", place.path("c.log")).expect("linked");
    place.append("d.log", 2..=2);
    let denied = place.path("e.log");
    place.append("e.log", 3..=3);
    fs::set_permissions(&denied, fs::Permissions::from_mode(0o000)).expect("set");
    let last = if File::open(&denied).is_ok() {
        eprintln!("the administrator is denied nothing");
        3
    } else {
        2
    };
    let follower = place.start();
    place.arrive(1..=last);
    fs::set_permissions(&denied, fs::Permissions::from_mode(0o600)).expect("set");
    place.arrive(1..=3);
    follower.terminate();
}

#[test]
fn a_flattened_file_is_followed() {
    let place = Place::new(&["flattened.json"]);
    let record = r#"{"creationDate":1637624602054,"summary":"User created"}"#;
    place.append_bytes("flattened.json", format!("{record}\n"));
    place.once();
    let actions: Vec<Value> = place
        .events()
        .iter()
        .map(|event| event["event"]["action"].clone())
        .collect();
    assert_eq!(actions, ["User created"]);
}

#[test]
fn a_bad_flag_is_a_usage_error() {
    for flags in [
        &["--from", "middle"][..],
        &["--poll-interval", "soon"],
        &["--ignore-older", "-1"],
        &["--exclude", "["],
    ] {
        let output = crate::support::follow::finish(Place::new(&["*.log"]).tail_to_file(flags));
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
        assert!(stderr(&output).contains(flags[0]), "{}", stderr(&output));
    }
}

#[test]
fn strict_counts_what_could_not_be_mapped() {
    let place = Place::new(&["*.log"]);
    place.append_bytes("audit.log", format!("nonsense\n{}", line(1)));
    let output = crate::support::follow::finish(place.tail_to_file(&["--once", "--strict"]));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(place.events().len(), 2);
}
