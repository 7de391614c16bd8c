//! Arguments of sending events to Elasticsearch or OpenSearch.

#![allow(rustdoc::bare_urls, reason = "help texts are shown as they stand")]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use url::Url;

use super::values;
use crate::auth::credentials::GivenSecrets;

/// Flags of a cluster, which no other output goes with. Each but the first requires it. clap does not report a
/// missing required flag when a conflicting one is present, so each of them conflicts by itself.
pub(super) const OF_CLUSTER: [&str; 14] = [
    "elasticsearch_url",
    "es_api_key_file",
    "es_user",
    "es_password_file",
    "es_ca_file",
    "es_ca_fingerprint",
    "es_client_cert",
    "es_client_key",
    "index",
    "pipeline",
    "bulk_bytes",
    "bulk_concurrency",
    "dead_letter",
    "shutdown_timeout",
];

/// Where the cluster is, and who sends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Elasticsearch or OpenSearch")]
pub struct ClusterConnectionArgs {
    /// Address of the cluster (repeatable)
    ///
    /// Elasticsearch 8 and 9, OpenSearch 2 and 3. Several addresses are those of the nodes of one
    /// cluster: the next one is used while one fails.
    #[arg(long, value_name = "URL", value_parser = url)]
    pub elasticsearch_url: Vec<Url>,
    /// File with an API key [env: CONFLUENCE_ECS_ES_API_KEY]
    ///
    /// As `id:key`, or encoded as Elasticsearch prints it. Without file and variable, the credential
    /// `es-api-key` in $CREDENTIALS_DIRECTORY is used.
    #[arg(
        long,
        value_name = "FILE",
        requires = "elasticsearch_url",
        conflicts_with_all = ["es_user", "es_password_file"]
    )]
    pub es_api_key_file: Option<PathBuf>,
    /// User name
    #[arg(long, value_name = "USER", requires = "elasticsearch_url", value_parser = values::user)]
    pub es_user: Option<String>,
    /// File with the user's password
    ///
    /// Without it, the variable CONFLUENCE_ECS_ES_PASSWORD is used, or the credential `es-password` in
    /// $CREDENTIALS_DIRECTORY.
    #[arg(long, value_name = "FILE", requires = "es_user")]
    pub es_password_file: Option<PathBuf>,
    /// Trust the CAs in a PEM file, not the system's
    #[arg(long, value_name = "FILE", requires = "elasticsearch_url")]
    pub es_ca_file: Option<PathBuf>,
    /// Trust the CA with this SHA-256
    ///
    /// As Elasticsearch prints it at its first start, with or without colons; `openssl x509
    /// -fingerprint -sha256 -in ca.crt` prints that of a certificate.
    #[arg(long, value_name = "HEX", requires = "elasticsearch_url", conflicts_with = "es_ca_file", value_parser = fingerprint)]
    pub es_ca_fingerprint: Option<[u8; 32]>,
    /// Client certificate, a PEM file
    #[arg(long, value_name = "FILE", requires_all = ["elasticsearch_url", "es_client_key"])]
    pub es_client_cert: Option<PathBuf>,
    /// Key of the client certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "es_client_cert")]
    pub es_client_key: Option<PathBuf>,
    /// What a configuration file gives instead of files.
    #[arg(skip)]
    pub secrets: GivenSecrets,
}

/// How events are sent, instead of to an output: commands that have one refuse both.
#[derive(Debug, Args)]
#[command(next_help_heading = "Elasticsearch or OpenSearch")]
pub struct ClusterArgs {
    /// Where the cluster is, and who sends.
    #[command(flatten)]
    pub connection: ClusterConnectionArgs,
    /// Data stream, alias or index
    ///
    /// Without it, the data stream logs-atlassian_confluence.audit-NAMESPACE, which the dashboards of
    /// Elastic's integration read. Another one needs a template of its own: `schema index-template
    /// --index NAME --install`.
    #[arg(long, value_name = "NAME", requires = "elasticsearch_url", value_parser = index)]
    pub index: Option<String>,
    /// Ingest pipeline [default: none]
    ///
    /// Without it, no pipeline runs, not even the default one of the data stream: that of Elastic's
    /// integration would map the events again, which are mapped already. A final pipeline runs in any
    /// case.
    #[arg(long, value_name = "NAME", requires = "elasticsearch_url", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub pipeline: Option<String>,
    /// Largest request
    ///
    /// From 1KiB to 100MiB. It bounds the memory together with --bulk-concurrency. A cluster that finds
    /// a request too large gets smaller ones.
    #[arg(long, value_name = "SIZE", default_value = "5MiB", requires = "elasticsearch_url", allow_hyphen_values = true, value_parser = bulk_bytes)]
    pub bulk_bytes: usize,
    /// Requests in flight at once
    #[arg(long, value_name = "N", default_value = "2", requires = "elasticsearch_url", allow_hyphen_values = true, value_parser = bulk_concurrency)]
    pub bulk_concurrency: NonZeroUsize,
    /// File for events that the cluster refuses
    ///
    /// An event that the mapping of the cluster refuses is first sent in a plain form, which loses
    /// nothing; what is refused in every form is appended here, with the reason, and can be sent again
    /// with `send`. Without this flag: dead-letter.ndjson in the state directory.
    #[arg(long, value_name = "PATH", requires = "elasticsearch_url")]
    pub dead_letter: Option<PathBuf>,
    /// How long to wait for answers after SIGTERM
    ///
    /// Events without an answer by then are sent again by the next run; they are stored once.
    #[arg(long, value_name = "DURATION", default_value = "10s", requires = "elasticsearch_url", allow_hyphen_values = true, value_parser = values::duration)]
    pub shutdown_timeout: Duration,
}

fn url(text: &str) -> Result<Url, &'static str> {
    values::site_url(text).map_err(|_| {
        "expected a URL such as https://es.example.com:9200, without user, password, query or fragment"
    })
}

/// A SHA-256, with or without colons, as Elasticsearch and OpenSSL print it.
fn fingerprint(text: &str) -> Result<[u8; 32], &'static str> {
    const EXPECTED: &str = "expected a SHA-256 of 64 hexadecimal digits";
    let digits: String = text.chars().filter(|character| *character != ':').collect();
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(EXPECTED);
    }
    for (byte, place) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&digits[place..place + 2], 16).map_err(|_| EXPECTED)?;
    }
    Ok(bytes)
}

/// The rules for names of indices, data streams and aliases.
fn index(text: &str) -> Result<String, &'static str> {
    if !is_index(text) {
        return Err(
            "expected the name of a data stream, alias or index: lower case, not beginning with -, _, + or ., no blanks nor any of \\/*?\"<>|,#: , at most 255 bytes",
        );
    }
    Ok(text.to_owned())
}

/// The same, or the beginning of such names and `*`.
pub(super) fn index_pattern(text: &str) -> Result<String, &'static str> {
    if !is_index(text.strip_suffix('*').unwrap_or(text)) {
        return Err(
            "expected the name of a data stream or index, or how such names begin, then *: lower case, not beginning with -, _, + or ., no blanks nor any of \\/?\"<>|,#:",
        );
    }
    Ok(text.to_owned())
}

fn is_index(text: &str) -> bool {
    let is_forbidden = |character: char| {
        character.is_whitespace() || character.is_uppercase() || "\\/*?\"<>|,#:".contains(character)
    };
    !text.is_empty()
        && text.len() <= 255
        && !text.starts_with(['-', '_', '+', '.'])
        && !text.contains(is_forbidden)
}

fn bulk_bytes(text: &str) -> Result<usize, &'static str> {
    let size = values::size(text).and_then(|size| usize::try_from(size).ok());
    let size = size.filter(|size| (1 << 10..=100 << 20).contains(size));
    size.ok_or("expected a size from 1KiB to 100MiB, such as 5MiB")
}

fn bulk_concurrency(text: &str) -> Result<NonZeroUsize, &'static str> {
    let number = text.parse().ok();
    let number = number.filter(|number: &NonZeroUsize| number.get() <= 16);
    number.ok_or("expected a number of requests from 1 to 16")
}
