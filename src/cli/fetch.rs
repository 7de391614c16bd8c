//! Arguments of `fetch`: where the API is, who asks, and for what.

#![allow(rustdoc::bare_urls, reason = "help texts are shown as they stand")]

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use url::Url;

use super::cluster::OF_CLUSTER;
use super::values::CloudId;
use super::{ClusterArgs, EventFormatArgs, MappingArgs, MetricsArgs, StateDirArgs, values};
use crate::auth::credentials::GivenSecrets;
use crate::fetch::time_spec::TimeSpec;
use crate::http::{Settings, Trust, retry};
use crate::process::metrics::RequestMetrics;

/// Flags that say what events are like: `--raw` writes none.
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
    "host_metadata",
    "max_line_bytes",
    "strict",
    "format",
];

/// Flags of sites: an organization is neither found nor asked by them. Its own flags conflict with them,
/// too: clap does not report a missing required flag, here `--org-id`, when a conflicting one is present.
const OF_SITES: [&str; 12] = [
    "url",
    "cloud_id",
    "deployment",
    "email",
    "api_token_file",
    "pat_file",
    "client_secret_file",
    "auth_base",
    "search",
    "settle",
    "window",
    "exclude_own_searches",
];

/// Arguments of `fetch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 success, or (with --interval) stopped by SIGINT/SIGTERM, 1 the network, the credentials, the \
output or the state failed, 2 usage error, 3 a record could not be mapped (with --strict), 130/143 a single \
fetch stopped by SIGINT/SIGTERM.")]
pub struct FetchArgs {
    /// Append to a file, exactly once, instead of to stdout
    ///
    /// After a crash, what was written but not recorded in the state is cut off and written again.
    /// SIGHUP reopens the file, for logrotate.
    #[arg(
        short,
        long,
        value_name = "PATH",
        default_value = "-",
        value_parser = values::output(),
        conflicts_with_all = OF_CLUSTER
    )]
    pub output: PathBuf,
    /// Fetch repeatedly, at this interval [default: once]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = values::interval)]
    pub interval: Option<Duration>,
    /// How the output is written.
    #[command(flatten)]
    pub format: EventFormatArgs,
    /// Write the original records, a line each, not events
    ///
    /// As the API sent them, for other programs. Nothing is mapped, so the flags of mapping cannot be
    /// used with it.
    #[arg(long, conflicts_with_all = MAPPING, conflicts_with_all = OF_CLUSTER)]
    pub raw: bool,
    /// Leave out records of these requests themselves
    ///
    /// A Data Center writes a record, "Audit Log search performed", for each request of its audit log.
    /// Left out are only those of the user of these credentials, within 2 seconds of a request that was
    /// made, one for each request: searches that other people make stay.
    #[arg(long)]
    pub exclude_own_searches: bool,
    /// Where to keep how far was fetched.
    #[command(flatten)]
    pub state: StateDirArgs,
    /// Where the API is, and the credentials.
    #[command(flatten)]
    pub site: SiteArgs,
    /// An organization in the place of a site.
    #[command(flatten)]
    pub organization: OrgArgs,
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
    /// Address of the site
    ///
    /// A Cloud site such as https://acme.atlassian.net, or a Data Center's base URL with its context
    /// path, such as https://wiki.example.com/confluence.
    #[arg(long, value_name = "URL", value_parser = values::site_url)]
    pub url: Option<Url>,
    /// Cloud id, for requests through the gateway, or auto
    ///
    /// Needed for API tokens with scopes, which work at https://api.atlassian.com only. `auto` looks
    /// the id up at the site of --url; `auth sites` lists those of a login with OAuth.
    #[arg(long, value_name = "ID", value_parser = values::cloud_id)]
    pub cloud_id: Option<CloudId>,
    /// Kind of site
    #[arg(long, value_enum, default_value_t = DeploymentArg::Auto, value_name = "KIND")]
    pub deployment: DeploymentArg,
    /// Account of the API token (Cloud), or user name
    #[arg(long, value_name = "EMAIL", value_parser = values::user, conflicts_with = "client_secret_file")]
    pub email: Option<String>,
    /// File with the API token [env: CONFLUENCE_API_TOKEN]
    ///
    /// On a Data Center, with the user's password. Without file and variable, the credential
    /// `api-token` in $CREDENTIALS_DIRECTORY is used.
    #[arg(long, value_name = "FILE", conflicts_with = "client_secret_file")]
    pub api_token_file: Option<PathBuf>,
    /// File with a personal access token [env: CONFLUENCE_PAT]
    ///
    /// Of a Data Center. Without file and variable, the credential `pat` in $CREDENTIALS_DIRECTORY is
    /// used. Where the variables of both are set, it is used rather than an API token.
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

/// Which organization is asked in the place of a site, and with which key.
#[derive(Debug, Args)]
#[command(next_help_heading = "Organization")]
pub struct OrgArgs {
    /// Fetch the audit log of an Atlassian organization
    ///
    /// Its events are of all its sites and products, Confluence among them. The id is in the address of
    /// its administration, https://admin.atlassian.com/o/ID/.
    #[arg(long, value_name = "ID", value_parser = values::org_id, conflicts_with_all = OF_SITES)]
    pub org_id: Option<String>,
    /// File with an organization API key [env: CONFLUENCE_ORG_API_KEY]
    ///
    /// Without file and variable, the credential `org-api-key` in $CREDENTIALS_DIRECTORY is used.
    #[arg(long, value_name = "FILE", requires = "org_id", conflicts_with_all = OF_SITES)]
    pub org_api_key_file: Option<PathBuf>,
    /// Only events of this product, such as confluence (repeatable)
    ///
    /// Those whose action begins with its name, that it or an app of that name did, or that are about
    /// something in it. All others are left out.
    #[arg(long = "product", value_name = "NAME", value_parser = values::product, requires = "org_id", conflicts_with_all = OF_SITES)]
    pub products: Vec<String>,
}

/// `--client-secret-file`.
#[derive(Debug, Args)]
pub struct ClientSecretArgs {
    /// File with the client secret of the OAuth app
    ///
    /// Without it, the variable CONFLUENCE_OAUTH_CLIENT_SECRET is used, or the credential
    /// `oauth-client-secret` in $CREDENTIALS_DIRECTORY. The secret is needed to renew the access token,
    /// each hour.
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
}

/// `--api-base` and `--auth-base`.
#[derive(Debug, Args)]
pub struct AtlassianArgs {
    /// Base URL of Atlassian's gateway
    ///
    /// For a proxy or a test server in its place. Without it, that of the stored login, else
    /// https://api.atlassian.com.
    #[arg(long, value_name = "URL", value_parser = values::site_url)]
    pub api_base: Option<Url>,
    /// Base URL of Atlassian's OAuth server
    ///
    /// For a proxy or a test server in its place. Without it, that of the stored login, else
    /// https://auth.atlassian.com.
    #[arg(long, value_name = "URL", value_parser = values::site_url)]
    pub auth_base: Option<Url>,
}

/// Which records to fetch, and in which portions.
#[derive(Debug, Args)]
#[command(next_help_heading = "Records")]
pub struct QueryArgs {
    /// Where the first run starts [default: 24h]
    ///
    /// A date or time (2026-01-31, 2026-01-31T08:00:00Z), a duration before now (7d), or now: no past
    /// records. Later runs go on where the last one ended, whatever is given here; `state set` moves
    /// that.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time)]
    pub since: Option<TimeSpec>,
    /// Fetch records up to this time only
    ///
    /// In the forms of --since.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time)]
    pub until: Option<TimeSpec>,
    /// Fetch records that contain this text only
    ///
    /// The API decides what contains it. Such a run has a saved position of its own.
    #[arg(long, value_name = "TEXT", value_parser = values::search)]
    pub search: Option<String>,
    /// Records per request
    #[arg(long, value_name = "N", default_value_t = 1000, allow_negative_numbers = true, value_parser = values::page_size)]
    pub page_size: u32,
    /// How far to reread, for records that arrive late
    ///
    /// Each run asks again for this long before what it has; records that it had are recognized and not
    /// written twice. A record that the site makes visible later than this after its time is missed.
    #[arg(long, value_name = "DURATION", default_value = "10m", allow_hyphen_values = true, value_parser = values::duration)]
    pub overlap: Duration,
    /// How long to wait before a record is fetched
    ///
    /// The end of what is asked for lags the present by this much, so that records of the same moment
    /// are in when it is read. Events come that much later.
    #[arg(long, value_name = "DURATION", default_value = "30s", allow_hyphen_values = true, value_parser = values::duration)]
    pub settle: Duration,
    /// Time range to fetch, write and save at once
    ///
    /// A long past is fetched in slices of this length, the oldest first; after each one the events are
    /// synced and the position is saved. The API gives the newest first, so a slice is kept until it is
    /// complete, on disk if it is large.
    #[arg(long, value_name = "DURATION", default_value = "1d", allow_hyphen_values = true, value_parser = values::interval)]
    pub window: Duration,
}

/// How requests are made.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub struct HttpArgs {
    /// Timeout for connecting, and for each read
    ///
    /// A whole response may take ten times as long.
    #[arg(long, value_name = "DURATION", default_value = "60s", allow_hyphen_values = true, value_parser = values::interval)]
    pub timeout: Duration,
    /// Retries of a failed request
    ///
    /// The pauses between them grow. Waiting as long as the server asks for (Retry-After) does not
    /// count.
    #[arg(long, value_name = "N", default_value_t = 7, allow_negative_numbers = true, value_parser = values::retries)]
    pub retries: u32,
    /// Proxy for all requests
    ///
    /// Such as http://proxy.example.com:3128 or socks5h://proxy.example.com:1080. Without it, the
    /// variables HTTPS_PROXY, http_proxy, ALL_PROXY and NO_PROXY apply.
    #[arg(long, value_name = "URL", value_parser = values::proxy)]
    pub proxy: Option<String>,
    /// File with the password of the proxy's user
    ///
    /// Without it, the variable CONFLUENCE_ECS_PROXY_PASSWORD is used, or the credential
    /// `proxy-password` in $CREDENTIALS_DIRECTORY.
    #[arg(long, value_name = "FILE")]
    pub proxy_password_file: Option<PathBuf>,
    /// Trust the CAs in a PEM file, not the system's
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
            connect_timeout: self.timeout,
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
    /// Cloud for *.atlassian.net, --cloud-id and OAuth, else Data Center.
    Auto,
    /// Confluence Cloud.
    Cloud,
    /// Confluence Data Center, or an old Server.
    DataCenter,
}
