//! Answers, and how they get onto the wire.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

/// How much of a body that never ends is sent before the connection is closed.
const ENDLESS_BYTES: usize = 1 << 30;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub delivery: Delivery,
    /// whether it is compressed already
    pub is_encoded: bool,
    /// whether it waits until it is released
    pub is_held: bool,
}

/// How an answer is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Whole,
    /// the connection is closed without a byte
    Nothing,
    /// the connection is reset without a byte
    Reset,
    /// the head, and no body
    Head,
    /// the head and half the body
    HalfBody,
    /// a few bytes, a pause, and so on
    Slow {
        pieces: usize,
        pause: Duration,
    },
    /// a body without an end that anybody waits for
    Endless,
}

/// A request that a real server refuses.
#[derive(Debug)]
pub struct Refusal {
    pub answer: Answer,
    /// what no program should have sent; a wrong credential is nobody's fault
    pub violation: Option<String>,
}

impl Refusal {
    /// A request that no program should send.
    pub fn violation(status: u16, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let body = serde_json::json!({"statusCode": status, "message": reason});
        Self {
            answer: Answer::json(status, &body),
            violation: Some(reason),
        }
    }

    /// 400.
    pub fn bad(reason: impl Into<String>) -> Self {
        Self::violation(400, reason)
    }

    /// A refusal that a test may well want.
    pub fn fair(answer: Answer) -> Self {
        Self {
            answer,
            violation: None,
        }
    }
}

impl Answer {
    pub fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", kind.to_owned())],
            body: body.into(),
            delivery: Delivery::Whole,
            is_encoded: false,
            is_held: false,
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::json_text(status, body.to_string())
    }

    pub fn json_text(status: u16, body: String) -> Self {
        Self::new(status, "application/json;charset=UTF-8", body)
    }

    pub fn html(status: u16, title: &str) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>{title}</body></html>\n"
        );
        Self::new(status, "text/html;charset=UTF-8", page)
    }

    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::html(status, "Found").with("Location", location)
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Compresses the body.
    pub fn gzip(&mut self) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.body).expect("memory");
        self.body = encoder.finish().expect("memory");
        self.headers.push(("Content-Encoding", "gzip".to_owned()));
        self.is_encoded = true;
    }

    /// Sends it, with the line of its `Date` header; `true` when the connection can be used again.
    pub fn send(&self, stream: &mut TcpStream, date: &str, chunked: bool) -> io::Result<bool> {
        match self.delivery {
            Delivery::Nothing => return Ok(false),
            Delivery::Reset => {
                // an answer that lingers for no time is a reset
                rustix::net::sockopt::set_socket_linger(&*stream, Some(Duration::ZERO))?;
                return Ok(false);
            }
            Delivery::Whole
            | Delivery::Head
            | Delivery::HalfBody
            | Delivery::Slow { .. }
            | Delivery::Endless => {}
        }
        let chunked = chunked && self.delivery != Delivery::Endless;
        stream.write_all(self.head(date, chunked).as_bytes())?;
        match self.delivery {
            Delivery::Whole if chunked => {
                for piece in self.body.chunks(16 << 10) {
                    write_chunk(stream, piece)?;
                }
                stream.write_all(b"0\r\n\r\n")?;
            }
            Delivery::Whole => stream.write_all(&self.body)?,
            Delivery::HalfBody => {
                let half = &self.body[..self.body.len() / 2];
                if chunked {
                    write_chunk(stream, half)?;
                } else {
                    stream.write_all(half)?;
                }
            }
            Delivery::Slow { pieces, pause } => self.drip(stream, pieces, pause, chunked)?,
            Delivery::Endless => {
                let blanks = [b' '; 8 << 10];
                for _ in 0..ENDLESS_BYTES / blanks.len() {
                    stream.write_all(&blanks)?;
                }
            }
            Delivery::Head | Delivery::Nothing | Delivery::Reset => {}
        }
        stream.flush()?;
        Ok(matches!(
            self.delivery,
            Delivery::Whole | Delivery::Slow { .. }
        ))
    }

    fn drip(
        &self,
        stream: &mut TcpStream,
        pieces: usize,
        pause: Duration,
        chunked: bool,
    ) -> io::Result<()> {
        for piece in self.body.chunks(self.body.len() / pieces.max(1) + 1) {
            std::thread::sleep(pause);
            if chunked {
                write_chunk(stream, piece)?;
            } else {
                stream.write_all(piece)?;
            }
            stream.flush()?;
        }
        if chunked {
            stream.write_all(b"0\r\n\r\n")?;
        }
        Ok(())
    }

    fn head(&self, date: &str, chunked: bool) -> String {
        let mut head = format!(
            "HTTP/1.1 {} {}\r\n{date}Server: AtlassianEdge\r\n",
            self.status,
            reason(self.status),
        );
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if chunked {
            head += "Transfer-Encoding: chunked\r\n";
        } else {
            let length = if self.delivery == Delivery::Endless {
                1 << 40
            } else {
                self.body.len() as u64
            };
            head.extend(["Content-Length: ", &length.to_string(), "\r\n"]);
        }
        head + "\r\n"
    }
}

fn write_chunk(stream: &mut TcpStream, piece: &[u8]) -> io::Result<()> {
    // an empty chunk would be the end
    if piece.is_empty() {
        return Ok(());
    }
    stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
    stream.write_all(piece)?;
    stream.write_all(b"\r\n")
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unnamed",
    }
}
