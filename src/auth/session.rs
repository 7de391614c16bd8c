//! Access tokens for as long as the grant lasts. Refreshing is done by one process at a time, and the
//! new refresh token is on disk before the new access token is used: a crash at any moment leaves a
//! grant that works.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::Error;
use super::oauth::{self, App, Tokens};
use super::servers::{GivenServers, Servers};
use super::store::{self, AccessibleSite, TokenSet, TokenStore, after};
use crate::http::Client;
use crate::http::retry::Failure;
use crate::pipeline::timestamp::Timestamp;
use crate::process::signal_guard::SignalGuard;
use crate::secret::Secret;

/// An access token that ends this soon is not begun with.
const MARGIN: Duration = Duration::from_secs(60);
/// The waits between attempts to save new tokens: a full disk may be cleared, and nobody else has
/// them.
const SAVE_WAITS: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(3),
    Duration::from_secs(5),
];

/// The stored grant in use. Threads may share it.
#[derive(Debug)]
pub struct Session {
    dir: PathBuf,
    client: Arc<Client>,
    client_secret: Option<Secret>,
    servers: Servers,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    token_set: TokenSet,
    /// The lock that goes with tokens that are not on disk yet: another process would use the dead
    /// refresh token that is.
    unsaved: Option<TokenStore>,
}

impl Session {
    /// The grant in a state directory; none without a login. Its servers are asked, but for those
    /// that are given.
    ///
    /// # Errors
    /// When it is damaged or cannot be read.
    pub fn open(
        dir: &Path,
        client: Arc<Client>,
        client_secret: Option<Secret>,
        given: &GivenServers,
    ) -> Result<Option<Self>, Error> {
        given.or_default().note();
        let Some(token_set) = store::read(dir)? else {
            return Ok(None);
        };
        let servers = given.or_of(&token_set);
        servers.note();
        client.check([&servers.auth, &servers.api])?;
        servers.warn_if_plain();
        hide(&client, &token_set);
        if let Some(secret) = &client_secret {
            client.hide(secret);
        }
        Ok(Some(Self {
            dir: dir.to_owned(),
            client,
            client_secret,
            servers,
            held: Mutex::new(Held {
                token_set,
                unsaved: None,
            }),
        }))
    }

    /// The grant as it is now.
    #[must_use]
    pub fn token_set(&self) -> TokenSet {
        self.hold().token_set.clone()
    }

    /// The servers that are asked.
    #[must_use]
    pub fn servers(&self) -> &Servers {
        &self.servers
    }

    /// An access token that lasts for a minute at least, a new one if need be.
    ///
    /// # Errors
    /// When a new one is needed, and cannot be had or saved.
    pub fn access_token(&self) -> Result<Secret, Error> {
        self.token(None)
    }

    /// Another access token than the one that was answered with 401.
    ///
    /// # Errors
    /// As [`Self::access_token`].
    pub fn renew(&self, rejected: &Secret) -> Result<Secret, Error> {
        self.token(Some(rejected))
    }

    /// Asks for the sites of the grant anew, and stores them.
    ///
    /// # Errors
    /// When they or an access token cannot be had.
    pub fn sites(&self) -> Result<Vec<AccessibleSite>, Error> {
        let token = self.access_token()?;
        let ask = |token: &Secret| oauth::sites(&self.client, &self.servers, token);
        let asked = match ask(&token) {
            Err(Failure::Refused(answer)) if answer.status == 401 => ask(&self.renew(&token)?),
            asked => asked,
        };
        let sites = asked.map_err(|failure| self.no_sites(failure))?;
        if let Err(error) = self.keep_sites(&sites) {
            tracing::warn!(
                "{error}; `auth status` and fetch keep using the previous list of sites"
            );
        }
        Ok(sites)
    }

    fn no_sites(&self, failure: Failure) -> Error {
        let answer = match failure {
            Failure::Refused(answer) => answer,
            unanswered @ Failure::Unanswered { .. } => return Error::Sites(unanswered),
        };
        let url = crate::http::without_query(&answer.url);
        let said = answer.quote();
        match answer.status {
            401 => Error::Rejected {
                url,
                said,
                client_id: self.token_set().client_id,
            },
            status => Error::SitesRefused { url, status, said },
        }
    }

    fn keep_sites(&self, sites: &[AccessibleSite]) -> Result<(), Error> {
        let mut held = self.hold();
        if held.token_set.sites == sites {
            return Ok(());
        }
        sites.clone_into(&mut held.token_set.sites);
        if held.unsaved.is_some() {
            // They get onto the disk with the tokens.
            return Ok(());
        }
        let store = TokenStore::open(&self.dir)?;
        // Another process may have refreshed meanwhile, or logged out.
        let Some(mut token_set) = store.load()? else {
            return Ok(());
        };
        sites.clone_into(&mut token_set.sites);
        store.save(&token_set)
    }

    fn hold(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An access token that is good, and not the rejected one.
    fn token(&self, rejected: Option<&Secret>) -> Result<Secret, Error> {
        let mut held = self.hold();
        if let Some(store) = held.unsaved.take() {
            Self::keep(store, &mut held)?;
        }
        if !is_good(&held.token_set, rejected) {
            self.refresh(&mut held, rejected)?;
        }
        Ok(held.token_set.access_token.clone())
    }

    /// Refreshes, unless another process has.
    fn refresh(&self, held: &mut Held, rejected: Option<&Secret>) -> Result<(), Error> {
        let store = TokenStore::open(&self.dir)?;
        held.token_set = store.load()?.ok_or(Error::NotLoggedIn)?;
        if is_good(&held.token_set, rejected) {
            return Ok(());
        }
        let token_set = &held.token_set;
        let refresh_token = token_set.refresh_token.as_ref();
        let refresh_token = refresh_token.ok_or_else(|| Error::NoRefreshToken {
            client_id: token_set.client_id.clone(),
            ends: token_set.access_ends,
        })?;
        let app = App {
            client: &self.client,
            servers: &self.servers,
            client_id: &token_set.client_id,
            client_secret: self.client_secret.as_ref().ok_or(Error::NoClientSecret)?,
        };
        // From here until the new tokens are kept.
        let _uninterrupted = SignalGuard::begin();
        // A rehearsal: where nothing can be written, the refresh token must not be used up.
        store.save(token_set)?;
        let tokens = app
            .refresh(refresh_token)
            .inspect_err(|error| note_end(&store, token_set, error))?;
        tracing::debug!(
            rotated = tokens.refresh_token.is_some(),
            "access token refreshed"
        );
        held.token_set = refreshed(token_set, tokens);
        hide(&self.client, &held.token_set);
        Self::keep(store, held)
    }

    /// Gets the held grant onto the disk; as long as it is not, the lock is kept, too.
    fn keep(store: TokenStore, held: &mut Held) -> Result<(), Error> {
        let mut waits = SAVE_WAITS.iter();
        loop {
            let Err(error) = store.save(&held.token_set) else {
                return Ok(());
            };
            let Some(wait) = waits.next() else {
                held.unsaved = Some(store);
                return Err(match error {
                    Error::Save { path, source } => Error::Lost {
                        path,
                        source,
                        client_id: held.token_set.client_id.clone(),
                    },
                    other => other,
                });
            };
            tracing::warn!("{error}; the new tokens are in memory only: retrying");
            thread::sleep(*wait);
        }
    }
}

/// Whatever a server says, it does not say the tokens.
fn hide(client: &Client, token_set: &TokenSet) {
    client.hide(&token_set.access_token);
    if let Some(token) = &token_set.refresh_token {
        client.hide(token);
    }
}

/// Whether the access token can be used for a while, and is not the rejected one.
fn is_good(token_set: &TokenSet, rejected: Option<&Secret>) -> bool {
    rejected != Some(&token_set.access_token)
        && token_set.access_ends > after(Timestamp::now(), MARGIN)
}

/// The grant with new tokens. Where the server sends no refresh token, or no scopes, the old ones go
/// on.
fn refreshed(token_set: &TokenSet, tokens: Tokens) -> TokenSet {
    let account = oauth::account(&tokens.access_token);
    let scopes = tokens.scopes;
    TokenSet {
        account: account.or_else(|| token_set.account.clone()),
        scopes: if scopes.is_empty() {
            token_set.scopes.clone()
        } else {
            scopes
        },
        access_token: tokens.access_token,
        access_ends: tokens.access_ends,
        refresh_token: tokens
            .refresh_token
            .or_else(|| token_set.refresh_token.clone()),
        refreshed_at: tokens.issued_at,
        refused_at: None,
        ..token_set.clone()
    }
}

/// Leaves for `auth status` that the refresh token is dead.
fn note_end(store: &TokenStore, token_set: &TokenSet, error: &Error) {
    if !matches!(error, Error::Ended { .. }) {
        return;
    }
    let ended = TokenSet {
        refused_at: Some(Timestamp::now()),
        ..token_set.clone()
    };
    if let Err(error) = store.save(&ended) {
        tracing::debug!("cannot record that the login has expired: {error}");
    }
}
