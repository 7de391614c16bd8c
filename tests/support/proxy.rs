//! Proxies of HTTP and SOCKS5, which find every host on this machine.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A proxy on a port of its own, for as long as the test runs.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// What was asked for: request lines, or `SOCKS HOST:PORT`.
    asked: Mutex<Vec<String>>,
    /// `user:password`, if one is needed.
    login: Option<&'static str>,
    /// What it answers instead of doing anything.
    answer: Option<&'static str>,
}

impl Proxy {
    /// An HTTP proxy, with a login if one is given.
    pub fn http(login: Option<&'static str>) -> Self {
        Self::start(login, None, serve_http)
    }

    /// An HTTP proxy that gives every request that status.
    pub fn answering(status: &'static str) -> Self {
        Self::start(None, Some(status), serve_http)
    }

    /// A SOCKS5 proxy, with a login if one is given.
    pub fn socks(login: Option<&'static str>) -> Self {
        Self::start(login, None, serve_socks)
    }

    fn start(
        login: Option<&'static str>,
        answer: Option<&'static str>,
        serve: fn(TcpStream, &Shared) -> io::Result<()>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            login,
            answer,
            ..Shared::default()
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                // A client that goes away is none of the proxy's business.
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, shared }
    }

    /// Its host and port.
    pub fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What it was asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().expect("no panic").clone()
    }
}

impl Shared {
    fn note(&self, what: &str) {
        let mut asked = self.asked.lock().expect("no panic");
        asked.push(what.trim().to_owned());
    }
}

/// Wherever the name leads to elsewhere, here it is this machine.
fn reach(place: &str) -> io::Result<TcpStream> {
    let port = place.rsplit(':').next().unwrap_or_default();
    TcpStream::connect(format!("127.0.0.1:{port}"))
}

fn serve_http(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut inward = BufReader::new(stream.try_clone()?);
    let mut outward = stream;
    let mut server: Option<TcpStream> = None;
    while let Some(head) = head(&mut inward)? {
        let first = head.lines().next().unwrap_or_default();
        shared.note(first);
        let refused = match (shared.answer, shared.login) {
            (Some(status), _) => Some(status),
            (None, Some(login)) if !has_login(&head, login) => {
                Some("407 Proxy Authentication Required")
            }
            _ => None,
        };
        if let Some(status) = refused {
            return write!(
                outward,
                "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        let mut words = first.split(' ');
        let (method, target) = (words.next(), words.next().unwrap_or_default());
        if method == Some("CONNECT") {
            let server = reach(target)?;
            outward.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            return copy_both(inward, outward, server);
        }
        let rest = target.strip_prefix("http://");
        let (place, path) = rest
            .and_then(|rest| rest.split_once('/'))
            .ok_or(io::ErrorKind::InvalidData)?;
        if server.is_none() {
            let one = reach(place)?;
            let (mut from, mut to) = (one.try_clone()?, outward.try_clone()?);
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            server = Some(one);
        }
        let own = |line: &&str| !line.to_ascii_lowercase().starts_with("proxy-");
        let lines: Vec<&str> = head.lines().skip(1).filter(own).collect();
        let request = format!(
            "GET /{path} HTTP/1.1\r\n{}\r\n\r\n",
            lines.join("\r\n").trim_end()
        );
        let server = server.as_mut().expect("connected");
        server.write_all(request.as_bytes())?;
    }
    Ok(())
}

/// The lines of a request, up to the empty one; none at the end.
fn head(inward: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut head = String::new();
    loop {
        let start = head.len();
        if inward.read_line(&mut head)? == 0 {
            return Ok(None);
        }
        if head[start..].trim().is_empty() {
            return Ok(Some(head));
        }
    }
}

fn has_login(head: &str, login: &str) -> bool {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(login);
    head.contains(&format!("Proxy-Authorization: Basic {pair}\r\n"))
}

fn copy_both(
    mut inward: BufReader<TcpStream>,
    mut outward: TcpStream,
    mut server: TcpStream,
) -> io::Result<()> {
    let mut back = server.try_clone()?;
    let backward = thread::spawn(move || {
        let _ = io::copy(&mut back, &mut outward);
        let _ = outward.shutdown(Shutdown::Both);
    });
    io::copy(&mut inward, &mut server)?;
    server.shutdown(Shutdown::Both)?;
    let _ = backward.join();
    Ok(())
}

/// RFC 1928 and RFC 1929, as far as CONNECT goes.
fn serve_socks(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let [_, count] = read(&mut stream)?;
    let mut methods = vec![0; count.into()];
    stream.read_exact(&mut methods)?;
    let method = if shared.login.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        return stream.write_all(&[5, 0xff]);
    }
    stream.write_all(&[5, method])?;
    if let Some(login) = shared.login {
        let [_] = read(&mut stream)?;
        let given = format!("{}:{}", text(&mut stream)?, text(&mut stream)?);
        let is_right = given == login;
        stream.write_all(&[1, u8::from(!is_right)])?;
        if !is_right {
            return Ok(());
        }
    }
    let [_, _, _, kind] = read(&mut stream)?;
    let host = if kind == 3 {
        text(&mut stream)?
    } else {
        let [a, b, c, d] = read(&mut stream)?;
        format!("{a}.{b}.{c}.{d}")
    };
    let place = format!("{host}:{}", u16::from_be_bytes(read(&mut stream)?));
    shared.note(&format!("SOCKS {place}"));
    let server = reach(&place)?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    copy_both(BufReader::new(stream.try_clone()?), stream, server)
}

fn read<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn text(stream: &mut TcpStream) -> io::Result<String> {
    let [length] = read(stream)?;
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
