//! Events into a stand-in for Elasticsearch and OpenSearch that fails in every way: what real nodes
//! cannot be made to do. `tests/cluster` has the real ones.

mod requests;
mod world;
