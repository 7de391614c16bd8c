//! The smallest client: one request a connection. It plays the browser, and drives the stand-in in
//! its own tests.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

/// An answer as it came.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// the body as it was sent, chunks put together
    pub body: Vec<u8>,
    /// whether the body came to its end
    pub is_whole: bool,
}

impl Reply {
    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    /// The body, decompressed.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if self.header("content-encoding") == Some("gzip") {
            let mut decoder = MultiGzDecoder::new(self.body.as_slice());
            decoder.read_to_string(&mut text).expect("gzip of UTF-8");
            return text;
        }
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// Follows no redirect: asks for a URL as a browser does and says where it was sent.
pub fn browse(url: &str) -> String {
    let reply = send("GET", url, &[], b"").expect("an answer");
    let location = reply.header("location").map(str::to_owned);
    location.unwrap_or_else(|| panic!("no redirect: {} {}", reply.status, reply.text()))
}

/// One request, and its answer.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
    let rest = url.strip_prefix("http://").expect("an http URL");
    let (host, target) = rest
        .find('/')
        .map_or((rest, "/"), |index| rest.split_at(index));
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    if !body.is_empty() {
        request.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
    }
    request += "Connection: close\r\n\r\n";
    stream.write_all(request.as_bytes())?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    read(&bytes)
}

/// An answer out of all its bytes.
pub fn read(bytes: &[u8]) -> io::Result<Reply> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(length)) = parsed.parse(bytes) else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let mut reply = Reply {
        status: parsed.code.unwrap_or_default(),
        headers: (parsed.headers.iter())
            .map(|header| (header.name.to_owned(), text(header.value)))
            .collect(),
        body: bytes[length..].to_vec(),
        is_whole: false,
    };
    if reply.header("transfer-encoding") == Some("chunked") {
        (reply.body, reply.is_whole) = unchunked(&reply.body);
    } else {
        let length = reply.header("content-length").and_then(|n| n.parse().ok());
        reply.is_whole = length == Some(reply.body.len());
    }
    Ok(reply)
}

fn unchunked(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(bytes) {
        let size = usize::try_from(size).expect("a size");
        let Some(chunk) = bytes.get(line..line + size) else {
            break;
        };
        if size == 0 {
            return (body, true);
        }
        body.extend_from_slice(chunk);
        bytes = &bytes[line + size + 2..];
    }
    (body, false)
}
