//! A server that looks like OpenSearch and never takes a bulk request.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::time::Duration;

use flate2::read::GzDecoder;

/// What becomes of a bulk request.
#[derive(Debug, Clone, Copy)]
pub enum Refusing {
    /// It is read, and never answered.
    Hangs,
    /// It is read and answered with status 429.
    Busy,
    /// Each of its items is answered with status 429.
    BusyItems,
}

/// Serves at that address until the process ends; returns the port.
pub fn serve(address: IpAddr, refusing: Refusing) -> u16 {
    let listener = TcpListener::bind((address, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || converse(&client, refusing));
        }
    });
    port
}

/// Answers requests until the client closes.
fn converse(client: &TcpStream, refusing: Refusing) -> Option<()> {
    let mut reader = BufReader::new(client);
    let mut writer = client;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        let (mut length, mut is_gzip) = (0, false);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ")?;
            match name {
                "content-length" => length = value.parse().ok()?,
                "content-encoding" => is_gzip = value == "gzip",
                "expect" => writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (status, answer) = if first.contains("_bulk") {
            match refusing {
                Refusing::Hangs => {
                    std::thread::sleep(Duration::from_secs(3600));
                    return None;
                }
                Refusing::Busy => (429, BUSY.to_owned()),
                Refusing::BusyItems => (200, busy_items(&body, is_gzip)),
            }
        } else if first.starts_with("GET / ") {
            (200, ROOT.to_owned())
        } else if first.starts_with("GET /_resolve/") {
            (
                200,
                r#"{"indices":[],"aliases":[],"data_streams":[]}"#.to_owned(),
            )
        } else {
            (404, r#"{"status":404}"#.to_owned())
        };
        write!(
            writer,
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        )
        .ok()?;
    }
}

const ROOT: &str = r#"{"version":{"distribution":"opensearch","number":"3.8.0"}}"#;
const BUSY: &str =
    r#"{"error":{"type":"rejected_execution_exception","reason":"rejected"},"status":429}"#;

fn busy_items(body: &[u8], is_gzip: bool) -> String {
    let mut text = Vec::new();
    if is_gzip {
        let read = GzDecoder::new(body).read_to_end(&mut text);
        read.expect("gzip");
    } else {
        text.extend_from_slice(body);
    }
    let events = memchr::memchr_iter(b'\n', &text).count() / 2;
    let item = r#"{"create":{"status":429,"error":{"type":"rejected_execution_exception","reason":"rejected"}}}"#;
    let items = vec![item; events].join(",");
    format!(r#"{{"errors":true,"items":[{items}]}}"#)
}
