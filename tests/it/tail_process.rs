//! `tail` as a process: signals, slow and closed readers, limits, the service manager, and the
//! order in which things get to the disk.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::again;
use crate::support::follow::{
    self, Follower, Place, catches, finish, line_count, record, send, short_record,
};
use crate::support::geoip_db;
use crate::support::program::{lines, stderr, wait_until};
use rustix::process::Signal;

/// A follower that writes to a pipe.
fn start_to_pipe(place: &Place) -> (Follower, impl std::io::Read + use<>) {
    let mut command = place.tail(&["-o", "-"]);
    command.stdout(Stdio::piped());
    let mut follower = place.start_command(command);
    let stdout = follower.child().stdout.take().expect("a pipe");
    (follower, stdout)
}

#[test]
fn a_signal_ends_it_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let place = Place::new(&["*.log"]);
        place.append("audit.log", 1..=3);
        let mut follower = place.start();
        place.arrive(1..=3);
        follower.signal(signal);
        follower.ends_with(Some(0));
        place.once();
        place.has(1..=3);
    }
}

#[test]
fn a_signal_before_there_is_anything_ends_it_with_0() {
    let place = Place::new(&["missing/*.log"]);
    let follower = place.start_ready();
    follower.terminate();
    assert_eq!(fs::read(place.out()).expect("the output"), b"");
}

#[test]
fn a_closed_reader_ends_it_quietly() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=2);
    let (mut follower, stdout) = start_to_pipe(&place);
    let mut first = String::new();
    let mut reader = BufReader::new(stdout);
    reader.read_line(&mut first).expect("a line");
    assert_eq!(lines(first.as_bytes()).len(), 1);
    drop(reader);
    place.append("audit.log", 3..=200);
    follower.ends_with(Some(0));
    assert_eq!(place.said(), "");
}

#[test]
fn what_a_closed_reader_was_handed_is_not_sent_again() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=2);
    let (mut follower, stdout) = start_to_pipe(&place);
    let mut reader = BufReader::new(stdout);
    reader.read_line(&mut String::new()).expect("a line");
    drop(reader);
    follower.ends_with(Some(0));
    place.append("audit.log", 3..=4);
    place.once();
    place.has(3..=4);
}

#[test]
fn a_replaced_database_is_read_without_a_restart() {
    let place = Place::new(&["*.log"]);
    let database = place.folder().join("city.mmdb");
    let country = || {
        let event = place.events().pop().expect("an event");
        event["source"]["geo"]["country_iso_code"].clone()
    };
    let append = |number: u64| {
        let located = record("a", number).replace("10.0.0.1", "81.2.69.143");
        place.append_bytes("audit.log", located + "\n");
        wait_until("the event", || line_count(&place.out()) as u64 == number);
    };
    // Without that address.
    fs::write(&database, geoip_db::of_type("GeoLite2-City")).expect("written");
    let flags = ["--geoip-city", database.to_str().expect("UTF-8")];
    let follower = place.start_command(place.tail_to_file(&flags));
    append(1);
    assert!(country().is_null());
    let new = place.folder().join("new.mmdb");
    fs::write(&new, geoip_db::city()).expect("written");
    fs::rename(new, &database).expect("replaced");
    let mut number = 1;
    wait_until("the new database's answer", || {
        number += 1;
        append(number);
        country() == "GB"
    });
    follower.terminate();
}

#[test]
fn a_closed_reader_is_noticed_while_nothing_comes() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=1);
    let (mut follower, mut stdout) = start_to_pipe(&place);
    stdout.read_exact(&mut [0]).expect("an event");
    drop(stdout);
    follower.ends_with(Some(0));
}

#[test]
fn a_slow_reader_gets_everything_in_order() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=1_000);
    let (follower, stdout) = start_to_pipe(&place);
    let mut reader = BufReader::with_capacity(4096, stdout);
    let mut text = Vec::new();
    for number in 1..=2_000 {
        if number == 1_000 {
            place.append("audit.log", 1_001..=2_000);
        }
        if number % 50 == 0 {
            // The reader's own pace.
            std::thread::sleep(Duration::from_millis(5));
        }
        reader.read_until(b'\n', &mut text).expect("a line");
    }
    let numbers = lines(&text)
        .into_iter()
        .map(|event| follow::identity(&event).1);
    assert!(numbers.eq(1..=2_000));
    follower.terminate();
}

#[test]
fn a_pipe_is_handed_each_record_once() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=3);
    let to_pipe = || finish(place.tail(&["--once"])).stdout;
    assert_eq!(lines(&to_pipe()).len(), 3);
    place.append("audit.log", 4..=4);
    let numbers: Vec<_> = lines(&to_pipe()).iter().map(follow::identity).collect();
    assert_eq!(numbers, [("a".to_owned(), 4)]);
}

#[test]
fn a_full_output_is_waited_for_and_told_once() {
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=1);
    let full = fs::File::options().write(true).open("/dev/full");
    let mut command = place.tail(&[]);
    command.stdout(full.expect("opened"));
    let follower = place.start_command(command);
    wait_until("a word about it", || place.said().contains("no space left"));
    follower.terminate();
    assert_eq!(
        place.said().matches("no space left").count(),
        1,
        "{}",
        place.said()
    );
    // The state did not go ahead of the output.
    place.once();
    place.has(1..=1);
}

#[test]
fn a_full_disk_under_the_output_is_waited_for() {
    let Some(disk) = again::small_disk(a_full_disk_under_the_output_is_waited_for) else {
        return;
    };
    let (out, filler) = (disk.join("out.ndjson"), disk.join("filler"));
    fs::write(&filler, vec![0; 200 << 10]).expect("room");
    let place = Place::new(&["*.log"]).loud();
    for number in 1..=120 {
        place.append_bytes("audit.log", short_record("a", number) + "\n");
    }
    let follower = place.start_command(place.tail(&["-o", out.to_str().expect("UTF-8")]));
    wait_until("a word about it", || place.said().contains("no space left"));
    // As far as it goes, whole lines.
    let before = follow::delivered(&out).remove("a").unwrap_or_default();
    assert!(before.len() < 120);
    fs::remove_file(filler).expect("removed");
    wait_until("everything", || line_count(&out) == 120);
    follower.terminate();
    let after = follow::delivered(&out).remove("a").expect("records");
    assert!(after.into_iter().eq(1..=120));
}

#[test]
fn a_full_disk_under_the_state_is_waited_for() {
    let Some(disk) = again::small_disk(a_full_disk_under_the_state_is_waited_for) else {
        return;
    };
    let (state, filler) = (disk.join("state"), disk.join("filler"));
    let place = Place::new(&["*.log"]).loud();
    let state_dir = ["--state-dir", state.to_str().expect("UTF-8")];
    let follower = place.start_command(place.tail_to_file(&state_dir));
    wait_until("the state", || state.join("tail.json").exists());
    // Takes all the room there is.
    let mut filling = fs::File::create(&filler).expect("created");
    while filling.write_all(&[0; 512]).is_ok() {}
    place.append("audit.log", 1..=3);
    wait_until("a word about it", || {
        place.said().contains("no space left for the state")
    });
    place.append("audit.log", 4..=6);
    fs::remove_file(&filler).expect("removed");
    drop(filling);
    place.arrive(1..=6);
    follower.terminate();
    let output = finish(place.tail_to_file(&["--state-dir", state_dir[1], "--once"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    place.has(1..=6);
}

#[test]
fn many_files_are_followed_with_few_handles() {
    let place = Place::new(&["*.log"]);
    let last = 10_000;
    for number in 1..=last {
        place.append_bytes(
            &format!("f{number:05}.log"),
            short_record("a", number) + "\n",
        );
    }
    let tail = place.tail_to_file(&["--once"]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
        .arg(tail.get_program())
        .args(tail.get_args());
    let output = finish(limited);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut numbers = follow::delivered(&place.out())
        .remove("a")
        .expect("records");
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=last));
}

#[test]
fn many_growing_files_are_followed_with_few_handles() {
    let place = Place::new(&["*.log"]);
    let tail = place.tail_to_file(&[]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
        .arg(tail.get_program())
        .args(tail.get_args());
    let follower = place.start_command(limited);
    for number in 1..=1_000 {
        let name = format!("f{:03}.log", number % 200);
        place.append_bytes(&name, record("a", number) + "\n");
    }
    wait_until("all events", || line_count(&place.out()) >= 1_000);
    follower.terminate();
    let mut numbers = follow::delivered(&place.out())
        .remove("a")
        .expect("records");
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=1_000));
}

#[test]
fn the_service_manager_is_told() {
    let place = Place::new(&["*.log"]);
    let path = place.folder().join("notify");
    let socket = UnixDatagram::bind(&path).expect("bound");
    let patience = Some(Duration::from_secs(20));
    socket.set_read_timeout(patience).expect("set");
    let told = |wanted: &str| {
        let mut buffer = [0; 4096];
        loop {
            let length = socket.recv(&mut buffer).expect(wanted);
            let text = String::from_utf8_lossy(&buffer[..length]);
            if text.lines().any(|line| line == wanted) {
                return;
            }
        }
    };
    let mut command = place.tail_to_file(&[]);
    command.env("NOTIFY_SOCKET", &path);
    let follower = place.start_command(command);
    told("READY=1");
    assert!(place.out().exists());
    place.append("audit.log", 1..=1);
    place.arrive(1..=1);
    follower.terminate();
    told("STOPPING=1");
}

#[test]
fn the_service_manager_is_told_the_status_while_the_output_is_blocked() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=2000);
    let path = place.folder().join("notify");
    let socket = UnixDatagram::bind(&path).expect("bound");
    // At least once a minute.
    let patience = Some(Duration::from_secs(60));
    socket.set_read_timeout(patience).expect("set");
    let mut command = place.tail(&[]);
    command.stdout(Stdio::piped()).env("NOTIFY_SOCKET", &path);
    let _follower = place.start_command(command);
    let mut buffer = [0; 4096];
    let status = loop {
        let length = match socket.recv(&mut buffer) {
            // A signal for another test of this process.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            received => received.expect("a status"),
        };
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if let Some(status) = text.strip_prefix("STATUS=") {
            break status.to_owned();
        }
    };
    for part in [
        " records of 1 files",
        " behind, newest event 20",
        ", output blocked for 1",
    ] {
        assert!(status.contains(part), "{status}");
    }
}

/// The system calls of a `tail --once` that concern the output and the state, in order: what was
/// called, and on which path. None where there is no `strace`.
fn traced(place: &Place) -> Option<Vec<(String, String)>> {
    let trace = place.folder().join("trace");
    let tail = place.tail_to_file(&["--once"]);
    let calls = "trace=fsync,fdatasync,rename,renameat,renameat2,write,pwrite64,writev";
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-s", "0", "-e", calls, "-o"]);
    strace
        .arg(&trace)
        .arg(tail.get_program())
        .args(tail.get_args());
    strace
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = strace.status();
    if !status.is_ok_and(|status| status.success()) {
        eprintln!("skipped: strace is missing, or not allowed");
        return None;
    }
    let text = fs::read_to_string(trace).expect("the trace");
    Some(text.lines().filter_map(call).collect())
}

/// A line of a trace: `123 fsync(5</the/path>) = 0`.
fn call(line: &str) -> Option<(String, String)> {
    let (_, line) = line.split_once(' ')?;
    let (name, arguments) = line.trim_start().split_once('(')?;
    let path = if name.starts_with("rename") {
        // The last path is the new name; it may be relative to an open folder.
        let (before, name) = arguments.rsplit_once('"')?.0.rsplit_once('"')?;
        let folder = before.rsplit_once('<').map_or("", |(_, folder)| folder);
        let folder = folder.split_once('>').map_or("", |(folder, _)| folder);
        Path::new(folder).join(name).display().to_string()
    } else {
        let path = arguments.split_once('<')?.1.split_once('>')?.0;
        path.to_owned()
    };
    Some((name.to_owned(), path))
}

#[test]
fn the_state_follows_the_output_to_the_disk() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=3);
    let Some(calls) = traced(&place) else {
        return;
    };
    place.has(1..=3);
    let (out, state) = (place.out(), place.state_dir());
    let (out, state) = (out.to_string_lossy(), state.to_string_lossy());
    let in_state = format!("{state}/");
    let synced = |name: &str| name == "fsync" || name == "fdatasync";
    let last_write = calls
        .iter()
        .rposition(|(name, path)| name.contains("write") && *path == out)
        .expect("the output is written");
    // From there on, each step comes after the one before.
    let mut rest = calls[last_write..].iter();
    let mut then = |step: &str, is_it: &dyn Fn(&str, &str) -> bool| {
        let found = rest.any(|(name, path)| is_it(name, path));
        assert!(found, "no {step} in its place: {calls:#?}");
    };
    then("fsync of the output", &|name, path| {
        synced(name) && path == out
    });
    then("fsync of the new state", &|name, path| {
        synced(name) && path.starts_with(&in_state)
    });
    then("rename of the new state", &|name, path| {
        name.starts_with("rename") && path.starts_with(&in_state)
    });
    then("fsync of the folder", &|name, path| {
        synced(name) && path == state
    });
}

#[test]
fn a_signal_at_the_moment_when_it_is_first_caught_is_not_lost() {
    let place = Place::new(&["a.log"]);
    place.append("a.log", 1..=1);
    for _ in 0..30 {
        let mut follower = place.start();
        while !catches(follower.child(), Signal::TERM) {}
        send(follower.child(), Signal::TERM);
        follower.ends_with(Some(0));
    }
    place.once();
    place.has(1..=1);
}
