//! Arguments of `fetch`, `check` and `auth`: where the API is, and who asks.

#![allow(rustdoc::bare_urls, reason = "help texts are shown as they stand")]

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Subcommand, ValueEnum};
use url::Url;

use super::tail::{duration, interval};
use super::{MappingArgs, StateDirArgs};
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
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = interval)]
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

/// Arguments of `check`: those of `fetch`, so that its command line can be checked as it is.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 no step failed, 1 one did, 2 wrong usage.")]
pub struct CheckArgs {
    /// Print the steps as JSON
    #[arg(long)]
    pub json: bool,
    /// What would be fetched.
    #[command(flatten)]
    pub fetch: FetchArgs,
}

/// Where the API is, and who asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where and who")]
pub struct SiteArgs {
    /// A Cloud site such as https://acme.atlassian.net, or a Data Center's base URL with its context
    /// path
    #[arg(long, value_name = "URL", value_parser = site_url)]
    pub url: Option<Url>,
    /// The cloud id of a site, to ask through the gateway; auto: ask the site of --url for it
    #[arg(long, value_name = "ID", value_parser = cloud_id)]
    pub cloud_id: Option<CloudId>,
    /// What it is; auto: *.atlassian.net, --cloud-id and OAuth are Cloud
    #[arg(long, value_enum, default_value_t = DeploymentArg::Auto, value_name = "WHAT")]
    pub deployment: DeploymentArg,
    /// Who the API token belongs to (Cloud), or the user's name (Data Center)
    #[arg(long, value_name = "EMAIL", value_parser = user)]
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
    #[arg(long, value_name = "URL", default_value = servers::API, value_parser = site_url)]
    pub api_base: Url,
    /// Base URL of Atlassian's OAuth server
    #[arg(long, value_name = "URL", default_value = servers::AUTH, value_parser = site_url)]
    pub auth_base: Url,
}

/// What to fetch.
#[derive(Debug, Args)]
#[command(next_help_heading = "What")]
pub struct QueryArgs {
    /// Where the first run begins: a time, a duration back from now, or now (no past records)
    /// [default: 24h]
    #[arg(long, value_name = "TIME|DURATION|now", allow_hyphen_values = true, value_parser = since)]
    pub since: Option<Since>,
    /// Records up to this time only: RFC 3339, such as 2026-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = super::tail::time)]
    pub until: Option<Timestamp>,
    /// Records with this text only (a state of its own)
    #[arg(long, value_name = "TEXT", value_parser = search)]
    pub search: Option<String>,
    /// Records to ask for at a time
    #[arg(long, value_name = "N", default_value_t = 1000, allow_negative_numbers = true, value_parser = page_size)]
    pub page_size: u32,
    /// How far back to look again, for records that arrived late
    #[arg(long, value_name = "DURATION", default_value = "10m", allow_hyphen_values = true, value_parser = duration)]
    pub overlap: Duration,
    /// How far to stay behind the present
    #[arg(long, value_name = "DURATION", default_value = "30s", allow_hyphen_values = true, value_parser = duration)]
    pub settle: Duration,
    /// How much time to fetch, write and save at once, oldest first
    #[arg(long, value_name = "DURATION", default_value = "1d", allow_hyphen_values = true, value_parser = interval)]
    pub window: Duration,
}

/// How requests are made.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub struct HttpArgs {
    /// How long the server may say nothing; a whole answer may take ten times that
    #[arg(long, value_name = "DURATION", default_value = "60s", allow_hyphen_values = true, value_parser = interval)]
    pub timeout: Duration,
    /// How often to make a request again that failed; a wait that the server asks for is no failure
    #[arg(long, value_name = "N", default_value_t = 7, allow_negative_numbers = true, value_parser = retries)]
    pub retries: u32,
    /// A proxy, such as http://proxy.example.com:3128 [env: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY]
    #[arg(long, value_name = "URL", value_parser = proxy)]
    pub proxy: Option<String>,
    /// Trust the authorities in a PEM file, instead of the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// What to call ourselves
    #[arg(long, value_name = "TEXT", default_value = concat!("confluence-ecs/", env!("CARGO_PKG_VERSION")), value_parser = header)]
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

/// The commands of `auth`.
#[derive(Debug, Subcommand)]
pub enum AuthCommand {
    /// Ask for access in a browser, and keep the grant
    Login {
        /// Client id of the OAuth app (developer.atlassian.com)
        #[arg(long, value_name = "ID", value_parser = client_id)]
        client_id: String,
        /// Where the browser is sent back to, as the app's settings say
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8917/callback", value_parser = redirect_uri)]
        redirect_uri: RedirectUri,
        /// Read the URL that the browser was sent back to from stdin, for a machine without browser
        #[arg(long, action = ArgAction::SetTrue)]
        paste: bool,
        /// The rest.
        #[command(flatten)]
        auth: AuthArgs,
    },
    /// Say who is logged in, for which sites, and when the tokens end
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// The rest.
        #[command(flatten)]
        auth: AuthArgs,
    },
    /// List the sites that the grant is for, with their cloud ids
    Sites {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// The rest.
        #[command(flatten)]
        auth: AuthArgs,
    },
    /// Get a new access token now
    Refresh {
        /// The rest.
        #[command(flatten)]
        auth: AuthArgs,
    },
    /// Remove the grant from this machine; what revokes it is "Connected apps" in the Atlassian account
    Logout {
        /// The rest.
        #[command(flatten)]
        auth: AuthArgs,
    },
}

/// Arguments of all commands of `auth`.
#[derive(Debug, Args)]
pub struct AuthArgs {
    /// Where the grant is kept.
    #[command(flatten)]
    pub state: StateDirArgs,
    /// OAuth's client secret.
    #[command(flatten)]
    pub client_secret: ClientSecretArgs,
    /// Atlassian's servers.
    #[command(flatten)]
    pub atlassian: AtlassianArgs,
    /// How requests are made.
    #[command(flatten)]
    pub http: HttpArgs,
}

/// Where a browser is sent back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    /// As it was given: OAuth servers compare it letter by letter.
    pub text: String,
    /// What it means.
    pub url: Url,
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

/// Values of `--cloud-id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudId {
    /// Asked of the site.
    Auto,
    /// Given.
    Id(String),
}

fn since(text: &str) -> Result<Since, &'static str> {
    if text == "now" {
        return Ok(Since::Now);
    }
    if let Ok(ago) = duration(text) {
        return Ok(Since::Ago(ago));
    }
    Timestamp::from_text(text)
        .or_else(|| Timestamp::from_text(&format!("{text}T00:00:00Z")))
        .map(Since::Time)
        .ok_or("expected a time such as 2026-01-31T00:00:00Z, a duration such as 24h, or now")
}

/// A base URL: no query, no credentials in it.
fn site_url(text: &str) -> Result<Url, &'static str> {
    const EXPECTED: &str = "expected a URL such as https://acme.atlassian.net, without user, password, query or fragment";
    let url = Url::parse(text).map_err(|_| EXPECTED)?;
    let is_plain = url.query().is_none() && url.fragment().is_none();
    let is_open = url.username().is_empty() && url.password().is_none();
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !(is_plain && is_open && is_web) {
        return Err(EXPECTED);
    }
    Ok(url)
}

fn proxy(text: &str) -> Result<String, &'static str> {
    let is_proxy =
        Url::parse(text).is_ok_and(|url| url.scheme().starts_with("http") && url.has_host());
    if !is_proxy {
        return Err("expected a URL such as http://proxy.example.com:3128");
    }
    Ok(text.to_owned())
}

/// Where a browser can be sent back to.
fn redirect_uri(text: &str) -> Result<RedirectUri, &'static str> {
    let url = site_url(text);
    let url = url.map_err(|_| "expected a URL such as http://127.0.0.1:8917/callback")?;
    Ok(RedirectUri {
        text: text.to_owned(),
        url,
    })
}

fn cloud_id(text: &str) -> Result<CloudId, &'static str> {
    if text == "auto" {
        return Ok(CloudId::Auto);
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if text.is_empty() || !text.bytes().all(is_name) {
        return Err("expected a cloud id such as 11223344-a1b2-3b33-c444-def123456789, or auto");
    }
    Ok(CloudId::Id(text.to_owned()))
}

fn user(text: &str) -> Result<String, &'static str> {
    // RFC 7617: the first colon parts user and password.
    if text.is_empty() || text.contains(':') || text.contains(char::is_control) {
        return Err("expected an e-mail address, or the name of a user");
    }
    Ok(text.to_owned())
}

fn client_id(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err("expected the client id of an OAuth app");
    }
    Ok(text.to_owned())
}

fn search(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.chars().count() > 100 {
        return Err("expected a text of 1 to 100 characters");
    }
    Ok(text.to_owned())
}

fn page_size(text: &str) -> Result<u32, &'static str> {
    let size = text
        .parse()
        .ok()
        .filter(|size| (1..=100_000).contains(size));
    size.ok_or("expected a number of records from 1 to 100000")
}

fn retries(text: &str) -> Result<u32, &'static str> {
    let retries = text.parse().ok().filter(|retries| *retries <= 1000);
    retries.ok_or("expected a number from 0 to 1000")
}

fn header(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err("expected a text of ASCII characters");
    }
    Ok(text.to_owned())
}
