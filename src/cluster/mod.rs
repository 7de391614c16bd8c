//! Elasticsearch and OpenSearch: events into a data stream, each once (docs/elasticsearch.md).
//!
//! [`sink::ClusterSink`] takes events as bodies for `_bulk`, and has a `StreamSink` for each data stream, which
//! hands them to threads; a [`settle::Settler`] sends one body until each of its events is settled.

mod body;
pub mod client;
pub mod dead_letter;
mod endpoints;
pub mod event_line;
pub mod inspect;
pub mod lookup;
mod notices;
mod plain;
pub mod product;
pub mod settle;
pub mod sink;
mod stream_sink;
pub mod template;
mod verdict;
mod words;
