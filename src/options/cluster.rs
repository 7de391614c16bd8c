//! The cluster that events go to, by the arguments and the environment.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::auth::credentials::{self, Setting};
use crate::cli::{ClusterArgs, ClusterConnectionArgs};
use crate::cluster::client::ClusterClient;
use crate::cluster::dead_letter::{self, DeadLetters};
use crate::cluster::settle::Settler;
use crate::http::{self, Client, Trust};
use crate::secret::Secret;
use crate::state;

/// An API key of the cluster.
const API_KEY: Setting = Setting {
    flag: "--es-api-key-file",
    variable: "CONFLUENCE_ECS_ES_API_KEY",
    credential: "es-api-key",
};

/// A password of the cluster.
const PASSWORD: Setting = Setting {
    flag: "--es-password-file",
    variable: "CONFLUENCE_ECS_ES_PASSWORD",
    credential: "es-password",
};

/// An answer to a bulk request may take this long.
const TIMEOUT: Duration = Duration::from_secs(90);

/// What is wrong with the options of the cluster.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A secret cannot be read.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// A user without a password.
    #[error(
        "--es-user: no password for {0}: set CONFLUENCE_ECS_ES_PASSWORD, or pass --es-password-file FILE"
    )]
    NoPassword(String),
    /// The proxy or a certificate cannot be used.
    #[error(transparent)]
    Http(#[from] http::SettingsError),
    /// There is nowhere to put dead letters.
    #[error("--dead-letter: {0}")]
    DeadLetter(state::Error),
}

/// How events are sent to a cluster.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    urls: Vec<Url>,
    authorization: Option<Secret>,
    trust: Trust,
    /// Data stream, alias or index.
    pub target: String,
    pipeline: Option<String>,
    bulk_bytes: usize,
    /// Requests in flight at once.
    pub concurrency: NonZeroUsize,
    dead_letter: PathBuf,
    /// How long to wait for answers at the end.
    pub shutdown_timeout: Duration,
}
