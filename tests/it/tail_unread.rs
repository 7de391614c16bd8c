//! What is not read is said, once: compressions that are not known.

use std::fs;

use crate::support::follow::{Place, bzip2, finish, gzip, records, zstd};
use crate::support::program::{stderr, wait_until};

/// What lz4 begins its files with.
const LZ4: &[u8] = b"\x04\x22\x4d\x18 and no more of it counts than its name";

/// What no text begins as, as that of an archiver that nobody has heard of.
const UNKNOWN: &[u8] = b"\xf3\x01\x02\x9c\n\x00\x07\xff{\x8d\n and so on";

/// The bytes of what became of the log.
type Form<'a> = &'a dyn Fn(&Place) -> Vec<u8>;

/// A tar archive of one file.
fn tar(text: &[u8]) -> Vec<u8> {
    let mut archive = vec![0; 512];
    archive[..9].copy_from_slice(b"audit.log");
    archive[257..265].copy_from_slice(b"ustar  \0");
    archive.extend_from_slice(text);
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    archive
}

/// Runs `--once`, and returns its exit code and what it said.
fn once(place: &Place) -> (i32, String) {
    let output = finish(place.tail_to_file(&["--once"]));
    (output.status.code().expect("a code"), stderr(&output))
}

/// How long the log is.
fn length(place: &Place) -> usize {
    fs::read(place.path("audit.log")).expect("read").len()
}

#[test]
fn a_rotated_file_that_is_not_read_is_told_once_and_fails_that_run() {
    for suffix in [".lz4", ".Z", ".lzo", ".br", ".zip", ".7z"] {
        for pattern in ["audit.log", "*.log", "audit.log*"] {
            let place = Place::new(&[pattern]).loud();
            place.append("audit.log", 1..=3);
            assert_eq!(once(&place).0, 0);
            let read = length(&place);
            place.append("audit.log", 4..=5);
            place.remove("audit.log");
            place.append_bytes(&format!("audit.log.1{suffix}"), LZ4);
            place.append("audit.log", 6..=7);
            let (code, told) = once(&place);
            assert_eq!(code, 1, "{told}");
            let path = place.path("audit.log");
            let path = path.display();
            assert!(
                told.contains(&format!(
                    "{path}.1{suffix} is in an unsupported compression format"
                )),
                "{told}"
            );
            assert!(
                told.contains(&format!("records after byte {read} of {path} may be in it")),
                "{told}"
            );
            place.has((1..=3).chain(6..=7));
            let (code, told) = once(&place);
            assert_eq!(code, 0, "{told}");
            assert!(!told.contains("compression"), "{told}");
            // The remedy.
            place.append("audit.log.1", 1..=5);
            place.remove(&format!("audit.log.1{suffix}"));
            assert_eq!(once(&place).0, 0);
            place.has((1..=3).chain(6..=7).chain(4..=5));
        }
    }
}

#[test]
fn a_truncated_log_whose_copy_is_not_read() {
    let place = Place::new(&["audit.log"]).loud();
    place.append("audit.log", 1..=3);
    once(&place);
    let at = length(&place);
    place.append("audit.log", 4..=5);
    place.truncate("audit.log");
    place.append_bytes("audit.log.1.lz4", LZ4);
    place.append("audit.log", 6..=7);
    let (code, told) = once(&place);
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains(&format!("records after byte {at} of")),
        "{told}"
    );
    place.has((1..=3).chain(6..=7));
}

#[test]
fn what_was_there_before_the_log_was_followed_is_no_loss() {
    let place = Place::new(&["audit.log"]).loud();
    place.append_bytes("audit.log.1.lz4", LZ4);
    place.append("audit.log", 1..=3);
    for _ in 0..2 {
        let (code, told) = once(&place);
        assert_eq!(code, 0, "{told}");
        assert!(!told.contains("compression"), "{told}");
    }
    place.has(1..=3);
}

#[test]
fn what_a_pattern_names_is_not_read_as_text() {
    let place = Place::new(&["*"]).loud();
    place.append_bytes("other.log.lz4", LZ4);
    place.append("audit.log", 1..=3);
    let (code, told) = once(&place);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("its content is not shipped"), "{told}");
    assert_eq!(once(&place).0, 0);
    place.has(1..=3);
}

#[test]
fn a_rotation_whose_log_was_read_is_no_loss() {
    let place = Place::new(&["audit.log"]).loud();
    place.append("audit.log", 1..=3);
    let follower = place.start();
    place.arrive(1..=3);
    for round in 1..=3 {
        let last = 3 + round * 2;
        place.rename("audit.log", "audit.log.1");
        place.append("audit.log.1", last - 1..=last - 1);
        place.append("audit.log", last..=last);
        place.arrive(1..=last);
        if round > 1 {
            place.rename("audit.log.1.lz4", "audit.log.2.lz4");
        }
        place.append_bytes("audit.log.1.lz4", LZ4);
        place.remove("audit.log.1");
        wait_until("the file to be known", || {
            place.state().contains("audit.log.1.lz4")
        });
    }
    follower.terminate();
    assert!(!place.said().contains("compression"), "{}", place.said());
    assert_eq!(once(&place).0, 0);
}

#[test]
fn an_archive_or_what_is_no_text_is_told_with_what_may_be_in_it() {
    let archive = |place: &Place| tar(&fs::read(place.path("audit.log")).expect("read"));
    let forms: [(&str, Form); 13] = [
        (".1.tar", &archive),
        (".1.tar.gz", &|place| gzip(&archive(place))),
        ("-20260411.tgz", &|place| gzip(&archive(place))),
        (".1.gz", &|place| gzip(&archive(place))),
        (".tar.bz2", &|place| bzip2(&archive(place))),
        (".1.tzst", &|place| zstd(&archive(place))),
        (".1.bz", &|_| b"BZ0".repeat(10)),
        (".zip", &|_| LZ4.to_vec()),
        (".7z", &|_| LZ4.to_vec()),
        (".old.zip", &|_| LZ4.to_vec()),
        (".1.foo", &|_| UNKNOWN.to_vec()),
        (".foo", &|_| UNKNOWN.to_vec()),
        ("~old", &|_| UNKNOWN.to_vec()),
    ];
    for (suffix, bytes) in forms {
        for pattern in ["audit.log", "audit.log*"] {
            let place = Place::new(&[pattern]).loud();
            place.append("audit.log", 1..=3);
            assert_eq!(once(&place).0, 0);
            let read = length(&place);
            place.append("audit.log", 4..=5);
            place.append_bytes(&format!("audit.log{suffix}"), bytes(&place));
            place.remove("audit.log");
            place.append("audit.log", 6..=7);
            let (code, told) = once(&place);
            let path = place.path("audit.log");
            let path = path.display();
            assert!(
                code == 1
                    && told.contains(&format!("{path}{suffix} is "))
                    && told.contains(&format!("records after byte {read} of {path} may be in it")),
                "{suffix} under {pattern}: {code}, {told}"
            );
            place.has((1..=3).chain(6..=7));
            let (code, told) = once(&place);
            assert!(code == 0 && !told.contains("WARN"), "{suffix}: {told}");
            place.has((1..=3).chain(6..=7));
        }
    }
}

#[test]
fn a_file_that_only_has_a_name_as_an_archive_is_read() {
    let place = Place::new(&["audit.log"]).loud();
    place.append("audit.log", 1..=3);
    once(&place);
    place.append("audit.log", 4..=5);
    let plain = fs::read(place.path("audit.log")).expect("read");
    place.append_bytes("audit.log.1.tgz", gzip(&plain));
    place.remove("audit.log");
    place.append("audit.log", 6..=7);
    let (code, told) = once(&place);
    assert!(code == 0 && !told.contains("WARN"), "{told}");
    place.has(1..=7);
}

#[test]
fn what_is_no_text_beside_a_log_that_is_found_is_nothing_to_tell() {
    let place = Place::new(&["audit.log"]).loud();
    place.append("audit.log", 1..=3);
    once(&place);
    place.append("audit.log", 4..=5);
    place.rename("audit.log", "audit.log.1");
    place.append_bytes("audit.log.idx", UNKNOWN);
    place.append("audit.log", 6..=7);
    let (code, told) = once(&place);
    assert!(code == 0 && !told.contains("WARN"), "{told}");
    place.has(1..=7);
}

/// A text in UTF-16 behind its byte order mark.
fn utf_16(text: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(text).expect("UTF-8");
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xFF, 0xFE].into_iter().chain(units).collect()
}

#[test]
fn a_file_in_a_known_format_is_one_error_and_no_event() {
    let text = records("a", 1..=20);
    for (content, name) in [
        (utf_16(&text), "text in UTF-16"),
        (b"PK\x03\x04\n\0\0\0\n\0\n".to_vec(), "a zip archive"),
        (b"\x7FELF\x02\x01\x01\n\n\0\n".to_vec(), "an executable"),
        (LZ4.to_vec(), "compressed with lz4"),
        (
            b"SQLite format 3\0\x10\0\x01".to_vec(),
            "an SQLite database",
        ),
        (b"PAR1\x15\x04\x15".to_vec(), "a Parquet file"),
        (b"\x1F\x9D\x90\n\n".to_vec(), "compressed with compress"),
        (
            gzip(&utf_16(&text)),
            "text in UTF-16 inside a file compressed with gzip",
        ),
    ] {
        let place = Place::new(&["*"]);
        place.append_bytes("other.log", &content);
        place.append("audit.log", 1..=3);
        let output = finish(place.tail_to_file(&["--once", "-q"]));
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(
            told.contains(&format!("is not read: it is {name}")),
            "{told}"
        );
        assert_eq!(once(&place), (0, String::new()), "{name}");
        place.has(1..=3);
        assert!(place.errors().is_empty(), "{name}");
    }
}

#[test]
fn a_file_too_short_to_tell_is_not_read_once_it_is_long_enough() {
    let place = Place::new(&["*"]);
    place.append_bytes("other.log", b"");
    place.append_bytes("one.log", b"\xFF");
    assert_eq!(
        finish(place.tail_to_file(&["--once"])).status.code(),
        Some(0)
    );
    let content = utf_16(&records("a", 1..=20));
    place.append_bytes("other.log", &content);
    place.append_bytes("one.log", &content[1..]);
    let output = finish(place.tail_to_file(&["--once", "-q"]));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output).lines().count(), 2, "{}", stderr(&output));
    assert!(place.events().is_empty() && place.errors().is_empty());
}

#[test]
fn a_file_that_is_not_read_and_becomes_a_log_is_read() {
    let place = Place::new(&["audit.log"]);
    place.append_bytes("audit.log", utf_16(&records("a", 1..=20)));
    assert_eq!(once(&place).0, 1);
    place.truncate("audit.log");
    place.append("audit.log", 1..=3);
    assert_eq!(once(&place).0, 0);
    place.has(1..=3);
}

#[test]
fn what_looks_like_no_text_is_warned_of_and_read_all_the_same() {
    let place = Place::new(&["*.log"]).loud();
    let noise = b"\x01\x02\xff\x00{\x07\n".repeat(100);
    place.append_bytes("noise.log", &noise);
    let odd = b"{\"auditType\":\"caf\xe9 \xff\x01\x02\", \"remoteAddress\":\"192.0.2.1 and more text\"}\n";
    place.append_bytes("odd.log", odd);
    let told = stderr(&place.once());
    assert_eq!(told.matches("does not look like text").count(), 1, "{told}");
    assert!(told.contains("noise.log does not"), "{told}");
    let errors = place.errors().len();
    assert!(errors > 100, "{errors}");
    place.append_bytes("noise.log", b"x\n");
    let told = stderr(&place.once());
    assert!(!told.contains("does not look like text"), "{told}");
    assert_eq!(place.errors().len(), errors + 1);
}
