//! Credentials and the `Authorization` header made of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Error, Session};
use crate::secret::Secret;

/// Credentials, which `Debug` does not show.
#[derive(Debug)]
pub enum Authorization {
    /// A user with an API token or a password (RFC 7617).
    Basic {
        /// The user's name, or e-mail address.
        user: String,
        /// API token or password.
        token: Secret,
    },
    /// A personal access token.
    Pat(Secret),
    /// The grant of a login.
    OAuth(Box<Session>),
}

/// The value of `Authorization` for a user and a token.
#[must_use]
pub fn basic(user: &str, token: &Secret) -> Secret {
    let pair = format!("{user}:{}", token.expose());
    Secret::new(format!("Basic {}", STANDARD.encode(pair)))
}

/// The value of `Authorization` for a token that stands for itself (RFC 6750).
#[must_use]
pub fn bearer(token: &Secret) -> Secret {
    Secret::new(format!("Bearer {}", token.expose()))
}

impl Authorization {
    /// The client id of the OAuth app, for advice to log in again.
    #[must_use]
    pub fn client_id(&self) -> String {
        match self {
            Self::OAuth(session) => session.token_set().client_id,
            Self::Basic { .. } | Self::Pat(_) => "ID".to_owned(),
        }
    }

    /// The value of `Authorization`.
    ///
    /// # Errors
    /// When a grant gives no access token.
    pub fn header(&self) -> Result<Secret, Error> {
        Ok(match self {
            Self::Basic { user, token } => basic(user, token),
            Self::Pat(token) => bearer(token),
            Self::OAuth(session) => bearer(&session.access_token()?),
        })
    }

    /// Another value than the one that was answered with 401; none if there is no other.
    ///
    /// # Errors
    /// When a grant gives no other access token.
    pub fn renewed(&self, rejected: &Secret) -> Result<Option<Secret>, Error> {
        let Self::OAuth(session) = self else {
            return Ok(None);
        };
        // The header is made of the token.
        let (_, token) = rejected.expose().split_once(' ').unwrap_or_default();
        let token = session.renew(&Secret::new(token.to_owned()))?;
        Ok(Some(bearer(&token)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_made_as_the_standards_say() {
        let token = Secret::new("open sesame".to_owned());
        let header = basic("Aladdin", &token);
        assert_eq!(header.expose(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(bearer(&token).expose(), "Bearer open sesame");
        let user = "Aladdin".to_owned();
        assert!(!format!("{:?}", Authorization::Basic { user, token }).contains("sesame"));
    }
}
