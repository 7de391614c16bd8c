//! Resolves the options to a site and credentials.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::asker::Asker;
use super::site::Site;
use crate::auth::authorization::Authorization;
use crate::auth::oauth::SCOPE;
use crate::auth::servers::GivenServers;
use crate::auth::store::AccessibleSite;
use crate::auth::{self, Session};
use crate::http::address::{self, below};
use crate::http::retry::Failure;
use crate::http::{self, Answer, Client, Request, SettingsError};
use crate::secret::Secret;
use crate::state;

/// Why the site or the credentials cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Requests cannot be made so.
    #[error(transparent)]
    Http(#[from] SettingsError),
    /// Nobody to ask as.
    #[error(
        "no credentials for {0}: pass --email with CONFLUENCE_API_TOKEN or --api-token-file FILE, or log in \
         with `{login}`; a Data Center takes CONFLUENCE_PAT or --pat-file, an organization --org-id ID and its API key",
        login = auth::error::login("ID")
    )]
    NoCloudCredentials(String),
    /// The grant is for several sites.
    #[error("--cloud-id: the login covers several sites; choose one of: {0}")]
    ManySites(String),
    /// The grant is for no site.
    #[error(
        "the login covers no site: log in again and choose one on the consent page, with `{}`",
        auth::error::login(.0)
    )]
    NoSites(String),
    /// The grant is not for this site.
    #[error(
        "{wanted}: the login does not cover this site, only {sites}; log in again and choose it with `{}`",
        auth::error::login(client_id)
    )]
    OtherSite {
        /// The site of `--url`.
        wanted: String,
        /// Those that it is for.
        sites: String,
        /// Client id of the OAuth app.
        client_id: String,
    },
    /// The grant is for sites, but not for their audit logs.
    #[error(
        "the login covers {sites}, but lacks the scope {SCOPE}: add it to the app (developer.atlassian.com, \
         Permissions → Confluence API), and log in again with `{}`",
        auth::error::login(client_id)
    )]
    NoScope {
        /// The sites that it is for.
        sites: String,
        /// Client id of the OAuth app.
        client_id: String,
    },
    /// A site does not tell its cloud id.
    #[error(
        "--cloud-id auto: {problem}; is {site} the address of a Cloud site, such as \
         https://acme.atlassian.net? Its cloud id is in SITE/_edge/tenant_info"
    )]
    NoCloudId {
        /// Address of the site.
        site: Url,
        /// What is wrong with the response.
        problem: String,
    },
    /// There is no directory for the state, where the grant of a login is.
    #[error(transparent)]
    State(#[from] state::Error),
    /// There is no access token.
    #[error(transparent)]
    Auth(#[from] auth::Error),
}

impl Error {
    /// Whether credentials, or what they are for, were refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Auth(error) => error.is_refused(),
            Self::OtherSite { .. } | Self::NoScope { .. } | Self::NoSites(_) => true,
            Self::Http(_)
            | Self::NoCloudCredentials(_)
            | Self::ManySites(_)
            | Self::NoCloudId { .. }
            | Self::State(_) => false,
        }
    }

    /// Whether other arguments are needed.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Http(_)
            | Self::NoCloudCredentials(_)
            | Self::ManySites(_)
            | Self::NoSites(_)
            | Self::OtherSite { .. } => true,
            Self::Auth(error) => error.is_usage(),
            Self::NoCloudId { .. } | Self::NoScope { .. } | Self::State(_) => false,
        }
    }
}

/// Credentials, as the options give them.
#[derive(Debug)]
pub enum Credentials {
    /// A user with an API token, or a password.
    User {
        /// Name or e-mail address.
        name: String,
        /// API token or password.
        token: Secret,
    },
    /// Whoever has a personal access token.
    Pat(Secret),
    /// Whoever logged in with `auth login`.
    StoredLogin {
        /// The client secret, if there is one.
        client_secret: Option<Secret>,
    },
}

/// Where the audit API is, as the options give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteLocation {
    /// A Cloud site by its address.
    CloudSite(Url),
    /// A Cloud site by its cloud id.
    CloudId(String),
    /// A Cloud site, which is to be asked for its cloud id.
    CloudIdOf(Url),
    /// The Cloud site of the grant, or the one of those with that address.
    CloudOfLogin(Option<Url>),
    /// A Data Center by its base URL.
    DataCenter(Url),
}

/// What a connection takes.
#[derive(Debug)]
pub struct FetchTarget {
    /// Where the audit API is.
    pub place: SiteLocation,
    /// The address of the site, if one is given, whether or not the API is asked there.
    pub url: Option<Url>,
    /// Credentials for the requests.
    pub credentials: Credentials,
    /// Base URLs of the gateway and the OAuth server, as far as they are given.
    pub servers: GivenServers,
    /// How requests are made.
    pub http: http::Settings,
    /// Only records with this text.
    pub search: Option<String>,
    /// The directory of the state, where it is not the usual one.
    pub state_dir: Option<PathBuf>,
}

impl FetchTarget {
    /// The addresses that are asked, but for those of a stored login.
    fn asked(&self) -> Vec<Url> {
        let gateway = || self.servers.or_default().api;
        match &self.place {
            SiteLocation::CloudSite(url) | SiteLocation::DataCenter(url) => vec![url.clone()],
            SiteLocation::CloudIdOf(url) => vec![url.clone(), gateway()],
            SiteLocation::CloudId(_) => vec![gateway()],
            SiteLocation::CloudOfLogin(_) => Vec::new(),
        }
    }
}

/// Asks addresses which site they are of.
#[derive(Debug)]
pub struct CloudIds {
    client: Client,
    /// The address of `--url` beside `--cloud-id`, which no one has confirmed.
    pub claimed: Option<Url>,
}

/// How long an address may take to tell its cloud id: a fetch does not depend on it.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

impl CloudIds {
    /// The cloud id of the site at an address, in lower case; none if it does not tell.
    #[must_use]
    pub fn of(&self, site: &Url) -> Option<String> {
        let id = cloud_id(&self.client, site).ok();
        if id.is_none() {
            // Not what it said: this client knows no secret that it would have to leave out.
            tracing::debug!("{} does not report its cloud id", address::origin(site));
        }
        id.map(|id| id.to_ascii_lowercase())
    }
}

/// A site to ask, and what asks which site an address is of.
///
/// # Errors
/// When the site or the grant cannot be found.
pub fn connect(target: FetchTarget) -> Result<(Asker, CloudIds), Error> {
    let client = Arc::new(Client::new(&target.http)?);
    let authorization = authorization(&target, &client)?;
    let site = site(target.place, &target.servers, &client, &authorization)?;
    address::warn_if_plain("--url", &site.base);
    let cloud_ids = CloudIds {
        client: Client::new(&http::Settings {
            timeout: target.http.timeout.min(LOOKUP_TIMEOUT),
            retries: 0,
            longest_wait: Duration::ZERO,
            ..target.http
        })?,
        claimed: target.url.filter(|_| site.address.is_none()),
    };
    let asker = Asker {
        client,
        site,
        authorization: Arc::new(authorization),
        search: target.search,
    };
    Ok((asker, cloud_ids))
}

/// Resolves the credentials, opening the stored login if needed.
///
/// # Errors
/// When a login is needed and none is stored.
pub fn authorization(target: &FetchTarget, client: &Arc<Client>) -> Result<Authorization, Error> {
    client.check(&target.asked())?;
    let client_secret = match &target.credentials {
        Credentials::User { name, token } => {
            return Ok(Authorization::Basic {
                user: name.clone(),
                token: token.clone(),
            });
        }
        Credentials::Pat(token) => return Ok(Authorization::Pat(token.clone())),
        Credentials::StoredLogin { client_secret } => client_secret.clone(),
    };
    let directory = state::directory(target.state_dir.as_deref())?;
    let session = Session::open(
        &directory,
        Arc::clone(client),
        client_secret,
        &target.servers,
    )?;
    let session = session.ok_or_else(|| {
        Error::NoCloudCredentials(match &target.place {
            SiteLocation::CloudSite(url)
            | SiteLocation::CloudIdOf(url)
            | SiteLocation::CloudOfLogin(Some(url)) => address::without_query(url),
            SiteLocation::CloudId(id) => format!("cloud id {id}"),
            SiteLocation::CloudOfLogin(None) | SiteLocation::DataCenter(_) => ANY_SITE.to_owned(),
        })
    })?;
    Ok(Authorization::OAuth(Box::new(session)))
}

/// What is named where no site is.
const ANY_SITE: &str = "any site";

/// Resolves the site, looking up its cloud id if needed.
///
/// # Errors
/// When a site does not tell its cloud id, or the grant is for none, or another.
pub fn site(
    place: SiteLocation,
    servers: &GivenServers,
    client: &Client,
    authorization: &Authorization,
) -> Result<Site, Error> {
    let api_base = api_base(servers, authorization);
    let gateway = |id: &str| Site::gateway(&api_base, id);
    Ok(match (place, authorization) {
        (SiteLocation::CloudOfLogin(url), Authorization::OAuth(session)) => {
            let granted = granted(session, url.as_ref())?;
            let own = Url::parse(&granted.url).ok().or(url);
            addressed(gateway(&granted.id), own.as_ref())
        }
        (SiteLocation::CloudSite(url) | SiteLocation::CloudOfLogin(Some(url)), _) => {
            Site::cloud(&url)
        }
        (SiteLocation::CloudOfLogin(None), _) => {
            return Err(Error::NoCloudCredentials(ANY_SITE.to_owned()));
        }
        (SiteLocation::DataCenter(url), _) => Site::data_center(&url),
        (SiteLocation::CloudId(id), authorization) => {
            warn_of_scope(&id, authorization);
            let url = address_by_login(&id, authorization);
            addressed(gateway(&id), url.as_ref())
        }
        (SiteLocation::CloudIdOf(url), _) => gateway(&cloud_id(client, &url)?).with_address(&url),
    })
}

/// Base URL of the gateway.
#[must_use]
pub fn api_base(servers: &GivenServers, authorization: &Authorization) -> Url {
    match authorization {
        Authorization::OAuth(session) => session.servers().api.clone(),
        Authorization::Basic { .. } | Authorization::Pat(_) => servers.or_default().api,
    }
}

fn addressed(site: Site, url: Option<&Url>) -> Site {
    match url {
        Some(url) if url.has_host() => site.with_address(url),
        Some(_) | None => site,
    }
}

/// The address of a site, as the login lists it.
fn address_by_login(id: &str, authorization: &Authorization) -> Option<Url> {
    let Authorization::OAuth(session) = authorization else {
        return None;
    };
    let sites = session.token_set().sites;
    let site = sites.iter().find(|site| site.id == id)?;
    Url::parse(&site.url).ok()
}

/// Tells of a site that the grant covers, but not its audit log.
fn warn_of_scope(id: &str, authorization: &Authorization) {
    let Authorization::OAuth(session) = authorization else {
        return;
    };
    let auth::store::TokenSet {
        sites, client_id, ..
    } = session.token_set();
    let mut without = sites.iter().filter(|site| !site.has_audit_scope());
    if without.any(|site| site.id == id) {
        tracing::warn!(
            "--cloud-id: the login covers {id}, but not its audit log: add the scope {SCOPE} to the app, and log \
             in again with `{}`",
            auth::error::login(&client_id)
        );
    }
}

/// The site that the grant is for: that with the address, or the only one.
fn granted(session: &Session, url: Option<&Url>) -> Result<AccessibleSite, Error> {
    let mut sites = session.token_set().sites;
    let is_wanted = |site: &AccessibleSite| match url {
        Some(url) => Url::parse(&site.url).is_ok_and(|site| site.host_str() == url.host_str()),
        None => site.has_audit_scope(),
    };
    // The list that is kept may be an old one.
    let is_of_use = |site| is_wanted(site) && site.has_audit_scope();
    if !sites.iter().any(is_of_use) {
        sites = session.sites()?;
    }
    let (wanted, others): (Vec<_>, Vec<_>) = sites.iter().partition(|site| is_wanted(site));
    let list = |sites: &[&AccessibleSite]| {
        let named = sites
            .iter()
            .map(|site| format!("{} ({})", site.id, site.url));
        named.collect::<Vec<_>>().join(", ")
    };
    let client_id = session.token_set().client_id;
    let no_scope = |sites| Error::NoScope {
        sites: list(sites),
        client_id: client_id.clone(),
    };
    let error = match (wanted.as_slice(), url) {
        ([site], _) if !site.has_audit_scope() => no_scope(&[*site]),
        ([site], _) => return Ok((*site).clone()),
        ([], _) if others.is_empty() => Error::NoSites(client_id),
        ([], None) => no_scope(&others),
        ([], Some(url)) => Error::OtherSite {
            wanted: address::without_query(url),
            sites: list(&others),
            client_id,
        },
        (several, _) => Error::ManySites(list(several)),
    };
    Err(error)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TenantInfo {
    cloud_id: String,
}

/// Asks a site for its cloud id, which takes no credentials (docs/sources.md).
///
/// # Errors
/// When it does not tell.
pub fn cloud_id(client: &Client, site: &Url) -> Result<String, Error> {
    let mut root = site.clone();
    root.set_path("");
    let read = |answer: Answer| {
        let info: Result<TenantInfo, _> = serde_json::from_slice(&answer.body);
        let id = info
            .map_err(|_| "the response has no cloud id".to_owned())?
            .cloud_id;
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if id.is_empty() || !id.bytes().all(is_id) {
            return Err("the response has no cloud id".to_owned());
        }
        Ok(id)
    };
    let asked = client.ask(&Request::get(below(&root, "_edge/tenant_info")), read);
    asked.map_err(|failure| Error::NoCloudId {
        site: root,
        problem: match failure {
            Failure::Refused(answer) => format!("the site returned status {}", answer.status),
            Failure::Unanswered { .. } => failure.to_string(),
        },
    })
}
