//! Redaction of secrets from server messages.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use url::form_urlencoded::byte_serialize;

use crate::secret::Secret;

/// So many secrets are remembered: a daemon gets new tokens for years.
const MOST: usize = 16;
/// Shorter ones are no secrets, and would be found in every text.
const SHORTEST: usize = 4;

/// The secrets to redact.
#[derive(Debug, Clone, Default)]
pub(super) struct Redaction {
    secrets: VecDeque<Secret>,
}

impl Redaction {
    /// Takes note of a secret.
    pub(super) fn add(&mut self, secret: &Secret) {
        if self.secrets.contains(secret) || secret.expose().len() < SHORTEST {
            return;
        }
        if self.secrets.len() == MOST {
            self.secrets.pop_front();
        }
        self.secrets.push_back(secret.clone());
    }

    /// The text without the secrets, however they are encoded in it.
    pub(super) fn redact(&self, text: &str) -> String {
        let forms = self
            .secrets
            .iter()
            .flat_map(|secret| forms(secret.expose()));
        let mut found: Vec<String> = forms.filter(|form| text.contains(form)).collect();
        // The longest first: one may be a part of another.
        found.sort_by_key(|form| std::cmp::Reverse(form.len()));
        let mut text = text.to_owned();
        for form in found {
            text = text.replace(&form, "<secret>");
        }
        text
    }
}

/// The ways in which servers write a text.
fn forms(secret: &str) -> [String; 10] {
    let json = serde_json::Value::from(secret).to_string();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;");
    let html = html.replace('>', "&gt;").replace('"', "&quot;");
    let escaped = byte_serialize(secret.as_bytes()).collect::<String>();
    [
        secret.to_owned(),
        json[1..json.len() - 1].to_owned(),
        html,
        escaped.replace('+', "%20"),
        escaped,
        secret.to_lowercase(),
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_in_every_usual_form() {
        let mut redaction = Redaction::default();
        redaction.add(&Secret::new("s3c/r+t&T=k\"en".to_owned()));
        redaction.add(&Secret::new("abc".to_owned()));
        for text in [
            "a s3c/r+t&T=k\"en b",
            r#"a s3c/r+t&T=k\"en b"#,
            "a s3c/r+t&amp;T=k&quot;en b",
            "a s3c%2Fr%2Bt%26T%3Dk%22en b",
            "a s3c/r+t&t=k\"en b",
            "a czNjL3IrdCZUPWsiZW4= b",
            "a czNjL3IrdCZUPWsiZW4 b",
        ] {
            assert_eq!(redaction.redact(text), "a <secret> b", "{text}");
        }
        assert_eq!(redaction.redact("abc"), "abc", "too short to be one");
    }

    #[test]
    fn old_secrets_are_forgotten() {
        let mut redaction = Redaction::default();
        for number in 0..100 {
            redaction.add(&Secret::new(format!("token-{number}")));
        }
        assert_eq!(redaction.secrets.len(), MOST);
    }
}
