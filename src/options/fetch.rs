//! Where to fetch from and who asks, by the arguments and the environment.

use std::time::Duration;

use url::Url;

use crate::auth::credentials::{self, API_TOKEN, CLIENT_SECRET, PAT};
use crate::cli::{CloudId, DeploymentArg, QueryArgs, Since, SiteArgs};
use crate::http::SettingsError;
use crate::pipeline::timestamp::Timestamp;
use crate::secret::Secret;

/// What is not clear.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A secret cannot be read.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// Requests cannot be made so.
    #[error(transparent)]
    Http(#[from] SettingsError),
    /// There is nothing yet.
    #[error("--since: expected a time that is not in the future")]
    Future,
    /// There is nothing between.
    #[error("--until: expected a time that is not before --since, {0}")]
    NoRange(Timestamp),
    /// Nothing says where.
    #[error(
        "--url: expected the address of a site, such as https://acme.atlassian.net, or a Data Center's base \
         URL; a Cloud site can be named by --cloud-id, too"
    )]
    NoSite,
    /// `--cloud-id auto` has nobody to ask.
    #[error("--cloud-id: auto asks the site of --url for its cloud id: give that, too")]
    NoSiteToAsk,
    /// A Data Center has no cloud id.
    #[error("--cloud-id: a Data Center has none; leave it out, or use --deployment cloud")]
    CloudIdOfDataCenter,
    /// A Cloud site takes no personal access token.
    #[error(
        "--pat-file: Confluence Cloud knows no personal access tokens: use --email with \
         CONFLUENCE_API_TOKEN or --api-token-file"
    )]
    PatForCloud,
    /// The API token is whose?
    #[error("--email: expected, since there is an API token: whose is it?")]
    NoEmail,
    /// A user without a token.
    #[error(
        "--email: there is no API token for {0}: set CONFLUENCE_API_TOKEN, or give --api-token-file FILE"
    )]
    NoToken(String),
    /// Nobody to ask as.
    #[error(
        "no credentials for {0}: give --email with CONFLUENCE_API_TOKEN or --api-token-file FILE, or log in \
         with `confluence-ecs auth login --client-id ID`; a Data Center takes CONFLUENCE_PAT or --pat-file"
    )]
    NoCloudCredentials(String),
    /// The grant is for several sites.
    #[error("--cloud-id: the login is for several sites, give one of: {0}")]
    ManySites(String),
    /// The grant is not for this site.
    #[error(
        "{wanted}: the login is not for this site, but for {sites}; log in again, and choose it, with \
         `confluence-ecs auth login`"
    )]
    OtherSite {
        /// The site of `--url`, or any.
        wanted: String,
        /// Those that it is for.
        sites: String,
    },
    /// Nobody to ask as.
    #[error(
        "no credentials for {0}: set CONFLUENCE_PAT or give --pat-file FILE, or --email USER with \
         CONFLUENCE_API_TOKEN or --api-token-file FILE"
    )]
    NoDataCenterCredentials(Url),
}

/// Who asks.
#[derive(Debug)]
pub enum Who {
    /// A user with an API token, or a password.
    User {
        /// Name or e-mail address.
        name: String,
        /// The token.
        token: Secret,
    },
    /// Whoever has a personal access token.
    Pat(Secret),
    /// Whoever logged in with `auth login`.
    Grant {
        /// The client secret, if there is one.
        client_secret: Option<Secret>,
    },
}

/// Where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A Cloud site by its address.
    CloudSite(Url),
    /// A Cloud site by its cloud id.
    CloudId(String),
    /// A Cloud site, which is to be asked for its cloud id.
    CloudIdOf(Url),
    /// The Cloud site of the grant, or the one of those with that address.
    CloudGrant(Option<Url>),
    /// A Data Center.
    DataCenter(Url),
}

/// Looks whether there can be anything in the range.
///
/// # Errors
/// When it ends before it begins, or begins in the future.
pub fn range(query: &QueryArgs) -> Result<(), Error> {
    match (query.since, query.until) {
        (Some(Since::Time(since)), _) if is_future(since) => Err(Error::Future),
        (Some(Since::Time(since)), Some(until)) if until < since => Err(Error::NoRange(since)),
        (None | Some(Since::Time(_) | Since::Ago(_) | Since::Now), _) => Ok(()),
    }
}

/// Whether a time is later than any clock's error.
#[must_use]
pub fn is_future(time: Timestamp) -> bool {
    time > Timestamp::now().plus(Duration::from_secs(60 * 60))
}

/// What the arguments and the environment say.
///
/// # Errors
/// When that is not enough, or contradicts itself.
pub fn target(arguments: &SiteArgs) -> Result<(Place, Who), Error> {
    let pat = PAT.find(arguments.pat_file.as_deref())?;
    let token = API_TOKEN.find(arguments.api_token_file.as_deref())?;
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

/// cli.md: auto is Cloud for `*.atlassian.net`, `--cloud-id` and OAuth.
fn is_cloud(arguments: &SiteArgs, secrets: &Secrets) -> bool {
    match arguments.deployment {
        DeploymentArg::Cloud => true,
        DeploymentArg::DataCenter => false,
        DeploymentArg::Auto => {
            let is_atlassian = arguments.url.as_ref().is_some_and(|url| {
                let host = url.host_str().unwrap_or_default();
                host.trim_end_matches('.').ends_with(".atlassian.net")
            });
            let is_oauth =
                secrets.pat.is_none() && secrets.token.is_none() && arguments.email.is_none();
            is_atlassian || arguments.cloud_id.is_some() || is_oauth
        }
    }
}

fn cloud(arguments: &SiteArgs, secrets: Secrets) -> Result<(Place, Who), Error> {
    let who = match (&arguments.email, secrets.token) {
        (Some(name), Some(token)) => Who::User {
            name: name.clone(),
            token,
        },
        (Some(name), None) => return Err(Error::NoToken(name.clone())),
        (None, Some(_)) => return Err(Error::NoEmail),
        (None, None) if arguments.pat_file.is_some() => return Err(Error::PatForCloud),
        (None, None) => Who::Grant {
            client_secret: CLIENT_SECRET
                .find(arguments.client_secret.client_secret_file.as_deref())?,
        },
    };
    let place = match (&arguments.cloud_id, &arguments.url, &who) {
        (Some(CloudId::Id(id)), _, _) => Place::CloudId(id.clone()),
        (Some(CloudId::Auto), Some(url), _) => Place::CloudIdOf(url.clone()),
        (Some(CloudId::Auto), None, _) => return Err(Error::NoSiteToAsk),
        (None, url, Who::Grant { .. }) => Place::CloudGrant(url.clone()),
        (None, Some(url), _) => Place::CloudSite(url.clone()),
        (None, None, _) => return Err(Error::NoSite),
    };
    Ok((place, who))
}

fn data_center(arguments: &SiteArgs, secrets: Secrets) -> Result<(Place, Who), Error> {
    if arguments.cloud_id.is_some() {
        return Err(Error::CloudIdOfDataCenter);
    }
    let url = arguments.url.clone().ok_or(Error::NoSite)?;
    let who = match (secrets.pat, &arguments.email, secrets.token) {
        (Some(pat), _, _) => Who::Pat(pat),
        (None, Some(name), Some(token)) => Who::User {
            name: name.clone(),
            token,
        },
        (None, Some(name), None) => return Err(Error::NoToken(name.clone())),
        (None, None, Some(_)) => return Err(Error::NoEmail),
        (None, None, None) => return Err(Error::NoDataCenterCredentials(url)),
    };
    Ok((Place::DataCenter(url), who))
}
