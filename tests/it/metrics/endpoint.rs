//! The HTTP endpoint: what it answers, and whom it survives.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use insta::assert_snapshot;

use crate::support::atlassian::client;
use crate::support::binary::wait_until;
use crate::support::metrics::{Metrics, ask};
use crate::support::outcome::outcome;
use crate::support::place::{Follower, Place, finish};

use super::world::{address, follow, wait_for};

/// An idle follower that serves its metrics.
fn idle() -> (Place, Follower, String) {
    let place = Place::new(&["*.log"]).loud();
    let (follower, address) = follow(&place);
    (place, follower, address)
}

/// What comes for bytes that are sent as they are.
fn exchange(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("set");
    stream.write_all(bytes).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("a response");
    text
}

#[test]
fn each_request_has_its_answer() {
    let (_place, follower, address) = idle();
    wait_until("readiness", || ask(&address, "/readyz").status == 200);
    let line = |request: &str| {
        let text = exchange(&address, format!("{request}\r\nHost: x\r\n\r\n").as_bytes());
        let (status, _) = text.split_once("\r\n").expect("a status line");
        let (_, body) = text.split_once("\r\n\r\n").expect("a body");
        let body = body.lines().next().unwrap_or_default();
        format!("{request}: {status}: {body}\n")
    };
    let all: String = [
        "GET /metrics HTTP/1.1",
        "GET /metrics?name=x HTTP/1.0",
        "HEAD /metrics HTTP/1.1",
        "POST /metrics HTTP/1.1",
        "GET /healthz HTTP/1.1",
        "HEAD /readyz HTTP/1.1",
        "DELETE /readyz HTTP/1.1",
        "GET / HTTP/1.1",
        "GET /metrics/../etc/passwd HTTP/1.1",
        "\u{16}\u{3}\u{1}",
        "",
    ]
    .map(line)
    .concat();
    assert_snapshot!(all);
    let head = client::send("HEAD", &format!("http://{address}/metrics"), &[], b"");
    let head = head.expect("a response");
    assert!(head.body.is_empty() && head.header("Content-Length") != Some("0"));
    let refused = client::send("POST", &format!("http://{address}/metrics"), &[], b"");
    assert_eq!(
        refused.expect("a response").header("Allow"),
        Some("GET, HEAD")
    );
    follower.terminate();
}

#[test]
fn silent_slow_and_endless_clients_keep_nobody_waiting() {
    let (_place, follower, address) = idle();
    let mut silent: Vec<_> = (0..200)
        .map(|_| TcpStream::connect(&address).expect("connected"))
        .collect();
    // One that sends without an end, and one that reads nothing of many answers.
    let mut endless = TcpStream::connect(&address).expect("connected");
    let _ = endless.write_all(&vec![b'x'; 1 << 20]);
    let mut deaf: Vec<_> = (0..20)
        .map(|_| TcpStream::connect(&address).expect("connected"))
        .collect();
    for stream in &mut deaf {
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n");
    }
    wait_for(&address, "a working source", |metrics| {
        metrics.get("up", &[("source", "tail")]) == Some(1.0)
    });
    assert_eq!(ask(&address, "/healthz").status, 200);
    // A request in pieces is one.
    let mut slow = TcpStream::connect(&address).expect("connected");
    for byte in b"GET /healthz HTTP/1.1\r\n\r\n" {
        slow.write_all(&[*byte]).expect("sent");
    }
    let mut text = String::new();
    slow.read_to_string(&mut text).expect("a response");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    silent.clear();
    follower.terminate();
}

#[test]
fn a_head_without_an_end_is_too_long() {
    let (_place, follower, address) = idle();
    let head = [&b"GET /metrics HTTP/1.1\r\nX: "[..], &vec![b'x'; 33 << 10]].concat();
    // It is refused before all of it is read, which may reset the connection.
    let mut stream = TcpStream::connect(&address).expect("connected");
    let _ = stream.write_all(&head);
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("a status");
    assert_eq!(&answer, b"HTTP/1.1 431");
    follower.terminate();
}

#[test]
fn a_port_in_use_is_an_error_at_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("bound").to_string();
    let place = Place::new(&["*.log"]);
    let output = finish(place.tail_to_file(&["--metrics-listen", &address]));
    assert!(!place.out().exists());
    assert_snapshot!(outcome(&output));
}

#[test]
fn an_address_that_is_none_is_a_usage_error() {
    let place = Place::new(&["*.log"]);
    let output = finish(place.tail_to_file(&["--metrics-listen", "wiki:9184"]));
    assert_snapshot!(outcome(&output));
}

#[test]
fn a_blocked_output_is_not_ready_but_alive() {
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=2000);
    let mut command = place.tail(&["--metrics-listen", "0"]);
    command.stdout(Stdio::piped());
    let mut follower = place.start_command(command);
    let address = address(&place);
    let mut pipe = follower.child().stdout.take().expect("a pipe");
    wait_until("a blocked output", || {
        ask(&address, "/readyz").status == 503
    });
    wait_until("its reason", || {
        ask(&address, "/readyz")
            .text()
            .starts_with("source `tail`: the output has taken nothing for ")
    });
    assert_eq!(ask(&address, "/healthz").status, 200);
    let tail = [("source", "tail")];
    let before = Metrics::of(&address);
    // What is written meanwhile is seen, though nobody reads.
    place.append("audit.log", 2001..=2100);
    let later = wait_for(&address, "more lag and time", |metrics| {
        metrics.get("lag_bytes", &tail) > before.get("lag_bytes", &tail)
            && metrics.get("output_blocked_seconds_total", &tail)
                > before
                    .get("output_blocked_seconds_total", &tail)
                    .map(|time| time + 0.1)
    });
    assert!(later.get("lag_seconds", &tail) > Some(1.0));
    std::thread::spawn(move || std::io::copy(&mut pipe, &mut std::io::sink()));
    wait_for(&address, "no lag", |metrics| {
        metrics.get("lag_bytes", &tail) == Some(0.0)
            && metrics.get("records_total", &tail) == Some(2100.0)
    });
    assert_eq!(ask(&address, "/readyz").status, 200);
}
