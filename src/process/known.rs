//! What only a running process knows of its work: the report of `status` takes the rest from the state.

use serde::{Deserialize, Serialize};

/// What is known at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    /// The name of the state's files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The site that is fetched from, with its `--search`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Where the events go, as it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Whether all is open, and the work has begun.
    pub is_ready: bool,
    /// Since when the output has taken nothing, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_since: Option<i64>,
    /// What keeps the output from taking more, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
    /// How many files and directories cannot be read.
    pub unreadable: u64,
    /// Why the first of them cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable_because: Option<String>,
    /// What failed last, while it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Requests that were sent again.
    pub retries: u64,
}
