//! What stand-ins of servers read from a connection.

use std::io::{self, Read};

/// The first value of a name among pairs, such as a header's in any case.
pub fn first(pairs: &[(String, String)], is_it: impl Fn(&str) -> bool) -> Option<&str> {
    let found = pairs.iter().find(|(name, _)| is_it(name));
    found.map(|(_, value)| value.as_str())
}

/// The path of a request's target, and the pairs of its query, decoded.
pub fn path_and_query(target: &str) -> (String, Vec<(String, String)>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = url::form_urlencoded::parse(query.as_bytes());
    (path.to_owned(), query.into_owned().collect())
}

/// A connection's bytes: what was read too far is the next request's.
pub struct Buffered<R> {
    pub stream: R,
    pub buffer: Vec<u8>,
}

impl<R: Read> Buffered<R> {
    pub fn new(stream: R) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Reads some bytes more; how many there were, 0 at the end.
    pub fn fill(&mut self) -> io::Result<usize> {
        let mut piece = vec![0; 64 << 10];
        let count = self.stream.read(&mut piece)?;
        self.buffer.extend_from_slice(&piece[..count]);
        Ok(count)
    }

    /// The next so many bytes.
    pub fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }
}
