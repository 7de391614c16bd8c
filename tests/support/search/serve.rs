//! The sockets: a thread for each connection.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Instant;

use super::faults::Fault;
use super::wire::{Answer, Request, Wire};
use super::{Seen, Shared, api};

pub fn listen(listener: TcpListener, shared: Arc<Shared>, tls: Option<Arc<rustls::ServerConfig>>) {
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if shared.is_over.load(Ordering::SeqCst) {
                return;
            }
            let (shared, tls) = (Arc::clone(&shared), tls.clone());
            thread::spawn(move || {
                let raw = stream.try_clone();
                // An error is a client that went away.
                let _ = match (tls, raw) {
                    (Some(tls), Ok(raw)) => {
                        let connection = rustls::ServerConnection::new(tls).expect("a connection");
                        converse(&shared, rustls::StreamOwned::new(connection, stream), &raw)
                    }
                    (None, Ok(raw)) => converse(&shared, stream, &raw),
                    (_, Err(error)) => Err(error),
                };
            });
        }
    });
}

fn converse(shared: &Shared, stream: impl Read + Write, raw: &TcpStream) -> io::Result<()> {
    raw.set_nodelay(true)?;
    let mut wire = Wire::new(stream);
    while let Some(head) = wire.head()? {
        let mut request = match head {
            Ok(request) => request,
            Err(problem) => {
                shared.world().violate(problem.clone());
                let answer = Answer::error(400, "bad_request", &problem);
                wire.answer(&answer, usize::MAX)?;
                return raw.shutdown(Shutdown::Both);
            }
        };
        let fault = fault(shared, &request);
        let most = shared.world().most_bytes;
        if matches!(fault, Some(Fault::TooLarge)) || request.length > most {
            note(shared, &request, 0);
            let answer = Answer::new(413, "text/plain", "").with("Connection", "close");
            wire.answer(&answer, usize::MAX)?;
            // What is still written finds nobody who reads it.
            return raw.shutdown(Shutdown::Both);
        }
        wire.body(&mut request)?;
        let documents = documents(&request);
        note(shared, &request, documents);
        if !answer(shared, &mut wire, raw, &request, fault.as_ref())? {
            return raw.shutdown(Shutdown::Both);
        }
    }
    Ok(())
}

/// The fault of this request, if there is one.
fn fault(shared: &Shared, request: &Request) -> Option<Fault> {
    let mut world = shared.world();
    let mut rules = world.rules.iter_mut();
    let rule = rules.find(|rule| rule.left > 0 && rule.requests.holds(&request.path))?;
    if rule.left != u32::MAX {
        rule.left -= 1;
    }
    Some(rule.fault.clone())
}

fn note(shared: &Shared, request: &Request, documents: usize) {
    let seen = Seen {
        at: Instant::now(),
        method: request.method.clone(),
        path: request.path.clone(),
        authorization: request.header("authorization").map(str::to_owned),
        length: request.length,
        is_gzip: request.header("content-encoding").is_some(),
        documents,
    };
    shared.world().seen.push(seen);
    shared.changed.notify_all();
}

/// How many documents a bulk request has.
fn documents(request: &Request) -> usize {
    request.body.split(|byte| *byte == b'\n').count() / 2
}

/// Whether the connection goes on.
fn answer(
    shared: &Shared,
    wire: &mut Wire<impl Read + Write>,
    raw: &TcpStream,
    request: &Request,
    fault: Option<&Fault>,
) -> io::Result<bool> {
    let handle = |most: usize| {
        let mut world = shared.world();
        let answer = api::handle(&mut world, request, most);
        if let Some(name) = world.rolls_over.take_if(|_| fault.is_some()) {
            world.store.roll_over(name);
        }
        drop(world);
        shared.changed.notify_all();
        answer
    };
    match fault.cloned() {
        None => wire.answer(&handle(usize::MAX), usize::MAX)?,
        Some(Fault::Hang) => {
            let mut world = shared.world();
            while !shared.is_over.load(Ordering::SeqCst) {
                let waited = shared.changed.wait(world);
                world = waited.unwrap_or_else(PoisonError::into_inner);
            }
            return Ok(false);
        }
        Some(Fault::Close | Fault::TooLarge) => return Ok(false),
        Some(Fault::Reset) => {
            handle(usize::MAX);
            // Closed with the time 0, it is a reset.
            rustix::net::sockopt::set_socket_linger(raw, Some(std::time::Duration::ZERO))?;
            return Ok(false);
        }
        Some(Fault::CutAnswer) => {
            let answer = handle(usize::MAX);
            wire.answer(&answer, answer.body.len() / 2)?;
            return Ok(false);
        }
        Some(Fault::CutJson) => {
            let mut answer = handle(usize::MAX);
            answer.body.truncate(answer.body.len() * 2 / 3);
            wire.answer(&answer, usize::MAX)?;
        }
        Some(Fault::DropItem) => {
            let mut answer = handle(usize::MAX);
            let mut body: serde_json::Value = serde_json::from_slice(&answer.body)?;
            body["items"].as_array_mut().expect("items").pop();
            answer.body = body.to_string().into_bytes();
            wire.answer(&answer, usize::MAX)?;
        }
        Some(Fault::Taken(answer)) => {
            handle(usize::MAX);
            wire.answer(&answer, usize::MAX)?;
        }
        Some(Fault::RolledOver(name, answer)) => {
            handle(usize::MAX);
            shared.world().store.roll_over(name);
            wire.answer(&answer, usize::MAX)?;
        }
        Some(Fault::HalfTaken(answer)) => {
            handle(documents(request) / 2);
            wire.answer(&answer, usize::MAX)?;
        }
        Some(Fault::Answer(answer)) => wire.answer(&answer, usize::MAX)?,
    }
    Ok(true)
}
