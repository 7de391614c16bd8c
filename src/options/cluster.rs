//! The cluster that events go to, by the arguments and the environment.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::auth::credentials::{self, ES_API_KEY, ES_PASSWORD};
use crate::cli::{ClusterArgs, ClusterConnectionArgs};
use crate::cluster::client::ClusterClient;
use crate::cluster::dead_letter::{self, DeadLetters};
use crate::cluster::settle::Settler;
use crate::cluster::sink::ClusterSink;
use crate::http::{self, Client, Trust};
use crate::pipeline::dataset::Dataset;
use crate::process::metrics::{Api, RequestMetrics, SourceMetrics};
use crate::process::shown::Shown as _;
use crate::secret::Secret;
use crate::state;

/// An answer to a bulk request may take this long.
const TIMEOUT: Duration = Duration::from_secs(90);
/// Whoever is there accepts a connection in this time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Any other answer, for someone who waits: a cluster has 30 seconds to install a template.
const BRIEF_TIMEOUT: Duration = Duration::from_secs(35);

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
    #[error(
        "--dead-letter: no default file, as none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is set; pass \
         --dead-letter PATH"
    )]
    DeadLetter,
    /// Dead letters cannot go where the state is.
    #[error(
        "--dead-letter: {0} is a file of the state, which is overwritten: use another file for dead letters"
    )]
    DeadLetterIsState(String),
}

/// How events are sent to a cluster.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    urls: Vec<Url>,
    authorization: Option<Secret>,
    trust: Trust,
    flags: Vec<String>,
    /// Where most events go: a data stream, alias or index.
    pub target: String,
    dataset: Dataset,
    /// All events go there, whatever data set they belong to.
    is_single: bool,
    pipeline: Option<String>,
    bulk_bytes: usize,
    /// Requests in flight at once.
    pub concurrency: NonZeroUsize,
    /// File for events that the cluster refuses in every form.
    pub dead_letter: PathBuf,
    /// How long to wait for answers at the end.
    pub shutdown_timeout: Duration,
}

/// Reads where the cluster is and who sends; none if events go elsewhere. Most events are of that data
/// set.
///
/// # Errors
/// When a secret cannot be read, or is missing.
pub fn cluster(
    arguments: &ClusterArgs,
    (dataset, namespace): (Dataset, &str),
    state_dir: Option<&std::path::Path>,
) -> Result<Option<ClusterOptions>, Error> {
    let connection = &arguments.connection;
    if connection.elasticsearch_url.is_empty() {
        return Ok(None);
    }
    let dead_letter = match &arguments.dead_letter {
        Some(path) => path.clone(),
        None => state::directory(state_dir)
            .map_err(|_| Error::DeadLetter)?
            .join(dead_letter::FILE_NAME),
    };
    if let Ok(directory) = state::directory(state_dir)
        && state::is_own_file(&directory, &dead_letter)
    {
        let path = dead_letter.shown().to_string();
        return Err(Error::DeadLetterIsState(path));
    }
    Ok(Some(ClusterOptions {
        urls: connection.elasticsearch_url.clone(),
        authorization: authorization(connection)?,
        trust: trust(connection),
        flags: flags(connection),
        target: target(arguments, dataset, namespace),
        dataset,
        is_single: arguments.index.is_some(),
        pipeline: arguments.pipeline.clone(),
        bulk_bytes: arguments.bulk_bytes,
        concurrency: arguments.bulk_concurrency,
        dead_letter,
        shutdown_timeout: arguments.shutdown_timeout,
    }))
}

/// The file of dead letters; none if events go elsewhere, or there is nowhere to put them.
#[must_use]
pub fn dead_letter(
    arguments: &ClusterArgs,
    state_dir: Option<&std::path::Path>,
) -> Option<PathBuf> {
    if arguments.connection.elasticsearch_url.is_empty() {
        return None;
    }
    let usual = || {
        Some(
            state::directory(state_dir)
                .ok()?
                .join(dead_letter::FILE_NAME),
        )
    };
    arguments.dead_letter.clone().or_else(usual)
}

/// Asks the cluster of those arguments for someone who waits; none if there is none.
///
/// # Errors
/// When a secret cannot be read, or is missing.
pub fn client(connection: &ClusterConnectionArgs) -> Result<Option<ClusterClient>, Error> {
    if connection.elasticsearch_url.is_empty() {
        return Ok(None);
    }
    let authorization = authorization(connection)?;
    let http = http_client(trust(connection), BRIEF_TIMEOUT, &SourceMetrics::default())?;
    let urls = &connection.elasticsearch_url;
    let client = ClusterClient::new(http, urls, authorization);
    Ok(Some(client.with_flags(flags(connection))))
}

/// Where events of a data set go by these arguments.
#[must_use]
pub fn target(arguments: &ClusterArgs, dataset: Dataset, namespace: &str) -> String {
    let index = arguments.index.clone();
    index.unwrap_or_else(|| dataset.stream(namespace))
}

/// The flags of a connection but for its addresses, as a shell takes them again.
fn flags(connection: &ClusterConnectionArgs) -> Vec<String> {
    let fingerprint = connection.es_ca_fingerprint.map(|bytes| {
        let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
        hex.collect()
    });
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let all = [
        ("--es-api-key-file", path(&connection.es_api_key_file)),
        ("--es-user", connection.es_user.clone()),
        ("--es-password-file", path(&connection.es_password_file)),
        ("--es-ca-file", path(&connection.es_ca_file)),
        ("--es-ca-fingerprint", fingerprint),
        ("--es-client-cert", path(&connection.es_client_cert)),
        ("--es-client-key", path(&connection.es_client_key)),
    ];
    let given = all
        .into_iter()
        .filter_map(|(flag, value)| Some([flag.to_owned(), value?]));
    given.flatten().collect()
}

impl ClusterOptions {
    /// What sends to this cluster, and is measured so.
    ///
    /// # Errors
    /// When the proxy or a certificate cannot be used.
    pub fn sink(&self, metrics: &SourceMetrics) -> Result<ClusterSink, Error> {
        let http = http_client(self.trust.clone(), TIMEOUT, metrics)?;
        let client = ClusterClient::new(http, &self.urls, self.authorization.clone())
            .with_flags(self.flags.clone());
        let settler = Settler::new(
            Arc::new(client),
            self.target.clone(),
            self.pipeline.as_deref(),
            DeadLetters::new(self.dead_letter.clone()),
            self.bulk_bytes,
        )
        .of(self.dataset)
        .measured(metrics);
        Ok(ClusterSink::open(
            settler,
            self.concurrency,
            self.shutdown_timeout,
            self.is_single,
        ))
    }
}

fn http_client(trust: Trust, timeout: Duration, metrics: &SourceMetrics) -> Result<Client, Error> {
    let settings = http::Settings {
        timeout,
        connect_timeout: CONNECT_TIMEOUT,
        // Whoever asks the cluster asks again for as long as it takes.
        retries: 0,
        proxy: None,
        proxy_password: None,
        trust,
        user_agent: concat!("confluence-ecs/", env!("CARGO_PKG_VERSION")).to_owned(),
        longest_wait: timeout,
        metrics: RequestMetrics {
            source: metrics.clone(),
            api: Api::Elasticsearch,
        },
    };
    Ok(Client::new(&settings)?)
}

/// The value of `Authorization`. A key in a file, or a user, wins over a key in the environment.
fn authorization(connection: &ClusterConnectionArgs) -> Result<Option<Secret>, Error> {
    if let Some(user) = &connection.es_user {
        let password =
            ES_PASSWORD.find(connection.es_password_file.as_deref(), &connection.secrets)?;
        let password = password.ok_or_else(|| Error::NoPassword(user.clone()))?;
        let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
        return Ok(Some(Secret::new(format!("Basic {pair}"))));
    }
    let key = ES_API_KEY.find(connection.es_api_key_file.as_deref(), &connection.secrets)?;
    Ok(key.map(|key| {
        // As Kibana shows it: `id:key`, or the same in base64.
        let encoded = match key.expose() {
            pair if pair.contains(':') => STANDARD.encode(pair),
            encoded => encoded.to_owned(),
        };
        Secret::new(format!("ApiKey {encoded}"))
    }))
}

fn trust(connection: &ClusterConnectionArgs) -> Trust {
    let certificate = connection.es_client_cert.clone();
    let client = certificate.zip(connection.es_client_key.clone());
    Trust {
        ca_file: connection
            .es_ca_file
            .clone()
            .map(|path| ("--es-ca-file", path)),
        ca_fingerprint: connection.es_ca_fingerprint,
        client: client.map(|(certificate, key)| {
            [("--es-client-cert", certificate), ("--es-client-key", key)]
        }),
    }
}
