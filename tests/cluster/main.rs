//! Events into real search nodes, Elasticsearch and OpenSearch: what `.ci/nodes` got. Where there is none, a
//! test says that it was left out.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up may panic"
)]
#![allow(clippy::print_stderr, reason = "what was left out is said")]

mod install;
mod node;
mod once;
mod proxy;
mod security;
mod send;
mod template;
mod world;

#[path = "../support"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod support {
    pub mod binary;
    pub mod random;
}
