//! Logging in: a browser, the code that comes back from it, and the grant that it is good for.

use std::io::{self, BufRead as _, Write as _, stderr, stdin};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::Session;
use super::callback::Callback;
use super::listener::Listener;
use super::oauth::{self, App, Tokens};
use super::servers::{GivenServers, Servers};
use super::store::{AccessibleSite, TokenSet, TokenStore};
use crate::http::Client;
use crate::process::shown::Shown as _;
use crate::process::stop::{Ready, Stop};
use crate::secret::Secret;

/// The longest line that is read from who pastes, in bytes.
const LONGEST_LINE: usize = 64 << 10;

/// Why a login fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no access token.
    #[error(transparent)]
    Auth(#[from] super::Error),
    /// The system refuses what every program needs.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// A login on its way.
pub struct Login {
    /// Client id of the OAuth app.
    pub client_id: String,
    /// Where the browser is sent back to, as it was given: OAuth servers compare it letter by letter.
    pub redirect_uri: String,
    /// The redirect URI, parsed.
    pub redirect_url: Url,
    /// The secret of the app.
    pub client_secret: Secret,
    /// HTTP client for the requests.
    pub client: Arc<Client>,
    /// Base URLs of the requests.
    pub servers: Servers,
    /// Where the grant is kept.
    pub directory: PathBuf,
}

impl Login {
    /// Waits for the browser, or with `paste` for somebody to paste where it was sent to, and keeps the
    /// grant; the sites that it is for. None if it is time to end.
    ///
    /// # Errors
    /// When the login is denied, or its answer, the servers or the directory fail.
    pub fn run(&self, paste: bool, stop: &Stop) -> Result<Option<Vec<AccessibleSite>>, Error> {
        let state = oauth::new_state()?;
        let code = if paste {
            can_keep(&self.directory)?;
            self.show(&state, PASTE)?;
            pasted(&state, stop)?
        } else {
            let mut listener = Listener::open(&self.redirect_url)?;
            can_keep(&self.directory)?;
            self.show(&state, LISTEN)?;
            listener.wait(&state, stop)?
        };
        let Some(code) = code else {
            return Ok(None);
        };
        let app = App {
            client: &self.client,
            servers: &self.servers,
            client_id: &self.client_id,
            client_secret: &self.client_secret,
        };
        let tokens = app.exchange(&code, &self.redirect_uri)?;
        // Kept before anything else can fail: the code is used up.
        self.keep(tokens)?;
        let session = Session::open(
            &self.directory,
            Arc::clone(&self.client),
            Some(self.client_secret.clone()),
            // They are stored with the grant.
            &GivenServers::default(),
        )?;
        let session = session.ok_or(super::Error::NotLoggedIn)?;
        Ok(Some(session.sites()?))
    }

    /// Says what to do with the URL. It is no diagnostic: no `--quiet` hides it.
    fn show(&self, state: &str, then: &str) -> Result<(), Error> {
        let redirect_uri = &self.redirect_uri;
        let url = oauth::authorization_url(&self.servers, &self.client_id, redirect_uri, state);
        let text = format!("Open this URL in a browser to log in:\n\n{url}\n\n{then}\n");
        Ok(stderr().write_all(text.as_bytes())?)
    }

    fn keep(&self, tokens: Tokens) -> Result<(), Error> {
        let store = TokenStore::open(&self.directory)?;
        if tokens.refresh_token.is_none() {
            tracing::warn!(
                "no refresh token received: offline_access was not granted, so the login expires with its \
                 access token"
            );
        }
        store.save(&TokenSet {
            client_id: self.client_id.clone(),
            redirect_uri: self.redirect_uri.clone(),
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
        tracing::info!("logged in: tokens saved in {}", store.path().shown());
        Ok(())
    }
}

/// What to do after the login, with a listener.
const LISTEN: &str = "Waiting for the browser to come back (Ctrl-C to cancel; use --paste with a browser on \
                      another machine)";
/// What to do after the login, without.
const PASTE: &str = "The browser is redirected to a page that may not load. Paste its URL here, on \
                     one line:";

/// Finds out whether a grant can be kept. The one before, even a damaged one, stays until then.
fn can_keep(directory: &Path) -> Result<(), super::Error> {
    let store = TokenStore::open(directory)?;
    match store.load() {
        Ok(Some(token_set)) => store.save(&token_set),
        Ok(None) | Err(super::Error::Damaged { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The code in the pasted line; none when a signal came.
fn pasted(state: &str, stop: &Stop) -> Result<Option<Secret>, Error> {
    let Some(line) = line(stop)? else {
        return Ok(None);
    };
    let pasted = |problem| Err(super::Error::Pasted(problem).into());
    match Callback::read_pasted(&String::from_utf8_lossy(&line), state) {
        Callback::Code(code) => Ok(Some(code)),
        Callback::Denied(said) => Err(super::Error::Denied { said }.into()),
        Callback::Foreign => pasted("its state parameter is not that of this login"),
        Callback::Nothing if line.trim_ascii().is_empty() => pasted("empty"),
        Callback::Nothing => pasted("it has no code"),
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
