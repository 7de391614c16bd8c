//! The browser coming back from the login: a small server on the loopback address.
//!
//! Browsers open connections in advance and say nothing on them, and anybody on the machine can connect: so all
//! connections are served at once, and there is a limit to their number, their time and what they may send.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use url::{Host, Url};

use super::Error;
use super::callback::Callback;
use crate::http::address::is_loopback;
use crate::process::stop::Stop;
use crate::secret::Secret;

/// How long a login may take.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How often signals are looked for meanwhile.
const TURN: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// How long to wait after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a connection may take to say what it wants.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);
/// How long a browser may take to accept its page, which fits into the buffer of a connection.
const LONGEST_RESPONSE: Duration = Duration::from_secs(1);
/// Connections at a time; the oldest makes room for another one.
const MOST_CONNECTIONS: usize = 64;
/// The longest request, in bytes, with all of its headers.
const LONGEST_HEAD: usize = 32 << 10;

/// Listens where the browser will be sent back to.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    path: String,
}

/// A browser, or somebody else, that has not said everything yet.
#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    head: Vec<u8>,
    since: Instant,
}

/// What a connection has sent so far.
enum Received {
    /// Not all of a request.
    Part,
    /// A request: its method and its target.
    Request(String, String),
    /// More than a request may have.
    TooMuch,
    /// It was closed, or broke off.
    Closed,
}

impl Listener {
    /// Binds the address of the redirect URI.
    ///
    /// # Errors
    /// [`Error::NotLoopback`] when that is not possible on this machine, [`Error::Listen`] when
    /// somebody else listens there.
    pub fn open(redirect_uri: &Url) -> Result<Self, Error> {
        let not_loopback = || Error::NotLoopback(redirect_uri.to_string());
        let port = redirect_uri.port_or_known_default();
        let port = port.filter(|port| *port != 0).ok_or_else(not_loopback)?;
        if redirect_uri.scheme() != "http" || !is_loopback(redirect_uri) {
            return Err(not_loopback());
        }
        let mut sockets = Vec::new();
        match redirect_uri.host().ok_or_else(not_loopback)? {
            Host::Ipv4(address) => sockets.push(listen((address, port).into())?),
            Host::Ipv6(address) => sockets.push(listen((address, port).into())?),
            Host::Domain(_) => {
                sockets.push(listen((Ipv4Addr::LOCALHOST, port).into())?);
                // A browser may try this one first; a machine may have none. Somebody else's server
                // there is no harm without the client secret.
                sockets.extend(listen((Ipv6Addr::LOCALHOST, port).into()).ok());
            }
        }
        Ok(Self {
            sockets,
            path: redirect_uri.path().to_owned(),
        })
    }

    /// Waits until the browser brings a code or an error with our `state`; none: it is time to end.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NoCallback`], and when listening fails.
    pub fn wait(&self, state: &str, stop: &Stop) -> Result<Option<Secret>, Error> {
        let start = Instant::now();
        let mut connections: Vec<Connection> = Vec::new();
        while start.elapsed() < PATIENCE {
            if stop.is_requested() {
                return Ok(None);
            }
            connections.retain(|one| one.since.elapsed() < LONGEST_REQUEST);
            let ready = self.ready(&connections)?;
            let mut waiting = Vec::new();
            for (connection, is_ready) in connections.drain(..).zip(ready) {
                if !is_ready {
                    waiting.push(connection);
                } else if let Some(code) = self.serve(connection, &mut waiting, state)? {
                    return Ok(Some(code));
                }
            }
            // As many as there is room for: more come in the next turn.
            for stream in self.accepted().into_iter().take(MOST_CONNECTIONS) {
                let connection = Connection {
                    stream,
                    head: Vec::new(),
                    since: Instant::now(),
                };
                if let Some(code) = self.serve(connection, &mut waiting, state)? {
                    return Ok(Some(code));
                }
            }
            let too_many = waiting.len().saturating_sub(MOST_CONNECTIONS);
            connections.extend(waiting.into_iter().skip(too_many));
        }
        Err(Error::NoCallback(PATIENCE))
    }

    /// Waits until somebody connects or says something, for a turn at most; which connections did.
    fn ready(&self, connections: &[Connection]) -> io::Result<Vec<bool>> {
        let of = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let streams = connections.iter().map(|one| of(one.stream.as_fd()));
        let sockets = self.sockets.iter().map(|one| of(one.as_fd()));
        let mut fds: Vec<PollFd<'_>> = streams.chain(sockets).collect();
        match poll(&mut fds, Some(&TURN)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = fds.iter().map(|fd| !fd.revents().is_empty());
        Ok(ready.take(connections.len()).collect())
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

    /// Reads what a connection sends; one whose request is not whole waits on.
    fn serve(
        &self,
        mut connection: Connection,
        waiting: &mut Vec<Connection>,
        state: &str,
    ) -> Result<Option<Secret>, Error> {
        match connection.receive() {
            Received::Part => waiting.push(connection),
            Received::Closed => {}
            Received::TooMuch => respond(connection, 431, "The request is too long."),
            Received::Request(method, target) => {
                return self.answer(connection, &method, &target, state);
            }
        }
        Ok(None)
    }

    fn answer(
        &self,
        connection: Connection,
        method: &str,
        target: &str,
        state: &str,
    ) -> Result<Option<Secret>, Error> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if method != "GET" || path != self.path {
            respond(connection, 404, "Not found.");
            return Ok(None);
        }
        match Callback::read(query, state) {
            Callback::Code(code) => {
                respond(
                    connection,
                    200,
                    "Login received. You may close this window and return to the terminal.",
                );
                Ok(Some(code))
            }
            Callback::Denied(said) => {
                respond(
                    connection,
                    200,
                    "Access was not granted. You may close this window; see the terminal for the reason.",
                );
                Err(Error::Denied { said })
            }
            Callback::Foreign => {
                tracing::warn!(
                    "rejected a callback whose state parameter is not that of this login; still \
                     waiting for the browser"
                );
                respond(
                    connection,
                    400,
                    "This callback does not belong to the login in progress: its state parameter differs. Open \
                     the URL that the terminal shows.",
                );
                Ok(None)
            }
            Callback::Nothing => {
                let text = "This callback has neither a code nor an error.";
                respond(connection, 400, text);
                Ok(None)
            }
        }
    }
}

impl Connection {
    /// Reads what is there.
    fn receive(&mut self) -> Received {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Received::Closed,
                Ok(read) => self.head.extend(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Received::Part,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Received::Closed,
            }
            if let Some((method, target)) = request(&self.head) {
                return Received::Request(method, target);
            }
            if self.head.len() > LONGEST_HEAD {
                return Received::TooMuch;
            }
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

fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    let failed = |error: io::Error| Error::Listen {
        address: address.to_string(),
        problem: match error.kind() {
            ErrorKind::AddrInUse => "the port is in use".to_owned(),
            _ => error.to_string(),
        },
    };
    let socket = TcpListener::bind(address).map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    Ok(socket)
}

/// Shows a page in the browser, which keeps nothing of it and tells its address, with the code in
/// it, to nobody.
fn respond(connection: Connection, status: u16, text: &str) {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>confluence-ecs</title>\
         </head><body><p>{text}</p></body></html>\n"
    );
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        _ => "Request Header Fields Too Large",
    };
    let response = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'\r\n\
         Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    let mut stream = connection.stream;
    let mut send = || -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(LONGEST_RESPONSE))?;
        stream.write_all(response.as_bytes())?;
        stream.shutdown(Shutdown::Write)
    };
    // A browser that does not wait for its page has brought the code all the same.
    if let Err(error) = send() {
        tracing::debug!("cannot send the page to the browser: {error}");
    }
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

    #[test]
    fn only_this_machine_is_listened_on() {
        for redirect in [
            "https://127.0.0.1:8917/callback",
            "http://example.com:8917/callback",
            "http://0.0.0.0:8917/callback",
            "http://127.0.0.1:0/callback",
        ] {
            let error = Listener::open(&Url::parse(redirect).unwrap()).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("--paste"));
        }
    }
}
