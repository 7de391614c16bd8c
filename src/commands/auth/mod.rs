//! `confluence-ecs auth`: logging in to Confluence Cloud with OAuth, and what is left of it.

mod report;

use std::io;
use std::sync::Arc;

use self::report::AuthFormat;
use super::Error;
use super::state::print;
use crate::auth::credentials::{CLIENT_SECRET, GivenSecrets};
use crate::auth::login::Login;
use crate::auth::oauth::SCOPE;
use crate::auth::servers::GivenServers;
use crate::auth::store::{self, AccessibleSite, TokenStore};
use crate::auth::{self, Session};
use crate::cli::{AuthArgs, AuthCommand, RedirectUri, StoredLoginArgs};
use crate::exit::Exit;
use crate::http::Client;
use crate::options;
use crate::pipeline::timestamp::Timestamp;
use crate::process::shown::Shown as _;
use crate::process::signal_guard;
use crate::process::stop::Stop;
use crate::secret::Secret;
use crate::state;

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When there is no grant, or it or the servers fail.
pub fn run(task: AuthCommand) -> Result<Exit, Error> {
    match task {
        AuthCommand::Login {
            client_id,
            redirect_uri,
            paste,
            auth,
        } => login(client_id, redirect_uri, paste, &auth),
        AuthCommand::Status { json, login } => status(AuthFormat::of(json), &login),
        AuthCommand::Sites { json, auth } => sites(AuthFormat::of(json), &auth),
        AuthCommand::Refresh { auth } => refresh(&auth),
        AuthCommand::Logout { login } => logout(&login),
    }
}

fn status(format: AuthFormat, arguments: &StoredLoginArgs) -> Result<Exit, Error> {
    let directory = state::directory(arguments.state.state_dir.as_deref())?;
    let servers = GivenServers::from(&arguments.atlassian);
    servers.or_default().note();
    let token_set = store::read(&directory)?;
    if let Some(token_set) = &token_set {
        servers.or_of(token_set).note();
    }
    let now = Timestamp::now();
    print(&report::status(token_set.as_ref(), now, format))?;
    match token_set.map(|token_set| (token_set.ended(now), token_set.client_id)) {
        None => Err(auth::Error::NotLoggedIn.into()),
        Some((Some(why), client_id)) => Err(auth::Error::Over { why, client_id }.into()),
        Some((None, _)) => Ok(Exit::Done),
    }
}

fn sites(format: AuthFormat, arguments: &AuthArgs) -> Result<Exit, Error> {
    signal_guard::defer_signals()?;
    let sites = session(arguments)?.sites()?;
    print(&report::sites(&sites, format))?;
    warn_of_sites(&sites);
    Ok(Exit::Done)
}

fn refresh(arguments: &AuthArgs) -> Result<Exit, Error> {
    signal_guard::defer_signals()?;
    let session = session(arguments)?;
    let token = session.token_set().access_token;
    session.renew(&token)?;
    let ends = store::text(session.token_set().access_ends);
    print(&format!("refreshed: the access token ends {ends}\n"))
}

fn logout(arguments: &StoredLoginArgs) -> Result<Exit, Error> {
    let directory = state::directory(arguments.state.state_dir.as_deref())?;
    let path = store::path(&directory);
    // No directory, and no lock in it, is made for nothing.
    let is_there = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        _ => TokenStore::open(&directory)?.remove()?,
    };
    let path = path.shown();
    print(&if is_there {
        format!(
            "logged out: removed {path}; to revoke the access itself, remove the app from the connected \
             apps of the Atlassian account\n"
        )
    } else {
        format!("not logged in: {path} does not exist\n")
    })
}

fn session(arguments: &AuthArgs) -> Result<Session, Error> {
    let directory = state::directory(arguments.state.state_dir.as_deref())?;
    let servers = GivenServers::from(&arguments.atlassian);
    let session = Session::open(
        &directory,
        client(arguments)?,
        client_secret(arguments)?,
        &servers,
    )?;
    Ok(session.ok_or(auth::Error::NotLoggedIn)?)
}

fn client(arguments: &AuthArgs) -> Result<Arc<Client>, auth::Error> {
    Ok(Arc::new(Client::new(&options::fetch::http(
        &arguments.http,
    )?)?))
}

fn client_secret(arguments: &AuthArgs) -> Result<Option<Secret>, auth::Error> {
    let file = arguments.client_secret.client_secret_file.as_deref();
    Ok(CLIENT_SECRET.find(file, &GivenSecrets::default())?)
}

/// A grant without an audit scope is what an app without the permission gets.
fn warn_of_sites(sites: &[AccessibleSite]) {
    if sites.is_empty() {
        tracing::warn!("the login covers no site: choose one on the consent page when logging in");
    } else if !sites.iter().any(AccessibleSite::has_audit_scope) {
        tracing::warn!(
            "no site grants {SCOPE}: add it to the permissions of the OAuth app \
             (developer.atlassian.com), and log in again"
        );
    }
}

/// What would make the login vain is found out before anybody opens a browser.
fn login(
    client_id: String,
    redirect_uri: RedirectUri,
    paste: bool,
    arguments: &AuthArgs,
) -> Result<Exit, Error> {
    let login = Login {
        client_id,
        redirect_uri: redirect_uri.text,
        redirect_url: redirect_uri.url,
        client_secret: client_secret(arguments)?.ok_or(auth::Error::NoClientSecret)?,
        directory: state::directory(arguments.state.state_dir.as_deref())?,
        client: client(arguments)?,
        servers: GivenServers::from(&arguments.atlassian).or_default(),
    };
    login.servers.note();
    let checked = login
        .client
        .check([&login.servers.auth, &login.servers.api]);
    checked.map_err(auth::Error::Settings)?;
    login.servers.warn_if_plain();
    let stop = Stop::on_signals()?;
    let Some(sites) = login.run(paste, &stop)? else {
        return Ok(stop.signal().map_or(Exit::Failed, Exit::Signal));
    };
    print(&report::sites(&sites, AuthFormat::Text))?;
    warn_of_sites(&sites);
    Ok(Exit::Done)
}
