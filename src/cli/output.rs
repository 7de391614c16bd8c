//! Arguments of how events are written.

use clap::{Args, ValueEnum};

use super::cluster::OF_CLUSTER;

/// `--format` of commands that write events.
#[derive(Debug, Args)]
pub struct EventFormatArgs {
    /// Format of the output
    ///
    /// `bulk` is the body of a bulk request of Elasticsearch and OpenSearch, with the `_id` of each
    /// event: the same record in the same place has the same id, so that sending it twice stores it
    /// once.
    #[arg(long, value_enum, default_value_t = EventFormatArg::Ndjson, value_name = "FORMAT", conflicts_with_all = OF_CLUSTER)]
    pub format: EventFormatArg,
}

/// Values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EventFormatArg {
    /// An event a line.
    Ndjson,
    /// An action line, `{"create":{"_id":"..."}}`, before each event.
    Bulk,
}

impl EventFormatArgs {
    /// Whether each event follows a line with its `_id`.
    #[must_use]
    pub fn is_bulk(&self) -> bool {
        self.format == EventFormatArg::Bulk
    }
}
