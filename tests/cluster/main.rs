//! Events into real search nodes, Elasticsearch and OpenSearch: what `.ci/nodes` got. Where there is none, a
//! test says that it was left out.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up may panic"
)]
#![allow(clippy::print_stderr, reason = "what was left out is said")]

mod detections;
mod fetched;
mod install;
mod node;
mod once;
mod proxy;
mod refusals;
mod security;
mod send;
mod template;
mod world;

#[path = "../support"]
#[allow(dead_code, unused_imports, reason = "other tests use the rest of it")]
mod support {
    pub mod atlassian;
    pub mod binary;
    pub mod fetching;
    pub mod numbered;
    pub mod program;
    pub mod random;
    pub mod wire;
}
