//! A proxy between the program and a node, which does to answers of bulk requests what networks and other
//! proxies do.

use std::collections::VecDeque;
use std::io::{self, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What becomes of a bulk request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The node takes it, and the connection breaks before the answer.
    LoseAnswer,
    /// The connection breaks before the node sees it.
    LoseRequest,
    /// The node takes it; half of the answer comes.
    CutAnswer,
    /// The node takes it; the answer misses an item.
    DropItem,
}

/// A request or an answer.
struct Message {
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

#[derive(Default)]
struct State {
    faults: Mutex<VecDeque<Fault>>,
    is_ended: AtomicBool,
}

/// The proxy, ended with the value.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

impl Proxy {
    /// In front of that port.
    pub fn new(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.is_ended.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(&client, upstream, &shared));
            }
        });
        Self { port, state }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next bulk request meets this.
    pub fn next(&self, fault: Fault) {
        self.state.faults.lock().unwrap().push_back(fault);
    }

    /// Whether all faults happened.
    pub fn is_done(&self) -> bool {
        self.state.faults.lock().unwrap().is_empty()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.is_ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(client: &TcpStream, upstream: u16, state: &State) {
    let mut reader = BufReader::new(client);
    while let Ok(Some(request)) = read(&mut reader, Some(client)) {
        if exchange(client, upstream, state, &request).is_err() {
            let _ = client.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}

fn exchange(
    mut client: &TcpStream,
    upstream: u16,
    state: &State,
    request: &Message,
) -> io::Result<()> {
    let broken = || io::Error::from(io::ErrorKind::ConnectionReset);
    let is_bulk = request.first.contains("/_bulk");
    let mut faults = state.faults.lock().unwrap();
    let fault = is_bulk.then(|| faults.pop_front()).flatten();
    drop(faults);
    if fault == Some(Fault::LoseRequest) {
        return Err(broken());
    }
    // A connection of its own for each request: what one of them meets is no other's.
    let node = TcpStream::connect(("127.0.0.1", upstream))?;
    node.set_read_timeout(Some(Duration::from_secs(120)))?;
    (&node).write_all(&request.text())?;
    let answer = read(&mut BufReader::new(&node), None)?.ok_or_else(broken)?;
    match fault {
        None => client.write_all(&answer.text()),
        Some(Fault::LoseAnswer) => Err(broken()),
        Some(Fault::CutAnswer) => {
            let text = answer.text();
            client.write_all(&text[..text.len() - answer.body.len() / 2])?;
            Err(broken())
        }
        Some(Fault::DropItem) => {
            let mut json: serde_json::Value = serde_json::from_slice(&answer.body)?;
            let items = json["items"].as_array_mut().ok_or_else(broken)?;
            items.pop();
            let body = json.to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}", body.len());
            client.write_all(format!("{head}\r\n\r\n{body}").as_bytes())
        }
        Some(Fault::LoseRequest) => unreachable!("handled above"),
    }
}

impl Message {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn text(&self) -> Vec<u8> {
        let own = [
            "expect",
            "connection",
            "transfer-encoding",
            "content-length",
        ];
        let is_passed_on = |name: &String| !own.contains(&name.to_ascii_lowercase().as_str());
        let headers = self.headers.iter().filter(|(name, _)| is_passed_on(name));
        let lines = headers.map(|(name, value)| format!("{name}: {value}\r\n"));
        let head: String = [format!("{}\r\n", self.first)]
            .into_iter()
            .chain(lines)
            .collect();
        let length = format!("content-length: {}\r\n\r\n", self.body.len());
        [head.as_bytes(), length.as_bytes(), &self.body].concat()
    }
}

/// Reads a message; none at the end. A client that asks first is told to go on.
fn read(reader: &mut impl io::BufRead, client: Option<&TcpStream>) -> io::Result<Option<Message>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut message = Message {
        first: line.trim_end().to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        message
            .headers
            .push((name.to_owned(), value.trim().to_owned()));
    }
    if message.header("transfer-encoding").is_some() {
        assert!(client.is_none(), "a chunked body");
        message.body = read_chunks(reader)?;
        return Ok(Some(message));
    }
    if let Some(mut client) = client
        && message.header("expect").is_some()
    {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length = message
        .header("content-length")
        .and_then(|length| length.parse().ok());
    message.body.resize(length.unwrap_or(0), 0);
    reader.read_exact(&mut message.body)?;
    Ok(Some(message))
}

fn read_chunks(reader: &mut impl io::BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut line = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..])?;
        line.clear();
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(body);
        }
    }
}
