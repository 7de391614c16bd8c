//! Where to fetch from and who asks, by the arguments and the environment.

use url::Url;

use super::threads;
use crate::auth::credentials::{self, API_TOKEN, CLIENT_SECRET, ORG_API_KEY, PAT, PROXY_PASSWORD};
use crate::auth::servers::GivenServers;
use crate::cli::{
    AtlassianArgs, CloudId, DeploymentArg, DialectArg, FetchArgs, HttpArgs, OrgArgs, QueryArgs,
    SiteArgs,
};
use crate::fetch::connect::{Credentials, FetchTarget, SiteLocation};
use crate::fetch::org::Organization;
use crate::fetch::org::asker::OrgTarget;
use crate::fetch::org::products::{KNOWN, Products};
use crate::fetch::plan::FetchOptions;
use crate::http;
use crate::pipeline::dataset::Dataset;
use crate::pipeline::timestamp::Timestamp;
use crate::process::metrics::Api;
use crate::secret::Secret;

/// What is not clear.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A secret cannot be read.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// There is nothing between.
    #[error("--until: expected a time that is not before --since, {0}")]
    NoRange(Timestamp),
    /// The API that is asked gives no such records.
    #[error("--dialect: {0}: leave it out")]
    Dialect(&'static str),
    /// Neither `--url` nor `--cloud-id` is given.
    #[error(
        "--url: required: the address of a site, such as https://acme.atlassian.net, or a Data Center's base \
         URL; for a Cloud site, --cloud-id will do, and for an organization, --org-id"
    )]
    NoSite,
    /// `--cloud-id auto` needs the address of a site.
    #[error("--cloud-id: auto requires --url, the site to ask for its cloud id")]
    NoSiteToAsk,
    /// A Data Center has no cloud id.
    #[error("--cloud-id: a Data Center has no cloud id; leave it out, or use --deployment cloud")]
    CloudIdOfDataCenter,
    /// A Data Center has no OAuth.
    #[error(
        "--client-secret-file: a Data Center has no OAuth login; leave it out, and set CONFLUENCE_PAT or pass \
         --pat-file FILE"
    )]
    ClientSecretOfDataCenter,
    /// A Cloud site takes no personal access token.
    #[error(
        "--pat-file: Confluence Cloud does not support personal access tokens: use --email with \
         CONFLUENCE_API_TOKEN or --api-token-file"
    )]
    PatForCloud,
    /// The API token is whose?
    #[error("--email: required with an API token: the account that the token belongs to")]
    NoEmail,
    /// A user without a token.
    #[error(
        "--email: no API token for {0}: set CONFLUENCE_API_TOKEN, or pass --api-token-file FILE"
    )]
    NoToken(String),
    /// No key of the organization.
    #[error(
        "--org-id: no key for organization {0}: set CONFLUENCE_ORG_API_KEY, or pass --org-api-key-file FILE, with an \
         organization API key (https://admin.atlassian.com, Settings → API keys)"
    )]
    NoOrgKey(String),
    /// Nobody to ask as.
    #[error(
        "no credentials for {0}: set CONFLUENCE_PAT, or pass --pat-file FILE, or --email USER with \
         CONFLUENCE_API_TOKEN or --api-token-file FILE"
    )]
    NoDataCenterCredentials(Url),
}

/// The name of the source in metrics: the organization's id, or the host of the site, with its context path, else
/// its cloud id.
#[must_use]
pub fn source_name(arguments: &FetchArgs) -> String {
    if let Some(id) = &arguments.organization.org_id {
        return id.clone();
    }
    let arguments = &arguments.site;
    let id = match &arguments.cloud_id {
        Some(CloudId::Id(id)) => Some(id.clone()),
        Some(CloudId::Auto) | None => None,
    };
    let site = arguments.url.as_ref().and_then(|url| {
        let path = url.path().trim_end_matches('/');
        Some(format!("{}{path}", url.host_str()?))
    });
    site.or(id).unwrap_or_else(|| "fetch".to_owned())
}

/// The data set that the events are of.
#[must_use]
pub fn dataset(arguments: &FetchArgs) -> Dataset {
    match arguments.organization.org_id {
        Some(_) => Dataset::Organization,
        None => arguments.mapping.dialect.dataset(),
    }
}

/// Looks whether there can be anything in the range.
///
/// # Errors
/// When it ends before it begins. Whether it begins in the future, the server's clock tells (`fetch::run`).
pub fn range(query: &QueryArgs) -> Result<(), Error> {
    let now = Timestamp::now();
    match (query.since, query.until) {
        // What is relative is so to the server's present, which is not known yet.
        (Some(since), Some(until)) if since.is_relative() == until.is_relative() => {
            let (since, until) = (since.at(now), until.at(now));
            if until < since {
                return Err(Error::NoRange(since));
            }
            Ok(())
        }
        (Some(_), Some(_) | None) | (None, _) => Ok(()),
    }
}

/// Options of the `fetch` loop, from its arguments.
#[must_use]
pub fn fetch(arguments: &FetchArgs) -> FetchOptions {
    let query = &arguments.query;
    FetchOptions {
        since: query.since,
        until: query.until,
        overlap: query.overlap,
        settle: query.settle,
        slice: query.window,
        page_size: query.page_size as usize,
        interval: arguments.interval,
        raw: arguments.raw,
        has_ids: arguments.format.is_bulk(),
        output: arguments.output.clone(),
        exclude_own_searches: arguments.exclude_own_searches,
        state_dir: arguments.state.state_dir.clone(),
        threads: threads(&arguments.mapping),
    }
}

impl From<&AtlassianArgs> for GivenServers {
    fn from(arguments: &AtlassianArgs) -> Self {
        Self {
            auth: arguments.auth_base.clone(),
            api: arguments.api_base.clone(),
        }
    }
}

/// How requests are made, with the password of the proxy.
///
/// # Errors
/// When the password cannot be read.
pub fn http(arguments: &HttpArgs) -> Result<http::Settings, credentials::Error> {
    let file = arguments.proxy_password_file.as_deref();
    let password = PROXY_PASSWORD.find(file, &arguments.secrets)?;
    Ok(http::Settings {
        // A variable or a credential may be there for other machines; a flag is meant.
        proxy_password: password.map(|password| (password, file.is_some())),
        ..arguments.settings()
    })
}

/// The site and the credentials, from the arguments and the environment.
///
/// # Errors
/// When they are not enough, or contradict themselves.
pub fn target(arguments: &FetchArgs) -> Result<FetchTarget, Error> {
    if arguments.mapping.dialect == DialectArg::Org {
        return Err(Error::Dialect(
            "a site gives no events of an organization (--org-id does)",
        ));
    }
    let (place, credentials) = site(&arguments.site)?;
    warn_without_effect(arguments, &place, &credentials);
    Ok(FetchTarget {
        place,
        url: arguments.site.url.clone(),
        credentials,
        servers: GivenServers::from(&arguments.site.atlassian),
        http: http(&arguments.http)?,
        search: arguments.query.search.clone(),
        state_dir: arguments.state.state_dir.clone(),
    })
}

/// The organization `id` and its key, from the arguments and the environment.
///
/// # Errors
/// When there is no key.
pub fn organization(arguments: &FetchArgs, id: &str) -> Result<OrgTarget, Error> {
    if !matches!(
        arguments.mapping.dialect,
        DialectArg::Auto | DialectArg::Org
    ) {
        return Err(Error::Dialect(
            "an organization gives only events in the dialect org",
        ));
    }
    let OrgArgs {
        org_api_key_file,
        products,
        ..
    } = &arguments.organization;
    let key = ORG_API_KEY.find(org_api_key_file.as_deref(), &arguments.site.secrets)?;
    let products = Products::new(products.clone());
    for name in products.unknown() {
        tracing::warn!(
            "--product: unknown product {name} (known: {}): if no event names it, none is kept",
            KNOWN.join(", ")
        );
    }
    let servers = GivenServers::from(&arguments.site.atlassian);
    let mut http = http(&arguments.http)?;
    http.metrics.api = Api::Organization;
    Ok(OrgTarget {
        organization: Organization::new(servers.or_default().api, id),
        key: key.ok_or_else(|| Error::NoOrgKey(id.to_owned()))?,
        products,
        http,
    })
}

/// Warns of flags that have no effect on that site, with those credentials. No errors: a script gives the same
/// base URLs wherever it fetches from, and the records are right without them.
fn warn_without_effect(arguments: &FetchArgs, place: &SiteLocation, credentials: &Credentials) {
    let AtlassianArgs {
        api_base,
        auth_base,
    } = &arguments.site.atlassian;
    let is_stored_login = matches!(credentials, Credentials::StoredLogin { .. });
    let is_data_center = matches!(place, SiteLocation::DataCenter(_));
    let is_gateway = !is_data_center && !matches!(place, SiteLocation::CloudSite(_));
    if api_base.is_some() && is_data_center {
        tracing::warn!(
            "--api-base is not used: a Data Center has no gateway, and is asked at --url"
        );
    } else if api_base.is_some() && !is_gateway {
        tracing::warn!(
            "--api-base is not used: an API token without --cloud-id is for --url, not for the gateway; for one \
             with scopes, add --cloud-id auto"
        );
    }
    if auth_base.is_some() && !is_stored_login {
        tracing::warn!(
            "--auth-base is not used: only the login of `auth login` needs the OAuth server"
        );
    }
    if arguments.exclude_own_searches && !is_data_center {
        tracing::warn!(
            "--exclude-own-searches is not used: only a Data Center records searches of its audit log"
        );
    }
}

fn site(arguments: &SiteArgs) -> Result<(SiteLocation, Credentials), Error> {
    let pat = PAT.find(arguments.pat_file.as_deref(), &arguments.secrets)?;
    let token = API_TOKEN.find(arguments.api_token_file.as_deref(), &arguments.secrets)?;
    let secrets = Secrets { pat, token };
    if is_cloud(arguments, &secrets) {
        cloud(arguments, secrets)
    } else {
        data_center(arguments, secrets)
    }
}

struct Secrets {
    pat: Option<Secret>,
    token: Option<Secret>,
}

/// Whether a site is one of Cloud by its address.
#[must_use]
pub fn is_atlassian(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host.trim_end_matches('.').ends_with(".atlassian.net")
}

/// docs/fetch.md: auto is Cloud for `*.atlassian.net`, `--cloud-id` and OAuth.
fn is_cloud(arguments: &SiteArgs, secrets: &Secrets) -> bool {
    match arguments.deployment {
        DeploymentArg::Cloud => true,
        DeploymentArg::DataCenter => false,
        DeploymentArg::Auto => {
            let is_atlassian = arguments.url.as_ref().is_some_and(is_atlassian);
            let is_oauth =
                secrets.pat.is_none() && secrets.token.is_none() && arguments.email.is_none();
            is_atlassian || arguments.cloud_id.is_some() || is_oauth
        }
    }
}

fn cloud(arguments: &SiteArgs, secrets: Secrets) -> Result<(SiteLocation, Credentials), Error> {
    if arguments.pat_file.is_some() {
        return Err(Error::PatForCloud);
    }
    let who = match (&arguments.email, secrets.token) {
        (Some(name), Some(token)) => Credentials::User {
            name: name.clone(),
            token,
        },
        (Some(name), None) => return Err(Error::NoToken(name.clone())),
        (None, Some(_)) => return Err(Error::NoEmail),
        (None, None) => Credentials::StoredLogin {
            client_secret: CLIENT_SECRET.find(
                arguments.client_secret.client_secret_file.as_deref(),
                &arguments.secrets,
            )?,
        },
    };
    let place = match (&arguments.cloud_id, &arguments.url, &who) {
        (Some(CloudId::Id(id)), _, _) => SiteLocation::CloudId(id.clone()),
        (Some(CloudId::Auto), Some(url), _) => SiteLocation::CloudIdOf(url.clone()),
        (Some(CloudId::Auto), None, _) => return Err(Error::NoSiteToAsk),
        (None, url, Credentials::StoredLogin { .. }) => SiteLocation::CloudOfLogin(url.clone()),
        (None, Some(url), _) => SiteLocation::CloudSite(url.clone()),
        (None, None, _) => return Err(Error::NoSite),
    };
    Ok((place, who))
}

fn data_center(
    arguments: &SiteArgs,
    secrets: Secrets,
) -> Result<(SiteLocation, Credentials), Error> {
    if arguments.cloud_id.is_some() {
        return Err(Error::CloudIdOfDataCenter);
    }
    if arguments.client_secret.client_secret_file.is_some() {
        return Err(Error::ClientSecretOfDataCenter);
    }
    let url = arguments.url.clone().ok_or(Error::NoSite)?;
    if secrets.pat.is_some() && arguments.pat_file.is_none() && arguments.api_token_file.is_some() {
        tracing::warn!(
            "--api-token-file is not used: the personal access token of {} (or the credential {}) wins over it",
            PAT.variable,
            PAT.credential
        );
    }
    let who = match (secrets.pat, &arguments.email, secrets.token) {
        (Some(pat), _, _) => Credentials::Pat(pat),
        (None, Some(name), Some(token)) => Credentials::User {
            name: name.clone(),
            token,
        },
        (None, Some(name), None) => return Err(Error::NoToken(name.clone())),
        (None, None, Some(_)) => return Err(Error::NoEmail),
        (None, None, None) => return Err(Error::NoDataCenterCredentials(url)),
    };
    Ok((SiteLocation::DataCenter(url), who))
}
