//! Requests as they come over the wire, read as strictly as a cluster's node does, and answers.

use std::io::{self, Read, Write};

use flate2::read::GzDecoder;

use super::super::wire::{Buffered, first, path_and_query};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    /// How many bytes the body has on the wire.
    pub length: usize,
    /// The body, unpacked; not read yet when a fault asks for that.
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, |key| key.eq_ignore_ascii_case(name))
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        first(&self.query, |key| key == name)
    }
}

/// A connection.
pub struct Wire<S>(Buffered<S>);

impl<S: Read + Write> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self(Buffered::new(stream))
    }

    /// The head of the next request; none at the end, an error that says what no node would take.
    pub fn head(&mut self) -> io::Result<Option<Result<Request, String>>> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut parsed = httparse::Request::new(&mut headers);
            match parsed.parse(&self.0.buffer) {
                Err(error) => return Ok(Some(Err(format!("no HTTP: {error}")))),
                Ok(httparse::Status::Complete(length)) => {
                    let request = request(&parsed);
                    self.0.buffer.drain(..length);
                    return Ok(Some(request));
                }
                Ok(httparse::Status::Partial) => {}
            }
            if self.0.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    /// Reads and unpacks the body.
    pub fn body(&mut self, request: &mut Request) -> io::Result<()> {
        if request.header("expect").is_some() {
            self.0.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = self.0.exactly(request.length)?;
        if request.header("content-encoding") == Some("gzip") {
            GzDecoder::new(body.as_slice()).read_to_end(&mut request.body)?;
        } else {
            request.body = body;
        }
        Ok(())
    }

    /// Sends an answer, or so many bytes of it.
    pub fn answer(&mut self, answer: &Answer, most: usize) -> io::Result<()> {
        let mut text = format!("HTTP/1.1 {} Status\r\n", answer.status).into_bytes();
        for (name, value) in &answer.headers {
            write!(text, "{name}: {value}\r\n")?;
        }
        write!(text, "Content-Length: {}\r\n\r\n", answer.body.len())?;
        text.extend_from_slice(&answer.body[..most.min(answer.body.len())]);
        self.0.stream.write_all(&text)?;
        self.0.stream.flush()
    }
}

fn request(parsed: &httparse::Request<'_, '_>) -> Result<Request, String> {
    let (path, query) = path_and_query(parsed.path.unwrap_or_default());
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = parsed.headers.iter();
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path,
        query,
        headers: headers
            .map(|header| (header.name.to_owned(), text(header.value)))
            .collect(),
        length: 0,
        body: Vec::new(),
    };
    if request.header("transfer-encoding").is_some() {
        return Err("a chunked body".to_owned());
    }
    if !matches!(request.header("content-encoding"), None | Some("gzip")) {
        return Err("another encoding than gzip".to_owned());
    }
    let length = request.header("content-length").map(str::parse);
    request.length = match length {
        Some(Ok(length)) => length,
        Some(Err(_)) => return Err("a Content-Length that is no number".to_owned()),
        None if request.method == "GET" => 0,
        None => return Err("a body without its length".to_owned()),
    };
    Ok(request)
}

/// An answer to be sent.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// An error as a cluster says it of a whole request.
    pub fn error(status: u16, kind: &str, reason: &str) -> Self {
        let cause = serde_json::json!({"type": kind, "reason": reason});
        let mut error = cause.clone();
        error["root_cause"] = serde_json::json!([cause]);
        Self::json(
            status,
            &serde_json::json!({"error": error, "status": status}),
        )
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}
