//! What is asked of a server.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::http;
use url::Url;

use crate::secret::Secret;

/// The secrets in what is posted to OAuth servers.
const SECRET_KEYS: [&str; 3] = ["client_secret", "code", "refresh_token"];

/// A request. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where to; its query holds no secret.
    pub url: Url,
    /// The whole value of `Authorization`.
    pub authorization: Option<Secret>,
    /// JSON to post; none: GET.
    pub post: Option<Secret>,
    /// Another body, and how it is sent; it holds no secret.
    pub upload: Option<Upload>,
    /// The whole answer is to come within this time; none: the settings say.
    pub timeout: Option<Duration>,
}

/// The body of a request that is no form of a login.
#[derive(Clone)]
pub struct Upload {
    /// `POST` or `PUT`.
    pub method: http::Method,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// Whether `body` is compressed with gzip.
    pub is_gzip: bool,
    /// Ask the server first whether it takes a body of that size (`Expect: 100-continue`).
    pub asks_first: bool,
    /// What is sent; shared, for it may be large, and sent again.
    pub body: Arc<Vec<u8>>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Upload");
        shown
            .field("method", &self.method)
            .field("bytes", &self.body.len());
        shown.finish_non_exhaustive()
    }
}

impl Request {
    /// A GET without credentials.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self {
            url,
            authorization: None,
            post: None,
            upload: None,
            timeout: None,
        }
    }

    /// A request with that body, without credentials.
    #[must_use]
    pub fn upload(url: Url, upload: Upload) -> Self {
        Self {
            upload: Some(upload),
            ..Self::get(url)
        }
    }

    pub(super) fn has_body(&self) -> bool {
        self.post.is_some() || self.upload.is_some()
    }

    /// All that must not be shown: the header and the token in it, and what is posted in JSON.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let mut secrets: Vec<String> = Vec::new();
        if let Some(header) = &self.authorization {
            let (scheme, token) = header.expose().split_once(' ').unwrap_or_default();
            let is_pair = matches!(scheme, "Basic" | "ApiKey");
            let decoded = STANDARD.decode(token).ok().filter(|_| is_pair);
            let pair = decoded.and_then(|pair| String::from_utf8(pair).ok());
            let password = pair.as_ref().and_then(|pair| pair.split_once(':'));
            secrets.extend(password.map(|(_, password)| password.to_owned()));
            secrets.push(token.to_owned());
        }
        if let Some(post) = &self.post {
            let json: Option<BTreeMap<String, String>> = serde_json::from_str(post.expose()).ok();
            let secret = |key: &str| SECRET_KEYS.contains(&key);
            let posted = json.into_iter().flatten().filter(|(key, _)| secret(key));
            secrets.extend(posted.map(|(_, value)| value));
        }
        secrets.retain(|secret| !secret.is_empty());
        secrets.into_iter().map(Secret::new).collect()
    }

    /// With the value of `Authorization`.
    #[must_use]
    pub fn authorized(self, authorization: Secret) -> Self {
        Self {
            authorization: Some(authorization),
            ..self
        }
    }
}
