//! Answers, and what their headers say of waiting.

use std::time::{Duration, SystemTime};

use ureq::http::response::Parts;
use url::Url;

use super::Headers;
use super::dates;
use super::redaction::Redaction;
use crate::process::shown::is_unprintable;

/// The longest part of an answer that is quoted in a message.
const QUOTED: usize = 300;

/// An answer, of any status.
#[derive(Debug)]
pub struct Answer {
    /// What answered, behind redirects.
    pub url: Url,
    /// HTTP status of the response.
    pub status: u16,
    /// Body of the response, decompressed.
    pub body: Vec<u8>,
    /// How far our clock is ahead of the server's, as far as `Date`, which has whole seconds, tells;
    /// negative if it is behind. In seconds.
    pub ahead: Option<i64>,
    /// How long the server asks to be left alone: `Retry-After`, else `X-RateLimit-Reset`.
    pub retry_after: Option<Duration>,
    /// When the rate limit allows requests again: `X-RateLimit-Reset`.
    pub reset: Option<Duration>,
    /// Whether Confluence wants a CAPTCHA solved before it looks at a password again.
    pub wants_captcha: bool,
    /// The proxy that passed it on, or answered in the place of the server.
    pub(super) proxy: Option<String>,
    headers: Headers,
    /// What must not be shown of it.
    redaction: Redaction,
}

impl Answer {
    /// An answer whose head came at that time.
    pub(super) fn new(url: Url, parts: &Parts, came: SystemTime, body: Vec<u8>) -> Self {
        let wait = |name| dates::wait_of(&parts.headers, name, came);
        let reset = wait("x-ratelimit-reset");
        Self {
            url,
            status: parts.status.as_u16(),
            body,
            ahead: dates::server_time(&parts.headers).map(|date| seconds_between(date, came)),
            retry_after: wait("retry-after").or(reset),
            reset,
            wants_captcha: wants_captcha(&parts.headers),
            proxy: None,
            headers: parts.headers.clone(),
            redaction: Redaction::default(),
        }
    }

    /// The same, which does not show those secrets.
    pub(super) fn hiding(self, redaction: Redaction) -> Self {
        Self { redaction, ..self }
    }

    /// Whether the answer may be another's than the server's: what to add to a message of it.
    #[must_use]
    pub fn doubt(&self) -> String {
        self.proxy.as_ref().map_or_else(String::new, |proxy| {
            format!("; or the answer is not the site's but that of the proxy {proxy}")
        })
    }

    /// Where it redirects to; nowhere, if a CAPTCHA is to be solved first: that is what it says.
    pub(super) fn redirect(&self) -> Option<&str> {
        let is_redirect = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        (is_redirect && !self.wants_captcha)
            .then(|| self.header("location"))
            .flatten()
    }

    /// The value of a header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long to wait before the request is made again, as far as the server says so.
    ///
    /// A reset stands beside every answer of some servers: it is waited for only after 429 and 503, which say that the
    /// server takes no requests for now.
    #[must_use]
    pub fn asked_wait(&self) -> Option<Duration> {
        match self.status {
            429 | 503 => self.retry_after,
            408 | 500..=599 => self.header("retry-after").and(self.retry_after),
            _ => None,
        }
    }

    /// Whether it is a page for people.
    #[must_use]
    pub fn is_html(&self) -> bool {
        let start = self.body.trim_ascii_start();
        let content_type = self.header("content-type").unwrap_or_default();
        content_type.starts_with("text/html") || start.starts_with(b"<")
    }

    /// Whether its text, that of a page for people too, says that basic authentication is disabled.
    #[must_use]
    pub fn denies_basic_authentication(&self) -> bool {
        let text = String::from_utf8_lossy(&self.body).to_lowercase();
        let words = [
            "disabled",
            "deprecated",
            "not allowed",
            "not permitted",
            "not supported",
        ];
        text.contains("basic auth") && words.iter().any(|word| text.contains(word))
    }

    /// What the server says, in one short line, without the secrets that were sent; empty for a page
    /// for people.
    #[must_use]
    pub fn quote(&self) -> String {
        if self.is_html() {
            return String::new();
        }
        let text = String::from_utf8_lossy(&self.body);
        let message = serde_json::from_str::<serde_json::Value>(&text).ok();
        let said = message.as_ref().and_then(|json| {
            ["error_description", "message", "errorMessage", "error"]
                .iter()
                .find_map(|key| json.get(key)?.as_str())
        });
        // Tokens that were never seen before cannot be told from other words.
        let has_tokens = |json: &serde_json::Value| {
            json.get("access_token").is_some() || json.get("refresh_token").is_some()
        };
        if message.as_ref().is_some_and(has_tokens) {
            return String::new();
        }
        self.shown(said.unwrap_or(&text), QUOTED)
    }

    /// A part of what the server says, in one line of so many characters, without the secrets that were
    /// sent.
    #[must_use]
    pub fn shown(&self, part: &str, most: usize) -> String {
        let said = self.redaction.redact(part.trim());
        let line = said.replace(is_unprintable, " ");
        line.chars().take(most).collect()
    }
}

/// Atlassian's `Seraph` says so in headers: after some wrong passwords it denies the right one, too.
fn wants_captcha(headers: &Headers) -> bool {
    let says = |name: &str, word: &str| {
        let values = headers.get_all(name).iter();
        values
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.to_ascii_uppercase().contains(word))
    };
    says("x-authentication-denied-reason", "CAPTCHA")
        || says("x-seraph-loginreason", "AUTHENTICATION_DENIED")
}

/// From one to the other, in whole seconds; what is within the second of a `Date` is none.
fn seconds_between(date: SystemTime, came: SystemTime) -> i64 {
    let whole = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match came.duration_since(date) {
        Ok(ahead) => whole(ahead),
        Err(behind) => -whole(behind.duration()),
    }
}
