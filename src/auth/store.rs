//! The grant that a login left: whose it is, what for, and until when, in `oauth.json` of the state
//! directory. There is no previous generation of it: the refresh token of that one is dead.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::Error;
use crate::pipeline::timestamp::Timestamp;
use crate::process::shown::Shown as _;
use crate::secret::Secret;
use crate::state::{self, Damage, Store};

/// The name of its file and lock.
const NAME: &str = "oauth";
/// How long another process may take to refresh before we give up.
const PATIENCE: Duration = Duration::from_secs(60);
/// A refresh token ends when it was not used for so long (Atlassian, "Rotating refresh tokens").
const IDLE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// A login ends after so long, however often its tokens were refreshed.
const IN_ALL: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What a login was granted. It has no `Serialize`: its tokens get into no other file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSet {
    /// Client id of the OAuth app.
    pub client_id: String,
    /// Where the browser was sent back to.
    pub redirect_uri: String,
    /// The OAuth server of the login.
    pub auth_base: Url,
    /// The gateway of the login.
    pub api_base: Url,
    /// Atlassian's id of who logged in, if the access token tells.
    pub account: Option<String>,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// What it is for, as last asked.
    pub sites: Vec<AccessibleSite>,
    /// Bearer token for API requests.
    pub access_token: Secret,
    /// Expiry of the access token.
    pub access_ends: Timestamp,
    /// For the next access token; none without the scope `offline_access`.
    pub refresh_token: Option<Secret>,
    /// When the refresh token was used or got last.
    pub refreshed_at: Timestamp,
    /// When the login was.
    pub logged_in_at: Timestamp,
    /// When the refresh token was refused, which is the end.
    pub refused_at: Option<Timestamp>,
}

/// A Confluence Cloud site that the grant is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessibleSite {
    /// Cloud id of the site.
    pub id: String,
    /// URL of the site, such as `https://acme.atlassian.net`.
    #[serde(default)]
    pub url: String,
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// What is granted there.
    #[serde(default)]
    pub scopes: Vec<String>,
}

impl AccessibleSite {
    /// Whether audit records can be read there.
    #[must_use]
    pub fn has_audit_scope(&self) -> bool {
        self.scopes.iter().any(|scope| scope.contains("audit-log"))
    }
}

impl TokenSet {
    /// When the refresh token expires unless it is used before.
    #[must_use]
    pub fn refresh_ends(&self) -> Option<Timestamp> {
        self.refresh_token.as_ref()?;
        Some(after(self.refreshed_at, IDLE).min(self.ends()))
    }

    /// When a new login is needed whatever happens: without a refresh token, with the access token.
    #[must_use]
    pub fn ends(&self) -> Timestamp {
        match self.refresh_token {
            Some(_) => after(self.logged_in_at, IN_ALL),
            None => self.access_ends,
        }
    }

    /// Why it has expired, if it has.
    #[must_use]
    pub fn ended(&self, now: Timestamp) -> Option<&'static str> {
        if self.refused_at.is_some() {
            return Some("its refresh token was rejected: revoked, expired, or used elsewhere");
        }
        if self.access_ends > now {
            return None;
        }
        match self.refresh_ends() {
            None => Some("its access token has expired, and it has no refresh token"),
            Some(ends) if ends <= now => Some("it was not used for 90 days, or is 365 days old"),
            Some(_) => None,
        }
    }
}

/// An instant after another; the last that can be written if it is later still.
pub(super) fn after(start: Timestamp, duration: Duration) -> Timestamp {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let start = start.to_utc().unix_timestamp_nanos() / 1_000_000;
    let end = i64::try_from(start)
        .ok()
        .and_then(|start| start.checked_add(seconds.checked_mul(1000)?))
        .and_then(Timestamp::from_millis);
    end.or(Timestamp::from_millis(253_402_300_799_999))
        .unwrap_or_else(Timestamp::now)
}

/// A time as text, `YYYY-MM-DDThh:mm:ss.mmmZ`.
#[must_use]
pub fn text(time: Timestamp) -> String {
    let json = time.json();
    String::from_utf8_lossy(&json[1..json.len() - 1]).into_owned()
}

/// The stored grant, this process's alone for as long as this lives.
#[derive(Debug)]
pub struct TokenStore {
    store: Store,
    path: PathBuf,
}

impl TokenStore {
    /// Takes the lock of the grant in the state directory, which is created if it is missing; waits
    /// for a process that has it: two must never refresh at once.
    ///
    /// # Errors
    /// When the other has it for too long, or the directory or the lock fails.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let store = Store::open_single(dir, NAME, PATIENCE).map_err(|error| match error {
            state::Error::Held { path, holder } => Error::Busy { path, holder },
            other => Error::State(other),
        })?;
        Ok(Self {
            store,
            path: path(dir),
        })
    }

    /// The grant; none without a login.
    ///
    /// # Errors
    /// When it is damaged or cannot be read.
    pub fn load(&self) -> Result<Option<TokenSet>, Error> {
        let written: Option<SavedTokens> = self.store.load().map_err(to_auth_error)?;
        written.map(|written| written.read(&self.path)).transpose()
    }

    /// Replaces the grant, durably.
    ///
    /// # Errors
    /// When it cannot be written; the one before is then as it was.
    pub fn save(&self, token_set: &TokenSet) -> Result<(), Error> {
        let saved = self.store.save(&SavedTokens::of(token_set));
        saved.map_err(|source| Error::Save {
            path: self.path.clone(),
            source,
        })
    }

    /// Removes the grant, whatever is in its file, durably; says whether there was one.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self) -> Result<bool, Error> {
        self.store.remove().map_err(|source| Error::Remove {
            path: self.path.clone(),
            source,
        })
    }

    /// The file of the grant.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The file of the grant in a state directory.
#[must_use]
pub fn path(dir: &Path) -> PathBuf {
    dir.join(format!("{NAME}.json"))
}

/// Reads the grant without its lock; none without a login.
///
/// # Errors
/// When it is damaged or cannot be read.
pub fn read(dir: &Path) -> Result<Option<TokenSet>, Error> {
    let path = path(dir);
    let Some(saved) = state::read_single::<SavedTokens>(dir, NAME).map_err(to_auth_error)? else {
        return Ok(None);
    };
    warn_if_open(&path);
    saved.state.read(&path).map(Some)
}

/// Somebody changed its mode: we write it for this user only.
fn warn_if_open(path: &Path) {
    let is_open = std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if is_open {
        tracing::warn!(
            "the tokens in {path} are readable by other users: chmod 600 {path}",
            path = path.shown()
        );
    }
}

/// The damage in our words: those of the parser may quote what they do not understand, a token.
fn to_auth_error(error: state::Error) -> Error {
    match error {
        state::Error::DamagedSingle { path, damage } => Error::Damaged {
            path,
            damage: match damage {
                Damage::Empty => "file is empty",
                Damage::Checksum => "checksum mismatch",
                Damage::Missing => "file is missing",
                Damage::Shape(_) => "unexpected content",
            },
        },
        other => Error::State(other),
    }
}

/// The grant as it is written. The only place where tokens are.
#[derive(Serialize, Deserialize)]
struct SavedTokens {
    client_id: String,
    redirect_uri: String,
    auth_base: String,
    api_base: String,
    account: Option<String>,
    scopes: Vec<String>,
    sites: Vec<AccessibleSite>,
    access_token: String,
    access_ends: String,
    refresh_token: Option<String>,
    refreshed_at: String,
    logged_in_at: String,
    refused_at: Option<String>,
}

impl SavedTokens {
    fn of(token_set: &TokenSet) -> Self {
        let exposed = |token: &Secret| token.expose().to_owned();
        Self {
            client_id: token_set.client_id.clone(),
            redirect_uri: token_set.redirect_uri.clone(),
            auth_base: token_set.auth_base.to_string(),
            api_base: token_set.api_base.to_string(),
            account: token_set.account.clone(),
            scopes: token_set.scopes.clone(),
            sites: token_set.sites.clone(),
            access_token: exposed(&token_set.access_token),
            access_ends: text(token_set.access_ends),
            refresh_token: token_set.refresh_token.as_ref().map(exposed),
            refreshed_at: text(token_set.refreshed_at),
            logged_in_at: text(token_set.logged_in_at),
            refused_at: token_set.refused_at.map(text),
        }
    }

    fn read(self, path: &Path) -> Result<TokenSet, Error> {
        let damaged = |damage| Error::Damaged {
            path: path.to_owned(),
            damage,
        };
        let url = |text: &str| Url::parse(text).map_err(|_| damaged("invalid base URL"));
        let time = |text: &str| Timestamp::from_text(text).ok_or_else(|| damaged("invalid time"));
        Ok(TokenSet {
            auth_base: url(&self.auth_base)?,
            api_base: url(&self.api_base)?,
            access_ends: time(&self.access_ends)?,
            refreshed_at: time(&self.refreshed_at)?,
            logged_in_at: time(&self.logged_in_at)?,
            refused_at: self.refused_at.as_deref().map(time).transpose()?,
            client_id: self.client_id,
            redirect_uri: self.redirect_uri,
            account: self.account,
            scopes: self.scopes,
            sites: self.sites,
            access_token: Secret::new(self.access_token),
            refresh_token: self.refresh_token.map(Secret::new),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::from_text(text).unwrap()
    }

    fn token_set() -> TokenSet {
        let base = || Url::parse("http://127.0.0.1:1/").unwrap();
        TokenSet {
            client_id: "app".to_owned(),
            redirect_uri: "http://127.0.0.1:8917/callback".to_owned(),
            auth_base: base(),
            api_base: base(),
            account: None,
            scopes: vec!["offline_access".to_owned()],
            sites: vec![AccessibleSite {
                id: "1".to_owned(),
                url: String::new(),
                name: "näme".to_owned(),
                scopes: vec!["read:audit-log:confluence".to_owned()],
            }],
            access_token: Secret::new("aaa".to_owned()),
            access_ends: time("2026-01-01T01:00:00Z"),
            refresh_token: Some(Secret::new("rrr".to_owned())),
            refreshed_at: time("2026-01-01T00:00:00Z"),
            logged_in_at: time("2025-01-10T00:00:00Z"),
            refused_at: None,
        }
    }

    #[test]
    fn what_is_saved_is_read_with_and_without_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), None);
        let store = TokenStore::open(folder.path()).unwrap();
        assert_eq!(store.load().unwrap(), None);
        for refused_at in [None, Some(time("2026-02-01T00:00:00Z"))] {
            let token_set = TokenSet {
                refused_at,
                ..token_set()
            };
            store.save(&token_set).unwrap();
            assert_eq!(store.load().unwrap().as_ref(), Some(&token_set));
            assert_eq!(read(folder.path()).unwrap(), Some(token_set));
        }
        assert!(store.remove().unwrap() && !store.remove().unwrap());
        assert_eq!(read(folder.path()).unwrap(), None);
    }

    #[test]
    fn damage_is_told_without_quoting_what_may_be_a_token() {
        let folder = tempfile::tempdir().unwrap();
        for (content, expected) in [
            ("", "file is empty"),
            ("\"secret\"", "unexpected content"),
            ("{\"version\":\"secret\"}", "unexpected content"),
        ] {
            std::fs::write(path(folder.path()), content).unwrap();
            let message = read(folder.path()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn a_grant_ends_with_its_tokens() {
        let ends = |token_set: &TokenSet, now: &str| token_set.ended(time(now)).is_some();
        let token_set = token_set();
        assert_eq!(text(token_set.ends()), "2026-01-10T00:00:00.000Z");
        assert_eq!(
            token_set.refresh_ends(),
            Some(token_set.ends()),
            "the nearer end"
        );
        assert!(!ends(&token_set, "2026-01-09T00:00:00Z"));
        assert!(ends(&token_set, "2026-01-11T00:00:00Z"));

        let idle = TokenSet {
            logged_in_at: token_set.refreshed_at,
            ..token_set.clone()
        };
        assert!(!ends(&idle, "2026-03-31T00:00:00Z"));
        assert!(ends(&idle, "2026-04-02T00:00:00Z"));

        let short = TokenSet {
            refresh_token: None,
            ..token_set.clone()
        };
        assert_eq!(short.refresh_ends(), None);
        assert_eq!(short.ends(), short.access_ends);
        assert!(!ends(&short, "2026-01-01T00:59:59Z"));
        assert!(ends(&short, "2026-01-01T01:00:00Z"));

        let refused = TokenSet {
            refused_at: Some(token_set.refreshed_at),
            ..token_set
        };
        assert!(ends(&refused, "2026-01-01T00:00:01Z"));
    }

    #[test]
    fn no_duration_is_too_long() {
        let last = after(time("2026-01-01T00:00:00Z"), Duration::MAX);
        assert_eq!(text(last), "9999-12-31T23:59:59.999Z");
    }
}
