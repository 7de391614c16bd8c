//! What `normalize` makes of whole inputs: other layouts than a record a line, and what is no text.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Output;

use crate::support::follow::{bzip2, gzip, xz, zstd};
use crate::support::outcome::{filtered, outcome};
use crate::support::program::{command, events, lines, project, run, run_command, stderr};
use serde_json::Value;

fn log() -> Vec<u8> {
    std::fs::read(project("testdata/20260101.00000.audit.log")).expect("the test data")
}

/// The events without what depends on where in the input the record stands.
fn bare(input: &[u8]) -> Vec<Value> {
    let mut events = events(["normalize", "-q", "--preserve-original-event"], input);
    for event in &mut events {
        event["event"]["original"] = Value::Null;
        event["log"] = Value::Null;
    }
    events
}

#[test]
fn pretty_printed_records_are_as_those_on_lines() {
    let records = lines(&log());
    let pretty: Vec<_> = records
        .iter()
        .map(|record| serde_json::to_string_pretty(record).expect("JSON"))
        .collect();
    let expected = bare(&log());
    assert_eq!(expected.len(), records.len());
    assert!(bare(pretty.join("\n").as_bytes()) == expected, "jq .");
    let slurped = serde_json::to_string_pretty(&records).expect("JSON");
    assert!(bare(slurped.as_bytes()) == expected, "jq -s .");
    let (first, second) = records.split_at(3);
    let pages = serde_json::json!([{"size": 3, "results": first}, {"results": second}]);
    let pages = serde_json::to_string_pretty(&pages).expect("JSON");
    assert!(bare(pages.as_bytes()) == expected, "jq -s . of pages");
    assert!(run(["normalize"], pages.as_bytes()).status.success());
}

const CLOUD: &str = r#"{"creationDate":1637624602054,"summary":"User created"}"#;

/// A folder with files in it, in which `normalize` runs.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        for (name, content) in files {
            fs::write(folder.path(name), content).expect("written");
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn normalize(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = command(["normalize"].iter().chain(arguments));
        command.current_dir(self.0.path());
        run_command(command, input)
    }
}

/// The first block of a tar archive, as far as anybody looks at it.
fn tar() -> Vec<u8> {
    let mut block = vec![0; 1024];
    block[..9].copy_from_slice(b"audit.log");
    block[257..262].copy_from_slice(b"ustar");
    block.extend_from_slice(CLOUD.as_bytes());
    block
}

#[test]
fn what_is_no_text_is_one_error_that_says_what_to_do() {
    let tar = tar();
    let mmdb = fs::read(project("testdata/geoip/confluence-ecs-city.mmdb")).expect("a database");
    let elf = fs::read(env!("CARGO_BIN_EXE_confluence-ecs")).expect("the binary");
    let files: &[(&str, &[u8])] = &[
        ("a b.zip", b"PK\x03\x04\n\0\0\0\0\0\n"),
        ("a.7z", b"7z\xBC\xAF\x27\x1C\0\x04\n"),
        ("a.db", b"SQLite format 3\0\x10\0\x01\x01\0\n\n"),
        ("a.lz4", b"\x04\x22\x4D\x18\x64\n"),
        ("a.mmdb", &mmdb),
        ("a.pdf", b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj\n"),
        ("a.png", b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR\n"),
        ("a.tar", &tar),
        ("a.tar.gz", &gzip(&tar)),
        ("a.txt", b"{\0\"\0a\0\"\0:\x001\0}\0\n\0"),
        ("binary", b"\x01\x02\x03\x04\n\x05\x06\x07\n\x01"),
        ("elf", &elf),
        ("good.log", CLOUD.as_bytes()),
    ];
    let folder = Folder::with(files);
    let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
    let output = folder.normalize(&names, b"");
    assert_eq!(lines(&output.stdout).len(), 1);
    let mut told = format!("exit code: {:?}\n{}", output.status.code(), stderr(&output));
    for (_, content) in &files[..files.len() - 1] {
        let output = folder.normalize(&["-q"], content);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        told += &stderr(&output);
    }
    insta::assert_snapshot!(filtered(&told));
}

/// A header of a tar archive from before POSIX, and what is behind it.
fn v7_tar() -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..9].copy_from_slice(b"audit.log");
    block[100..107].copy_from_slice(b"0000644");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block.extend_from_slice(CLOUD.as_bytes());
    block
}

/// Text in UTF-32, little endian, without a byte order mark.
fn utf_32() -> Vec<u8> {
    CLOUD
        .chars()
        .flat_map(|char| u32::from(char).to_le_bytes())
        .collect()
}

fn zlib() -> Vec<u8> {
    let level = flate2::Compression::default();
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
    encoder.write_all(CLOUD.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// Each file is an error of one line, and not one event.
fn refused(files: &[(&str, &[u8])]) -> String {
    let folder = Folder::with(files);
    let mut told = String::new();
    for (name, _) in files {
        let output = folder.normalize(&["-q", &format!("./{name}")], b"");
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{name}");
        told += &stderr(&output);
    }
    filtered(&told)
}

#[test]
fn further_formats_are_recognised_by_their_first_bytes() {
    let (tar, utf_32, zlib) = (v7_tar(), utf_32(), zlib());
    let cpio = ["070701", &"0".repeat(104), "audit.log\0"].concat();
    insta::assert_snapshot!(refused(&[
        ("utf-32", &utf_32),
        ("deb", b"!<arch>\ndebian-binary   1\n"),
        ("ar", b"!<arch>\naudit.log/      1\n"),
        ("cpio", cpio.as_bytes()),
        ("lz4", b"\x02\x21\x4C\x18\x40\0\0\0{\n"),
        ("zlib", &zlib),
        ("macho", b"\xCF\xFA\xED\xFE\x07\0\0\x01\n"),
        ("wasm", b"\0asm\x01\0\0\0\n"),
        ("arrow", b"ARROW1\0\0\xFF\xFF\xFF\xFF\n"),
        ("pcap", b"\xD4\xC3\xB2\xA1\x02\0\x04\0\n"),
        ("mp4", b"\0\0\0\x20ftypisom\n"),
        ("webp", b"RIFF\x24\0\0\0WEBPVP8 \n"),
        ("v7.tar", &tar),
    ]));
}

#[test]
fn what_is_encrypted_or_no_text_at_all_makes_no_events() {
    let random: Vec<u8> = (0..4096_u32)
        .map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[2])
        .collect();
    let nuls = vec![0; (1 << 20) - 1];
    let behind = |magic: &[u8]| [magic, &random].concat();
    let padded = b"DB\x07\0\0\0a name\0\0\0\0another\0\0\0\0\n";
    insta::assert_snapshot!(refused(&[
        ("openssl", &behind(b"Salted__")),
        ("a.evtx", b"ElfFile\0\0\0\0\0\0\0\0\0\x07\0\n"),
        ("a.gpg", &behind(b"\x8C\x0D\x04")),
        ("to-key.gpg", &behind(b"\x85\x02")),
        ("random", &random),
        ("padded", padded),
        ("nuls", &nuls),
        ("one-nul", b"\0"),
    ]));
}

#[test]
fn a_log_with_some_bytes_that_are_no_text_is_read() {
    let nuls = "\0".repeat(2000);
    for text in [
        format!("{nuls}{CLOUD}\n"),
        format!("{CLOUD}\n{nuls}{CLOUD}\n"),
        format!("half a line{nuls}\n{CLOUD}\n"),
        format!("\u{1}{CLOUD}\n"),
    ] {
        let output = Folder::with(&[]).normalize(&["-q"], text.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn what_is_compressed_twice_is_named_with_what_undoes_it() {
    let mmdb = fs::read(project("testdata/geoip/confluence-ecs-city.mmdb")).expect("a database");
    let log = CLOUD.as_bytes();
    insta::assert_snapshot!(refused(&[
        ("a.gz.gz", &gzip(&gzip(log))),
        ("a.xz.gz", &gzip(&xz(log))),
        ("a.zst.gz", &gzip(&zstd(log))),
        ("a.bz2.gz", &gzip(&bzip2(log))),
        ("a.tar.gz", &gzip(&tar())),
        ("v7.tar.gz", &gzip(&v7_tar())),
        ("a.lz4.gz", &gzip(b"\x04\x22\x4D\x18\x64\n")),
        ("a.utf-32.xz", &xz(&utf_32())),
        ("a.zip.zst", &zstd(b"PK\x03\x04\n\0\0\0\0\0\n")),
        ("a.mmdb.gz", &gzip(&mmdb)),
    ]));
}

#[test]
fn a_remedy_works_when_it_is_pasted() {
    let log = CLOUD.as_bytes();
    for (name, content) in [
        ("a.xz.gz", gzip(&xz(log))),
        ("-a 'b'.tar", v7_tar()),
        ("-u.gz", gzip(&utf_32())),
    ] {
        let folder = Folder::with(&[(name, &content)]);
        let output = folder.normalize(&["-q", "--", name], b"");
        let told = stderr(&output);
        let program = env!("CARGO_BIN_EXE_confluence-ecs");
        let pasted = told.split('`').nth(1).expect("a command");
        let pasted = pasted
            .replace("confluence-ecs", program)
            .replace("tar -xOf -", "tail -c +513");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &pasted]).current_dir(folder.0.path());
        let output = shell.output().expect("a shell");
        if output.stdout.is_empty() && stderr(&output).contains("not found") {
            eprintln!("left out: {pasted}");
            continue;
        }
        assert_eq!(
            lines(&output.stdout).len(),
            1,
            "{pasted}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn utf_16_with_a_byte_order_mark_is_decoded() {
    let record = r#"{"creationDate":1,"summary":"Zoë 😀"}"#;
    let text = format!("\u{FEFF}{record}\r\n{record}\r\n");
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let folder = Folder::with(&[
        ("le.log", &little),
        ("be.log", &big),
        ("le.log.gz", &gzip(&little)),
    ]);
    let output = folder.normalize(&["le.log", "be.log", "le.log.gz", "-"], &little);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let events = lines(&output.stdout);
    assert_eq!(events.len(), 8);
    for pair in events.chunks(2) {
        assert_eq!(pair[1]["event"]["action"], "Zoë 😀");
    }
    // Offsets are those of the decoded text, without the mark.
    assert_eq!(events[1]["log"]["offset"], record.len() + 2);

    // Half a character at the end is no record, and does no harm.
    let output = folder.normalize(&[], &[&little[..], b"{"].concat());
    let kinds: Vec<_> = lines(&output.stdout)
        .iter()
        .map(|event| event["event"]["kind"].clone())
        .collect();
    assert_eq!(kinds, ["event", "event", "pipeline_error"]);
}

#[test]
fn an_input_without_any_record_is_named_however_quiet() {
    let folder = Folder::with(&[
        ("a.txt", b"one\ntwo\n\nthree"),
        ("good.log", CLOUD.as_bytes()),
        ("half.log", format!("{CLOUD}\nnonsense").as_bytes()),
        ("blank.log", b"\n\n"),
    ]);
    let files = [
        "-q",
        "--threads",
        "3",
        "a.txt",
        "good.log",
        "half.log",
        "blank.log",
        "-",
    ];
    let mut output = folder.normalize(&files, b"nonsense");
    assert_eq!(lines(&output.stdout).len(), 7);
    output.stdout.clear();
    insta::assert_snapshot!(outcome(&output));
}

#[test]
fn a_pattern_that_no_shell_has_expanded_is_explained() {
    let folder = Folder::with(&[]);
    insta::assert_snapshot!(outcome(&folder.normalize(&["x*.log", "{a,b}.log"], b"")));
}

#[test]
fn messages_about_a_record_name_the_file_and_the_line() {
    let long = "x".repeat(300_000);
    let bad = format!("{CLOUD}\n\nbad\n{long}\n{CLOUD}\n[{CLOUD},\n");
    let pretty = format!("[\n{CLOUD},\n{{}}\n]\n");
    let folder = Folder::with(&[
        ("a.log", bad.as_bytes()),
        ("b.log.gz", &gzip(bad.as_bytes())),
        ("pretty.json", pretty.as_bytes()),
    ]);
    let files = [
        "-v",
        "--threads",
        "1",
        "a.log",
        "b.log.gz",
        "pretty.json",
        "-",
    ];
    let output = folder.normalize(&files, b"\nbad\n");
    let told = stderr(&output);
    let places = told.lines().filter_map(|line| {
        let (place, _) = line
            .trim()
            .strip_prefix("DEBUG ")?
            .split_once(": cannot map")?;
        Some(place)
    });
    assert_eq!(
        places.collect::<Vec<_>>(),
        [
            "a.log:3",
            "a.log:4",
            "a.log:6",
            "b.log.gz:3",
            "b.log.gz:4",
            "b.log.gz:6",
            "pretty.json:3",
            "stdin:2"
        ],
        "{told}"
    );
}
