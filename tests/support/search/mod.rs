//! A strict stand-in for Elasticsearch and OpenSearch: what no real node takes fails the test.

#![allow(dead_code, reason = "each test program uses a part of it")]

mod api;
pub mod faults;
mod serve;
pub mod store;
pub mod wire;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use faults::Rule;
pub use faults::{Fault, For};
use store::Store;
pub use wire::Answer;

/// Which product is stood in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Elasticsearch,
    OpenSearch2,
    OpenSearch3,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Instant,
    pub method: String,
    pub path: String,
    pub authorization: Option<String>,
    /// Bytes of its body on the wire.
    pub length: usize,
    pub is_gzip: bool,
    /// Documents of a bulk request.
    pub documents: usize,
}

/// What is wrong with a document: status, type and reason of its item.
pub type Judge = Box<dyn FnMut(&str, &Value) -> Option<(u16, &'static str, String)> + Send>;

/// What is wrong with a whole bulk request.
pub type WholeJudge = Box<dyn FnMut(&[u8]) -> Option<Answer> + Send>;

/// What the threads share.
pub struct World {
    pub kind: Kind,
    pub version: &'static str,
    pub store: Store,
    pub seen: Vec<Seen>,
    violations: Vec<String>,
    rules: Vec<Rule>,
    /// Values of `Authorization` that are let in; none: everyone is.
    pub credentials: Option<Vec<String>>,
    pub judge: Option<Judge>,
    pub judge_whole: Option<WholeJudge>,
    /// The largest body on the wire.
    pub most_bytes: usize,
    /// Whether refused documents go to the failure store.
    pub has_failure_store: bool,
    pub pipelines: Vec<String>,
    /// Status of the answer to `GET /`.
    pub root_status: u16,
    /// A data stream that rolls over once the next faulty request was taken.
    pub rolls_over: Option<&'static str>,
}

struct Shared {
    world: Mutex<World>,
    changed: Condvar,
    is_over: AtomicBool,
}

/// A cluster on a port of its own, for as long as the test runs.
pub struct Search {
    address: SocketAddr,
    shared: Arc<Shared>,
    scheme: &'static str,
}

impl Search {
    pub fn new(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self::on(listener, kind, None)
    }

    /// With TLS.
    pub fn tls(kind: Kind, config: Arc<rustls::ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self::on(listener, kind, Some(config))
    }

    fn on(listener: TcpListener, kind: Kind, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = listener.local_addr().expect("an address");
        let world = World {
            kind,
            version: match kind {
                Kind::Elasticsearch => "9.5.0",
                Kind::OpenSearch2 => "2.19.6",
                Kind::OpenSearch3 => "3.8.0",
            },
            store: Store::new(kind != Kind::Elasticsearch),
            seen: Vec::new(),
            violations: Vec::new(),
            rules: Vec::new(),
            credentials: None,
            judge: None,
            judge_whole: None,
            most_bytes: 100 << 20,
            has_failure_store: false,
            pipelines: Vec::new(),
            root_status: 200,
            rolls_over: None,
        };
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            changed: Condvar::new(),
            is_over: AtomicBool::new(false),
        });
        serve::listen(listener, Arc::clone(&shared), tls);
        Self {
            address,
            shared,
            scheme,
        }
    }

    pub fn url(&self) -> String {
        let host = if self.scheme == "https" {
            "localhost"
        } else {
            "127.0.0.1"
        };
        format!("{}://{host}:{}", self.scheme, self.address.port())
    }

    /// What it holds and how it answers.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world()
    }

    /// The next so many requests go wrong.
    pub fn fault(&self, requests: For, left: u32, fault: Fault) {
        let rule = Rule {
            requests,
            left,
            fault,
        };
        self.world().rules.push(rule);
    }

    /// Every such request goes wrong from now on.
    pub fn always(&self, requests: For, fault: Fault) {
        self.fault(requests, u32::MAX, fault);
    }

    /// Nothing goes wrong any more.
    pub fn mend(&self) {
        self.world().rules.clear();
    }

    /// Waits until something is so.
    pub fn wait(&self, what: &str, is_so: impl Fn(&World) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut world = self.world();
        while !is_so(&world) {
            let seen = world.paths();
            assert!(
                Instant::now() < deadline,
                "waited too long for: {what}; seen {seen:?}"
            );
            let waited = self
                .shared
                .changed
                .wait_timeout(world, Duration::from_millis(100));
            world = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.shared.changed.notify_all();
        let _ = std::net::TcpStream::connect(self.address);
        if !std::thread::panicking() {
            let violations = self.world().violations.clone();
            assert!(violations.is_empty(), "no node takes that: {violations:?}");
        }
    }
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// All documents of a name, over all its indices.
    pub fn documents(&self, name: &str) -> Vec<(String, Value)> {
        let named = self.store.names.get(name);
        let indices = named.into_iter().flat_map(|named| &named.indices);
        let documents = indices.flat_map(|index| index.documents.clone());
        documents.collect()
    }

    /// Methods and paths of what was asked.
    pub fn paths(&self) -> Vec<String> {
        let seen = self.seen.iter();
        seen.map(|seen| format!("{} {}", seen.method, seen.path))
            .collect()
    }

    /// How many requests of a kind came.
    pub fn count(&self, requests: For) -> usize {
        let seen = self.seen.iter();
        seen.filter(|seen| requests.holds(&seen.path)).count()
    }

    fn violate(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }
}
