//! Arguments of `fetch`: where the API is, who asks, and for what.

#![allow(rustdoc::bare_urls, reason = "help texts are shown as they stand")]

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use url::Url;

use super::values::CloudId;
use super::{MappingArgs, StateDirArgs, values};
use crate::auth::servers;
use crate::fetch::since::Since;
use crate::http::{Settings, retry};
use crate::pipeline::timestamp::Timestamp;

/// Arguments of `fetch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 done, or (with --interval) ended by SIGINT/SIGTERM, 1 the network, the credentials, the \
output or the state failed, 2 wrong usage, 3 a record could not be mapped (with --strict), 130/143 a single \
fetch ended by SIGINT/SIGTERM.")]
pub struct FetchArgs {
    /// Append to a file, exactly once, instead of writing to stdout
    #[arg(short, long, value_name = "PATH", default_value = "-")]
    pub output: PathBuf,
    /// Fetch again and again, this long from one start to the next [default: once]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = values::interval)]
    pub interval: Option<Duration>,
    /// Write the untouched records, one a line, instead of events
    #[arg(long)]
    pub raw: bool,
    /// Leave out the audit records that our own requests to a Data Center cause
    #[arg(long)]
    pub exclude_own_searches: bool,
    /// Where to keep how far was fetched.
    #[command(flatten)]
    pub state: StateDirArgs,
    /// Where, and who.
    #[command(flatten)]
    pub site: SiteArgs,
    /// What to fetch.
    #[command(flatten)]
    pub query: QueryArgs,
    /// How requests are made.
    #[command(flatten)]
    pub http: HttpArgs,
    /// How records are mapped.
    #[command(flatten)]
    pub mapping: MappingArgs,
}

/// Where the API is, and who asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where and who")]
pub struct SiteArgs {
    /// A Cloud site such as https://acme.atlassian.net, or a Data Center's base URL with its context
    /// path
    #[arg(long, value_name = "URL", value_parser = values::site_url)]
    pub url: Option<Url>,
    /// The cloud id of a site, to ask through the gateway; auto: ask the site of --url for it
    #[arg(long, value_name = "ID", value_parser = values::cloud_id)]
    pub cloud_id: Option<CloudId>,
    /// What it is; auto: *.atlassian.net, --cloud-id and OAuth are Cloud
    #[arg(long, value_enum, default_value_t = DeploymentArg::Auto, value_name = "WHAT")]
    pub deployment: DeploymentArg,
    /// Who the API token belongs to (Cloud), or the user's name (Data Center)
    #[arg(long, value_name = "EMAIL", value_parser = values::user)]
    pub email: Option<String>,
    /// File with the API token (or password) [env: CONFLUENCE_API_TOKEN; else `api-token` in
    /// $CREDENTIALS_DIRECTORY]
    #[arg(long, value_name = "FILE")]
    pub api_token_file: Option<PathBuf>,
    /// File with a personal access token of a Data Center [env: CONFLUENCE_PAT; else `pat` in
    /// $CREDENTIALS_DIRECTORY]
    #[arg(long, value_name = "FILE")]
    pub pat_file: Option<PathBuf>,
    /// OAuth's client secret, for the stored grant.
    #[command(flatten)]
    pub client_secret: ClientSecretArgs,
    /// Atlassian's servers.
    #[command(flatten)]
    pub atlassian: AtlassianArgs,
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
    /// Base URL of Atlassian's gateway
    #[arg(long, value_name = "URL", default_value = servers::API, value_parser = values::site_url)]
    pub api_base: Url,
    /// Base URL of Atlassian's OAuth server
    #[arg(long, value_name = "URL", default_value = servers::AUTH, value_parser = values::site_url)]
    pub auth_base: Url,
}

/// What to fetch.
#[derive(Debug, Args)]
#[command(next_help_heading = "What")]
pub struct QueryArgs {
    /// Where the first run begins: a time, a duration back from now, or now (no past records)
    /// [default: 24h]
    #[arg(long, value_name = "TIME|DURATION|now", allow_hyphen_values = true, value_parser = values::since)]
    pub since: Option<Since>,
    /// Records up to this time only: RFC 3339, such as 2026-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub until: Option<Timestamp>,
    /// Records with this text only (a state of its own)
    #[arg(long, value_name = "TEXT", value_parser = values::search)]
    pub search: Option<String>,
    /// Records to ask for at a time
    #[arg(long, value_name = "N", default_value_t = 1000, allow_negative_numbers = true, value_parser = values::page_size)]
    pub page_size: u32,
    /// How far back to look again, for records that arrived late
    #[arg(long, value_name = "DURATION", default_value = "10m", allow_hyphen_values = true, value_parser = values::duration)]
    pub overlap: Duration,
    /// How far to stay behind the present
    #[arg(long, value_name = "DURATION", default_value = "30s", allow_hyphen_values = true, value_parser = values::duration)]
    pub settle: Duration,
    /// How much time to fetch, write and save at once, oldest first
    #[arg(long, value_name = "DURATION", default_value = "1d", allow_hyphen_values = true, value_parser = values::interval)]
    pub window: Duration,
}

/// How requests are made.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub struct HttpArgs {
    /// How long the server may say nothing; a whole answer may take ten times that
    #[arg(long, value_name = "DURATION", default_value = "60s", allow_hyphen_values = true, value_parser = values::interval)]
    pub timeout: Duration,
    /// How often to make a request again that failed; a wait that the server asks for is no failure
    #[arg(long, value_name = "N", default_value_t = 7, allow_negative_numbers = true, value_parser = values::retries)]
    pub retries: u32,
    /// A proxy, such as http://proxy.example.com:3128 [env: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY]
    #[arg(long, value_name = "URL", value_parser = values::proxy)]
    pub proxy: Option<String>,
    /// Trust the authorities in a PEM file, instead of the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// What to call ourselves
    #[arg(long, value_name = "TEXT", default_value = concat!("confluence-ecs/", env!("CARGO_PKG_VERSION")), value_parser = values::header)]
    pub user_agent: String,
}

impl HttpArgs {
    /// The settings of the client.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            timeout: self.timeout,
            retries: self.retries,
            proxy: self.proxy.clone(),
            ca_file: self.ca_file.clone(),
            user_agent: self.user_agent.clone(),
            longest_wait: retry::LONGEST_ASKED,
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
