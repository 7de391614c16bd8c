//! Events into real search nodes, Elasticsearch and OpenSearch: what `.ci/nodes` got. Where there is none, a
//! test says that it was left out.

#![allow(clippy::print_stderr, reason = "what was left out is said")]

mod node;
mod template;

#[path = "../support"]
mod support {
    pub mod binary;
}
