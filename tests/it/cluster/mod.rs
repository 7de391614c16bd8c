//! Events into a stand-in for Elasticsearch and OpenSearch that fails in every way: what real nodes
//! cannot be made to do. `tests/cluster` has the real ones.

mod addresses;
mod credentials;
mod datasets;
mod dead_letters;
mod items;
mod kills;
mod requests;
mod sizes;
mod tls;
mod world;
