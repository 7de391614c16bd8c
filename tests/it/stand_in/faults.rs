//! What goes wrong, goes wrong as it was ordered.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use super::{audit, cloud, numbers, site_credential, try_get, violates};
use crate::support::atlassian::client::send;
use crate::support::atlassian::{Fault, Wait};

#[test]
fn faults_come_one_a_request_and_in_order() {
    let server = cloud(4);
    let whole = audit(&server, "").text();
    let fault = |fault| {
        server.next(fault);
        try_get(
            &format!("{}/wiki/rest/api/audit?start=2&limit=1", server.url()),
            &site_credential(&server),
        )
    };
    let reply = |one| fault(one).expect("an answer");
    assert_eq!(reply(Fault::Status(502)).status, 502);
    assert_eq!(
        reply(Fault::Wait(503, Wait::Seconds(0))).header("retry-after"),
        Some("0")
    );
    assert!(fault(Fault::Close).is_err());
    assert!(fault(Fault::LostAnswer).is_err());
    let reset = fault(Fault::Reset).expect_err("a reset");
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    let head = reply(Fault::CloseAfterHead);
    assert!(!head.is_whole && head.body.is_empty());
    let half = reply(Fault::CloseInBody);
    assert!(!half.is_whole && !half.body.is_empty());
    let truncated = reply(Fault::TruncatedJson);
    assert!(truncated.is_whole && serde_json::from_slice::<Value>(&truncated.body).is_err());
    assert!(reply(Fault::Html).text().contains("<html>"));
    let empty = reply(Fault::Empty);
    assert!(empty.status == 200 && empty.body.is_empty() && empty.is_whole);
    let slow = reply(Fault::Slow {
        pieces: 3,
        pause: Duration::from_millis(1),
    });
    assert_eq!(numbers(&slow.json()), [1]);
    assert_eq!(numbers(&reply(Fault::RepeatedPage).json()), [3]);
    assert!(reply(Fault::ExtraKeys).json().get("futureKey").is_some());
    let same = reply(Fault::RedirectSameOrigin);
    assert_eq!(
        same.header("location"),
        Some("/wiki/rest/api/audit?start=2&limit=1")
    );
    let other = reply(Fault::RedirectForeign);
    assert!(
        other
            .header("location")
            .is_some_and(|location| location.starts_with(server.foreign()))
    );
    assert_eq!(server.faults_left(), 0);
    assert_eq!(audit(&server, "").text(), whole);
}

#[test]
fn coming_back_too_soon_is_a_violation() {
    let server = cloud(1);
    for wait in [
        Wait::Seconds(9),
        Wait::Date(9),
        Wait::Reset(9),
        Wait::ResetEpoch(9),
    ] {
        server.next(Fault::Wait(429, wait));
        assert_eq!(audit(&server, "").status, 429);
        violates(&server, &audit(&server, ""), "too soon");
        assert_eq!(audit(&server, "").status, 200, "said once");
    }
}

#[test]
fn bodies_come_compressed_and_in_chunks() {
    let server = cloud(30);
    let headers = [
        ("Authorization", &*site_credential(&server)),
        ("Accept", "*/*"),
        ("User-Agent", "test"),
        ("Accept-Encoding", "gzip"),
    ];
    let url = format!("{}/wiki/rest/api/audit", server.url());
    let plain = audit(&server, "").text();
    for chunked in [false, true] {
        server.set(|settings| settings.chunked = chunked);
        let reply = send("GET", &url, &headers, b"").expect("an answer");
        assert_eq!(reply.header("content-encoding"), Some("gzip"));
        assert!(reply.is_whole && reply.text() == plain);
    }
    server.set(|settings| settings.gzip = false);
    let reply = send("GET", &url, &headers, b"").expect("an answer");
    assert_eq!(reply.header("content-encoding"), None);
}

#[test]
fn a_bomb_is_good_gzip() {
    let server = cloud(1);
    server.next(Fault::GzipBomb);
    let reply = audit(&server, "");
    assert!(
        reply.is_whole && reply.body.len() < 4 << 20,
        "{}",
        reply.body.len()
    );
    let mut decoder = flate2::read::GzDecoder::new(reply.body.as_slice());
    let mut start = vec![0; 3 << 20];
    std::io::Read::read_exact(&mut decoder, &mut start).expect("gzip");
    assert!(start.iter().all(|&byte| byte == b' '));
}

#[test]
fn flaky_is_never_flaky_four_times_in_a_row() {
    let server = cloud(1);
    server.flaky(7, 1.0);
    for round in 0..3 {
        for _ in 0..3 {
            let _ = try_get(
                &format!("{}/wiki/rest/api/audit", server.url()),
                &site_credential(&server),
            );
        }
        assert_eq!(server.faults().len(), 3 * (round + 1));
        assert_eq!(numbers(&audit(&server, "").json()), [0]);
    }
}

#[test]
fn an_answer_is_held_until_it_is_released() {
    let server = cloud(1);
    server.next(Fault::Hold);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| audit(&server, "").status);
        server.wait_for_pages(1);
        assert!(!asking.is_finished());
        server.release();
        assert_eq!(asking.join().expect("an answer"), 200);
    });
}

#[test]
fn a_body_beyond_measure_is_announced_and_begun() {
    let server = cloud(1);
    server.next(Fault::HugeContentLength);
    let origin = server.url();
    let host = origin.strip_prefix("http://").expect("an origin");
    let mut stream = TcpStream::connect(host).expect("connected");
    let request = format!(
        "GET /wiki/rest/api/audit HTTP/1.1\r\nHost: {host}\r\nUser-Agent: t\r\nAccept: */*\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut start = vec![0; 1 << 20];
    stream.read_exact(&mut start).expect("a body");
    let start = String::from_utf8(start).expect("UTF-8");
    assert!(start.contains("Content-Length: 1099511627776\r\n"));
}
