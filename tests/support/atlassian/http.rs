//! Requests as they come over the wire: HTTP/1.1, read strictly.

use std::io::{self, Read};
use std::time::SystemTime;

use super::super::wire::{Buffered, first, path_and_query};

/// A head that is longer is no request of ours.
const MOST_HEAD_BYTES: usize = 64 << 10;

/// The hosts that are stood in for, each with a port of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// `SITE.atlassian.net`, or the Data Center server
    Site,
    /// `api.atlassian.com`
    Api,
    /// `auth.atlassian.com`
    Auth,
    /// somebody else, whom nobody may contact
    Foreign,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub door: Door,
    pub method: String,
    /// the path alone, as it was sent
    pub path: String,
    /// path and query, as they were sent
    pub target: String,
    /// the query's pairs, decoded
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// when the request had been read, by the machine's clock
    pub at: SystemTime,
}

impl Request {
    /// The first header of a name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, |key| key.eq_ignore_ascii_case(name))
    }

    /// The first query parameter of a name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        first(&self.query, |key| key == name)
    }

    /// Whether a header holds a word, as `Accept-Encoding: gzip, br` holds `gzip`.
    pub fn header_holds(&self, name: &str, word: &str) -> bool {
        self.header(name)
            .is_some_and(|value| value.to_ascii_lowercase().contains(word))
    }

    /// Whether the connection ends with this request's answer.
    pub fn is_last(&self) -> bool {
        self.header_holds("connection", "close")
    }
}

/// What came over a connection.
pub enum Incoming {
    Closed,
    Bad(String),
    Request(Box<Request>),
}

/// A connection.
pub struct Wire<R>(Buffered<R>);

impl<R: Read> Wire<R> {
    pub fn new(reader: R) -> Self {
        Self(Buffered::new(reader))
    }

    /// Waits for the next request.
    pub fn request(&mut self, door: Door) -> io::Result<Incoming> {
        let head = loop {
            match parse_head(&self.0.buffer) {
                Ok(Some(head)) => break head,
                Ok(None) if self.0.buffer.len() > MOST_HEAD_BYTES => {
                    return Ok(Incoming::Bad("a head without an end".to_owned()));
                }
                Ok(None) => {}
                Err(reason) => return Ok(Incoming::Bad(reason)),
            }
            if self.0.fill()? == 0 {
                return Ok(Incoming::Closed);
            }
        };
        self.0.buffer.drain(..head.length);
        let mut request = match head.into_request(door) {
            Ok(request) => request,
            Err(reason) => return Ok(Incoming::Bad(reason)),
        };
        let body = if request.header_holds("transfer-encoding", "chunked") {
            self.chunks()?
        } else {
            let length = request.header("content-length").map(str::parse);
            match length.unwrap_or(Ok(0)) {
                Ok(length) => Ok(self.0.exactly(length)?),
                Err(_) => Err("a Content-Length that is no number".to_owned()),
            }
        };
        match body {
            Ok(body) => request.body = body,
            Err(reason) => return Ok(Incoming::Bad(reason)),
        }
        request.at = SystemTime::now();
        Ok(Incoming::Request(Box::new(request)))
    }

    fn chunks(&mut self) -> io::Result<Result<Vec<u8>, String>> {
        let mut body = Vec::new();
        loop {
            let (line, size) = match httparse::parse_chunk_size(&self.0.buffer) {
                Ok(httparse::Status::Complete(chunk)) => chunk,
                Ok(httparse::Status::Partial) => {
                    if self.0.fill()? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    continue;
                }
                Err(_) => return Ok(Err("a chunk without a size".to_owned())),
            };
            self.0.buffer.drain(..line);
            let Ok(size) = usize::try_from(size) else {
                return Ok(Err("a chunk beyond measure".to_owned()));
            };
            let chunk = self.0.exactly(size + 2)?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return Ok(Ok(body));
            }
        }
    }
}

struct Head {
    length: usize,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
}

fn parse_head(bytes: &[u8]) -> Result<Option<Head>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request
        .parse(bytes)
        .map_err(|error| format!("no HTTP: {error}"))?;
    let httparse::Status::Complete(length) = parsed else {
        return Ok(None);
    };
    if request.version != Some(1) {
        return Err("not HTTP/1.1".to_owned());
    }
    let headers = request.headers.iter().map(|header| {
        let value = std::str::from_utf8(header.value).map_err(|_| "a header beyond UTF-8")?;
        Ok((header.name.to_owned(), value.to_owned()))
    });
    Ok(Some(Head {
        length,
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        headers: headers.collect::<Result<_, &str>>()?,
    }))
}

impl Head {
    fn into_request(self, door: Door) -> Result<Request, String> {
        if !self.target.starts_with('/') || self.target.contains('#') {
            return Err(format!("no path: {}", self.target));
        }
        let (path, query) = path_and_query(&self.target);
        Ok(Request {
            door,
            method: self.method,
            path,
            query,
            target: self.target,
            headers: self.headers,
            body: Vec::new(),
            at: SystemTime::UNIX_EPOCH,
        })
    }
}
