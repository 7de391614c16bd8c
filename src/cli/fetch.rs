//! Arguments of `fetch`: where the API is, who asks, and for what.

#![allow(rustdoc::bare_urls, reason = "help texts are shown as they stand")]

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use url::Url;

use super::values::CloudId;
use super::{ClusterArgs, EventFormatArgs, MappingArgs, MetricsArgs, StateDirArgs, values};
use crate::auth::credentials::GivenSecrets;
use crate::fetch::time_spec::TimeSpec;
use crate::http::{Settings, Trust, retry};
use crate::process::metrics::RequestMetrics;

/// Flags that say what events are like, and where only events go: `--raw` writes none.
const MAPPING: [&str; 16] = [
    "dialect",
    "geoip_city",
    "geoip_asn",
    "preserve_original_event",
    "timestamps",
    "categories",
    "tags",
    "no_default_tags",
    "namespace",
    "trusted_proxies",
    "networks",
    "add_fields",
    "max_line_bytes",
    "strict",
    "elasticsearch_url",
    "format",
];

/// Arguments of `fetch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 success, or (with --interval) stopped by SIGINT/SIGTERM, 1 the network, the credentials, the \
output or the state failed, 2 usage error, 3 a record could not be mapped (with --strict), 130/143 a single \
fetch stopped by SIGINT/SIGTERM.")]
pub struct FetchArgs {
    /// Append to a file, exactly once, instead of writing to stdout
    #[arg(
        short,
        long,
        value_name = "PATH",
        default_value = "-",
        value_parser = values::output(),
        conflicts_with = "elasticsearch_url"
    )]
    pub output: PathBuf,
    /// Fetch repeatedly, at this interval [default: fetch once]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = values::interval)]
    pub interval: Option<Duration>,
    /// How the output is written.
    #[command(flatten)]
    pub format: EventFormatArgs,
    /// Write the original records, one per line, instead of events
    #[arg(long, conflicts_with_all = MAPPING)]
    pub raw: bool,
    /// Leave out the audit records that these requests themselves cause on a Data Center
    #[arg(long)]
    pub exclude_own_searches: bool,
    /// Where to keep how far was fetched.
    #[command(flatten)]
    pub state: StateDirArgs,
    /// Where the API is, and the credentials.
    #[command(flatten)]
    pub site: SiteArgs,
    /// Which records to fetch.
    #[command(flatten)]
    pub query: QueryArgs,
    /// How requests are made.
    #[command(flatten)]
    pub http: HttpArgs,
    /// The cluster to send to, instead of an output file.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Where metrics are told.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// How records are mapped.
    #[command(flatten)]
    pub mapping: MappingArgs,
}

/// Where the API is, and who asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Site and credentials")]
pub struct SiteArgs {
    /// A Cloud site such as https://acme.atlassian.net, or a Data Center's base URL with its context
    /// path
    #[arg(long, value_name = "URL", value_parser = values::site_url)]
    pub url: Option<Url>,
    /// Cloud id of the site, for requests through the gateway; auto: look it up from --url
    #[arg(long, value_name = "ID", value_parser = values::cloud_id)]
    pub cloud_id: Option<CloudId>,
    /// Kind of site; auto: Cloud for *.atlassian.net, --cloud-id and OAuth, else Data Center
    #[arg(long, value_enum, default_value_t = DeploymentArg::Auto, value_name = "KIND")]
    pub deployment: DeploymentArg,
    /// Account of the API token (Cloud), or user name (Data Center)
    #[arg(long, value_name = "EMAIL", value_parser = values::user, conflicts_with = "client_secret_file")]
    pub email: Option<String>,
    /// File with the API token (or password) [env: CONFLUENCE_API_TOKEN; else `api-token` in
    /// $CREDENTIALS_DIRECTORY]
    #[arg(long, value_name = "FILE", conflicts_with = "client_secret_file")]
    pub api_token_file: Option<PathBuf>,
    /// File with a personal access token of a Data Center [env: CONFLUENCE_PAT; else `pat` in
    /// $CREDENTIALS_DIRECTORY]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["email", "api_token_file", "client_secret_file"])]
    pub pat_file: Option<PathBuf>,
    /// OAuth's client secret, for the stored grant.
    #[command(flatten)]
    pub client_secret: ClientSecretArgs,
    /// Base URLs of the gateway and the OAuth server.
    #[command(flatten)]
    pub atlassian: AtlassianArgs,
    /// What a configuration file gives instead of files.
    #[arg(skip)]
    pub secrets: GivenSecrets,
}

/// `--client-secret-file`.
#[derive(Debug, Args)]
pub struct ClientSecretArgs {
    /// File with the client secret of the OAuth app [env: CONFLUENCE_OAUTH_CLIENT_SECRET; else
    /// `oauth-client-secret` in $CREDENTIALS_DIRECTORY]
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
}

/// `--api-base` and `--auth-base`.
#[derive(Debug, Args)]
pub struct AtlassianArgs {
    /// Base URL of Atlassian's gateway [default: that of the stored login, else https://api.atlassian.com]
    #[arg(long, value_name = "URL", value_parser = values::site_url)]
    pub api_base: Option<Url>,
    /// Base URL of Atlassian's OAuth server [default: that of the stored login, else https://auth.atlassian.com]
    #[arg(long, value_name = "URL", value_parser = values::site_url)]
    pub auth_base: Option<Url>,
}

/// Which records to fetch, and in which portions.
#[derive(Debug, Args)]
#[command(next_help_heading = "Records")]
pub struct QueryArgs {
    /// Start of the first run: a date or time (2026-01-31, 2026-01-31T08:00:00Z), a duration before now
    /// (7d), or now (no past records) [default: 24h]
    #[arg(long, value_name = "TIME|DURATION|now", allow_hyphen_values = true, value_parser = values::time)]
    pub since: Option<TimeSpec>,
    /// Fetch records up to this time only, in the forms of --since
    #[arg(long, value_name = "TIME|DURATION|now", allow_hyphen_values = true, value_parser = values::time)]
    pub until: Option<TimeSpec>,
    /// Fetch records that contain this text only (saved as a separate position)
    #[arg(long, value_name = "TEXT", value_parser = values::search)]
    pub search: Option<String>,
    /// Records per request
    #[arg(long, value_name = "N", default_value_t = 1000, allow_negative_numbers = true, value_parser = values::page_size)]
    pub page_size: u32,
    /// How far to reread, for records that arrive late
    #[arg(long, value_name = "DURATION", default_value = "10m", allow_hyphen_values = true, value_parser = values::duration)]
    pub overlap: Duration,
    /// How long to wait before a record is fetched, so that late ones are in
    #[arg(long, value_name = "DURATION", default_value = "30s", allow_hyphen_values = true, value_parser = values::duration)]
    pub settle: Duration,
    /// Time range to fetch, write and save at once, oldest first
    #[arg(long, value_name = "DURATION", default_value = "1d", allow_hyphen_values = true, value_parser = values::interval)]
    pub window: Duration,
}

/// How requests are made.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub struct HttpArgs {
    /// Timeout for connecting and for each read; a whole response may take ten times as long
    #[arg(long, value_name = "DURATION", default_value = "60s", allow_hyphen_values = true, value_parser = values::interval)]
    pub timeout: Duration,
    /// Retries of a failed request; waiting on the server's request (Retry-After) does not count
    #[arg(long, value_name = "N", default_value_t = 7, allow_negative_numbers = true, value_parser = values::retries)]
    pub retries: u32,
    /// Proxy for all requests, such as http://proxy.example.com:3128 or socks5h://proxy.example.com:1080
    /// [env: HTTPS_PROXY, http_proxy, ALL_PROXY, NO_PROXY]
    #[arg(long, value_name = "URL", value_parser = values::proxy)]
    pub proxy: Option<String>,
    /// File with the password of the proxy's user [env: CONFLUENCE_ECS_PROXY_PASSWORD; else
    /// `proxy-password` in $CREDENTIALS_DIRECTORY]
    #[arg(long, value_name = "FILE")]
    pub proxy_password_file: Option<PathBuf>,
    /// Trust the CA certificates in a PEM file, instead of the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// User-Agent header of requests
    #[arg(long, value_name = "TEXT", default_value = concat!("confluence-ecs/", env!("CARGO_PKG_VERSION")), value_parser = values::header)]
    pub user_agent: String,
    /// What a configuration file gives instead of files.
    #[arg(skip)]
    pub secrets: GivenSecrets,
}

impl HttpArgs {
    /// The settings of the client.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            timeout: self.timeout,
            retries: self.retries,
            proxy: self.proxy.clone(),
            proxy_password: None,
            trust: Trust {
                ca_file: self.ca_file.clone().map(|path| ("--ca-file", path)),
                ..Trust::default()
            },
            user_agent: self.user_agent.clone(),
            longest_wait: retry::LONGEST_ASKED,
            metrics: RequestMetrics::default(),
        }
    }
}

/// Values of `--deployment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeploymentArg {
    /// By the URL and the credentials.
    Auto,
    /// Confluence Cloud.
    Cloud,
    /// Confluence Data Center, or an old Server.
    DataCenter,
}
