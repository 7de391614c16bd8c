//! Why there is no access token.

use std::io;
use std::path::PathBuf;

use super::credentials;
use super::servers;
use crate::http::retry::Failure;
use crate::http::{self, SettingsError};
use crate::pipeline::timestamp::Timestamp;
use crate::process::advice;
use crate::process::shown::Shown as _;
use crate::state;

/// Why there is no access token, with the remedy. Nothing in it is a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no stored login.
    #[error("not logged in: run `{}`", login("ID"))]
    NotLoggedIn,
    /// The token file is damaged.
    #[error("token file {} is damaged: {damage}; log in again with `{}`", path.shown(), login("ID"))]
    Damaged {
        /// Path of the file that caused the error.
        path: PathBuf,
        /// What is wrong with it.
        damage: &'static str,
    },
    /// Another process is refreshing it, and does not come to an end.
    #[error(
        "{} is locked by another process{}, which has been refreshing the tokens for a minute: the OAuth \
         server may be unreachable; try again later",
        path.shown(),
        holder.map(|pid| format!(", {pid}")).unwrap_or_default()
    )]
    Busy {
        /// Path of the lock file.
        path: PathBuf,
        /// The other's process id, as it wrote it down.
        holder: Option<u32>,
    },
    /// The state directory fails.
    #[error(transparent)]
    State(#[from] state::Error),
    /// The grant cannot be written.
    #[error("cannot save the tokens in {}: {source}", path.shown())]
    Save {
        /// Path of the file that caused the error.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// The tokens of a refresh cannot be written, and those on disk are used up.
    #[error(
        "cannot save the new tokens in {}: {source}; the refresh token there is no longer valid: once the file can be \
         written, log in again with `{}`",
        path.shown(),
        login(client_id)
    )]
    Lost {
        /// Path of the file that caused the error.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
        /// Client id of the OAuth app.
        client_id: String,
    },
    /// The grant cannot be removed.
    #[error("cannot remove the tokens in {}: {source}", path.shown())]
    Remove {
        /// Path of the file that caused the error.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// The refresh token is dead.
    #[error(
        "the login has expired: the OAuth server rejected its refresh token ({said}), which was revoked, \
         has expired (after 90 days without use, or 365 in all), or was already used by someone with a \
         copy of it{}; log in again with `{}`",
        lost(*.is_repeated),
        login(client_id)
    )]
    Ended {
        /// Client id of the OAuth app.
        client_id: String,
        /// What the server says.
        said: String,
        /// Whether the refresh was asked for more than once.
        is_repeated: bool,
    },
    /// The stored tokens are known to have expired.
    #[error(
        "the login has expired: {why}; log in again with `{}`",
        login(client_id)
    )]
    Over {
        /// Client id of the OAuth app.
        client_id: String,
        /// Why it expired, as a phrase.
        why: &'static str,
    },
    /// There is nothing to refresh with.
    #[error(
        "the access token {} there is no refresh token (offline_access was not granted); log in again with `{}`",
        access(*.ends),
        login(client_id)
    )]
    NoRefreshToken {
        /// Client id of the OAuth app.
        client_id: String,
        /// When the access token ends.
        ends: Timestamp,
    },
    /// The API refuses access tokens that were only just issued.
    #[error(
        "{url} rejected an access token that was just issued ({said}); log in again with `{}`",
        login(client_id)
    )]
    Rejected {
        /// URL of the request, without its query.
        url: String,
        /// What the server says.
        said: String,
        /// Client id of the OAuth app.
        client_id: String,
    },
    /// Refreshing needs the app's secret.
    #[error(
        "--client-secret-file: the OAuth app's client secret is required: set \
         CONFLUENCE_OAUTH_CLIENT_SECRET, pass --client-secret-file FILE, or provide the systemd credential \
         oauth-client-secret"
    )]
    NoClientSecret,
    /// The app's secret or id is wrong.
    #[error(
        "the OAuth server rejected the client secret of app {client_id} ({said}): check \
         CONFLUENCE_OAUTH_CLIENT_SECRET or --client-secret-file, and the client id that the login was given"
    )]
    ClientRefused {
        /// Client id of the OAuth app.
        client_id: String,
        /// What the server says.
        said: String,
    },
    /// The app is not one that may ask for tokens so.
    #[error(
        "the OAuth server does not let app {client_id} ask for tokens ({said}): open the app at \
         https://developer.atlassian.com/console/myapps, add OAuth 2.0 (3LO) under Authorization, and check that \
         the client id that the login was given is that app's"
    )]
    GrantTypeRefused {
        /// Client id of the OAuth app.
        client_id: String,
        /// What the server says.
        said: String,
    },
    /// The OAuth server is unreachable or fails.
    #[error("cannot refresh the access token: {0}; the login is still valid: try again later")]
    Outage(Failure),
    /// The OAuth server does not like the request.
    #[error("no access token: {url} returned status {status}{}", quoted(said))]
    Refused {
        /// URL of the request, without its query.
        url: String,
        /// HTTP status of the response.
        status: u16,
        /// What the server says.
        said: String,
    },
    /// The code of a login is dead.
    #[error(
        "the OAuth server rejected the authorization code ({said}): a code works once, for a few minutes; log in again"
    )]
    CodeRefused {
        /// What the server says.
        said: String,
    },
    /// The answer to a code, which works once, got lost.
    #[error("cannot exchange the authorization code: {0}; a code works only once: log in again")]
    CodeUnanswered(http::Error),
    /// The answer to a code is no grant.
    #[error("unexpected response to the authorization code: {0}; log in again")]
    CodeUseless(String),
    /// Who logs in did not allow it, or the app may not ask.
    #[error("access denied: {said}")]
    Denied {
        /// What the server says.
        said: String,
    },
    /// The sites cannot be asked for.
    #[error("cannot list the sites: {0}")]
    Sites(Failure),
    /// The sites cannot be asked for, says the server.
    #[error(
        "cannot list the sites: {url} returned status {status}{}",
        quoted(said)
    )]
    SitesRefused {
        /// URL of the request, without its query.
        url: String,
        /// HTTP status of the response.
        status: u16,
        /// What the server says.
        said: String,
    },
    /// Nobody can listen where the browser is sent back to.
    #[error(
        "--redirect-uri: cannot listen on {address}: {problem}; free the port, pass another \
         --redirect-uri that the app's settings allow, or use --paste"
    )]
    Listen {
        /// Host and port that cannot be bound.
        address: String,
        /// What the system reports.
        problem: String,
    },
    /// The browser is sent to another machine.
    #[error(
        "--redirect-uri: {0} is not an http URL of this machine (127.0.0.1, localhost or [::1], with a port), \
         so there is nothing to listen on: use --paste with it"
    )]
    NotLoopback(String),
    /// The browser never came back.
    #[error("the browser did not come back within {}: log in again, or use --paste", humantime::format_duration(*.0))]
    NoCallback(std::time::Duration),
    /// What was pasted is not what the browser was sent back to.
    #[error(
        "stdin: {0}: expected the whole URL that the browser was redirected to, with code and state, on one line"
    )]
    Pasted(&'static str),
    /// The client secret cannot be read.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// Requests cannot be made so.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The system refuses what every program needs.
    #[error("cannot log in: {0}")]
    System(#[from] io::Error),
}

impl Error {
    /// Whether it stays so until somebody logs in or mends the credentials: neither a matter of the network nor
    /// of this machine.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Outage(_)
            | Self::Busy { .. }
            | Self::State(_)
            | Self::Save { .. }
            | Self::Remove { .. }
            | Self::Sites(_) => false,
            Self::Refused { status, .. } | Self::SitesRefused { status, .. } => *status < 500,
            _ => true,
        }
    }

    /// Whether arguments or settings are wrong, not the world.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoClientSecret | Self::NotLoopback(_) | Self::Credentials(_) | Self::Settings(_)
        )
    }

    /// Whether it may be over at the next attempt, without anybody doing anything.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Outage(_) | Self::Busy { .. } | Self::Save { .. } => true,
            Self::Sites(failure) => matches!(failure, Failure::Unanswered { .. }),
            _ => false,
        }
    }

    /// Whether a new login is the only remedy.
    #[must_use]
    pub fn needs_login(&self) -> bool {
        matches!(
            self,
            Self::NotLoggedIn
                | Self::Damaged { .. }
                | Self::Lost { .. }
                | Self::Ended { .. }
                | Self::Over { .. }
                | Self::NoRefreshToken { .. }
                | Self::Rejected { .. }
        )
    }
}

/// The command that logs in.
#[must_use]
pub fn login(client_id: &str) -> String {
    let words = ["auth", "login", "--client-id", client_id].map(str::to_owned);
    let words: Vec<_> = words.into_iter().chain(servers::login_flags()).collect();
    advice::command(&words)
}

/// What is left of an access token that cannot be refreshed.
fn access(ends: Timestamp) -> &'static str {
    if ends <= Timestamp::now() {
        "has expired, and"
    } else {
        "cannot be refreshed, as"
    }
}

/// A refresh whose answer got lost has used the token up.
fn lost(is_repeated: bool) -> &'static str {
    if is_repeated {
        ", or by our own first request, whose answer was lost"
    } else {
        ""
    }
}

fn quoted(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    }
}
