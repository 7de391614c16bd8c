//! From what the arguments say to a site that can be asked.

use std::sync::Arc;

use serde::Deserialize;
use url::Url;

use crate::auth::authorization::Authorization;
use crate::auth::servers::Servers;
use crate::auth::{self, Session};
use crate::cli::{AtlassianArgs, FetchArgs};
use crate::fetch::asker::Asker;
use crate::fetch::refusal::SCOPE;
use crate::fetch::site::Site;
use crate::http::address::{self, below};
use crate::http::retry::Failure;
use crate::http::{Answer, Client, Request};
use crate::options::fetch::{Place, Who};
use crate::{commands, options, state};

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A site does not tell its cloud id.
    #[error(
        "--cloud-id auto: {problem}; is {site} the address of a Cloud site, such as \
         https://acme.atlassian.net? Its cloud id is in SITE/_edge/tenant_info"
    )]
    NoCloudId {
        /// The site.
        site: Url,
        /// What came instead.
        problem: String,
    },
}

/// A site to ask, by the arguments.
///
/// # Errors
/// When the arguments are not enough, or the site or the grant cannot be found.
pub fn connect(arguments: &FetchArgs) -> Result<Asker, commands::Error> {
    let (place, who) = options::fetch::target(&arguments.site).map_err(options::Error::Fetch)?;
    let client = client(arguments)?;
    let authorization = authorization(arguments, &place, who, &client)?;
    let site = site(place, &arguments.site.atlassian, &client, &authorization)?;
    address::warn_if_plain("--url", &site.base);
    Ok(Asker {
        client,
        site,
        authorization: Arc::new(authorization),
        search: arguments.query.search.clone(),
    })
}

/// What makes the requests.
///
/// # Errors
/// When its settings cannot be used.
pub fn client(arguments: &FetchArgs) -> Result<Arc<Client>, options::Error> {
    let client = Client::new(&arguments.http.settings());
    Ok(Arc::new(client.map_err(options::fetch::Error::Http)?))
}

/// Who asks.
///
/// # Errors
/// When it is whoever logged in, and nobody has.
pub fn authorization(
    arguments: &FetchArgs,
    place: &Place,
    who: Who,
    client: &Arc<Client>,
) -> Result<Authorization, commands::Error> {
    let client_secret = match who {
        Who::User { name, token } => return Ok(Authorization::Basic { user: name, token }),
        Who::Pat(token) => return Ok(Authorization::Pat(token)),
        Who::Grant { client_secret } => client_secret,
    };
    let directory = state::directory(arguments.state.state_dir.as_deref())?;
    let atlassian = &arguments.site.atlassian;
    let servers = Servers {
        auth: atlassian.auth_base.clone(),
        api: atlassian.api_base.clone(),
    };
    let session = Session::open(&directory, Arc::clone(client), client_secret, &servers)?;
    let session = session.ok_or_else(|| {
        let place = match place {
            Place::CloudSite(url) | Place::CloudIdOf(url) | Place::CloudGrant(Some(url)) => {
                address::without_query(url)
            }
            Place::CloudId(id) => format!("cloud id {id}"),
            Place::CloudGrant(None) | Place::DataCenter(_) => "any site".to_owned(),
        };
        options::Error::Fetch(options::fetch::Error::NoCloudCredentials(place))
    })?;
    Ok(Authorization::Grant(Box::new(session)))
}

/// Where to ask.
///
/// # Errors
/// When a site does not tell its cloud id, or the grant is for none, or another.
pub fn site(
    place: Place,
    atlassian: &AtlassianArgs,
    client: &Client,
    authorization: &Authorization,
) -> Result<Site, commands::Error> {
    let api_base = match authorization {
        Authorization::Grant(session) => &session.servers().api,
        Authorization::Basic { .. } | Authorization::Pat(_) => &atlassian.api_base,
    };
    let gateway = |id: &str| Site::gateway(api_base, id);
    Ok(match (place, authorization) {
        (Place::CloudGrant(url), Authorization::Grant(session)) => {
            gateway(&granted(session, url.as_ref())?)
        }
        (Place::CloudSite(url) | Place::CloudGrant(Some(url)), _) => Site::cloud(&url),
        (Place::CloudGrant(None), _) => {
            return Err(options::Error::Fetch(options::fetch::Error::NoSite).into());
        }
        (Place::DataCenter(url), _) => Site::data_center(&url),
        (Place::CloudId(id), authorization) => {
            warn_of_scope(&id, authorization);
            gateway(&id)
        }
        (Place::CloudIdOf(url), _) => gateway(&cloud_id(client, &url)?),
    })
}

/// Tells of a site that the grant covers, but not its audit log.
fn warn_of_scope(id: &str, authorization: &Authorization) {
    let Authorization::Grant(session) = authorization else {
        return;
    };
    let sites = session.grant().sites;
    let mut without = sites.iter().filter(|site| !site.has_audit_scope());
    if without.any(|site| site.id == id) {
        tracing::warn!(
            "--cloud-id: the login covers {id}, but not its audit log: add the scope {SCOPE} to the app, and log \
             in again with `confluence-ecs auth login`"
        );
    }
}

/// The cloud id of the site that the grant is for: that with the address, or the only one.
fn granted(session: &Session, url: Option<&Url>) -> Result<String, commands::Error> {
    let mut sites = session.grant().sites;
    let is_wanted = |site: &auth::store::Site| match url {
        Some(url) => Url::parse(&site.url).is_ok_and(|site| site.host_str() == url.host_str()),
        None => site.has_audit_scope(),
    };
    if !sites.iter().any(is_wanted) {
        sites = session.sites()?;
    }
    let (wanted, others): (Vec<_>, Vec<_>) = sites.iter().partition(|site| is_wanted(site));
    let list = |sites: &[&auth::store::Site]| {
        let named = sites
            .iter()
            .map(|site| format!("{} ({})", site.id, site.url));
        named.collect::<Vec<_>>().join(", ")
    };
    let error = match wanted.as_slice() {
        [site] => return Ok(site.id.clone()),
        [] => options::fetch::Error::OtherSite {
            wanted: url.map_or_else(|| "--cloud-id".to_owned(), address::without_query),
            sites: if others.is_empty() {
                "none".to_owned()
            } else {
                list(&others)
            },
        },
        several => options::fetch::Error::ManySites(list(several)),
    };
    Err(options::Error::Fetch(error).into())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TenantInfo {
    cloud_id: String,
}

/// Asks a site for its cloud id, which takes no credentials (sources.md).
///
/// # Errors
/// When it does not tell.
pub fn cloud_id(client: &Client, site: &Url) -> Result<String, Error> {
    let mut root = site.clone();
    root.set_path("");
    let read = |answer: Answer| {
        let info: Result<TenantInfo, _> = serde_json::from_slice(&answer.body);
        let id = info
            .map_err(|_| "the answer names no cloud id".to_owned())?
            .cloud_id;
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if id.is_empty() || !id.bytes().all(is_id) {
            return Err("the answer names no cloud id".to_owned());
        }
        Ok(id)
    };
    let asked = client.ask(&Request::get(below(&root, "_edge/tenant_info")), read);
    asked.map_err(|failure| Error::NoCloudId {
        site: root,
        problem: match failure {
            Failure::Refused(answer) => format!("the site answers with {}", answer.status),
            Failure::Unanswered { .. } => failure.to_string(),
        },
    })
}
