//! A small HTTP server in one thread: for the browser that comes back from a login, and for metrics.
//!
//! Browsers open connections in advance and say nothing on them, and whoever reaches the address can connect: so
//! all connections are served at once, none is waited for, and there is a limit to their number, their time and
//! what they may send. Requests have no body, and each is the last of its connection.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long to wait after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a connection may take to say what it wants.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);
/// How long a client may take to accept its response.
const LONGEST_RESPONSE: Duration = Duration::from_secs(30);
/// How long a client may take to close the connection after that.
const LONGEST_CLOSE: Duration = Duration::from_secs(1);
/// Connections at a time; the oldest makes room for another one.
const MOST_CONNECTIONS: usize = 64;
/// The longest request, in bytes, with all of its headers.
const LONGEST_HEAD: usize = 32 << 10;

/// Serves connections to some sockets.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    connections: Vec<Connection>,
}

/// A client, and how far it is.
#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    stage: Stage,
    since: Instant,
}

/// Answers a request, of its method and target; none: it is too long.
pub type Answer<'a> = dyn FnMut(Option<(&str, &str)>) -> Response + 'a;

/// What a connection waits for.
#[derive(Debug)]
enum Stage {
    /// The rest of its request; this is there.
    Request(Vec<u8>),
    /// Room for the rest of its response.
    Response { bytes: Vec<u8>, sent: usize },
    /// That the client closes it, too: closed before, it may lose the response.
    Close,
}

/// What a connection comes to for now.
enum Turn {
    /// It waits on.
    Wait,
    /// Its request is there: the method and the target.
    Request(String, String),
    /// Its request is longer than any may be.
    TooLong,
    /// It is over.
    Over,
}

/// A response; its length and the end of the connection are told in any case.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers, each with its line end.
    pub headers: String,
    /// Its body.
    pub body: String,
}

impl Listener {
    /// Serves what connects to those sockets.
    #[must_use]
    pub fn new(sockets: Vec<TcpListener>) -> Self {
        Self {
            sockets,
            connections: Vec::new(),
        }
    }

    /// Waits until somebody connects or says something, for `most` at most, and answers the requests that are
    /// whole by `answer`, of their method and target; one that is too long has none.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn serve(&mut self, most: Duration, answer: &mut Answer<'_>) -> io::Result<()> {
        self.connections.retain(Connection::is_in_time);
        let ready = self.ready(most)?;
        let mut waiting = Vec::new();
        for (connection, is_ready) in self.connections.drain(..).zip(ready) {
            if is_ready {
                waiting.extend(connection.go_on(answer));
            } else {
                waiting.push(connection);
            }
        }
        // As many as there is room for: more come in the next turn.
        for stream in self.accepted().into_iter().take(MOST_CONNECTIONS) {
            waiting.extend(Connection::new(stream).go_on(answer));
        }
        let too_many = waiting.len().saturating_sub(MOST_CONNECTIONS);
        self.connections.extend(waiting.into_iter().skip(too_many));
        Ok(())
    }

    /// Sends what is left of the responses, for `most` at most.
    pub fn finish(&mut self, most: Duration) {
        let begun = Instant::now();
        self.sockets.clear();
        let nothing = &mut |_: Option<(&str, &str)>| Response::new(404, "", String::new());
        loop {
            let is_sending = |one: &Connection| matches!(one.stage, Stage::Response { .. });
            self.connections.retain(is_sending);
            let left = most.saturating_sub(begun.elapsed());
            if left.is_zero() || self.connections.is_empty() || self.serve(left, nothing).is_err() {
                return;
            }
        }
    }

    /// Waits until there is something to do; which of the connections have it.
    fn ready(&self, most: Duration) -> io::Result<Vec<bool>> {
        let connections = self.connections.iter().map(|one| {
            let events = match one.stage {
                Stage::Response { .. } => PollFlags::OUT,
                Stage::Request(_) | Stage::Close => PollFlags::IN,
            };
            PollFd::from_borrowed_fd(one.stream.as_fd(), events)
        });
        let sockets = self.sockets.iter();
        let sockets = sockets.map(|one| PollFd::from_borrowed_fd(one.as_fd(), PollFlags::IN));
        let mut fds: Vec<PollFd<'_>> = connections.chain(sockets).collect();
        // What no Timespec holds is for ever.
        let most = Timespec::try_from(most).ok();
        match poll(&mut fds, most.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = fds.iter().map(|fd| !fd.revents().is_empty());
        Ok(ready.take(self.connections.len()).collect())
    }

    /// The connections that were made since the last call.
    fn accepted(&self) -> Vec<TcpStream> {
        let mut accepted = Vec::new();
        for socket in &self.sockets {
            while accepted.len() < MOST_CONNECTIONS {
                match socket.accept() {
                    Ok((stream, _)) if stream.set_nonblocking(true).is_ok() => {
                        accepted.push(stream);
                    }
                    // One that is gone again already is no reason to end.
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    // No file is left, for example: the connection is still there, and may be taken later.
                    Err(error) => {
                        tracing::debug!("cannot accept a connection: {error}");
                        thread::sleep(PAUSE);
                        break;
                    }
                }
            }
        }
        accepted
    }
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            stage: Stage::Request(Vec::new()),
            since: Instant::now(),
        }
    }

    fn is_in_time(&self) -> bool {
        let most = match self.stage {
            Stage::Request(_) => LONGEST_REQUEST,
            Stage::Response { .. } => LONGEST_RESPONSE,
            Stage::Close => LONGEST_CLOSE,
        };
        self.since.elapsed() < most
    }

    /// Does what can be done without waiting; none when the connection is over.
    fn go_on(mut self, answer: &mut Answer<'_>) -> Option<Self> {
        loop {
            let response = match self.turn() {
                Turn::Wait => return Some(self),
                Turn::Over => return None,
                Turn::TooLong => answer(None).bytes(true),
                Turn::Request(method, target) => {
                    answer(Some((&method, &target))).bytes(method != "HEAD")
                }
            };
            self.enter(Stage::Response {
                bytes: response,
                sent: 0,
            });
        }
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.since = Instant::now();
    }

    fn turn(&mut self) -> Turn {
        match &mut self.stage {
            Stage::Request(head) => receive(&mut self.stream, head),
            Stage::Response { bytes, sent } => {
                while *sent < bytes.len() {
                    match self.stream.write(&bytes[*sent..]) {
                        Ok(0) => return Turn::Over,
                        Ok(more) => *sent += more,
                        Err(error) => return or_over(&error),
                    }
                }
                if self.stream.shutdown(Shutdown::Write).is_err() {
                    return Turn::Over;
                }
                self.enter(Stage::Close);
                self.turn()
            }
            Stage::Close => {
                let mut buffer = [0; 4096];
                match self.stream.read(&mut buffer) {
                    Ok(0) => Turn::Over,
                    // More than a request: nobody reads it.
                    Ok(_) => Turn::Wait,
                    Err(error) => or_over(&error),
                }
            }
        }
    }
}

fn or_over(error: &io::Error) -> Turn {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Turn::Wait,
        _ => Turn::Over,
    }
}

/// Reads what is there of a request.
fn receive(stream: &mut TcpStream, head: &mut Vec<u8>) -> Turn {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Turn::Over,
            Ok(read) => head.extend(&buffer[..read]),
            Err(error) => return or_over(&error),
        }
        if let Some((method, target)) = request(head) {
            return Turn::Request(method, target);
        }
        if head.len() > LONGEST_HEAD {
            return Turn::TooLong;
        }
    }
}

/// Method and target of a request (RFC 9112 §3) whose head is there to its end; without a word of what is no
/// request.
fn request(head: &[u8]) -> Option<(String, String)> {
    let ends = |end: &[u8]| memchr::memmem::find(head, end).is_some();
    if !ends(b"\r\n\r\n") && !ends(b"\n\n") {
        return None;
    }
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line.trim_ascii_end());
    let mut words = line.split(' ');
    let mut next = || words.next().unwrap_or_default().to_owned();
    Some((next(), next()))
}

impl Response {
    /// A response.
    #[must_use]
    pub fn new(status: u16, headers: &str, body: String) -> Self {
        Self {
            status,
            headers: headers.to_owned(),
            body,
        }
    }

    /// The response as it is sent, without its body if that is not asked for.
    fn bytes(&self, has_body: bool) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            431 => "Request Header Fields Too Large",
            503 => "Service Unavailable",
            _ => "",
        };
        let body = if has_body { &*self.body } else { "" };
        let text = format!(
            "HTTP/1.1 {} {reason}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.status,
            self.headers,
            self.body.len()
        );
        text.into_bytes()
    }
}

/// Listens at an address.
///
/// # Errors
/// What is wrong with it, as text.
pub fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    let problem = |error: io::Error| match error.kind() {
        ErrorKind::AddrInUse => "the port is in use".to_owned(),
        _ => error.to_string(),
    };
    let socket = TcpListener::bind(address).map_err(problem)?;
    socket.set_nonblocking(true).map_err(problem)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_when_its_head_is_whole() {
        let read = |head: &str| request(head.as_bytes());
        let whole = Some(("GET".to_owned(), "/callback?a=b".to_owned()));
        assert_eq!(read("GET /callback?a=b HTTP/1.1\r\nHost: x\r\n\r\n"), whole);
        assert_eq!(read("GET /callback?a=b HTTP/1.0\n\n"), whole);
        for part in ["", "GET", "GET /callback?a=b HTTP/1.1\r\nHost: x\r\n"] {
            assert_eq!(read(part), None, "{part}");
        }
        assert_eq!(read("\r\n\r\n"), Some((String::new(), String::new())));
    }
}
