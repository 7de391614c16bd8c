//! The sockets: a thread that listens at each door, and one for each connection.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::answer::Refusal;
use super::http::{Door, Incoming, Wire};
use super::world::World;

/// What the threads share.
pub struct Shared {
    world: Mutex<World>,
    /// told after every answer, and when answers are released
    pub changed: Condvar,
    is_over: AtomicBool,
    connections: Mutex<BTreeMap<u64, TcpStream>>,
    pub accepted: AtomicU64,
}

impl Shared {
    pub fn new(world: World) -> Arc<Self> {
        Arc::new(Self {
            world: Mutex::new(world),
            changed: Condvar::new(),
            is_over: AtomicBool::new(false),
            connections: Mutex::default(),
            accepted: AtomicU64::new(0),
        })
    }

    /// The world. A test that panicked in a hook has its own message.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connections(&self) -> MutexGuard<'_, BTreeMap<u64, TcpStream>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends listening: the listeners wake up and see that it is over.
    pub fn end(&self, doors: &[SocketAddr]) {
        self.is_over.store(true, Ordering::SeqCst);
        for door in doors {
            let _ = TcpStream::connect(door);
        }
    }

    /// What ended can begin again.
    pub fn begin(&self) {
        self.is_over.store(false, Ordering::SeqCst);
    }

    /// Lets the answers go that are held.
    pub fn release(&self) {
        let mut world = self.world();
        (world.holds, world.holds_tokens) = (false, false);
        drop(world);
        self.changed.notify_all();
    }

    /// Closes every connection, as a server does that is started again.
    pub fn close_connections(&self) {
        for stream in self.connections().values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Listens at a door from now on.
pub fn listen(shared: Arc<Shared>, door: Door, listener: TcpListener) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            if shared.is_over.load(Ordering::SeqCst) {
                return;
            }
            let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
            if door == Door::Foreign {
                let violation = "the foreign host was contacted".to_owned();
                shared.world().violate(violation);
            }
            if let Ok(stream) = stream.try_clone() {
                shared.connections().insert(number, stream);
            }
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                // an error is a client that went away
                let _ = converse(&shared, door, stream);
                shared.connections().remove(&number);
            });
        }
    })
}

fn converse(shared: &Shared, door: Door, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut wire = Wire::new(stream.try_clone()?);
    loop {
        let request = match wire.request(door)? {
            Incoming::Closed => return Ok(()),
            Incoming::Bad(reason) => {
                let refusal = Refusal::bad(reason);
                let date = {
                    let mut world = shared.world();
                    world.violations.extend(refusal.violation);
                    world.date_line()
                };
                refusal.answer.send(&mut stream, &date, false)?;
                return stream.shutdown(Shutdown::Both);
            }
            Incoming::Request(request) => *request,
        };
        let is_last = request.is_last();
        let (answer, date, chunked) = {
            let mut world = shared.world();
            if request.door == Door::Auth && request.path == "/oauth/token" {
                world.tokens.note(&request);
                shared.changed.notify_all();
                let waited = shared.changed.wait_while(world, |world| world.holds_tokens);
                world = waited.unwrap_or_else(PoisonError::into_inner);
            }
            let answer = world.handle(request);
            (answer, world.date_line(), world.settings.chunked)
        };
        shared.changed.notify_all();
        if answer.is_held {
            let world = shared.world();
            let _released = shared.changed.wait_while(world, |world| world.holds);
        }
        if !answer.send(&mut stream, &date, chunked)? || is_last {
            // a clone is kept elsewhere, so dropping the stream would not close it; and shutting it
            // down would make an end of what has to be a reset
            if answer.delivery != super::answer::Delivery::Reset {
                return stream.shutdown(Shutdown::Both);
            }
            return Ok(());
        }
    }
}
