//! The stand-in for Atlassian's servers keeps their rules: a lenient one would prove nothing.

mod cloud;
mod data_center;
mod faults;
mod oauth;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::support::atlassian::client::{Reply, send};
use crate::support::atlassian::{Atlassian, cloud_record};
use serde_json::Value;

/// 2026-01-01T00:00:00Z
const START: i64 = 1_767_225_600_000;

/// A Cloud site with so many records, a second apart, numbered from 0.
fn cloud(count: u64) -> Atlassian {
    let server = Atlassian::cloud();
    server.insert_all((0..count).map(|n| cloud_record(at(n), n)));
    server
}

fn at(number: u64) -> i64 {
    START + number.cast_signed() * 1000
}

/// A GET with a decent client's headers and a credential.
fn get(url: &str, authorization: &str) -> Reply {
    try_get(url, authorization).expect("an answer")
}

fn try_get(url: &str, authorization: &str) -> std::io::Result<Reply> {
    let mut headers = vec![("User-Agent", "test"), ("Accept", "application/json")];
    if !authorization.is_empty() {
        headers.push(("Authorization", authorization));
    }
    send("GET", url, &headers, b"")
}

fn basic(name: &str, secret: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = format!("{name}:{secret}");
    let mut encoded = "Basic ".to_owned();
    for piece in text.as_bytes().chunks(3) {
        let mut bytes = [0; 3];
        bytes[..piece.len()].copy_from_slice(piece);
        let bits = bytes
            .iter()
            .fold(0, |bits, &byte| bits << 8 | usize::from(byte));
        for index in 0..4 {
            let is_padding = index > piece.len();
            let letter = LETTERS[bits >> (18 - 6 * index) & 63] as char;
            encoded.push(if is_padding { '=' } else { letter });
        }
    }
    encoded
}

/// The site's credential.
fn site_credential(server: &Atlassian) -> String {
    let settings = server.settings();
    basic(&settings.email, &settings.api_token)
}

fn audit(server: &Atlassian, query: &str) -> Reply {
    let url = format!("{}/wiki/rest/api/audit{query}", server.url());
    get(&url, &site_credential(server))
}

fn gateway(server: &Atlassian, authorization: &str) -> Reply {
    let cloud_id = server.settings().cloud_id;
    let url = format!(
        "{}/ex/confluence/{cloud_id}/wiki/rest/api/audit",
        server.api_base()
    );
    get(&url, authorization)
}

/// The numbers of a Cloud page's records.
fn numbers(page: &Value) -> Vec<u64> {
    let records = page["results"].as_array().expect("records");
    let number = |record: &Value| {
        record["description"]
            .as_str()?
            .strip_prefix("record ")?
            .parse()
            .ok()
    };
    records
        .iter()
        .map(|record| number(record).expect("a number"))
        .collect()
}

/// That request was refused as a violation.
fn violates(server: &Atlassian, reply: &Reply, reason: &str) {
    assert!((400..=501).contains(&reply.status), "{}", reply.status);
    let violations = server.take_violations();
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(violations[0].contains(reason), "{violations:?}");
}

#[test]
fn the_foreign_host_is_not_to_be_contacted() {
    let server = cloud(0);
    let reply = get(server.foreign(), "");
    assert_eq!(reply.status, 404);
    let violations = server.take_violations();
    assert!(violations[0].contains("foreign host"), "{violations:?}");
}

#[test]
fn a_violation_fails_the_test_that_drops_the_server() {
    let server = cloud(0);
    audit(&server, "?limit=x");
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(server)));
    assert!(dropped.is_err());
}

#[test]
fn the_clock_can_be_wrong() {
    let server = cloud(1);
    server.skew(-3600);
    let date = audit(&server, "")
        .header("date")
        .map(httpdate::parse_http_date);
    let date = date.expect("a date").expect("an HTTP date");
    let lag = std::time::SystemTime::now()
        .duration_since(date)
        .expect("in the past");
    assert!((3590..3660).contains(&lag.as_secs()), "{lag:?}");
}

/// What comes back for these bytes until the connection ends.
fn raw(server: &Atlassian, bytes: &str) -> String {
    let origin = server.url();
    let host = origin.strip_prefix("http://").expect("an origin");
    let mut stream = TcpStream::connect(host).expect("connected");
    let bytes = bytes.replace("{host}", host);
    stream.write_all(bytes.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn connections_are_kept_alive_until_they_are_not() {
    let server = cloud(0);
    let request =
        "GET /_edge/tenant_info HTTP/1.1\r\nHost: {host}\r\nUser-Agent: t\r\nAccept: */*\r\n";
    let answer = raw(
        &server,
        &format!("{request}\r\n{request}Connection: close\r\n\r\n"),
    );
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn what_is_no_http_is_refused() {
    let server = cloud(0);
    for (bytes, reason) in [
        ("\u{1}\r\n\r\n", "no HTTP"),
        ("GET / HTTP/1.0\r\n\r\n", "not HTTP/1.1"),
        ("GET http://{host}/ HTTP/1.1\r\n\r\n", "no path"),
    ] {
        let answer = raw(&server, bytes);
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        let violations = server.take_violations();
        assert!(violations[0].contains(reason), "{violations:?}");
    }
    let other = "GET /_edge/tenant_info HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n";
    assert!(raw(&server, other).starts_with("HTTP/1.1 400"));
    assert!(server.take_violations()[0].contains("a Host that is not ours"));
}

#[test]
fn a_server_goes_down_and_comes_back() {
    let mut server = cloud(2);
    let url = format!("{}/wiki/rest/api/audit", server.url());
    let credential = site_credential(&server);
    server.go_down();
    let refused = try_get(&url, &credential).expect_err("nobody listens");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    server.come_back();
    assert_eq!(numbers(&get(&url, &credential).json()), [1, 0]);
}
