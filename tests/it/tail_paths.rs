//! Names of any kind: in any script and encoding, with bytes that no terminal should get.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::symlink;
use std::process::Output;

use crate::support::follow::{Place, append, finish, gzip, records};
use crate::support::outcome::outcome;
use crate::support::program::{self, stderr};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

fn os(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}

fn write(place: &Place, name: &[u8], numbers: std::ops::RangeInclusive<u64>) {
    append(
        &place.folder().join("logs").join(os(name)),
        &records("a", numbers),
    );
}

/// `tail --once` of a path in `logs`, with no other argument.
fn once(place: &Place, path: &[u8]) -> Output {
    let mut command = place.tail_to_file(&["--once"]);
    command.arg(place.folder().join("logs").join(os(path)));
    let output = finish(command);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    output
}

#[test]
fn a_name_that_ends_in_any_letter_does_no_harm() {
    let place = Place::new(&["*.log"]);
    for name in ["café.txt", "журнал", "журнал.log", "日", "a.é", "-é", "é"] {
        append(&place.path(name), b"");
    }
    fs::create_dir(place.path("sub-é")).unwrap();
    place.append("журнал.log", 1..=3);
    place.once();
    place.has(1..=3);
    let follower = place.start_ready();
    append(&place.path("ещё-ё"), b"");
    place.append("журнал.log", 4..=5);
    place.arrive(1..=5);
    follower.terminate();
}

#[test]
fn a_name_that_is_no_text_is_followed_under_a_glob() {
    let place = Place::new(&["*.log"]);
    write(&place, b"\xff\xe9.log", 1..=3);
    place.once();
    place.has(1..=3);
    write(&place, b"\xff\xe9.log", 4..=5);
    place.once();
    place.has(1..=5);
    let path = place.events()[0]["log"]["file"]["path"].clone();
    assert!(
        path.as_str()
            .unwrap()
            .ends_with("logs/\u{fffd}\u{fffd}.log")
    );
}

#[test]
fn a_name_that_is_no_text_is_an_argument() {
    for path in [&b"\xff.log"[..], b"", b"\xff*", b"[\xf0-\xff].log"] {
        let place = Place::new(&[]);
        write(&place, b"\xff.log", 1..=3);
        once(&place, path);
        place.has(1..=3);
        once(&place, path);
        place.has(1..=3);
    }
}

#[test]
fn a_directory_whose_name_is_no_text_is_followed() {
    for path in [&b"\xff"[..], b"\xff/*.log", b"*/a.log", b"**/a.log"] {
        let place = Place::new(&[]);
        fs::create_dir(place.folder().join("logs").join(os(b"\xff"))).unwrap();
        write(&place, b"\xff/a.log", 1..=3);
        once(&place, path);
        place.has(1..=3);
    }
}

#[test]
fn a_log_whose_name_is_no_text_is_rotated() {
    let place = Place::new(&["*.log"]);
    let path = |name: &[u8]| place.folder().join("logs").join(os(name));
    write(&place, b"\xff.log", 1..=3);
    place.once();
    write(&place, b"\xff.log", 4..=5);
    fs::rename(path(b"\xff.log"), path(b"\xff.log.1")).unwrap();
    write(&place, b"\xff.log", 6..=7);
    place.once();
    place.has(1..=7);
    let rotated = fs::read(path(b"\xff.log.1")).unwrap();
    fs::write(path(b"\xff.log.2.gz"), gzip(&rotated)).unwrap();
    fs::remove_file(path(b"\xff.log.1")).unwrap();
    // The series is kept where the name does not tell it any more.
    fs::rename(path(b"\xff.log"), path(b"\xff.log~x")).unwrap();
    place.once();
    place.once();
    place.has(1..=7);
}

#[test]
fn logs_of_names_that_only_look_alike_are_two() {
    let place = Place::new(&["*.log"]);
    write(&place, b"\xff.log", 1..=3);
    write(&place, "\u{fffd}.log".as_bytes(), 4..=5);
    write(&place, b"\\xff.log", 6..=7);
    place.once();
    place.once();
    let numbers: Vec<_> = crate::support::follow::delivered(&place.out())["a"].clone();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=7).collect::<Vec<_>>());
}

#[test]
fn exclude_takes_any_name() {
    let place = Place::new(&["*.log"]);
    write(&place, b"\xff.log", 1..=3);
    write(&place, b"\xfe.log", 4..=5);
    let mut command = place.tail_to_file(&["--once"]);
    command.arg("--exclude").arg(os(b"\xff*"));
    assert_eq!(finish(command).status.code(), Some(0));
    place.has(4..=5);
}

#[test]
fn two_stars_are_no_directory_as_well() {
    for (pattern, expected) in [
        ("**/*.log", &[1, 2, 3][..]),
        ("**/sub/*.log", &[2]),
        ("sub/**/*.log", &[2, 3]),
        ("**/**/b.log", &[2]),
        ("**", &[1, 2, 3]),
        ("sub/**", &[2, 3]),
        ("s*/**/c.log", &[3]),
    ] {
        let place = Place::new(&[pattern]);
        fs::create_dir_all(place.path("sub/deep/deeper")).unwrap();
        fs::create_dir_all(place.path(".hidden")).unwrap();
        place.append("a.log", 1..=1);
        place.append("sub/b.log", 2..=2);
        place.append("sub/deep/deeper/c.log", 3..=3);
        place.append(".hidden/d.log", 4..=4);
        // A link upwards is no way without end.
        symlink(place.path("sub"), place.path("sub/deep/loop")).unwrap();
        place.once();
        let mut delivered = crate::support::follow::delivered(&place.out());
        let mut numbers = delivered.remove("a").unwrap_or_default();
        numbers.sort_unstable();
        assert_eq!(numbers, expected, "{pattern}");
    }
}

#[test]
fn a_relative_exclusion_is_of_the_current_directory() {
    for (exclude, left_out) in [
        ("sub/*.log", true),
        ("./sub/*.log", true),
        ("logs/sub/*", false),
        ("**/sub/b.log", true),
        ("b.*", true),
        ("/sub/*.log", false),
    ] {
        let place = Place::new(&["**/*.log"]).with(&["--exclude", exclude]);
        fs::create_dir(place.path("sub")).unwrap();
        place.append("a.log", 1..=1);
        place.append("sub/b.log", 2..=2);
        let mut command = place.tail_to_file(&["--once"]);
        command.current_dir(place.path(""));
        assert_eq!(finish(command).status.code(), Some(0));
        let count = crate::support::follow::line_count(&place.out());
        assert_eq!(count, if left_out { 1 } else { 2 }, "{exclude}");
    }
}

#[test]
fn an_exclusion_is_of_a_directory_however_it_is_reached() {
    for (pattern, exclude, left_out) in [
        ("d/**/*.log", "d/../d/x/**", &[2, 3][..]),
        ("d/../d/**/*.log", "d/x/*.log", &[2]),
        ("d/../d/**/*.log", "d/../d/x/*.log", &[2]),
        ("d/**/*.log", "gone/../d/x/*.log", &[2]),
        // A directory, and all that is below it.
        ("d/**/*.log", "d/x", &[2, 3]),
        ("d/**/*.log", "d/x/", &[2, 3]),
        ("d/**/*.log", "./d/x", &[2, 3]),
        ("d/**/*.log", "*/x", &[2, 3]),
        ("d/**/*.log", "**/x", &[2, 3]),
        ("d/**/*.log", "d/*", &[1]),
        ("d/**/*.log", "x", &[]),
        ("d/**/*.log", "d/x/b.log", &[2]),
        // Through links, by either path.
        ("links/*/*.log", "links/to-x", &[2]),
        ("links/*/*.log", "d/x/*.log", &[2]),
        ("links/*/*.log", "d/x", &[2]),
        ("links/*.log", "d/x/**", &[2]),
        ("links/*.log", "links/b.log", &[2]),
        ("links/*/*.log", "links/to-[x]/b.log", &[2]),
    ] {
        let all: &[u64] = match pattern {
            "links/*.log" | "links/*/*.log" => &[2],
            _ => &[1, 2, 3],
        };
        let place = Place::new(&[pattern]).with(&["--exclude", exclude]);
        fs::create_dir_all(place.path("d/x/y")).unwrap();
        fs::create_dir(place.path("links")).unwrap();
        place.append("d/a.log", 1..=1);
        place.append("d/x/b.log", 2..=2);
        place.append("d/x/y/c.log", 3..=3);
        symlink(place.path("d/x"), place.path("links/to-x")).unwrap();
        symlink(place.path("d/x/b.log"), place.path("links/b.log")).unwrap();
        let mut command = place.tail_to_file(&["--once"]);
        command.current_dir(place.path(""));
        assert_eq!(finish(command).status.code(), Some(0));
        let mut delivered = crate::support::follow::delivered(&place.out());
        let mut numbers = delivered.remove("a").unwrap_or_default();
        numbers.sort_unstable();
        let is_left = |number: &u64| !left_out.contains(number);
        let expected: Vec<_> = all.iter().copied().filter(is_left).collect();
        assert_eq!(numbers, expected, "{pattern} without {exclude}");
    }
}

/// A name that would colour the terminal, and forge a line.
const EVIL: &[u8] = b"a\x1b[31m\nb\x07\xff.log";
const EVIL_SHOWN: &str = "a\\x1b[31m\\x0ab\\x07\\xff.log";

fn harmless(output: &Output, what: &str) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8(text).expect("text");
    assert!(text.contains(EVIL_SHOWN), "{what}: {text}");
    assert!(!text.contains(['\x1b', '\x07']), "{what}: {text:?}");
    format!("{what}\n{}\n", outcome(output))
}

#[test]
fn names_are_escaped_where_they_are_printed() {
    let place = Place::new(&[]).loud();
    let path = place.folder().join("logs").join(os(EVIL));
    write(&place, EVIL, 1..=3);
    once(&place, b"");
    let mut told = String::new();
    for report in ["--list", "--status"] {
        let mut command = place.tail(&[report]);
        command.arg(place.folder().join("logs"));
        // With inode numbers, which differ.
        harmless(&finish(command), report);
    }
    told += &harmless(&place.about(&["state", "list"]), "state list");
    let mut command = program::command(["state", "forget", "--state-dir"]);
    command.arg(place.state_dir()).arg(&path);
    told += &harmless(&finish(command), "state forget");
    // A warning, and errors.
    fs::write(&path, &gzip(&records("a", 1..=3))[..40]).unwrap();
    let mut command = place.tail_to_file(&["--once", "-v"]);
    command.arg(place.folder().join("logs"));
    told += &harmless(&finish(command), "tail");
    for command in ["normalize", "check", "tail"] {
        let mut command = program::command([command]);
        if command.get_args().any(|argument| argument == "tail") {
            command
                .args(["--once", "--state-dir"])
                .arg(place.state_dir());
            command.arg("-o").arg(path.join("x"));
        }
        let is_check = command.get_args().any(|argument| argument == "check");
        if is_check {
            command.arg("--geoip-city");
        }
        command.arg(path.join("y.log"));
        let outcome = harmless(&finish(command), "an error");
        // It names the home directory.
        if !is_check {
            told += &outcome;
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn json_reports_are_json() {
    let place = Place::new(&["*.log"]);
    write(&place, EVIL, 1..=3);
    place.once();
    for report in ["--list", "--status"] {
        let output = finish(place.tail(&[report, "--json"]));
        let lines: Value = serde_json::from_slice(&output.stdout).unwrap();
        let path = lines[0]["path"].as_str().unwrap();
        assert!(path.ends_with("a\x1b[31m\nb\x07\u{fffd}.log"), "{path:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_names_are_followed(names in vec(vec(1..=255_u8, 1..12), 1..8)) {
        let place = Place::new(&["*.log", "sub/*"]);
        fs::create_dir(place.path("sub")).unwrap();
        let mut logs = std::collections::BTreeSet::new();
        for name in names {
            let mut name: Vec<u8> = name.into_iter().filter(|byte| *byte != b'/').collect();
            append(&place.path("other-").with_file_name(os(&[b"x", &name[..]].concat())), b"");
            name.retain(|byte| !byte.is_ascii());
            name.extend(b"x.log");
            logs.insert(OsString::from_vec(name));
        }
        for (number, name) in logs.iter().enumerate() {
            let number = number as u64;
            write(&place, name.as_bytes(), number..=number);
        }
        place.once();
        place.once();
        let mut delivered = crate::support::follow::delivered(&place.out());
        let mut numbers = delivered.remove("a").unwrap_or_default();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (0..logs.len() as u64).collect::<Vec<_>>());
    }
}
