//! `confluence-ecs auth`: logging in to Confluence Cloud with OAuth, and what is left of it.

mod report;

use std::io::{self, BufRead as _, Write as _, stderr, stdin};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::report::Format;
use super::Error;
use super::state::print;
use crate::auth::callback::{Callback, Listener};
use crate::auth::credentials::CLIENT_SECRET;
use crate::auth::oauth::{self, App, SCOPE, Tokens};
use crate::auth::servers::Servers;
use crate::auth::store::{self, Grant, GrantStore, Site};
use crate::auth::{self, Session};
use crate::cli::{AuthArgs, AuthCommand, RedirectUri};
use crate::exit::Exit;
use crate::http::Client;
use crate::pipeline::timestamp::Timestamp;
use crate::process::shown::Shown as _;
use crate::process::stop::{Ready, Stop};
use crate::process::uninterrupted;
use crate::secret::Secret;
use crate::state;

/// The longest line that is read from who pastes, in bytes.
const LONGEST_LINE: usize = 64 << 10;

/// Runs the command.
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
        } => Login::new(client_id, redirect_uri, &auth)?.run(paste),
        AuthCommand::Status { json, auth } => status(Format::of(json), &auth),
        AuthCommand::Sites { json, auth } => sites(Format::of(json), &auth),
        AuthCommand::Refresh { auth } => refresh(&auth),
        AuthCommand::Logout { auth } => logout(&auth),
    }
}

fn status(format: Format, arguments: &AuthArgs) -> Result<Exit, Error> {
    let directory = state::directory(arguments.state.state_dir.as_deref())?;
    let grant = store::read(&directory)?;
    let now = Timestamp::now();
    print(&report::status(grant.as_ref(), now, format))?;
    match grant.map(|grant| (grant.ended(now), grant.client_id)) {
        None => Err(auth::Error::NotLoggedIn.into()),
        Some((Some(why), client_id)) => Err(auth::Error::Over { why, client_id }.into()),
        Some((None, _)) => Ok(Exit::Done),
    }
}

fn sites(format: Format, arguments: &AuthArgs) -> Result<Exit, Error> {
    uninterrupted::defer_signals()?;
    let sites = session(arguments)?.sites()?;
    print(&report::sites(&sites, format))?;
    warn_of_sites(&sites);
    Ok(Exit::Done)
}

fn refresh(arguments: &AuthArgs) -> Result<Exit, Error> {
    uninterrupted::defer_signals()?;
    let session = session(arguments)?;
    let token = session.grant().access_token;
    session.renew(&token)?;
    let ends = store::text(session.grant().access_ends);
    print(&format!("refreshed: the access token ends {ends}\n"))
}

fn logout(arguments: &AuthArgs) -> Result<Exit, Error> {
    let directory = state::directory(arguments.state.state_dir.as_deref())?;
    let path = store::path(&directory);
    // No directory, and no lock in it, is made for nothing.
    let is_there = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        _ => GrantStore::open(&directory)?.remove()?,
    };
    let path = path.shown();
    print(&if is_there {
        format!(
            "logged out: removed {path}; to revoke the grant itself, remove the app from the connected \
             apps of the Atlassian account\n"
        )
    } else {
        format!("not logged in: there is no {path}\n")
    })
}

fn session(arguments: &AuthArgs) -> Result<Session, Error> {
    let directory = state::directory(arguments.state.state_dir.as_deref())?;
    let servers = Servers::from(&arguments.atlassian);
    let session = Session::open(
        &directory,
        client(arguments)?,
        client_secret(arguments)?,
        &servers,
    )?;
    Ok(session.ok_or(auth::Error::NotLoggedIn)?)
}

fn client(arguments: &AuthArgs) -> Result<Arc<Client>, auth::Error> {
    Ok(Arc::new(Client::new(&arguments.http.settings())?))
}

fn client_secret(arguments: &AuthArgs) -> Result<Option<Secret>, auth::Error> {
    let file = arguments.client_secret.client_secret_file.as_deref();
    Ok(CLIENT_SECRET.find(file)?)
}

/// A grant without an audit scope is what an app without the permission gets.
fn warn_of_sites(sites: &[Site]) {
    if sites.is_empty() {
        tracing::warn!("the grant is for no site: who logs in chooses one on the consent page");
    } else if !sites.iter().any(Site::has_audit_scope) {
        tracing::warn!(
            "no site grants {SCOPE}: add it to the permissions of the OAuth app \
             (developer.atlassian.com), and log in again"
        );
    }
}

/// A login on its way.
struct Login {
    client_id: String,
    redirect_uri: RedirectUri,
    client_secret: Secret,
    client: Arc<Client>,
    servers: Servers,
    directory: PathBuf,
}

impl Login {
    /// Finds out what would make the login vain, before anybody opens a browser.
    fn new(
        client_id: String,
        redirect_uri: RedirectUri,
        arguments: &AuthArgs,
    ) -> Result<Self, Error> {
        let secret = client_secret(arguments)?.ok_or(auth::Error::NoClientSecret)?;
        let directory = state::directory(arguments.state.state_dir.as_deref())?;
        let login = Self {
            client_id,
            redirect_uri,
            client_secret: secret,
            client: client(arguments)?,
            servers: Servers::from(&arguments.atlassian),
            directory,
        };
        login.servers.warn_if_plain();
        Ok(login)
    }

    fn run(&self, paste: bool) -> Result<Exit, Error> {
        let state = oauth::new_state()?;
        let stop = Stop::on_signals()?;
        let code = if paste {
            can_keep(&self.directory)?;
            self.show(&state, PASTE)?;
            pasted(&state, &stop)?
        } else {
            let listener = Listener::open(&self.redirect_uri.url)?;
            can_keep(&self.directory)?;
            self.show(&state, LISTEN)?;
            listener.wait(&state, &stop)?
        };
        let Some(code) = code else {
            return Ok(stop.signal().map_or(Exit::Failed, Exit::Signal));
        };
        let app = App {
            client: &self.client,
            servers: &self.servers,
            client_id: &self.client_id,
            client_secret: &self.client_secret,
        };
        let tokens = app.exchange(&code, &self.redirect_uri.text)?;
        // Kept before anything else can fail: the code is used up.
        self.keep(tokens)?;
        let session = Session::open(
            &self.directory,
            Arc::clone(&self.client),
            Some(self.client_secret.clone()),
            &self.servers,
        )?;
        let sites = session.ok_or(auth::Error::NotLoggedIn)?.sites()?;
        print(&report::sites(&sites, Format::Text))?;
        warn_of_sites(&sites);
        Ok(Exit::Done)
    }

    /// Says what to do with the URL. It is no diagnostic: no `--quiet` hides it.
    fn show(&self, state: &str, then: &str) -> Result<(), Error> {
        let redirect_uri = &self.redirect_uri.text;
        let url = oauth::authorization_url(&self.servers, &self.client_id, redirect_uri, state);
        let text = format!("Open this URL in a browser to log in:\n\n{url}\n\n{then}\n");
        Ok(stderr().write_all(text.as_bytes())?)
    }

    fn keep(&self, tokens: Tokens) -> Result<(), Error> {
        let store = GrantStore::open(&self.directory)?;
        if tokens.refresh_token.is_none() {
            tracing::warn!(
                "no refresh token came: offline_access was not granted, and the grant ends with its \
                 access token"
            );
        }
        store.save(&Grant {
            client_id: self.client_id.clone(),
            redirect_uri: self.redirect_uri.text.clone(),
            auth_base: self.servers.auth.clone(),
            api_base: self.servers.api.clone(),
            account: oauth::account(&tokens.access_token),
            scopes: tokens.scopes,
            sites: Vec::new(),
            access_token: tokens.access_token,
            access_ends: tokens.access_ends,
            refresh_token: tokens.refresh_token,
            refreshed_at: tokens.issued_at,
            logged_in_at: tokens.issued_at,
            refused_at: None,
        })?;
        tracing::info!("logged in: the grant is in {}", store.path().shown());
        Ok(())
    }
}

/// What to do after the login, with a listener.
const LISTEN: &str = "Waiting for the browser to come back (Ctrl-C ends it; --paste is for a browser on \
                      another machine)";
/// What to do after the login, without.
const PASTE: &str = "The browser is sent to a page that may not load. Paste the URL of that page here, on \
                     one line:";

/// Finds out whether a grant can be kept. The one before, even a damaged one, stays until then.
fn can_keep(directory: &Path) -> Result<(), auth::Error> {
    let store = GrantStore::open(directory)?;
    match store.load() {
        Ok(Some(grant)) => store.save(&grant),
        Ok(None) | Err(auth::Error::Damaged { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The code in the line that somebody pastes; none: it is time to end.
fn pasted(state: &str, stop: &Stop) -> Result<Option<Secret>, Error> {
    let Some(line) = line(stop)? else {
        return Ok(None);
    };
    let pasted = |problem| Err(auth::Error::Pasted(problem).into());
    match Callback::read_pasted(&String::from_utf8_lossy(&line), state) {
        Callback::Code(code) => Ok(Some(code)),
        Callback::Denied(said) => Err(auth::Error::Denied { said }.into()),
        Callback::Foreign => pasted("the state in it is not that of this login"),
        Callback::Nothing if line.trim_ascii().is_empty() => pasted("nothing came"),
        Callback::Nothing => pasted("there is no code in it"),
    }
}

/// One line of stdin, or what is there of it at the end; none: it is time to end.
fn line(stop: &Stop) -> Result<Option<Vec<u8>>, Error> {
    let mut input = stdin().lock();
    let mut line = Vec::new();
    while line.len() < LONGEST_LINE {
        if stop.wait(input.as_fd(), None)? == Ready::Stop {
            return Ok(None);
        }
        let text = match input.fill_buf() {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        let (read, end) = (text.len(), text.iter().position(|byte| *byte == b'\n'));
        line.extend(&text[..end.unwrap_or(read)]);
        input.consume(read);
        if end.is_some() || read == 0 {
            break;
        }
    }
    Ok(Some(line))
}
