//! Real pipes, files, signals and compression: how `normalize` behaves among other programs.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};

use crate::support::follow::{bzip2, gzip, xz, zstd};
use crate::support::program::{
    command, lines, project, run, run_command, start, stderr, wait_until,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const RECORD: &str = r#"{"creationDate":1637624602054,"summary":"User created"}"#;

fn log() -> Vec<u8> {
    std::fs::read(project("testdata/20260101.00000.audit.log")).expect("the test data")
}

fn plain() -> Vec<u8> {
    let output = run(["normalize"], &log());
    assert_eq!(output.status.code(), Some(0));
    output.stdout
}

#[test]
fn compressed_input_by_content() {
    let (log, plain) = (log(), plain());
    let (first, second) = log.split_at(log.len() / 3);
    let with_zeros = [gzip(&log), vec![0; 512]].concat();
    let skippable = [&b"\x5A\x2A\x4D\x18\x03\0\0\0abc"[..], &zstd(&log)].concat();
    for compressed in [
        gzip(&log),
        [gzip(first), gzip(b""), gzip(second)].concat(),
        with_zeros,
        zstd(&log),
        [zstd(first), zstd(second)].concat(),
        skippable,
        xz(&log),
        [xz(first), vec![0; 512], xz(b""), xz(second)].concat(),
        bzip2(&log),
        [bzip2(first), bzip2(b""), bzip2(second)].concat(),
    ] {
        let output = run(["normalize"], &compressed);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(output.stdout == plain);
    }
    let file = run(["normalize", "testdata/20260101.00000.audit.log.gz"], b"");
    assert_eq!(lines(&file.stdout).len(), lines(&plain).len());
    let last = lines(&file.stdout).pop().expect("events");
    assert_eq!(
        last["log"]["file"]["path"],
        "testdata/20260101.00000.audit.log.gz"
    );
    let last_line = log
        .trim_ascii_end()
        .iter()
        .rposition(|byte| *byte == b'\n')
        .expect("lines");
    assert_eq!(last["log"]["offset"], last_line + 1);
}

#[test]
fn damaged_compression_is_reported_and_what_came_before_is_done() {
    let log = log();
    let log = log.repeat(10);
    for whole in [gzip(&log), zstd(&log), xz(&log), bzip2(&log)] {
        for cut in [1, 4, 20, whole.len() / 2, whole.len() - 12] {
            let output = run(["normalize"], &whole[..whole.len() - cut]);
            assert_eq!(output.status.code(), Some(1));
            let told = stderr(&output);
            assert!(told.contains("stdin: cannot read at byte"), "{told}");
            assert!(told.contains("the compressed data is truncated"), "{told}");
            assert!(cut > 20 || lines(&output.stdout).len() > 200);
        }
        let garbage = [&whole[..], b"garbage"].concat();
        let output = run(["normalize"], &garbage);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(lines(&output.stdout).len(), 3000);
    }
}

#[test]
fn a_flipped_bit_is_an_error_and_no_crash() {
    let log = &log()[..20_000];
    // Without a checksum, which nobody has to write, zstd cannot tell.
    for whole in [gzip(log), xz(log), bzip2(log)] {
        for at in (16..whole.len()).step_by(whole.len() / 12) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            let output = run(["normalize"], &damaged);
            assert_eq!(output.status.code(), Some(1), "byte {at}");
            let told = stderr(&output);
            assert!(told.contains("stdin: cannot read at byte"), "{told}");
        }
    }
}

#[test]
fn an_xz_file_that_asks_for_gigabytes_is_refused() {
    let mut options = lzma_rust2::XzOptions::with_preset(0);
    for (size, code) in [(64 << 20, 0), (1 << 30, 1)] {
        options.lzma_options.dict_size = 1 << 20;
        let mut whole = Vec::new();
        let mut encoder = lzma_rust2::XzWriter::new(&mut whole, options.clone()).expect("it");
        encoder.write_all(&log()).expect("written");
        encoder.finish().expect("finished");
        let whole = with_dictionary(whole, size);
        let output = run(["normalize"], &whole);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        let told = stderr(&output);
        assert_eq!(told.contains("more than 128 MiB"), code == 1, "{told}");
    }
}

/// An xz file with one block whose header says that its dictionary has another size.
fn with_dictionary(mut whole: Vec<u8>, size: u32) -> Vec<u8> {
    const HEADER: usize = 12;
    let length = (usize::from(whole[HEADER]) + 1) * 4;
    let header = &mut whole[HEADER..HEADER + length];
    // Flags, then the filter LZMA2 with one byte of properties.
    assert_eq!(header[1..4], [0, 0x21, 1], "{header:x?}");
    header[4] = u8::try_from(2 * (size.ilog2() - 12)).expect("a size");
    let mut checksum = flate2::Crc::new();
    checksum.update(&header[..length - 4]);
    header[length - 4..].copy_from_slice(&checksum.sum().to_le_bytes());
    whole
}

/// Starts `normalize`, whose output is read line by line.
fn start_slow(
    arguments: &[&str],
) -> (
    Child,
    std::process::ChildStdin,
    impl FnMut() -> Value + use<>,
) {
    let mut child = start(command(["normalize", "-q"].iter().chain(arguments)));
    let stdin = child.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let next = move || {
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("an event")
    };
    (child, stdin, next)
}

#[test]
fn a_record_on_a_slow_pipe_comes_out_at_once() {
    for threads in ["1", "3"] {
        let (mut child, mut stdin, mut next) = start_slow(&["--threads", threads]);
        for number in 0..5 {
            // Each event is awaited before the next record is written.
            writeln!(stdin, r#"{{"creationDate":{number}}}"#).expect("written");
            let time = format!("1970-01-01T00:00:00.00{number}Z");
            assert_eq!(next()["@timestamp"], time);
        }
        // The end of the pipe ends an unfinished line.
        write!(stdin, "{RECORD}").expect("written");
        drop(stdin);
        assert_eq!(next()["event"]["action"], "User created");
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
    }
}

#[test]
fn the_records_of_a_page_come_out_as_it_streams() {
    for begin in [
        "{\"start\":0,\"results\":[",
        "[",
        "{\n  \"results\": [\n    ",
        "{\"creationDate\":9}\n{\"start\":0,\"results\":[",
    ] {
        let (mut child, mut stdin, mut next) = start_slow(&[]);
        write!(stdin, "{begin}").expect("written");
        let after_lines = begin.contains("}\n");
        if after_lines {
            assert_eq!(next()["@timestamp"], "1970-01-01T00:00:00.009Z");
        }
        for number in 0..5 {
            let comma = match number {
                0 => "",
                // After lines, a page stands on one.
                _ if after_lines => ", ",
                // What is indented stays so: a record at the start of a line is another document.
                _ if begin.ends_with("    ") => ",\n    ",
                _ => ",\n",
            };
            write!(stdin, "{comma}{{\"creationDate\":{number}}}").expect("written");
            let time = format!("1970-01-01T00:00:00.00{number}Z");
            assert_eq!(next()["@timestamp"], time);
        }
        let end = if begin == "[" { "]" } else { "],\"size\":5}" };
        writeln!(stdin, "{end}").expect("written");
        writeln!(stdin, "{RECORD}").expect("written");
        assert_eq!(next()["event"]["action"], "User created");
        drop(stdin);
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
    }
}

#[test]
fn a_closed_output_ends_it_quietly() {
    // Its reader goes away while it waits for input that never comes.
    let mut child = start(command(["normalize"]));
    let mut stdin = child.stdin.take().expect("a pipe");
    writeln!(stdin, "{RECORD}").expect("written");
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut [0; 10]).expect("an event");
    drop(stdout);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");

    // Its reader goes away while it has much to write.
    let mut child = start(command(["normalize"]));
    let mut stdin = child.stdin.take().expect("a pipe");
    drop(child.stdout.take());
    let log = log();
    while stdin.write_all(&log).is_ok() {}
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    kill_process(pid, signal).expect("sent");
}

#[test]
fn a_signal_finishes_what_was_read() {
    for (sent, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (mut child, mut stdin, mut next) = start_slow(&[]);
        // An unfinished line at the end of what was read is not emitted in halves.
        write!(stdin, "{RECORD}\n{{\"creationDate\"").expect("written");
        assert_eq!(next()["event"]["action"], "User created");
        signal(&child, sent);
        assert_eq!(child.wait().expect("it ends").code(), Some(code));
        drop(stdin);
    }
}

#[test]
fn a_signal_ends_the_wait_for_a_named_pipe() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pipe");
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        &path,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
    )
    .expect("a pipe");
    let mut child = start(command(["normalize".as_ref(), path.as_os_str()]));
    // Once its handlers are there, it waits: a writer that comes is read.
    let mut writer = File::options().write(true).open(&path).expect("opened");
    writeln!(writer, "{RECORD}").expect("written");
    let mut first = [0];
    child
        .stdout
        .as_mut()
        .expect("a pipe")
        .read_exact(&mut first)
        .expect("an event");
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut child = start(command(["normalize"]));
    let mut stdin = child.stdin.take().expect("a pipe");
    // Nobody reads its output: it blocks with the pipe full, and the first signal cannot end it.
    let log = log();
    let writer = std::thread::spawn(move || while stdin.write_all(&log).is_ok() {});
    let stdout = child.stdout.as_mut().expect("a pipe");
    stdout.read_exact(&mut [0]).expect("it has begun");
    let mut status = None;
    wait_until("the end", || {
        signal(&child, Signal::TERM);
        status = child.try_wait().expect("waited");
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(143));
    writer.join().expect("the writer ends");
}

#[test]
fn a_full_output_is_an_error_that_names_it() {
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("opened");
    let mut command = command(["normalize", "testdata/sample/record.log"]);
    command
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::piped());
    let output = command.output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("cannot write to stdout: No space left"),
        "{}",
        stderr(&output)
    );

    let output = run(
        ["normalize", "testdata/sample/record.log", "-o", "/dev/full"],
        b"",
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("cannot write to /dev/full"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_output_file_is_truncated_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.ndjson");
    std::fs::write(&path, plain().repeat(3)).expect("written");
    let arguments = ["normalize".as_ref(), "--output".as_ref(), path.as_os_str()];
    let output = run_command(command(arguments), &log());
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty());
    assert!(std::fs::read(&path).expect("the events") == plain());

    // Created even if nothing comes.
    let empty = folder.path().join("empty.ndjson");
    let arguments = ["normalize".as_ref(), "-o".as_ref(), empty.as_os_str()];
    assert_eq!(run_command(command(arguments), b"").status.code(), Some(0));
    assert_eq!(std::fs::read(&empty).expect("there"), b"");
}

#[test]
fn an_output_that_is_an_input_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("records.log");
    std::fs::write(&path, format!("{RECORD}\n")).expect("written");
    for from_stdin in [true, false] {
        let mut command = command(["normalize"]);
        let append = File::options().append(true).open(&path).expect("opened");
        command.stdout(append).stderr(Stdio::piped());
        if from_stdin {
            command.stdin(File::open(&path).expect("opened"));
        } else {
            command.arg(&path).stdin(Stdio::null());
        }
        let output = command.output().expect("it ends");
        assert_eq!(output.status.code(), Some(2));
        let told = stderr(&output);
        assert!(told.contains("stdout, is also an input"), "{told}");
    }
    let unchanged = std::fs::read_to_string(&path).expect("there");
    assert_eq!(unchanged, format!("{RECORD}\n"));
}

#[test]
fn a_lot_of_garbage_on_a_line_takes_little_memory() {
    // Each element is an event of its own, hundreds of times its size.
    let line = format!("[{}1]", "1,".repeat(1_000_000));
    let mut child = start(command(["normalize", "-q", "--threads", "2"]));
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(line.as_bytes()));
    let mut buffer = vec![0; 1 << 20];
    let mut peak = 0;
    while stdout.read(&mut buffer).expect("read") > 0 {
        peak = peak.max(high_water(&child));
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    writer.join().expect("joined").expect("written");
    assert!(peak < 300 << 10, "{peak} kB");
}

/// The most memory that a process had so far, in kB; 0 if it has ended.
fn high_water(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kilobytes.unwrap_or(0)
}

#[test]
fn any_number_of_threads_gives_the_same_output() {
    let log = log().repeat(20);
    let one = run(["normalize", "--threads", "1"], &log).stdout;
    for threads in ["2", "5"] {
        assert!(run(["normalize", "--threads", threads], &log).stdout == one);
    }
}

#[test]
fn memory_does_not_grow_with_the_input() {
    let log = log();
    let mut child = start(command(["normalize", "--threads", "2"]));
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    let reader = std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    let mut peak = 0;
    for _ in 0..400 {
        stdin.write_all(&log).expect("written");
        peak = peak.max(high_water(&child));
    }
    drop(stdin);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    reader.join().expect("joined").expect("copied");
    assert!(peak < 64 << 10, "{peak} kB for 115 MB of input");
}
