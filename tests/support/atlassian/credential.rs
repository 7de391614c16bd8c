//! What `Authorization` says.

use super::answer::{Answer, Refusal};
use super::http::Request;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    Nothing,
    Basic(String, String),
    Bearer(String),
}

impl Credential {
    /// A request's credential. One that is malformed is no wrong credential but a mistake.
    pub fn of(request: &Request) -> Result<Self, Refusal> {
        let mut values = request
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .map(|(_, value)| value.as_str());
        let Some(value) = values.next() else {
            return Ok(Self::Nothing);
        };
        if values.next().is_some() {
            return Err(Refusal::bad("two Authorization headers"));
        }
        match value.split_once(' ') {
            Some(("Bearer", token)) if is_token(token) => Ok(Self::Bearer(token.to_owned())),
            Some(("Basic", text)) => basic(text)
                .ok_or_else(|| Refusal::bad("an Authorization that is not base64 of name:secret")),
            _ => Err(Refusal::bad("an Authorization of no known kind")),
        }
    }

    /// Whether this is basic authentication by a name and a secret.
    pub fn is_basic(&self, name: &str, secret: &str) -> bool {
        matches!(self, Self::Basic(user, password) if user == name && password == secret)
    }

    /// Whether this is a bearer token.
    pub fn is_bearer(&self, token: &str) -> bool {
        matches!(self, Self::Bearer(text) if text == token)
    }

    /// Nobody may send a credential there.
    pub fn none_belongs_here(request: &Request) -> Result<(), Refusal> {
        if request.header("authorization").is_some() || request.header("cookie").is_some() {
            return Err(Refusal::bad("a credential where none belongs"));
        }
        Ok(())
    }
}

fn basic(text: &str) -> Option<Credential> {
    let text = String::from_utf8(base64(text)?).ok()?;
    let (name, secret) = text.split_once(':')?;
    Some(Credential::Basic(name.to_owned(), secret.to_owned()))
}

/// RFC 6750's `b64token`.
fn is_token(text: &str) -> bool {
    let core = text.trim_end_matches('=');
    let is_of_it = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    !core.is_empty() && core.chars().all(is_of_it)
}

/// Base64 of RFC 4648, padded.
fn base64(text: &str) -> Option<Vec<u8>> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let core = text.trim_end_matches('=');
    if text.is_empty() || !text.len().is_multiple_of(4) || text.len() - core.len() > 2 {
        return None;
    }
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for letter in core.bytes() {
        let index = LETTERS.iter().position(|&other| other == letter)?;
        bits = bits << 6 | u32::try_from(index).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some(bytes)
}

/// 401 as `api.atlassian.com` says it.
pub fn gateway_unauthorized(message: &str) -> Refusal {
    let body = serde_json::json!({"code": 401, "message": message});
    Refusal::fair(Answer::json(401, &body))
}
