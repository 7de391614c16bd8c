//! Atlassian's servers, and what stands in for them.

use std::sync::{PoisonError, RwLock};

use url::Url;

use super::store::TokenSet;
use crate::http::{address, without_query};

/// The gateway, `--api-base` by default.
pub const API: &str = "https://api.atlassian.com";
/// The OAuth server, `--auth-base` by default.
pub const AUTH: &str = "https://auth.atlassian.com";

/// The servers that arguments name (`--api-base`, `--auth-base`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenServers {
    /// Base URL of the OAuth server.
    pub auth: Option<Url>,
    /// Base URL of the API gateway.
    pub api: Option<Url>,
}

impl GivenServers {
    /// The default ones in place of those that are not given.
    #[must_use]
    pub fn or_default(&self) -> Servers {
        let choose = |given: &Option<Url>, default: &str| {
            let default = || Url::parse(default).unwrap_or_else(|error| unreachable!("{error}"));
            given.clone().unwrap_or_else(default)
        };
        Servers {
            auth: choose(&self.auth, AUTH),
            api: choose(&self.api, API),
        }
    }

    /// Those of the login in place of those that are not given.
    #[must_use]
    pub fn or_of(&self, token_set: &TokenSet) -> Servers {
        let choose = |given: &Option<Url>, stored: &Url| given.as_ref().unwrap_or(stored).clone();
        Servers {
            auth: choose(&self.auth, &token_set.auth_base),
            api: choose(&self.api, &token_set.api_base),
        }
    }
}

/// Where OAuth's requests go. Refresh tokens and the client secret go to `{auth}/oauth/token` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Servers {
    /// Base URL of the OAuth server (`--auth-base`).
    pub auth: Url,
    /// Base URL of the API gateway (`--api-base`).
    pub api: Url,
}

/// The servers of this process, for the commands that messages advise.
static OF_PROCESS: RwLock<Option<Servers>> = RwLock::new(None);

/// The flags that a new login needs to reach the servers of this process: none for the default ones.
#[must_use]
pub fn login_flags() -> Vec<String> {
    let servers = OF_PROCESS.read().unwrap_or_else(PoisonError::into_inner);
    let Some(servers) = &*servers else {
        return Vec::new();
    };
    let flags = [
        ("--api-base", &servers.api, API),
        ("--auth-base", &servers.auth, AUTH),
    ];
    let others = flags
        .into_iter()
        .filter(|(_, url, default)| !is_default(url, default));
    others
        .flat_map(|(flag, url, _)| [flag.to_owned(), without_query(url)])
        .collect()
}

fn is_default(url: &Url, default: &str) -> bool {
    Url::parse(default).is_ok_and(|default| default == *url)
}

impl Servers {
    /// Takes note of the servers, for the commands that messages advise.
    pub fn note(&self) {
        *OF_PROCESS.write().unwrap_or_else(PoisonError::into_inner) = Some(self.clone());
    }

    /// Warns where tokens go through the network for all to read.
    pub fn warn_if_plain(&self) {
        for (flag, url) in [("--auth-base", &self.auth), ("--api-base", &self.api)] {
            address::warn_if_plain(flag, url);
        }
    }
}
