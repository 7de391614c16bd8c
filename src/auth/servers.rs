//! Atlassian's servers, and what stands in for them.

use url::Url;

use super::store::TokenSet;
use crate::http::address;

/// The gateway, `--api-base` by default.
pub const API: &str = "https://api.atlassian.com";
/// The OAuth server, `--auth-base` by default.
pub const AUTH: &str = "https://auth.atlassian.com";

/// Where OAuth's requests go. Refresh tokens and the client secret go to `{auth}/oauth/token` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Servers {
    /// Base URL of the OAuth server (`--auth-base`).
    pub auth: Url,
    /// Base URL of the API gateway (`--api-base`).
    pub api: Url,
}

impl Servers {
    /// The servers of the login, except those that the arguments set to other than the default.
    #[must_use]
    pub fn or_of(&self, token_set: &TokenSet) -> Self {
        let choose = |given: &Url, default: &str, stored: &Url| {
            let is_default = Url::parse(default).is_ok_and(|default| default == *given);
            if is_default { stored } else { given }.clone()
        };
        Self {
            auth: choose(&self.auth, AUTH, &token_set.auth_base),
            api: choose(&self.api, API, &token_set.api_base),
        }
    }

    /// Warns where tokens go through the network for all to read.
    pub fn warn_if_plain(&self) {
        for (flag, url) in [("--auth-base", &self.auth), ("--api-base", &self.api)] {
            address::warn_if_plain(flag, url);
        }
    }
}
